/* What the rulesdb*.c files share; nobody else includes it but the test that walks the statements. */
#ifndef FL_STORAGE_RULESDB_PARTS_H
#define FL_STORAGE_RULESDB_PARTS_H

#include <sqlite3.h>

#include "storage/rulesdb.h"

/* Every statement; rulesdb_sql.c has their texts in this order. */
enum fl_rulesdb_sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_ADD_LOCATION,
    SQL_LOCATION,
    SQL_ADD_RUN,
    SQL_FINISH_RUN,
    SQL_LAST_SCHEDULED,
    SQL_FIND_RULE,
    SQL_KNOWN_ELSEWHERE,
    SQL_KNOWN_SHAPE,
    SQL_ADD_RULE,
    SQL_FOLDED,
    SQL_TOLD,
    SQL_LASTING_KIN,
    SQL_LEARN_AS,
    SQL_COVER_AS,
    SQL_COVER_BY_IDENTITY,
    SQL_PATTERNS,
    SQL_OUTWEIGH,
    SQL_COVER,
    SQL_PUT_FIGURES,
    SQL_ADD_EXAMPLE,
    SQL_ADD_SIGHTING,
    SQL_FORGET_SIGHTINGS,
    SQL_MOVE_RULE,
    SQL_CONFIRM_RULE,
    SQL_FOUND_LEARNING,
    SQL_IS_HELD,
    SQL_DROP_HELD,
    SQL_LEARN_RULE,
    SQL_NOTE_KNOWN_WHY,
    SQL_FIRST_RUN,
    SQL_RELEARN_UNTIL,
    SQL_SET_RELEARN,
    SQL_CLOSE_FORGOTTEN,
    SQL_FORGET_LEARNED,
    SQL_DROP_LOOSE_FIGURES,
    SQL_STATUS,
    SQL_DROP_INSTANCES,
    SQL_MEMBERS,
    SQL_UNLEARN,
    SQL_UNCOVER,
    SQL_ADD_INSTANCE,
    SQL_CLUSTER_OF,
    SQL_SHAPE_OF,
    SQL_ADD_CLUSTER,
    SQL_PUT_CLUSTER,
    SQL_JOIN_CLUSTER,
    SQL_DROP_CLUSTERS,
    SQL_LIVE_ALERT,
    SQL_OUTGROWN,
    SQL_CLUSTER_ALERT,
    SQL_ADD_ALERT,
    SQL_ADD_MEMBER,
    SQL_ALERT_MEMBERS,
    SQL_ALERT_HOSTS,
    SQL_ALERT_PLACE,
    SQL_PUT_ALERT,
    SQL_LAST_ALERT,
    SQL_CLOSE_ALERT,
    SQL_REOPEN_ALERT,
    SQL_UNACK_ALERT,
    SQL_ALERT_IS_BROKEN,
    SQL_ALERTS_TO_ACK,
    SQL_ACK_ALERT,
    SQL_ALERT,
    SQL_RULES,
    SQL_RULE,
    SQL_INSTANCES,
    SQL_EVIDENCE,
    SQL_EXAMPLES,
    SQL_DECISION,
    SQL_FIND_IDENTITY,
    SQL_ALERTS,
    SQL_LACKING,
    SQL_COMMON,
    SQL_SHAPES,
    SQL_RUNS,
    SQL_EXPORTERS,
    SQL_LOCATIONS,
    SQL_CLUSTERS,
    SQL_SERVICE,
    SQL_CANDIDATES,
    SQL_CLUSTER,
    SQL_RULES_OF_IDENTITY,
    SQL_COUNT_OPEN,
    SQL_DECISIONS,
    SQL_LEARNED,
    SQL_DECIDED_SINCE,
    SQL_KNOWS_ALREADY,
    SQL_RULE_KEY,
    SQL_ADD_DECISION,
    SQL_PUT_EXPORTER,
    SQL_PUT_SERVICE,
    SQL_CLEAR_REFUSED,
    SQL_ADD_REFUSED,
    SQL_REFUSED,
    SQL_FORGET_EXPORTERS,
    SQL_FORGET_TEMPLATES,
    SQL_FORGET_ORPHANS,
    SQL_PUT_TEMPLATE,
    SQL_DROP_TEMPLATE,
    SQL_TEMPLATES,
    SQL_TO_RECHECK,
    SQL_NOTE_AWAKE,
    SQL_NOTE_HIT,
    SQL_NOTE_MISSED,
    SQL_MISSED,
    SQL_NOTE_RECHECK,
    SQL_RESTS,
    SQL_SAMPLED_ANEW,
    SQL_NOTE_MENDED,
    SQL_NOTE_TOLD,
    SQL_BROKEN_EPISODE,
    SQL_ADD_BROKEN,
    SQL_STOPPED_ALERT,
    SQL_STOPPED_RULES,
    SQL_STOPPED_CHANGED,
    SQL_PUT_BROKEN,
    SQL_COUNT_BROKEN,
    SQL_OTHER_MEMBERS,
    SQL_LEAVE_BROKEN,
    SQL_SET_APART,
    SQL_ALERT_IS_LIVE,
    SQL_SUCCESSOR,
    SQL_PREDECESSOR,
    SQL_SAY_MOVED,
    SQL_MEND_BROKEN,
    SQL_CLOSE_GONE,
    SQL_LEAVE_GONE,
    SQL_CLOSE_BROKEN,
    SQL_CLOSE_DECIDED,
    SQL_PUT_QUALITY,
    SQL_QUALITY,
    SQL_FORGET_QUALITY,
    SQL_OPEN_DATA,
    SQL_CLOSE_DATA,
    SQL_COUNT_SINKS,
    SQL_OLDEST_EVENT,
    SQL_NEWEST_EVENT,
    SQL_OLDEST_SEEN,
    SQL_SINKS_OFF,
    SQL_BEGIN_SINK,
    SQL_KEEP_FILE_SINK,
    SQL_COUNT_GIVEN_UP,
    SQL_COUNT_TOO_OLD,
    SQL_GIVE_UP,
    SQL_LAY_OUT,
    SQL_SEEN,
    SQL_FORGET_EVENTS,
    SQL_OUTBOX_NEXT,
    SQL_OUTBOX_ALERT,
    SQL_NOTE_DELIVERY,
    SQL_NOTE_SINK,
    SQL_SINKS,
    N_SQL
};
struct fl_rulesdb_statement {
    const char *text;
    bool per_rule; /* run once a rule: must not scan a table of rules, figures or alerts */
};
extern const struct fl_rulesdb_statement fl_rulesdb_statements[N_SQL];

