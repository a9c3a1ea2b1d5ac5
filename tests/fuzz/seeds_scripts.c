/* Scripts: the inputs of the targets that compose their own datagrams (tests/fuzz/compose.h, fuzz_v5.c,
 * fuzz_transcode.c, fuzz_plan.c). */
#include "tests/fuzz/seeds.h"

typedef const unsigned field[2];
#define COUNT(array) (sizeof(array) / sizeof *(array))

static field plain[] = {{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1}, {6, 1}, {2, 4}, {1, 4}, {22, 4}, {21, 4}};
static field absolute[] = {{27, 16}, {28, 16}, {7, 2},   {11, 2}, {4, 1},
                           {152, 8}, {153, 8}, {231, 4}, {232, 4}};
static field named[] = {{8, 4}, {82, 255}, {12, 4}, {291, 255}};

static void put_fields(struct wire *w, field *fields, size_t n)
{
    put(w, n - 1, 1);
    for (size_t i = 0; i < n; i++) {
        put(w, fields[i][0], 2);
        put(w, fields[i][1], 1);
    }
}

static void template(struct wire *w, unsigned id, field *fields, size_t n)
{
    put(w, 0, 1);
    put(w, id, 1);
    put_fields(w, fields, n);
}

static void options(struct wire *w, unsigned id, unsigned scopes, field *fields, size_t n)
{
    put(w, 1, 1);
    put(w, id, 1);
    put(w, scopes - 1, 1);
    put_fields(w, fields, n);
}

static void data(struct wire *w, unsigned id, unsigned n)
{
    put(w, 2, 1);
    put(w, id, 1);
    put(w, n, 2);
    for (unsigned i = 0; i < n; i++)
        put(w, 10 + i, 1);
}

static void records(struct wire *w, unsigned id, unsigned n, unsigned seed)
{
    put(w, 3, 1);
    put(w, id, 1);
    put(w, n - 1, 1);
    put(w, seed, 1);
}

static void send(struct wire *w, unsigned flags, unsigned number)
{
    put(w, 4, 1);
    put(w, flags, 1);
    put(w, number, 1);
}

static void template_then_records(struct wire *w)
{
    template(w, 0, plain, COUNT(plain));
    records(w, 0, 4, 1);
    send(w, 0, 1);
    records(w, 0, 8, 77);
}

static void records_then_template(struct wire *w)
{
    records(w, 3, 4, 1);
    data(w, 3, 60);
    send(w, 0, 1);
    template(w, 3, absolute, COUNT(absolute));
    records(w, 3, 2, 0);
}

static void two_domains(struct wire *w)
{
    template(w, 0, plain, COUNT(plain));
    send(w, 1, 1);
    template(w, 0, absolute, COUNT(absolute));
    records(w, 0, 2, 9);
    send(w, 0, 5);
    records(w, 0, 2, 9);
    send(w, 8, 3);
    records(w, 0, 1, 9);
}

static void boot_moves(struct wire *w)
{
    template(w, 0, plain, COUNT(plain));
    records(w, 0, 2, 1);
    send(w, 2, 1);
    put(w, 0xfffffff0, 4);
    records(w, 0, 2, 1);
    send(w, 6, 1);
    put(w, 5, 4);
    records(w, 0, 2, 200);
    send(w, 4, 1);
}

static void options_and_sampling(struct wire *w)
{
    static field sampler[] = {{1, 4}, {48, 1}, {50, 4}, {34, 4}, {35, 1}};
    options(w, 1, 1, sampler, COUNT(sampler));
    records(w, 1, 1, 3);
    template(w, 0, plain, COUNT(plain));
    records(w, 0, 2, 1);
}

static void more_templates_than_allowed(struct wire *w)
{
    for (unsigned id = 0; id < 12; id++)
        template(w, id, plain, 1 + id % COUNT(plain));
    for (unsigned id = 0; id < 12; id++)
        records(w, id, 1, id);
}

static void strange_sets(struct wire *w)
{
    put(w, 6, 1);
    put(w, 255, 2);
    put(w, 0, 1);
    put(w, 6, 1);
    put(w, 2, 2);
    put(w, 4, 1);
    put(w, 0x01000000, 4);
    template(w, 0, absolute, COUNT(absolute));
    put(w, 0x0700, 2);
    put(w, 0x0500, 2);
    records(w, 0, 1, 1);
}

static void variable_lengths(struct wire *w)
{
    template(w, 2, named, COUNT(named));
    put(w, 2, 1);
    put(w, 2, 1);
    put(w, 22, 2);
    put(w, 0x0a000001, 4);
    put(w, 0x03657468, 4);
    put(w, 0x0a000002, 4);
    put(w, 0xff00070300080004, 8);
    put(w, 0x0102, 2);
}

/* The enterprise follows: 0 stands for the reverse elements of RFC 5103. */
static void enterprises(struct wire *w)
{
    put(w, 0x000003, 3);
    put(w, 0x000804, 3);
    put(w, 0x000c04, 3);
    put(w, 0x80010800, 4);
    put(w, 0x80020807, 4);
    records(w, 0, 3, 1);
}

