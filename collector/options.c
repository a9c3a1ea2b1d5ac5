/* Reading flowlored's command line. Everything is checked before anything is done. */
#include "collector/options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/listen.h"
#include "storage/timetext.h"

const char fl_options_help[] =
    "Usage: flowlored [OPTION]...\n"
    "Receive NetFlow v5, v9 and IPFIX, store the flows, and mine them for rules that are new.\n"
    "\n"
    "  --data DIR                      where flows and rules are kept (default: $FLOWLORE_DATA,\n"
    "                                  else /var/lib/flowlore)\n"
    "  --config FILE                   default: /etc/flowlore/flowlore.yaml if it exists\n"
    "  --listen ADDR:PORT              listen here instead of where the configuration says; may be\n"
    "                                  repeated; *:2055 is every address, IPv6 goes in brackets\n"
    "  --location NAME=PREFIX[,PREFIX] exporters in PREFIX belong to NAME; may be repeated; others are\n"
    "                                  then refused\n"
    "  --http ADDR:PORT|off            the console; this version has none: off\n"
    "  --mine-every DURATION|off       how often to mine, in time of the data (default: 1h)\n"
    "  --check                         check the configuration, say what it would do, and end\n"
    "  --help, --version\n"
    "\n"
    "Several threads receive and decode, one a processor up to four unless the configuration's "
    "receive-threads\n"
    "says otherwise; --check says how many.\n"
    "\n"
    "Signals: TERM and INT store what was received and stop; HUP reads the configuration again; USR1 logs\n"
    "statistics. Exit status: 0, 1 on failure, 2 on wrong usage or configuration.\n";

enum {
    OPT_DATA = 256,
    OPT_CONFIG,
    OPT_LISTEN,
    OPT_LOCATION,
    OPT_HTTP,
    OPT_MINE_EVERY,
    OPT_CHECK,
    OPT_HELP,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"data", required_argument, NULL, OPT_DATA},     {"config", required_argument, NULL, OPT_CONFIG},
    {"listen", required_argument, NULL, OPT_LISTEN}, {"location", required_argument, NULL, OPT_LOCATION},
    {"http", required_argument, NULL, OPT_HTTP},     {"mine-every", required_argument, NULL, OPT_MINE_EVERY},
    {"check", no_argument, NULL, OPT_CHECK},         {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},     {NULL, 0, NULL, 0},
};

static int parse_mine_every(struct fl_options *o, const char *text, struct fl_err *err)
{
    if (!strcmp(text, "off")) {
        o->mine_every_ms = 0;
        return 0;
    }
    if (fl_duration_parse(text, &o->mine_every_ms) || o->mine_every_ms < 1000)
        return fl_fail(err, FL_EINVAL,
                       "--mine-every %s: not a duration of a second or more; write 1h, 10m or off", text);
    return 0;
}

static int take(struct fl_options *o, int option, const char *text, struct fl_err *err)
{
    switch (option) {
    case OPT_DATA:
        o->data_dir = text;
        return *text ? 0 : fl_fail(err, FL_EINVAL, "--data: the directory is missing");
    case OPT_CONFIG:
        o->config_path = text;
        return 0;
    case OPT_LISTEN:
        o->listen[o->n_listen++] = text;
        return 0;
    case OPT_LOCATION:
        o->locations[o->n_locations++] = text;
        return 0;
    case OPT_HTTP:
        return !strcmp(text, "off")
                   ? 0
                   : fl_fail(err, FL_EINVAL, "--http %s: this version has no console; use --http off", text);
    case OPT_MINE_EVERY:
        return parse_mine_every(o, text, err);
    case OPT_CHECK:
        o->check = true;
        return 0;
    case OPT_HELP:
        o->help = true;
        return 0;
    default:
        o->version = true;
        return 0;
    }
}

int fl_options_parse(struct fl_options *out, int argc, char **argv, struct fl_err *err)
{
    const char *data = getenv("FLOWLORE_DATA");
    *out = (struct fl_options){.data_dir = data && *data ? data : FL_OPTIONS_DATA, .mine_every_ms = -1};
    out->listen = calloc((size_t)argc + 1, sizeof *out->listen);
    out->locations = calloc((size_t)argc + 1, sizeof *out->locations);
    if (!out->listen || !out->locations)
        return fl_fail(err, FL_ENOMEM, "out of memory");
    opterr = 0;
    for (int option, rc; (option = getopt_long(argc, argv, ":", long_options, NULL)) != -1;) {
        if (option == ':')
            return fl_fail(err, FL_EINVAL, "%s needs a value; see flowlored --help", argv[optind - 1]);
        if (option == '?')
            return fl_fail(err, FL_EINVAL, "unknown option %s; see flowlored --help", argv[optind - 1]);
        if ((rc = take(out, option, optarg, err)))
            return rc;
    }
    if (optind < argc)
        return fl_fail(err, FL_EINVAL, "\"%s\" is not an option; see flowlored --help", argv[optind]);
    return 0;
}

void fl_options_clear(struct fl_options *o)
{
    free(o->listen);
    free(o->locations);
    *o = (struct fl_options){0};
}

static int load(const struct fl_options *o, struct fl_config *config, struct fl_err *err)
{
    const char *path = o->config_path;
    if (!path && !access(FL_OPTIONS_CONFIG, F_OK))
        path = FL_OPTIONS_CONFIG;
    int rc = fl_config_init(config);
    if (rc)
        return fl_fail(err, rc, "out of memory");
    if (!path)
        return 0;
    fl_config_clear(config);
    return fl_config_load(config, path, err);
}

static void forget_listen(struct fl_config *config)
{
    for (size_t i = 0; i < config->n_listen; i++)
        free(config->listen[i]);
    free(config->listen);
    config->listen = NULL;
    config->n_listen = 0;
}

static int check_listen(const struct fl_config *config, struct fl_err *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < config->n_listen; i++) {
        struct fl_listen ignored;
        rc = fl_listen_parse(config->listen[i], &ignored, err);
    }
    return rc;
}

int fl_options_configure(const struct fl_options *o, struct fl_config *config, struct fl_err *err)
{
    int rc = load(o, config, err);
    if (!rc && o->n_listen)
        forget_listen(config);
    for (size_t i = 0; !rc && i < o->n_listen; i++)
        rc = fl_config_add_listen(config, o->listen[i], err);
    for (size_t i = 0; !rc && i < o->n_locations; i++)
        rc = fl_config_add_location(config, o->locations[i], err);
    if (!rc && o->mine_every_ms >= 0)
        config->mining.every_ms = o->mine_every_ms;
    if (!rc)
        rc = fl_config_check(config, err);
    if (!rc)
        rc = check_listen(config, err);
    if (rc)
        fl_config_clear(config);
    return rc;
}
