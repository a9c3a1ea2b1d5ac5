/* Flow nodes and rules: what mining finds and the rules database keeps (MINING.md sections 2 and 5).
 *
 * A node is `client.port : server.port / protocol`; a rule is two nodes that keep happening together, or one
 * node whose starts keep a period. A rule's identity at a location is its unordered pair of nodes (or its one
 * node), without arrow and figures: an arrow that turns because a confidence moved from 0.49 to 0.51 does not
 * make a new rule, and neither does a period that moved by a second. */
#ifndef FL_STORAGE_RULE_H
#define FL_STORAGE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/addr.h"

#define FL_PORT_ANY 0x10000u

struct fl_node {
    struct fl_addr client, server; /* all zero where the matching any_* is set */
    uint32_t client_port;          /* 0..65535, or FL_PORT_ANY */
    uint32_t server_port;          /* likewise; ICMP: type << 8 | code */
    uint32_t client_port_last;     /* the last port of a range that begins at client_port; 0: one port */
    uint32_t server_port_last;     /* likewise */
    uint8_t protocol;              /* IANA number */
    bool any_client, any_server;
};

#define FL_NODE_TEXT 160 /* bytes enough for a node as text, with its NUL */
#define FL_RULE_TEXT (2 * FL_NODE_TEXT + 8)
#define FL_PORT_TEXT 12

/* Order by fields, any before concrete; 0 only for equal nodes. Padding does not count. */
int fl_node_cmp(const struct fl_node *a, const struct fl_node *b);
/* True when `general` is `special` with its client, its server or both made wild (and they differ). */
bool fl_node_generalises(const struct fl_node *general, const struct fl_node *special);
enum { FL_MIXED_FIRST = 1, FL_MIXED_LAST = 65535 };
/* `*.1-65535` of any server: some services of some servers that are used in step, whatever their ports. It
 * stands for its members, the instances of its rule, and covers more. */
bool fl_node_is_mixed(const struct fl_node *n);
/* "10.0.0.5.* : 10.0.0.53.53/udp"; IPv6 in brackets; a range of ports as `6881-6889`; protocol icmp, tcp,
 * udp, icmp6 or its number; ICMP port `type.code`, which has no ranges. Returns `out`. */
const char *fl_node_format(const struct fl_node *n, char out[FL_NODE_TEXT]);
/* The inverse. FL_EINVAL for anything that fl_node_format would not have written (blanks are free). */
int fl_node_parse(const char *text, struct fl_node *out);
/* "53", "*", "8.0" for ICMP. Returns `out`. */
const char *fl_port_format(uint32_t port, uint8_t protocol, char out[FL_PORT_TEXT]);
/* Likewise, and "6881-6889" where `last` is not 0. */
const char *fl_ports_format(uint32_t port, uint32_t last, uint8_t protocol, char out[FL_PORT_TEXT]);
/* "tcp", "udp", "icmp", "icmp6", or the number in `out`. */
const char *fl_protocol_format(uint8_t protocol, char out[8]);
int fl_protocol_parse(const char *text, uint8_t *out);

enum fl_evidence {
    FL_EVIDENCE_START = 0,   /* "start": both start in one window */
    FL_EVIDENCE_DURING = 1,  /* "during": one starts while the other is under way */
    FL_EVIDENCE_PERIODIC = 2 /* "periodic": the antecedent's starts keep a period; there is no consequent */
};

struct fl_example {
    int64_t time_ms;                           /* start of the window */
    struct fl_addr clients[2], servers[2];     /* the conversations of antecedent and consequent */
    uint32_t client_ports[2], server_ports[2]; /* as in nodes */
};
enum { FL_EXAMPLES = 5 };

/* How the lags of a rule's coincidences lie: bin i counts those in [from + i step, from + (i+1) step) ms; the
 * first and the last bin also what lies beyond. */
enum { FL_LAG_BINS = 16 };
struct fl_lag_histogram {
    int64_t from_ms, step_ms; /* step 0: there is none */
    uint32_t counts[FL_LAG_BINS];
};

/* What a periodic node keeps to. Its rule has n_antecedent starts, of which n_both stand in a chain of beats;
 * confidence is the share of beats that came, reverse_confidence that of starts that are beats; hosts counts
 * those behind a wildcard. */