static void v5_pair(struct wire *w)
{
    static struct wire datagram;
    for (int i = 0; i < 2; i++) {
        v5_header(&datagram, 2, 60000, T0, (uint32_t)i * 2, 0x4064);
        v5_record(&datagram, 1000, 2000);
        v5_record(&datagram, 4294967290, 5);
        put(w, 2, 1);
        for (size_t k = 4; k < datagram.n; k++)
            put(w, datagram.b[k], 1);
    }
}

static void v5_one_missing(struct wire *w)
{
    put(w, 0x81, 1);
    put(w, 0xea60, 4);
    put(w, T0 / 1000, 4);
}

static void transcode_plain(struct wire *w)
{
    put(w, 0, 1);
    put_fields(w, plain, COUNT(plain));
    for (unsigned i = 0; i < 60; i++)
        put(w, i, 1);
}

static void transcode_absolute(struct wire *w)
{
    put(w, 0, 1);
    put_fields(w, absolute, COUNT(absolute));
    put(w, 0x20010db800000000, 8);
    put(w, 1, 8);
    put(w, 0x20010db800000000, 8);
    put(w, 2, 8);
    put(w, 0x04d2005006, 5);
    put(w, (uint64_t)T0 - 2000, 8);
    put(w, (uint64_t)T0 - 1000, 8);
    put(w, 100, 4);
    put(w, 900, 4);
}

static void transcode_options(struct wire *w)
{
    static field sampler[] = {{1, 4}, {34, 4}, {35, 1}};
    put(w, 1, 1);
    put_fields(w, sampler, COUNT(sampler));
    put(w, 7, 4);
    put(w, 100, 4);
    put(w, 2, 1);
}

/* Lengths of zero, too long and too short for their elements. */
static void transcode_odd_lengths(struct wire *w)
{
    static field odd[] = {{8, 4},  {12, 4}, {7, 0}, {11, 1},  {1, 3},
                          {2, 12}, {8, 4},  {4, 2}, {152, 4}, {210, 0}};
    put(w, 0, 1);
    put_fields(w, odd, COUNT(odd));
    for (unsigned i = 0; i < 76; i++)
        put(w, 3 * i, 1);
}

/* For fuzz_plan: every field is followed by whether it is a reverse one. */
static void plan_of(struct wire *w, field *fields, size_t n, unsigned reverse, unsigned bytes)
{
    put(w, n - 1, 1);
    for (size_t i = 0; i < n; i++) {
        put(w, fields[i][0], 2);
        put(w, fields[i][1], 1);
        put(w, reverse >> i & 1, 1);
    }
    for (unsigned i = 0; i < bytes; i++)
        put(w, 7 * i, 1);
}

static void plan_plain(struct wire *w)
{
    plan_of(w, plain, COUNT(plain), 0, 70);
}

static void plan_absolute(struct wire *w)
{
    plan_of(w, absolute, COUNT(absolute), 0, 140);
}

static void plan_reverse(struct wire *w)
{
    static field both[] = {{1, 8}, {1, 8}, {2, 4}, {2, 5}, {6, 1}, {6, 2}, {152, 8}, {152, 8}};
    plan_of(w, both, COUNT(both), 0xaa, 100);
}

static void plan_odd_lengths(struct wire *w)
{
    static field odd[] = {{1, 3}, {2, 7}, {10, 3}, {7, 5}, {27, 15}, {28, 20}, {4, 3}, {9999, 11}};
    plan_of(w, odd, COUNT(odd), 0, 140);
}

#define BOTH(name, build)                                                                                    \
    {"v9", name, build},                                                                                     \
    {                                                                                                        \
        "ipfix", name, build                                                                                 \
    }

const struct script scripts[] = {
    BOTH("template-then-records", template_then_records),
    BOTH("records-then-template", records_then_template),
    BOTH("two-domains", two_domains),
    BOTH("boot-moves", boot_moves),
    BOTH("options-and-sampling", options_and_sampling),
    BOTH("more-templates-than-allowed", more_templates_than_allowed),
    BOTH("strange-sets", strange_sets),
    {"ipfix", "variable-lengths", variable_lengths},
    {"ipfix", "enterprises", enterprises},
    {"plan", "plain", plan_plain},
    {"plan", "absolute-times", plan_absolute},
    {"plan", "reverse", plan_reverse},
    {"plan", "odd-lengths", plan_odd_lengths},
    {"v5", "two-datagrams", v5_pair},
    {"v5", "one-record-missing", v5_one_missing},
    {"transcode", "plain", transcode_plain},
    {"transcode", "absolute-times", transcode_absolute},
    {"transcode", "options", transcode_options},
    {"transcode", "odd-lengths", transcode_odd_lengths},
};
const size_t n_scripts = COUNT(scripts);
