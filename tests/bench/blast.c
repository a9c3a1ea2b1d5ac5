/* blast: replay recorded exports from memory at a given pace, to a collector that it starts, measures and
 * ends.
 *
 * The file is what flowgen --write makes: each datagram behind its length. It is held in memory and sent with
 * sendmmsg, so that the sender costs little beside the collector. Every source sends the whole file; sequence
 * numbers go on from one pass to the next. When everything is sent, and the collector's counters or files
 * have had time to settle, the collector is told to end; what it used is what wait4 says of it. */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, BLOCK = 16, SOURCES_MOST = 65536, START_MS = 30000, END_MS = 120000 };

struct settings {
    const char *file, *log;
    uint64_t port, rate, sources, ports, passes, records, settle_ms;
    bool v6;
    int signal;     /* that ends the collector */
    char **command; /* NULL: the collector runs already */
};

struct recording {
    uint8_t *bytes;
    uint32_t *at; /* where each datagram begins; at[n] is the end */
    size_t n;
};

static const char help[] =
    "Usage: blast [OPTION]... [-- COLLECTOR ARGUMENT...]\n"
    "Send recorded exports to a collector on the loopback, and tell what the collector used.\n"
    "\n"
    "  --file FILE     datagrams, each behind its length (two bytes, big-endian)\n"
    "  --port N        where the collector listens on 127.0.0.1\n"
    "  --v6            ... on ::1\n"
    "  --rate N        so many datagrams a second in all; 0: as fast as it goes (default)\n"
    "  --sources N     send the file from so many addresses, 127.1.0.1 and on (default 1: 127.0.0.1)\n"
    "  --ports N       and from so many ports of each (default 1)\n"
    "  --passes N      send it so many times (default 1)\n"
    "  --records N     flow records in the file, by which IPFIX and v5 sequence numbers go on in a second "
    "pass\n"
    "  --settle MS     wait so long before the collector is ended (default 1500)\n"
    "  --end INT       end it so, not by TERM\n"
    "  --log FILE      what the collector says\n"
    "\n"
    "Prints: datagrams sent, seconds of sending, the collector's user and system seconds, its peak KiB of\n"
    "memory, and its exit status.\n";

static int fail(const char *what)
{
    fprintf(stderr, "blast: %s: %s\n", what, strerror(errno));
    return EXIT_FAILURE;
}

static int64_t monotonic_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void sleep_us(int64_t us)
{
    struct timespec t = {us / 1000000, us % 1000000 * 1000};
    nanosleep(&t, NULL);
}

/* ---- the recording ---- */

static int index_datagrams(struct recording *r, size_t size)
{
    r->at = malloc((size / 2 + 2) * sizeof *r->at);
    if (!r->at)
        return fail("memory");
    size_t from = 0, to = 0;
    while (from + 2 <= size) {
        size_t length = (size_t)r->bytes[from] << 8 | r->bytes[from + 1];
        if (length < 20 || from + 2 + length > size)
            break;
        r->at[r->n++] = (uint32_t)to;
        memmove(r->bytes + to, r->bytes + from + 2, length);
        from += 2 + length;
        to += length;
    }
    r->at[r->n] = (uint32_t)to;
    if (from == size && r->n)
        return 0;
    fprintf(stderr, "blast: not a recording of datagrams\n");
    return EXIT_FAILURE;
}

static int load(struct recording *r, const char *path)
{
    struct stat st;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &st) || !(r->bytes = malloc((size_t)st.st_size + 1)) ||
        fread(r->bytes, 1, (size_t)st.st_size, file) != (size_t)st.st_size)
        return fail(path);
    fclose(file);
    return index_datagrams(r, (size_t)st.st_size);
}

/* Move the sequence numbers on by a pass: v5 and IPFIX count records, v9 datagrams. */
static void next_pass(struct recording *r, uint64_t records)
{
    for (size_t i = 0; i < r->n; i++) {
        uint8_t *d = r->bytes + r->at[i];
        uint8_t *field = d + (d[1] == 5 ? 16 : d[1] == 9 ? 12 : 8);
        uint32_t sequence;
        memcpy(&sequence, field, sizeof sequence);
        sequence = htonl(ntohl(sequence) + (uint32_t)(d[1] == 9 ? r->n : records));
        memcpy(field, &sequence, sizeof sequence);
    }
}

