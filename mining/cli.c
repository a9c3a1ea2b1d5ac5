/* The operator's tool: finds the command, reads its options, opens what it needs and runs it. */
#include <assert.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "mining/cli.h"
#include "storage/timetext.h"

#define CONFIG_FILE "/etc/flowlore/flowlore.yaml"

#define DECIDE_OPTIONS                                                                                       \
    (FL_OPT_LOCATION | FL_OPT_ALL | FL_OPT_MATCH | FL_OPT_GROUP | FL_OPT_UNTIL | FL_OPT_NOTE |               \
     FL_OPT_DRY_RUN | FL_OPT_JSON)

static const struct fl_cli_command commands[] = {
    {"mine", "", "Mine stored flows for rules now",
     "  flowlore mine                                   the trailing span of each location\n"
     "  flowlore mine --all                             everything stored, one run a location\n"
     "  flowlore mine --location paris --from -7d       the last week at paris\n"
     "  flowlore mine --timeout 10m                     but no longer than ten minutes\n",
     FL_OPT_LOCATION | FL_OPT_FROM_TO | FL_OPT_ALL | FL_OPT_TIMEOUT | FL_OPT_JSON, 0, 0, fl_cli_mine},
    {"rules", "", "List rules, the novel ones first",
     "  flowlore rules                                  novel and known rules of all locations\n"
     "  flowlore rules --status novel --location paris\n"
     "  flowlore rules --shape                          what locations have in common\n"
     "  flowlore rules --status all --json | jq .rule\n",
     FL_OPT_LOCATION | FL_OPT_STATUS | FL_OPT_SHAPE | FL_OPT_JSON, 0, 0, fl_cli_rules},
    {"alerts", "[ALERT]", "List alerts, look at one, or follow them as they are raised",
     "  flowlore alerts                                 what is open\n"
     "  flowlore alerts 5                               one in full, with its rules\n"
     "  flowlore alerts --state all --location paris\n"
     "  flowlore alerts --follow --json\n",
     FL_OPT_LOCATION | FL_OPT_STATE | FL_OPT_JSON | FL_OPT_FOLLOW, 0, 1, fl_cli_alerts},
    {"ack", "[ALERT...]", "Say that you are looking into alerts: they are no longer open",
     "  flowlore ack 5 --note 'asking the web team'\n"
     "  flowlore ack --all --location paris\n",
     FL_OPT_LOCATION | FL_OPT_ALL | FL_OPT_NOTE | FL_OPT_JSON, 0, SIZE_MAX, fl_cli_ack},
    {"explain", "RULE", "Show the evidence behind a rule",
     "  flowlore explain 12\n"
     "  flowlore explain '10.0.0.5.* : 10.0.0.53.53/udp <=> 10.0.0.5.* : 10.0.0.9.143/tcp'\n",
     FL_OPT_LOCATION | FL_OPT_JSON, 1, 1, fl_cli_explain},
    {"graph", "", "Show rules as a graph: what belongs together, and what follows what",
     "  flowlore graph --location paris                 by cluster, with its chains\n"
     "  flowlore graph --dot | dot -Tsvg > rules.svg    a drawing, by graphviz\n"
     "  flowlore graph --json | jq 'select(.type == \"chain\")'\n",
     FL_OPT_LOCATION | FL_OPT_DOT | FL_OPT_JSON, 0, 0, fl_cli_graph},
    {"accept", "[RULE...]", "Make rules known: they alert no more",
     "  flowlore accept 12 13 --note 'mail check before fetch'\n"
     "  flowlore accept --alert 5                       all that an alert tells of\n"
     "  flowlore accept --all --location paris --dry-run\n"
     "  flowlore accept --match '*.* : 10.1.0.0/16.22/tcp' --until +30d\n",
     DECIDE_OPTIONS, 0, SIZE_MAX, fl_cli_accept},
    {"ignore", "[RULE...]", "Ignore rules: they are neither listed nor alerted",
     "  flowlore ignore 14 --note 'scanner of our own'\n"
     "  flowlore ignore --match '10.9.9.9.* : *.*/*' --until +7d\n",
     DECIDE_OPTIONS, 0, SIZE_MAX, fl_cli_ignore},
    {"reopen", "[RULE...]", "Take a decision back: the rules are novel again",
     "  flowlore reopen 12\n"
     "  flowlore reopen --match '*.* : 10.1.0.0/16.22/tcp' --dry-run\n",
     DECIDE_OPTIONS, 0, SIZE_MAX, fl_cli_reopen},
    {"known", "[export|import FILE]", "List what was decided and learned; write it as text, read it back",
     "  flowlore known --location paris                 the decisions that hold, with author and note\n"
     "  flowlore known export --location paris > paris.known\n"
     "  flowlore known import paris.known --location london --dry-run\n",
     FL_OPT_LOCATION | FL_OPT_DRY_RUN | FL_OPT_JSON, 0, 2, fl_cli_known},
    {"diff", "", "Compare the rules of two locations",
     "  flowlore diff --location paris --location london\n"
     "  flowlore diff --location paris --location london --json | jq 'select(.same_shape == 0).rule'\n",
     FL_OPT_BETWEEN | FL_OPT_JSON, 0, 0, fl_cli_diff},
    {"learn", "", "Show how settled the locations are, or have them learn anew",
     "  flowlore learn                                  what is left to learn, and how many alerts to "
     "expect\n"
     "  flowlore learn --reset --location paris         as if paris were new, but for what people decided\n"
     "  flowlore learn --reset --all --for 7d --dry-run\n",
     FL_OPT_LOCATION | FL_OPT_ALL | FL_OPT_LEARN | FL_OPT_DRY_RUN | FL_OPT_JSON, 0, 0, fl_cli_learn},
    {"status", "", "Show exporters, what to change on them, buckets, rules and the service",
     "  flowlore status\n"
     "  flowlore status --exporter 192.0.2.1            its sessions and templates in full\n"
     "  flowlore status --json | jq '.advice[].text'\n",
     FL_OPT_EXPORTER | FL_OPT_JSON, 0, 0, fl_cli_status},
    {"flows", "", "List stored flows",
     "  flowlore flows --from -1h --host 10.0.0.5\n"
     "  flowlore flows --port 53 --limit 0 --csv > dns.csv\n",
     FL_OPT_LOCATION | FL_OPT_FROM_TO | FL_OPT_HOST | FL_OPT_PORT | FL_OPT_LIMIT | FL_OPT_JSON | FL_OPT_CSV,
     0, 0, fl_cli_flows},
    {"sql", "SELECT", "Ask with SQL over flows, rules and alerts",
     "  flowlore sql \"SELECT dst, dst_port, sum(bytes) FROM flows GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10\"\n"
     "  flowlore sql \"SELECT id, rule FROM novel_rules\" --json\n"
     "\nTables: flows, rules, novel_rules, known_rules, decisions, dependencies, shapes, clusters, alerts, "
     "exporters,\n"
     "runs, locations, sinks, deliveries.\n",
     FL_OPT_JSON | FL_OPT_CSV, 1, 1, fl_cli_sql},
};
enum { N_OWN = sizeof commands / sizeof commands[0], MOST_COMMANDS = 32 };

