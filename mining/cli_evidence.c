/* The evidence for a rule in words and figures: what it says, how often against chance, which side comes
 * first. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "mining/chain.h"
#include "mining/cli_explain.h"
#include "mining/human.h"

/* ---- what it says ---- */

/* "on port 53/udp", "on one of the ports 6881-6889/tcp", "with ICMP 8.0 (type.code)". */
static void port_words(const json_t *node, char out[80])
{
    const char *port = fl_js_text(node, "server_port");
    char protocol[8];
    const char *name = fl_protocol_format((uint8_t)fl_js_int(node, "protocol"), protocol);
    if (strncmp(name, "icmp", 4) == 0)
        snprintf(out, 80, "with ICMP %.20s (type.code)", port);
    else if (strcmp(port, "*") == 0)
        snprintf(out, 80, "over %s on any port", name);
    else
        snprintf(out, 80, "on %s %.20s/%s", strchr(port, '-') ? "one of the ports" : "port", port, name);
}

/* Both sides stand for one and the same unnamed host: counted in windows of each such host, else in windows
 * (MINING.md section 4). */
static bool counts_by_host(const json_t *e)
{
    const json_t *a = json_object_get(e, "antecedent"), *c = json_object_get(e, "consequent");
    const char *client = fl_js_text(a, "client"), *other = fl_js_text(c, "client");
    bool any_servers = !strcmp(fl_js_text(a, "server"), "*") && !strcmp(fl_js_text(c, "server"), "*");
    if (!strcmp(client, "*") && !strcmp(other, "*"))
        return true;
    return any_servers && strcmp(client, other) != 0;
}

/* "10.0.0.5 talks to some server on port 53/udp"; `again`: the unnamed host is that of the words before. */
static void node_words(const json_t *node, bool again, char out[240])
{
    const char *c = fl_js_text(node, "client"), *s = fl_js_text(node, "server");
    char port[80];
    bool any_client = strcmp(c, "*") == 0, any_server = strcmp(s, "*") == 0;
    port_words(node, port);
    snprintf(out, 240, "%.60s talks to %.60s %s", any_client ? again ? "the same client" : "a client" : c,
             any_server ? again && !any_client ? "the same server" : "some server" : s, port);
}

/* A statement of a node with itself. */
static bool is_one_node(const json_t *rule)
{
    return json_equal(json_object_get(rule, "antecedent"), json_object_get(rule, "consequent"));
}

/* What happens again, differently, when a node goes with itself. */
static const char *another(const json_t *node)
{
    if (strchr(fl_js_text(node, "server_port"), '-'))
        return strcmp(fl_js_text(node, "server"), "*") == 0
                   ? "the same happens on another of these ports or servers"
                   : "the same happens on another of these ports";
    return strcmp(fl_js_text(node, "server"), "*") == 0 ? "the same happens with another server"
                                                        : "another client does the same";
}

static bool has_range(const json_t *node)
{
    return strchr(fl_js_text(node, "server_port"), '-') != NULL;
}

/* A range has the figures of one of its members, or was counted as a whole (range.h, range_pool.h). */
static const char *whose_figures(const json_t *e, const json_t *instances)
{
    size_t i, stored = json_array_size(instances);
    json_t *instance;
    bool member = (size_t)fl_js_int(e, "instances") > stored;
    json_array_foreach(instances, i, instance) member =
        member || (fl_js_int(instance, "support") == fl_js_int(e, "support") &&
                   json_equal(json_object_get(instance, "lag_ms"), json_object_get(e, "lag_ms")));
    return member
               ? "It stands for several pairs; its figures are those of the one in the middle, so half of "
                 "them "
                 "say as much or more."
               : "Its figures are of all of it together: how often one of it is used, and how often two are.";
}

/* "10.0.0.5 talks to 20 services (...)". */
static void services_words(const json_t *node, const char *services, char out[FL_MIXED_TEXT + 80])
{
    const char *c = fl_js_text(node, "client");
    snprintf(out, FL_MIXED_TEXT + 80, "%.60s talks to %s", strcmp(c, "*") == 0 ? "a client" : c, services);
}

