/* pelt: a fuzz target that sends. tests/fuzz/standalone.c replays and mutates the seeds of fuzz_decode; here
 * each of their datagrams goes to a collector, from several ports in turn. In the environment:
 *     PELT_TO      127.0.0.1:PORT
 *     PELT_PORTS   how many ports to send from (default 4)
 *     PELT_RATE    datagrams a second at most (default 20000)
 *     PELT_REPORT  a file to which the number of datagrams sent is written at the end */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_PORTS = 64, BURST = 50 };

static int sockets[MOST_PORTS];
static unsigned n_sockets;
static unsigned long sent, rate;

static void die(const char *what)
{
    printf("Bail out! pelt: %s: %s\n", what, strerror(errno));
    exit(1);
}

static unsigned long setting(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static void report(void)
{
    const char *path = getenv("PELT_REPORT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (f) {
        fprintf(f, "%lu\n", sent);
        fclose(f);
    }
}

static void open_sockets(void)
{
    const char *to = getenv("PELT_TO"), *colon = to ? strrchr(to, ':') : NULL;
    struct sockaddr_in address = {.sin_family = AF_INET};
    char host[64] = "";
    if (!colon || (size_t)(colon - to) >= sizeof host)
        die("PELT_TO is not ADDRESS:PORT");
    memcpy(host, to, (size_t)(colon - to));
    address.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
        die("PELT_TO is not ADDRESS:PORT");
    rate = setting("PELT_RATE", 20000);
    unsigned long ports = setting("PELT_PORTS", 4);
    while (n_sockets < ports && n_sockets < MOST_PORTS) {
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
            die(to);
        sockets[n_sockets++] = fd;
    }
    atexit(report);
}

static void pace(void)
{
    if (sent % BURST)
        return;
    long ns = (long)(UINT64_C(1000000000) * BURST / (rate ? rate : 1));
    nanosleep(&(struct timespec){ns / 1000000000, ns % 1000000000}, NULL);
}

static void send_one(const uint8_t *bytes, size_t length)
{
    if (send(sockets[sent % n_sockets], bytes, length < 65507 ? length : 65507, 0) < 0)
        die("cannot send");
    sent++;
    pace();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!n_sockets)
        open_sockets();
    while (size >= 2) {
        size_t length = (size_t)(data[0] & 0x3f) << 8 | data[1];
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        send_one(data, length);
        data += length;
        size -= length;
    }
    return 0;
}
