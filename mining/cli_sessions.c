/* `flowlore status`, the sessions behind the exporters: their templates, what is worked out for JSON, and the
 * choice of one exporter. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mining/cli_status.h"
#include "mining/elements.h"
#include "storage/timetext.h"

enum { FRESH_MS = 60000, IDLE_MS = 300000 };

bool fl_status_fresh(const struct fl_status *s, const struct fl_exporter_stats *e)
{
    return s->running && s->now_ms - e->last_seen_ms < FRESH_MS;
}

bool fl_status_idle(const struct fl_status *s, const struct fl_exporter_stats *e)
{
    return s->now_ms - e->last_seen_ms >= IDLE_MS;
}

/* ---- templates ---- */

const char *fl_status_key(const struct fl_addr *address, unsigned port, uint32_t domain, unsigned version,
                          char out[FL_STATUS_KEY])
{
    char text[FL_ADDR_TEXT];
    snprintf(out, FL_STATUS_KEY, "%s %u %" PRIu32 " %u", fl_addr_format(address, text), port, domain,
             version);
    return out;
}

static int add_field(void *ctx, const struct fl_template_field *f)
{
    char name[FL_ELEMENT_TEXT];
    json_t *o = json_pack("{s:i, s:I, s:s, s:i, s:b}", "id", f->id, "enterprise", (json_int_t)f->enterprise,
                          "name", fl_element_name(f, name), "length", f->length, "scope", f->scope);
    return json_array_append_new(ctx, o) == 0 ? 0 : FL_ENOMEM;
}

int fl_status_take_template(void *ctx, const struct fl_wire_template *t)
{
    struct fl_status *s = ctx;
    char key[FL_STATUS_KEY], defined[FL_TIME_TEXT];
    json_t *fields = json_array(), *kept;
    fl_status_key(&t->address, t->source_port, t->domain, t->version, key);
    int rc = fl_template_fields(t, add_field, fields);
    if (rc == FL_EMALF) /* what was sound of it is shown */
        rc = 0;
    kept = json_object_get(s->templates, key);
    if (!kept && json_object_set_new(s->templates, key, kept = json_array()) != 0)
        kept = NULL;
    json_t *o = json_pack("{s:i, s:s, s:s, s:o}", "id", t->id, "kind", t->options ? "options" : "flow",
                          "defined", fl_time_format(t->defined_ms, defined), "fields", fields);
    if (json_array_append_new(kept, o) != 0)
        rc = FL_ENOMEM;
    return rc;
}

/* ---- what is worked out ---- */

static int complete(const struct fl_status *s, json_t *row, const struct fl_exporter_stats *e)
{
    char key[FL_STATUS_KEY];
    uint64_t lost, received;
    json_t *kept =
        json_object_get(s->templates, fl_status_key(&e->address, e->source_port, e->domain, e->version, key));
    fl_loss_of(e, 1, e->version, &lost, &received);
    int rc = fl_status_fresh(s, e) ? 0 : json_object_set_new(row, "flows_per_s", json_null());
    if (rc == 0)
        rc = json_object_set_new(row, "idle", json_boolean(fl_status_idle(s, e)));
    if (rc == 0)
        rc = json_object_set_new(row, "lost_unit", json_string(fl_loss_unit(e->version)));
    if (rc == 0)
        rc = json_object_set_new(row, "lost_share", json_real(fl_loss_share(lost, received)));
    if (rc == 0)
        rc = json_object_set_new(row, "template_definitions", kept ? json_incref(kept) : json_array());
    return rc == 0 ? 0 : FL_ENOMEM;
}

int fl_status_complete(struct fl_status *s)
{
    int rc = 0;
    size_t i;
    json_t *row;
    json_array_foreach(s->exporters, i, row)
    {
        struct fl_exporter_stats e;
        fl_session_read(&e, row);
        if (rc == 0)
            rc = complete(s, row, &e);
    }
    return rc;
}

/* ---- one exporter ---- */

static bool is_of(const json_t *row, const char *key, const struct fl_addr *address)
{
    struct fl_addr other;
    return fl_addr_parse(fl_js_text(row, key), &other) == 0 && fl_addr_cmp(&other, address) == 0;
}

static void keep_only(json_t *rows, const char *key, const struct fl_addr *address)
{
    for (size_t i = json_array_size(rows); i-- > 0;)
        if (!is_of(json_array_get(rows, i), key, address))
            json_array_remove(rows, i);
}

int fl_status_choose(const struct fl_cli *cli, struct fl_status *s, struct fl_err *err)
{
    struct fl_addr address;
    char text[FL_ADDR_TEXT];
    if (fl_addr_parse(cli->exporter, &address) != 0)
        return fl_fail(
            err, FL_EINVAL,
            "--exporter \"%.60s\" is not an address such as 192.0.2.1 or 2001:db8::1; flowlore status "
            "lists the exporters",
            cli->exporter);
    keep_only(s->exporters, "address", &address);
    keep_only(s->advice, "exporter", &address);
    fl_addr_format(&address, text);
    if (json_array_size(s->exporters) == 0 && json_array_size(s->advice) > 0)
        return fl_fail(err, FL_ENOENT, "%s: %s", text, fl_js_text(json_array_get(s->advice, 0), "text"));
    if (json_array_size(s->exporters) == 0)
        return fl_fail(err, FL_ENOENT, "%s has sent nothing; flowlore status lists the exporters", text);
    fl_sessions_clear(&s->sessions);
    return fl_sessions_read(&s->sessions, s->exporters);
}
