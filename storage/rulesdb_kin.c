/* What a location is used to, though not in the same words: rules that are new as texts and yet no news.
 *
 * 1. One more client does what known ones do: rules of one client whose nodes are the same but for it. Three
 * are enough where every node names its server: 10.0.0.5, .6 and .7 are known to ask the resolver and then
 * the proxy; that .8 does as well is known. Where one node does not, who does it next may do it to anybody,
 * and ten are asked for: that .8 looks names up before it asks any server's port 443 is known where most
 * hosts do, while three who so reach port 22 of many say nothing of a fourth.
 * 2. A node of a known rule keeps a period: where the node names its server, it is known, and its pace is a
 * figure of it. So it is where the rule means any client of a server that known rules name. What known rules
 * have as instances counts too. A node of any server is no such thing: that 10.0.0.5 is known to ask many
 * servers' port 443 says nothing of one that it asks every five minutes.
 * 3. A statement that known ones make together: every instance of the rule is known, or was an instance of a
 * known rule.
 *
 * And what a live alert says of another client, or the pace of a server that it names, joins it. */
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

enum { LEAST_KIN = 3, MANY_KIN = 10 };

struct statement { /* as a rule makes it */
    struct fl_node a, b;
    bool single; /* it is periodic and has no b */
    int64_t id;  /* of the alert that tells of it, or of the rule that it is, or is an instance of */
};
struct statements {
    struct statement *items;
    size_t n, room;
};
struct fl_kin {
    const struct fl_finding_list
        *found;     /* whose rechecks are the known rules, by id, and those gone of late */
    json_t *known;  /* by identity: its id */
    json_t *folded; /* by identity: the rule that an earlier run folded it under */
    struct statements rules, parts, told; /* known rules, their instances, what live alerts tell */
};

static int add(struct statements *list, const struct fl_node *a, const struct fl_node *b, int64_t id)
{
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct statement *grown = realloc(list->items, room * sizeof *grown);
        if (!grown)
            return SQLITE_NOMEM;
        list->items = grown;
        list->room = room;
    }
    list->items[list->n++] = (struct statement){*a, b ? *b : *a, !b, id};
    return SQLITE_OK;
}

static int by_id(const void *key, const void *item)
{
    int64_t a = *(const int64_t *)key, b = ((const struct fl_recheck *)item)->rule_id;
    return (a > b) - (a < b);
}

static bool is_known(const struct fl_kin *k, int64_t rule_id)
{
    const struct fl_finding_list *f = k->found;
    return f->n_rechecks && bsearch(&rule_id, f->rechecks, f->n_rechecks, sizeof *f->rechecks, by_id);
}

static int take_known(struct fl_kin *k)
{
    char identity[FL_RULE_TEXT];
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < k->found->n_rechecks; i++) {
        const struct fl_recheck *r = &k->found->rechecks[i];
        const struct fl_node *b = r->single ? NULL : &r->consequent;
        rc = add(&k->rules, &r->antecedent, b, r->rule_id);
        if (json_object_set_new(k->known, fl_rule_identity(&r->antecedent, b, identity),
                                json_integer(r->rule_id)) != 0)
            rc = SQLITE_NOMEM;
    }
    return rc;
}

static int take_folded(struct fl_kin *k, const struct fl_node *a, const struct fl_node *b, int64_t rule_id)
{
    char identity[FL_RULE_TEXT];
    if (json_object_set_new(k->folded, fl_rule_identity(a, b, identity), json_integer(rule_id)) != 0)
        return SQLITE_NOMEM;
    return is_known(k, rule_id) ? add(&k->parts, a, b, rule_id) : SQLITE_OK;
}

static int take_told(struct fl_kin *k, const struct fl_node *a, const struct fl_node *b, int64_t alert_id)
{
    return add(&k->told, a, b, alert_id);
}

