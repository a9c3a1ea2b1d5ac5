/* Counting pairs as a sparse matrix product: for each node, walk the windows it starts in, look up who else
 * is active there, count the partners in a dense array, judge the row, forget it. No table of pairs ever
 * exists; the cost is the number of co-occurrences. (Gustavson, "Two fast algorithms for sparse matrices",
 * ACM TOMS 4, 1978.)
 *
 * 1. The nodes that name one host are laid out by window (mining/meet), and counted there and then: their
 * partners are few and lie close together. A bound family is one such group.
 * 2. Row x counts its partners y > x: windows in which both start; in which x starts while y is under way
 * without starting; and the other way round. Both kinds of evidence, both ways, come from these three, so
 * that every co-occurrence is looked at once. A row that is present throughout a block stands in one list of
 * the block; what that counts twice where it also starts is taken off again.
 * 3. Each partner is judged (mining/judge).
 *
 * With what the run before kept, labels (mining/meet) make 2 count the difference, which is added to the kept
 * counts of the row before 3.
 *
 * Groups that are a good part of the whole are laid out first and their rows shared by all threads; of the
 * others each thread takes the next.
 *
 * Example: x starts in windows 3, 70, 130; y starts in 3, 71, 130 and each time lasts 2 windows: both start
 * in 2 windows, y is under way in none of x's others, x is in none of y's. */
#include "mining/count.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "mining/parallel.h"
#include "mining/room.h"
#include "storage/error.h"

/* ---- the work and those who do it ---- */

enum { FAMILIES = 3, ROWS_AT_ONCE = 32, GROUPS_AT_ONCE = 8, MOST_LARGE = 2 * FL_MOST_THREADS };

struct large { /* a group whose rows are shared */
    enum fl_family family;
    uint32_t host, host_end;
    struct fl_meet meet;
    atomic_uint next_row;
};

/* What all threads share. */
struct job {
    const struct fl_count_request *request;
    uint32_t threads, crowd;
    struct fl_bench benches[FAMILIES];
    struct fl_kept_compared compared[FAMILIES];
    struct fl_seats seats[FAMILIES];
    bool differences; /* only these are counted */
    struct large *large;
    uint32_t n_large;
    uint8_t *is_large; /* by host of NAMED */
    atomic_uint next_large, next_host;
    atomic_bool stopped, failed, crowded;
    size_t n_rows; /* about */
    atomic_size_t rows_done;

    struct fl_kept_row *rows[FAMILIES]; /* for the run after; NULL: nothing is kept */
    atomic_bool keeping;
    atomic_size_t kept_pairs;
    size_t most_kept_pairs;
};

/* What each thread has for itself. */
struct worker {
    struct job *job;
    bool first;          /* the one that asks `stop` */
    struct fl_meet meet; /* of small groups */
    int32_t *both;       /* by partner: windows + BIAS, 0 when it was not met */
    int32_t *x_during_y, *y_during_x;
    uint32_t *touched;
    uint32_t n_touched;
    size_t room;
    struct fl_judge judges[FAMILIES];
    struct fl_found *found;
    uint32_t *row_of[FAMILIES]; /* by kept track (NAMED) or node: its row in this group, or UINT32_MAX */
    struct fl_kept_pair *row;   /* of the row in hand, for the run after */
    size_t n_row, room_row;
    struct fl_kept_chunk *chunks;
};

enum { BIAS = 1 << 30 };

/* ---- 2. meetings of a row ---- */

/* Starts of x and of the rows in [from, to) of a list, ascending, that are greater than x. Everything that
 * the loop changes is at hand, not behind pointers that may be the same. */
