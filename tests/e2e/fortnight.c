/* A fortnight of three locations, mined as the service does it: what an operator is told, day by day, and
 * what caused it. Every planted change is told once, within one run of becoming visible; of what no planted
 * change explains there is at most one alert a day at a location, and alerts grow a few times.
 *
 * At paris somebody accepts each morning what was told, and of look-ups at once those of all hosts; at london
 * alerts are acknowledged; at tokyo nobody does anything. `fortnight --table [SEED [HOURS]]` prints the
 * table, mined every so many hours, `fortnight
 * --long` counts over several seeds.
 */
#include "tests/mining/mining_fixture.h"

#include "mining/mine.h"
#include "storage/error.h"
#include "storage/timetext.h"
#include "tests/e2e/fortnight_plan.h"
#include "tests/storage/store_fixture.h"

enum { EVERY_HOURS = 6, MOST_ALERTS = 400, MOST_GROWN = 40, LONG_SEEDS = 8 };

struct told {            /* an alert */
    int64_t id, run_ms;  /* run_ms: end of the span of the run that opened it */
    int64_t rules, most; /* that it tells of now, and at most */
    size_t grown;        /* runs by which it came to tell of more: sinks are told again */
    unsigned location;
    int change; /* among plan_changes; -1: none explains it */
    char opened[32], kind[8], grade[12], severity[8], rule[FL_RULE_TEXT], text[1000];
};
struct sim {
    uint64_t seed;
    unsigned every_hours; /* a run */
    struct fl_config config;
    struct fl_rulesdb *db;
    struct fl_writer *writer;
    struct fl_exporter_stats exporters[PLAN_LOCATIONS];
    struct fl_kept_flows flows[PLAN_LOCATIONS];
    struct told told[MOST_ALERTS];
    size_t n_told, unclean_runs, held;
    int64_t now_ms;    /* data time */
    unsigned location; /* whose run is under way */
};

static void check(int rc, const struct fl_err *err)
{
    if (rc != 0)
        fail_msg("%s (%d)", err->text, rc);
}

/* ---- what comes in ---- */

/* What the collector counts of an hour: by the exporter's sequence numbers it knows what was lost. */
static void count_hour(struct sim *s, unsigned location, uint64_t came, uint64_t lost, uint32_t sampling)
{
    struct fl_exporter_stats *e = &s->exporters[location];
    e->packets += came / 20 + 1;
    e->flows += came;
    e->lost += lost;
    e->sampling = sampling;
}

static void tell_figures(struct sim *s, int64_t now_ms)
{
    struct fl_service_stats service = {.started_ms = PLAN_START_MS, .updated_ms = now_ms, .running = true};
    struct fl_err err = {""};
    for (unsigned l = 0; l < PLAN_LOCATIONS; l++)
        s->exporters[l].last_seen_ms = now_ms - 1;
    check(fl_rulesdb_store_stats(s->db, &service, s->exporters, PLAN_LOCATIONS, &err), &err);
}

static unsigned hour_of(const struct fl_flow *f, int64_t day_ms)
{
    int64_t hour = (f->start_ms - day_ms) / PLAN_HOUR_MS;
    return (unsigned)(hour < 0 ? 0 : hour > 23 ? 23 : hour);
}

/* A day of one location into the store, and how many records of each hour came and did not. */
static void store_day(struct sim *s, unsigned location, unsigned day, int64_t came[24], int64_t lost[24])
{
    struct gen_day made;
    struct gen_router router;
    struct fl_flow *records;
    struct fl_err err = {""};
    struct fl_commit_report report;
    int64_t day_ms = PLAN_START_MS + day * PLAN_DAY_MS;
    size_t n;
    assert_int_equal(plan_day(&made, location, day, s->seed), 0);
    plan_router(&router, location, day, s->seed);
    for (int whole = router.loss > 0; whole >= 0; whole--) {
        struct gen_router r = router;
        r.loss = whole ? 0 : router.loss;
        assert_int_equal(gen_records(&made, &r, 1, &records, &n), 0);
        for (size_t i = 0; i < n; i++) {
            came[hour_of(&records[i], day_ms)] += !whole;
            lost[hour_of(&records[i], day_ms)] += whole ? 1 : router.loss > 0 ? -1 : 0;
            if (!whole)
                assert_int_equal(fl_writer_add(s->writer, plan_location(location), &records[i]), 0);
        }
        free(records);
    }
    check(fl_writer_commit(s->writer, &report, &err), &err);
    gen_day_clear(&made);
}

