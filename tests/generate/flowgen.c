/* flowgen: send a made-up day of traffic to a collector, or write it to a file, as a router would export it.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "storage/error.h"
#include "storage/timetext.h"
#include "tests/generate/encode.h"
#include "tests/generate/random.h"

enum { EXIT_USAGE = 2, WITHOUT_MOST = 64 };

struct settings {
    struct gen_options day;
    const char *without[WITHOUT_MOST];
    const char *to, *source, *write;
    struct gen_router router;
    enum gen_form form;
    uint64_t rate;
    bool progress, truth;
};

struct sink {
    int socket; /* -1: none */
    FILE *file; /* NULL: none */
    uint64_t rate, sent, lost;
    double loss; /* share of datagrams that are made but not delivered */
    struct gen_random random;
    struct timespec began;
    bool progress;
    int64_t from_ms, to_ms;
    int shown; /* per cent on the terminal */
};

static const char help[] =
    "Usage: flowgen [OPTION]...\n"
    "Send a made-up day of an edge network's traffic, as a router would export it.\n"
    "\n"
    "  --to ADDR:PORT     send to this collector ([2001:db8::1]:2055 for IPv6)\n"
    "  --write FILE       write the datagrams to FILE, each behind its length (two bytes, big-endian)\n"
    "  --as FORM          v5, v9 or ipfix (default ipfix; v5 leaves IPv6 out)\n"
    "  --source ADDR      send from this address\n"
    "  --rate N           at most N datagrams a second (default 2000)\n"
    "  --start TIME       when the day begins (default 2024-03-05T00:00:00Z)\n"
    "  --hours N          how long it is, 1..168 (default 24)\n"
    "  --hosts N          how many workstations the network has, 60..20000 (default 300)\n"
    "  --seed N           another seed, another day; the same seed, the same day (default 1)\n"
    "  --only-v4          no IPv6\n"
    "  --without PATTERN  leave a pattern out (repeatable; --patterns lists them)\n"
    "  --patterns         list the patterns and leave\n"
    "  --truth            list what is planted, tab-separated: pattern; planted, follows (as true, but need\n"
    "                     not be found) or decoy; node; node; why it follows\n"
    "\n"
    "The router:\n"
    "  --at PLACE         which flows pass it: everywhere (all), border (those with an end outside), core\n"
    "                     (those with an end at a workstation or both inside) (default everywhere)\n"
    "  --active MS        its active timeout (default 60000)\n"
    "  --sampling N       it looks at one packet in N, 1..16383 (default 1)\n"
    "  --loss PERCENT     so many of its datagrams never arrive, 0..100 (default 0)\n"
    "  --clock MS         its clock is so far ahead, -3600000..3600000 (default 0)\n"
    "  --clock-error MS   its stamps are off by up to so much, either way, 0..60000 (default 0)\n"
    "\n"
    "  --progress         show how far the sending is\n"
    "  --help             this text\n";

static int usage(const char *fault, const char *what)
{
    fprintf(stderr, "flowgen: %s: %s; see flowgen --help\n", what, fault);
    return EXIT_USAGE;
}

static bool number(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || value < low || value > high)
        return false;
    *out = value;
    return true;
}

static bool form_of(const char *text, enum gen_form *out)
{
    static const char *const names[] = {"v5", "v9", "ipfix"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (enum gen_form)i;
            return true;
        }
    return false;
}

static bool add_without(struct settings *s, const char *name)
{
    const char *known;
    for (size_t i = 0; (known = gen_pattern_name(i)) != NULL; i++)
        if (strcmp(known, name) == 0 && s->day.n_without < WITHOUT_MOST) {
            s->without[s->day.n_without++] = known;
            return true;
        }
    return false;
}

static bool place_of(const char *text, enum gen_place *out)
{
    static const char *const names[] = {"everywhere", "border", "core"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            *out = (enum gen_place)i;
            return true;
        }
    return false;
}

enum choice {
    TO,
    WRITE,
    AS,
    SOURCE,
    RATE,
    START,
    HOURS,
    HOSTS,
    SEED,
    ONLY_V4,
    WITHOUT,
    PATTERNS,
    TRUTH,
    PROGRESS,
    AT,
    ACTIVE,
    SAMPLING,
    LOSS,
    CLOCK,
    CLOCK_ERROR,
    HELP
};

