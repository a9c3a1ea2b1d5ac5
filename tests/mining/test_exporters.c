/* Sessions read back from the rules database, their order, and what is worked out of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mining/cli.h"
#include "mining/exporters.h"
#include "storage/flow.h"
#include "storage/rulesdb.h"

static const int64_t t0 = 1655071200000;

/* Every figure another number, so that two which changed places show. */
static struct fl_exporter_stats make_session(void)
{
    struct fl_exporter_stats e;
    memset(&e, 0, sizeof e);
    fl_addr_parse("2001:db8::9", &e.address);
    e.source_port = 1;
    e.domain = UINT32_MAX;
    e.version = 10;
    strcpy(e.location, "paris");
    e.packets = 2;
    e.flows = 3;
    e.lost = 4;
    e.reordered = 5;
    e.duplicates = 6;
    e.restarts = 7;
    e.malformed = 8;
    e.unknown_template = 9;
    e.waiting = 10;
    e.not_flows = 11;
    e.options = 12;
    e.time_fallbacks = 13;
    e.templates = 14;
    e.template_oldest_ms = t0 + 15;
    e.template_newest_ms = t0 + 16;
    e.sampling = 17;
    e.sampling_source = FL_SAMPLING_CONFIG;
    e.sampling_told = 18;
    e.clock_skew_ms = -19;
    e.active_timeout_ms = 20;
    e.inactive_timeout_ms = 21;
    e.flows_per_s = 22.5;
    e.first_seen_ms = t0 + 23;
    e.last_seen_ms = t0 + 24;
    return e;
}

static int collect(void *ctx, json_t *object)
{
    return json_array_append(ctx, object);
}

static void read_back(const struct fl_service_stats *service, const struct fl_exporter_stats *e, size_t n,
                      json_t *rows, json_t **service_row)
{
    char dir[] = "/tmp/flowlore-exporters-XXXXXX", path[64];
    struct fl_rulesdb *db = NULL;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(fl_rulesdb_open(&db, dir, FL_RULESDB_CREATE, NULL), 0);
    assert_int_equal(fl_rulesdb_store_stats(db, service, e, n, NULL), 0);
    assert_int_equal(fl_rulesdb_exporters(db, collect, rows, NULL), 0);
    assert_int_equal(fl_rulesdb_service(db, service_row, NULL), 0);
    fl_rulesdb_close(db);
    snprintf(path, sizeof path, "%s/rules.db", dir);
    unlink(path);
    rmdir(dir);
}

static void test_what_was_stored_is_read(void **state)
{
    struct fl_exporter_stats e = make_session(), back;
    struct fl_service_stats service, service_back;
    json_t *rows = json_array(), *row = NULL;
    memset(&service, 0, sizeof service);
    service.datagrams = 1;
    service.refused = 2;
    service.malformed = 3;
    service.kernel_drops = 4;
    service.queue_shed = 5;
    service.disk_shed = 6;
    service.stored = 7;
    service.sessions_dropped = 8;
    service.started_ms = t0 + 9;
    service.updated_ms = t0 + 10;
    service.running = true;
    service.n_refused_senders = 1;
    service.refused_senders[0] = (struct fl_refused_sender){fl_addr_v4(0xc6336407), 11, t0 + 12};
    read_back(&service, &e, 1, rows, &row);
    fl_session_read(&back, json_array_get(rows, 0));
    assert_memory_equal(&back, &e, sizeof e);
    fl_service_read(&service_back, row);
    assert_memory_equal(&service_back, &service, sizeof service);
    json_decref(rows);
    json_decref(row);
}

static void test_nothing_is_nothing(void **state)
{
    struct fl_exporter_stats e, none;
    json_t *empty = json_object();
    memset(&none, 0, sizeof none);
    fl_session_read(&e, empty);
    assert_memory_equal(&e, &none, sizeof e);
    json_decref(empty);
}

/* Addresses stand in their own order, not in that of their texts; one exporter's sessions stand together. */
static void test_order(void **state)
{
    struct fl_exporter_stats e[5];
    struct fl_service_stats service = {.updated_ms = t0};
    struct fl_sessions s;
    json_t *rows = json_array(), *row = NULL;
    for (size_t i = 0; i < 5; i++) {
        e[i] = make_session();
        e[i].address = fl_addr_v4(0x0a000002); /* 10.0.0.2 */
    }
    e[0].address = fl_addr_v4(0x0a00000a); /* 10.0.0.10 */
    e[1].domain = 10;
    e[2].domain = 9;
    e[3].domain = 9;
    e[3].source_port = 0;
    strcpy(e[4].location, "oslo");
    e[4].version = 9;
    read_back(&service, e, 5, rows, &row);
    assert_int_equal(fl_sessions_read(&s, rows), 0);
    assert_int_equal(s.n, 5);
    assert_string_equal(s.items[0].location, "oslo");
    assert_int_equal(s.items[1].source_port, 0);
    assert_int_equal(s.items[2].domain, 9);
    assert_int_equal(s.items[3].domain, 10);
    assert_int_equal(fl_addr_cmp(&s.items[4].address, &e[0].address), 0);
    assert_int_equal(fl_sessions_of_one(&s, 0), 1);
    assert_int_equal(fl_sessions_of_one(&s, 1), 3);
    assert_int_equal(fl_sessions_of_one(&s, 4), 1);
    fl_sessions_clear(&s);
    json_decref(rows);
    json_decref(row);
}

static void assert_loss(uint8_t version, uint64_t received, const char *unit, const char *dialect)
{
    struct fl_exporter_stats e = make_session();
    uint64_t lost, came;
    e.version = version;
    fl_loss_of(&e, 1, version, &lost, &came);
    assert_int_equal(lost, 4);
    assert_int_equal(came, received);
    assert_string_equal(fl_loss_unit(version), unit);
    assert_string_equal(fl_dialect_name(version), dialect);
    fl_loss_of(&e, 1, 0, &lost, &came);
    assert_int_equal(lost + came, 0);
}

static void test_loss(void **state)
{
    assert_loss(9, 2, "datagrams", "v9");
    assert_loss(10, 3 + 11 + 12, "records", "ipfix");
    assert_true(fl_loss_share(0, 0) == 0);
    assert_true(fl_loss_share(1, 3) == 0.25);
}

/* ---- flows, of which these figures are made ---- */

static int64_t member(const struct fl_flow *flow, const char *key)
{
    json_t *o = fl_cli_flow_json("paris", flow);
    int64_t value = fl_js_int(o, key);
    json_decref(o);
    return value;
}

static void test_scaled_flows(void **state)
{
    struct fl_flow f = {.packets = 7, .bytes = 11, .sampling = 1000};
    assert_int_equal(member(&f, "packets"), 7);
    assert_int_equal(member(&f, "scaled_packets"), 7000);
    assert_int_equal(member(&f, "scaled_bytes"), 11000);
    f.sampling = 0; /* no exporter means that */
    assert_int_equal(member(&f, "scaled_packets"), 7);
    f.sampling = UINT32_MAX;
    f.bytes = UINT64_MAX / 2;
    assert_true(member(&f, "scaled_bytes") == INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_stored_is_read),
        cmocka_unit_test(test_nothing_is_nothing),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_loss),
        cmocka_unit_test(test_scaled_flows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
