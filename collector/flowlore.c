/* flowlore, the operator's tool: the commands of mining/cli.c. */
#include "mining/cli.h"

int main(int argc, char **argv)
{
    return fl_cli_main(argc, argv, NULL, 0);
}
