/* What several commands need: the data directory, locations, output and the way failures are told. */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mining/cli.h"
#include "mining/human.h"

volatile sig_atomic_t fl_cli_stopped;

static void note_stop(int number)
{
    fl_cli_stopped = number;
}

void fl_cli_catch_stop(void)
{
    /* The first signal asks, a second one ends the program at once. */
    struct sigaction action = {.sa_handler = note_stop, .sa_flags = SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void fl_cli_say(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fflush(stdout);
    fprintf(stderr, "flowlore: %s\n", fl_human_clean(text));
}

int fl_cli_fail(int code, const struct fl_err *err)
{
    fl_cli_say("%s", err->text[0] ? err->text : fl_strerror(code));
    return code == FL_EINVAL ? FL_EXIT_USAGE : FL_EXIT_FAILURE;
}

int fl_cli_end(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return FL_EXIT_OK;
    if (errno == EPIPE)
        return FL_EXIT_OK;
    fl_cli_say("cannot write the output: %s", strerror(errno));
    return FL_EXIT_FAILURE;
}

int fl_cli_json(void *ctx, json_t *object)
{
    /* Escapes beyond ASCII keep C1 control characters from the terminal. */
    if (json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12)) != 0)
        return FL_EIO;
    return putchar('\n') == EOF ? FL_EIO : 0;
}

int fl_cli_table(struct fl_table *table)
{
    struct fl_err err = {""};
    int rc = fl_table_print(table, stdout, fl_terminal_width(stdout), fl_terminal_colour(stdout));
    fl_table_free(table);
    if (rc == FL_ENOMEM)
        return fl_cli_fail(rc, &err);
    return fl_cli_end();
}

void fl_cli_damaged(const char damaged[][256], size_t n)
{
    for (size_t i = 0; i < n && i < 8; i++)
        fl_cli_say("warning: left out: %s", damaged[i]);
    if (n > 8)
        fl_cli_say("warning: and %zu more damaged places", n - 8);
}

int fl_cli_check_data(const struct fl_cli *cli, struct fl_err *err)
{
    struct stat st;
    if (stat(cli->data, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    if (errno == EACCES)
        return fl_fail(err, FL_EIO, "data directory %s: %s; run flowlore as the user flowlored runs as",
                       cli->data, strerror(errno));
    return fl_fail(err, FL_ENOENT,
                   "there is no data directory %s; name flowlored's with --data DIR or FLOWLORE_DATA, or "
                   "start flowlored --data %s",
                   cli->data, cli->data);
}

const char *fl_cli_author(void)
{
    const char *sudo = getenv("SUDO_USER");
    const struct passwd *user = sudo && *sudo ? NULL : getpwuid(getuid());
    return sudo && *sudo ? sudo : user ? user->pw_name : "unknown";
}

int fl_cli_id(const char *what, const char *text, int64_t *out, struct fl_err *err)
{
    size_t digits = strspn(text, "0123456789");
    *out = digits > 0 && digits < 19 && text[digits] == '\0' ? strtoll(text, NULL, 10) : 0;
    if (*out > 0)
        return 0;
    return fl_fail(err, FL_EINVAL, "%s \"%.40s\": write a number as the listings show it", what, text);
}

int fl_cli_collect(void *ctx, json_t *object)
{
    return json_array_append(ctx, object) == 0 ? 0 : FL_ENOMEM;
}

const char *fl_js_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

int64_t fl_js_int(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

double fl_js_real(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

int fl_cli_open_rules(const struct fl_cli *cli, enum fl_rulesdb_mode mode, struct fl_rulesdb **out,
                      struct fl_err *err)
{
    *out = NULL;
    int rc = fl_rulesdb_open(out, cli->data, mode, err);
    return rc == FL_ENOENT && mode == FL_RULESDB_READ ? 0 : rc;
}

static int add_name(json_t *set, const char *name)
{
    return *name ? json_object_set_new(set, name, json_true()) : 0;
}

static int add_row(void *ctx, json_t *object)
{
    return add_name(ctx, fl_js_text(object, "location")) == 0 ? 0 : FL_ENOMEM;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *sorted_keys(json_t *set)
{
    size_t n = 0;
    const char *key, **keys = calloc(json_object_size(set) + 1, sizeof *keys);
    json_t *value, *out = keys ? json_array() : NULL;
    if (out) {
        json_object_foreach(set, key, value) keys[n++] = key;
        qsort(keys, n, sizeof *keys, compare_names);
        for (size_t i = 0; i < n; i++)
            json_array_append_new(out, json_string(keys[i]));
    }
    free(keys);
    return out;
}

int fl_cli_locations(const struct fl_cli *cli, json_t **out, struct fl_err *err)
{
    struct fl_rulesdb *db = NULL;
    struct fl_bucket_list buckets = {0};
    json_t *set = json_object();
    int rc = set ? 0 : FL_ENOMEM;
    if (rc == 0)
        rc = fl_store_buckets(cli->data, NULL, INT64_MIN, INT64_MAX, &buckets, err);
    for (size_t i = 0; rc == 0 && i < buckets.n; i++)
        rc = add_name(set, buckets.items[i].location);
    for (size_t i = 0; rc == 0 && i < cli->config.n_locations; i++)
        rc = add_name(set, cli->config.locations[i].name);
    if (rc == 0)
        rc = fl_cli_open_rules(cli, FL_RULESDB_READ, &db, err);
    if (rc == 0 && db)
        rc = fl_rulesdb_locations(db, add_row, set, err);
    if (rc == 0 && !(*out = sorted_keys(set)))
        rc = FL_ENOMEM;
    fl_rulesdb_close(db);
    fl_bucket_list_clear(&buckets);
    json_decref(set);
    return rc;
}

int fl_cli_check_location(const struct fl_cli *cli, struct fl_err *err)
{
    char list[300] = "";
    size_t i;
    bool found = false;
    json_t *names = NULL, *name;
    if (!cli->location)
        return 0;
    if (!fl_location_name_ok(cli->location))
        return fl_fail(err, FL_EINVAL,
                       "--location \"%.60s\" is no location's name (letters, digits, dot, - and _)",
                       cli->location);
    int rc = fl_cli_locations(cli, &names, err);
    if (rc)
        return rc;
    json_array_foreach(names, i, name)
    {
        size_t used = strlen(list);
        found = found || strcmp(json_string_value(name), cli->location) == 0;
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", json_string_value(name));
    }
    if (!found && json_array_size(names) > 0)
        rc = fl_fail(err, FL_EINVAL, "there is no location \"%s\" here; known: %s", cli->location, list);
    json_decref(names);
    return rc;
}