/* ---- what is told ---- */

static const char *text_of(json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));
    return text ? text : "";
}

static bool names_one(const char *rule, const struct plan_change *c)
{
    for (const char *const *node = c->nodes; *node; node++)
        if (strstr(rule, *node))
            return true;
    return false;
}

/* A change explains an alert all of whose rules are about what it planted. */
struct explaining {
    unsigned location;
    int64_t now_ms;
    bool possible[32];
};

static int explain_rule(void *ctx, json_t *rule)
{
    struct explaining *e = ctx;
    for (size_t c = 0; plan_changes[c].what; c++)
        e->possible[c] = e->possible[c] && names_one(text_of(rule, "rule"), &plan_changes[c]);
    return 0;
}

static int cause_of(struct sim *s, int64_t alert_id)
{
    struct explaining e = {.location = s->location};
    struct fl_err err = {""};
    for (size_t i = 0; plan_changes[i].what; i++) { /* a run sees a day back */
        const struct plan_change *c = &plan_changes[i];
        e.possible[i] =
            c->location == s->location && c->begins_ms < s->now_ms && s->now_ms - PLAN_DAY_MS <= c->ends_ms;
    }
    struct fl_rule_filter filter = {.alert_id = alert_id, .status = "all"};
    check(fl_rulesdb_rules(s->db, &filter, explain_rule, &e, &err), &err);
    for (size_t c = 0; plan_changes[c].what; c++)
        if (e.possible[c])
            return (int)c;
    return -1;
}

static void take(char *out, size_t room, json_t *o, const char *name)
{
    snprintf(out, room, "%s", text_of(o, name));
}

static struct told *find_told(struct sim *s, int64_t id)
{
    for (size_t i = 0; i < s->n_told; i++)
        if (s->told[i].id == id)
            return &s->told[i];
    return NULL;
}

static void note_new(struct sim *s, int64_t id, json_t *o)
{
    assert_true(s->n_told < MOST_ALERTS);
    struct told *t = &s->told[s->n_told++];
    t->id = id;
    t->rules = t->most = json_integer_value(json_object_get(o, "rules"));
    t->run_ms = s->now_ms;
    t->location = s->location;
    take(t->opened, sizeof t->opened, o, "opened");
    take(t->kind, sizeof t->kind, o, "kind");
    take(t->grade, sizeof t->grade, o, "novelty");
    take(t->severity, sizeof t->severity, o, "severity");
    take(t->rule, sizeof t->rule, o, "rule");
    take(t->text, sizeof t->text, o, "text");
}

/* It is new, or tells of more, or of less. */
static int note_alert(void *ctx, json_t *o)
{
    struct sim *s = ctx;
    int64_t id = json_integer_value(json_object_get(o, "id")),
            rules = json_integer_value(json_object_get(o, "rules"));
    struct told *t = find_told(s, id);
    if (!t && strcmp(text_of(o, "state"), "open") == 0)
        note_new(s, id, o);
    if (!t)
        return 0;
    t->grown += rules > t->rules;
    t->rules = rules;
    t->most = rules > t->most ? rules : t->most;
    return 0;
}

static void look_at_alerts(struct sim *s)
{
    struct fl_alert_filter filter = {.state = "all"};
    struct fl_err err = {""};
    size_t before = s->n_told;
    check(fl_rulesdb_alerts(s->db, &filter, note_alert, s, &err), &err);
    for (size_t i = before; i < s->n_told; i++)
        s->told[i].change = cause_of(s, s->told[i].id);
}

