/* Wraps what `flowgen --write` made into a capture, as tcpdump beside the collector would have: each datagram
 * in an Ethernet frame, captured at its header's export time and a millisecond later than the one before.
 *
 *     mkpcap [--mtu N] [--snaplen N] [--from ADDR] [--port N] [--raw] [--skip N] [--take N] [--gap S]
 *         DATAGRAMS FILE
 *
 * --mtu cuts datagrams into IP fragments, --snaplen keeps only the beginning of packets, --raw writes the
 * messages end to end instead. */
#include <getopt.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/addr.h"

enum { HEADERS = 14 + 20, UDP = 8, DATAGRAM = 65535 };

struct maker {
    pcap_dumper_t *dump;
    size_t mtu, snaplen;
    int64_t gap_us;
    struct fl_addr from;
    unsigned port, id;
    int64_t at_us;
};

static void put(uint8_t *to, uint64_t value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (uint8_t)(value >> 8 * (length - 1 - i));
}

static uint64_t get(const uint8_t *from, size_t length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | from[i];
    return value;
}

static void packet(struct maker *m, const uint8_t *part, size_t length, size_t offset, int more)
{
    uint8_t frame[HEADERS + DATAGRAM] = {2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0, 0x45};
    put(frame + 16, 20 + length, 2);
    put(frame + 18, m->id, 2);
    put(frame + 20, (uint64_t)more << 13 | offset / 8, 2);
    frame[22] = 64;
    frame[23] = 17;
    memcpy(frame + 26, m->from.b + 12, 4);
    put(frame + 30, 0xc0000209, 4);
    memcpy(frame + HEADERS, part, length);
    struct pcap_pkthdr header = {.ts = {m->at_us / 1000000, m->at_us % 1000000},
                                 .caplen = (bpf_u_int32)(HEADERS + length),
                                 .len = (bpf_u_int32)(HEADERS + length)};
    if (m->snaplen && header.caplen > m->snaplen)
        header.caplen = (bpf_u_int32)m->snaplen;
    pcap_dump((u_char *)m->dump, &header, frame);
}

static void datagram(struct maker *m, const uint8_t *bytes, size_t length)
{
    static uint8_t udp[UDP + DATAGRAM];
    size_t seconds_at = get(bytes, 2) == 10 ? 4 : 8, all = UDP + length,
           step = m->mtu ? (m->mtu - 20) / 8 * 8 : all;
    int64_t export_us = (int64_t)get(bytes + seconds_at, 4) * 1000000;
    put(udp, m->port, 2);
    put(udp + 2, 2055, 2);
    put(udp + 4, all, 2);
    memcpy(udp + UDP, bytes, length);
    m->at_us = export_us > m->at_us + m->gap_us ? export_us : m->at_us + (m->gap_us ? m->gap_us : 1000);
    m->id = (m->id + 1) & 0xffff;
    for (size_t at = 0; at < all; at += step)
        packet(m, udp + at, all - at < step ? all - at : step, at, at + step < all);
}

static int fail(const char *what)
{
    fprintf(stderr, "mkpcap: %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"mtu", 1, NULL, 'm'},  {"snaplen", 1, NULL, 's'}, {"from", 1, NULL, 'f'},
        {"port", 1, NULL, 'p'}, {"raw", 0, NULL, 'r'},     {"skip", 1, NULL, 'k'},
        {"take", 1, NULL, 't'}, {"gap", 1, NULL, 'g'},     {NULL, 0, NULL, 0},
    };
    struct maker m = {.from = fl_addr_v4(0x7f000001), .port = 2000};
    static uint8_t bytes[DATAGRAM];
    int got, raw = 0;
    unsigned long skip = 0, take = ~0ul;
    while ((got = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (got == 'm')
            m.mtu = strtoul(optarg, NULL, 10);
        else if (got == 's')
            m.snaplen = strtoul(optarg, NULL, 10);
        else if (got == 'p')
            m.port = (unsigned)strtoul(optarg, NULL, 10);
        else if (got == 'g')
            m.gap_us = strtol(optarg, NULL, 10) * 1000000;
        else if (got == 'k')
            skip = strtoul(optarg, NULL, 10);
        else if (got == 't')
            take = strtoul(optarg, NULL, 10);
        else if (got == 'r')
            raw = 1;
        else if (got != 'f' || fl_addr_parse(optarg, &m.from) < 0)
            return fail("not an option");
    }
    if (argc - optind != 2)
        return fail("name the datagrams and the file");
    FILE *in = fopen(argv[optind], "rb"), *out = raw ? fopen(argv[optind + 1], "wb") : NULL;
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, DATAGRAM);
    m.dump = raw ? NULL : pcap_dump_open(pcap, argv[optind + 1]);
    if (!in || (raw ? !out : !m.dump))
        return fail("cannot open the files");
    for (uint8_t head[2]; take > 0 && fread(head, 1, 2, in) == 2;) {
        size_t length = get(head, 2);
        if (fread(bytes, 1, length, in) != length || length < 20)
            return fail("the datagrams are cut short");
        if (skip > 0) {
            skip--;
            continue;
        }
        take--;
        if (raw)
            fwrite(bytes, 1, length, out);
        else
            datagram(&m, bytes, length);
    }
    if (raw)
        fclose(out);
    else
        pcap_dump_close(m.dump);
    pcap_close(pcap);
    fclose(in);
    return 0;
}