static void meet_starts(struct worker *w, uint32_t x, bool x_whole, const uint32_t *list, uint32_t from,
                        uint32_t to, int32_t sign)
{
    int32_t *restrict both = w->both;
    uint32_t *restrict touched = w->touched, n = w->n_touched, least = (x + 1) << 1, any_whole = x_whole;
    uint32_t at = to;
    for (; at > from && list[at - 1] >= least; at--) {
        uint32_t y = list[at - 1] >> 1;
        int32_t met = both[y];
        touched[n] = y;
        n += met == 0;
        both[y] = (met ? met : BIAS) + sign;
        any_whole |= list[at - 1] & 1;
    }
    w->n_touched = n;
    for (; any_whole && at < to; at++) { /* what is counted by its block */
        uint32_t y = list[at] >> 1;
        w->x_during_y[y] -= list[at] & 1 ? sign : 0;
        w->y_during_x[y] -= x_whole ? sign : 0;
    }
}

/* The rows of a list are under way while x starts `times` times, or the other way round. */
static void meet_during(struct worker *w, int32_t *restrict during, uint32_t x, const uint32_t *list,
                        uint32_t from, uint32_t to, int32_t times)
{
    int32_t *restrict both = w->both;
    uint32_t *restrict touched = w->touched, n = w->n_touched, least = (x + 1) << 1;
    for (; to > from && list[to - 1] >= least; to--) {
        uint32_t y = list[to - 1] >> 1;
        touched[n] = y;
        n += both[y] == 0;
        both[y] = both[y] ? both[y] : BIAS;
        during[y] += times;
    }
    w->n_touched = n;
}

static void walk_starts(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    for (uint32_t i = m->new_first[x]; i < m->new_first[x + 1]; i++) {
        uint32_t at = m->new_at[i], key = at >> 3, label = at >> 1 & 3;
        for (unsigned other = 0; other < m->labels; other++) {
            size_t list = (size_t)key * m->labels + other;
            int32_t sign = FL_MEET_SIGN[label][other];
            if (!sign)
                continue;
            meet_starts(w, x, at & 1, m->new_list, m->new_begin[list], m->new_begin[list + 1], sign);
            meet_during(w, w->x_during_y, x, m->part_list, m->part_begin[list], m->part_begin[list + 1],
                        sign);
        }
    }
}

/* Starts of x in blocks in which others are present throughout: by block. */
static void walk_blocks(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    for (uint32_t i = m->new_first[x], next; i < m->new_first[x + 1]; i = next) {
        uint32_t block = m->whole_of[m->new_at[i] >> 3], label = m->new_at[i] >> 1 & 3;
        for (next = i + 1; next < m->new_first[x + 1] && m->whole_of[m->new_at[next] >> 3] == block &&
                           (m->new_at[next] >> 1 & 3) == label;)
            next++;
        for (unsigned other = 0; block != UINT32_MAX && other < m->labels; other++) {
            size_t list = (size_t)block * m->labels + other;
            int32_t sign = FL_MEET_SIGN[label][other];
            if (sign)
                meet_during(w, w->x_during_y, x, m->whole_list, m->whole_begin[list],
                            m->whole_begin[list + 1], sign * (int32_t)(next - i));
        }
    }
}

/* Others start at a key while x is under way. */
static void walk_key(struct worker *w, const struct fl_meet *m, uint32_t x, uint32_t key, uint32_t label)
{
    for (unsigned other = 0; other < m->labels; other++) {
        size_t list = (size_t)key * m->labels + other;
        int32_t sign = FL_MEET_SIGN[label][other];
        if (sign)
            meet_during(w, w->y_during_x, x, m->new_list, m->new_begin[list], m->new_begin[list + 1], sign);
    }
}

static void walk_row(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    walk_starts(w, m, x);
    if (m->n_wholes)
        walk_blocks(w, m, x);
    for (uint32_t i = m->part_first[x]; i < m->part_first[x + 1]; i++)
        walk_key(w, m, x, m->part_at[i] >> 3, m->part_at[i] >> 1 & 3);
    for (uint32_t i = m->whole_first[x]; i < m->whole_first[x + 1]; i++) {
        uint32_t block = m->whole_at[i] >> 2, label = m->whole_at[i] & 3;
        for (uint32_t key = m->key_from[block]; key < m->key_to[block]; key++)
            walk_key(w, m, x, key, label);
    }
}

/* ---- 3. partners of a row ---- */