static const struct option options[] = {{"to", required_argument, NULL, TO},
                                        {"write", required_argument, NULL, WRITE},
                                        {"as", required_argument, NULL, AS},
                                        {"source", required_argument, NULL, SOURCE},
                                        {"rate", required_argument, NULL, RATE},
                                        {"start", required_argument, NULL, START},
                                        {"hours", required_argument, NULL, HOURS},
                                        {"hosts", required_argument, NULL, HOSTS},
                                        {"seed", required_argument, NULL, SEED},
                                        {"only-v4", no_argument, NULL, ONLY_V4},
                                        {"without", required_argument, NULL, WITHOUT},
                                        {"patterns", no_argument, NULL, PATTERNS},
                                        {"truth", no_argument, NULL, TRUTH},
                                        {"progress", no_argument, NULL, PROGRESS},
                                        {"at", required_argument, NULL, AT},
                                        {"active", required_argument, NULL, ACTIVE},
                                        {"sampling", required_argument, NULL, SAMPLING},
                                        {"loss", required_argument, NULL, LOSS},
                                        {"clock", required_argument, NULL, CLOCK},
                                        {"clock-error", required_argument, NULL, CLOCK_ERROR},
                                        {"help", no_argument, NULL, HELP},
                                        {NULL, 0, NULL, 0}};

/* A figure in its bounds into *out; 0 or the exit status of a usage error. */
static int figure(const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    return number(text, low, high, out) ? 0 : usage("not a number in range", text);
}

static int take_figure(struct settings *s, int option)
{
    uint64_t value = 0;
    int bad = 0;
    if (option == RATE)
        bad = figure(optarg, 1, 1000000, &s->rate);
    else if (option == SEED)
        bad = figure(optarg, 0, UINT64_MAX, &s->day.seed);
    else if (option == HOURS && (bad = figure(optarg, 1, GEN_HOURS_MAX, &value)) == 0)
        s->day.hours = (unsigned)value;
    else if (option == HOSTS && (bad = figure(optarg, GEN_HOSTS_MIN, GEN_HOSTS_MAX, &value)) == 0)
        s->day.hosts = (unsigned)value;
    return bad;
}

/* How the router's clock is off. */
static int take_clock(struct settings *s, const char *text)
{
    bool behind = text[0] == '-';
    uint64_t value;
    if (!number(text + behind, 0, 3600000, &value))
        return usage("not a number in range", text);
    s->router.clock_ms = behind ? -(int64_t)value : (int64_t)value;
    return 0;
}

static int take_of_router(struct settings *s, int option)
{
    uint64_t value = 0;
    int bad = 0;
    if (option == AT)
        return place_of(optarg, &s->router.place) ? 0 : usage("not everywhere, border or core", optarg);
    if (option == CLOCK)
        return take_clock(s, optarg);
    if (option == ACTIVE && (bad = figure(optarg, 1000, 86400000, &value)) == 0)
        s->router.active_ms = (int64_t)value;
    else if (option == SAMPLING && (bad = figure(optarg, 1, GEN_SAMPLING_MAX, &value)) == 0)
        s->router.sampling = (uint32_t)value;
    else if (option == LOSS && (bad = figure(optarg, 0, 100, &value)) == 0)
        s->router.loss = (double)value / 100;
    else if (option == CLOCK_ERROR && (bad = figure(optarg, 0, 60000, &value)) == 0)
        s->router.clock_error_ms = (int64_t)value;
    return bad;
}

/* 0, or the exit status of a usage error. */
static int take(struct settings *s, int option)
{
    switch (option) {
    case TO:
        s->to = optarg;
        return 0;
    case WRITE:
        s->write = optarg;
        return 0;
    case SOURCE:
        s->source = optarg;
        return 0;
    case AS:
        return form_of(optarg, &s->form) ? 0 : usage("not one of v5, v9, ipfix", optarg);
    case START:
        return fl_time_parse(optarg, fl_now_ms(), &s->day.start_ms) == 0 ? 0 : usage("not a time", optarg);
    case WITHOUT:
        return add_without(s, optarg) ? 0 : usage("no such pattern", optarg);
    case ONLY_V4:
        s->day.only_v4 = true;
        return 0;
    case TRUTH:
        s->truth = true;
        return 0;
    case PROGRESS:
        s->progress = true;
        return 0;
    case RATE:
    case SEED:
    case HOURS:
    case HOSTS:
        return take_figure(s, option);
    default:
        return take_of_router(s, option);
    }
}