void fl_explain_print_meaning(const json_t *e, const json_t *instances, const char *services, size_t width)
{
    char x[FL_MIXED_TEXT + 80], y[240] = "", text[FL_HUMAN_TEXT], period[24], manner[80], line[1000];
    const json_t *a = json_object_get(e, "antecedent"), *c = json_object_get(e, "consequent");
    bool during = strcmp(fl_js_text(e, "evidence"), "during") == 0;
    if (*services)
        services_words(a, services, x);
    else
        node_words(a, false, x);
    if (*services && !fl_cli_is_periodic(e))
        snprintf(line, sizeof line, "%s in step: when it uses one, %s of the time it uses another%s.", x,
                 fl_human_percent(fl_js_real(e, "confidence"), text),
                 during ? " while that is under way" : " in the same moment");
    else if (fl_cli_is_periodic(e))
        snprintf(line, sizeof line, "Every %s, %s%s.", fl_period_format(fl_js_int(e, "period_ms"), period), x,
                 fl_explain_period_manner(e, manner));
    else {
        if (!is_one_node(e))
            node_words(c, counts_by_host(e), y);
        snprintf(line, sizeof line, "When %s, %s of the time %s%s%s.", x,
                 fl_human_percent(fl_js_real(e, "confidence"), text), is_one_node(e) ? another(a) : y,
                 during ? ", one starting while the other is under way" : " in the same moment",
                 strcmp(fl_js_text(e, "arrow"), "<=>") == 0 && !is_one_node(e) ? ", and the other way round"
                                                                               : "");
    }
    fl_text_print(stdout, fl_human_clean(line), 0, 0, width);
    if (is_one_node(e) || has_range(a) || has_range(c))
        fl_text_print(stdout, whose_figures(e, instances), 0, 0, width);
}

/* ---- how often ---- */

static void print_line(const char *name, const char *text, size_t width)
{
    char line[500];
    snprintf(line, sizeof line, "%-12s %s", name, text);
    fl_text_print(stdout, fl_human_clean(line), 2, 15, width);
}

static void print_pair(const json_t *e, size_t width)
{
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], line[300];
    printf("\nCounts (%s)\n", counts_by_host(e) ? "windows x hosts" : "windows");
    print_line("antecedent", fl_human_count((uint64_t)fl_js_int(e, "n_antecedent"), a), width);
    print_line("consequent", fl_human_count((uint64_t)fl_js_int(e, "n_consequent"), a), width);
    snprintf(line, sizeof line,
             "observed %s; expected %.3g if only chance brought them together: %s times as many",
             fl_human_count((uint64_t)fl_js_int(e, "n_both"), a), fl_js_real(e, "expected"),
             fl_human_factor(fl_js_real(e, "lift"), b));
    print_line("both", line, width);
    print_line("of", fl_human_count((uint64_t)fl_js_int(e, "n_windows"), a), width);
    snprintf(line, sizeof line, "%s, reverse %s; score %.3g bits a window",
             fl_human_percent(fl_js_real(e, "confidence"), a),
             fl_human_percent(fl_js_real(e, "reverse_confidence"), b), fl_js_real(e, "score"));
    print_line("confidence", line, width);
}

void fl_explain_print_counts(const json_t *e, size_t width)
{
    char a[FL_HUMAN_TEXT], line[300];
    double q = fl_js_real(e, "q_value"); /* stored no smaller than 1e-300 */
    if (fl_cli_is_periodic(e))
        fl_explain_print_beats(e, width);
    else
        print_pair(e, width);
    double log10_p = fl_js_real(e, "log10_p"), exponent = floor(log10_p);
    snprintf(line, sizeof line, "p = %.2fe%.0f; q %s %.3g, allowing for all that was tested",
             pow(10, log10_p - exponent), exponent, q <= 1e-300 ? "<=" : "=", q);
    print_line("significance", line, width);
    if (fl_js_int(e, "hosts") > 0) {
        snprintf(line, sizeof line, "%s behind the wildcard",
                 fl_human_count((uint64_t)fl_js_int(e, "hosts"), a));
        print_line("hosts", line, width);
    }
}

/* ---- which first ---- */

static int64_t count_at(const json_t *histogram, size_t bin)
{
    return json_integer_value(json_array_get(json_object_get(histogram, "counts"), bin));
}

