/* The parts of `flowlore explain`; objects are as fl_rulesdb_evidence gives them. */
#ifndef FL_MINING_CLI_EXPLAIN_H
#define FL_MINING_CLI_EXPLAIN_H

#include "mining/cli.h"

/* What the rule says, in a sentence or two; `instances` tell whose figures those of a range are, `services`
 * what a rule of mixed services stands for (fl_rulesdb_services). */
void fl_explain_print_meaning(const json_t *rule, const json_t *instances, const char *services,
                              size_t width);
/* How often, against chance. */
void fl_explain_print_counts(const json_t *rule, size_t width);
/* Which side comes first, by how much, how tightly; the lags drawn; the clock. Of a periodic rule its beat.
 */
void fl_explain_print_timing(const json_t *rule, size_t width);

/* Of a periodic rule (cli_periodic.c): how it keeps its period, ", like clockwork"; what
 * fl_explain_print_counts and fl_explain_print_timing say of it alone. */
const char *fl_explain_period_manner(const json_t *rule, char out[80]);
void fl_explain_print_beats(const json_t *rule, size_t width);
void fl_explain_print_period(const json_t *rule, size_t width);

/* Give each example its "flows": [...] of the store; what no longer is stored is simply not there. */
int fl_explain_fetch(const struct fl_cli *cli, json_t *rule, struct fl_err *err);
/* The conversations with their times, and those flows; returns the exit code. */
int fl_explain_print_examples(const json_t *rule);

#endif
