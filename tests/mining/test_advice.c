/* Advice: nothing for a router in good order, and one sentence with figure and remedy for each trouble, from
 * its threshold on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mining/advice.h"
#include "storage/flow.h"

static const int64_t now = 1655071200000, minute = 60000, hour = 3600000, day = 86400000;

struct heard {
    size_t n;
    struct fl_advice all[16];
    struct fl_addr addresses[16]; /* all zero: none */
};

static void hear(void *ctx, const struct fl_advice *a)
{
    struct heard *h = ctx;
    assert_true(h->n < 16);
    if (a->address)
        h->addresses[h->n] = *a->address;
    h->all[h->n] = *a;
    h->n++;
    /* whole sentences that were not cut off */
    assert_true(strlen(a->text) < sizeof a->text - 1);
    char last = a->text[strlen(a->text) - 1];
    assert_true(last == '.' || last == '?');
    assert_non_null(fl_advice_name(a->kind));
    /* a first sentence that stands alone, and a remedy behind it */
    const char *end = strstr(a->text, ". ");
    assert_non_null(end);
    assert_true(end - a->text > 20);
}

/* A router that one would wish for: five minutes of v9 at 1,000 flows in 100 datagrams. */
static struct fl_exporter_stats make_session(void)
{
    return (struct fl_exporter_stats){.address = fl_addr_v4(0xc0000201),
                                      .source_port = 50000,
                                      .version = 9,
                                      .location = "paris",
                                      .packets = 100,
                                      .flows = 1000,
                                      .templates = 2,
                                      .template_oldest_ms = now - minute,
                                      .template_newest_ms = now - minute,
                                      .sampling = 1,
                                      .active_timeout_ms = minute,
                                      .inactive_timeout_ms = 15000,
                                      .flows_per_s = 10,
                                      .first_seen_ms = now - hour,
                                      .last_seen_ms = now - 1000};
}

static struct fl_advice_view make_view(const struct fl_service_stats *service)
{
    return (struct fl_advice_view){
        .at_ms = now, .newest_ms = now - 500, .service = service, .receive_buffer_bytes = 16 << 20};
}

static struct heard advise(const struct fl_exporter_stats *sessions, size_t n)
{
    struct fl_service_stats service = {.running = true};
    struct fl_advice_view view = make_view(&service);
    struct heard h = {0};
    fl_advise_exporter(sessions, n, &view, hear, &h);
    return h;
}

/* One piece of advice, of that kind and figure, whose text has each of the words. */
static void assert_one(const struct heard *h, enum fl_advice_kind kind, int64_t figure, const char *words,
                       const char *remedy)
{
    if (h->n != 1)
        fail_msg("%zu pieces of advice, of which the first is: %s", h->n, h->n ? h->all[0].text : "none");
    assert_int_equal(h->all[0].kind, kind);
    assert_int_equal(h->all[0].figure, figure);
    if (!strstr(h->all[0].text, words) || !strstr(h->all[0].text, remedy))
        fail_msg("no \"%s\" or no \"%s\" in: %s", words, remedy, h->all[0].text);
}

static void assert_none(const struct fl_exporter_stats *e)
{
    struct heard h = advise(e, 1);
    if (h.n)
        fail_msg("advice where there is nothing to say: %s", h.all[0].text);
}

static void test_nothing_to_say(void **state)
{
    static const uint8_t versions[] = {5, 9, 10};
    struct fl_exporter_stats e = make_session();
    for (size_t i = 0; i < 3; i++) {
        e.version = versions[i];
        assert_none(&e);
    }
    /* what happens to everybody now and then */
    e.reordered = 40;
    e.restarts = 1;
    e.options = 10;
    e.clock_skew_ms = -2000;
    e.active_timeout_ms = 5 * minute;
    e.inactive_timeout_ms = minute;
    e.sampling = 99;
    assert_none(&e);
}