/* Two nodes that share two hosts meet under both, and are counted under the lower one. */
static bool counts_here(const struct worker *w, const struct fl_meet *m, uint32_t x, uint32_t y)
{
    const struct fl_node_key *keys = w->job->request->nodes->keys;
    if (m->family == FL_NAMED && m->other[x] != FL_HOST_ANY && m->other[y] != FL_HOST_ANY)
        return m->other[x] != m->other[y] || m->host < m->other[x];
    return fl_pair_allowed(m->family, &keys[m->node[x]], &keys[m->node[y]]);
}

static int judge_partner(struct worker *w, const struct fl_meet *m, uint32_t x, uint32_t y,
                         const struct fl_meetings *met, uint32_t at_least)
{
    struct job *job = w->job;
    bool keep = job->rows[0] && atomic_load_explicit(&job->keeping, memory_order_relaxed);
    int rc = fl_judge_pair(&w->judges[m->family], m->node[x], m->node[y], met, &at_least, keep);
    if (rc < 0 || !keep)
        return rc;
    if (fl_room(&w->row, &w->room_row, w->n_row + 1, sizeof *w->row) < 0)
        return FL_ENOMEM;
    uint32_t name = m->family == FL_NAMED ? job->compared[FL_NAMED].c.twins[m->twin[y]].now : m->node[y];
    w->row[w->n_row++] = (struct fl_kept_pair){name, *met, at_least};
    return 0;
}

/* What was counted of a partner, which is then as if never met. */
static struct fl_meetings take_met(struct worker *w, uint32_t y)
{
    struct fl_meetings met = {w->both[y] ? (uint32_t)(w->both[y] - BIAS) : 0, (uint32_t)w->x_during_y[y],
                              (uint32_t)w->y_during_x[y]};
    w->both[y] = w->x_during_y[y] = w->y_during_x[y] = 0;
    return met;
}

static int judge_touched(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    int rc = 0;
    for (uint32_t i = 0; i < w->n_touched; i++) {
        struct fl_meetings met = take_met(w, w->touched[i]);
        if (rc == 0 && (met.both || met.x_during_y || met.y_during_x) && counts_here(w, m, x, w->touched[i]))
            rc = judge_partner(w, m, x, w->touched[i], &met, 0);
    }
    w->n_touched = 0;
    return rc;
}

/* Where the row of x stands among those kept; `track` and `node` are its own in that run. */
static size_t row_number(const struct fl_meet *m, const struct fl_node_key *key, uint32_t track,
                         uint32_t node)
{
    bool second = key->client != FL_HOST_ANY && key->client != m->host;
    return m->family == FL_NAMED ? 2 * (size_t)track + second : node;
}

static const struct fl_kept_row *kept_row(const struct worker *w, const struct fl_meet *m, uint32_t x)
{
    static const struct fl_kept_row none = {NULL, 0};
    const struct job *job = w->job;
    if (!job->differences)
        return &none;
    uint32_t track = 0, node = job->compared[0].before_of[m->node[x]];
    if (m->family == FL_NAMED)
        track = job->compared[FL_NAMED].c.twins[m->twin[x]].before;
    if (node == UINT32_MAX || track == FL_NO_TRACK)
        return &none;
    const struct fl_node_key *key = &job->request->nodes->keys[m->node[x]];
    return &job->request->kept->families[m->family].rows[row_number(m, key, track, node)];
}

static int32_t met_more(const struct worker *w, uint32_t y)
{
    return w->both[y] ? w->both[y] - BIAS : 0;
}

/* What is left of at_least, when starts fell out of blocks: those of either with at most so many of the
 * other. */
static uint32_t without_lost(const struct fl_kept_compared *k, uint32_t x, uint32_t y, uint32_t at_least)
{
    uint64_t lost = k->lost[x] * k->most[y] + k->lost[y] * k->most[x];
    return at_least > lost ? (uint32_t)(at_least - lost) : 0;
}