/* Every row of a bound statement, (rule's text, id), to `take`. */
static int each_text(sqlite3_stmt *q, struct fl_kin *k,
                     int (*take)(struct fl_kin *, const struct fl_node *, const struct fl_node *, int64_t))
{
    struct fl_node a, b;
    int rc = SQLITE_OK;
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        int single = fl_rule_parse((const char *)sqlite3_column_text(q, 0), &a, &b);
        rc = single < 0 ? SQLITE_OK : take(k, &a, single ? NULL : &b, sqlite3_column_int64(q, 1));
    }
    sqlite3_reset(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int load(struct fl_kin *k, struct fl_rulesdb *db, int64_t location_id, const char *location)
{
    int rc = take_known(k);
    sqlite3_stmt *folded = fl_rulesdb_kept(db, SQL_FOLDED), *told = fl_rulesdb_kept(db, SQL_TOLD);
    if (!folded || !told)
        return SQLITE_ERROR;
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_bind(folded, "i", location_id);
    if (rc == SQLITE_OK)
        rc = each_text(folded, k, take_folded);
    if (rc == SQLITE_OK)
        rc = fl_rulesdb_bind(told, "t", location);
    return rc == SQLITE_OK ? each_text(told, k, take_told) : rc;
}

int fl_kin_load(struct fl_kin **out, struct fl_rulesdb *db, int64_t location_id, const char *location,
                const struct fl_finding_list *found)
{
    struct fl_kin *k = calloc(1, sizeof *k);
    *out = k;
    if (!k)
        return SQLITE_NOMEM;
    k->found = found;
    k->known = json_object();
    k->folded = json_object();
    return k->known && k->folded ? load(k, db, location_id, location) : SQLITE_NOMEM;
}

void fl_kin_free(struct fl_kin *k)
{
    if (!k)
        return;
    json_decref(k->known);
    json_decref(k->folded);
    free(k->rules.items);
    free(k->parts.items);
    free(k->told.items);
    free(k);
}

/* ---- 1: one more client ---- */

static bool same_client(const struct fl_node *a, const struct fl_node *b)
{
    return !a->any_client && !b->any_client && fl_addr_cmp(&a->client, &b->client) == 0;
}

/* But for the client they are the same. */
static bool like(const struct fl_node *a, const struct fl_node *b)
{
    struct fl_node other = *b;
    other.client = a->client;
    return !b->any_client && fl_node_cmp(a, &other) == 0;
}

/* Another client does the same. */
static bool is_kin(const struct statement *s, const struct fl_node *a, const struct fl_node *b)
{
    if (s->single != !b || fl_addr_cmp(&s->a.client, &a->client) == 0)
        return false;
    if (!b)
        return like(&s->a, a);
    return same_client(&s->a, &s->b) &&
           ((like(&s->a, a) && like(&s->b, b)) || (like(&s->a, b) && like(&s->b, a)));
}

/* What one client does, with a server that is named. */
static bool is_of_one_client(const struct fl_node *a, const struct fl_node *b)
{
    return !a->any_client && (!b || same_client(a, b)) && !(a->any_server && (!b || b->any_server));
}

/* How many known clients make one more of them no news. */
static size_t kin_needed(const struct fl_node *a, const struct fl_node *b)
{
    return a->any_server || (b && b->any_server) ? MANY_KIN : LEAST_KIN;
}

/* Rules are there once each, so that each of the kin is of a client of its own; with its id to `take`. */
static size_t each_kin(const struct statements *list, const struct fl_node *a, const struct fl_node *b,
                       void (*take)(void *ctx, int64_t id), void *ctx)
{
    size_t count = 0;
    for (size_t i = 0; i < list->n; i++)
        if (is_kin(&list->items[i], a, b)) {
            take(ctx, list->items[i].id);
            count++;
        }
    return count;
}

static void add_id(void *ctx, int64_t id)
{
    json_array_append_new(ctx, json_integer(id));
}

static void take_first(void *ctx, int64_t id)
{
    int64_t *first = ctx;
    *first = *first ? *first : id;
}

int fl_kin_lasting(struct fl_rulesdb *db, const json_t *ids, size_t needed, int64_t *id)
{
    char *text = json_dumps(ids, JSON_COMPACT);
    int rc =
        text ? fl_rulesdb_get_int(db, SQL_LASTING_KIN, id, "ti", text, (int64_t)needed - 1) : SQLITE_NOMEM;
    free(text);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* The rule as which one more client is known; 0: there are too few like it. */
static int known_as_kin(const struct fl_kin *k, struct fl_rulesdb *db, const struct fl_node *a,
                        const struct fl_node *b, int64_t *as_id)
{
    size_t needed = kin_needed(a, b);
    int rc = SQLITE_OK;
    *as_id = 0;
    if (!is_of_one_client(a, b))
        return SQLITE_OK;
    json_t *ids = json_array();
    if (each_kin(&k->rules, a, b, add_id, ids) >= needed)
        rc = fl_kin_lasting(db, ids, needed, as_id);
    json_decref(ids);
    return rc;
}

/* ---- 2: the pace of a node ---- */

bool fl_kin_is_of(const struct fl_node *node, const struct fl_node *named)
{
    if (fl_node_cmp(node, named) == 0)
        return true;
    return node->any_client && !named->any_server && fl_addr_cmp(&node->server, &named->server) == 0 &&
           node->protocol == named->protocol && node->server_port == named->server_port &&
           node->server_port_last == named->server_port_last;
}

static bool names(const struct statements *list, const struct fl_node *node, int64_t *id)
{
    for (size_t i = 0; i < list->n; i++)
        if (fl_kin_is_of(node, &list->items[i].a) || fl_kin_is_of(node, &list->items[i].b)) {
            *id = list->items[i].id;
            return true;
        }
    return false;
}

/* It is of the node's server, which it names, and of the node's client or any. */
static bool tells_of(const struct fl_node *told, const struct fl_node *node)
{
    return !told->any_server && fl_node_generalises(told, node);
}

/* A live alert that tells of the node, or of any client of its server, is where its pace belongs. */
static void told_pace(const struct fl_kin *k, const struct fl_node *node, int64_t *alert_id)
{
    if (node->any_server || names(&k->told, node, alert_id))
        return;
    for (size_t i = 0; i < k->told.n; i++)
        if (tells_of(&k->told.items[i].a, node) || tells_of(&k->told.items[i].b, node)) {
            *alert_id = k->told.items[i].id;
            return;
        }
}

/* ---- asking ---- */

int64_t fl_kin_pace_of(const struct fl_kin *k, const struct fl_node *node)
{
    int64_t id = 0;
    if (!node->any_server && !names(&k->rules, node, &id))
        names(&k->parts, node, &id);
    return id;
}

int fl_kin_no_news(const struct fl_kin *k, struct fl_rulesdb *db, const struct fl_node *a,
                   const struct fl_node *b, int64_t *as_id, const char **why)
{
    *why = "one more client, like";
    int rc = known_as_kin(k, db, a, b, as_id);
    if (rc != SQLITE_OK || *as_id || b)
        return rc;
    *why = "the pace of a node of";
    *as_id = fl_kin_pace_of(k, a);
    return SQLITE_OK;
}

int64_t fl_kin_known(const struct fl_kin *k, const char *identity)
{
    int64_t id = json_integer_value(json_object_get(k->known, identity)), folded = fl_kin_folded(k, identity);
    return id ? id : is_known(k, folded) ? folded : 0;
}

int64_t fl_kin_folded(const struct fl_kin *k, const char *identity)
{
    return json_integer_value(json_object_get(k->folded, identity));
}

int64_t fl_kin_alert(const struct fl_kin *k, const struct fl_node *a, const struct fl_node *b)
{
    int64_t alert_id = 0;
    if (!is_of_one_client(a, b) || each_kin(&k->told, a, b, take_first, &alert_id) == 0)
        if (!b)
            told_pace(k, a, &alert_id);
    return alert_id;
}
