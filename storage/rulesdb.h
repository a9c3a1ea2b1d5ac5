/* The rules database, rules.db in the data directory: runs, rules, decisions, alerts, exporters.
 *
 * What people decided (accept, ignore, notes) stands in tables of its own, kept by rule identity, and
 * survives when what can be mined again is thrown away. The views `rules`, `novel_rules`, `known_rules`,
 * `alerts`, `exporters`, `runs`, `locations` are the public contract. WAL mode: one writer and any number of
 * readers at once. */
#ifndef FL_STORAGE_RULESDB_H
#define FL_STORAGE_RULESDB_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/config.h"
#include "storage/error.h"
#include "storage/exporter.h"
#include "storage/rule.h"

struct fl_rulesdb;

enum fl_rulesdb_mode {
    FL_RULESDB_READ,  /* FL_ENOENT when there is none; an older one is migrated first */
    FL_RULESDB_CREATE /* made when there is none, migrated when older */
};
/* FL_ENEWER: its user_version is beyond ours; FL_EIO: the directory cannot be written; FL_EDAMAGED; FL_EDB.
 */
int fl_rulesdb_open(struct fl_rulesdb **out, const char *data_dir, enum fl_rulesdb_mode mode,
                    struct fl_err *err);
/* How long to wait for whoever else is writing before FL_EBUSY; 10 s unless told otherwise. */
void fl_rulesdb_patience(struct fl_rulesdb *db, int wait_ms);
void fl_rulesdb_close(struct fl_rulesdb *db);

enum { FL_UNCLEAN_TEXT = 400 };
/* One mining run. */
struct fl_run {
    int64_t id; /* filled in by fl_rulesdb_store_run */
    char location[FL_LOCATION_NAME];
    int64_t from_ms, to_ms;      /* record starts in [from, to) */
    int64_t started_ms, took_ms; /* wall clock */
    uint64_t flows, conversations, nodes, pairs_tested, rules, instances,
        novel;        /* rules: instances left out */
    uint32_t damaged; /* buckets or chunks skipped */
    bool scheduled;
    int64_t gone_after_ms;     /* a known rule that so much data did not show is gone; 0: a week */
    int64_t learning_until_ms; /* data time up to which the location is configured to learn; 0: it is not */
    char unclean[FL_UNCLEAN_TEXT]; /* what is wrong with the data of the span, in plain words; "": nothing */
    size_t held;                   /* filled in: rules of this run that nobody is told of yet */
};
/* How one side of a rule went on without the other, counted in its windows (or incidents). */
struct fl_lapse {
    uint64_t since,
        longest;     /* since the last one in which the other side followed; the longest such row before */
    int64_t last_ms; /* when that last one was that counts; INT64_MIN: never in this run */
    int64_t rest_ms; /* the longest row of them, before the last one, that chance does not make; 0: none */
    uint64_t awake;  /* cases up to the last one, but for those in rows that would be told */
    bool unsure;     /* after a long row the last ones are so few that chance may have made them */
};
/* A known rule as the run sees it, found or not. What is behind `out:` is filled in by mining. */
struct fl_recheck {
    int64_t rule_id;
    struct fl_node antecedent, consequent;
    bool single; /* it is periodic and has no consequent */
    enum fl_evidence evidence;
    bool present_antecedent; /* as in struct fl_rule, like the next three */
    double confidence, reverse_confidence;
    bool both;
    bool clock;                    /* it keeps to the clock */
    int64_t hosts;                 /* behind its wildcards */
    int64_t hit_ms, mended_ms;     /* when both sides were last there, before this run; rests that ended up to
                                    * then do not count; INT64_MIN: nothing is known */
    uint64_t cases, reverse_cases; /* that the confidences were found in */
    /* The confidences are those of while the rule does not rest, where that is known; `both` is then also set
     * where the reverse one is one half or more. */
    uint64_t n_antecedent, n_consequent, n_both; /* out: as in struct fl_rule */
    /* out: of a rule of evidence `during` only the side that starts has one */
    struct fl_lapse antecedent_alone, consequent_alone;
};
/* The known rules of a location, and those gone for up to a week, to be looked at by the next run; free with
 * free(). FL_EDB, FL_ENOMEM. */
int fl_rulesdb_to_recheck(struct fl_rulesdb *db, const char *location, struct fl_recheck **out, size_t *n,
                          struct fl_err *err);
