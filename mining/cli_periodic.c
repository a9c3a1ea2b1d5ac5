/* What `flowlore explain` says of a periodic rule, and `flowlore rules` in place of a lag. */
#include <stdio.h>
#include <string.h>

#include "mining/cli_explain.h"
#include "mining/human.h"

bool fl_cli_is_periodic(const json_t *rule)
{
    return strcmp(fl_js_text(rule, "evidence"), "periodic") == 0;
}

/* Half of the beats come within so much of their place. */
static int64_t half_spread(const json_t *rule)
{
    return (fl_js_int(rule, "period_spread_ms") + 1) / 2;
}

const char *fl_cli_jitter(const json_t *rule, char out[FL_HUMAN_TEXT])
{
    char span[FL_HUMAN_TEXT];
    snprintf(out, FL_HUMAN_TEXT, "+-%.20s", fl_human_span(half_spread(rule), span));
    return out;
}

const char *fl_explain_period_manner(const json_t *rule, char out[80])
{
    double part = (double)half_spread(rule) / (double)fl_js_int(rule, "period_ms");
    long long hosts = (long long)fl_js_int(rule, "hosts");
    const char *regularly = part <= 0.005  ? "like clockwork"
                            : part <= 0.05 ? "regularly"
                            : part <= 0.1  ? "with some jitter"
                                           : "with much jitter";
    if (hosts == 0)
        snprintf(out, 80, ", %s", regularly);
    else if (fl_js_int(rule, "instances") > 0)
        snprintf(out, 80, ", each of %lld hosts by itself, %s", hosts, regularly);
    else
        snprintf(out, 80, ", %lld hosts taking turns, %s", hosts, regularly);
    return out;
}

static void print_line(const char *name, const char *text, size_t width)
{
    char line[500];
    snprintf(line, sizeof line, "%-12s %s", name, text);
    fl_text_print(stdout, fl_human_clean(line), 2, 15, width);
}

void fl_explain_print_beats(const json_t *rule, size_t width)
{
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], c[FL_HUMAN_TEXT], line[300];
    printf("\nCounts (starts; several within a moment count once)\n");
    snprintf(line, sizeof line, "%s, of which %s are beats (%s)",
             fl_human_count((uint64_t)fl_js_int(rule, "n_antecedent"), a),
             fl_human_count((uint64_t)fl_js_int(rule, "n_both"), b),
             fl_human_percent(fl_js_real(rule, "reverse_confidence"), c));
    print_line("starts", line, width);
    snprintf(line, sizeof line, "%s of those due came; %s did not",
             fl_human_percent(fl_js_real(rule, "confidence"), a),
             fl_human_count((uint64_t)fl_js_int(rule, "missed"), b));
    print_line("beats", line, width);
    snprintf(
        line, sizeof line,
        "starts at any rate would give at most %.3g by chance: %s times as many; score %.3g bits a window",
        fl_js_real(rule, "expected"), fl_human_factor(fl_js_real(rule, "lift"), a),
        fl_js_real(rule, "score"));
    print_line("chance", line, width);
}

void fl_explain_print_period(const json_t *rule, size_t width)
{
    char a[24], b[FL_HUMAN_TEXT], line[300];
    snprintf(line, sizeof line, "%s; half of the beats come within %s of where the one before puts them",
             fl_period_format(fl_js_int(rule, "period_ms"), a), fl_human_span(half_spread(rule), b));
    print_line("period", line, width);
    if (*fl_js_text(rule, "clock")) {
        snprintf(line, sizeof line, "the beats keep the phase %.10s: a timer such as cron",
                 fl_js_text(rule, "clock"));
        print_line("clock", line, width);
    }
}
