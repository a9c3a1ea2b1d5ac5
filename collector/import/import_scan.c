/* The first definition of every template of a recording, as a decoder of its own sees it. */
#include "collector/import/import_scan.h"

#include <glib.h>

enum { MOST_TEMPLATES = 1 << 20 }; /* noted; beyond, data count as needing more */

struct key {
    struct fl_addr address;
    uint32_t domain;
    uint16_t source_port, version, id;
};

struct fl_import_scan {
    struct fl_decoder *decoder;
    GHashTable *defined; /* struct key to int64_t, packet time in milliseconds */
    int64_t hold_ms, now_ms;
};

static guint key_hash(gconstpointer p)
{
    const struct key *k = p;
    return (guint)(fl_addr_hash(&k->address) ^
                   (k->domain * 2654435761u + k->source_port * 40503u + k->version * 257u + k->id));
}

static gboolean key_equal(gconstpointer a, gconstpointer b)
{
    const struct key *x = a, *y = b;
    return x->id == y->id && x->version == y->version && x->source_port == y->source_port &&
           x->domain == y->domain && fl_addr_cmp(&x->address, &y->address) == 0;
}

static void ignore_flows(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
}

int fl_import_scan_new(struct fl_import_scan **out, const struct fl_decoder_limits *limits)
{
    struct fl_import_scan *s = g_malloc0(sizeof *s);
    s->hold_ms = limits->hold_ms;
    s->defined = g_hash_table_new_full(key_hash, key_equal, g_free, g_free);
    int rc = fl_decoder_new(&s->decoder, limits, ignore_flows, NULL);
    if (rc) {
        fl_import_scan_free(s);
        s = NULL;
    }
    *out = s;
    return rc;
}

void fl_import_scan_free(struct fl_import_scan *s)
{
    if (!s)
        return;
    fl_decoder_free(s->decoder);
    g_hash_table_destroy(s->defined);
    g_free(s);
}

static int note(void *ctx, const struct fl_wire_template *t)
{
    struct fl_import_scan *s = ctx;
    struct key key = {t->address, t->domain, t->source_port, t->version, t->id};
    if (t->length == 0 || g_hash_table_size(s->defined) >= MOST_TEMPLATES ||
        g_hash_table_contains(s->defined, &key))
        return 0;
    g_hash_table_insert(s->defined, g_memdup2(&key, sizeof key), g_memdup2(&s->now_ms, sizeof s->now_ms));
    return 0;
}

void fl_import_scan_feed(struct fl_import_scan *s, const struct fl_export *e)
{
    struct fl_sender from = {.address = e->source, .source_port = e->source_port, .location = "default"};
    s->now_ms = e->time_us / 1000;
    (void)fl_decode(s->decoder, e->bytes, e->length, &from, s->now_ms);
    fl_decoder_changed_templates(s->decoder, note, s);
}

bool fl_import_scan_needs_more(const struct fl_import_scan *s, const struct fl_set_at_work *set)
{
    struct key key = {set->address, set->domain, set->source_port, set->version, set->id};
    if (set->version == 5)
        return false;
    const int64_t *at_ms = g_hash_table_lookup(s->defined, &key);
    return !at_ms || *at_ms - set->received_ms >= s->hold_ms;
}
