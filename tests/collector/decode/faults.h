/* Malformed and awkward datagrams, each named by its fault: the fixtures of
 * tests/collector/decode/test_hostile.c and the seeds of the fuzz targets. */
#ifndef FL_TESTS_COLLECTOR_FAULTS_H
#define FL_TESTS_COLLECTOR_FAULTS_H

#include "tests/collector/decode/wire.h"

struct fault {
    const char *name; /* dialect, place, fault */
    void (*build)(struct wire *w, int step);
    int steps;   /* datagrams, 1 or 2 */
    int code[2]; /* what fl_decode returns for each, in a session that knows no template */
};

extern const struct fault faults[];
extern const size_t n_faults;

#endif
