/* countpairs: make up the conversations of a network, count their pairs, tell what it cost; and write the
 * same activity as a table for other programs to count. For tests/bench/mining.
 *
 *     countpairs [--shape day|resolver|office|scanner|burst] [--size N] [--threads N] [--repeat N] [--write
 * FILE]
 *
 * Shapes are those of tests/bench/town.
 *
 * Prints one line: conversations, nodes, pairs tested, pairs kept, seconds and CPU seconds of laying out and
 * counting (of the repeat with the median time), peak memory in KiB before and after it.
 *
 * With --write, the activity becomes tables: FILE.presence (host, window, node, starts), a row for every
 * node, each host it is counted under, and each window it is present in; and FILE.node (node, client, server,
 * service), -1 for any. Prints the rows, and the co-occurrences: unordered pairs of rows of one host and
 * window of which at least one starts. With an empty FILE it only tells.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "mining/count.h"
#include "mining/radix.h"
#include "storage/error.h"
#include "tests/bench/town.h"

enum { EXIT_USAGE = 2, MOST_REPEATS = 99, DAY_MS = 86400000, HOUR_MS = 3600000 };

/* ---- the same activity as a table ---- */

struct table { /* sorted: by host, window, node; value: node, and whether it starts there */
    struct fl_entries rows;
};

/* Hosts of the lanes are told apart by their numbers: NAMED 4h, the bound ones 4h + 1 and 4h + 2. */
static int add_presence(struct table *t, enum fl_family family, uint32_t host, uint32_t node,
                        const struct fl_conversation *c, const struct fl_timeline *time)
{
    uint32_t first = fl_window_of(time, c->start_ms), last = fl_window_of(time, c->end_ms);
    for (uint32_t w = first; w <= last; w++)
        if (fl_entries_add(&t->rows, ((uint64_t)host * 4 + family) << 20 | w, node * 2 + (w == first)) < 0)
            return FL_ENOMEM;
    return 0;
}

static int add_node(struct table *t, const struct fl_nodes *nodes, uint32_t node, const struct fl_talk *talk,
                    const struct fl_timeline *time)
{
    const struct fl_node_key *key = &nodes->keys[node];
    int rc = 0;
    for (size_t i = nodes->first[node]; rc == 0 && i < nodes->first[node + 1]; i++) {
        const struct fl_conversation *c = &talk->items[nodes->conversations[i]];
        if (key->client != FL_HOST_ANY)
            rc = add_presence(t, FL_NAMED, key->client, node, c, time);
        if (rc == 0 && key->server != FL_HOST_ANY)
            rc = add_presence(t, FL_NAMED, key->server, node, c, time);
        if (rc == 0 && key->client == FL_HOST_ANY)
            rc = add_presence(t, FL_BOUND_CLIENT, c->client, node, c, time);
        if (rc == 0 && key->server == FL_HOST_ANY)
            rc = add_presence(t, FL_BOUND_SERVER, c->server, node, c, time);
    }
    return rc;
}

static int compare_rows(const void *va, const void *vb)
{
    const struct fl_entry *a = va, *b = vb;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->value < b->value ? -1 : a->value > b->value;
}

static int make_table(struct table *t, const struct fl_nodes *nodes, const struct fl_talk *talk,
                      const struct fl_timeline *time)
{
    struct fl_entries *e = &t->rows;
    size_t n = 0;
    for (uint32_t node = 0; node < nodes->n; node++)
        if (add_node(t, nodes, node, talk, time) < 0)
            return FL_ENOMEM;
    if (fl_entries_sort(e) < 0)
        return FL_ENOMEM;
    for (size_t from = 0, to; from < e->n; from = to) {
        for (to = from + 1; to < e->n && e->items[to].key == e->items[from].key;)
            to++;
        qsort(e->items + from, to - from, sizeof *e->items, compare_rows);
    }
    for (size_t i = 0; i < e->n;
         i++) { /* of one node's conversations in a window, the one that starts counts */
        struct fl_entry *last = n ? &e->items[n - 1] : NULL;
        if (last && last->key == e->items[i].key && last->value / 2 == e->items[i].value / 2)
            last->value |= e->items[i].value & 1;
        else
            e->items[n++] = e->items[i];
    }
    e->n = n;
    return 0;
}

static uint64_t count_cooccurrences(const struct table *t)
{
    uint64_t sum = 0;
    for (size_t from = 0, to; from < t->rows.n; from = to) {
        uint64_t starts = 0;
        for (to = from; to < t->rows.n && t->rows.items[to].key == t->rows.items[from].key; to++)
            starts += t->rows.items[to].value & 1;
        sum += starts * (to - from) - starts * (starts + 1) / 2;
    }
    return sum;
}

/* host, window, node, starts; and for every node its family's figures are left to the reader. */
static int write_presence(const struct table *t, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.presence", name);
    FILE *f = fopen(path, "w");
    if (!f)
        return FL_EIO;
    for (size_t i = 0; i < t->rows.n; i++)
        fprintf(f, "%" PRIu64 ",%" PRIu64 ",%" PRIu32 ",%" PRIu32 "\n", t->rows.items[i].key >> 20,
                t->rows.items[i].key & 0xfffff, t->rows.items[i].value / 2, t->rows.items[i].value & 1);
    return fclose(f) == 0 ? 0 : FL_EIO;
}

