/* Rules of mixed services, `C.* : *.1-65535` (fl_node_is_mixed): the same words whatever the services, so
 * that such a rule is known by its members, the services that its instances name.
 *
 * Found again it is novel again when more than half of the services now listed were not listed with it when
 * it was last found, or as many as make such a rule by themselves: runs whose spans overlap see the old ones
 * and the new ones together. Of a periodic one that has more instances than are listed, the strongest are,
 * which change: that is novel again when none was there before. A decision by pattern covers it all the same.
 *
 * Example: 10.0.0.5 asks 20 services in step, and that was accepted. The next day it asks 20 others: novel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

enum { SET_OF_ITS_OWN = 17, NAMED = 3, LISTED = 64 }; /* from 64 on not all may be listed (range.h, fold.h) */

struct services { /* nodes of any client */
    struct fl_node *items;
    size_t n, room;
};

bool fl_mixed_is_of(const struct fl_node *a, const struct fl_node *b)
{
    return fl_node_is_mixed(a) || (b && fl_node_is_mixed(b));
}

static struct fl_node service_of(const struct fl_node *node)
{
    struct fl_node s = {.server = node->server,
                        .any_server = node->any_server,
                        .server_port = node->server_port,
                        .server_port_last = node->server_port_last,
                        .protocol = node->protocol,
                        .any_client = true,
                        .client_port = FL_PORT_ANY};
    return s;
}

/* `other`: what the rule names beside mixed services, or NULL. */
static int add(struct services *list, const struct fl_node *node, const struct fl_node *other)
{
    struct fl_node service = service_of(node);
    if (fl_node_is_mixed(node))
        return SQLITE_OK;
    if (other) {
        struct fl_node named = service_of(other);
        if (fl_node_cmp(&service, &named) == 0)
            return SQLITE_OK;
    }
    if (list->n == list->room) {
        size_t room = list->room ? 2 * list->room : 64;
        struct fl_node *grown = realloc(list->items, room * sizeof *grown);
        if (!grown)
            return SQLITE_NOMEM;
        list->items = grown;
        list->room = room;
    }
    list->items[list->n++] = service;
    return SQLITE_OK;
}

static int add_both(struct services *list, const struct fl_node *a, const struct fl_node *b,
                    const struct fl_node *other)
{
    int rc = add(list, a, other);
    return rc == SQLITE_OK && b ? add(list, b, other) : rc;
}

static int by_node(const void *a, const void *b)
{
    return fl_node_cmp(a, b);
}

/* In order, each once. */
static void settle(struct services *list)
{
    size_t kept = 0;
    if (list->n > 0)
        qsort(list->items, list->n, sizeof *list->items, by_node);
    for (size_t i = 0; i < list->n; i++)
        if (kept == 0 || fl_node_cmp(&list->items[kept - 1], &list->items[i]) != 0)
            list->items[kept++] = list->items[i];
    list->n = kept;
}

static const struct fl_node *other_than_mixed(const struct fl_rule *r)
{
    const struct fl_node *b = fl_rule_consequent(r);
    return !fl_node_is_mixed(&r->antecedent) ? &r->antecedent : b && !fl_node_is_mixed(b) ? b : NULL;
}

/* Instances hang below the rule itself (fl_fold); *listed is how many there are. */
static int list_now(struct services *list, const struct fl_finding_list *found, size_t index, size_t *listed)
{
    int rc = SQLITE_OK;
    *listed = 0;
    for (size_t i = 0; i < found->n && rc == SQLITE_OK; i++) {
        const struct fl_rule *r = &found->rules[i];
        if (r->parent < 0 || (size_t)r->parent != index)
            continue;
        ++*listed;
        rc = add_both(list, &r->antecedent, fl_rule_consequent(r), other_than_mixed(&found->rules[index]));
    }
    settle(list);
    return rc;
}