/* A bin in words: "< -140 ms", "-20 ms", ">= 150 ms". */
static void bin_words(const json_t *h, size_t bin, size_t n, char out[48])
{
    char text[FL_HUMAN_TEXT];
    int64_t from = fl_js_int(h, "from_ms"), step = fl_js_int(h, "step_ms");
    snprintf(out, 48, "%s%s",
             bin == 0       ? "< "
             : bin + 1 == n ? ">= "
                            : "",
             fl_human_span(from + (int64_t)(bin == 0 ? 1 : bin) * step, text));
}

/* Bars of #, a line a bin from the first to the last that has any. */
static void print_histogram(const json_t *h, size_t width)
{
    char text[FL_HUMAN_TEXT], label[48];
    size_t n = json_array_size(json_object_get(h, "counts")), first = n, last = 0, room = 40;
    int64_t most = 1;
    for (size_t i = 0; i < n; i++) {
        int64_t count = count_at(h, i);
        first = count > 0 && i < first ? i : first;
        last = count > 0 ? i : last;
        most = count > most ? count : most;
    }
    if (first == n)
        return;
    if (width > 0 && width < 70)
        room = width > 40 ? width - 30 : 10;
    printf("\nLags from antecedent to consequent (bins of %s)\n",
           fl_human_span(fl_js_int(h, "step_ms"), text));
    for (size_t i = first; i <= last; i++) {
        int64_t count = count_at(h, i);
        int bar = (int)((count * (int64_t)room + most - 1) / most);
        bin_words(h, i, n, label);
        printf("  %12s |%.*s%s%s\n", label, bar, "########################################",
               count > 0 ? " " : "", count > 0 ? fl_human_count((uint64_t)count, text) : "");
    }
}

/* How many of the lags are not below 0: a bin begins there, or none reaches it. */
static double share_not_before(const json_t *h)
{
    int64_t all = 0, behind = 0, from = fl_js_int(h, "from_ms"), step = fl_js_int(h, "step_ms");
    for (size_t i = 0; i < json_array_size(json_object_get(h, "counts")); i++) {
        all += count_at(h, i);
        behind += from + (int64_t)i * step >= 0 ? count_at(h, i) : 0;
    }
    return all > 0 ? (double)behind / (double)all : 0;
}

static void print_lag(const json_t *e, size_t width)
{
    char a[FL_HUMAN_TEXT], b[FL_HUMAN_TEXT], line[300];
    int64_t lag = fl_js_int(e, "lag_ms"), spread = fl_js_int(e, "lag_spread_ms");
    const json_t *h = json_object_get(e, "lag_histogram");
    if (lag == 0 || is_one_node(e))
        snprintf(line, sizeof line, "neither comes first; half of the cases lie within %s of each other",
                 fl_human_span(spread, b));
    else
        snprintf(line, sizeof line, "the %s comes first, by %s (median); the middle half spreads over %s",
                 lag > 0 ? "antecedent" : "consequent", fl_human_span(lag > 0 ? lag : -lag, a),
                 fl_human_span(spread, b));
    print_line("lag", line, width);
    if (is_one_node(e) || !json_is_object(h))
        return;
    double share = share_not_before(h);
    snprintf(line, sizeof line, "%s: the %s starts first, or at once, in %s of the cases",
             fl_lag_is_clear(lag, spread) ? "clear" : "not clear", lag >= 0 ? "antecedent" : "consequent",
             fl_human_percent(lag >= 0 ? share : 1 - share, a));
    print_line("order", line, width);
}

void fl_explain_print_timing(const json_t *e, size_t width)
{
    char line[300];
    const char *clock = fl_js_text(e, "clock"), *present = fl_js_text(e, "present");
    printf("\nTiming\n");
    if (fl_cli_is_periodic(e)) {
        fl_explain_print_period(e, width);
        return;
    }
    print_lag(e, width);
    if (strcmp(fl_js_text(e, "evidence"), "during") == 0) {
        snprintf(line, sizeof line, "the %.20s is under way when the other starts",
                 *present ? present : "one");
        print_line("evidence", line, width);
    } else
        print_line("evidence", "they start together", width);
    if (*clock) {
        snprintf(line, sizeof line,
                 "both keep the phase %.10s: a timer such as cron may make the coincidence", clock);
        print_line("clock", line, width);
    }
    if (json_is_object(json_object_get(e, "lag_histogram")))
        print_histogram(json_object_get(e, "lag_histogram"), width);
}