/* The pairs that x had, with what is different now. */
static int judge_kept(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    const struct fl_kept_row *row = kept_row(w, m, x);
    const struct fl_kept_compared *k = &w->job->compared[m->family];
    int rc = 0;
    for (size_t i = 0; i < row->n && rc == 0; i++) {
        const struct fl_kept_pair *p = &row->pairs[i];
        uint32_t y = w->row_of[m->family][p->y];
        if (y == UINT32_MAX)
            continue;
        struct fl_meetings met = {p->met.both + (uint32_t)met_more(w, y),
                                  p->met.x_during_y + (uint32_t)w->x_during_y[y],
                                  p->met.y_during_x + (uint32_t)w->y_during_x[y]};
        (void)take_met(w, y);
        if (met.both || met.x_during_y || met.y_during_x)
            rc = judge_partner(w, m, x, y, &met, without_lost(k, m->node[x], m->node[y], p->at_least));
    }
    return rc;
}

/* Leave the row in hand for the run after. */
static int keep_row(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    struct job *job = w->job;
    size_t n = w->n_row;
    w->n_row = 0;
    if (n == 0 || !job->rows[0])
        return 0;
    if (atomic_fetch_add(&job->kept_pairs, n) + n > job->most_kept_pairs)
        atomic_store(&job->keeping, false);
    if (!atomic_load(&job->keeping))
        return 0;
    struct fl_kept_pair *pairs = fl_kept_room(&w->chunks, n);
    if (!pairs)
        return FL_ENOMEM;
    memcpy(pairs, w->row, n * sizeof *pairs);
    uint32_t track = m->family == FL_NAMED ? job->compared[FL_NAMED].c.twins[m->twin[x]].now : 0;
    const struct fl_node_key *key = &job->request->nodes->keys[m->node[x]];
    job->rows[m->family][row_number(m, key, track, m->node[x])] = (struct fl_kept_row){pairs, n};
    return 0;
}

static int count_row(struct worker *w, const struct fl_meet *m, uint32_t x)
{
    walk_row(w, m, x);
    int rc = judge_kept(w, m, x), rest = judge_touched(w, m, x);
    if (rc == 0)
        rc = rest;
    return rc == 0 ? keep_row(w, m, x) : rc;
}

/* ---- groups ---- */

static int room_for_rows(struct worker *w, const struct fl_meet *m)
{
    size_t n = (size_t)m->n_rows + 1;
    if (n <= w->room)
        return 0;
    free(w->both);
    free(w->x_during_y);
    free(w->y_during_x);
    free(w->touched);
    w->room = n + n / 2;
    w->both = calloc(w->room, sizeof *w->both);
    w->x_during_y = calloc(w->room, sizeof *w->x_during_y);
    w->y_during_x = calloc(w->room, sizeof *w->y_during_x);
    w->touched = malloc(w->room * sizeof *w->touched);
    return w->both && w->x_during_y && w->y_during_x && w->touched ? 0 : FL_ENOMEM;
}

/* Where the kept partners of a group are. Tracks that are gone are found nowhere, the others are in this
 * group. */
static void find_kept_rows(struct worker *w, const struct fl_meet *m)
{
    const struct fl_kept_compared *k = &w->job->compared[m->family];
    uint32_t *row_of = w->row_of[m->family];
    if (!w->job->differences)
        return;
    for (uint32_t row = 0; row < m->n_rows; row++) {
        uint32_t before = m->family == FL_NAMED ? k->c.twins[m->twin[row]].before
                                                : w->job->compared[0].before_of[m->node[row]];
        if (before != UINT32_MAX)
            row_of[before] = row;
    }
}

static int start_group(struct worker *w, const struct fl_meet *m)
{
    if (m->crowded)
        atomic_store(&w->job->crowded, true);
    find_kept_rows(w, m);
    return room_for_rows(w, m);
}

