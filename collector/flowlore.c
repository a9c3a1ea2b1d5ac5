/* flowlore, the operator's tool: the commands of mining/cli.c, and those that need the collector's parts. */
#include "collector/import/import_cli.h"
#include "collector/sink/sinks_cli.h"

static const struct fl_cli_command commands[] = {
    {"import", "FILE...", "Bring recorded flows into the store",
     "  flowlore import exports.pcap                    a capture of NetFlow or IPFIX (tcpdump -s 0 udp port "
     "2055)\n"
     "  flowlore import --location paris conn.log.gz    Zeek's conn.log, TSV or JSON\n"
     "  flowlore import nfcapd.2022*                    files of nfcapd (needs nfdump)\n"
     "  zstd -dc day.pcap.zst | flowlore import -       standard input\n"
     "\nA file is known by its content: pcap and pcapng, NetFlow or IPFIX messages end to end, nfcapd, "
     "conn.log;\n"
     "each also gzip-compressed, but for nfcapd. Importing a file again stores nothing twice, also when the "
     "first\n"
     "import was cut short, and flowlored may run. Captures named in one call share their templates.\n",
     FL_OPT_INTO | FL_OPT_JSON, 1, SIZE_MAX, fl_cli_import},
    {"replay", "FILE", "Send recorded exports to a collector",
     "  flowlore replay exports.pcap --to 127.0.0.1:2055\n"
     "  flowlore replay exports.pcap --to [::1]:4739 --speed 60     an hour in a minute\n"
     "  flowlore replay ipfix.dat --to 127.0.0.1:4739 --speed max --rate 5000\n"
     "\nEach recorded sender gets a port of its own. Captures keep their pace, messages end to end that of "
     "their\n"
     "export times.\n",
     FL_OPT_SEND, 1, 1, fl_cli_replay},
    {"sinks", "[test NAME]", "Show how alerts are delivered, or tell one sink a test",
     "  flowlore sinks                                  each sink: delivered, waiting, last error, next try\n"
     "  flowlore sinks test pager                       one test event, and what came of it\n"
     "\nSinks are configured in flowlore.yaml; what is waiting is kept in rules.db and told by flowlored. A "
     "test goes\n"
     "straight to the sink. flowlore alerts --json says of each alert who was told.\n",
     FL_OPT_JSON, 0, 2, fl_cli_sinks},
};

int main(int argc, char **argv)
{
    return fl_cli_main(argc, argv, commands, sizeof commands / sizeof commands[0]);
}