struct fl_period {
    int64_t period_ms;
    int64_t spread_ms; /* interquartile range of a beat's distance from where the one before puts it */
    uint32_t missed;   /* beats that did not come */
};

enum { FL_CLUSTER_NAME = 160 };
/* Rules that hang together (MINING.md section 7). */
struct fl_cluster {
    char name[FL_CLUSTER_NAME]; /* "any client, 3 servers, port 22/tcp (clique)" */
    char form[16];         /* "pair", "range" (one node with itself), "star", "chain", "clique", "mesh" */
    uint32_t rules, nodes; /* rules that stand for themselves, and the nodes they name */
    double score;          /* sum of theirs */
};

struct fl_rule {
    struct fl_node antecedent, consequent;
    bool both; /* arrow: true "<=>", false "=>" */
    enum fl_evidence evidence;
    bool present_antecedent; /* during: the antecedent is the one under way (else the consequent) */
    uint64_t n_antecedent, n_consequent,
        n_both;                /* windows, or (window, host) incidents for a bound wildcard */
    uint64_t n_windows;        /* N: windows of the span, or windows x hosts */
    double confidence;         /* n_both / n_antecedent */
    double reverse_confidence; /* n_both / n_consequent */
    double lift;               /* n_both / expected */
    double score;              /* J-measure, bits per window */
    double expected;           /* coincidences that chance would give */
    double log10_p;            /* upper tail, base 10 */
    double log10_q;            /* Benjamini-Hochberg over all pairs tested, base 10 */
    int64_t lag_ms;            /* median of start(consequent) - start(antecedent) */
    int64_t lag_spread_ms;     /* interquartile range of the same */
    uint32_t hosts;     /* distinct hosts behind the wildcards in the coincidences; 0 without wildcard */
    char clock[8];      /* "" or the phase both keep, "MM:SS" of the hour or ":SS" of the minute */
    uint32_t instances; /* how many rules are folded under this one */
    int32_t parent;     /* index in the same array of the rule this one is an instance of, or -1 */
    int32_t cluster;    /* index among the run's clusters, or -1 */
    struct fl_lag_histogram lags;
    struct fl_period period; /* periodic only */
    struct fl_example examples[FL_EXAMPLES];
    uint32_t n_examples;
};

/* Text form: `X => Y`, `X <=> Y`, or `X every 5 min`. Returns `out`. */
const char *fl_rule_format(const struct fl_rule *r, char out[FL_RULE_TEXT]);
/* "250 ms", "61.5 s", "5 min", "1 h": the largest unit that it is a multiple of, else seconds. Returns
 * `out`. */
const char *fl_period_format(int64_t period_ms, char out[24]);
/* Identity: the two nodes in fl_node_cmp order joined by " ~ "; `X every` where b is NULL. Returns `out`. */
const char *fl_rule_identity(const struct fl_node *a, const struct fl_node *b, char out[FL_RULE_TEXT]);
/* Parse "X => Y", "X <=> Y" or "X ~ Y" into two nodes and return 0; or "X every ..." into *a, leave *b as it
 * is and return 1. FL_EINVAL. */
int fl_rule_parse(const char *text, struct fl_node *a, struct fl_node *b);
/* The consequent, or NULL of a periodic rule. */
const struct fl_node *fl_rule_consequent(const struct fl_rule *r);

/* A pattern over rules for accept --match and ignore --match: NODE, or NODE ARROW NODE with ARROW one of
 * `=>`, `<=>`, `~`. A NODE is `client.port : server.port/proto` in which each part may be `*` (matches
 * anything, also a wildcard), an address, a prefix (`10.1.0.0/16`) or, for ports, a number or range; the
 * whole NODE may be `*`. One NODE alone matches a rule either of whose nodes matches; two match in either
 * order unless the arrow is `=>`. */
struct fl_pattern;
int fl_pattern_parse(const char *text, struct fl_pattern **out);
/* `consequent` NULL: a periodic rule, which one NODE alone may match. */
bool fl_pattern_match(const struct fl_pattern *p, const struct fl_node *antecedent,
                      const struct fl_node *consequent);
void fl_pattern_free(struct fl_pattern *p);

#endif
