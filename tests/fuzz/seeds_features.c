/* Sound datagrams, one feature each: what the fuzz targets start from. */
#include "tests/fuzz/seeds.h"

enum { NOW_S = 1655071209, BOOT_S = 1655071000 };

typedef const unsigned field[2];

static field v9_fields[] = {{8, 4}, {12, 4}, {7, 2}, {11, 2}, {4, 1},  {6, 1},
                            {2, 4}, {1, 4},  {5, 1}, {61, 1}, {22, 4}, {21, 4}};
static field ipfix_fields[] = {{152, 8}, {153, 8}, {27, 16}, {28, 16}, {7, 2},
                               {11, 2},  {4, 1},   {6, 2},   {2, 8},   {1, 8}};
#define COUNT(array) (sizeof(array) / sizeof *(array))

static void v9_template(struct wire *w)
{
    template_set(w, 0, 256, v9_fields, COUNT(v9_fields));
}

static void v9_data(struct wire *w, unsigned records)
{
    size_t at = set_open(w, 256);
    for (unsigned i = 0; i < records; i++) {
        put(w, 0x0a0000010a000002, 8);
        put(w, 1234 + i, 2);
        put(w, 80, 2);
        put(w, 0x061b, 2);
        put(w, 5, 4);
        put(w, 600, 4);
        put(w, 0x0001, 2);
        put(w, 1000, 4);
        put(w, 2000, 4);
    }
    put(w, 0, (4 - (w->n - at) % 4) % 4);
    set_close(w, at);
}

static void ipfix_template(struct wire *w, unsigned id)
{
    template_set(w, 2, id, ipfix_fields, COUNT(ipfix_fields));
}

static void ipfix_data(struct wire *w, unsigned id)
{
    size_t at = set_open(w, id);
    put(w, (uint64_t)T0 - 2000, 8);
    put(w, (uint64_t)T0 - 1000, 8);
    put(w, 0x20010db800000000, 8);
    put(w, 1, 8);
    put(w, 0x20010db800000000, 8);
    put(w, 2, 8);
    put(w, 0x04d20050060002, 7);
    put(w, 5, 8);
    put(w, 600, 8);
    set_close(w, at);
}

static void ipfix(struct wire *w, int step)
{
    ipfix_header(w, NOW_S, 0);
    ipfix_template(w, 300);
    ipfix_data(w, 300);
    ipfix_close(w);
}

static void v5(struct wire *w, int step)
{
    v5_header(w, 2, 60000, T0, 0, 0x4064);
    v5_record(w, 1000, 2000);
    v5_record(w, 5, 4294967290);
}

static void v9(struct wire *w, int step)
{
    v9_header(w, step ? 60876 : 60877, BOOT_S + (step ? 60 : 61), (uint32_t)step);
    if (step == 0)
        v9_template(w);
    v9_data(w, 2);
}

static void v9_data_first(struct wire *w, int step)
{
    v9_header(w, 60000, BOOT_S + 60, (uint32_t)step);
    if (step)
        v9_template(w);
    else
        v9_data(w, 1);
}

/* The exporter boots anew while records wait for the old boot time. */
static void v9_restart(struct wire *w, int step)
{
    v9_header(w, step ? 1500 : 60000, BOOT_S + (step ? 100 : 60), 0);
    v9_template(w);
    v9_data(w, 1);
}

static void v9_redefined(struct wire *w, int step)
{
    static field other[] = {{12, 4}, {8, 4}, {152, 8}, {210, 17}};
    v9_header(w, 60000, BOOT_S + 60, (uint32_t)step);
    if (step == 0)
        v9_template(w);
    else
        template_set(w, 0, 256, other, COUNT(other));
    v9_data(w, 1);
}

static void v9_element_zero(struct wire *w, int step)
{
    static field odd[] = {{0, 4}, {8, 4}, {32769, 4}, {12, 4}, {40000, 12}, {2, 4}};
    v9_header(w, 60000, BOOT_S + 60, 0);
    template_set(w, 0, 256, odd, COUNT(odd));
    size_t at = set_open(w, 256);
    for (unsigned i = 0; i < 32; i++)
        put(w, i, 1);
    set_close(w, at);
}

static void v9_events(struct wire *w, int step)
{
    static field nsel[] = {{148, 4}, {8, 4},   {7, 2},   {12, 4},  {11, 2},  {4, 1},
                           {225, 4}, {226, 4}, {227, 2}, {228, 2}, {233, 1}, {323, 8},
                           {152, 8}, {231, 4}, {232, 4}, {176, 1}, {177, 1}};
    v9_header(w, 60000, BOOT_S + 60, 0);
    template_set(w, 0, 263, nsel, COUNT(nsel));
    size_t at = set_open(w, 263);
    put(w, 1, 4);
    put(w, 0x0a00000104d2, 6);
    put(w, 0x0a0000020050, 6);
    put(w, 6, 1);
    put(w, 0xc0000202c0000203, 8);
    put(w, 0x04d30051, 4);
    put(w, 2, 1);
    put(w, (uint64_t)T0, 8);
    put(w, (uint64_t)T0 - 5000, 8);
    put(w, 100, 4);
    put(w, 900, 4);
    put(w, 0, 2);
    set_close(w, at);
}

