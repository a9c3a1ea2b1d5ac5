/* The one template of NetFlow v5. */
#include "collector/decode/transcode_v5.h"

static const struct {
    uint16_t element, length;
} fields[] = {
    {8, 4},   /* srcaddr */
    {12, 4},  /* dstaddr */
    {15, 4},  /* nexthop */
    {10, 2},  /* input */
    {14, 2},  /* output */
    {2, 4},   /* dPkts */
    {1, 4},   /* dOctets */
    {22, 4},  /* First */
    {21, 4},  /* Last */
    {7, 2},   /* srcport */
    {11, 2},  /* dstport */
    {210, 1}, /* pad1 */
    {6, 1},   /* tcp_flags */
    {4, 1},   /* prot */
    {5, 1},   /* tos */
    {210, 8}, /* src_as, dst_as, masks, pad2 */
};

struct fl_layout *fl_v5_layout(GHashTable *layouts, struct fl_layout_draft *draft)
{
    fl_layout_draft_init(draft, false);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        (void)fl_layout_draft_add(draft, 0, fields[i].element, fields[i].length);
    return fl_layout_intern(layouts, draft);
}
