/* Makes the small data directory that cli.sh looks at: two locations, flows of two hours, and two rules, one
 * of which the location has learned. Usage: mkstore DIR */
#include <stdio.h>
#include <string.h>

#include "storage/rulesdb.h"
#include "storage/store.h"
#include "storage/timetext.h"

enum { HOUR_MS = 3600000, N_FLOWS = 150 };

static int64_t base_ms(void)
{
    int64_t ms = 0;
    fl_time_parse("2022-06-12T22:00:00Z", 0, &ms);
    return ms;
}

static struct fl_flow make_flow(int i)
{
    int64_t start = base_ms() + (int64_t)((i * 37) % N_FLOWS) * 40000; /* out of order, over two hours */
    return (struct fl_flow){.start_ms = start,
                            .end_ms = start + 250,
                            .exporter = fl_addr_v4(0xc0000201),
                            .src = fl_addr_v4(0x0a000005),
                            .dst = fl_addr_v4(i % 2 ? 0x0a000035 : 0x0a000009),
                            .packets = 3,
                            .bytes = 2048,
                            .sampling = i == 0 ? 100 : 1,
                            .src_port = (uint16_t)(40000 + i),
                            .dst_port = i % 2 ? 53 : 143,
                            .protocol = i % 2 ? FL_PROTO_UDP : FL_PROTO_TCP};
}

static int write_flows(const char *dir, struct fl_err *err)
{
    struct fl_writer *w = NULL;
    struct fl_commit_report report;
    int rc = fl_writer_open(&w, dir, HOUR_MS, err);
    for (int i = 0; rc == 0 && i < N_FLOWS; i++) {
        struct fl_flow flow = make_flow(i);
        rc = fl_writer_add(w, i < N_FLOWS - 2 ? "paris" : "oslo", &flow);
    }
    if (rc == 0)
        rc = fl_writer_commit(w, &report, err);
    fl_writer_close(w);
    return rc;
}

static struct fl_rule make_rule(const char *text)
{
    struct fl_rule r = {.both = true,
                        .n_antecedent = 40,
                        .n_consequent = 50,
                        .n_both = 38,
                        .n_windows = 7200,
                        .confidence = 0.95,
                        .reverse_confidence = 0.76,
                        .lift = 76,
                        .score = 0.02,
                        .expected = 0.5,
                        .log10_p = -60,
                        .log10_q = -57,
                        .lag_ms = 12,
                        .lag_spread_ms = 4,
                        .parent = -1,
                        .n_examples = 1};
    fl_rule_parse(text, &r.antecedent, &r.consequent);
    struct fl_example *e = &r.examples[0];
    const struct fl_node *nodes[2] = {&r.antecedent, &r.consequent};
    e->time_ms = base_ms();
    for (int i = 0; i < 2; i++) {
        e->clients[i] = nodes[i]->client;
        e->servers[i] = nodes[i]->server;
        e->client_ports[i] = nodes[i]->client_port;
        e->server_ports[i] = nodes[i]->server_port;
    }
    return r;
}

static int write_rules(const char *dir, struct fl_err *err)
{
    struct fl_rulesdb *db = NULL;
    size_t n_alerts = 0;
    struct fl_run run = {.location = "paris", .from_ms = base_ms(), .to_ms = base_ms() + HOUR_MS, .rules = 1};
    struct fl_rule known = make_rule("10.0.0.7.* : 10.0.0.35.25/tcp <=> 10.0.0.7.* : 10.0.0.53.53/udp");
    struct fl_rule novel = make_rule("10.0.0.5.* : 10.0.0.9.143/tcp <=> 10.0.0.5.* : 10.0.0.53.53/udp");
    int rc = fl_rulesdb_open(&db, dir, FL_RULESDB_CREATE, err);
    if (rc == 0)
        rc = fl_rulesdb_store_run(db, &run, &known, 1, true, &n_alerts, err);
    run.from_ms += HOUR_MS;
    run.to_ms += HOUR_MS;
    if (rc == 0)
        rc = fl_rulesdb_store_run(db, &run, &novel, 1, false, &n_alerts, err);
    fl_rulesdb_close(db);
    return rc;
}

static int write_stats(const char *dir, struct fl_err *err)
{
    struct fl_rulesdb *db = NULL;
    struct fl_service_stats service = {
        .datagrams = 100, .stored = 2000, .refused = 3, .updated_ms = base_ms()};
    struct fl_exporter_stats exporter = {.address = fl_addr_v4(0xc0000201),
                                         .source_port = 50000,
                                         .domain = 7,
                                         .version = 10,
                                         .location = "paris",
                                         .packets = 100,
                                         .flows = 2000,
                                         .lost = 20,
                                         .templates = 2,
                                         .sampling = 100,
                                         .sampling_source = FL_SAMPLING_OPTIONS,
                                         .clock_skew_ms = -1500,
                                         .first_seen_ms = base_ms(),
                                         .last_seen_ms = base_ms() + HOUR_MS};
    int rc = fl_rulesdb_open(&db, dir, FL_RULESDB_CREATE, err);
    if (rc == 0)
        rc = fl_rulesdb_store_stats(db, &service, &exporter, 1, err);
    fl_rulesdb_close(db);
    return rc;
}

int main(int argc, char **argv)
{
    struct fl_err err = {""};
    if (argc != 2) {
        fprintf(stderr, "usage: mkstore DIR\n");
        return 2;
    }
    int rc = write_flows(argv[1], &err);
    if (rc == 0)
        rc = write_rules(argv[1], &err);
    if (rc == 0)
        rc = write_stats(argv[1], &err);
    if (rc)
        fprintf(stderr, "mkstore: %s: %s\n", err.text, fl_strerror(rc));
    return rc ? 1 : 0;
}