static void mine(struct sim *s, unsigned location, int64_t to_ms)
{
    struct fl_mine_request request = {.data_dir = dir,
                                      .location = plan_location(location),
                                      .from_ms = to_ms - s->config.mining.span_ms,
                                      .to_ms = to_ms,
                                      .config = &s->config,
                                      .scheduled = true,
                                      .kept_flows = &s->flows[location]};
    struct fl_mine_result result;
    struct fl_err err = {""};
    s->location = location;
    s->now_ms = to_ms;
    check(fl_mine(s->db, &request, &result, &err), &err);
    s->unclean_runs += *result.run.unclean != '\0';
    s->held += result.run.held;
    look_at_alerts(s);
}

/* ---- what people do about it ---- */

static int ignore_row(void *ctx, json_t *row)
{
    return 0;
}

/* That one host looks names up before it connects is accepted of all. */
static void accept_alert(struct sim *s, const struct told *t)
{
    static const char look_up[] = "*.* : 10.1.0.53.53/udp => *.* : *.443/tcp";
    bool all = strstr(t->rule, "10.1.0.53.53/udp => ") && strstr(t->rule, " : *.443/tcp");
    struct fl_err err = {""};
    struct fl_decision accept = {.verdict = FL_ACCEPT,
                                 .alert_id = all ? 0 : t->id,
                                 .location = all ? plan_location(PLAN_PARIS) : NULL,
                                 .pattern = all ? look_up : NULL,
                                 .until_ms = INT64_MAX,
                                 .author = "ann",
                                 .now_ms = PLAN_START_MS};
    check(fl_rulesdb_decide(s->db, &accept, ignore_row, NULL, &err), &err);
}

static void in_the_morning(struct sim *s, int64_t now_ms)
{
    struct fl_err err = {""};
    struct fl_ack ack = {.location = plan_location(PLAN_LONDON), .author = "ann", .now_ms = PLAN_START_MS};
    check(fl_rulesdb_ack(s->db, &ack, ignore_row, NULL, &err), &err);
    for (size_t i = 0; i < s->n_told; i++)
        if (s->told[i].location == PLAN_PARIS && s->told[i].run_ms > now_ms - PLAN_DAY_MS)
            accept_alert(s, &s->told[i]);
}

/* ---- the fortnight ---- */

static void live_day(struct sim *s, unsigned day)
{
    int64_t came[PLAN_LOCATIONS][24] = {{0}}, lost[PLAN_LOCATIONS][24] = {{0}};
    struct gen_router router;
    for (unsigned l = 0; l < PLAN_LOCATIONS; l++)
        store_day(s, l, day, came[l], lost[l]);
    for (unsigned hour = 0; hour < 24; hour++) {
        int64_t end_ms = PLAN_START_MS + day * PLAN_DAY_MS + (hour + 1) * PLAN_HOUR_MS;
        for (unsigned l = 0; l < PLAN_LOCATIONS; l++) {
            plan_router(&router, l, day, s->seed);
            count_hour(s, l, (uint64_t)came[l][hour], lost[l][hour] > 0 ? (uint64_t)lost[l][hour] : 0,
                       router.sampling);
        }
        tell_figures(s, end_ms);
        if (hour == 8)
            in_the_morning(s, end_ms);
        for (unsigned l = 0; l < PLAN_LOCATIONS && (hour + 1) % s->every_hours == 0; l++)
            mine(s, l, end_ms);
    }
}

static void begin(struct sim *s, uint64_t seed, unsigned every_hours)
{
    struct fl_err err = {""};
    *s = (struct sim){.seed = seed, .every_hours = every_hours};
    assert_int_equal(fl_config_init(&s->config), 0);
    s->config.learning_ms = PLAN_DAY_MS;
    s->config.mining.every_ms = s->every_hours * PLAN_HOUR_MS;
    s->config.mining.threads = 2;
    check(fl_rulesdb_open(&s->db, dir, FL_RULESDB_CREATE, &err), &err);
    s->writer = open_writer();
    for (unsigned l = 0; l < PLAN_LOCATIONS; l++) {
        struct fl_exporter_stats *e = &s->exporters[l];
        *e = (struct fl_exporter_stats){.address = fl_addr_v4(0x7f000001 + l),
                                        .source_port = 30000,
                                        .version = 10,
                                        .sampling = 1,
                                        .sampling_source = 1,
                                        .first_seen_ms = PLAN_START_MS};
        snprintf(e->location, sizeof e->location, "%s", plan_location(l));
    }
    tell_figures(s, PLAN_START_MS);
}

