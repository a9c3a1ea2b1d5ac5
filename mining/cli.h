/* What the commands of `flowlore` share: one call of the tool with its options, and how it speaks. */
#ifndef FL_MINING_CLI_H
#define FL_MINING_CLI_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mining/human.h"
#include "mining/table.h"
#include "storage/config.h"
#include "storage/error.h"
#include "storage/rulesdb.h"
#include "storage/store.h"

enum { FL_EXIT_OK = 0, FL_EXIT_FAILURE = 1, FL_EXIT_USAGE = 2 };

/* One call. Texts are borrowed from the command line or the environment. */
struct fl_cli {
    const char *data, *config_file;
    const char *location, *status, *state, *match, *until, *note, *from, *to, *host, *port, *limit, *exporter;
    const char *speed, *rate, *source;
    const char *timeout;
    const char *cluster, *alert, *duration;
    const char *other; /* the second --location */
    bool json, csv, all, follow, dry_run, reset, shape, help;
    bool dot;
    char **args; /* what stands beside the options */
    size_t n_args;
    int64_t now_ms;
    struct fl_config config;
    bool config_filled;
};

/* Bits for struct fl_cli_command.options; --data, --config and --help are everywhere. */
enum {
    FL_OPT_LOCATION = 1 << 0,
    FL_OPT_STATUS = 1 << 1,
    FL_OPT_STATE = 1 << 2,
    FL_OPT_MATCH = 1 << 3,
    FL_OPT_UNTIL = 1 << 4,
    FL_OPT_NOTE = 1 << 5,
    FL_OPT_FROM_TO = 1 << 6,
    FL_OPT_HOST = 1 << 7,
    FL_OPT_PORT = 1 << 8,
    FL_OPT_LIMIT = 1 << 9,
    FL_OPT_JSON = 1 << 10,
    FL_OPT_CSV = 1 << 11,
    FL_OPT_ALL = 1 << 12,
    FL_OPT_FOLLOW = 1 << 13,
    FL_OPT_DRY_RUN = 1 << 14,
    FL_OPT_EXPORTER = 1 << 15,
    FL_OPT_INTO = 1 << 16, /* --location for what is brought in: may be new, as may be the data directory */
    FL_OPT_SEND = 1 << 17, /* --to as an address, and how to send; needs neither data nor configuration */
    FL_OPT_DOT = 1 << 18,
    FL_OPT_TIMEOUT = 1 << 19,
    FL_OPT_GROUP = 1 << 20, /* --cluster, --alert */
    FL_OPT_LEARN = 1 << 21, /* --reset, --for */
    FL_OPT_SHAPE = 1 << 22,
    FL_OPT_BETWEEN = 1 << 23 /* --location twice */
};
struct fl_cli_command {
    const char *name, *args, *summary, *examples;
    unsigned options;
    size_t min_args, max_args;
    int (*run)(struct fl_cli *cli); /* returns the exit code */
};

/* The whole tool: run what argv names, one of our commands or of the `n_more` others. Returns the exit code.
 */
int fl_cli_main(int argc, char **argv, const struct fl_cli_command *more, size_t n_more);
/* Read options and arguments into *cli (zeroed by the caller); argv[0] is the command's name. FL_EINVAL with
 * a sentence and remedy: unknown option (nearest one named), missing value, too few or many arguments. */
int fl_cli_parse(const struct fl_cli_command *command, int argc, char **argv, struct fl_cli *cli,
                 struct fl_err *err);
/* Print what `flowlore COMMAND --help` says. */
void fl_cli_help(const struct fl_cli_command *command);
/* The word nearest to `typed` (edit distance, at most a third of its letters, at least 1), or NULL. */
const char *fl_cli_nearest(const char *typed, const char *const *words, size_t n);
/* The value of --from, --to, --until: fl_time_parse, with the option and the accepted forms in *err. A NULL
 * text leaves *out as it is. FL_EINVAL. */
int fl_cli_time(const char *option, const char *text, int64_t now_ms, int64_t *out, struct fl_err *err);
/* --from and --to; FL_EINVAL also when from is not before to. */
int fl_cli_span(const struct fl_cli *cli, int64_t *from_ms, int64_t *to_ms, struct fl_err *err);

