/* `flowlore sinks`: how the sinks are doing, and a test of one; run by flowlore.c. */
#ifndef FL_COLLECTOR_SINKS_CLI_H
#define FL_COLLECTOR_SINKS_CLI_H

#include "mining/cli.h"

int fl_cli_sinks(struct fl_cli *cli);

#endif
