/* Storing a mining run: each rule is matched with what the location has shown before. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"
#include "storage/timetext.h"

/* A decision by pattern that holds at the run's location. */
struct cover {
    int64_t decision_id;
    struct fl_pattern *pattern;
};
struct storing {
    struct fl_rulesdb *db;
    struct fl_run *run;
    const struct fl_finding_list *found;
    const struct fl_rule *rules; /* found's */
    size_t n;
    int64_t location_id, now_ms;
    bool learning;
    struct cover *covers;
    size_t n_covers, alerts;
    int64_t *ids;       /* of the rule at the same index; 0: an instance */
    int64_t *positions; /* instances stored under the rule at the same index */
    uint64_t first_time;
    struct fl_untold *untold;       /* novel rules, room for every rule */
    size_t *untold_index, n_untold; /* of each, among the rules */
    json_t *grades;                 /* by shape */
    struct fl_kin *kin;
};

/* ---- figures ---- */

struct node_text {
    char client[FL_ADDR_TEXT], client_port[FL_PORT_TEXT], server[FL_ADDR_TEXT], server_port[FL_PORT_TEXT];
};

static const char *host_text(bool any, const struct fl_addr *a, char out[FL_ADDR_TEXT])
{
    return any ? strcpy(out, "*") : fl_addr_format(a, out);
}

static struct node_text node_text(const struct fl_node *n)
{
    struct node_text t;
    host_text(n->any_client, &n->client, t.client);
    host_text(n->any_server, &n->server, t.server);
    fl_ports_format(n->client_port, n->client_port_last, n->protocol, t.client_port);
    fl_ports_format(n->server_port, n->server_port_last, n->protocol, t.server_port);
    return t;
}

static double q_value(double log10_q)
{
    double q = pow(10, log10_q);
    return q < 1e-300 ? 1e-300 : q > 1 ? 1 : q;
}

static const char *present_text(const struct fl_rule *r)
{
    if (r->evidence != FL_EVIDENCE_DURING)
        return NULL;
    return r->present_antecedent ? "antecedent" : "consequent";
}

static const char *evidence_text(const struct fl_rule *r)
{
    static const char *const names[] = {"start", "during", "periodic"};
    return names[r->evidence];
}

enum { LAG_TEXT = 96 + 12 * FL_LAG_BINS };
/* {"from_ms":-1000,"step_ms":125,"counts":[0,3,...]}, or NULL where there is none. */
static const char *lag_text(const struct fl_lag_histogram *h, char out[LAG_TEXT])
{
    if (h->step_ms == 0)
        return NULL;
    size_t used = (size_t)snprintf(out, LAG_TEXT, "{\"from_ms\":%lld,\"step_ms\":%lld,\"counts\":[",
                                   (long long)h->from_ms, (long long)h->step_ms);
    for (int i = 0; i < FL_LAG_BINS; i++)
        used += (size_t)snprintf(out + used, LAG_TEXT - used, "%s%u", i ? "," : "", (unsigned)h->counts[i]);
    snprintf(out + used, LAG_TEXT - used, "]}");
    return out;
}

/* A rule has a consequent or a period; what it has not is NULL. */
static int blank_figures(sqlite3_stmt *s, bool periodic)
{
    static const int consequent[] = {9, 10, 11, 12, 13, 0}, period[] = {33, 34, 35, 0};
    int rc = SQLITE_OK;
    for (const int *column = periodic ? consequent : period; rc == SQLITE_OK && *column; column++)
        rc = sqlite3_bind_null(s, *column);
    return rc;
}

