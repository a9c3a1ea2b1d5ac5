/* Fuzz target: one object of nfdump's JSON. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "collector/import/import_nfdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_flow flows[2];
    struct fl_err err;
    bool sampled;
    int n = fl_nfdump_flows((const char *)data, size, flows, &sampled, &err);
    if (n > 2)
        abort();
    for (int i = 0; i < n; i++)
        if (flows[i].start_ms <= 0 || flows[i].end_ms < flows[i].start_ms || flows[i].sampling == 0)
            abort();
    return 0;
}