/* 100 datagrams came and 25 did not: a fifth of 125. Of v5 and IPFIX it is 25 of 1,025. */
static void test_loss_has_its_unit(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.lost = 25;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_LOSS, 25, "25 of 125 datagrams (20%)", "export queue");
    assert_int_equal(fl_addr_cmp(&h.addresses[0], &e.address), 0);
    e.version = 5;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_LOSS, 25, "25 of 1,025 flows (2.4%)", "export queue");
    e.version = 10;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_LOSS, 25, "25 of 1,025 records (2.4%)", "export queue");
    e.not_flows = 500; /* they have their numbers too */
    e.options = 475;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_LOSS, 25, "25 of 2,000 records (1.2%)", "export queue");
}

static void test_loss_from_a_thousandth_on(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.packets = 99900;
    e.lost = 99;
    assert_none(&e);
    e.lost = 100;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_LOSS, 100, "100 of 100,000", "export queue");
}

static void test_loss_here_is_named_first(void **state)
{
    struct fl_service_stats service = {.kernel_drops = 7};
    struct fl_advice_view view = make_view(&service);
    struct fl_exporter_stats e = make_session();
    struct heard h = {0};
    e.lost = 25;
    fl_advise_exporter(&e, 1, &view, hear, &h);
    assert_one(&h, FL_ADVICE_LOSS, 25, "kernel dropped", "see kernel");
    view.service = NULL;
    h.n = 0;
    fl_advise_exporter(&e, 1, &view, hear, &h);
    assert_one(&h, FL_ADVICE_LOSS, 25, "dropped none", "export queue");
}

static void test_templates(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.unknown_template = 3;
    e.waiting = 1;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_NO_TEMPLATE, 4, "4 data sets could not be read", "template data timeout 60");
    e.unknown_template = 0;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_NO_TEMPLATE, 1, "1 data set now waits", "template-refresh-rate seconds 60");
    e.flows = e.templates = 0;
    e.template_oldest_ms = e.template_newest_ms = 0;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_NO_TEMPLATE, 1, "never a template", "v9-template-timeout=1m");
}

static void test_malformed_and_duplicates(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.malformed = 2;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_MALFORMED, 2, "2 of its datagrams (2.0%)", "MTU");
    e.packets = 2001;
    assert_none(&e);
    e = make_session();
    e.duplicates = 50;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_DUPLICATES, 50, "50 datagrams (50%) came twice", "two destinations");
    e.packets = 5001;
    assert_none(&e);
}

/* Three restarts in an hour are many, in four days they are not. */
static void test_restarts(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.restarts = 3;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_RESTARTS, 3, "3 times in 1.0 h", "observation-domain-id");
    e.first_seen_ms = now - 4 * day;
    assert_none(&e);
}

static void test_no_flows(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.flows = 0;
    e.not_flows = 1234;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_NOT_FLOWS, 1234, "1,234 records", "match ipv4 source address");
    e.not_flows = 0;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_NO_DATA, 100, "templates for 1.0 h", "ip flow monitor NAME input");
    e.first_seen_ms = now - 9 * minute;
    assert_none(&e);
    e = make_session();
    e.not_flows = 1234; /* besides flows it does not matter */
    assert_none(&e);
}

static void test_clock(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.clock_skew_ms = -2001;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_CLOCK, -2001, "2.0 s behind this host's", "ntp server");
    e.clock_skew_ms = 2 * hour;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_CLOCK, 2 * hour, "2.0 h ahead of this host's", "set system ntp server");
}

static void test_usable_times(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.time_fallbacks = 10;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_NO_TIME, 10, "10 of its flows (1.0%)", "152 and 153");
    e.time_fallbacks = 9;
    assert_none(&e);
    e.time_fallbacks = 1000; /* no wonder with such a clock, which is told */
    e.clock_skew_ms = 5 * minute;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_CLOCK, 5 * minute, "ahead", "ntp server");
}

static void test_timeouts(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.active_timeout_ms = 30 * minute;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_ACTIVE_TIMEOUT, 30 * minute, "after 30 min", "cache timeout active 60");
    e.active_timeout_ms = 0; /* not known */
    e.inactive_timeout_ms = 2 * minute;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_INACTIVE_TIMEOUT, 2 * minute, "after 2.0 min", "cache timeout inactive 15");
}