/* A NULL id makes a new row. */
static int put_figures(struct fl_rulesdb *db, const struct fl_rule *r, int64_t *id)
{
    char text[FL_RULE_TEXT], lags[LAG_TEXT];
    struct node_text a = node_text(&r->antecedent), c = node_text(&r->consequent);
    sqlite3_stmt *s = fl_rulesdb_kept(db, SQL_PUT_FIGURES);
    if (!s)
        return SQLITE_ERROR;
    int rc = fl_rulesdb_bind(
        s, "itittttittttittddddiiiidddiitiitiii", *id, fl_rule_format(r, text), (int64_t)r->both, a.client,
        a.client_port, a.server, a.server_port, (int64_t)r->antecedent.protocol, c.client, c.client_port,
        c.server, c.server_port, (int64_t)r->consequent.protocol, evidence_text(r), present_text(r),
        r->confidence, r->reverse_confidence, r->lift, r->score, fl_rulesdb_count(r->n_antecedent),
        fl_rulesdb_count(r->n_consequent), fl_rulesdb_count(r->n_both), fl_rulesdb_count(r->n_windows),
        r->expected, q_value(r->log10_q), r->log10_p, r->lag_ms, r->lag_spread_ms,
        *r->clock ? r->clock : NULL, (int64_t)r->hosts, (int64_t)r->instances, lag_text(&r->lags, lags),
        r->period.period_ms, r->period.spread_ms, (int64_t)r->period.missed);
    if (rc == SQLITE_OK)
        rc = blank_figures(s, r->evidence == FL_EVIDENCE_PERIODIC);
    if (rc == SQLITE_OK && *id == 0)
        rc = sqlite3_bind_null(s, 1);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    int reset = sqlite3_reset(s);
    if (*id == 0)
        *id = sqlite3_last_insert_rowid(db->sqlite);
    return rc == SQLITE_DONE ? reset : rc;
}

static int put_example(struct fl_rulesdb *db, const struct fl_rule *r, int64_t figures_id, uint32_t position)
{
    const struct fl_example *e = &r->examples[position];
    bool paired = r->evidence != FL_EVIDENCE_PERIODIC;
    char hosts[4][FL_ADDR_TEXT], ports[4][FL_PORT_TEXT];
    for (int i = 0; i < 2; i++) {
        uint8_t protocol = i == 0 ? r->antecedent.protocol : r->consequent.protocol;
        fl_addr_format(&e->clients[i], hosts[2 * i]);
        fl_addr_format(&e->servers[i], hosts[2 * i + 1]);
        fl_port_format(e->client_ports[i], protocol, ports[2 * i]);
        fl_port_format(e->server_ports[i], protocol, ports[2 * i + 1]);
    }
    return fl_rulesdb_run(db, SQL_ADD_EXAMPLE, "iiitttttttt", figures_id, (int64_t)position, e->time_ms,
                          hosts[0], ports[0], hosts[1], ports[1], paired ? hosts[2] : NULL,
                          paired ? ports[2] : NULL, paired ? hosts[3] : NULL, paired ? ports[3] : NULL);
}

/* Figures with their examples; replacing figures drops the old examples. */
static int put_statement(struct fl_rulesdb *db, const struct fl_rule *r, int64_t *figures_id)
{
    int rc = put_figures(db, r, figures_id);
    for (uint32_t i = 0; rc == SQLITE_OK && i < r->n_examples && i < FL_EXAMPLES; i++)
        rc = put_example(db, r, *figures_id, i);
    return rc;
}

/* ---- rules ---- */

static int64_t first_time_of(const struct storing *s, const struct fl_rule *r)
{
    int64_t first = INT64_MAX;
    for (uint32_t i = 0; i < r->n_examples && i < FL_EXAMPLES; i++)
        if (r->examples[i].time_ms < first)
            first = r->examples[i].time_ms;
    return first == INT64_MAX ? s->run->from_ms : first;
}

static int64_t last_time_of(const struct storing *s, const struct fl_rule *r)
{
    int64_t last = INT64_MIN;
    for (uint32_t i = 0; i < r->n_examples && i < FL_EXAMPLES; i++)
        if (r->examples[i].time_ms > last)
            last = r->examples[i].time_ms;
    return last == INT64_MIN ? s->run->to_ms : last;
}

/* While nothing becomes known by itself, all rules of a shape that a run finds first have one grade. */
static const char *grade_before(const struct storing *s, const char *shape)
{
    return s->learning ? NULL : json_string_value(json_object_get(s->grades, shape));
}

