/* The superset record: every information element that a flow record is made of, as libfixbuf's transcoder
 * lays it down. One list gives the structure, the presence bits and the internal template; fields stand by
 * falling size so that structure and template agree without padding. Names and numbers: IANA's IPFIX
 * registry; reverse elements RFC 5103. */
#ifndef FL_COLLECTOR_RECORD_H
#define FL_COLLECTOR_RECORD_H

#include <stdint.h>

#define FL_REVERSE_PEN 29305u /* RFC 5103 */
#define FL_CERT_PEN 6871u     /* YAF's */

typedef uint8_t fl_bytes16[16];
typedef uint8_t fl_octet;

/* X(member, type, element, enterprise, shortest encoding in bytes) */
#define FL_RECORD_FIELDS(X)                                                                                  \
    X(src6, fl_bytes16, 27, 0, 16)                                                                           \
    X(dst6, fl_bytes16, 28, 0, 16)                                                                           \
    X(post_src6, fl_bytes16, 281, 0, 16)                                                                     \
    X(post_dst6, fl_bytes16, 282, 0, 16)                                                                     \
    X(bytes, uint64_t, 1, 0, 1)                                                                              \
    X(packets, uint64_t, 2, 0, 1)                                                                            \
    X(post_bytes, uint64_t, 23, 0, 1)                                                                        \
    X(post_packets, uint64_t, 24, 0, 1)                                                                      \
    X(total_bytes, uint64_t, 85, 0, 1)                                                                       \
    X(total_packets, uint64_t, 86, 0, 1)                                                                     \
    X(layer2_bytes, uint64_t, 352, 0, 1)                                                                     \
    X(start_ms, uint64_t, 152, 0, 8)                                                                         \
    X(end_ms, uint64_t, 153, 0, 8)                                                                           \
    X(start_us, uint64_t, 154, 0, 8)                                                                         \
    X(end_us, uint64_t, 155, 0, 8)                                                                           \
    X(start_ns, uint64_t, 156, 0, 8)                                                                         \
    X(end_ns, uint64_t, 157, 0, 8)                                                                           \
    X(boot_ms, uint64_t, 160, 0, 8)                                                                          \
    X(collected_ms, uint64_t, 258, 0, 8)                                                                     \
    X(initiator_bytes, uint64_t, 231, 0, 1)                                                                  \
    X(responder_bytes, uint64_t, 232, 0, 1)                                                                  \
    X(initiator_packets, uint64_t, 298, 0, 1)                                                                \
    X(responder_packets, uint64_t, 299, 0, 1)                                                                \
    X(selector, uint64_t, 302, 0, 1)                                                                         \
    X(sampling_probability, uint64_t, 311, 0, 8)                                                             \
    X(observed_ms, uint64_t, 323, 0, 8)                                                                      \
    X(observed_us, uint64_t, 324, 0, 8)                                                                      \
    X(observed_ns, uint64_t, 325, 0, 8)                                                                      \
    X(reverse_bytes, uint64_t, 1, FL_REVERSE_PEN, 1)                                                         \
    X(reverse_packets, uint64_t, 2, FL_REVERSE_PEN, 1)                                                       \
    X(reverse_total_bytes, uint64_t, 85, FL_REVERSE_PEN, 1)                                                  \
    X(reverse_total_packets, uint64_t, 86, FL_REVERSE_PEN, 1)                                                \
    X(reverse_layer2_bytes, uint64_t, 352, FL_REVERSE_PEN, 1)                                                \
    X(reverse_start_ms, uint64_t, 152, FL_REVERSE_PEN, 8)                                                    \
    X(reverse_end_ms, uint64_t, 153, FL_REVERSE_PEN, 8)                                                      \
    X(reverse_start_us, uint64_t, 154, FL_REVERSE_PEN, 8)                                                    \
    X(reverse_end_us, uint64_t, 155, FL_REVERSE_PEN, 8)                                                      \
    X(reverse_start_ns, uint64_t, 156, FL_REVERSE_PEN, 8)                                                    \
    X(reverse_end_ns, uint64_t, 157, FL_REVERSE_PEN, 8)                                                      \
    X(src4, uint32_t, 8, 0, 4)                                                                               \
    X(dst4, uint32_t, 12, 0, 4)                                                                              \
    X(post_src4, uint32_t, 225, 0, 4)                                                                        \
    X(post_dst4, uint32_t, 226, 0, 4)                                                                        \
    X(in_if, uint32_t, 10, 0, 1)                                                                             \
    X(out_if, uint32_t, 14, 0, 1)                                                                            \
    X(in_physical_if, uint32_t, 252, 0, 1)                                                                   \
    X(out_physical_if, uint32_t, 253, 0, 1)                                                                  \
    X(end_uptime, uint32_t, 21, 0, 1)                                                                        \
    X(start_uptime, uint32_t, 22, 0, 1)                                                                      \
    X(sampling_interval, uint32_t, 34, 0, 1)                                                                 \
    X(sampler_interval, uint32_t, 50, 0, 1)                                                                  \
    X(start_s, uint32_t, 150, 0, 4)                                                                          \
    X(end_s, uint32_t, 151, 0, 4)                                                                            \
    X(start_delta_us, uint32_t, 158, 0, 1)                                                                   \
    X(end_delta_us, uint32_t, 159, 0, 1)                                                                     \
    X(duration_ms, uint32_t, 161, 0, 1)                                                                      \
    X(duration_us, uint32_t, 162, 0, 1)                                                                      \
    X(sampled_packets, uint32_t, 305, 0, 1)                                                                  \
    X(sampling_space, uint32_t, 306, 0, 1)                                                                   \
    X(sampling_size, uint32_t, 309, 0, 1)                                                                    \
    X(sampling_population, uint32_t, 310, 0, 1)                                                              \
    X(observed_s, uint32_t, 322, 0, 4)                                                                       \
    X(reverse_end_uptime, uint32_t, 21, FL_REVERSE_PEN, 1)                                                   \
    X(reverse_start_uptime, uint32_t, 22, FL_REVERSE_PEN, 1)                                                 \
    X(reverse_start_s, uint32_t, 150, FL_REVERSE_PEN, 4)                                                     \
    X(reverse_end_s, uint32_t, 151, FL_REVERSE_PEN, 4)                                                       \
    X(reverse_start_delta_us, uint32_t, 158, FL_REVERSE_PEN, 1)                                              \
    X(reverse_end_delta_us, uint32_t, 159, FL_REVERSE_PEN, 1)                                                \
    X(reverse_duration_ms, uint32_t, 161, FL_REVERSE_PEN, 1)                                                 \
    X(reverse_duration_us, uint32_t, 162, FL_REVERSE_PEN, 1)                                                 \
    X(reverse_after_ms, uint32_t, 21, FL_CERT_PEN, 1)                                                        \
    X(active_timeout_s, uint16_t, 36, 0, 1)                                                                  \
    X(idle_timeout_s, uint16_t, 37, 0, 1)                                                                    \
    X(src_port, uint16_t, 7, 0, 1)                                                                           \
    X(dst_port, uint16_t, 11, 0, 1)                                                                          \
    X(tcp_flags, uint16_t, 6, 0, 1)                                                                          \
    X(icmp4, uint16_t, 32, 0, 1)                                                                             \
    X(icmp6, uint16_t, 139, 0, 1)                                                                            \
    X(udp_src_port, uint16_t, 180, 0, 1)                                                                     \
    X(udp_dst_port, uint16_t, 181, 0, 1)                                                                     \
    X(tcp_src_port, uint16_t, 182, 0, 1)                                                                     \
    X(tcp_dst_port, uint16_t, 183, 0, 1)                                                                     \
    X(post_src_port, uint16_t, 227, 0, 1)                                                                    \
    X(post_dst_port, uint16_t, 228, 0, 1)                                                                    \
    X(reverse_tcp_flags, uint16_t, 6, FL_REVERSE_PEN, 1)                                                     \
    X(reverse_icmp4, uint16_t, 32, FL_REVERSE_PEN, 1)                                                        \
    X(reverse_icmp6, uint16_t, 139, FL_REVERSE_PEN, 1)                                                       \
    X(protocol, fl_octet, 4, 0, 1)                                                                           \
    X(tos, fl_octet, 5, 0, 1)                                                                                \
    X(sampler, fl_octet, 48, 0, 1)                                                                           \
    X(post_tos, fl_octet, 55, 0, 1)                                                                          \
    X(direction, fl_octet, 61, 0, 1)                                                                         \
    X(end_reason, fl_octet, 136, 0, 1)                                                                       \
    X(icmp4_type, fl_octet, 176, 0, 1)                                                                       \
    X(icmp4_code, fl_octet, 177, 0, 1)                                                                       \
    X(icmp6_type, fl_octet, 178, 0, 1)                                                                       \
    X(icmp6_code, fl_octet, 179, 0, 1)                                                                       \
    X(next_header, fl_octet, 193, 0, 1)                                                                      \
    X(dscp, fl_octet, 195, 0, 1)                                                                             \
    X(nat_event, fl_octet, 230, 0, 1)                                                                        \
    X(firewall_event, fl_octet, 233, 0, 1)                                                                   \
    X(biflow_direction, fl_octet, 239, 0, 1)                                                                 \
    X(reverse_tos, fl_octet, 5, FL_REVERSE_PEN, 1)                                                           \
    X(reverse_end_reason, fl_octet, 136, FL_REVERSE_PEN, 1)                                                  \
    X(first_tcp_flags, fl_octet, 14, FL_CERT_PEN, 1)                                                         \
    X(later_tcp_flags, fl_octet, 15, FL_CERT_PEN, 1)                                                         \
    X(reverse_first_tcp_flags, fl_octet, 16398, FL_CERT_PEN, 1)                                              \
    X(reverse_later_tcp_flags, fl_octet, 16399, FL_CERT_PEN, 1)

struct fl_record {
#define X(member, type, element, enterprise, shortest) type member;
    FL_RECORD_FIELDS(X)
#undef X
};

enum fl_record_field {
#define X(member, type, element, enterprise, shortest) FL_FIELD_##member,
    FL_RECORD_FIELDS(X)
#undef X
        FL_RECORD_FIELD_COUNT
};

/* Which fields a template has. */
struct fl_fields {
    uint64_t word[2];
};
_Static_assert(FL_RECORD_FIELD_COUNT <= 128, "presence is two 64-bit words");
#define FL_HAS_FIELD(set, i) (((set).word[(i) / 64] >> (i) % 64 & 1) != 0)
#define FL_ADD_FIELD(set, i) ((set).word[(i) / 64] |= UINT64_C(1) << (i) % 64)
/* By name: FL_HAS(layout->mask, start_ms). */
#define FL_HAS(set, member) FL_HAS_FIELD(set, FL_FIELD_##member)

#endif
