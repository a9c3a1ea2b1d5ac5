/* The commands that need what the collector knows: run by flowlore.c. */
#ifndef FL_COLLECTOR_IMPORT_CLI_H
#define FL_COLLECTOR_IMPORT_CLI_H

#include "mining/cli.h"

int fl_cli_import(struct fl_cli *cli);
int fl_cli_replay(struct fl_cli *cli);

#endif