static void end(struct sim *s)
{
    for (unsigned l = 0; l < PLAN_LOCATIONS; l++)
        fl_kept_flows_clear(&s->flows[l]);
    fl_writer_close(s->writer);
    fl_rulesdb_close(s->db);
    fl_config_clear(&s->config);
}

static void live(struct sim *s, uint64_t seed, unsigned every_hours)
{
    begin(s, seed, every_hours);
    for (unsigned day = 0; day < PLAN_DAYS; day++)
        live_day(s, day);
    end(s);
}

/* ---- what is asked of it ---- */

/* How many runs a change's alert came after the first that should see it; negative: before. */
static int64_t runs_late(const struct sim *s, const struct told *t, const struct plan_change *c)
{
    const int64_t every_ms = s->every_hours * PLAN_HOUR_MS;
    int64_t first_ms = PLAN_START_MS + (c->visible_ms - PLAN_START_MS + every_ms - 1) / every_ms * every_ms;
    return (t->run_ms - first_ms) / every_ms;
}

static bool in_time(const struct sim *s, const struct told *t, const struct plan_change *c)
{
    return t->run_ms > c->begins_ms && runs_late(s, t, c) <= 1;
}

static size_t alerts_of(const struct sim *s, int change, const struct told **first)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_told; i++) {
        if (s->told[i].change != change)
            continue;
        if (n++ == 0)
            *first = &s->told[i];
    }
    return n;
}

/* Each change that shall be told is so once, as its kind, within a run of becoming visible; the others never.
 */
static size_t count_faults(const struct sim *s, void (*say)(const char *const format, ...))
{
    size_t faults = 0;
    for (int i = 0; plan_changes[i].what; i++) {
        const struct plan_change *c = &plan_changes[i];
        const struct told *t = NULL;
        size_t n = alerts_of(s, i, &t), wanted = c->kind ? 1 : 0;
        bool well = n == wanted && (n == 0 || (strcmp(t->kind, c->kind) == 0 && in_time(s, t, c)));
        faults += !well;
        if (!well)
            say("# seed %u: %s: %zu alerts%s\n", (unsigned)s->seed, c->what, n,
                n == wanted ? ", late or early" : "");
    }
    return faults;
}

static bool is_needless(const struct told *t)
{
    return t->change < 0 || plan_changes[t->change].needless;
}

static size_t count_grown(const struct sim *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_told; i++)
        n += s->told[i].grown;
    return n;
}

/* The most alerts that nobody needs, as nothing planted explains them or all is well, at one location on one
 * day. */
static size_t most_unexplained(const struct sim *s, size_t *all)
{
    size_t count[PLAN_LOCATIONS][PLAN_DAYS + 1] = {{0}}, most = 0;
    *all = 0;
    for (size_t i = 0; i < s->n_told; i++) {
        const struct told *t = &s->told[i];
        if (!is_needless(t))
            continue;
        size_t n = ++count[t->location][(t->run_ms - 1 - PLAN_START_MS) / PLAN_DAY_MS]; /* that it looks at */
        most = n > most ? n : most;
        ++*all;
    }
    return most;
}

/* Alerts that nothing planted explains, at the location of a change, while runs see it. */
static size_t unexplained_during(const struct sim *s, const struct plan_change *c)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_told; i++) {
        const struct told *t = &s->told[i];
        n += t->change < 0 && t->location == c->location && t->run_ms > c->begins_ms &&
             t->run_ms - PLAN_DAY_MS < c->ends_ms;
    }
    return n;
}

/* Weekends, holidays, loss and sampling tell nothing. */
static void assert_silent(const struct sim *s)
{
    for (const struct plan_change *c = plan_changes; c->what; c++)
        if (!c->kind && unexplained_during(s, c) > 0)
            fail_msg("%s: %zu alerts meanwhile", c->what, unexplained_during(s, c));
}

/* What a location learns from is not told, nor what breaks while it learns. */
static void assert_learned_in_silence(const struct sim *s)
{
    for (size_t i = 0; i < s->n_told; i++)
        assert_true(s->told[i].run_ms > PLAN_START_MS + PLAN_DAY_MS);
}

