/* Known rules looked at again.
 *
 * 1. By the host that they name, the nodes of all rules, each once, stand in lists, so that a conversation is
 * held against those that name its client or its server, and the few that name no host at all.
 * 2. A node's conversations are its events: binding host (as in counting, lane.h), first and last window.
 * 3. An event of the starting side is a hit when the other side starts in its window (`start`) or is under
 * way in it (`during`), at the same binding host. Of a rule of a range with itself it is a hit when another
 * of what the range stands for does: another service of the client, or another client where clients are in
 * step. Events are then walked in order of time: how many misses since the last hit, the longest row of
 * misses before it, and how long the longest row lasted that chance does not make: of m misses of a rule of
 * confidence c, (1 - c)^m <= 1/1000. A row that began before the span is as long as an earlier run saw it.
 * 4. A side that goes on meets the other by chance now and then. After a row that would be told, of ten
 * misses or more and (1 - c)^m <= 1e-6, hits count once there are ten of them, or half of what the rule was
 * found with, before the next row that chance does not make; else the row goes on over them. Where the span
 * ends before that, they end the row, but nothing is said of when both sides were there. */
#include "mining/recheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mining/lane.h"
#include "mining/order.h"
#include "mining/room.h"
#include "storage/error.h"

struct event {
    uint32_t bind, first, last; /* windows */
    uint32_t conversation;      /* once settled, of a side with itself: OTHER_* */
};
enum { OTHER_STARTS = 1, OTHER_DURING = 2 }; /* another of the range in the event's window */
struct side {                                /* a node, for all rules that count it alike */
    const struct fl_node *node;
    enum fl_family family;
    bool itself; /* of a rule of the node with itself */
    struct event *events;
    size_t n, room;
};
struct lists {     /* sides by the host that they are listed under */
    size_t *first; /* n_hosts + 2: the last list is of those that name no host */
    uint32_t *sides;
};

enum { ASK_EVERY = 1 << 16, LEAST_MISSES = 10, MOST_HITS = 10 };
#define REST_LOG10 (-3)
#define TOLD_LOG10 (-6)

static bool asked_to_stop(const struct fl_recheck_stop *stop)
{
    return stop && stop->ask && stop->ask(stop->ctx);
}

static bool is_with_itself(const struct fl_recheck *r)
{
    return !r->single && fl_node_cmp(&r->antecedent, &r->consequent) == 0;
}

/* One service that clients use in step, not services that a client uses in step. */
static bool varies_by_client(const struct fl_node *n)
{
    return n->any_client && !n->any_server && !n->server_port_last;
}

static enum fl_family family_of(const struct fl_recheck *r)
{
    if (r->single || (is_with_itself(r) && varies_by_client(&r->antecedent)))
        return FL_NAMED;
    if (r->antecedent.any_client && r->consequent.any_client)
        return FL_BOUND_CLIENT;
    bool both = r->antecedent.any_server && r->consequent.any_server;
    return both && fl_addr_cmp(&r->antecedent.client, &r->consequent.client) != 0 ? FL_BOUND_SERVER
                                                                                  : FL_NAMED;
}

/* ---- sides ---- */

struct end { /* of a rule: ends 2i and 2i + 1 are of rule i, of a single one only the first */
    const struct fl_node *node;
    enum fl_family family;
    bool itself;
    size_t number;
};

static int compare_ends(const void *va, const void *vb)
{
    const struct end *a = va, *b = vb;
    FL_ORDER(a->family, b->family);
    FL_ORDER(a->itself, b->itself);
    int c = fl_node_cmp(a->node, b->node);
    if (c)
        return c;
    FL_ORDER(a->number, b->number);
    return 0;
}

/* One side for all ends alike, so that a busy node's events are there once; side_of[] is by number of the
 * end. Returns how many, or FL_ENOMEM. */