/* 0 to go on; -1 when all is said; or the exit status of a usage error. */
static int settings_from(struct settings *s, int argc, char **argv)
{
    *s = (struct settings){.form = GEN_IPFIX, .rate = 2000};
    gen_options_init(&s->day);
    gen_router_init(&s->router);
    s->day.without = s->without;
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == HELP)
            fputs(help, stdout);
        for (size_t i = 0; option == PATTERNS && gen_pattern_name(i) != NULL; i++)
            puts(gen_pattern_name(i));
        if (option == HELP || option == PATTERNS)
            return -1;
        int bad = option == '?' ? EXIT_USAGE : take(s, option);
        if (bad != 0)
            return bad;
    }
    if (optind < argc)
        return usage("not an option", argv[optind]);
    s->router.seed = s->day.seed;
    if (s->to == NULL && s->write == NULL && !s->truth)
        return usage("nothing to do without --to, --write or --truth", "flowgen");
    return 0;
}

static int resolve(const char *host, const char *port, int flags, struct addrinfo **out)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = flags | AI_NUMERICHOST | AI_NUMERICSERV};
    return getaddrinfo(host, port, &hints, out);
}

/* Split "ADDR:PORT" or "[ADDR]:PORT" and look both up. 0 or a usage error's exit status. */
static int destination(const char *text, struct addrinfo **out)
{
    char copy[80];
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        return usage("not an ADDR:PORT", text);
    char *host = copy, *colon = strrchr(copy, ':');
    if (colon == NULL)
        return usage("not an ADDR:PORT", text);
    *colon = '\0';
    if (host[0] == '[' && colon[-1] == ']') {
        host++;
        colon[-1] = '\0';
    }
    return resolve(host, colon + 1, 0, out) == 0 ? 0 : usage("not an ADDR:PORT", text);
}

static int bind_source(int fd, const char *source)
{
    struct addrinfo *from;
    if (resolve(source, "0", AI_PASSIVE, &from) != 0)
        return usage("not an address", source);
    int bad = bind(fd, from->ai_addr, from->ai_addrlen);
    freeaddrinfo(from);
    if (bad != 0)
        fprintf(stderr, "flowgen: cannot send from %s: %s\n", source, strerror(errno));
    return bad != 0;
}

/* A connected socket in *fd; 0 or an exit status, said. */
static int open_socket(const struct settings *s, int *fd)
{
    struct addrinfo *to;
    int result = destination(s->to, &to);
    if (result != 0)
        return result;
    *fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (*fd < 0) {
        perror("flowgen: socket");
        result = EXIT_FAILURE;
        goto done;
    }
    if (s->source != NULL && (result = bind_source(*fd, s->source)) != 0)
        goto done;
    if (connect(*fd, to->ai_addr, to->ai_addrlen) != 0) {
        fprintf(stderr, "flowgen: cannot send to %s: %s\n", s->to, strerror(errno));
        result = EXIT_FAILURE;
    }
done:
    freeaddrinfo(to);
    return result;
}

