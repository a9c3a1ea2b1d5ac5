/* Fuzz target: a capture, or messages end to end, walked through to the decoder. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/decode/decode.h"
#include "collector/import/exports.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (flows[i].end_ms < flows[i].start_ms || flows[i].sampling == 0 || !location[0])
            abort();
    *(uint64_t *)ctx += n;
}

static void walk(struct fl_decoder *d, struct fl_exports *exports)
{
    struct fl_export e;
    struct fl_err err;
    int64_t now_ms = 0;
    while (fl_exports_next(exports, &e, &err) == 1) {
        struct fl_sender from = {e.source, e.source_port, "lab", 0};
        now_ms = e.time_us / 1000;
        (void)fl_decode(d, e.bytes, e.length, &from, now_ms);
        fl_decoder_tick(d, now_ms);
    }
    fl_decoder_flush(d, now_ms);
    if (fl_exports_counts(exports).others > fl_exports_counts(exports).packets)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t flows = 0;
    struct fl_decoder_limits limits;
    struct fl_decoder *d;
    struct fl_exports *exports;
    struct fl_err err;
    enum fl_input_kind kind = fl_input_recognise(data, size);
    if (kind != FL_INPUT_CAPTURE && kind != FL_INPUT_MESSAGES)
        return 0;
    FILE *stream = fmemopen((void *)(uintptr_t)data, size, "rb");
    fl_decoder_limits_init(&limits);
    limits.sessions = 4;
    limits.templates = 8;
    limits.held_bytes = 8192;
    if (!stream || fl_decoder_new(&d, &limits, look, &flows) < 0)
        abort();
    if (fl_exports_open(&exports, stream, kind, &err) == 0) {
        walk(d, exports);
        fl_exports_free(exports);
    }
    fl_decoder_free(d);
    return 0;
}
