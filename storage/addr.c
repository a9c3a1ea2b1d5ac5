/* IP addresses and prefixes: parsing, printing, comparing. */
#include "storage/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/error.h"

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

uint64_t fl_addr_hash(const struct fl_addr *a)
{
    uint64_t high, low;
    memcpy(&high, a->b, 8);
    memcpy(&low, a->b + 8, 8);
    uint64_t h = (high ^ 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 32) ^ low) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 29);
}

static char *put_octet(char *p, unsigned octet)
{
    if (octet >= 100)
        *p++ = (char)('0' + octet / 100);
    if (octet >= 10)
        *p++ = (char)('0' + octet / 10 % 10);
    *p++ = (char)('0' + octet % 10);
    return p;
}

const char *fl_addr_format(const struct fl_addr *a, char out[FL_ADDR_TEXT])
{
    if (fl_addr_is_v4(a)) { /* most are, and inet_ntop prints them by way of printf */
        char *p = out;
        for (int i = 12; i < 16; i++) {
            p = put_octet(p, a->b[i]);
            *p++ = '.';
        }
        p[-1] = '\0';
    } else
        inet_ntop(AF_INET6, a->b, out, FL_ADDR_TEXT);
    return out;
}

int fl_addr_parse(const char *text, struct fl_addr *out)
{
    char bare[FL_ADDR_TEXT];
    size_t length = strlen(text);
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
        text++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof bare)
        return FL_EINVAL;
    memcpy(bare, text, length);
    bare[length] = '\0';

    struct fl_addr a;
    if (inet_pton(AF_INET, bare, a.b + 12) == 1)
        memcpy(a.b, v4_mapped, sizeof v4_mapped);
    else if (inet_pton(AF_INET6, bare, a.b) != 1)
        return FL_EINVAL;
    *out = a;
    return 0;
}

static void clear_host_bits(struct fl_addr *a, unsigned length)
{
    for (unsigned bit = length; bit < 128; bit++)
        a->b[bit / 8] &= (uint8_t) ~(0x80u >> (bit % 8));
}

int fl_prefix_parse(const char *text, struct fl_prefix *out)
{
    char address[FL_ADDR_TEXT + 2];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : strlen(text);
    if (length >= sizeof address)
        return FL_EINVAL;
    memcpy(address, text, length);
    address[length] = '\0';

    struct fl_prefix p;
    if (fl_addr_parse(address, &p.addr) < 0)
        return FL_EINVAL;
    bool v4 = strchr(address, ':') == NULL;
    unsigned long bits = v4 ? 32 : 128;
    if (slash) {
        char *end;
        if (slash[1] < '0' || slash[1] > '9')
            return FL_EINVAL;
        unsigned long given = strtoul(slash + 1, &end, 10);
        if (*end || given > bits)
            return FL_EINVAL;
        bits = given;
    }
    p.length = (uint8_t)(v4 ? bits + 96 : bits);
    clear_host_bits(&p.addr, p.length);
    *out = p;
    return 0;
}

bool fl_prefix_contains(const struct fl_prefix *p, const struct fl_addr *a)
{
    unsigned whole = p->length / 8, rest = p->length % 8;
    if (memcmp(p->addr.b, a->b, whole) != 0)
        return false;
    return rest == 0 || ((p->addr.b[whole] ^ a->b[whole]) & (0xff00u >> rest & 0xff)) == 0;
}

const char *fl_prefix_format(const struct fl_prefix *p, char out[FL_ADDR_TEXT + 4])
{
    char address[FL_ADDR_TEXT];
    bool v4 = p->length >= 96 && fl_addr_is_v4(&p->addr);
    snprintf(out, FL_ADDR_TEXT + 4, "%s/%u", fl_addr_format(&p->addr, address),
             v4 ? p->length - 96u : (unsigned)p->length);
    return out;
}