/* The quieter grade first: a shape that is known here says more than another location. */
static int grade(struct storing *s, const char *shape, const char **novelty)
{
    int64_t found;
    int rc = fl_rulesdb_get_int(s->db, SQL_KNOWN_SHAPE, &found, "it", s->location_id, shape);
    *novelty = "new-hosts";
    if (rc != SQLITE_DONE)
        return rc;
    rc = fl_rulesdb_get_int(s->db, SQL_KNOWN_ELSEWHERE, &found, "it", s->location_id, shape);
    *novelty = rc == SQLITE_ROW ? "new-here" : "new";
    return rc;
}

static int cover(struct storing *s, const struct fl_rule *r, int64_t id, const char *identity)
{
    int rc = fl_mixed_is_rule(r)
                 ? SQLITE_OK
                 : fl_rulesdb_run(s->db, SQL_COVER_BY_IDENTITY, "itt", id, identity, s->run->location);
    for (size_t i = 0; rc == SQLITE_OK && i < s->n_covers; i++)
        if (fl_pattern_match(s->covers[i].pattern, &r->antecedent, fl_rule_consequent(r)))
            rc = fl_rulesdb_run(s->db, SQL_COVER, "ii", id, s->covers[i].decision_id);
    return rc == SQLITE_OK ? fl_rulesdb_run(s->db, SQL_OUTWEIGH, "i", id) : rc;
}

/* A novel rule stands as another does: known as long as that, or ignored. *now is what it is then, NULL where
 * it was not novel, or still is. */
static int inherit(struct storing *s, int64_t id, int64_t as_id, bool learn, const char **now)
{
    const char *status = fl_rulesdb_status(s->db, id);
    *now = NULL;
    if (!status || strcmp(status, "novel") != 0)
        return status ? SQLITE_OK : SQLITE_ERROR;
    int rc = fl_rulesdb_run(s->db, SQL_LEARN_AS, "iii", id, as_id, (int64_t)learn);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(s->db, SQL_COVER_AS, "ii", id, as_id);
    if (rc != SQLITE_OK || !(status = fl_rulesdb_status(s->db, id)))
        return SQLITE_ERROR;
    *now = strcmp(status, "novel") ? status : NULL;
    return SQLITE_OK;
}

/* `why` goes before "rule 12". */
static int stand_as(struct storing *s, int64_t id, int64_t as_id, const char *why)
{
    char text[80];
    const char *now = NULL;
    int rc = as_id ? inherit(s, id, as_id, true, &now) : SQLITE_OK;
    snprintf(text, sizeof text, "%s rule %lld", why, (long long)as_id);
    return now ? fl_rulesdb_run(s->db, SQL_NOTE_KNOWN_WHY, "it", id, text) : rc;
}

/* What was an instance of a rule stands as that does when it comes to stand for itself, and what says a known
 * thing in other words as that does. A decision goes first. The pace of what was widened waits for its own.
 */
static int settle(struct storing *s, const struct fl_rule *r, int64_t id, const char *identity)
{
    int64_t as_id = 0;
    const char *why;
    int rc =
        stand_as(s, id, fl_mixed_is_rule(r) ? 0 : fl_kin_folded(s->kin, identity), "once an instance of");
    if (rc == SQLITE_OK && (r->evidence != FL_EVIDENCE_PERIODIC || r->instances == 0))
        rc = fl_kin_no_news(s->kin, s->db, &r->antecedent, fl_rule_consequent(r), &as_id, &why);
    return rc == SQLITE_OK && as_id ? stand_as(s, id, as_id, why) : rc;
}

