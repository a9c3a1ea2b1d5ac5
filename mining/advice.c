/* Advice: one function a trouble, each with its threshold and its remedy. A threshold says what is worth a
 * change on a router; whatever is below it still stands in the figures. */
#include "mining/advice.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "mining/exporters.h"
#include "mining/human.h"
#include "storage/flow.h"
#include "storage/timetext.h"

enum {
    DAY_MS = 86400000,
    SILENT_MS = 900000,  /* 15 min: longer than routers take between two template refreshes */
    OTHERS_MS = 120000,  /* others "send now" when one of them did in that time */
    SETTLE_MS = 600000,  /* an exporter may send templates for so long before its first record */
    SKEW_MS = 2000,      /* headers of v9 and IPFIX count whole seconds: below it is rounding and the way */
    ACTIVE_MS = 300000,  /* beyond it long flows are told too late */
    INACTIVE_MS = 60000, /* likewise for short ones */
    FUTURE_MS = 300000,  /* a clock so far ahead is why times are not believed */
    HEAVY_SAMPLING = 100
};
static const unsigned versions[3] = {5, 9, 10};
static const double some = 0.001, many = 0.01; /* shares that are worth a word */

/* The sessions heard of lately, added up. */
struct sum {
    const struct fl_exporter_stats *sessions, *newest; /* newest: the one heard of last */
    size_t n;
    const struct fl_advice_view *view;
    fl_advice_fn *fn;
    void *ctx;
    uint64_t packets, flows, malformed, unknown_template, waiting, not_flows, time_fallbacks, duplicates,
        restarts;
    uint64_t lost[3], received[3]; /* by versions[] */
    bool any_template;
    int64_t first_ms;
};

const char *fl_advice_name(enum fl_advice_kind kind)
{
    static const char *const names[FL_ADVICE_KINDS] = {
        [FL_ADVICE_SILENT] = "silent",
        [FL_ADVICE_LOSS] = "loss",
        [FL_ADVICE_NO_TEMPLATE] = "no_template",
        [FL_ADVICE_MALFORMED] = "malformed",
        [FL_ADVICE_DUPLICATES] = "duplicates",
        [FL_ADVICE_RESTARTS] = "restarts",
        [FL_ADVICE_NOT_FLOWS] = "not_flows",
        [FL_ADVICE_NO_DATA] = "no_data",
        [FL_ADVICE_CLOCK] = "clock",
        [FL_ADVICE_NO_TIME] = "no_time",
        [FL_ADVICE_ACTIVE_TIMEOUT] = "active_timeout",
        [FL_ADVICE_INACTIVE_TIMEOUT] = "inactive_timeout",
        [FL_ADVICE_SAMPLING] = "sampling",
        [FL_ADVICE_SAMPLING_DIFFERS] = "sampling_differs",
        [FL_ADVICE_KERNEL_DROPS] = "kernel_drops",
        [FL_ADVICE_QUEUE_SHED] = "queue_shed",
        [FL_ADVICE_DISK_SHED] = "disk_shed",
        [FL_ADVICE_REFUSED] = "refused",
        [FL_ADVICE_STRAY] = "stray",
        [FL_ADVICE_SESSIONS] = "sessions_dropped",
        [FL_ADVICE_UNCLEAN] = "unclean",
    };
    return names[kind];
}

__attribute__((format(printf, 6, 7))) static void say(fl_advice_fn *fn, void *ctx, enum fl_advice_kind kind,
                                                      const struct fl_addr *address, uint64_t figure,
                                                      const char *format, ...)
{
    struct fl_advice a = {.kind = kind, .address = address, .figure = (int64_t)figure};
    va_list args;
    va_start(args, format);
    vsnprintf(a.text, sizeof a.text, format, args);
    va_end(args);
    fn(ctx, &a);
}
#define SAY(s, kind, figure, ...)                                                                            \
    say((s)->fn, (s)->ctx, kind, &(s)->sessions[0].address, (uint64_t)(figure), __VA_ARGS__)

static double share(uint64_t part, uint64_t all)
{
    return all > 0 ? (double)part / (double)all : 0;
}

