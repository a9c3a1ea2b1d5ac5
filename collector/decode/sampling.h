/* Sampling: one packet in how many did the exporter look at? Pure.
 *
 * An exporter says so in the v5 header, in options data, or in the records; what it says comes as
 * samplingInterval (34), samplerRandomInterval (50), a packet interval and space (305, 306: interval out of
 * interval + space), size and population (309, 310; before an interval without space, which IOS XR sends as 1
 * beside them), an interval without space (one in so many) or a probability (311). Options data say it for
 * the whole session, for a sampler (samplerId 48), a selector (selectorId 302) or an interface
 * (ingressInterface 10, v9's interface scope). An interval of zero takes back what was said.
 *
 * What applies to a flow record, first match:
 *   1. the configuration (source "config");
 *   2. an interval in the record itself;
 *   3. the sampler or selector that the record names, when options data told of it. Number 0 names none
 *      unless options data told of a sampler 0;
 *   4. the interface that the flow was seen on: the incoming one, or the outgoing one when flowDirection is
 *      egress;
 *   5. what was said for the whole session;
 *   6. what all known samplers and selectors have in common, when the record names none: with several that
 *      differ none is assumed, and a record that names one not yet told of gets none either;
 *   7. not told: interval 1, source "none". One to one, told, is interval 1 with the source of the telling.
 */
#ifndef FL_COLLECTOR_SAMPLING_H
#define FL_COLLECTOR_SAMPLING_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/decode/record.h"
#include "storage/flow.h"

enum { FL_SAMPLERS = 64 };

enum fl_sampler_kind { FL_SAMPLER, FL_SAMPLER_SELECTOR, FL_SAMPLER_INTERFACE };

struct fl_sampler {
    uint64_t id;
    uint32_t interval;
    uint8_t kind; /* enum fl_sampler_kind */
};

/* What headers and options data of a session said. All zero: nothing yet. */
struct fl_sampling {
    uint32_t interval; /* of the whole session; 0: not said */
    uint8_t source;    /* enum fl_sampling_source, of `interval` */
    uint32_t common;   /* what all samplers and selectors agree in; 0: none known, or they differ */
    uint32_t assumed;  /* of a record that names nothing, by rules 5 to 7; 0: none */
    uint8_t assumed_source;
    uint32_t told;    /* the exporter's newest word, whatever it is about; 0: none */
    uint32_t n, next; /* samplers known; the one to replace when the table is full */
    bool interfaces;  /* some are interfaces */
    struct fl_sampler samplers[FL_SAMPLERS];
};

/* The v5 header's: one packet in `interval`; 0: not said. Its mode bits are not asked: exporters leave them
 * zero and still mean the interval. */
void fl_sampling_header(struct fl_sampling *s, uint32_t interval);
/* Learn from an options record. */
void fl_sampling_learn(struct fl_sampling *s, const struct fl_record *r, struct fl_fields mask);
/* The interval that the exporter means for a record with interfaces and direction as in *flow (rules 2 to 7);
 * 1 when it does not tell. *source: enum fl_sampling_source. `named`: the record's template has fields of
 * sampling (34, 48, 50, 302, 305, 309, 311). */
uint32_t fl_sampling_of(const struct fl_sampling *s, const struct fl_record *r, bool named,
                        const struct fl_flow *flow, uint8_t *source);

#endif