/* node, client, server (-1: any), service (port and protocol in one) */
static int write_nodes(const struct fl_nodes *nodes, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s.node", name);
    FILE *f = fopen(path, "w");
    if (!f)
        return FL_EIO;
    for (uint32_t i = 0; i < nodes->n; i++) {
        const struct fl_node_key *k = &nodes->keys[i];
        fprintf(f, "%" PRIu32 ",%" PRId64 ",%" PRId64 ",%" PRIu32 "\n", i,
                k->client == FL_HOST_ANY ? -1 : (int64_t)k->client,
                k->server == FL_HOST_ANY ? -1 : (int64_t)k->server, k->server_port << 8 | k->protocol);
    }
    return fclose(f) == 0 ? 0 : FL_EIO;
}

/* ---- counting ---- */

static double now_s(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kib(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

struct took {
    double real_s, cpu_s;
};

static int count_once(struct fl_pairs *pairs, const struct fl_nodes *nodes, const struct fl_talk *talk,
                      const struct fl_timeline *time, const struct fl_mining_config *config,
                      struct took *took)
{
    struct fl_lane lanes[3];
    struct fl_count_request request = {.lanes = lanes, .nodes = nodes, .talk = talk, .config = config};
    double real = now_s(CLOCK_MONOTONIC), cpu = now_s(CLOCK_PROCESS_CPUTIME_ID);
    int rc = fl_lanes_build(lanes, &(struct fl_lanes_request){nodes, talk, time, config->threads, 0, NULL});
    if (rc == 0)
        rc = fl_count_pairs(pairs, &request);
    *took = (struct took){now_s(CLOCK_MONOTONIC) - real, now_s(CLOCK_PROCESS_CPUTIME_ID) - cpu};
    for (int f = 0; f < 3; f++)
        fl_lane_clear(&lanes[f]);
    return rc;
}

static int compare_took(const void *va, const void *vb)
{
    const struct took *a = va, *b = vb;
    return a->real_s < b->real_s ? -1 : a->real_s > b->real_s;
}

struct options {
    const char *shape, *write;
    size_t size;
    uint32_t threads;
    int repeat;
};

static int count_and_print(const struct options *o, const struct fl_nodes *nodes, const struct fl_talk *talk,
                           const struct fl_timeline *time, const struct fl_mining_config *config)
{
    struct took took[MOST_REPEATS];
    struct fl_pairs pairs = {0};
    long before = peak_kib();
    int rc = 0;
    for (int i = 0; i < o->repeat && rc == 0; i++) {
        fl_pairs_clear(&pairs);
        rc = count_once(&pairs, nodes, talk, time, config, &took[i]);
    }
    qsort(took, (size_t)o->repeat, sizeof *took, compare_took);
    printf("%zu %zu %" PRIu64 " %zu %.4f %.4f %ld %ld\n", talk->n, nodes->n, pairs.tested, pairs.n,
           took[o->repeat / 2].real_s, took[o->repeat / 2].cpu_s, before, peak_kib());
    fl_pairs_clear(&pairs);
    return rc;
}

static int write_table(const char *name, const struct fl_nodes *nodes, const struct fl_talk *talk,
                       const struct fl_timeline *time)
{
    struct table table = {{0}};
    int rc = make_table(&table, nodes, talk, time);
    if (rc == 0)
        printf("%zu %" PRIu64 "\n", table.rows.n, count_cooccurrences(&table));
    if (rc == 0 && *name)
        rc = write_presence(&table, name);
    if (rc == 0 && *name)
        rc = write_nodes(nodes, name);
    fl_entries_clear(&table.rows);
    return rc;
}

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option known[] = {
        {"shape", required_argument, NULL, 's'},   {"size", required_argument, NULL, 'n'},
        {"threads", required_argument, NULL, 't'}, {"repeat", required_argument, NULL, 'r'},
        {"write", required_argument, NULL, 'w'},   {0}};
    int c;
    *o = (struct options){.shape = "day", .size = 1000000, .repeat = 1};
    while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (c == 's')
            o->shape = optarg;
        else if (c == 'n')
            o->size = strtoul(optarg, NULL, 10);
        else if (c == 't')
            o->threads = (uint32_t)strtoul(optarg, NULL, 10);
        else if (c == 'r')
            o->repeat = atoi(optarg);
        else if (c == 'w')
            o->write = optarg;
        else
            return FL_EINVAL;
    }
    return optind == argc && o->size > 0 && o->size < 100000000 && o->repeat > 0 && o->repeat <= MOST_REPEATS
               ? 0
               : FL_EINVAL;
}

static int run(const struct options *o, const struct fl_talk *talk)
{
    struct fl_config config;
    struct fl_nodes nodes = {0};
    struct fl_timeline time;
    int rc = fl_config_init(&config);
    if (rc < 0)
        return rc;
    config.mining.threads = o->threads;
    rc = fl_timeline_init(&time, town_begin_ms, town_begin_ms + DAY_MS + HOUR_MS, 1000, 60);
    if (rc == 0)
        rc = fl_nodes_build(&nodes, talk, &time, 10);
    if (rc == 0)
        rc = o->write ? write_table(o->write, &nodes, talk, &time)
                      : count_and_print(o, &nodes, talk, &time, &config.mining);
    fl_nodes_clear(&nodes);
    fl_config_clear(&config);
    return rc;
}

int main(int argc, char **argv)
{
    struct options o;
    struct fl_talk talk = {0};
    if (parse(&o, argc, argv) < 0) {
        fputs("Usage: countpairs [--shape day|resolver|office|scanner|burst] [--size N] [--threads N] "
              "[--repeat N] "
              "[--write FILE]\n",
              stderr);
        return EXIT_USAGE;
    }
    int rc = town_talk(&talk, o.shape, o.size);
    if (rc == 0)
        rc = run(&o, &talk);
    if (rc < 0)
        fprintf(stderr, "countpairs: %s\n", fl_strerror(rc));
    fl_talk_clear(&talk);
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
