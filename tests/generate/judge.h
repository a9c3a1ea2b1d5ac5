/* Holds the rules that were found in a made-up day against the list of what is there. */
#ifndef GEN_JUDGE_H
#define GEN_JUDGE_H

#include "storage/rule.h"
#include "tests/generate/day.h"

enum { GEN_PATTERNS_MOST = 64 };

struct gen_tally { /* of one pattern */
    const char *pattern;
    bool decoy;
    size_t listed, found; /* pairs; those of a decoy should not be found */
};

/* Sums over the days that were judged. */
struct gen_verdict {
    struct gen_tally tallies[GEN_PATTERNS_MOST]; /* planted and decoys, in the order of the list */
    size_t n_tallies;
    size_t planted, found;     /* pairs */
    size_t statements;         /* what was planted, the pairs of a range of ports counted as one */
    size_t decoys;             /* pairs of decoys that are reported */
    size_t rules;              /* rules of pairs that stand for themselves; of these: */
    size_t follow;             /* true because of what was planted */
    size_t strangers;          /* not on the list at all */
    size_t periodic;           /* periodic rules that stand for themselves */
    size_t periodic_strangers; /* of nodes that no line of the list names */
};

/* A day's rules join the verdict; `n` of them, those that stand for themselves first, as fl_find_rules gives
 * them.
 *
 * A planted pair is found when a rule, or an instance of one, names both nodes or ranges that hold their
 * ports. A decoy is reported already when a rule names both nodes made wilder. `say` (NULL: nobody) is called
 * with each pair missed ("missed"), each decoy reported ("decoy") and each stranger ("stranger"), as text.
 * FL_ENOMEM. */
typedef void gen_say_fn(void *ctx, const char *what, const char *pattern, const char *text);
int gen_judge(struct gen_verdict *verdict, const struct gen_day *day, const struct fl_rule *rules, size_t n,
              gen_say_fn *say, void *ctx);

/* The table by pattern and the sums under it, each line behind "# ". */
void gen_verdict_print(const struct gen_verdict *verdict);

#endif