static int list_stored(struct services *list, struct fl_rulesdb *db, int64_t rule_id,
                       const struct fl_node *other)
{
    struct fl_node a, b;
    sqlite3_stmt *q = fl_rulesdb_kept(db, SQL_MEMBERS);
    int rc = q ? fl_rulesdb_bind(q, "i", rule_id) : SQLITE_ERROR;
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        int single = fl_rule_parse((const char *)sqlite3_column_text(q, 0), &a, &b);
        rc = single < 0 ? SQLITE_OK : add_both(list, &a, single ? NULL : &b, other);
    }
    sqlite3_reset(q);
    settle(list);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static bool are_others(const struct services *now, const struct services *before, bool some_only)
{
    size_t seen = 0;
    for (size_t i = 0; i < now->n && before->n; i++)
        seen += bsearch(&now->items[i], before->items, before->n, sizeof *before->items, by_node) != NULL;
    if (some_only)
        return now->n > 0 && seen == 0;
    return 2 * seen < now->n || now->n - seen >= SET_OF_ITS_OWN;
}

static int make_novel(struct fl_rulesdb *db, const struct fl_run *run, int64_t rule_id)
{
    int rc = fl_rulesdb_run(db, SQL_UNCOVER, "i", rule_id);
    return rc == SQLITE_OK ? fl_rulesdb_run(db, SQL_UNLEARN, "iit", rule_id, run->to_ms,
                                            *run->unclean ? run->unclean : NULL)
                           : rc;
}

int fl_mixed_look(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_finding_list *found,
                  size_t index, int64_t rule_id)
{
    const struct fl_rule *r = &found->rules[index];
    struct services now = {0}, before = {0};
    size_t listed;
    if (!fl_mixed_is_of(&r->antecedent, fl_rule_consequent(r)))
        return SQLITE_OK;
    const char *status = fl_rulesdb_status(db, rule_id);
    if (!status || strcmp(status, "novel") == 0)
        return status ? SQLITE_OK : SQLITE_ERROR;
    int rc = list_now(&now, found, index, &listed);
    if (rc == SQLITE_OK)
        rc = list_stored(&before, db, rule_id, other_than_mixed(r));
    bool some_only = r->evidence == FL_EVIDENCE_PERIODIC && r->instances > listed;
    if (rc == SQLITE_OK && are_others(&now, &before, some_only))
        rc = make_novel(db, run, rule_id);
    free(now.items);
    free(before.items);
    return rc;
}

/* ---- in words ---- */

static size_t name_service(const struct fl_node *s, char *out, size_t room)
{
    char server[FL_ADDR_TEXT], ports[FL_PORT_TEXT], protocol[8];
    return (size_t)snprintf(out, room, "%s port%s %s/%s",
                            s->any_server ? "any server" : fl_addr_format(&s->server, server),
                            s->server_port_last ? "s" : "",
                            fl_ports_format(s->server_port, s->server_port_last, s->protocol, ports),
                            fl_protocol_format(s->protocol, protocol));
}

static void name_services(const struct services *list, char out[FL_MIXED_TEXT])
{
    size_t used = (size_t)snprintf(out, FL_MIXED_TEXT, "%s%zu services (",
                                   list->n >= LISTED ? "at least " : "", list->n);
    for (size_t i = 0; i < list->n && i < NAMED; i++) {
        used += (size_t)snprintf(out + used, FL_MIXED_TEXT - used, "%s", i ? ", " : "");
        used += name_service(&list->items[i], out + used, FL_MIXED_TEXT - used);
    }
    snprintf(out + used, FL_MIXED_TEXT - used, "%s)", list->n > NAMED ? " ..." : "");
}

int fl_mixed_name(struct fl_rulesdb *db, int64_t rule_id, const struct fl_node *a, const struct fl_node *b,
                  char out[FL_MIXED_TEXT])
{
    struct services list = {0};
    *out = '\0';
    if (!fl_node_is_mixed(a) || (b && fl_node_cmp(a, b) != 0))
        return SQLITE_OK;
    int rc = list_stored(&list, db, rule_id, NULL);
    if (rc == SQLITE_OK && list.n > 0)
        name_services(&list, out);
    free(list.items);
    return rc;
}

int fl_rulesdb_services(struct fl_rulesdb *db, int64_t rule_id, const char *rule, char out[FL_MIXED_TEXT],
                        struct fl_err *err)
{
    struct fl_node a, b;
    int single = fl_rule_parse(rule, &a, &b);
    *out = '\0';
    if (single < 0 || fl_mixed_name(db, rule_id, &a, single ? NULL : &b, out) == SQLITE_OK)
        return 0;
    return fl_rulesdb_fail(db, err);
}
