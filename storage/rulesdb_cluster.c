/* Clusters from run to run: names change and rules come and go, but an operator who noted a cluster's number
 * finds it again. */
#include <stdlib.h>
#include <string.h>

#include "storage/rulesdb_parts.h"

struct joining {
    struct fl_rulesdb *db;
    const struct fl_finding_list *found;
    int64_t location_id;
    const int64_t *ids; /* of rules by index; 0: an instance */
    size_t n;           /* rules up to the last that is no instance */
    int64_t *was;       /* the cluster each rule was in; 0: none */
    int64_t *becomes;   /* by found cluster: its id */
};

/* How many rules of found cluster `c` were in the old cluster `id`. */
static size_t count_kept(const struct joining *j, size_t c, int64_t id)
{
    size_t count = 0;
    for (size_t i = 0; i < j->n; i++)
        count += j->ids[i] && j->found->rules[i].cluster == (int32_t)c && j->was[i] == id;
    return count;
}

static bool is_taken(const struct joining *j, size_t c, int64_t id)
{
    for (size_t i = 0; i < c; i++)
        if (j->becomes[i] == id)
            return true;
    return false;
}

/* The old cluster that at least half of this one's rules were in, if none before it has taken that. */
static int64_t old_one(const struct joining *j, size_t c)
{
    int64_t best = 0;
    size_t most = 0;
    for (size_t i = 0; i < j->n; i++) {
        if (!j->ids[i] || j->found->rules[i].cluster != (int32_t)c || !j->was[i] || j->was[i] == best)
            continue;
        size_t kept = count_kept(j, c, j->was[i]);
        if ((kept > most || (kept == most && j->was[i] < best)) && !is_taken(j, c, j->was[i])) {
            best = j->was[i];
            most = kept;
        }
    }
    return most * 2 >= j->found->clusters[c].rules ? best : 0;
}

static int put_cluster(struct joining *j, size_t c)
{
    const struct fl_cluster *k = &j->found->clusters[c];
    int64_t id = old_one(j, c);
    int rc = id ? fl_rulesdb_run(j->db, SQL_PUT_CLUSTER, "ittiid", id, k->name, k->form, (int64_t)k->rules,
                                 (int64_t)k->nodes, k->score)
                : fl_rulesdb_run(j->db, SQL_ADD_CLUSTER, "ittiid", j->location_id, k->name, k->form,
                                 (int64_t)k->rules, (int64_t)k->nodes, k->score);
    j->becomes[c] = id ? id : sqlite3_last_insert_rowid(j->db->sqlite);
    return rc;
}

static int note_old(struct joining *j)
{
    int rc = SQLITE_ROW;
    for (size_t i = 0; rc == SQLITE_ROW && i < j->n; i++)
        if (j->ids[i])
            rc = fl_rulesdb_get_int(j->db, SQL_CLUSTER_OF, &j->was[i], "i", j->ids[i]);
    return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int join(struct joining *j)
{
    int rc = note_old(j);
    for (size_t c = 0; rc == SQLITE_OK && c < j->found->n_clusters; c++)
        rc = put_cluster(j, c);
    for (size_t i = 0; rc == SQLITE_OK && i < j->n; i++) {
        int32_t c = j->found->rules[i].cluster;
        bool in_one = c >= 0 && (size_t)c < j->found->n_clusters;
        int64_t id = in_one ? j->becomes[c] : 0;
        if (j->ids[i] && id != j->was[i])
            rc = fl_rulesdb_run(j->db, SQL_JOIN_CLUSTER, "ii", j->ids[i], id);
    }
    return rc == SQLITE_OK ? fl_rulesdb_run(j->db, SQL_DROP_CLUSTERS, "i", j->location_id) : rc;
}

int fl_rulesdb_store_clusters(struct fl_rulesdb *db, int64_t location_id, const struct fl_finding_list *found,
                              const int64_t *ids)
{
    struct joining j = {.db = db, .found = found, .location_id = location_id, .ids = ids};
    for (size_t i = 0; i < found->n; i++)
        if (ids[i])
            j.n = i + 1;
    j.was = calloc(j.n + 1, sizeof *j.was);
    j.becomes = calloc(found->n_clusters + 1, sizeof *j.becomes);
    int rc = j.was && j.becomes ? join(&j) : SQLITE_NOMEM;
    free(j.was);
    free(j.becomes);
    return rc;
}