/* "flowlore: sentence" on standard error, control characters made harmless. */
void fl_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Say *err (or the code's words when it is empty) and return the exit code: usage for FL_EINVAL. */
int fl_cli_fail(int code, const struct fl_err *err);
/* Flush standard output: FL_EXIT_OK, or FL_EXIT_FAILURE said on standard error. A closed pipe is no failure.
 */
int fl_cli_end(void);
/* One object a line on standard output. */
int fl_cli_json(void *ctx, json_t *object);
/* Print a table as standard output wants it. Returns the exit code; frees the table. */
int fl_cli_table(struct fl_table *table);
/* Say which buckets could not be read. */
void fl_cli_damaged(const char damaged[][256], size_t n);

/* FL_ENOENT with remedy when the data directory is not there. */
int fl_cli_check_data(const struct fl_cli *cli, struct fl_err *err);
/* Names of all locations: stored, in the rules database, configured; sorted array of texts, the caller's to
 * json_decref. */
int fl_cli_locations(const struct fl_cli *cli, json_t **out, struct fl_err *err);
/* FL_EINVAL, the known ones named, when --location is not among them; anything is fine while there are none.
 */
int fl_cli_check_location(const struct fl_cli *cli, struct fl_err *err);
/* Open the rules database; 0 with *out NULL when there is none and mode is FL_RULESDB_READ. */
int fl_cli_open_rules(const struct fl_cli *cli, enum fl_rulesdb_mode mode, struct fl_rulesdb **out,
                      struct fl_err *err);

/* Set by SIGINT and SIGTERM after fl_cli_catch_stop. */
extern volatile sig_atomic_t fl_cli_stopped;
void fl_cli_catch_stop(void);

/* Who runs this: the user behind sudo, else the process's; a name. */
const char *fl_cli_author(void);
/* A number from 1 as typed behind `what` ("--alert", "ack"); FL_EINVAL. */
int fl_cli_id(const char *what, const char *text, int64_t *out, struct fl_err *err);
/* An fl_json_fn that appends to the array `ctx`. */
int fl_cli_collect(void *ctx, json_t *object);
/* Members with a default: "" and 0 when absent or of another type. */
const char *fl_js_text(const json_t *object, const char *key);
int64_t fl_js_int(const json_t *object, const char *key);
double fl_js_real(const json_t *object, const char *key);

/* A flow with the contract's names, in order; NULL without memory. */
json_t *fl_cli_flow_json(const char *location, const struct fl_flow *flow);
/* Print an array of such flows as a table; returns the exit code. */
int fl_cli_flows_table(const json_t *flows);
/* Print the rows of the view `sinks` as a table; returns the exit code. */
int fl_cli_sinks_table(const json_t *sinks);
/* One line of RFC 4180 on standard output: member texts, or keys for `heads`. Control characters are made
 * harmless where standard output is a terminal. */
void fl_cli_csv_field(const char *text, bool first);
void fl_cli_csv_value(const json_t *value, bool first);

/* Of a rule of the rules database: is it periodic? */
bool fl_cli_is_periodic(const json_t *rule);
/* "+-1.2 s": half of its beats come within that of their place. Returns `out`. */
const char *fl_cli_jitter(const json_t *rule, char out[FL_HUMAN_TEXT]);

/* The commands. */
int fl_cli_mine(struct fl_cli *cli);
int fl_cli_rules(struct fl_cli *cli);
int fl_cli_alerts(struct fl_cli *cli);
int fl_cli_ack(struct fl_cli *cli);
int fl_cli_learn(struct fl_cli *cli);
int fl_cli_known(struct fl_cli *cli);
int fl_cli_diff(struct fl_cli *cli);
int fl_cli_shapes(struct fl_cli *cli);
int fl_cli_explain(struct fl_cli *cli);
int fl_cli_graph(struct fl_cli *cli);
int fl_cli_accept(struct fl_cli *cli);
int fl_cli_ignore(struct fl_cli *cli);
int fl_cli_reopen(struct fl_cli *cli);
int fl_cli_status(struct fl_cli *cli);
int fl_cli_flows(struct fl_cli *cli);
int fl_cli_sql(struct fl_cli *cli);

#endif