static long make_sides(struct side *sides, uint32_t *side_of, const struct fl_recheck *items, size_t n)
{
    struct end *ends = malloc((2 * n + 1) * sizeof *ends);
    size_t all = 0, count = 0;
    if (!ends)
        return FL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        enum fl_family family = family_of(&items[i]);
        bool itself = is_with_itself(&items[i]);
        ends[all++] = (struct end){&items[i].antecedent, family, itself, 2 * i};
        if (!items[i].single)
            ends[all++] = (struct end){&items[i].consequent, family, itself, 2 * i + 1};
    }
    qsort(ends, all, sizeof *ends, compare_ends);
    for (size_t i = 0; i < all; i++) {
        const struct side *last = count ? &sides[count - 1] : NULL;
        if (!last || last->family != ends[i].family || last->itself != ends[i].itself ||
            fl_node_cmp(last->node, ends[i].node) != 0)
            sides[count++] =
                (struct side){.node = ends[i].node, .family = ends[i].family, .itself = ends[i].itself};
        side_of[ends[i].number] = (uint32_t)(count - 1);
    }
    free(ends);
    return (long)count;
}

/* The number of a host; FL_HOST_ANY when it is not in the talk. */
static uint32_t number_of(const struct fl_talk *talk, const struct fl_addr *a)
{
    size_t low = 0, high = talk->n_hosts;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = fl_addr_cmp(&talk->hosts[middle], a);
        if (order == 0)
            return (uint32_t)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return FL_HOST_ANY;
}

/* Under its server where it names one, else under its client; under the number after all hosts where it names
 * none. */
static uint32_t listed_under(const struct fl_talk *talk, const struct side *s)
{
    if (s->node->any_client && s->node->any_server)
        return (uint32_t)talk->n_hosts;
    return number_of(talk, s->node->any_server ? &s->node->client : &s->node->server);
}

static int build_lists(struct lists *l, const struct side *sides, size_t n, const struct fl_talk *talk)
{
    l->first = calloc(talk->n_hosts + 3, sizeof *l->first);
    l->sides = malloc((n + 1) * sizeof *l->sides);
    uint32_t *host = malloc((n + 1) * sizeof *host);
    if (!l->first || !l->sides || !host) {
        free(host);
        return FL_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        host[i] = listed_under(talk, &sides[i]);
        if (host[i] != FL_HOST_ANY)
            l->first[host[i] + 2]++;
    }
    for (size_t h = 2; h < talk->n_hosts + 3; h++)
        l->first[h] += l->first[h - 1];
    for (size_t i = 0; i < n; i++)
        if (host[i] != FL_HOST_ANY)
            l->sides[l->first[host[i] + 1]++] = (uint32_t)i;
    free(host);
    return 0;
}

static bool matches_port(uint32_t port, uint32_t last, uint32_t seen)
{
    return last ? seen >= port && seen <= last : seen == port;
}

static bool matches(const struct fl_node *n, const struct fl_conversation *c, const struct fl_talk *talk)
{
    if (n->protocol != c->protocol || !matches_port(n->server_port, n->server_port_last, c->server_port))
        return false;
    if (!n->any_client && (!matches_port(n->client_port, n->client_port_last, c->client_port) ||
                           fl_addr_cmp(&n->client, &talk->hosts[c->client]) != 0))
        return false;
    return n->any_server || fl_addr_cmp(&n->server, &talk->hosts[c->server]) == 0;
}

static int add_event(struct side *s, const struct fl_conversation *c, const struct fl_talk *talk,
                     const struct fl_timeline *time)
{
    if (fl_room(&s->events, &s->room, s->n + 1, sizeof *s->events) < 0)
        return FL_ENOMEM;
    s->events[s->n++] = (struct event){fl_bind_of(s->family, c), fl_window_of(time, c->start_ms),
                                       fl_window_of(time, c->end_ms), (uint32_t)(c - talk->items)};
    return 0;
}

/* Hold a conversation against one list. */
static int offer(struct side *sides, const struct lists *l, uint32_t list, bool as_client,
                 const struct fl_conversation *c, const struct fl_talk *talk, const struct fl_timeline *time)
{
    for (size_t k = l->first[list]; k < l->first[list + 1]; k++) {
        struct side *s = &sides[l->sides[k]];
        if (s->node->any_server == as_client && matches(s->node, c, talk) && add_event(s, c, talk, time) < 0)
            return FL_ENOMEM;
    }
    return 0;
}