/* ---- sending ---- */

static int open_source(const struct settings *s, uint32_t number)
{
    int on = 1, bytes = 4 << 20, fd = socket(s->v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    from.sin_addr.s_addr = htonl(s->sources > 1 ? 0x7f010001 + number : INADDR_LOOPBACK);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = to6.sin6_port = htons((uint16_t)s->port);
    if (s->v6)
        return connect(fd, (struct sockaddr *)&to6, sizeof to6) ? -1 : fd;
    if (bind(fd, (struct sockaddr *)&from, sizeof from) || connect(fd, (struct sockaddr *)&to, sizeof to))
        return -1;
    return fd;
}

/* Send datagrams [from, to) of the recording; false when the collector is not there. */
static bool send_block(int fd, const struct recording *r, size_t from, size_t to)
{
    struct mmsghdr messages[BLOCK];
    struct iovec parts[BLOCK];
    memset(messages, 0, sizeof messages);
    for (size_t i = from; i < to; i++) {
        parts[i - from] = (struct iovec){r->bytes + r->at[i], r->at[i + 1] - r->at[i]};
        messages[i - from].msg_hdr.msg_iov = &parts[i - from];
        messages[i - from].msg_hdr.msg_iovlen = 1;
    }
    for (size_t done = 0; done < to - from;) {
        int n = sendmmsg(fd, messages + done, (unsigned)(to - from - done), 0);
        if (n < 0 && errno != EINTR && errno != ENOBUFS)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* Every source sends a block in turn. Returns datagrams sent. */
static uint64_t send_all(const struct settings *s, struct recording *r, const int *fds, size_t n_fds)
{
    uint64_t sent = 0;
    int64_t began = monotonic_us();
    for (uint64_t pass = 0; pass < s->passes; pass++) {
        for (size_t from = 0; from < r->n; from += BLOCK) {
            size_t to = from + BLOCK < r->n ? from + BLOCK : r->n;
            for (size_t i = 0; i < n_fds; i++) {
                if (!send_block(fds[i], r, from, to))
                    return sent;
                sent += to - from;
                int64_t early = s->rate ? (int64_t)(sent * 1000000 / s->rate) - (monotonic_us() - began) : 0;
                if (early > 500)
                    sleep_us(early);
            }
        }
        next_pass(r, s->records);
    }
    return sent;
}

/* ---- the collector ---- */

/* Somebody is bound to the port. */
static bool is_bound(uint64_t port)
{
    static const char *const lists[] = {"/proc/net/udp", "/proc/net/udp6"};
    char wanted[16], line[512];
    bool found = false;
    snprintf(wanted, sizeof wanted, ":%04" PRIX64 " ", port);
    for (size_t i = 0; i < 2 && !found; i++) {
        FILE *list = fopen(lists[i], "r");
        while (list && !found && fgets(line, sizeof line, list))
            found = strstr(line, wanted) != NULL;
        if (list)
            fclose(list);
    }
    return found;
}

static pid_t start(const struct settings *s)
{
    if (is_bound(s->port)) {
        fprintf(stderr, "blast: port %" PRIu64 " is in use\n", s->port);
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        if (s->log && (!freopen(s->log, "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0))
            _exit(127);
        execvp(s->command[0], s->command);
        _exit(127);
    }
    for (int ms = 0; pid > 0 && ms < START_MS; ms += 20) {
        if (is_bound(s->port)) {
            sleep_us(300000);
            return pid;
        }
        if (waitpid(pid, NULL, WNOHANG) == pid)
            break;
        sleep_us(20000);
    }
    fprintf(stderr, "blast: %s does not listen on port %" PRIu64 "\n", s->command[0], s->port);
    if (pid > 0)
        kill(pid, SIGKILL);
    return -1;
}

/* End it, by KILL when it does not end as it should; its exit status, and what it used. */
static int end(pid_t pid, int number, struct rusage *used)
{
    int status = 0;
    pid_t ended = 0;
    kill(pid, number);
    for (int ms = 0; ms < END_MS && !ended; ms += 20) {
        ended = wait4(pid, &status, WNOHANG, used);
        if (!ended)
            sleep_us(20000);
    }
    if (!ended) {
        kill(pid, SIGKILL);
        wait4(pid, &status, 0, used);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int open_sources(const struct settings *s, int *fds, size_t n)
{
    struct rlimit files = {n + 64, n + 64};
    setrlimit(RLIMIT_NOFILE, &files);
    for (size_t i = 0; i < n; i++)
        if ((fds[i] = open_source(s, (uint32_t)(i / s->ports))) < 0)
            return fail("opening a source");
    return 0;
}

/* The collector is started before the recording is read: what a child uses counts from what it is born with.
 */
static int blast(const struct settings *s, struct recording *r)
{
    size_t n = s->sources * s->ports;
    struct rusage used = {0};
    int *fds = calloc(n, sizeof *fds), status = 0;
    pid_t pid = s->command ? start(s) : 0;
    if (!fds || pid < 0)
        return EXIT_FAILURE;
    int bad = load(r, s->file) || open_sources(s, fds, n);
    int64_t began = monotonic_us();
    uint64_t sent = bad ? 0 : send_all(s, r, fds, n);
    double took = (double)(monotonic_us() - began) / 1e6;
    if (pid > 0) {
        sleep_us((int64_t)s->settle_ms * 1000);
        status = end(pid, s->signal, &used);
    }
    printf("%" PRIu64 " %.3f %.3f %.3f %ld %d\n", sent, took, seconds(used.ru_utime), seconds(used.ru_stime),
           used.ru_maxrss, status);
    free(fds);
    bad = bad || sent < s->passes * n * r->n;
    if (bad)
        fprintf(stderr, "blast: not everything could be sent\n");
    return bad ? EXIT_FAILURE : 0;
}

/* ---- options ---- */

static bool take(struct settings *s, int option)
{
    static const struct {
        uint64_t low, high;
    } bounds[] = {
        ['p'] = {1, 65535},   ['r'] = {0, 100000000},  ['s'] = {1, SOURCES_MOST}, ['P'] = {1, SOURCES_MOST},
        ['n'] = {1, 1000000}, ['R'] = {0, UINT32_MAX}, ['w'] = {0, 600000}};
    uint64_t *const to = option == 'p'   ? &s->port
                         : option == 'r' ? &s->rate
                         : option == 's' ? &s->sources
                         : option == 'P' ? &s->ports
                         : option == 'n' ? &s->passes
                         : option == 'R' ? &s->records
                                         : &s->settle_ms;
    char *rest;
    *to = strtoull(optarg, &rest, 10);
    return *optarg >= '0' && *optarg <= '9' && !*rest && *to >= bounds[option].low &&
           *to <= bounds[option].high;
}

static bool parse(struct settings *s, int argc, char **argv)
{
    static const struct option options[] = {{"file", required_argument, NULL, 'f'},
                                            {"port", required_argument, NULL, 'p'},
                                            {"v6", no_argument, NULL, '6'},
                                            {"rate", required_argument, NULL, 'r'},
                                            {"sources", required_argument, NULL, 's'},
                                            {"ports", required_argument, NULL, 'P'},
                                            {"passes", required_argument, NULL, 'n'},
                                            {"records", required_argument, NULL, 'R'},
                                            {"settle", required_argument, NULL, 'w'},
                                            {"log", required_argument, NULL, 'l'},
                                            {"end", required_argument, NULL, 'e'},
                                            {NULL, 0, NULL, 0}};
    *s = (struct settings){.sources = 1, .ports = 1, .passes = 1, .settle_ms = 1500, .signal = SIGTERM};
    for (int option; (option = getopt_long(argc, argv, "+", options, NULL)) != -1;) {
        if (option == 'f')
            s->file = optarg;
        else if (option == 'l')
            s->log = optarg;
        else if (option == '6')
            s->v6 = true;
        else if (option == 'e' && !strcmp(optarg, "INT"))
            s->signal = SIGINT;
        else if (option == '?' || option == 'e' || !take(s, option))
            return false;
    }
    s->command = optind < argc ? argv + optind : NULL;
    return s->file && s->port && s->sources * s->ports <= SOURCES_MOST && !(s->v6 && s->sources > 1);
}

int main(int argc, char **argv)
{
    struct settings s;
    struct recording r = {0};
    if (!parse(&s, argc, argv)) {
        fputs(help, stderr);
        return EXIT_USAGE;
    }
    signal(SIGPIPE, SIG_IGN);
    int bad = blast(&s, &r);
    free(r.bytes);
    free(r.at);
    return bad;
}