static void test_sampling(void **state)
{
    struct fl_exporter_stats e = make_session();
    e.sampling = e.sampling_told = 1000;
    e.sampling_source = FL_SAMPLING_OPTIONS;
    struct heard h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_SAMPLING, 1000, "1 packet in 1,000", "Sample less");
    e.sampling = 10;
    e.sampling_source = FL_SAMPLING_CONFIG;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_SAMPLING_DIFFERS, 1000, "1 packet in 1,000, the configuration says 1 in 10",
               "location paris");
    e.sampling_told = 10;
    assert_none(&e);
    e.sampling_told = 0; /* it says nothing */
    assert_none(&e);
}

static void test_silence(void **state)
{
    struct fl_exporter_stats e = make_session();
    struct fl_advice_view view = make_view(NULL);
    struct heard h = {0};
    e.last_seen_ms = now - 15 * minute + 1;
    assert_none(&e);
    e.last_seen_ms = now - 15 * minute;
    h = advise(&e, 1);
    assert_one(&h, FL_ADVICE_SILENT, 15 * minute, "nothing has come for 15 min", "Is it up");
    view.newest_ms = now - 3 * minute; /* nobody else sends: this host may be cut off */
    h.n = 0;
    fl_advise_exporter(&e, 1, &view, hear, &h);
    assert_int_equal(h.n, 0);
}

/* Sessions of yesterday (another source port) say nothing of the exporter as it is now. */
static void test_old_sessions(void **state)
{
    struct fl_exporter_stats e[2] = {make_session(), make_session()};
    e[0].source_port = 1;
    e[0].last_seen_ms = now - day - 1;
    e[0].lost = 50;
    e[0].clock_skew_ms = hour;
    struct heard h = advise(e, 2);
    assert_int_equal(h.n, 0);
    h = advise(e, 1); /* but when they are all there is, their silence does */
    assert_one(&h, FL_ADVICE_SILENT, day + 1, "nothing has come for 24 h", "30 days");
}

/* Figures of several sessions are added up; the settings are those of the one heard of last. */
static void test_sessions_are_added_up(void **state)
{
    struct fl_exporter_stats e[3] = {make_session(), make_session(), make_session()};
    e[0].lost = 20;
    e[1].lost = 5;
    e[1].last_seen_ms = now;
    e[2].version = 5;
    e[2].sampling = 500;
    struct heard h = advise(e, 3);
    assert_one(&h, FL_ADVICE_LOSS, 25, "25 of 225 datagrams", "export queue");
    e[1].sampling = 700;
    e[2].lost = 10;
    h = advise(e, 3);
    assert_int_equal(h.n, 3);
    assert_non_null(strstr(h.all[0].text, "10 of 1,010 flows"));
    assert_non_null(strstr(h.all[1].text, "25 of 225 datagrams"));
    assert_int_equal(h.all[2].figure, 700);
}

/* ---- the service ---- */

static struct heard advise_service(const struct fl_service_stats *service, uint64_t stray)
{
    struct fl_advice_view view = make_view(service);
    struct heard h = {0};
    fl_advise_service(&view, stray, hear, &h);
    return h;
}

static void test_service(void **state)
{
    struct fl_service_stats s = {.datagrams = 60, .stored = 1000};
    assert_int_equal(advise_service(NULL, 5).n, 0);
    assert_int_equal(advise_service(&s, 0).n, 0);
    s.kernel_drops = 40;
    struct heard h = advise_service(&s, 0);
    assert_one(&h, FL_ADVICE_KERNEL_DROPS, 40, "40 datagrams (40%)",
               "sysctl -w net.core.rmem_max=33554432, and receive-buffer: 32MiB");
    assert_null(h.all[0].address); /* of the service */
    s = (struct fl_service_stats){.queue_shed = 1234};
    h = advise_service(&s, 0);
    assert_one(&h, FL_ADVICE_QUEUE_SHED, 1234, "1,234 flows", "faster disk");
    s = (struct fl_service_stats){.disk_shed = 5};
    h = advise_service(&s, 0);
    assert_one(&h, FL_ADVICE_DISK_SHED, 5, "5 flows", "retention-bytes");
    s = (struct fl_service_stats){.sessions_dropped = 6};
    h = advise_service(&s, 0);
    assert_one(&h, FL_ADVICE_SESSIONS, 6, "6 were forgotten", "Configure locations");
    s = (struct fl_service_stats){.malformed = 7};
    h = advise_service(&s, 7);
    assert_one(&h, FL_ADVICE_STRAY, 7, "7 datagrams", "sFlow");
}

