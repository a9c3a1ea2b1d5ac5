/* Fuzz target: a sequence of datagrams, each behind its length in two bytes, whose two top bits name one of
 * four senders. */
#include <stddef.h>
#include <stdint.h>

#include "tests/fuzz/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct judge j;
    judge_open(&j);
    while (size >= 2) {
        size_t length = (size_t)(data[0] & 0x3f) << 8 | data[1];
        j.from = data[0] >> 6;
        data += 2;
        size -= 2;
        length = length < size ? length : size;
        (void)judge_feed(&j, data, length);
        data += length;
        size -= length;
        judge_tick(&j, 100);
    }
    judge_close(&j);
    return 0;
}