struct fl_written;
struct fl_rulesdb {
    sqlite3 *sqlite;
    char *path;
    struct fl_written *written; /* what rulesdb_stats.c wrote last; NULL: nothing yet */
    sqlite3_stmt *cached[N_SQL];
};

/* SQLite's last error as a sentence and one of FL_EDB, FL_EBUSY, FL_EIO, FL_EDAMAGED, FL_ENOMEM. */
int fl_rulesdb_fail(struct fl_rulesdb *db, struct fl_err *err);

void fl_written_free(struct fl_written *w);

/* Bind `kinds`, one letter a parameter: i int64_t, d double, t text or NULL, b bytes and their size_t (both
 * borrowed until the statement is stepped or bound again). */
int fl_rulesdb_bind(sqlite3_stmt *s, const char *kinds, ...);
/* A statement of our own to step, finalized by the caller; NULL on failure. */
sqlite3_stmt *fl_rulesdb_prepare(struct fl_rulesdb *db, enum fl_rulesdb_sql id);
/* The kept one, reset; NULL on failure. For code that no callback can interrupt. */
sqlite3_stmt *fl_rulesdb_kept(struct fl_rulesdb *db, enum fl_rulesdb_sql id);
/* Run a kept statement that returns no rows. 0 or SQLite's code. */
int fl_rulesdb_run(struct fl_rulesdb *db, enum fl_rulesdb_sql id, const char *kinds, ...);
/* Run a kept statement for the first column of its first row. SQLITE_ROW, SQLITE_DONE or an error. */
int fl_rulesdb_get_int(struct fl_rulesdb *db, enum fl_rulesdb_sql id, int64_t *out, const char *kinds, ...);
/* The current row as an object: column names are the keys. NULL when out of memory. */
json_t *fl_rulesdb_row(sqlite3_stmt *s);
/* Hand every row of a bound statement to fn, then finalize it. */
int fl_rulesdb_each(struct fl_rulesdb *db, sqlite3_stmt *s, fl_json_fn *fn, void *ctx, struct fl_err *err);