/* What a run found; borrowed. */
struct fl_finding_list {
    const struct fl_rule *rules;
    size_t n;
    const struct fl_cluster *clusters; /* fl_rule.cluster is an index among these; beyond their end: none */
    size_t n_clusters;
    const struct fl_recheck *rechecks; /* known rules looked at again; NULL: none were */
    size_t n_rechecks;
};
/* Store a run and its rules in one transaction, matched with what the location has shown before:
 *  - a rule (parent < 0) not seen before gets an id and status `novel` with its novelty grade (`new`,
 * `new-here`, `new-hosts`: its shape is known nowhere, elsewhere, here), or `known` where `learning` is true
 * or a decision already covers it; a novel one that a learning run finds
 * becomes known;
 *  - what an unclean run finds first is held: it is neither told nor learned until a clean run finds it, or
 * one whose span begins after the first one's end; what was found first while the location learned is learned
 * then, whenever that is. A clean run that looked as long and does not find it drops it;
 *  - a rule seen before keeps id, status, first_seen and note; figures, last_seen and runs_seen move on
 * (runs_seen once a distinct span: mining the same span again does not add to it);
 *  - instances (parent >= 0) replace those of their rule and never have a status of their own; one that
 * stands for itself in a later run begins with the status of the rule that it was folded under;
 *  - a known rule one of whose sides goes on without the other, longer than it ever did and than chance would
 * have it, is told as broken once; rules that lost the same server, or the same side, in one alert, which
 * closes when all of them hold again. Unclean and learning runs break nothing; rules of mixed services do not
 * break;
 *  - a rule of mixed services (fl_node_is_mixed) is known by the services that its instances name: found with
 * others it is novel again (rulesdb_mixed.c);
 *  - clusters keep their id from run to run while they keep most of their rules;
 *  - a rule that says what the location is used to in other words (rulesdb_kin.c) is known as long as the
 * known rules are by which it is, once whole data show it; so becomes a novel one that a clean run folds
 * under a rule that is decided upon;
 *  - rules that are novel by this run are told: those of a cluster, or alike but for their hosts, as one
 * alert, which grows by what joins the cluster while it is open, and which what says the same of one more
 * client opens again; a rule stands in one alert at a time while
 * that is open or acked. Where a rule takes the place of a broken one, its alert tells both. Fills run->id
 * and run->novel (rules of this run whose status is novel). Alerts opened: *n_alerts. FL_EDB. */
int fl_rulesdb_store_run(struct fl_rulesdb *db, struct fl_run *run, const struct fl_finding_list *found,
                         bool learning, size_t *n_alerts, struct fl_err *err);
/* End of the last scheduled run's span at a location, or INT64_MIN. */
int fl_rulesdb_last_scheduled(struct fl_rulesdb *db, const char *location, int64_t *to_ms,
                              struct fl_err *err);
/* Where the earliest of all its runs ended, or INT64_MAX. */
int fl_rulesdb_first_run(struct fl_rulesdb *db, const char *location, int64_t *to_ms, struct fl_err *err);

/* Up to when (data time) people had the location learn anew; INT64_MIN: they did not. */
int fl_rulesdb_relearn_until(struct fl_rulesdb *db, const char *location, int64_t *until_ms,
                             struct fl_err *err);
/* Forget what the location has learned by itself and nobody has decided upon, and have it learn anew for
 * `for_ms` of data after its newest run. How many rules were forgotten: *n. `dry_run`: only count. FL_ENOENT:
 * it has never been mined. */
int fl_rulesdb_relearn(struct fl_rulesdb *db, const char *location, int64_t for_ms, bool dry_run, size_t *n,
                       struct fl_err *err);

/* Listings: each row as a JSON object with the contract's names, handed to `fn` (borrowed during the call; a
 * non-zero return ends the listing and is returned). */
typedef int fl_json_fn(void *ctx, json_t *object);
struct fl_rule_filter {
    const char *location;         /* NULL: all */
    const char *status;           /* novel, known, ignored, gone, all; NULL: novel and known */
    int64_t id;                   /* 0: any; else the others do not count */
    int64_t cluster_id, alert_id; /* of this cluster, told of by this alert; 0: any */
};
int fl_rulesdb_rules(struct fl_rulesdb *db, const struct fl_rule_filter *filter, fl_json_fn *fn, void *ctx,
                     struct fl_err *err);