static int add_rule(struct storing *s, const struct fl_rule *r, const char *identity, int64_t *id)
{
    char shape[FL_RULE_TEXT];
    int64_t figures_id = 0;
    int rc = SQLITE_ROW;
    const char *novelty = grade_before(s, fl_rule_shape(&r->antecedent, fl_rule_consequent(r), shape));
    if (!novelty) {
        rc = grade(s, shape, &novelty);
        if (json_object_set_new(s->grades, shape, json_string(novelty)) != 0)
            rc = SQLITE_NOMEM;
    }
    if (rc != SQLITE_DONE && rc != SQLITE_ROW)
        return rc;
    rc = put_statement(s->db, r, &figures_id);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(s->db, SQL_ADD_RULE, "itttiiiiit", s->location_id, identity, shape, novelty,
                            (int64_t)s->learning, figures_id, first_time_of(s, r), last_time_of(s, r),
                            s->run->to_ms, *s->run->unclean ? s->run->unclean : NULL);
    *id = sqlite3_last_insert_rowid(s->db->sqlite);
    s->first_time++;
    if (rc == SQLITE_OK)
        rc = cover(s, r, *id, identity);
    return rc == SQLITE_OK && !*s->run->unclean ? settle(s, r, *id, identity) : rc;
}

static int find_rule(struct storing *s, const char *identity, int64_t *id, int64_t *figures_id)
{
    sqlite3_stmt *q = fl_rulesdb_kept(s->db, SQL_FIND_RULE);
    if (!q)
        return SQLITE_ERROR;
    int rc = fl_rulesdb_bind(q, "it", s->location_id, identity);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        *id = sqlite3_column_int64(q, 0);
        *figures_id = sqlite3_column_int64(q, 1);
    }
    sqlite3_reset(q);
    return rc;
}

/* A span that began so long before a run is hardly mined again: its records are gone, or will be. */
#define SIGHTING_MS ((int64_t)40 * 86400000)

static int note_sighting(struct storing *s, const struct fl_rule *r, int64_t id)
{
    int rc = fl_rulesdb_run(s->db, SQL_ADD_SIGHTING, "iii", id, s->run->from_ms, s->run->to_ms);
    int64_t another_span = sqlite3_changes(s->db->sqlite);
    if (rc == SQLITE_OK)
        rc =
            fl_rulesdb_run(s->db, SQL_MOVE_RULE, "iiii", id, last_time_of(s, r), s->run->to_ms, another_span);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(s->db, SQL_FORGET_SIGHTINGS, "ii", id, s->run->from_ms - SIGHTING_MS);
    return rc == SQLITE_OK ? fl_rulesdb_run(s->db, SQL_DROP_INSTANCES, "i", id) : rc;
}

/* What a learning run finds is known, whatever it was; its alert has nothing more to tell. */
static int learn(struct storing *s, int64_t id)
{
    int rc = fl_rulesdb_run(s->db, SQL_LEARN_RULE, "i", id);
    if (rc != SQLITE_OK || sqlite3_changes(s->db->sqlite) == 0)
        return rc;
    const char *status = fl_rulesdb_status(s->db, id);
    if (!status)
        return SQLITE_ERROR;
    return strcmp(status, "novel") == 0
               ? SQLITE_OK
               : fl_alert_retell(s->db, &id, 1, NULL, "learned while the location learns", s->now_ms);
}

/* Held no longer, now that whole data show it: what was found first while the location learned is learned,
 * and what is no news is known. */
static int confirm(struct storing *s, const struct fl_rule *r, int64_t id, const char *identity)
{
    int64_t found;
    int rc = fl_rulesdb_run(s->db, SQL_CONFIRM_RULE, "iii", id, (int64_t) !*s->run->unclean, s->run->from_ms);
    if (rc != SQLITE_OK || sqlite3_changes(s->db->sqlite) == 0)
        return rc;
    rc = fl_rulesdb_get_int(s->db, SQL_FOUND_LEARNING, &found, "i", id);
    return rc == SQLITE_ROW ? learn(s, id) : rc == SQLITE_DONE ? settle(s, r, id, identity) : rc;
}

static int store_rule(struct storing *s, size_t index)
{
    const struct fl_rule *r = &s->rules[index];
    char identity[FL_RULE_TEXT];
    int64_t id = 0, figures_id = 0;
    fl_rule_identity(&r->antecedent, fl_rule_consequent(r), identity);
    int rc = find_rule(s, identity, &id, &figures_id);
    if (rc == SQLITE_ROW) {
        rc = fl_mixed_look(s->db, s->run, s->found, index, id);
        if (rc == SQLITE_OK)
            rc = put_statement(s->db, r, &figures_id);
    } else if (rc == SQLITE_DONE) {
        rc = add_rule(s, r, identity, &id);
    }
    if (rc == SQLITE_OK)
        rc = note_sighting(s, r, id);
    if (rc == SQLITE_OK)
        rc = confirm(s, r, id, identity);
    if (rc != SQLITE_OK)
        return rc;
    s->ids[index] = id;
    return s->learning ? learn(s, id) : SQLITE_OK;
}