static int collect(struct side *sides, const struct lists *l, const struct fl_talk *talk,
                   const struct fl_timeline *time, const struct fl_recheck_stop *stop)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < talk->n; i++) {
        if (i % ASK_EVERY == 0 && asked_to_stop(stop))
            return FL_ESTOP;
        const struct fl_conversation *c = &talk->items[i];
        rc = offer(sides, l, c->server, false, c, talk, time);
        if (rc == 0)
            rc = offer(sides, l, c->client, true, c, talk, time);
        if (rc == 0)
            rc = offer(sides, l, (uint32_t)talk->n_hosts, true, c, talk, time);
    }
    return rc;
}

/* ---- counting ---- */

static int by_bind(const void *va, const void *vb)
{
    const struct event *a = va, *b = vb;
    FL_ORDER(a->bind, b->bind);
    FL_ORDER(a->first, b->first);
    FL_ORDER(b->last, a->last); /* the longest first, which the windows' one entry keeps */
    return 0;
}

struct reach { /* of what started so far: the furthest, and the furthest of another one of the range */
    int64_t last[2];
    uint32_t conversation[2];
};

/* Are they of two of what the range stands for? */
static bool differ(const struct side *s, const struct fl_talk *talk, uint32_t a, uint32_t b)
{
    const struct fl_conversation *x = &talk->items[a], *y = &talk->items[b];
    if (varies_by_client(s->node))
        return x->client != y->client;
    return x->server != y->server || x->server_port != y->server_port;
}

static void reach_on(struct reach *r, const struct side *s, const struct fl_talk *talk, const struct event *e)
{
    bool other = r->last[0] >= 0 && differ(s, talk, r->conversation[0], e->conversation);
    if (other && (int64_t)e->last > r->last[0]) {
        r->last[1] = r->last[0];
        r->conversation[1] = r->conversation[0];
    }
    int at = other && (int64_t)e->last <= r->last[0];
    if ((int64_t)e->last > r->last[at]) {
        r->last[at] = e->last;
        r->conversation[at] = e->conversation;
    }
}

static bool other_is_under_way(const struct reach *r, const struct side *s, const struct fl_talk *talk,
                               const struct event *e)
{
    for (int k = 0; k < 2; k++)
        if (r->last[k] >= (int64_t)e->first && differ(s, talk, r->conversation[k], e->conversation))
            return true;
    return false;
}

/* Of events in order, each gets what others of the range do in its window. */
static void find_others(struct side *s, const struct fl_talk *talk)
{
    struct reach reach = {{-1, -1}, {0, 0}};
    for (size_t i = 0, end; i < s->n; i = end) {
        const struct event *e = &s->events[i];
        uint32_t others = 0;
        if (i > 0 && s->events[i - 1].bind != e->bind)
            reach = (struct reach){{-1, -1}, {0, 0}};
        for (end = i; end < s->n && s->events[end].bind == e->bind && s->events[end].first == e->first; end++)
            if (differ(s, talk, e->conversation, s->events[end].conversation))
                others |= OTHER_STARTS | OTHER_DURING;
            else if (other_is_under_way(&reach, s, talk, &s->events[end]))
                others |= OTHER_DURING;
        for (size_t k = i; k < end; k++)
            reach_on(&reach, s, talk, &s->events[k]);
        for (size_t k = i; k < end; k++)
            s->events[k].conversation = others;
    }
}

/* Order, and leave one event a window and binding host: the longest. */
static void settle(struct side *s, const struct fl_talk *talk)
{
    size_t n = 0;
    if (s->n > 0)
        qsort(s->events, s->n, sizeof *s->events, by_bind);
    if (s->itself)
        find_others(s, talk);
    for (size_t i = 0; i < s->n; i++)
        if (n == 0 || s->events[n - 1].bind != s->events[i].bind ||
            s->events[n - 1].first != s->events[i].first)
            s->events[n++] = s->events[i];
    s->n = n;
}

/* Windows, by binding host, in which one is under way; the events are settled. */
static uint64_t count_present(const struct side *s)
{
    uint64_t count = 0;
    int64_t reached = -1; /* the last window counted of this bind */
    for (size_t i = 0; i < s->n; i++) {
        const struct event *e = &s->events[i];
        if (i == 0 || s->events[i - 1].bind != e->bind)
            reached = -1;
        int64_t from = (int64_t)e->first > reached ? e->first : reached + 1;
        if ((int64_t)e->last >= from) {
            count += (uint64_t)((int64_t)e->last - from + 1);
            reached = e->last;
        }
    }
    return count;
}