static void add_loss(struct sum *s, const struct fl_exporter_stats *e)
{
    for (size_t v = 0; v < 3; v++) {
        uint64_t lost, received;
        fl_loss_of(e, 1, versions[v], &lost, &received);
        s->lost[v] += lost;
        s->received[v] += received;
    }
}

static struct sum add_up(const struct fl_exporter_stats *sessions, size_t n,
                         const struct fl_advice_view *view)
{
    struct sum s = {.sessions = sessions, .newest = sessions, .n = n, .view = view, .first_ms = INT64_MAX};
    for (size_t i = 0; i < n; i++) {
        const struct fl_exporter_stats *e = &sessions[i];
        if (e->last_seen_ms > s.newest->last_seen_ms)
            s.newest = e;
        if (e->last_seen_ms < view->at_ms - DAY_MS)
            continue;
        s.packets += e->packets;
        s.flows += e->flows;
        s.malformed += e->malformed;
        s.unknown_template += e->unknown_template;
        s.waiting += e->waiting;
        s.not_flows += e->not_flows;
        s.time_fallbacks += e->time_fallbacks;
        s.duplicates += e->duplicates;
        s.restarts += e->restarts;
        add_loss(&s, e);
        s.any_template = s.any_template || e->template_newest_ms > 0 || e->templates > 0;
        if (e->first_seen_ms < s.first_ms)
            s.first_ms = e->first_seen_ms;
    }
    return s;
}

/* ---- what arrives ---- */

static void advise_silent(const struct sum *s)
{
    char span[FL_HUMAN_TEXT];
    int64_t silent_ms = s->view->at_ms - s->newest->last_seen_ms;
    if (silent_ms < SILENT_MS || s->view->at_ms - s->view->newest_ms > OTHERS_MS)
        return;
    SAY(s, FL_ADVICE_SILENT, silent_ms,
        "nothing has come for %s, while others send. Is it up, does it still export to this host, and does a "
        "filter let it through (Cisco: show flow exporter statistics)? One that is gone for good leaves this "
        "list after 30 days.",
        fl_human_age(silent_ms, span));
}

static void advise_loss(const struct sum *s, size_t v)
{
    char count[FL_HUMAN_TEXT], all[FL_HUMAN_TEXT], percent[FL_HUMAN_TEXT];
    uint64_t lost = s->lost[v], received = s->received[v];
    double part = fl_loss_share(lost, received);
    if (lost == 0 || part < some)
        return;
    bool dropped_here = s->view->service && s->view->service->kernel_drops > 0;
    SAY(s, FL_ADVICE_LOSS, lost, "%s of %s %s (%s) never came in. %s", fl_human_count(lost, count),
        fl_human_count(lost + received, all), fl_loss_unit(versions[v]), fl_human_percent(part, percent),
        dropped_here
            ? "This host's kernel dropped datagrams too: mend that first (see kernel)."
            : "This host dropped none: look at the way between (congestion, a policer) and at the router's "
              "own "
              "export queue and rate (Cisco: show flow exporter statistics; Juniper: flow-export-rate).");
}

static void advise_template(const struct sum *s)
{
    static const char refresh[] =
        "Let it send templates every minute (Cisco: template data timeout 60; Juniper: template-refresh-rate "
        "seconds 60; Mikrotik: v9-template-timeout=1m).";
    char count[FL_HUMAN_TEXT], plural[FL_HUMAN_TEXT];
    uint64_t sets = s->unknown_template + s->waiting;
    if (sets == 0)
        return;
    fl_human_count(sets, count);
    fl_human_plural(sets, "data set", plural);
    if (!s->any_template)
        SAY(s, FL_ADVICE_NO_TEMPLATE, sets,
            "%s %s came, but never a template that says how to read them. %s Or is an older exporter's "
            "configuration still sending from that address?",
            count, plural, refresh);
    else if (s->unknown_template == 0)
        SAY(s, FL_ADVICE_NO_TEMPLATE, sets,
            "%s %s now %s for the template, which says how to read them. If this stays: %s", count, plural,
            sets == 1 ? "waits" : "wait", refresh);
    else
        SAY(s, FL_ADVICE_NO_TEMPLATE, sets, "%s %s could not be read: the template did not come in time. %s",
            count, plural, refresh);
}