/* ---- instances ---- */

/* The rule at the top of the chain of parents; n when the chain leads nowhere. */
static size_t top_of(const struct storing *s, size_t index)
{
    for (size_t steps = 0; steps < s->n && s->rules[index].parent >= 0; steps++) {
        if ((size_t)s->rules[index].parent >= s->n)
            return s->n;
        index = (size_t)s->rules[index].parent;
    }
    return s->rules[index].parent < 0 ? index : s->n;
}

static int store_instance(struct storing *s, size_t index)
{
    int64_t figures_id = 0;
    size_t top = top_of(s, index);
    if (top == s->n)
        return SQLITE_OK;
    int rc = put_statement(s->db, &s->rules[index], &figures_id);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(s->db, SQL_ADD_INSTANCE, "iii", s->ids[top], s->positions[top]++, figures_id);
    return rc;
}

/* A rule that this run folds under one that is known, or ignored, is so too; its alert has nothing more to
 * tell. Only a decision closes one that was told before the rule was there under which it is. */
static int adopt(struct storing *s, size_t index)
{
    const struct fl_rule *r = &s->rules[index];
    char identity[FL_RULE_TEXT], note[80];
    int64_t id, figures_id, top = s->ids[top_of(s, index)];
    fl_rule_identity(&r->antecedent, fl_rule_consequent(r), identity);
    int rc = find_rule(s, identity, &id, &figures_id);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    const char *now;
    rc = inherit(s, id, top, s->learning, &now);
    if (!now)
        return rc;
    snprintf(note, sizeof note, "part of rule %lld, which is %s", (long long)top, now);
    rc = fl_rulesdb_run(s->db, SQL_NOTE_KNOWN_WHY, "it", id, note);
    return rc == SQLITE_OK ? fl_alert_retell(s->db, &id, 1, NULL, note, s->now_ms) : rc;
}

/* ---- telling ---- */

/* The known rule as which an instance is known; 0: it is not. */
static int64_t instance_known_as(const struct storing *s, const struct fl_rule *r, const char *identity)
{
    int64_t id = fl_kin_known(s->kin, identity);
    return id || r->evidence != FL_EVIDENCE_PERIODIC ? id : fl_kin_pace_of(s->kin, &r->antecedent);
}

/* What is said of the rule's instances already: the live alert of one of them into *alert_id; and where all
 * of them are listed and known, as which rules, into `known`. */
static int look_at_instances(struct storing *s, size_t index, int64_t *alert_id, json_t *known)
{
    char identity[FL_RULE_TEXT];
    size_t listed = 0;
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < s->n; i++) {
        const struct fl_rule *r = &s->rules[i];
        int64_t id, figures_id;
        if (r->parent < 0 || top_of(s, i) != index)
            continue;
        listed++;
        fl_rule_identity(&r->antecedent, fl_rule_consequent(r), identity);
        int64_t as_id = fl_mixed_is_rule(r) ? 0 : instance_known_as(s, r, identity);
        if (as_id && json_array_append_new(known, json_integer(as_id)) != 0)
            return SQLITE_NOMEM;
        rc = *alert_id ? SQLITE_DONE : find_rule(s, identity, &id, &figures_id);
        if (rc == SQLITE_ROW)
            rc = fl_rulesdb_get_int(s->db, SQL_LIVE_ALERT, alert_id, "i", id);
        rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    if (listed != s->rules[index].instances || json_array_size(known) < listed)
        json_array_clear(known);
    return rc;
}