/* Does the run end before its end? Differences are of no use in a crowd. */
static int ends_early(struct worker *w)
{
    struct job *job = w->job;
    const struct fl_count_request *r = job->request;
    if (w->first && r->stop && !atomic_load(&job->stopped) &&
        r->stop(r->ctx, (double)atomic_load(&job->rows_done) / (double)(job->n_rows + 1)))
        atomic_store(&job->stopped, true);
    if (atomic_load(&job->failed))
        return FL_ENOMEM;
    if (job->differences && atomic_load(&job->crowded))
        return FL_EBUSY;
    return atomic_load(&job->stopped) ? FL_ESTOP : 0;
}

static int count_rows(struct worker *w, const struct fl_meet *m, uint32_t from, uint32_t to)
{
    int rc = 0;
    to = to < m->n_rows ? to : m->n_rows;
    for (uint32_t x = from; x < to && rc == 0; x++)
        rc = count_row(w, m, x);
    atomic_fetch_add(&w->job->rows_done, to - from);
    return rc == 0 ? ends_early(w) : rc;
}

static int count_large(struct worker *w, struct large *large)
{
    uint32_t from;
    int rc = start_group(w, &large->meet);
    while (rc == 0 && (from = atomic_fetch_add(&large->next_row, ROWS_AT_ONCE)) < large->meet.n_rows)
        rc = count_rows(w, &large->meet, from, from + ROWS_AT_ONCE);
    return rc;
}

static int count_host(struct worker *w, uint32_t host)
{
    struct job *job = w->job;
    const struct fl_seats *seats = &job->seats[FL_NAMED];
    if (job->is_large[host] || seats->first[host + 1] - seats->first[host] < 2)
        return 0;
    int rc = fl_meet_build(&w->meet, &job->compared[FL_NAMED].c, seats, job->request->nodes, host, host + 1,
                           job->crowd);
    if (rc == 0)
        rc = start_group(w, &w->meet);
    return rc == 0 ? count_rows(w, &w->meet, 0, w->meet.n_rows) : rc;
}

static int count_groups(struct worker *w)
{
    struct job *job = w->job;
    uint32_t host, n_hosts = job->compared[FL_NAMED].c.n_hosts;
    int rc = 0;
    for (uint32_t i = 0; i < job->n_large && rc == 0; i++)
        rc = count_large(w, &job->large[i]);
    while (rc == 0 && (host = atomic_fetch_add(&job->next_host, GROUPS_AT_ONCE)) < n_hosts)
        for (uint32_t i = host; i < n_hosts && i - host < GROUPS_AT_ONCE && rc == 0; i++)
            rc = count_host(w, i);
    return rc;
}

/* ---- all of it ---- */

struct crew {
    struct job *job;
    struct worker *workers;
};

static int lay_out_part(void *ctx, uint32_t part)
{
    struct job *job = ((struct crew *)ctx)->job;
    uint32_t i;
    int rc = 0;
    while (rc == 0 && (i = atomic_fetch_add(&job->next_large, 1)) < job->n_large) {
        struct large *l = &job->large[i];
        rc = fl_meet_build(&l->meet, &job->compared[l->family].c, &job->seats[l->family], job->request->nodes,
                           l->host, l->host_end, job->crowd);
    }
    return rc;
}

static int count_part(void *ctx, uint32_t part)
{
    struct crew *crew = ctx;
    int rc = count_groups(&crew->workers[part]);
    if (rc < 0 && rc != FL_ESTOP && rc != FL_EBUSY)
        atomic_store(&crew->job->failed, true);
    return rc;
}

static size_t kept_names(const struct fl_kept_counts *kept, int family)
{
    return family == FL_NAMED ? kept->families[family].lane.n_tracks : kept->n_nodes;
}

static int worker_init(struct worker *w, struct job *job, struct fl_found *found, bool first)
{
    int rc = 0;
    *w = (struct worker){.job = job, .found = found, .first = first};
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER && rc == 0; family++) {
        rc = fl_judge_init(&w->judges[family], &job->benches[family], found);
        size_t names = job->differences ? kept_names(job->request->kept, family) : 0;
        if (rc < 0 || !names)
            continue;
        w->row_of[family] = malloc(names * sizeof *w->row_of[family]);
        if (w->row_of[family])
            memset(w->row_of[family], 0xff, names * sizeof *w->row_of[family]);
        else
            rc = FL_ENOMEM;
    }
    return rc;
}