enum doubt { COUNTS, CHANCE, UNSURE };
struct mark { /* an event in the order of time */
    uint32_t window, bind;
    bool hit;
    enum doubt doubt; /* of a hit */
};

static int by_window(const void *va, const void *vb)
{
    const struct mark *a = va, *b = vb;
    FL_ORDER(a->window, b->window);
    FL_ORDER(a->bind, b->bind);
    return 0;
}

static bool is_before(const struct event *a, const struct event *b)
{
    return a->bind != b->bind ? a->bind < b->bind : a->first < b->first;
}

/* Which events of x are hits: y starts in the window, or (`during`) is under way in it. */
static void mark_hits(struct mark *marks, const struct side *x, const struct side *y, bool during)
{
    if (x->itself) {
        for (size_t i = 0; i < x->n; i++)
            marks[i] =
                (struct mark){x->events[i].first, x->events[i].bind,
                              x->events[i].conversation & (during ? OTHER_DURING : OTHER_STARTS), COUNTS};
        return;
    }
    size_t j = 0;
    int64_t reach = -1; /* how far those of y reach that started in this bind up to here */
    for (size_t i = 0; i < x->n; i++) {
        const struct event *e = &x->events[i];
        if (i > 0 && x->events[i - 1].bind != e->bind)
            reach = -1;
        bool starts = false;
        for (; j < y->n && !is_before(e, &y->events[j]); j++)
            if (y->events[j].bind == e->bind) {
                reach = (int64_t)y->events[j].last > reach ? y->events[j].last : reach;
                starts = y->events[j].first == e->first;
            }
        marks[i] = (struct mark){e->first, e->bind, starts || (during && reach >= (int64_t)e->first), COUNTS};
    }
}

/* One side of a rule, as it is counted. */
struct way {
    double log10_alone; /* of the chance to miss */
    size_t enough;      /* hits that end a row which would be told */
    int64_t hit_ms, mended_ms;
};

static struct way way_of(const struct fl_recheck *r, double confidence, uint64_t cases)
{
    double alone = 1 - (confidence < 0.99 ? confidence : 0.99), half = confidence * (double)cases / 2;
    return (struct way){log10(alone),
                        half >= MOST_HITS ? MOST_HITS
                        : half > 1        ? (size_t)half
                                          : 1,
                        r->hit_ms, r->mended_ms};
}

static bool is_rest(uint64_t misses, const struct way *way)
{
    return (double)misses * way->log10_alone <= REST_LOG10;
}

static bool is_long(uint64_t misses, const struct way *way)
{
    return misses >= LEAST_MISSES && (double)misses * way->log10_alone <= TOLD_LOG10;
}

static void put_doubt(struct mark *marks, size_t from, size_t to, enum doubt doubt)
{
    for (size_t i = from; i < to; i++)
        marks[i].doubt = doubt;
}

/* Which hits count; see 4. */
static void doubt_hits(struct mark *marks, size_t n, const struct way *way)
{
    size_t misses = 0, hits = 0, first = 0; /* hits: in doubt, from the first one on */
    bool told = false;                      /* the row would be */
    for (size_t i = 0; i < n; i++) {
        if (!marks[i].hit) {
            misses++;
            told = told || is_long(misses, way);
            if (hits && is_rest(misses, way)) {
                put_doubt(marks, first, i, CHANCE);
                hits = 0;
                told = true;
            }
            continue;
        }
        first = told ? i : first;
        hits += told || hits;
        hits = hits < way->enough ? hits : 0;
        told = false;
        misses = 0;
    }
    if (hits)
        put_doubt(marks, first, n, UNSURE);
}

/* A row of misses that ends with a hit at `now_ms`. */
static void end_row(struct fl_lapse *out, uint64_t misses, int64_t first_ms, int64_t now_ms,
                    const struct way *way)
{
    int64_t before_ms = out->last_ms != INT64_MIN ? out->last_ms : way->hit_ms;
    int64_t rest_ms = now_ms - (before_ms != INT64_MIN && before_ms < first_ms ? before_ms : first_ms);
    out->longest = misses > out->longest ? misses : out->longest;
    bool rests = is_rest(misses, way);
    out->awake += 1 + (is_long(misses, way) ? 0 : misses);
    if (rests && now_ms > way->mended_ms && rest_ms > out->rest_ms)
        out->rest_ms = rest_ms;
}