/* The instances folded under a rule, same names without status. */
int fl_rulesdb_instances(struct fl_rulesdb *db, int64_t rule_id, fl_json_fn *fn, void *ctx,
                         struct fl_err *err);
enum { FL_MIXED_TEXT = 320 };
/* What a rule of mixed services (fl_node_is_mixed) and nothing else stands for: "20 services (10.0.0.9 port
 * 22/tcp, ...)"; "" of any other rule. `rule` is its text. FL_EDB. */
int fl_rulesdb_services(struct fl_rulesdb *db, int64_t rule_id, const char *rule, char out[FL_MIXED_TEXT],
                        struct fl_err *err);
/* One rule with everything stored of it: the contract's names plus n_antecedent, n_consequent, n_both,
 * n_windows, hosts, lag_spread_ms, present, lag_histogram {from_ms, step_ms, counts} or null, examples
 * [{time, antecedent, consequent}], decision. FL_ENOENT.
 */
int fl_rulesdb_evidence(struct fl_rulesdb *db, int64_t rule_id, json_t **out, struct fl_err *err);
/* `RULE` as typed: an id, or a rule's text (at `location`, which may be NULL when only one has it). FL_ENOENT
 * with a remedy in *err. */
int fl_rulesdb_find_rule(struct fl_rulesdb *db, const char *text, const char *location, int64_t *id,
                         struct fl_err *err);
/* Novel and known rules of location `a` that `b` has neither novel nor known, then the other way round:
 * {location, id, rule, status, shape, same_shape}, the last being how many rules of that shape the other one
 * has. *common: how many both have. */
int fl_rulesdb_diff(struct fl_rulesdb *db, const char *a, const char *b, int64_t *common, fl_json_fn *fn,
                    void *ctx, struct fl_err *err);
/* Shapes of novel and known rules, those of most locations first: {shape, locations, rules, known, at
 * (names), example (a rule's id)}. location NULL: all, else only those that it has. */
int fl_rulesdb_shapes(struct fl_rulesdb *db, const char *location, fl_json_fn *fn, void *ctx,
                      struct fl_err *err);
struct fl_alert_filter {
    const char *location, *state; /* state: open, acked, closed, all; NULL: open */
    int64_t after_id;             /* only alerts with a greater id */
    const char *changed;          /* RFC 3339, UTC: only those that changed then or later; NULL: any */
    int64_t id;                   /* 0: any; else the others do not count */
};
/* With `delivery`: [{sink, event, kind, state, attempts, error, done, next}], what the outbox
 * (rulesdb_sink.h) keeps of each event and sink. */
int fl_rulesdb_alerts(struct fl_rulesdb *db, const struct fl_alert_filter *filter, fl_json_fn *fn, void *ctx,
                      struct fl_err *err);
struct fl_ack {
    const int64_t *ids; /* these alerts; none: every open one */
    size_t n_ids;
    const char *location; /* without ids: of this location; NULL: of all */
    const char *note;     /* NULL: none */
    const char *author;
    int64_t now_ms;
};
/* Open alerts become acked, in one transaction: somebody is on it. `fn` gets each one that changes, as in
 * fl_rulesdb_alerts. FL_ENOENT (none of them then changes), FL_EDB. */
int fl_rulesdb_ack(struct fl_rulesdb *db, const struct fl_ack *ack, fl_json_fn *fn, void *ctx,
                   struct fl_err *err);
int fl_rulesdb_runs(struct fl_rulesdb *db, const char *location, fl_json_fn *fn, void *ctx,
                    struct fl_err *err);
/* {id, location, name, form, rules, nodes, score}, by location and id; location NULL: all. */
int fl_rulesdb_clusters(struct fl_rulesdb *db, const char *location, fl_json_fn *fn, void *ctx,
                        struct fl_err *err);
int fl_rulesdb_exporters(struct fl_rulesdb *db, fl_json_fn *fn, void *ctx, struct fl_err *err);
int fl_rulesdb_locations(struct fl_rulesdb *db, fl_json_fn *fn, void *ctx, struct fl_err *err);