/* ---- the table ---- */

/* Indented by 4, in lines of up to 104 bytes. */
static void print_wrapped(const char *text)
{
    const int most = 104;
    while (*text) {
        int n = (int)strlen(text);
        if (n > most)
            for (n = most; n > 1 && text[n] != ' ';)
                n--;
        printf("    %.*s\n", n, text);
        text += n + (text[n] == ' ');
    }
}

static void print_alert(const struct told *t)
{
    char run[FL_TIME_TEXT];
    fl_time_format(t->run_ms, run);
    printf("%-7s %.10s %.5s  %.10s %.5s  %-6s %-9s %-6s %5d %5d  %s%s\n", plan_location(t->location),
           t->opened, t->opened + 11, run, run + 11, t->kind, *t->grade ? t->grade : "-", t->severity,
           (int)t->most, (int)t->grown, t->change < 0 ? "nothing planted" : plan_changes[t->change].what,
           t->change >= 0 && is_needless(t) ? ", told though all is well" : "");
    print_wrapped(t->text);
}

static void print_table(const struct sim *s)
{
    size_t all, most = most_unexplained(s, &all);
    printf("%-7s %-17s %-17s %-6s %-9s %-6s %5s %5s  %s\n", "at", "began", "told by the run to", "kind",
           "grade", "severe", "rules", "grew", "cause");
    for (size_t i = 0; i < s->n_told; i++)
        print_alert(&s->told[i]);
    printf("%zu alerts in %d days at %d locations, which grew %zu times; nobody needs %zu of them, at most "
           "%zu on "
           "one day at one location\n",
           s->n_told, PLAN_DAYS, PLAN_LOCATIONS, count_grown(s), all, most);
    for (const struct plan_change *c = plan_changes; c->what; c++)
        if (!c->kind)
            printf("%zu alerts at %s that may be of: %s\n", unexplained_during(s, c),
                   plan_location(c->location), c->what);
    printf("%zu runs were over data that are not whole\n", s->unclean_runs);
}

/* ---- running it ---- */

static void live_once(struct sim *s, uint64_t seed, unsigned every_hours)
{
    assert_int_equal(make_dir(NULL), 0);
    live(s, seed, every_hours);
    assert_int_equal(remove_dir(NULL), 0);
}

static void a_fortnight(void **state)
{
    static struct sim s;
    size_t all;
    live_once(&s, 1, EVERY_HOURS);
    assert_int_equal(count_faults(&s, print_message), 0);
    assert_true(most_unexplained(&s, &all) <= 1);
    assert_true(count_grown(&s) <= MOST_GROWN);
    assert_true(s.unclean_runs > 0);
    assert_learned_in_silence(&s);
    assert_silent(&s);
}

/* Sums over the seeds that the test does not run. */
static void measure(void)
{
    static struct sim s;
    size_t faults = 0, alerts = 0, unexplained = 0, most = 0, all;
    for (uint64_t seed = 1; seed <= LONG_SEEDS; seed++) {
        live_once(&s, seed, EVERY_HOURS);
        size_t here = most_unexplained(&s, &all);
        faults += count_faults(&s, print_message);
        alerts += s.n_told;
        unexplained += all;
        most = here > most ? here : most;
        printf("seed %u: %zu alerts, %zu that nobody needs, at most %zu a day\n", (unsigned)seed, s.n_told,
               all, here);
    }
    printf("%d fortnights: %zu changes told wrongly, %zu alerts, %zu that nobody needs (%.2f a "
           "location "
           "and day, at most %zu)\n",
           LONG_SEEDS, faults, alerts, unexplained,
           (double)unexplained / (LONG_SEEDS * PLAN_LOCATIONS * (PLAN_DAYS - 1)), most);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_fortnight)};
    static struct sim s;
    if (argc > 1 && strcmp(argv[1], "--table") == 0) {
        unsigned hours = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : EVERY_HOURS;
        live_once(&s, argc > 2 ? strtoull(argv[2], NULL, 10) : 1,
                  hours > 0 && hours <= 24 ? hours : EVERY_HOURS);
        print_table(&s);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "--long") == 0) {
        measure();
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