/* A count as SQLite can keep it. */
static inline int64_t fl_rulesdb_count(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* Status of a rule as a static text, NULL on failure. */
const char *fl_rulesdb_status(struct fl_rulesdb *db, int64_t rule_id);

/* How new a rule is, quietest first; the numbers are levels of severity. */
enum fl_novelty { FL_NEW_HOSTS, FL_NEW_HERE, FL_NEW };
/* What makes an alert as loud as it is: its rules taken together. */
struct fl_alert_weight {
    int64_t rules;
    enum fl_novelty grade;      /* the loudest */
    double q_value;             /* the least */
    int64_t hosts;              /* that they name, and behind their wildcards */
    bool clock;                 /* all of them keep to it */
    bool alike;                 /* all of them are of one shape */
    char held[FL_UNCLEAN_TEXT]; /* why it was held back; "": it was not */
    struct fl_node replaced; /* what stopped when the strongest of them began, beside the same other side */
    bool replaces;
    char services[FL_MIXED_TEXT]; /* that the strongest stands for (fl_mixed_name), or "" */
    int replaced_level;           /* how severe that it stopped is: 0 low, 1 medium, 2 high */
    const struct fl_rule *latest; /* the strongest of those that joined last; NULL: the strongest of all */
};
#define FL_ALERT_TEXT 2400
#define FL_ALERT_WHY 900
#define FL_MOVED_NOTE "another alert tells of what takes its place"
/* The sentence of an alert whose strongest rule is `r`. Of `r` its nodes, both, evidence, clock, n_both,
 * n_antecedent, lift and period are looked at. `cluster` is a name or NULL. Returns `out`. */
const char *fl_alert_text(const struct fl_rule *r, const struct fl_alert_weight *w, const char *location,
                          const char *cluster, char out[FL_ALERT_TEXT]);
/* "low" (new-hosts), "medium" (new-here), "high" (new); one lower where chance may have made even the surest
 * of its rules (q > 1e-4), one higher from 10 hosts on; "low" where all keep to the clock; but no
 * less than what they replace was. */
const char *fl_alert_severity(const struct fl_alert_weight *w);
/* The same in words: "high: no location knows ...". Returns `out`. */
const char *fl_alert_why(const struct fl_alert_weight *w, char out[FL_ALERT_WHY]);

/* Rules that are novel: those of a cluster join its open alert, or open one together, in one go each; a rule
 * that a live alert tells of already is passed over. Alerts opened are added to *opened. 0 or SQLite's code.
 */
struct fl_untold {
    int64_t rule_id;
    int64_t opened_ms; /* data time at which it began */
    int64_t alert_id;  /* that it joins, open or acked; 0: that of its cluster, or its own */
    int64_t with_id;   /* the rule of this run that it is told with, if that is; 0: none */
};
int fl_alert_tell(struct fl_rulesdb *db, const struct fl_untold *rules, size_t n, int64_t now_ms,
                  size_t *opened);
/* The status of rules has changed: alerts that tell of them lose those that are no longer novel, and close
 * when that was their last; a rule that is novel again stands in its last alert again, which is open.
 * `author` and `note` are of who decided. 0 or SQLite's code. */
int fl_alert_retell(struct fl_rulesdb *db, const int64_t *rule_ids, size_t n, const char *author,
                    const char *note, int64_t now_ms);
/* Put down how the known rules stood in a run that ended at `to_ms`, and tell those that are broken, or hold
 * again, unless the run is unclean or the location learns. Alerts opened are added to *opened. 0 or SQLite's
 * code. */
int fl_broken_look(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_finding_list *found,
                   bool learning, int64_t now_ms, size_t *opened);

/* A known rule as a run saw it. */
struct fl_stopped {
    struct fl_recheck rule;      /* with the misses of runs before */
    bool antecedent, consequent; /* goes on without the other, as only a broken rule has it */
    bool untold;                 /* and no alert tells of it yet */
};
/* Tell those of n that are untold: those of one server, or of one side, that stopped in one alert. Alerts
 * opened are added to *opened. 0 or SQLite's code, as are the next three. */
int fl_stopped_tell(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *all, size_t n,
                    int64_t now_ms, size_t *opened);
/* A rule holds again: it may be told anew. *told: it was told as broken. */
int fl_stopped_mend(struct fl_rulesdb *db, int64_t rule_id, int64_t now_ms, bool *told);
/* A rule was decided upon, or is told by another alert: it is told no more before it has held again. */
int fl_stopped_settle(struct fl_rulesdb *db, int64_t rule_id, const char *note, const char *author,
                      int64_t now_ms);
/* Alerts of broken rules that some have joined or left say what they have to say now; `all` by rule id. */
int fl_stopped_retell(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_stopped *all, size_t n,
                      int64_t now_ms);
enum { FL_DESCRIBED_NODE = 256 };
/* "10.0.0.5 asks 10.0.0.53 port 53/udp". */
void fl_describe_node(const struct fl_node *n, char *out, size_t room);

/* ---- how whole the data are: rulesdb_quality.c ---- */

/* One session as it was at the last call of fl_rulesdb_store_stats, and is now. */
struct fl_step {
    const struct fl_exporter_stats *old, *now; /* old NULL: it is new */
    uint8_t
        steady;   /* calls in which its clock kept its distance from ours, up to 255; in: before, out: now */
    bool jumped;  /* out: its clock was steady, and jumped */
    bool settled; /* out: it has been steady for FL_CLOCK_STEADY calls just now */
    uint64_t records; /* out: received since */
};
enum { FL_CLOCK_STEADY = 255 };
/* Look at a step: fill in what is out. */
void fl_step_look(struct fl_step *step);
/* Add `n` steps that were looked at, and `shed` records that the service gave up meanwhile, to the hours of
 * the data. 0 or SQLite's code. */
int fl_quality_add(struct fl_rulesdb *db, const struct fl_step *steps, size_t n, uint64_t shed);
/* Open and close alerts of kind `data`: exporters that fell silent, clocks that jumped, a disk that refuses
 * records. 0 or SQLite's code. */
struct fl_data_view {
    const struct fl_step *steps; /* looked at */
    size_t n;
    uint64_t disk_shed;        /* records that the disk refused since the last call */
    int64_t disk_shed_ms;      /* wall clock at which that last happened; 0: never */
    int64_t before_ms, now_ms; /* wall clock of the last call (0: there was none) and of this one */
};
int fl_data_alerts(struct fl_rulesdb *db, const struct fl_data_view *view);

/* fl_rulesdb_decide inside a transaction that the caller has begun; dry_run does not count. */
int fl_decide_within(struct fl_rulesdb *db, const struct fl_decision *d, fl_json_fn *fn, void *ctx,
                     struct fl_err *err);
/* End a transaction: commit when `rc` is 0 and it is to be kept, else roll back. Returns rc, or what kept it
 * from being kept. */
int fl_rulesdb_end(struct fl_rulesdb *db, int rc, bool keep, struct fl_err *err);

/* ---- what a location is used to in other words: rulesdb_kin.c ---- */

struct fl_kin;
/* What is known and told at a location before a run's rules are put down; `found` is borrowed. *out is freed
 * by the caller, also on failure. 0 or SQLite's code. */
int fl_kin_load(struct fl_kin **out, struct fl_rulesdb *db, int64_t location_id, const char *location,
                const struct fl_finding_list *found);
void fl_kin_free(struct fl_kin *k);
/* Need nobody be told of the rule (`b` NULL: a periodic one)? It is known as long as the rule *as_id is (0:
 * it is news); *why says how, to be followed by "rule 12". 0 or SQLite's code. */
int fl_kin_no_news(const struct fl_kin *k, struct fl_rulesdb *db, const struct fl_node *a,
                   const struct fl_node *b, int64_t *as_id, const char **why);
/* Of known rules, by id, those whose decisions last longest first, the one with which there are `needed`:
 * when it is known no longer, too few of them are. 0 or SQLite's code. */
int fl_kin_lasting(struct fl_rulesdb *db, const json_t *ids, size_t needed, int64_t *id);
/* The known rule that the pace of the node is one of, 0: none. */
int64_t fl_kin_pace_of(const struct fl_kin *k, const struct fl_node *node);
/* The known rule that the statement is, or was an instance of; 0: none. */
int64_t fl_kin_known(const struct fl_kin *k, const char *identity);
/* The rule that an earlier run folded the statement under; 0: none. */
int64_t fl_kin_folded(const struct fl_kin *k, const char *identity);
/* The live alert that the rule joins; 0: none. */
int64_t fl_kin_alert(const struct fl_kin *k, const struct fl_node *a, const struct fl_node *b);

/* `node`, which names its server, is `named`, or the same for any client. */
bool fl_kin_is_of(const struct fl_node *node, const struct fl_node *named);

/* ---- mixed services: rulesdb_mixed.c ---- */

/* A rule of mixed services: what its nodes say is not enough to know it by. `b` NULL: a periodic one. */
bool fl_mixed_is_of(const struct fl_node *a, const struct fl_node *b);
static inline bool fl_mixed_is_rule(const struct fl_rule *r)
{
    return fl_mixed_is_of(&r->antecedent, fl_rule_consequent(r));
}
/* Before the instances of found->rules[index], which is in the database as `rule_id`, are put down: if it is
 * of mixed services, and of others than before, it is novel again. 0 or SQLite's code. */
int fl_mixed_look(struct fl_rulesdb *db, const struct fl_run *run, const struct fl_finding_list *found,
                  size_t index, int64_t rule_id);

/* Of a rule of mixed services and nothing else "20 services (10.0.0.9 port 22/tcp, ...)", as its instances
 * name them; else "". 0 or SQLite's code. */
int fl_mixed_name(struct fl_rulesdb *db, int64_t rule_id, const struct fl_node *a, const struct fl_node *b,
                  char out[FL_MIXED_TEXT]);

/* Give each rule of a run the cluster it belongs to, an old one where that has most of its rules. `ids` are
 * the rules' ids by index, 0 for an instance. 0 or SQLite's code. */
int fl_rulesdb_store_clusters(struct fl_rulesdb *db, int64_t location_id, const struct fl_finding_list *found,
                              const int64_t *ids);

/* A rule's identity with hosts as letters in order of appearance; `b` NULL: a periodic rule. Returns `out`.
 */
const char *fl_rule_shape(const struct fl_node *a, const struct fl_node *b, char out[FL_RULE_TEXT]);

#endif
