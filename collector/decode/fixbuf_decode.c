/* Everything that calls libfixbuf.
 *
 * One session and one buffer serve all exporters: the library's template ids are ours, given to layouts as
 * they are first used. At LAYOUTS_LOADED the session is thrown away and layouts are loaded anew as they come,
 * so the library's memory has a bound whatever is sent. Each data set goes in as a message of its own, with
 * one slack byte behind it, which the library may read. */
#include "collector/decode/fixbuf_decode.h"

#include <fixbuf/public.h>
#include <string.h>

#include "storage/error.h"

/* Exported by libfixbuf 2.4, not declared in its public header. */
void fBufRewind(fBuf_t *fbuf);

enum { INTERNAL_ID = 65535, LAYOUTS_LOADED = 1024, HEADER_BYTES = 20 };

struct fl_fixbuf {
    fbInfoModel_t *model;
    fBuf_t *buffer; /* owns the session */
    uint32_t generation, sequence;
    uint16_t next_id;
    uint8_t message[65536 + 1];
};

static void drop_log(const gchar *domain, GLogLevelFlags level, const gchar *text, gpointer ctx)
{
}

static fbTemplate_t *internal_template(fbInfoModel_t *model)
{
    fbTemplate_t *t = fbTemplateAlloc(model);
    GError *error = NULL;
    gboolean ok = TRUE;
#define X(member, type, number, enterprise, shortest)                                                        \
    {                                                                                                        \
        const fbInfoElement_t *e = fbInfoModelGetElementByID(model, number, enterprise);                     \
        fbInfoElementSpec_t spec = {e ? (char *)(uintptr_t)e->ref.name : NULL, sizeof(type), 0};             \
        ok = ok && e && fbTemplateAppendSpec(t, &spec, 0, &error);                                           \
    }
    FL_RECORD_FIELDS(X)
#undef X
    g_clear_error(&error);
    if (ok)
        return t;
    fbTemplateFreeUnused(t);
    return NULL;
}

static uint8_t type_of(size_t size)
{
    return size == 8 ? FB_UINT_64 : size == 4 ? FB_UINT_32 : size == 2 ? FB_UINT_16 : FB_UINT_8;
}

/* Elements of enterprises that the library's model lacks. */
static void complete_model(fbInfoModel_t *model)
{
#define X(member, type, number, enterprise, shortest)                                                        \
    if (!fbInfoModelGetElementByID(model, number, enterprise)) {                                             \
        fbInfoElement_t e = FB_IE_INIT_FULL("fl_" #member, enterprise, number, sizeof(type), FB_IE_F_ENDIAN, \
                                            0, 0, type_of(sizeof(type)), NULL);                              \
        fbInfoModelAddElement(model, &e);                                                                    \
    }
    FL_RECORD_FIELDS(X)
#undef X
}

static int reset(struct fl_fixbuf *f)
{
    if (f->buffer)
        fBufFree(f->buffer);
    f->buffer = NULL;
    fbTemplate_t *internal = internal_template(f->model);
    if (!internal)
        return FL_ENOMEM;
    fbSession_t *session = fbSessionAlloc(f->model);
    GError *error = NULL; /* the library reads it, so it cannot be left out */
    uint16_t id = fbSessionAddTemplate(session, TRUE, INTERNAL_ID, internal, &error);
    g_clear_error(&error);
    if (id == 0) {
        fbSessionFree(session);
        return FL_ENOMEM;
    }
    f->buffer = fBufAllocForCollection(session, NULL);
    fBufSetAutomaticMode(f->buffer, FALSE);
    f->generation++;
    f->sequence = 0;
    f->next_id = FB_TID_MIN_DATA;
    gboolean set = fBufSetInternalTemplate(f->buffer, INTERNAL_ID, &error);
    g_clear_error(&error);
    return set ? 0 : FL_ENOMEM;
}