static void advise_malformed(const struct sum *s)
{
    char count[FL_HUMAN_TEXT], percent[FL_HUMAN_TEXT];
    double part = share(s->malformed, s->packets);
    if (s->malformed == 0 || part < some)
        return;
    SAY(s, FL_ADVICE_MALFORMED, s->malformed,
        "%s of its datagrams (%s) cannot be read. Does something on the way cut them (keep the exporter's "
        "packet size below the path's MTU), or does another program send from that address? flowlored's log "
        "names what is wrong.",
        fl_human_count(s->malformed, count), fl_human_percent(part, percent));
}

static void advise_duplicates(const struct sum *s)
{
    char count[FL_HUMAN_TEXT], percent[FL_HUMAN_TEXT];
    double part = share(s->duplicates, s->packets);
    if (part < many)
        return;
    SAY(s, FL_ADVICE_DUPLICATES, s->duplicates,
        "%s datagrams (%s) came twice. Are two destinations configured that both lead here (Cisco: show flow "
        "exporter), or does a mirror port or a relay repeat them? Remove one.",
        fl_human_count(s->duplicates, count), fl_human_percent(part, percent));
}

static void advise_restarts(const struct sum *s)
{
    char count[FL_HUMAN_TEXT], span[FL_HUMAN_TEXT];
    int64_t lived_ms = s->view->at_ms - s->first_ms;
    if (s->restarts < 3 || (double)s->restarts * DAY_MS < (double)lived_ms)
        return;
    SAY(s, FL_ADVICE_RESTARTS, s->restarts,
        "its numbering began anew %s times in %s. Does it reboot or fail over (show version), or do several "
        "exporters share its address and domain? Give each its own (Juniper: observation-domain-id; nProbe "
        "and others: source id).",
        fl_human_count(s->restarts, count), fl_human_span(lived_ms, span));
}

static void advise_no_flows(const struct sum *s)
{
    char count[FL_HUMAN_TEXT], span[FL_HUMAN_TEXT];
    if (s->flows > 0)
        return;
    if (s->not_flows > 0)
        SAY(s, FL_ADVICE_NOT_FLOWS, s->not_flows,
            "all of its %s records lack IP addresses (layer 2, counters, events): nothing of it can be "
            "stored "
            "or mined. Export an IP record too (Cisco: match ipv4 source address, match ipv4 destination "
            "address, and the same for ipv6).",
            fl_human_count(s->not_flows, count));
    else if (s->any_template && s->unknown_template + s->waiting == 0 &&
             s->view->at_ms - s->first_ms >= SETTLE_MS)
        SAY(s, FL_ADVICE_NO_DATA, s->packets,
            "it has sent templates for %s, but not one flow. Is a monitor applied to its interfaces (Cisco: "
            "ip "
            "flow monitor NAME input; Juniper: sampling input on the interface)?",
            fl_human_span(s->view->at_ms - s->first_ms, span));
}

/* ---- how it is configured ---- */

static void advise_clock(const struct sum *s)
{
    char span[FL_HUMAN_TEXT];
    int64_t skew_ms = s->newest->clock_skew_ms;
    if (llabs(skew_ms) <= SKEW_MS)
        return;
    SAY(s, FL_ADVICE_CLOCK, skew_ms,
        "its clock is %s %s this host's. Flows of different routers only line up when clocks agree: set both "
        "by "
        "NTP (Cisco: ntp server ADDRESS; Juniper: set system ntp server ADDRESS; here: timedatectl).",
        fl_human_span(llabs(skew_ms), span), skew_ms < 0 ? "behind" : "ahead of");
}

static void advise_time(const struct sum *s)
{
    char count[FL_HUMAN_TEXT], percent[FL_HUMAN_TEXT];
    double part = share(s->time_fallbacks, s->flows);
    if (part < many || s->newest->clock_skew_ms >= FUTURE_MS)
        return;
    SAY(s, FL_ADVICE_NO_TIME, s->time_fallbacks,
        "%s of its flows (%s) carry no usable time and are stored with the time they came in, which blurs "
        "rules. Export start and end: elements 152 and 153 (Cisco: collect timestamp absolute first, ... "
        "last), or 22 and 21 (collect timestamp sys-uptime first, ... last), and check its clock.",
        fl_human_count(s->time_fallbacks, count), fl_human_percent(part, percent));
}

