/* Options of the commands: one list for all, of which each command takes its share; help is made from it. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mining/cli.h"
#include "storage/timetext.h"

struct spec {
    const char *name, *value, *help;
    unsigned bit; /* 0: every command has it */
    size_t offset;
};
#define AT(member) offsetof(struct fl_cli, member)
static const struct spec specs[] = {
    {"location", "NAME", "only this location", FL_OPT_LOCATION, AT(location)},
    {"location", "NAME", "one place, and given again the other", FL_OPT_BETWEEN, AT(other)},
    {"location", "NAME", "everything goes to this location, wherever the exporters belong", FL_OPT_INTO,
     AT(location)},
    {"status", "STATUS", "novel, known, ignored, gone or all (default: novel and known)", FL_OPT_STATUS,
     AT(status)},
    {"state", "STATE", "open, acked, closed or all (default: open)", FL_OPT_STATE, AT(state)},
    {"from", "TIME", "records that start at TIME or later", FL_OPT_FROM_TO, AT(from)},
    {"to", "TIME", "records that start before TIME", FL_OPT_FROM_TO, AT(to)},
    {"exporter", "ADDRESS", "this exporter in full: each session, each template", FL_OPT_EXPORTER,
     AT(exporter)},
    {"to", "ADDR:PORT", "where to send: 192.0.2.1:2055 or [2001:db8::1]:2055", FL_OPT_SEND, AT(to)},
    {"speed", "N", "N times as fast as recorded, or max (default: 1)", FL_OPT_SEND, AT(speed)},
    {"rate", "N", "at most N datagrams a second (default: 20000 with --speed max, else any)", FL_OPT_SEND,
     AT(rate)},
    {"source", "ADDRESS", "send from this address", FL_OPT_SEND, AT(source)},
    {"host", "ADDRESS", "flows from or to this address", FL_OPT_HOST, AT(host)},
    {"port", "PORT", "flows from or to this port", FL_OPT_PORT, AT(port)},
    {"limit", "N", "at most N flows, 0 for all (default: 100)", FL_OPT_LIMIT, AT(limit)},
    {"timeout", "DURATION", "give up after so long, such as 30s or 5m", FL_OPT_TIMEOUT, AT(timeout)},
    {"all", NULL, "everything there is, in place of naming it", FL_OPT_ALL, AT(all)},
    {"match", "PATTERN", "rules that match, also those to come: '*.* : 10.1.0.0/16.22/tcp'", FL_OPT_MATCH,
     AT(match)},
    {"cluster", "ID", "the rules of this cluster", FL_OPT_GROUP, AT(cluster)},
    {"alert", "ID", "the rules that this alert tells of", FL_OPT_GROUP, AT(alert)},
    {"shape", NULL, "shapes, with hosts as letters, and where they live", FL_OPT_SHAPE, AT(shape)},
    {"reset", NULL, "forget what was learned and nobody decided upon, and learn anew", FL_OPT_LEARN,
     AT(reset)},
    {"for", "DURATION", "for so much data (default: learning in the configuration, else 24h)", FL_OPT_LEARN,
     AT(duration)},
    {"until", "TIME", "the decision lapses at TIME", FL_OPT_UNTIL, AT(until)},
    {"note", "TEXT", "why, kept with the rule", FL_OPT_NOTE, AT(note)},
    {"dry-run", NULL, "show what would change, change nothing", FL_OPT_DRY_RUN, AT(dry_run)},
    {"follow", NULL, "keep running and print alerts as they are raised", FL_OPT_FOLLOW, AT(follow)},
    {"json", NULL, "JSON, one object a line", FL_OPT_JSON, AT(json)},
    {"dot", NULL, "in Graphviz's language, to be drawn: flowlore graph --dot | dot -Tsvg > rules.svg",
     FL_OPT_DOT, AT(dot)},
    {"csv", NULL, "comma-separated values with a head line", FL_OPT_CSV, AT(csv)},
    {"data", "DIR", "data directory (default: $FLOWLORE_DATA, else /var/lib/flowlore)", 0, AT(data)},
    {"config", "FILE", "configuration (default: /etc/flowlore/flowlore.yaml if it exists)", 0,
     AT(config_file)},
    {"help", NULL, "this text", 0, AT(help)},
};
enum { N_SPECS = sizeof specs / sizeof specs[0] };

static bool takes(const struct fl_cli_command *command, const struct spec *spec)
{
    return spec->bit == 0 || (command->options & spec->bit);
}

static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);
    if (n >= 63 || strlen(a) >= 63)
        return 64;
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

const char *fl_cli_nearest(const char *typed, const char *const *words, size_t n)
{
    const char *nearest = NULL;
    size_t letters = strlen(typed), bound = letters < 6 ? 2 : letters / 3;
    if (letters < 3)
        bound = 1;
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(typed, words[i]);
        if (d <= bound && d < strlen(words[i])) {
            nearest = words[i];
            bound = d > 0 ? d - 1 : 0;
        }
    }
    return nearest;
}

