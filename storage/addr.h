/* IP addresses and prefixes. Both families are one shape: 16 bytes in network order, IPv4 as the
 * IPv4-mapped address ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so that one comparison serves both. */
#ifndef FL_STORAGE_ADDR_H
#define FL_STORAGE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fl_addr {
    uint8_t b[16];
};

#define FL_ADDR_TEXT 46 /* bytes enough for any address as text, with its NUL */

struct fl_prefix {
    struct fl_addr addr; /* bits behind `length` are zero */
    uint8_t length;      /* 0..128 over the mapped form: 10.0.0.0/8 has length 104 */
};

static inline struct fl_addr fl_addr_v4(uint32_t host_order)
{
    return (struct fl_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, (uint8_t)(host_order >> 24),
                             (uint8_t)(host_order >> 16), (uint8_t)(host_order >> 8), (uint8_t)host_order}};
}
static inline bool fl_addr_is_v4(const struct fl_addr *a)
{
    return memcmp(a->b, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12) == 0;
}
/* <0, 0, >0 in byte order; IPv4 sorts before global IPv6. */
static inline int fl_addr_cmp(const struct fl_addr *a, const struct fl_addr *b)
{
    return memcmp(a->b, b->b, sizeof a->b);
}
uint64_t fl_addr_hash(const struct fl_addr *a);

/* Text as in RFC 5952, IPv4 dotted; returns `out`. */
const char *fl_addr_format(const struct fl_addr *a, char out[FL_ADDR_TEXT]);
/* "10.0.0.5", "2001:db8::5" or "[2001:db8::5]". FL_EINVAL for anything else; *out is then untouched. */
int fl_addr_parse(const char *text, struct fl_addr *out);

/* "10.0.0.0/8", "2001:db8::/32" or a bare address. FL_EINVAL for anything else, also for a length
 * beyond the family's; host bits are cleared. */
int fl_prefix_parse(const char *text, struct fl_prefix *out);
bool fl_prefix_contains(const struct fl_prefix *p, const struct fl_addr *a);
/* "10.0.0.0/8"; needs FL_ADDR_TEXT + 4 bytes; returns `out`. */
const char *fl_prefix_format(const struct fl_prefix *p, char out[FL_ADDR_TEXT + 4]);

#endif