/* Every command, ours and those that the program adds. */
struct tool {
    const struct fl_cli_command *commands[MOST_COMMANDS];
    size_t n;
};

static void print_help(const struct tool *tool)
{
    printf("flowlore learns which flows keep happening together, and tells what is new.\n\n"
           "Usage: flowlore COMMAND [OPTION]...\n\nCommands:\n");
    for (size_t i = 0; i < tool->n; i++)
        printf("  %-9s %s\n", tool->commands[i]->name, tool->commands[i]->summary);
    printf("\nOptions of every command:\n"
           "  --data DIR     data directory (default: $FLOWLORE_DATA, else /var/lib/flowlore)\n"
           "  --config FILE  configuration (default: " CONFIG_FILE " if it exists)\n"
           "  --help         the command's options, with examples\n\n"
           "flowlore --version prints the version.\n");
}

static int unknown_command(const struct tool *tool, const char *name)
{
    const char *words[MOST_COMMANDS];
    for (size_t i = 0; i < tool->n; i++)
        words[i] = tool->commands[i]->name;
    if (name[0] == '-')
        fl_cli_say("options follow the command's name: flowlore COMMAND %.60s; see flowlore --help", name);
    else {
        const char *nearest = fl_cli_nearest(name, words, tool->n);
        fl_cli_say("there is no command \"%.60s\"; %s%s%s", name, nearest ? "did you mean " : "see flowlore ",
                   nearest ? nearest : "--help", nearest ? "?" : "");
    }
    return FL_EXIT_USAGE;
}