static void worker_clear(struct worker *w)
{
    fl_meet_clear(&w->meet);
    free(w->both);
    free(w->x_during_y);
    free(w->y_during_x);
    free(w->touched);
    free(w->row);
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++) {
        fl_judge_clear(&w->judges[family]);
        free(w->row_of[family]);
    }
    fl_kept_chunks_clear(w->chunks);
}

static uint64_t weight_of(const struct job *job, uint32_t host)
{
    const struct fl_seats *seats = &job->seats[FL_NAMED];
    const struct fl_compared *c = &job->compared[FL_NAMED].c;
    uint64_t sum = 0;
    for (size_t i = seats->first[host]; i < seats->first[host + 1]; i++) {
        const struct fl_track *t = &c->now.lane->tracks[c->twins[seats->twin[i]].now];
        sum += t->new_to - t->new_from;
    }
    return sum;
}

static void add_large(struct job *job, enum fl_family family, uint32_t host, uint32_t host_end)
{
    struct large *l = &job->large[job->n_large++];
    l->family = family;
    l->host = host;
    l->host_end = host_end;
    if (family == FL_NAMED)
        job->is_large[host] = 1;
}

/* The bound families, and with several threads the hosts that are a good part of what one has to do. */
static int find_large(struct job *job)
{
    uint32_t n_hosts = job->compared[FL_NAMED].c.n_hosts;
    uint64_t total = 0;
    job->large = calloc(MOST_LARGE + 2, sizeof *job->large);
    job->is_large = calloc((size_t)n_hosts + 1, 1);
    if (!job->large || !job->is_large)
        return FL_ENOMEM;
    for (int family = FL_BOUND_CLIENT; family <= FL_BOUND_SERVER; family++)
        add_large(job, (enum fl_family)family, 0, job->compared[family].c.n_hosts);
    for (uint32_t host = 0; host < n_hosts; host++)
        total += weight_of(job, host);
    for (uint32_t host = 0; host < n_hosts && job->threads > 1; host++)
        if (weight_of(job, host) * 2 * job->threads > total && job->n_large < MOST_LARGE)
            add_large(job, FL_NAMED, host, host + 1);
    return 0;
}

static int prepare(struct job *job)
{
    const struct fl_count_request *r = job->request;
    struct fl_kept_counts *kept = job->differences ? r->kept : NULL;
    int rc = fl_kept_compare(job->compared, kept, r->lanes, r->nodes, r->talk);
    fl_benches_init(job->benches, r->lanes, r->config);
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER && rc == 0; family++) {
        size_t names = family == FL_NAMED ? 2 * r->lanes[family].n_tracks : r->nodes->n;
        rc = fl_seats_build(&job->seats[family], &job->compared[family].c, r->nodes);
        job->n_rows += job->compared[family].c.n_twins;
        if (rc == 0 && r->kept && !(job->rows[family] = calloc(names + 1, sizeof *job->rows[family])))
            rc = FL_ENOMEM;
    }
    return rc == 0 ? find_large(job) : rc;
}

/* Where half of it is different, counting everything is less work. */
static bool much_is_different(const struct job *job)
{
    uint64_t different = 0, starts = 0;
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++) {
        different += job->compared[family].n_different;
        starts += job->compared[family].n_starts;
    }
    return different > starts / 2;
}

static void job_clear(struct job *job)
{
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++) {
        fl_kept_compared_clear(&job->compared[family]);
        fl_seats_clear(&job->seats[family]);
        free(job->rows[family]);
    }
    for (uint32_t i = 0; job->large && i < job->n_large; i++)
        fl_meet_clear(&job->large[i].meet);
    free(job->large);
    free(job->is_large);
}