/* The rule that known ones make together is known as long as all of them are. */
static int stand_as_instances(struct storing *s, int64_t id, const json_t *known)
{
    int64_t as_id = 0;
    if (json_array_size(known) == 0)
        return SQLITE_OK;
    int rc = fl_kin_lasting(s->db, known, json_array_size(known), &as_id);
    if (rc == SQLITE_OK)
        rc = stand_as(s, id, as_id, "its instances are known, like");
    return rc == SQLITE_OK ? fl_alert_retell(s->db, &id, 1, NULL, "its instances are known", s->now_ms) : rc;
}

static bool is_pace_of(const struct fl_rule *r, const struct fl_rule *other)
{
    return !r->antecedent.any_server && other->evidence != FL_EVIDENCE_PERIODIC &&
           (fl_kin_is_of(&r->antecedent, &other->antecedent) ||
            fl_kin_is_of(&r->antecedent, &other->consequent));
}

static bool keeps_time_too(const struct fl_rule *r, const struct fl_rule *other)
{
    return other->evidence == FL_EVIDENCE_PERIODIC && !r->antecedent.any_client &&
           !other->antecedent.any_client &&
           fl_addr_cmp(&r->antecedent.client, &other->antecedent.client) == 0;
}

/* The rule of the run, by its id, that a periodic one is told with: one that names its node, or a stronger
 * periodic one of the same client that nobody has been told of; 0: none. */
static int64_t told_with(const struct storing *s, size_t index)
{
    const struct fl_rule *r = &s->rules[index];
    if (r->evidence != FL_EVIDENCE_PERIODIC)
        return 0;
    for (size_t i = 0; i < s->n && s->rules[i].parent < 0; i++)
        if (is_pace_of(r, &s->rules[i]))
            return s->ids[i];
    for (size_t i = 0; i < s->n_untold; i++)
        if (keeps_time_too(r, &s->rules[s->untold_index[i]]))
            return s->untold[i].rule_id;
    return 0;
}

/* A novel rule that is not held is to be told, unless known ones make it together. */
static int note_untold(struct storing *s, size_t index)
{
    const struct fl_rule *r = &s->rules[index];
    struct fl_untold *u = &s->untold[s->n_untold];
    json_t *known = json_array();
    *u = (struct fl_untold){.rule_id = s->ids[index],
                            .opened_ms = first_time_of(s, r),
                            .with_id = told_with(s, index),
                            .alert_id = fl_kin_alert(s->kin, &r->antecedent, fl_rule_consequent(r))};
    int rc = !known         ? SQLITE_NOMEM
             : r->instances ? look_at_instances(s, index, &u->alert_id, known)
                            : SQLITE_OK;
    if (rc == SQLITE_OK)
        rc = stand_as_instances(s, u->rule_id, known);
    json_decref(known);
    const char *status = rc == SQLITE_OK ? fl_rulesdb_status(s->db, u->rule_id) : NULL;
    if (!status || strcmp(status, "novel") != 0)
        return status ? SQLITE_OK : rc == SQLITE_OK ? SQLITE_ERROR : rc;
    s->untold_index[s->n_untold++] = index;
    s->run->novel++;
    return SQLITE_OK;
}

