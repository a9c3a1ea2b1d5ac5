#!/bin/bash
# Another real exporter that is not ours: pmacct's nfprobe reads one capture of ten minutes ago and exports it as
# NetFlow v5, v9 and IPFIX, from three addresses, and says that it was sampled. The three locations end with equal
# flows; only v5 knows no IPv6.
. "${srcdir:-.}/tests/e2e/lib.sh"
. "$srcdir/tests/e2e/packets.sh"

exporter=$(command -v pmacctd || echo /usr/sbin/pmacctd)
[ -x "$exporter" ] || skip_all "pmacctd is not installed"

start=$(($(date +%s) - 600))

# A connection, a question and its answer, a ping with its answer and an error, there and back.
capture() {
    local client=0a010001 server=0a020002 tcp=0000000100000001
    local client6=20010db8000000000000000000000001 server6=20010db8000000000000000000000002
    capture_head
    packet 0 $client $server 06 "$(ports 40000 443)${tcp}5002040000000000"
    packet 10 $server $client 06 "$(ports 443 40000)${tcp}5012040000000000"
    packet 500 $client $server 06 "$(ports 40000 443)${tcp}501804000000000041424344"
    packet 600 $server $client 06 "$(ports 443 40000)${tcp}501904000000000041"
    packet 1100 $client $server 06 "$(ports 40000 443)${tcp}5011040000000000"
    packet 2000 $client $server 17 "$(ports 5000 53)0009000041"
    packet 2200 $server $client 17 "$(ports 53 5000)000a00004142"
    packet 3000 $client $server 01 0800000000010001
    packet 3100 $server $client 01 0000000000010001
    packet 3200 $server $client 01 0301000000000000
    packet6 4000 $client6 $server6 11 "$(ports 6000 53)0009000041"
    packet6 4500 $client6 $server6 3a 8000000000010001
}

# export_from ADDRESS VERSION FLOWS LOCATION: runs until so many flows are in.
export_from() {
    local until=$((SECONDS + 30)) pid status=1
    cat >"$work/pmacctd.$2" <<EOF
daemonize: false
pcap_savefile: $work/capture.pcap
aggregate: src_host,dst_host,src_port,dst_port,proto,tos,tcpflags
plugins: nfprobe
nfprobe_receiver: 127.0.0.1:$port
nfprobe_source_ip: $1
nfprobe_version: $2
pmacctd_ext_sampling_rate: 100
nfprobe_timeouts: tcp=1:tcp.rst=1:tcp.fin=1:udp=1:icmp=1:general=1:maxlife=60:expint=1
EOF
    "$exporter" -f "$work/pmacctd.$2" >"$work/pmacctd.log" 2>&1 &
    pid=$!
    while [ $status -ne 0 ] && [ $SECONDS -lt $until ]; do
        sleep 0.5
        [ "$(flows_of "$4" | grep -cE '10\.1\.0\.1|2001:db8')" -ge "$3" ] && status=0
    done
    kill $pid 2>/dev/null
    wait $pid 2>/dev/null
    return $status
}

flows_of() {
    "$flowlore" sql --data "$data" "select start, end, src, src_port, dst, dst_port, protocol, tcp_flags, packets,
        bytes, time_source from flows where location = '$1' order by start, end, src, src_port"
}

# second MS, at MS: a time of the capture as flowlore writes it, without and with milliseconds.
second() {
    date -u -d "@$((start + ($1 + 123) / 1000))" +%Y-%m-%dT%H:%M:%S
}
at() {
    printf '%s.%03dZ' "$(second "$1")" $((($1 + 123) % 1000))
}

# has NAME LOCATION PATTERN
has() {
    grep -qE "$3" "$work/flows.$2"
    ok $? "$1"
}

capture >"$work/capture.pcap"
fl_start_service "${three_locations[@]}"
ok $? "the service starts"
check "NetFlow v5 arrives" export_from 127.0.0.1 5 7 paris
check "NetFlow v9 arrives" export_from 127.0.0.2 9 9 london
check "IPFIX arrives" export_from 127.0.0.3 10 9 tokyo
for location in paris london tokyo; do
    flows_of $location >"$work/flows.$location"
    sed -E 's/ +(absolute|uptime)$//' "$work/flows.$location" | grep -E '10\.1\.0\.1|2001:db8' >"$work/plain.$location"
done
check "IPFIX gives the flows of v9" diff "$work/plain.london" "$work/plain.tokyo"
# Header and records of v5 round to milliseconds each on their own.
for location in paris london; do
    grep -v 2001:db8 "$work/plain.$location" | sed -E 's/^[^ ]+ +[^ ]+ +//; s/ +/ /g' | sort >"$work/timeless.$location"
done
check "NetFlow v5 gives those of IPv4" diff "$work/timeless.paris" "$work/timeless.london"
has "v5: a connection has its times, to the second" paris \
    "^$(second 0)\.[0-9]+Z +$(second 1100)\.[0-9]+Z +10.1.0.1 +40000 "
for location in london tokyo; do
    has "$location: a connection has its times, flags and counters" $location \
        "$(at 0) +$(at 1100) +10.1.0.1 +40000 +10.2.0.2 +443 +6 +27 +3 +124"
    has "$location: an error has its type and code" $location "$(at 3200) +$(at 3200) +10.2.0.2 +0 +10.1.0.1 +769 +1 "
done
# The header tells v5's, a sampler table the others'.
"$flowlore" sql --data "$data" "select distinct location, sampling from flows" >"$work/sampling"
[ "$(grep -cE '(paris|london|tokyo) +100$' "$work/sampling")" -eq 3 ] && ! grep -E ' 1$' "$work/sampling"
ok $? "one packet in 100, in every version"
has "IPv6 has its type and code" tokyo "$(at 4500) +$(at 4500) +2001:db8::1 +0 +2001:db8::2 +32768 +58 "
"$flowlore" status --data "$data" --json >"$work/status"
! grep -E '"(lost|malformed|unknown_template|time_fallbacks)":[1-9]' "$work/status"
ok $? "nothing lost, nothing refused, every time believed"
tap_done || { show_service_log; exit 1; }
