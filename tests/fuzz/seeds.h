/* Seeds that are sound: datagrams by feature (fuzz_decode), and scripts of the targets that compose their
 * datagrams themselves (each target's file says its form). */
#ifndef FL_TESTS_FUZZ_SEEDS_H
#define FL_TESTS_FUZZ_SEEDS_H

#include "tests/collector/decode/wire.h"

struct feature {
    const char *name;
    int steps;
    void (*build)(struct wire *w, int step);
};
extern const struct feature features[];
extern const size_t n_features;

struct script {
    const char *target, *name;
    void (*build)(struct wire *w);
};
extern const struct script scripts[];
extern const size_t n_scripts;

#endif