/* Count what is novel, and note what is to be told once it is known what hangs together. */
static int announce(struct storing *s, size_t index)
{
    int64_t held = 0;
    const char *status = fl_rulesdb_status(s->db, s->ids[index]);
    if (!status)
        return SQLITE_ERROR;
    if (strcmp(status, "novel") != 0)
        return SQLITE_OK;
    int rc = fl_rulesdb_get_int(s->db, SQL_IS_HELD, &held, "i", s->ids[index]);
    if (rc == SQLITE_ROW && !held)
        return note_untold(s, index);
    s->run->novel++;
    s->run->held++;
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* ---- the run ---- */

static int load_covers(struct storing *s)
{
    sqlite3_stmt *q = fl_rulesdb_kept(s->db, SQL_PATTERNS);
    int rc = q ? fl_rulesdb_bind(q, "t", s->run->location) : SQLITE_ERROR;
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        struct fl_pattern *pattern;
        struct cover *grown = realloc(s->covers, (s->n_covers + 1) * sizeof *grown);
        if (!grown)
            return SQLITE_NOMEM;
        s->covers = grown;
        rc = fl_pattern_parse((const char *)sqlite3_column_text(q, 1), &pattern);
        if (rc == FL_ENOMEM)
            return SQLITE_NOMEM;
        if (rc == 0)
            s->covers[s->n_covers++] = (struct cover){sqlite3_column_int64(q, 0), pattern};
        rc = SQLITE_OK;
    }
    if (q)
        sqlite3_reset(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int add_run(struct storing *s)
{
    struct fl_run *r = s->run;
    int rc = fl_rulesdb_run(s->db, SQL_ADD_LOCATION, "tiii", r->location, r->to_ms, r->gone_after_ms,
                            r->learning_until_ms);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_get_int(s->db, SQL_LOCATION, &s->location_id, "t", r->location);
    if (rc != SQLITE_ROW)
        return rc;
    rc = fl_rulesdb_run(
        s->db, SQL_ADD_RUN, "iiiiiiiiiiiiit", s->location_id, r->from_ms, r->to_ms, r->started_ms, r->took_ms,
        fl_rulesdb_count(r->flows), fl_rulesdb_count(r->conversations), fl_rulesdb_count(r->nodes),
        fl_rulesdb_count(r->pairs_tested), fl_rulesdb_count(r->rules), fl_rulesdb_count(r->instances),
        (int64_t)r->damaged, (int64_t)r->scheduled, *r->unclean ? r->unclean : NULL);
    r->id = sqlite3_last_insert_rowid(s->db->sqlite);
    r->novel = r->held = 0;
    return rc;
}

/* A clean run that looked as long as those that found a held rule, and did not find it. */
static int drop_held(struct storing *s)
{
    if (*s->run->unclean)
        return SQLITE_OK;
    int rc = fl_rulesdb_run(s->db, SQL_DROP_HELD, "iii", s->location_id, s->run->from_ms, s->run->to_ms);
    bool any = sqlite3_changes(s->db->sqlite) > 0;
    return rc == SQLITE_OK && any ? fl_rulesdb_run(s->db, SQL_DROP_LOOSE_FIGURES, "") : rc;
}

static int store_all(struct storing *s)
{
    int rc = add_run(s);
    if (rc == SQLITE_OK)
        rc = load_covers(s);
    if (rc == SQLITE_OK)
        rc = fl_kin_load(&s->kin, s->db, s->location_id, s->run->location, s->found);
    for (size_t i = 0; rc == SQLITE_OK && i < s->n; i++)
        if (s->rules[i].parent < 0)
            rc = store_rule(s, i);
    for (size_t i = 0; rc == SQLITE_OK && i < s->n; i++)
        if (s->rules[i].parent >= 0)
            rc = store_instance(s, i);
    for (size_t i = 0; rc == SQLITE_OK && i < s->n && !*s->run->unclean; i++)
        if (s->rules[i].parent >= 0 && top_of(s, i) < s->n)
            rc = adopt(s, i);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_store_clusters(s->db, s->location_id, s->found, s->ids);
    for (size_t i = 0; rc == SQLITE_OK && i < s->n; i++)
        if (s->ids[i])
            rc = announce(s, i);
    if (rc == SQLITE_OK)
        rc = fl_alert_tell(s->db, s->untold, s->n_untold, s->now_ms, &s->alerts);
    if (rc == SQLITE_OK)
        rc = fl_broken_look(s->db, s->run, s->found, s->learning, s->now_ms, &s->alerts);
    if (rc == SQLITE_OK)
        rc = drop_held(s);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(s->db, SQL_FINISH_RUN, "iii", s->run->id, fl_rulesdb_count(s->run->novel),
                            fl_rulesdb_count(s->first_time));
    return rc == SQLITE_OK ? fl_rulesdb_run(s->db, SQL_COMMIT, "") : rc;
}

int fl_rulesdb_store_run(struct fl_rulesdb *db, struct fl_run *run, const struct fl_finding_list *found,
                         bool learning, size_t *n_alerts, struct fl_err *err)
{
    struct storing s = {.db = db,
                        .run = run,
                        .found = found,
                        .rules = found->rules,
                        .n = found->n,
                        .learning = learning && !*run->unclean,
                        .now_ms = fl_now_ms()};
    int rc = 0;
    if (!fl_location_name_ok(run->location))
        return fl_fail(err, FL_EINVAL, "\"%.64s\" cannot name a location", run->location);
    s.ids = calloc(s.n + 1, sizeof *s.ids);
    s.positions = calloc(s.n + 1, sizeof *s.positions);
    s.untold = calloc(s.n + 1, sizeof *s.untold);
    s.untold_index = calloc(s.n + 1, sizeof *s.untold_index);
    s.grades = json_object();
    if (!s.ids || !s.positions || !s.untold || !s.untold_index || !s.grades) {
        rc = fl_fail(err, FL_ENOMEM, "%s: out of memory", db->path);
    } else if (fl_rulesdb_run(db, SQL_BEGIN, "") != SQLITE_OK) {
        rc = fl_rulesdb_fail(db, err);
    } else if (store_all(&s) != SQLITE_OK) {
        rc = fl_rulesdb_fail(db, err);
        fl_rulesdb_run(db, SQL_ROLLBACK, "");
    } else if (n_alerts) {
        *n_alerts = s.alerts;
    }
    for (size_t i = 0; i < s.n_covers; i++)
        fl_pattern_free(s.covers[i].pattern);
    free(s.covers);
    free(s.ids);
    free(s.positions);
    free(s.untold);
    free(s.untold_index);
    json_decref(s.grades);
    fl_kin_free(s.kin);
    return rc;
}

int fl_rulesdb_last_scheduled(struct fl_rulesdb *db, const char *location, int64_t *to_ms, struct fl_err *err)
{
    *to_ms = INT64_MIN;
    int rc = fl_rulesdb_get_int(db, SQL_LAST_SCHEDULED, to_ms, "t", location);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fl_rulesdb_fail(db, err);
}

int fl_rulesdb_first_run(struct fl_rulesdb *db, const char *location, int64_t *to_ms, struct fl_err *err)
{
    *to_ms = INT64_MAX;
    int rc = fl_rulesdb_get_int(db, SQL_FIRST_RUN, to_ms, "t", location);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fl_rulesdb_fail(db, err);
}

/* ---- learning ---- */

int fl_rulesdb_relearn_until(struct fl_rulesdb *db, const char *location, int64_t *until_ms,
                             struct fl_err *err)
{
    *until_ms = INT64_MIN;
    int rc = fl_rulesdb_get_int(db, SQL_RELEARN_UNTIL, until_ms, "t", location);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : fl_rulesdb_fail(db, err);
}

static int relearn(struct fl_rulesdb *db, const char *location, int64_t for_ms, size_t *n)
{
    int rc = fl_rulesdb_run(db, SQL_SET_RELEARN, "ti", location, for_ms);
    if (rc == SQLITE_OK && sqlite3_changes(db->sqlite) == 0)
        return SQLITE_NOTFOUND;
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_CLOSE_FORGOTTEN, "ti", location, fl_now_ms());
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_run(db, SQL_FORGET_LEARNED, "t", location);
    *n = (size_t)sqlite3_changes(db->sqlite);
    return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_DROP_LOOSE_FIGURES, "") : rc;
}

int fl_rulesdb_relearn(struct fl_rulesdb *db, const char *location, int64_t for_ms, bool dry_run, size_t *n,
                       struct fl_err *err)
{
    int rc = fl_rulesdb_run(db, SQL_BEGIN, "");
    if (rc == SQLITE_OK)
        rc = relearn(db, location, for_ms, n);
    if (rc == SQLITE_OK && !dry_run)
        rc = fl_rulesdb_run(db, SQL_COMMIT, "");
    int result = rc == SQLITE_OK ? 0
                 : rc == SQLITE_NOTFOUND
                     ? fl_fail(err, FL_ENOENT, "%s has never been mined; flowlore mine does", location)
                     : fl_rulesdb_fail(db, err);
    if (rc != SQLITE_OK || dry_run)
        fl_rulesdb_run(db, SQL_ROLLBACK, "");
    return result;
}
