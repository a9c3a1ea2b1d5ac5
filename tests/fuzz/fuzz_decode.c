/* Fuzz target: a sequence of datagrams, each behind its length in two bytes, from one exporter. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "collector/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(void *ctx, const char *location, const struct fl_flow *flows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (flows[i].end_ms < flows[i].start_ms || flows[i].sampling == 0 || !location[0])
            abort();
    *(uint64_t *)ctx += n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t flows = 0;
    struct fl_decoder_limits limits;
    static struct fl_decoder *d;
    struct fl_sender from = {fl_addr_v4(0xc0000201), 4000, "lab", 0};
    int64_t now_ms = 1655071300000;
    fl_decoder_limits_init(&limits);
    limits.sessions = 4;
    limits.templates = 8;
    limits.held_bytes = 8192;
    if (fl_decoder_new(&d, &limits, look, &flows) < 0)
        abort();
    while (size >= 2) {
        size_t length = (size_t)data[0] << 8 | data[1];
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        (void)fl_decode(d, data, length, &from, now_ms);
        data += length;
        size -= length;
        now_ms += 100;
        fl_decoder_tick(d, now_ms);
    }
    fl_decoder_flush(d, now_ms);
    fl_decoder_free(d);
    return 0;
}