static int read_config(struct fl_cli *cli, struct fl_err *err)
{
    const char *file = cli->config_file;
    if (!file && access(CONFIG_FILE, F_OK) == 0)
        file = CONFIG_FILE;
    cli->config_filled = true;
    int rc = file ? fl_config_load(&cli->config, file, err) : fl_config_init(&cli->config);
    if (rc == FL_EIO)
        rc = FL_EINVAL; /* an unreadable configuration is a configuration error to the caller's script */
    return rc ? rc : fl_config_check(&cli->config, err);
}

static int run(const struct fl_cli_command *command, struct fl_cli *cli)
{
    struct fl_err err = {""};
    const char *data = getenv("FLOWLORE_DATA");
    if (!cli->data)
        cli->data = data && *data ? data : "/var/lib/flowlore";
    cli->now_ms = fl_now_ms();
    bool own =
        command->options & (FL_OPT_INTO | FL_OPT_SEND); /* looks after its directory and location itself */
    int rc = command->options & FL_OPT_SEND ? 0 : read_config(cli, &err);
    if (rc == 0 && !own)
        rc = fl_cli_check_data(cli, &err);
    if (rc == 0 && !own)
        rc = fl_cli_check_location(cli, &err);
    return rc ? fl_cli_fail(rc, &err) : command->run(cli);
}

static int dispatch(const struct fl_cli_command *command, int argc, char **argv)
{
    struct fl_cli cli = {0};
    struct fl_err err = {""};
    int code = FL_EXIT_OK, rc = fl_cli_parse(command, argc, argv, &cli, &err);
    if (rc)
        return fl_cli_fail(rc, &err);
    if (cli.help) {
        fl_cli_help(command);
        return fl_cli_end();
    }
    code = run(command, &cli);
    if (cli.config_filled)
        fl_config_clear(&cli.config);
    return code;
}

int fl_cli_main(int argc, char **argv, const struct fl_cli_command *more, size_t n_more)
{
    struct tool tool = {.n = 0};
    assert(N_OWN + n_more <= MOST_COMMANDS);
    for (size_t i = 0; i < N_OWN; i++)
        tool.commands[tool.n++] = &commands[i];
    for (size_t i = 0; i < n_more; i++)
        tool.commands[tool.n++] = &more[i];
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_DFL); /* `| head` ends us without a word */
    const char *name = argc > 1 ? argv[1] : "";
    if (!*name) {
        fl_cli_say("name a command; flowlore --help lists them");
        return FL_EXIT_USAGE;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        print_help(&tool);
        return fl_cli_end();
    }
    if (strcmp(name, "--version") == 0) {
        printf("flowlore %s\n", PACKAGE_VERSION);
        return fl_cli_end();
    }
    for (size_t i = 0; i < tool.n; i++)
        if (strcmp(name, tool.commands[i]->name) == 0)
            return dispatch(tool.commands[i], argc - 1, argv + 1);
    return unknown_command(&tool, name);
}
