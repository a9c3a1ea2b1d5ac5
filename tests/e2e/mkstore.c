/* Makes the small data directory that cli.sh looks at: two locations, flows of two hours, two rules, one of
 * which the location has learned, and exporters in good and in bad order. Usage: mkstore DIR [SESSIONS], with
 * so many sessions of one exporter more. */
#include <stdio.h>
#include <stdlib.h>
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

static struct fl_flow plain_flow(int i)
{
    int64_t start = base_ms() + (int64_t)((i * 37) % N_FLOWS) * 40000; /* out of order, over two hours */
    return (struct fl_flow){.start_ms = start,
                            .end_ms = start + 250,
                            .exporter = fl_addr_v4(0xc0000201),
                            .src = fl_addr_v4(0x0a000005),
                            .dst = fl_addr_v4(i % 2 ? 0x0a000035 : 0x0a000009),
                            .packets = 3,
                            .bytes = 2048,
                            .sampling = 1,
                            .src_port = (uint16_t)(40000 + i),
                            .dst_port = i % 2 ? 53 : 143,
                            .protocol = i % 2 ? FL_PROTO_UDP : FL_PROTO_TCP};
}

/* One sampled flow, one through a translation, one that a firewall denied, one of IPv6. */
static struct fl_flow make_flow(int i)
{
    struct fl_flow f = plain_flow(i);
    if (i == 0) {
        f.sampling = 100;
        f.sampling_source = FL_SAMPLING_OPTIONS;
    } else if (i == 140) {
        f.post_src = fl_addr_v4(0xcb007107); /* 203.0.113.7 */
        f.post_src_port = 6000;
        f.post_dst = f.dst; /* told, but not changed */
        f.post_dst_port = f.dst_port;
    } else if (i == 142) {
        f.event = FL_EVENT_DENIED;
        f.direction = FL_DIRECTION_INGRESS;
        f.end_reason = FL_END_FORCED;
    } else if (i == 144) {
        fl_addr_parse("2001:db8::9", &f.exporter);
        fl_addr_parse("2001:db8::5", &f.src);
        fl_addr_parse("2001:db8::1:9", &f.dst);
    }
    return f;
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
        rc = fl_rulesdb_store_run(db, &run, &(struct fl_finding_list){.rules = &known, .n = 1}, true,
                                  &n_alerts, err);
    run.from_ms += HOUR_MS;
    run.to_ms += HOUR_MS;
    if (rc == 0)
        rc = fl_rulesdb_store_run(db, &run, &(struct fl_finding_list){.rules = &novel, .n = 1}, false,
                                  &n_alerts, err);
    fl_rulesdb_close(db);
    return rc;
}

/* A router as one would wish for, heard of at the last moment. */
static struct fl_exporter_stats make_exporter(struct fl_addr address, uint8_t version)
{
    int64_t end = base_ms() + HOUR_MS;
    bool templates = version != 5;
    return (struct fl_exporter_stats){.address = address,
                                      .source_port = 50000,
                                      .domain = 7,
                                      .version = version,
                                      .location = "paris",
                                      .packets = 100,
                                      .flows = 2000,
                                      .options = 10,
                                      .templates = templates ? 2 : 0,
                                      .template_oldest_ms = templates ? end - 120000 : 0,
                                      .template_newest_ms = templates ? end - 60000 : 0,
                                      .sampling = 1,
                                      .clock_skew_ms = -12,
                                      .active_timeout_ms = 60000,
                                      .inactive_timeout_ms = 15000,
                                      .flows_per_s = 12.5,
                                      .first_seen_ms = base_ms(),
                                      .last_seen_ms = end};
}

enum { N_EXPORTERS = 8 };