/* Decisions. */
enum fl_verdict { FL_ACCEPT, FL_IGNORE, FL_REOPEN };
struct fl_decision {
    enum fl_verdict verdict;
    const char *location; /* NULL: every location */
    const int64_t *ids;   /* these rules, or */
    size_t n_ids;
    bool all;             /* every novel rule (reopen: every known and ignored one), or */
    int64_t cluster_id;   /* those of this cluster, or */
    int64_t alert_id;     /* those that this alert tells or told of, or */
    const char *pattern;  /* what fl_pattern_parse takes: rules that match now and rules to come, or */
    const char *identity; /* one rule as fl_rule_identity writes it, now or to come */
    int64_t until_ms;     /* INT64_MAX: for good; then the decision lapses and the rule is novel again */
    const char *note;     /* NULL: none */
    const char *author;
    int64_t now_ms;
    int64_t made_ms;  /* when it was decided; 0: now */
    bool dry_run;     /* change nothing, list what would change */
    size_t *silenced; /* the open alerts that it closes are added here; NULL: not asked */
};
/* Apply, in one transaction; `fn` is called with each rule whose status changes (as in fl_rulesdb_rules, its
 * new status). FL_ENOENT: no such rule, cluster or alert. An alert closes when all its rules have been
 * accepted or ignored, and tells of the others until then; the alert of a reopened rule is open again under
 * its old id. Returns 0, FL_EINVAL (pattern), FL_EDB.
 */
int fl_rulesdb_decide(struct fl_rulesdb *db, const struct fl_decision *d, fl_json_fn *fn, void *ctx,
                      struct fl_err *err);

/* The known-rule table: rules that a location has learned by itself, then decisions that hold, in the order
 * in which they were made: {id, location (null: every), verdict ("learned", "accept", "ignore", "reopen"),
 * rule, pattern (one of them null), author, note, made, until (null: for good), rules (how many it covers),
 * known_why (as in the view `rules`)}. location NULL: all. */
int fl_rulesdb_known(struct fl_rulesdb *db, const char *location, fl_json_fn *fn, void *ctx,
                     struct fl_err *err);
struct fl_taken {
    size_t added, there,
        older;       /* decisions; those there already; those outweighed by a newer one, or lapsed */
    size_t silenced; /* open alerts that they close */
};
/* Take such rows in, in one transaction, as decisions of `location` (NULL: of each row's own); what was
 * learned elsewhere becomes an accept of `author`. A row about a rule or pattern that was decided upon here
 * at the same time or later changes nothing. `fn` gets the rules whose status changes. FL_EINVAL (a row's
 * pattern), FL_EDB. */
int fl_rulesdb_take_known(struct fl_rulesdb *db, const json_t *rows, const char *location, const char *author,
                          int64_t now_ms, bool dry_run, struct fl_taken *taken, fl_json_fn *fn, void *ctx,
                          struct fl_err *err);

/* Counters are absolute since the service's start; rows are kept by (address, source_port, domain, version).
 * Only rows that differ from the last call's are written, so that calling it every other second is cheap. A
 * session whose last_seen_ms lies FL_FORGET_MS before the service's updated_ms is forgotten, and so are those
 * heard of longest ago beyond FL_MOST_SESSIONS; their templates go with them. FL_EDB. */
enum { FL_MOST_SESSIONS = 4096 };
#define FL_FORGET_MS ((int64_t)30 * 86400000)
int fl_rulesdb_store_stats(struct fl_rulesdb *db, const struct fl_service_stats *service,
                           const struct fl_exporter_stats *exporters, size_t n, struct fl_err *err);
/* Keep templates (a length of 0: forget it, unless one that was defined later is kept), in one transaction;
 * hand on every one that is kept, session by session. A non-zero return of fn ends it and is returned.
 * FL_EDB.
 */
int fl_rulesdb_store_templates(struct fl_rulesdb *db, const struct fl_wire_template *templates, size_t n,
                               struct fl_err *err);
int fl_rulesdb_templates(struct fl_rulesdb *db, fl_wire_template_fn *fn, void *ctx, struct fl_err *err);
/* How whole the data of a location are from `from_ms` to `to_ms` (data time; by whole hours that meet it).
 * Zero where nothing is known: data that were imported. FL_EDB. */
struct fl_quality {
    uint64_t flows, lost, unread, shed; /* records: received; lost; without template; given up here */
    uint64_t sampling_changes, clock_jumps;
};
int fl_rulesdb_quality(struct fl_rulesdb *db, const char *location, int64_t from_ms, int64_t to_ms,
                       struct fl_quality *out, struct fl_err *err);
/* The service's figures, with refused_senders [{address, datagrams, last_seen}], the busiest first. */
/* FL_ENOENT when no service ever ran here. */
int fl_rulesdb_service(struct fl_rulesdb *db, json_t **out, struct fl_err *err);

#endif