static void v9_options(struct wire *w, int step)
{
    v9_header(w, 60000, BOOT_S + 60, 0);
    size_t at = set_open(w, 1);
    put(w, 257, 2);
    put(w, 4, 2);
    put(w, 12, 2);
    put(w, 0x0001000400300001, 8);
    put(w, 0x0032000400310001, 8);
    set_close(w, at);
    at = set_open(w, 257);
    put(w, 1, 4);
    put(w, 9, 1);
    put(w, 100, 4);
    put(w, 2, 1);
    put(w, 0, 2);
    set_close(w, at);
    v9_template(w);
    v9_data(w, 1);
}

static void ipfix_options(struct wire *w, int step)
{
    ipfix_header(w, NOW_S, 0);
    size_t at = set_open(w, 3);
    put(w, 400, 2);
    put(w, 5, 2);
    put(w, 1, 2);
    put(w, 0x0095000400a00008, 8);
    put(w, 0x0131000401320004, 8);
    put(w, 0x00240002, 4);
    set_close(w, at);
    at = set_open(w, 400);
    put(w, 7, 4);
    put(w, BOOT_S * UINT64_C(1000), 8);
    put(w, 1, 4);
    put(w, 63, 4);
    put(w, 60, 2);
    set_close(w, at);
    ipfix_template(w, 300);
    ipfix_data(w, 300);
    ipfix_close(w);
}

/* One template, every template, every options template. */
static void ipfix_withdraw(struct wire *w, int step)
{
    ipfix_header(w, NOW_S, 0);
    ipfix_template(w, 300);
    ipfix_template(w, 301);
    if (step)
        template_set(w, step == 3 ? 3 : 2, step == 1 ? 300 : step == 2 ? 2 : 3, NULL, 0);
    ipfix_data(w, 300);
    ipfix_close(w);
}

static void ipfix_reverse(struct wire *w, int step)
{
    ipfix_header(w, NOW_S, 0);
    size_t at = set_open(w, 2);
    put(w, 301, 2);
    put(w, 8, 2);
    put(w, 0x00080004000c0004, 8);
    put(w, 0x0001000800020008, 8);
    put(w, 0x8001000800007279, 8);
    put(w, 0x8002000800007279, 8);
    put(w, 0x0052ffff, 4);
    put(w, 0x8005ffff00001ad7, 8);
    set_close(w, at);
    at = set_open(w, 301);
    put(w, 0x0a0000010a000002, 8);
    for (unsigned i = 0; i < 4; i++)
        put(w, 7 + i, 8);
    put(w, 0x0365746803, 5);
    put(w, 0x616263, 3);
    set_close(w, at);
    ipfix_close(w);
}

/* An enterprise whose elements are known: CERT's (PEN 6871) reverseFlowDeltaMilliseconds (21). */
static void ipfix_enterprise(struct wire *w, int step)
{
    ipfix_header(w, NOW_S, 0);
    size_t at = set_open(w, 2);
    put(w, 303, 2);
    put(w, 3, 2);
    put(w, 0x00080004000c0004, 8);
    put(w, 0x8015000400001ad7, 8);
    set_close(w, at);
    at = set_open(w, 303);
    put(w, 0x0a0000010a000002, 8);
    put(w, 250, 4);
    set_close(w, at);
    ipfix_close(w);
}

/* Structured data (RFC 6313): basicList, subTemplateList, subTemplateMultiList. */
static void ipfix_lists(struct wire *w, int step)
{
    static field lists[] = {{291, 65535}, {292, 65535}, {293, 65535}, {8, 4}, {12, 4}};
    ipfix_header(w, NOW_S, 0);
    template_set(w, 2, 302, lists, COUNT(lists));
    size_t at = set_open(w, 302);
    put(w, 0x05ff00080004, 6);
    put(w, 0x03030100, 4);
    put(w, 0xff0001, 3);
    put(w, 4, 1);
    put(w, 0x0a0000010a000002, 8);
    set_close(w, at);
    ipfix_close(w);
}

const struct feature features[] = {
    {"v5", 1, v5},
    {"v9", 2, v9},
    {"v9-data-first", 2, v9_data_first},
    {"v9-element-zero", 1, v9_element_zero},
    {"v9-events", 1, v9_events},
    {"v9-options", 1, v9_options},
    {"v9-redefined", 2, v9_redefined},
    {"v9-restart", 2, v9_restart},
    {"ipfix", 1, ipfix},
    {"ipfix-enterprise", 1, ipfix_enterprise},
    {"ipfix-lists", 1, ipfix_lists},
    {"ipfix-options", 1, ipfix_options},
    {"ipfix-reverse", 1, ipfix_reverse},
    {"ipfix-withdraw", 4, ipfix_withdraw},
};
const size_t n_features = COUNT(features);
