/* Fuzz target: lines of Zeek's conn.log, in TSV or JSON by how they begin. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector/import/import_zeek.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(int n, const struct fl_flow *flows)
{
    if (n > 2)
        abort();
    for (int i = 0; i < n; i++)
        if (flows[i].start_ms < 0 || flows[i].end_ms < flows[i].start_ms || flows[i].protocol == 0)
            abort();
}

static void feed(struct fl_zeek *zeek, const uint8_t *bytes, size_t length)
{
    struct fl_flow flows[2];
    struct fl_err err;
    bool skipped;
    char *line = malloc(length + 1); /* exactly, so that a read beyond the end is seen */
    if (!line)
        abort();
    memcpy(line, bytes, length);
    line[length] = '\0';
    if (length > 0 && line[0] == '{')
        look(fl_zeek_json(line, length, flows, &skipped, &err), flows);
    else
        look(fl_zeek_tsv(zeek, line, flows, &skipped, &err), flows);
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_zeek zeek = {0};
    while (size > 0) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end ? (size_t)(end - data) : size;
        feed(&zeek, data, length);
        length += end != NULL;
        data += length;
        size -= length;
    }
    return 0;
}