static void advise_timeouts(const struct sum *s)
{
    char span[FL_HUMAN_TEXT];
    int64_t active_ms = s->newest->active_timeout_ms, inactive_ms = s->newest->inactive_timeout_ms;
    if (active_ms > ACTIVE_MS)
        SAY(s, FL_ADVICE_ACTIVE_TIMEOUT, active_ms,
            "a long flow is told only after %s (active timeout), so that it comes too late to be mined with "
            "what happened at its start. Set 60 s (Cisco: cache timeout active 60; Juniper: "
            "flow-active-timeout 60; Mikrotik: active-flow-timeout=1m).",
            fl_human_span(active_ms, span));
    if (inactive_ms > INACTIVE_MS)
        SAY(s, FL_ADVICE_INACTIVE_TIMEOUT, inactive_ms,
            "a flow that has ended is told only after %s (inactive timeout). Set 15 s (Cisco: cache timeout "
            "inactive 15; Juniper: flow-inactive-timeout 15; Mikrotik: inactive-flow-timeout=15s).",
            fl_human_span(inactive_ms, span));
}

static void advise_sampling(const struct sum *s)
{
    char stored[FL_HUMAN_TEXT], told[FL_HUMAN_TEXT];
    const struct fl_exporter_stats *e = s->newest;
    fl_human_count(e->sampling, stored);
    if (e->sampling >= HEAVY_SAMPLING)
        SAY(s, FL_ADVICE_SAMPLING, e->sampling,
            "it samples 1 packet in %s. A short flow is then seen once in a while, two that belong together "
            "hardly ever: few rules can be found. Sample less where the router can, best not at all.",
            stored);
    if (e->sampling_source == FL_SAMPLING_CONFIG && e->sampling_told > 0 && e->sampling_told != e->sampling)
        SAY(s, FL_ADVICE_SAMPLING_DIFFERS, e->sampling_told,
            "it says that it samples 1 packet in %s, the configuration says 1 in %s, which holds. Correct "
            "\"sampling\" of location %s in flowlore.yaml, or leave it out and the router's own word counts.",
            fl_human_count(e->sampling_told, told), stored, e->location);
}

void fl_advise_exporter(const struct fl_exporter_stats *sessions, size_t n, const struct fl_advice_view *view,
                        fl_advice_fn *fn, void *ctx)
{
    struct sum s = add_up(sessions, n, view);
    s.fn = fn;
    s.ctx = ctx;
    advise_silent(&s);
    if (s.first_ms == INT64_MAX) /* no session was heard of lately */
        return;
    for (size_t v = 0; v < 3; v++)
        advise_loss(&s, v);
    advise_template(&s);
    advise_malformed(&s);
    advise_duplicates(&s);
    advise_restarts(&s);
    advise_no_flows(&s);
    advise_clock(&s);
    advise_time(&s);
    advise_timeouts(&s);
    advise_sampling(&s);
}

/* ---- the service ---- */

static void advise_kernel(const struct fl_advice_view *view, fl_advice_fn *fn, void *ctx)
{
    const struct fl_service_stats *service = view->service;
    char count[FL_HUMAN_TEXT], percent[FL_HUMAN_TEXT];
    int64_t enough = 2 * view->receive_buffer_bytes;
    if (service->kernel_drops == 0)
        return;
    say(fn, ctx, FL_ADVICE_KERNEL_DROPS, NULL, service->kernel_drops,
        "kernel: %s datagrams (%s) were dropped before flowlored could read them. Give its sockets more "
        "room: "
        "sysctl -w net.core.rmem_max=%lld, and receive-buffer: %lldMiB in flowlore.yaml; if processors are "
        "idle, "
        "more receive-threads too.",
        fl_human_count(service->kernel_drops, count),
        fl_human_percent(fl_loss_share(service->kernel_drops, service->datagrams), percent),
        (long long)enough, (long long)(enough >> 20));
}