/* Sleep until the pace allows one more. */
static void pace(const struct sink *k)
{
    struct timespec due = k->began;
    due.tv_sec += (time_t)(k->sent / k->rate);
    due.tv_nsec += (long)(k->sent % k->rate * 1000000000u / k->rate);
    if (due.tv_nsec >= 1000000000) {
        due.tv_nsec -= 1000000000;
        due.tv_sec++;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void show(struct sink *k, int64_t at_ms)
{
    int64_t span = k->to_ms - k->from_ms;
    int percent = (int)((at_ms - k->from_ms) * 100 / (span > 0 ? span : 1));
    percent = percent > 100 ? 100 : percent;
    if (!k->progress || percent == k->shown)
        return;
    k->shown = percent;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\rsending %3d %%", percent);
    else if (percent % 10 == 0)
        fprintf(stderr, "sending %3d %%\n", percent);
}

static int deliver(void *ctx, int64_t export_ms, const uint8_t *bytes, size_t length)
{
    struct sink *k = ctx;
    uint8_t prefix[2] = {(uint8_t)(length >> 8), (uint8_t)length};
    if (gen_chance(&k->random, k->loss)) {
        k->lost++;
        return 0;
    }
    if (k->file != NULL &&
        (fwrite(prefix, 1, 2, k->file) != 2 || fwrite(bytes, 1, length, k->file) != length)) {
        perror("flowgen: writing");
        return FL_EIO;
    }
    if (k->socket >= 0) {
        pace(k);
        /* A port where nobody listens answers with ICMP, which the next send reports: not our business. */
        if (send(k->socket, bytes, length, 0) < 0 && errno != ECONNREFUSED) {
            perror("flowgen: sending");
            return FL_EIO;
        }
        k->sent++;
    }
    show(k, export_ms);
    return 0;
}

static int open_sink(struct sink *k, const struct settings *s, const struct gen_day *day)
{
    *k = (struct sink){.socket = -1, .rate = s->rate, .progress = s->progress, .shown = -1};
    k->from_ms = s->day.start_ms;
    k->to_ms = day->n_flows == 0 ? k->from_ms : day->flows[day->n_flows - 1].end_ms;
    k->loss = s->router.loss;
    gen_random_init(&k->random, s->router.seed, "way");
    clock_gettime(CLOCK_MONOTONIC, &k->began);
    if (s->write != NULL && (k->file = fopen(s->write, "wb")) == NULL) {
        fprintf(stderr, "flowgen: %s: %s\n", s->write, strerror(errno));
        return EXIT_FAILURE;
    }
    return s->to == NULL ? 0 : open_socket(s, &k->socket);
}

static int close_sink(struct sink *k)
{
    if (k->socket >= 0)
        close(k->socket);
    if (k->file == NULL || fclose(k->file) == 0)
        return 0;
    perror("flowgen: writing");
    return EXIT_FAILURE;
}

static int export_day(const struct settings *s, const struct gen_day *day)
{
    struct sink k;
    struct gen_encode_report r = {0};
    int result = open_sink(&k, s, day);
    if (result == 0 && gen_encode(day->flows, day->n_flows, &s->router, s->form, deliver, &k, &r) != 0)
        result = EXIT_FAILURE;
    if (k.progress && k.shown >= 0 && isatty(STDERR_FILENO))
        fputc('\n', stderr);
    if (close_sink(&k) != 0)
        result = EXIT_FAILURE;
    if (result == 0)
        printf("sent %" PRIu64 " records in %" PRIu64 " datagrams, %" PRIu64 " bytes; skipped %" PRIu64
               " IPv6 records\n",
               r.records, r.datagrams, r.bytes, r.skipped);
    if (result == 0 && k.lost > 0)
        printf("of these, %" PRIu64 " datagrams were lost on the way\n", k.lost);
    return result;
}

static void list_truth(const struct gen_day *day)
{
    static const char *const kinds[] = {"planted", "follows", "decoy"};
    for (size_t i = 0; i < day->n_truth; i++) {
        const struct gen_truth *t = &day->truth[i];
        printf("%s\t%s\t%s\t%s\t%s\n", t->pattern, kinds[t->kind], t->x, t->y, t->reason);
    }
}

int main(int argc, char **argv)
{
    struct settings s;
    int result = settings_from(&s, argc, argv);
    if (result != 0)
        return result < 0 ? 0 : result;
    struct gen_day day;
    int made = gen_day_make(&day, &s.day);
    if (made < 0) {
        fprintf(stderr, "flowgen: cannot make the day: %s\n", fl_strerror(made));
        return EXIT_FAILURE;
    }
    if (s.truth)
        list_truth(&day);
    if (s.to != NULL || s.write != NULL)
        result = export_day(&s, &day);
    gen_day_clear(&day);
    return result;
}
