/* Community ID version 1 (https://github.com/corelight/community-id-spec).
 *
 * 1. Ports: those of TCP, UDP and SCTP; for ICMP the type, and as the other port the type of the answer to
 * it, or where nothing answers it, the code; for other protocols none.
 * 2. The smaller end (address, then port) goes first, so that both directions are one flow; but not where an
 *    ICMP message has no answer.
 * 3. "1:" and the Base64 of SHA-1 over seed (2 bytes, 0), addresses, protocol, a zero byte, ports.
 *
 * Worked example: 192.168.0.89 pings 192.168.0.1, type 8, answered by type 0. (192.168.0.1, 0) is smaller, so
 * SHA-1 over 0000 c0a80001 c0a80059 01 00 0000 0008 gives 1:X0snYXpgwiv9TZtqg64sgzUn6Dk=. */
#include "collector/sink/community.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "collector/sink/digest.h"
#include "storage/flow.h"

enum { PROTO_SCTP = 132 };

/* Types and what answers them, each pair read both ways: RFC 792, 950, 1256; RFC 4443, 2710, 4861, 4620,
 * 6275. */
static const uint8_t answers_4[][2] = {{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}};
static const uint8_t answers_6[][2] = {{128, 129}, {130, 131}, {133, 134},
                                       {135, 136}, {139, 140}, {144, 145}};

static bool find_answer(const uint8_t (*answers)[2], size_t n, uint8_t type, uint16_t *answer)
{
    for (size_t i = 0; i < n; i++)
        for (int side = 0; side < 2; side++)
            if (answers[i][side] == type) {
                *answer = answers[i][!side];
                return true;
            }
    return false;
}

/* Step 1; true when the flow has one direction only. */
static bool set_ports(uint8_t protocol, uint16_t *src_port, uint16_t *dst_port)
{
    uint8_t type = (uint8_t)(*dst_port >> 8), code = (uint8_t)*dst_port;
    bool v4 = protocol == FL_PROTO_ICMP;
    if (!v4 && protocol != FL_PROTO_ICMP6) {
        bool ported = protocol == FL_PROTO_TCP || protocol == FL_PROTO_UDP || protocol == PROTO_SCTP;
        *src_port = ported ? *src_port : 0;
        *dst_port = ported ? *dst_port : 0;
        return false;
    }
    *src_port = type;
    *dst_port = code;
    return !find_answer(v4 ? answers_4 : answers_6,
                        v4 ? sizeof answers_4 / sizeof *answers_4 : sizeof answers_6 / sizeof *answers_6,
                        type, dst_port);
}

static size_t put_address(uint8_t *at, const struct fl_addr *a)
{
    size_t skip = fl_addr_is_v4(a) ? 12 : 0;
    memcpy(at, a->b + skip, sizeof a->b - skip);
    return sizeof a->b - skip;
}

static size_t put_port(uint8_t *at, uint16_t port)
{
    at[0] = (uint8_t)(port >> 8);
    at[1] = (uint8_t)port;
    return 2;
}

const char *fl_community_id(const struct fl_addr *src, const struct fl_addr *dst, uint16_t src_port,
                            uint16_t dst_port, uint8_t protocol, char out[FL_COMMUNITY_ID])
{
    uint8_t bytes[2 + 2 * 16 + 2 + 2 * 2] = {0}, digest[FL_SHA1_BYTES];
    size_t n = 2; /* the seed */
    if (fl_addr_is_v4(src) != fl_addr_is_v4(dst))
        return NULL;
    bool one_way = set_ports(protocol, &src_port, &dst_port);
    int order = fl_addr_cmp(src, dst);
    bool turn = !one_way && (order > 0 || (order == 0 && src_port > dst_port)); /* step 2 */
    n += put_address(bytes + n, turn ? dst : src);
    n += put_address(bytes + n, turn ? src : dst);
    bytes[n] = protocol;
    n += 2;
    if (protocol == FL_PROTO_TCP || protocol == FL_PROTO_UDP || protocol == PROTO_SCTP ||
        fl_protocol_is_icmp(protocol)) {
        n += put_port(bytes + n, turn ? dst_port : src_port);
        n += put_port(bytes + n, turn ? src_port : dst_port);
    }
    if (fl_digest_sha1(bytes, n, digest)) /* step 3 */
        return NULL;
    memcpy(out, "1:", 3);
    fl_digest_base64(digest, sizeof digest, out + 2);
    return out;
}
