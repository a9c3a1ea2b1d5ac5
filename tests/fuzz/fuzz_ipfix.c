/* Fuzz target: sound IPFIX messages with the input's templates and data (tests/fuzz/compose.h). */
#include "tests/fuzz/compose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct composer c;
    compose(&c, 10, data, size);
    return 0;
}
