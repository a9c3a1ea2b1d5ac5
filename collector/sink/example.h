/* The flows of the example behind an alert: what an analyst looks up elsewhere. */
#ifndef FL_COLLECTOR_EXAMPLE_H
#define FL_COLLECTOR_EXAMPLE_H

#include <jansson.h>

#include "storage/rulesdb.h"

/* Community IDs of the flows of the newest example that a rule has, antecedent first, and their addresses,
 * added to the two arrays. A client's port that the rule left open is looked up in the store; where the flow
 * is no longer stored there is no ID. Nothing is added for a rule that is gone. */
void fl_example_describe(struct fl_rulesdb *db, const char *data_dir, int64_t rule_id, json_t *community_ids,
                         json_t *hosts);

#endif