/* Everything is counted: leave it for the run after. */
static int leave_kept(struct job *job, struct worker *workers)
{
    const struct fl_count_request *r = job->request;
    struct fl_kept_counts *kept = r->kept;
    struct fl_node_key *keys = malloc((r->nodes->n + 1) * sizeof *keys);
    struct fl_addr *hosts = malloc((r->talk->n_hosts + 1) * sizeof *hosts);
    kept->too_large = !atomic_load(&job->keeping);
    fl_kept_clear(kept);
    if (!keys || !hosts || kept->too_large) {
        free(keys);
        free(hosts);
        return keys && hosts ? 0 : FL_ENOMEM;
    }
    memcpy(keys, r->nodes->keys, r->nodes->n * sizeof *keys);
    memcpy(hosts, r->talk->hosts, r->talk->n_hosts * sizeof *hosts);
    kept->keys = keys;
    kept->n_nodes = r->nodes->n;
    kept->hosts = hosts;
    kept->n_hosts = r->talk->n_hosts;
    for (int family = FL_NAMED; family <= FL_BOUND_SERVER; family++) {
        kept->families[family] = (struct fl_kept_family){r->lanes[family], job->rows[family]};
        r->lanes[family] = (struct fl_lane){0};
        job->rows[family] = NULL;
    }
    for (uint32_t i = 0; i < job->threads; i++)
        fl_kept_take(kept, &workers[i].chunks);
    kept->bytes = fl_kept_bytes(kept);
    kept->crowded = atomic_load(&job->crowded);
    kept->filled = true;
    kept->used = job->differences;
    return 0;
}

static int run_workers(struct job *job, struct worker *workers, struct fl_found *found)
{
    struct crew crew = {job, workers};
    int rc = fl_parallel(job->threads, lay_out_part, &crew);
    for (uint32_t i = 0; i < job->threads && rc == 0; i++)
        rc = worker_init(&workers[i], job, &found[i], i == 0);
    return rc == 0 ? fl_parallel(job->threads, count_part, &crew) : rc;
}

/* Count all, or the differences: FL_EBUSY when that is of no use. */
static int count(struct fl_pairs *out, const struct fl_count_request *r, bool differences)
{
    struct job job = {.request = r,
                      .threads = fl_parallel_threads(r->config->threads),
                      .crowd = r->crowd ? r->crowd : FL_CROWD,
                      .differences = differences};
    size_t budget = r->kept && r->kept->budget_bytes ? r->kept->budget_bytes : FL_KEPT_BYTES;
    struct worker *workers = calloc(job.threads, sizeof *workers);
    struct fl_found *found = calloc(job.threads, sizeof *found);
    job.most_kept_pairs = budget / sizeof(struct fl_kept_pair);
    atomic_store(&job.keeping, true);
    int rc = workers && found ? prepare(&job) : FL_ENOMEM;
    if (rc == 0 && differences && much_is_different(&job))
        rc = FL_EBUSY;
    if (rc == 0)
        rc = run_workers(&job, workers, found);
    if (rc == 0)
        rc = fl_found_settle(found, job.threads, log10(r->config->q), &out->items, &out->n, &out->tested);
    out->crowded = atomic_load(&job.crowded);
    if (rc == 0 && r->kept)
        rc = leave_kept(&job, workers);
    for (uint32_t i = 0; i < job.threads; i++) {
        if (workers)
            worker_clear(&workers[i]);
        if (found)
            fl_found_clear(&found[i]);
    }
    free(workers);
    free(found);
    job_clear(&job);
    return rc;
}

int fl_count_pairs(struct fl_pairs *out, const struct fl_count_request *r)
{
    *out = (struct fl_pairs){0};
    bool differences = r->kept && fl_kept_fits(r->kept, r->lanes);
    int rc = count(out, r, differences);
    if (rc == FL_EBUSY) {
        r->kept->why_not = out->crowded ? "some hosts are crowded" : "much is different";
        rc = count(out, r, false);
    }
    if (rc < 0) {
        fl_pairs_clear(out);
        if (r->kept)
            fl_kept_clear(r->kept);
    }
    return rc;
}

void fl_pairs_clear(struct fl_pairs *p)
{
    free(p->items);
    *p = (struct fl_pairs){0};
}