static void test_refused(void **state)
{
    struct fl_service_stats s = {
        .refused = 12, .n_refused_senders = 2, .refused_senders = {{fl_addr_v4(0xc6336407), 1, now}}};
    struct fl_advice_view view = make_view(&s);
    struct heard h = {0};
    assert_int_equal(fl_addr_parse("2001:db8::9", &s.refused_senders[1].address), 0);
    s.refused_senders[1].datagrams = 11;
    view.location = "paris";
    fl_advise_service(&view, 0, hear, &h);
    assert_int_equal(h.n, 2);
    assert_int_equal(h.all[0].kind, FL_ADVICE_REFUSED);
    assert_non_null(strstr(h.all[0].text, "1 datagram refused"));
    assert_non_null(strstr(h.all[0].text, "--location paris=198.51.100.7,"));
    assert_non_null(strstr(h.all[1].text, "11 datagrams refused"));
    assert_non_null(strstr(h.all[1].text, "\"2001:db8::9\""));
    assert_int_equal(fl_addr_cmp(&h.addresses[1], &s.refused_senders[1].address), 0);
    view.location = NULL;
    h.n = 0;
    fl_advise_service(&view, 0, hear, &h);
    assert_non_null(strstr(h.all[0].text, "--location NAME=198.51.100.7,"));
    s.n_refused_senders = 0;
    h.n = 0;
    fl_advise_service(&view, 0, hear, &h);
    assert_one(&h, FL_ADVICE_REFUSED, 12, "12 datagrams", "log names them");
}

/* The longest figures there can be leave every sentence whole: see hear(). */
static void test_great_figures(void **state)
{
    struct fl_exporter_stats e = make_session();
    memset(e.location, 'x', sizeof e.location - 1);
    e.lost = e.malformed = e.unknown_template = e.duplicates = e.restarts = e.time_fallbacks = UINT64_MAX / 4;
    e.sampling = UINT32_MAX;
    e.sampling_told = UINT32_MAX - 1;
    e.sampling_source = FL_SAMPLING_CONFIG;
    e.active_timeout_ms = e.inactive_timeout_ms = INT64_MAX;
    e.clock_skew_ms = INT64_MIN + 1;
    e.last_seen_ms = 0;
    assert_true(advise(&e, 1).n > 0);
    e.last_seen_ms = now;
    assert_int_equal(advise(&e, 1).n, 11);
}

/* Two days without a run over whole data are said, less is not. */
static void test_location(void **state)
{
    struct fl_unclean_runs runs = {.location = "paris",
                                   .why = "an exporter changed its sampling",
                                   .n = 25,
                                   .first_ms = INT64_C(1709596800000),
                                   .newest_ms = INT64_C(1709596800000) + 2 * 86400000};
    struct heard h = {.n = 0};
    fl_advise_location(&runs, hear, &h);
    assert_int_equal(h.n, 1);
    assert_int_equal(h.all[0].kind, FL_ADVICE_UNCLEAN);
    assert_int_equal(h.all[0].figure, 25);
    assert_non_null(strstr(h.all[0].text,
                           "the data of paris are not whole in any of the 25 runs since "
                           "2024-03-05T00:00:00Z (an exporter changed its sampling). What is new there"));
    runs.newest_ms--;
    fl_advise_location(&runs, hear, &h);
    runs.n = 0;
    runs.newest_ms += 86400000;
    fl_advise_location(&runs, hear, &h);
    assert_int_equal(h.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_loss_has_its_unit),
        cmocka_unit_test(test_loss_from_a_thousandth_on),
        cmocka_unit_test(test_loss_here_is_named_first),
        cmocka_unit_test(test_templates),
        cmocka_unit_test(test_malformed_and_duplicates),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_no_flows),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_usable_times),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_sampling),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_old_sessions),
        cmocka_unit_test(test_sessions_are_added_up),
        cmocka_unit_test(test_service),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_great_figures),
        cmocka_unit_test(test_location),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