int fl_fixbuf_new(struct fl_fixbuf **out)
{
    g_log_set_handler(NULL, G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO | G_LOG_LEVEL_DEBUG,
                      drop_log, NULL);
    struct fl_fixbuf *f = g_malloc0(sizeof *f);
    f->model = fbInfoModelAlloc();
    complete_model(f->model);
    int code = reset(f);
    if (code < 0) {
        fl_fixbuf_free(f);
        f = NULL;
    }
    *out = f;
    return code;
}

void fl_fixbuf_free(struct fl_fixbuf *f)
{
    if (!f)
        return;
    if (f->buffer)
        fBufFree(f->buffer);
    fbInfoModelFree(f->model);
    g_free(f);
}

static size_t put(uint8_t *to, uint32_t value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (uint8_t)(value >> 8 * (length - 1 - i));
    return length;
}

/* Message and set header (RFC 7011 sections 3.1, 3.3.2) around `content` bytes already in place. */
static void open_message(struct fl_fixbuf *f, uint16_t set_id, size_t content)
{
    uint8_t *p = f->message;
    p += put(p, 10, 2);
    p += put(p, (uint32_t)(HEADER_BYTES + content), 2);
    p += put(p, 0, 4);
    p += put(p, f->sequence, 4);
    p += put(p, 0, 4);
    p += put(p, set_id, 2);
    put(p, (uint32_t)(4 + content), 2);
    f->message[HEADER_BYTES + content] = 0;
    fBufRewind(f->buffer);
    fBufSetBuffer(f->buffer, f->message, HEADER_BYTES + content);
}

static int pump(struct fl_fixbuf *f, fl_record_fn *fn, void *ctx)
{
    GError *error = NULL;
    struct fl_record record;
    size_t size = sizeof record;
    int n = 0;
    while (fBufNext(f->buffer, (uint8_t *)&record, &size, &error)) {
        if (fn)
            fn(ctx, &record);
        n++;
        size = sizeof record;
    }
    bool ended = g_error_matches(error, FB_ERROR_DOMAIN, FB_ERROR_BUFSZ) ||
                 g_error_matches(error, FB_ERROR_DOMAIN, FB_ERROR_EOM);
    g_clear_error(&error);
    f->sequence += (uint32_t)n;
    return ended ? n : FL_EMALF;
}

static int load(struct fl_fixbuf *f, struct fl_layout *layout)
{
    if (layout->generation == f->generation)
        return 0;
    if (f->next_id >= FB_TID_MIN_DATA + LAYOUTS_LOADED) {
        int code = reset(f);
        if (code < 0)
            return code;
    }
    uint8_t *p = f->message + HEADER_BYTES;
    p += put(p, f->next_id, 2);
    p += put(p, (uint32_t)layout->n_fields, 2);
    for (size_t i = 0; i < layout->n_fields; i++) {
        const struct fl_layout_field *field = &layout->fields[i];
        p += put(p, field->element | (field->enterprise ? 0x8000u : 0), 2);
        p += put(p, field->length, 2);
        if (field->enterprise)
            p += put(p, field->enterprise, 4);
    }
    open_message(f, FB_TID_TS, (size_t)(p - f->message) - HEADER_BYTES);
    int code = pump(f, NULL, NULL);
    if (code < 0)
        return code;
    layout->wire_id = f->next_id++;
    layout->generation = f->generation;
    return 0;
}

int fl_fixbuf_decode(struct fl_fixbuf *f, struct fl_layout *layout, const uint8_t *bytes, size_t length,
                     fl_record_fn *fn, void *ctx)
{
    if (length < layout->shortest || length > 65535 - HEADER_BYTES)
        return FL_EMALF;
    if (!f->buffer) {
        int code = reset(f);
        if (code < 0)
            return code;
    }
    int code = load(f, layout);
    if (code < 0)
        return code;
    memcpy(f->message + HEADER_BYTES, bytes, length);
    open_message(f, layout->wire_id, length);
    return pump(f, fn, ctx);
}
