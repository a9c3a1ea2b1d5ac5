/* Writes the seeds of the decode path's fuzz targets: mkseeds DIRECTORY makes DIRECTORY/TARGET/NAME for each,
 * where NAME says the feature or the fault. tests/fuzz/seeds.sh holds the committed ones against this, so a
 * seed is always bytes that somebody can read here. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/collector/decode/faults.h"
#include "tests/fuzz/seeds.h"

static struct wire w;
static const char *top;
static FILE *out;

static void die(const char *what)
{
    fprintf(stderr, "mkseeds: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Open TARGET/NAME; the directories are made. */
static void seed_open(const char *target, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", top, target);
    if ((mkdir(top, 0777) && errno != EEXIST) || (mkdir(path, 0777) && errno != EEXIST))
        die(path);
    snprintf(path, sizeof path, "%s/%s/%s", top, target, name);
    out = fopen(path, "wb");
    if (!out)
        die(path);
}

static void seed_close(void)
{
    if (fclose(out))
        die(top);
}

static void write_bytes(const void *bytes, size_t n)
{
    if (n && fwrite(bytes, n, 1, out) != 1)
        die(top);
}

/* fuzz_decode: each datagram behind its length, all from the first sender. */
static void add_datagram(void)
{
    uint8_t length[2] = {(uint8_t)(w.n >> 8), (uint8_t)w.n};
    write_bytes(length, 2);
    write_bytes(w.b, w.n);
}

static void seed_faults(void)
{
    for (size_t i = 0; i < n_faults; i++) {
        seed_open("decode", faults[i].name);
        for (int step = 0; step < faults[i].steps; step++) {
            faults[i].build(&w, step);
            add_datagram();
        }
        seed_close();
    }
}

static void seed_features(void)
{
    for (size_t i = 0; i < n_features; i++) {
        seed_open("decode", features[i].name);
        for (int step = 0; step < features[i].steps; step++) {
            features[i].build(&w, step);
            add_datagram();
        }
        seed_close();
    }
}

/* The sets of the same datagrams, for fuzz_sanitise. */
static void seed_sets(const char *name, void (*build)(struct wire *, int))
{
    build(&w, 0);
    if (w.n < 20 || (w.b[1] != 9 && w.b[1] != 10))
        return;
    size_t header = w.b[1] == 9 ? 20 : 16;
    uint8_t dialect = w.b[1] == 10;
    seed_open("sanitise", name);
    write_bytes(&dialect, 1);
    write_bytes(w.b + header, w.n - header);
    seed_close();
}

static void seed_sanitise(void)
{
    for (size_t i = 0; i < n_faults; i++)
        seed_sets(faults[i].name, faults[i].build);
    for (size_t i = 0; i < n_features; i++)
        seed_sets(features[i].name, features[i].build);
}

static void seed_scripts(void)
{
    for (size_t i = 0; i < n_scripts; i++) {
        seed_open(scripts[i].target, scripts[i].name);
        w.n = 0;
        scripts[i].build(&w);
        write_bytes(w.b, w.n);
        seed_close();
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "Usage: mkseeds DIRECTORY\n");
        return 2;
    }
    top = argv[1];
    seed_faults();
    seed_features();
    seed_sanitise();
    seed_scripts();
    return 0;
}