static void advise_shed(const struct fl_advice_view *view, fl_advice_fn *fn, void *ctx)
{
    const struct fl_service_stats *service = view->service;
    char count[FL_HUMAN_TEXT];
    if (service->queue_shed > 0)
        say(fn, ctx, FL_ADVICE_QUEUE_SHED, NULL, service->queue_shed,
            "storing: %s flows were given up because storing lagged behind receiving. Move the data "
            "directory "
            "to a faster disk, or let the routers send less (longer timeouts, sampling).",
            fl_human_count(service->queue_shed, count));
    if (service->disk_shed > 0)
        say(fn, ctx, FL_ADVICE_DISK_SHED, NULL, service->disk_shed,
            "disk: %s flows were given up because the disk refused them. Make room on it, and bound what is "
            "kept with retention-bytes in flowlore.yaml; storing resumes by itself.",
            fl_human_count(service->disk_shed, count));
}

static void advise_refused(const struct fl_advice_view *view, const struct fl_refused_sender *r,
                           fl_advice_fn *fn, void *ctx)
{
    char address[FL_ADDR_TEXT], count[FL_HUMAN_TEXT], plural[FL_HUMAN_TEXT];
    fl_addr_format(&r->address, address);
    say(fn, ctx, FL_ADVICE_REFUSED, &r->address, r->datagrams,
        "%s %s refused: it belongs to no location. If it is one of yours, start flowlored with --location "
        "%s=%s, or add \"%s\" to the prefixes of a location in flowlore.yaml and send flowlored a HUP.",
        fl_human_count(r->datagrams, count), fl_human_plural(r->datagrams, "datagram", plural),
        view->location ? view->location : "NAME", address, address);
}

void fl_advise_service(const struct fl_advice_view *view, uint64_t stray, fl_advice_fn *fn, void *ctx)
{
    const struct fl_service_stats *service = view->service;
    char count[FL_HUMAN_TEXT];
    if (!service)
        return;
    advise_kernel(view, fn, ctx);
    advise_shed(view, fn, ctx);
    for (size_t i = 0; i < service->n_refused_senders; i++)
        advise_refused(view, &service->refused_senders[i], fn, ctx);
    if (service->refused > 0 && service->n_refused_senders == 0)
        say(fn, ctx, FL_ADVICE_REFUSED, NULL, service->refused,
            "refused: %s datagrams came from addresses of no location. flowlored's log names them; add those "
            "that "
            "are yours to the prefixes of a location.",
            fl_human_count(service->refused, count));
    if (stray > 0)
        say(fn, ctx, FL_ADVICE_STRAY, NULL, stray,
            "strays: %s datagrams are of no version that flowlore reads (NetFlow v5, v9, IPFIX). Does "
            "something "
            "send sFlow, or NetFlow v7 or v8, to its ports? flowlored's log names the senders.",
            fl_human_count(stray, count));
    if (service->sessions_dropped > 0)
        say(fn, ctx, FL_ADVICE_SESSIONS, NULL, service->sessions_dropped,
            "sessions: %s were forgotten to make room for others, with their templates. Does an exporter "
            "change "
            "its source port or domain all the time, or are senders forged? Configure locations, so that "
            "only "
            "your routers are heard.",
            fl_human_count(service->sessions_dropped, count));
}

/* ---- of a location ---- */

void fl_advise_location(const struct fl_unclean_runs *runs, fl_advice_fn *fn, void *ctx)
{
    char from[FL_TIME_TEXT];
    if (runs->n < 2 || runs->newest_ms - runs->first_ms < 2 * DAY_MS)
        return;
    say(fn, ctx, FL_ADVICE_UNCLEAN, NULL, runs->n,
        "the data of %s are not whole in any of the %zu runs since %s (%s). What is new there waits for a "
        "run "
        "over whole data, and no known rule is told as broken: mend what its exporters lose, keep their "
        "clocks "
        "by NTP, and leave their sampling as it is.",
        runs->location, runs->n, fl_time_format_s(runs->first_ms, from), runs->why);
}