/* Hits, misses since the last one, the longest row of misses before it, and when that was. */
static uint64_t walk(const struct mark *marks, size_t n, struct fl_lapse *out, const struct way *way,
                     const struct fl_timeline *time)
{
    uint64_t hits = 0;
    int64_t first_ms = 0; /* of the row */
    *out = (struct fl_lapse){.last_ms = INT64_MIN};
    for (size_t i = 0; i < n; i++) {
        int64_t now_ms = fl_window_start_ms(time, marks[i].window);
        first_ms = out->since ? first_ms : now_ms;
        hits += marks[i].hit;
        out->since += !marks[i].hit;
        if (!marks[i].hit || marks[i].doubt == CHANCE)
            continue;
        out->unsure = marks[i].doubt == UNSURE;
        if (!out->unsure) {
            end_row(out, out->since, first_ms, now_ms, way);
            out->last_ms = now_ms;
        }
        out->since = 0;
    }
    return hits;
}

/* One direction: how x is followed by y. */
static int follow(const struct side *x, const struct side *y, bool during, uint64_t *hits,
                  struct fl_lapse *out, struct way way, const struct fl_timeline *time)
{
    struct mark *marks = malloc((x->n + 1) * sizeof *marks);
    if (!marks)
        return FL_ENOMEM;
    mark_hits(marks, x, y, during);
    qsort(marks, x->n, sizeof *marks, by_window);
    doubt_hits(marks, x->n, &way);
    *hits = walk(marks, x->n, out, &way, time);
    free(marks);
    return 0;
}

static int judge(struct fl_recheck *r, const struct side *a, const struct side *b,
                 const struct fl_timeline *time)
{
    uint64_t other;
    bool during = r->evidence == FL_EVIDENCE_DURING;
    struct way on = way_of(r, r->confidence, r->cases),
               back = way_of(r, r->reverse_confidence, r->reverse_cases);
    r->n_antecedent = during && r->present_antecedent ? count_present(a) : a->n;
    r->n_consequent = r->single ? 0 : during && !r->present_antecedent ? count_present(b) : b->n;
    if (r->single)
        return 0;
    if (during) { /* only of the side that starts can one say that it went on alone */
        const struct side *starts = r->present_antecedent ? b : a, *present = r->present_antecedent ? a : b;
        return follow(starts, present, true, &r->n_both,
                      r->present_antecedent ? &r->consequent_alone : &r->antecedent_alone,
                      r->present_antecedent ? back : on, time);
    }
    int rc = follow(a, b, false, &r->n_both, &r->antecedent_alone, on, time);
    return rc ? rc : follow(b, a, false, &other, &r->consequent_alone, back, time);
}

/* The sides' events, in order. */
static int fill_sides(struct side *sides, size_t n, const struct fl_talk *talk,
                      const struct fl_timeline *time, const struct fl_recheck_stop *stop)
{
    struct lists lists = {0};
    int rc = build_lists(&lists, sides, n, talk);
    if (rc == 0)
        rc = collect(sides, &lists, talk, time, stop);
    for (size_t i = 0; rc == 0 && i < n; i++)
        settle(&sides[i], talk);
    free(lists.first);
    free(lists.sides);
    return rc;
}

int fl_recheck(struct fl_recheck *items, size_t n, const struct fl_talk *talk, const struct fl_timeline *time,
               const struct fl_recheck_stop *stop)
{
    struct side *sides = calloc(2 * n + 1, sizeof *sides);
    uint32_t *side_of = calloc(2 * n + 1, sizeof *side_of);
    long n_sides = sides && side_of ? make_sides(sides, side_of, items, n) : FL_ENOMEM;
    int rc = n_sides < 0 ? (int)n_sides : fill_sides(sides, (size_t)n_sides, talk, time, stop);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = asked_to_stop(stop) ? FL_ESTOP
                                 : judge(&items[i], &sides[side_of[2 * i]], &sides[side_of[2 * i + 1]], time);
    for (long i = 0; i < n_sides; i++)
        free(sides[i].events);
    free(sides);
    free(side_of);
    return rc;
}