static int unknown_option(const struct fl_cli_command *command, const char *typed, struct fl_err *err)
{
    const char *words[N_SPECS];
    size_t n = 0;
    for (size_t i = 0; i < N_SPECS; i++)
        if (takes(command, &specs[i]))
            words[n++] = specs[i].name;
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(typed + strspn(typed, "-"), "="),
             typed + strspn(typed, "-"));
    const char *nearest = fl_cli_nearest(bare, words, n);
    if (nearest)
        return fl_fail(err, FL_EINVAL, "%s has no option \"%.60s\"; did you mean --%s?", command->name, typed,
                       nearest);
    return fl_fail(err, FL_EINVAL, "%s has no option \"%.60s\"; see flowlore %s --help", command->name, typed,
                   command->name);
}

static void set(struct fl_cli *cli, const struct spec *spec, const char *value)
{
    bool first = spec->bit == FL_OPT_BETWEEN && !cli->location;
    char *member = first ? (char *)&cli->location : (char *)cli + spec->offset;
    if (spec->value)
        *(const char **)(void *)member = value;
    else
        *(bool *)(void *)member = true;
}

/* What getopt_long objected to: an option that is not there, one that lacks a value, or has one too many. */
static int objection(const struct fl_cli_command *command, int what, const char *typed, struct fl_err *err)
{
    if (what == ':')
        return fl_fail(err, FL_EINVAL, "%s needs a value; see flowlore %s --help", typed, command->name);
    if (optopt >= 1000)
        return fl_fail(err, FL_EINVAL, "--%s takes no value", specs[optopt - 1000].name);
    return unknown_option(command, typed, err);
}

static int check_args(const struct fl_cli_command *command, const struct fl_cli *cli, struct fl_err *err)
{
    if (cli->n_args < command->min_args)
        return fl_fail(err, FL_EINVAL, "%s needs %s; see flowlore %s --help", command->name, command->args,
                       command->name);
    if (cli->n_args <= command->max_args)
        return 0;
    return fl_fail(err, FL_EINVAL, "%s does not take \"%.60s\"; see flowlore %s --help", command->name,
                   cli->args[command->max_args], command->name);
}

int fl_cli_parse(const struct fl_cli_command *command, int argc, char **argv, struct fl_cli *cli,
                 struct fl_err *err)
{
    struct option options[N_SPECS + 1];
    size_t n = 0;
    for (size_t i = 0; i < N_SPECS; i++)
        if (takes(command, &specs[i]))
            options[n++] = (struct option){specs[i].name, specs[i].value ? required_argument : no_argument,
                                           NULL, 1000 + (int)i};
    options[n] = (struct option){0};
    optind = 0; /* glibc: start over */
    opterr = 0;
    for (;;) {
        int before = optind > 0 ? optind : 1;
        int got = getopt_long(argc, argv, ":h", options, NULL);
        if (got < 0)
            break;
        if (got == 'h')
            cli->help = true;
        else if (got < 1000)
            return objection(command, got, argv[optind > before ? optind - 1 : before], err);
        else
            set(cli, &specs[got - 1000], optarg);
    }
    cli->args = argv + optind;
    cli->n_args = (size_t)(argc - optind);
    return cli->help ? 0 : check_args(command, cli, err);
}

void fl_cli_help(const struct fl_cli_command *command)
{
    printf("%s\n\nUsage: flowlore %s [OPTION]...%s%s\n\nOptions:\n", command->summary, command->name,
           command->args[0] ? " " : "", command->args);
    for (size_t i = 0; i < N_SPECS; i++) {
        char left[40];
        if (!takes(command, &specs[i]))
            continue;
        snprintf(left, sizeof left, "--%s%s%s", specs[i].name, specs[i].value ? " " : "",
                 specs[i].value ? specs[i].value : "");
        printf("  %-18s %s\n", left, specs[i].help);
    }
    if (command->options & (FL_OPT_FROM_TO | FL_OPT_UNTIL))
        printf(
            "\nTimes are UTC: 2022-06-12T22:00:09Z, 2022-06-12, now, or relative to now: -24h, -7d, +1h.\n");
    printf("\nExamples:\n%s", command->examples);
}

int fl_cli_time(const char *option, const char *text, int64_t now_ms, int64_t *out, struct fl_err *err)
{
    if (!text || fl_time_parse(text, now_ms, out) == 0)
        return 0;
    return fl_fail(err, FL_EINVAL,
                   "%s \"%.60s\" is not a time; write 2022-06-12T22:00:09Z, 2022-06-12T22:00:09+02:00, "
                   "2022-06-12, now, or relative to now: -24h, -90m, -7d, +1h",
                   option, text);
}

int fl_cli_span(const struct fl_cli *cli, int64_t *from_ms, int64_t *to_ms, struct fl_err *err)
{
    int rc = fl_cli_time("--from", cli->from, cli->now_ms, from_ms, err);
    if (rc == 0)
        rc = fl_cli_time("--to", cli->to, cli->now_ms, to_ms, err);
    if (rc == 0 && (cli->from || cli->to) && *from_ms >= *to_ms) {
        char from[FL_TIME_TEXT], to[FL_TIME_TEXT];
        rc = fl_fail(err, FL_EINVAL, "--from %s is not before --to %s", fl_time_format(*from_ms, from),
                     fl_time_format(*to_ms, to));
    }
    return rc;
}
