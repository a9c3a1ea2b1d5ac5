/* Runs a libFuzzer target without libFuzzer, so that `make check` fuzzes a little with any compiler.
 *
 *     fuzz_x [-n ITERATIONS] [-s SEED] [FILE|DIRECTORY]...
 *
 * Replays every file as it is, then ITERATIONS seeded mutations of them (FL_FUZZ_ITERATIONS in the
 * environment is the default, else 2000). The same seed gives the same inputs. Without a file it looks into
 * $srcdir/tests/fuzz/seeds/NAME, where the program is called fuzz_NAME. Reports TAP: one test for the replay,
 * one for the mutations; a crash is a missing result, and the sanitiser names the place. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { max_input = 1 << 20 };

struct seed {
    uint8_t *bytes;
    size_t length;
};
static struct seed *seeds;
static size_t n_seeds;

static uint64_t state;

/* splitmix64 */
static uint64_t next_random(void)
{
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void die(const char *what, const char *path)
{
    printf("Bail out! %s: %s\n", what, path);
    exit(1);
}

static void load_file(const char *path)
{
    uint8_t *bytes = malloc(max_input);
    FILE *f = fopen(path, "rb");
    if (!bytes || !f)
        die("cannot read", path);
    size_t length = fread(bytes, 1, max_input, f);
    fclose(f);
    seeds = realloc(seeds, (n_seeds + 1) * sizeof *seeds);
    if (!seeds)
        die("out of memory", path);
    seeds[n_seeds++] = (struct seed){bytes, length};
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* A file, or the files of a directory in the order of their names (so that runs repeat). */
static void load(const char *path)
{
    struct stat st;
    struct dirent **names = NULL;
    if (stat(path, &st) < 0)
        die("no such seed", path);
    if (!S_ISDIR(st.st_mode)) {
        load_file(path);
        return;
    }
    int n = scandir(path, &names, not_hidden, alphasort);
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        load_file(file);
        free(names[i]);
    }
    free(names);
}

static void load_default(const char *program)
{
    char path[4096];
    const char *srcdir = getenv("srcdir"), *name = strstr(program, "fuzz_"), *next;
    while (name && (next = strstr(name + 1, "fuzz_")))
        name = next;
    if (name) {
        snprintf(path, sizeof path, "%s/tests/fuzz/seeds/%s", srcdir ? srcdir : ".", name + strlen("fuzz_"));
        load(path);
    }
}

/* The input in a block of exactly its size, so that the sanitiser sees a read of one byte too many. */
static void run(const uint8_t *bytes, size_t length)
{
    uint8_t *exact = malloc(length ? length : 1);
    if (!exact)
        die("out of memory", "input");
    memcpy(exact, bytes, length);
    LLVMFuzzerTestOneInput(exact, length);
    free(exact);
}

static size_t splice(uint8_t *bytes, size_t length)
{
    const struct seed *other = &seeds[next_random() % n_seeds];
    if (other->length == 0 || length == 0)
        return length;
    size_t from = next_random() % other->length, at = next_random() % length;
    size_t n = next_random() % (other->length - from) + 1;
    if (n > max_input - at)
        n = max_input - at;
    memcpy(bytes + at, other->bytes + from, n);
    return at + n > length ? at + n : length;
}

static size_t mutate_once(uint8_t *bytes, size_t length)
{
    static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
    if (length == 0)
        return 0;
    size_t at = next_random() % length;
    switch (next_random() % 6) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << next_random() % 8);
        return length;
    case 1:
        bytes[at] = (uint8_t)next_random();
        return length;
    case 2:
        bytes[at] = edges[next_random() % sizeof edges];
        return length;
    case 3:
        return at;
    case 4:
        memmove(bytes + at, bytes + at + 1, length - at - 1);
        return length - 1;
    default:
        return splice(bytes, length);
    }
}

static void mutate(uint8_t *buffer, unsigned long iterations)
{
    for (unsigned long i = 0; i < iterations; i++) {
        const struct seed *seed = &seeds[next_random() % n_seeds];
        size_t length = seed->length;
        memcpy(buffer, seed->bytes, length);
        for (uint64_t times = next_random() % 8 + 1; times > 0; times--)
            length = mutate_once(buffer, length);
        run(buffer, length);
    }
}

int main(int argc, char **argv)
{
    const char *from_environment = getenv("FL_FUZZ_ITERATIONS");
    unsigned long iterations = from_environment ? strtoul(from_environment, NULL, 10) : 2000;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-n") == 0 && i + 1 < argc)
            iterations = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "-s") == 0 && i + 1 < argc)
            state = strtoull(argv[++i], NULL, 10);
        else
            load(argv[i]);
    if (n_seeds == 0)
        load_default(argv[0]);
    if (n_seeds == 0)
        die("no seeds for", argv[0]);

    printf("1..2\n");
    fflush(stdout);
    for (size_t i = 0; i < n_seeds; i++)
        run(seeds[i].bytes, seeds[i].length);
    printf("ok 1 - replays %zu seeds\n", n_seeds);
    fflush(stdout);

    uint8_t *buffer = malloc(max_input);
    if (!buffer)
        die("out of memory", "buffer");
    mutate(buffer, iterations);
    printf("ok 2 - survives %lu mutations\n", iterations);

    free(buffer);
    for (size_t i = 0; i < n_seeds; i++)
        free(seeds[i].bytes);
    free(seeds);
    return 0;
}