static void make_exporters(struct fl_exporter_stats e[N_EXPORTERS])
{
    struct fl_addr six;
    fl_addr_parse("2001:db8::9", &six);
    e[0] = make_exporter(fl_addr_v4(0xc0000201), 10); /* loses records, samples */
    e[0].lost = 20;
    e[0].sampling = e[0].sampling_told = 100;
    e[0].sampling_source = FL_SAMPLING_OPTIONS;
    e[0].clock_skew_ms = -1500;
    e[1] = make_exporter(fl_addr_v4(0xc0000202), 9); /* three sessions of two domains, a clock gone wrong */
    e[1].domain = 0;
    e[1].lost = 5;
    e[1].unknown_template = 3;
    e[2] = e[1];
    e[2].domain = 256;
    e[2].active_timeout_ms = 1800000;
    e[2].clock_skew_ms = 5000;
    e[2].last_seen_ms++;
    e[3] = e[1];
    e[3].source_port = 50001;
    e[4] = make_exporter(six, 5); /* everything comes twice */
    e[4].duplicates = 50;
    e[4].malformed = 2;
    e[5] = make_exporter(fl_addr_v4(0xc0000203), 9);  /* nothing to say of this one */
    e[6] = make_exporter(fl_addr_v4(0xc0000204), 10); /* never sent its templates */
    e[6].flows = e[6].templates = 0;
    e[6].template_oldest_ms = e[6].template_newest_ms = 0;
    e[6].waiting = 9;
    strcpy(e[6].location, "oslo");
    e[7] = make_exporter(fl_addr_v4(0xc0000205), 10); /* gone */
    e[7].last_seen_ms -= HOUR_MS - 1000;
    strcpy(e[7].location, "oslo");
}

static int write_templates(struct fl_rulesdb *db, struct fl_err *err)
{
    /* sourceIPv4Address, destinationIPv4Address, octetDeltaCount and its reverse (RFC 5103), enterprise 9
     * element 12235 of variable length; and the options template of a sampler */
    static const uint8_t flow[] = {1,    0, 0, 5, 0, 8, 0,    4,    0,    12,   0,    4,    0, 1, 0, 8,
                                   0x80, 1, 0, 8, 0, 0, 0x72, 0x79, 0xaf, 0xcb, 0xff, 0xff, 0, 0, 0, 9};
    static const uint8_t sampler[] = {1, 1, 0, 2, 0, 1, 0, 149, 0, 4, 0, 34, 0, 4};
    struct fl_wire_template t[2] = {{.address = fl_addr_v4(0xc0000201),
                                     .source_port = 50000,
                                     .domain = 7,
                                     .version = 10,
                                     .id = 256,
                                     .defined_ms = base_ms() + HOUR_MS - 60000,
                                     .bytes = flow,
                                     .length = sizeof flow}};
    t[1] = t[0];
    t[1].id = 257;
    t[1].options = true;
    t[1].bytes = sampler;
    t[1].length = sizeof sampler;
    return fl_rulesdb_store_templates(db, t, 2, err);
}

static int write_stats(const char *dir, size_t more, struct fl_err *err)
{
    struct fl_rulesdb *db = NULL;
    struct fl_service_stats service = {.datagrams = 800,
                                       .stored = 2000,
                                       .refused = 3,
                                       .kernel_drops = 40,
                                       .malformed = 2,
                                       .started_ms = base_ms(),
                                       .updated_ms = base_ms() + HOUR_MS,
                                       .n_refused_senders = 1,
                                       .refused_senders = {{fl_addr_v4(0xc6336407), 3, base_ms()}}};
    struct fl_exporter_stats *e = calloc(N_EXPORTERS + more, sizeof *e);
    int rc = e ? fl_rulesdb_open(&db, dir, FL_RULESDB_CREATE, err) : FL_ENOMEM;
    if (rc == 0)
        make_exporters(e);
    for (size_t i = 0; rc == 0 && i < more; i++) {
        e[N_EXPORTERS + i] = make_exporter(fl_addr_v4(0xc0000206), 9);
        e[N_EXPORTERS + i].source_port = (uint16_t)(1024 + i);
    }
    if (rc == 0)
        rc = fl_rulesdb_store_stats(db, &service, e, N_EXPORTERS + more, err);
    if (rc == 0)
        rc = write_templates(db, err);
    fl_rulesdb_close(db);
    free(e);
    return rc;
}

int main(int argc, char **argv)
{
    struct fl_err err = {""};
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: mkstore DIR [SESSIONS]\n");
        return 2;
    }
    int rc = write_flows(argv[1], &err);
    if (rc == 0)
        rc = write_rules(argv[1], &err);
    if (rc == 0)
        rc = write_stats(argv[1], argc > 2 ? (size_t)atoi(argv[2]) : 0, &err);
    if (rc)
        fprintf(stderr, "mkstore: %s: %s\n", err.text, fl_strerror(rc));
    return rc ? 1 : 0;
}
