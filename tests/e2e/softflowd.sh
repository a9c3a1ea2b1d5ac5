#!/bin/bash
# A real exporter that is not ours: softflowd reads one capture three times and exports it as NetFlow v5, v9 and
# IPFIX. The three locations end with equal flows, to the millisecond, nothing lost and no clock doubted.
. "${srcdir:-.}/tests/e2e/lib.sh"
. "$srcdir/tests/e2e/packets.sh"

exporter=$(command -v softflowd || echo /usr/sbin/softflowd)
[ -x "$exporter" ] || skip_all "softflowd is not installed"
dump=$(command -v tcpdump || echo /usr/bin/tcpdump)
[ -x "$dump" ] || skip_all "tcpdump is not installed"

start=1750000000 # of the capture, and 123 ms
flows=164        # 40 connections and 41 questions, there and back, and a ping: there and back

capture() {
    local i server=0a010002 client=0a010001 resolver=0a010035 tcp=0000000100000001
    capture_head
    packet 0 $client $resolver 17 "$(ports 39999 53)0009000041"
    packet 5 $resolver $client 17 "$(ports 53 39999)000a00004142"
    for ((i = 0; i < 40; i++)); do
        packet $((i * 500 + 10)) $client $server 06 "$(ports $((30000 + i)) 443)${tcp}5002040000000000"
        packet $((i * 500 + 20)) $server $client 06 "$(ports 443 $((30000 + i)))${tcp}5012040000000000"
        packet $((i * 500 + 77)) $client $server 06 "$(ports $((30000 + i)) 443)${tcp}501804000000000041424344"
        packet $((i * 500 + 251)) $server $client 06 "$(ports 443 $((30000 + i)))${tcp}501904000000000041"
        packet $((i * 500 + 301)) $client $resolver 17 "$(ports $((40000 + i)) 53)0009000041"
        packet $((i * 500 + 302)) $resolver $client 17 "$(ports 53 $((40000 + i)))000a00004142"
    done
    for ((i = 0; i < 3; i++)); do
        packet $((20000 + i * 1000)) $client $server 01 0800000000010001
        packet $((20000 + i * 1000 + 1)) $server $client 01 0000000000010001
    done
}

# export_as LOCATION VERSION OPTION...: softflowd cannot choose its address, so the service gives it another
# location each time.
export_as() {
    local location=$1 version=$2
    shift 2
    fl_start_service --location "$location=127.0.0.1/32" || return 1
    timeout 30 "$exporter" -a -r "$work/capture.pcap" -n "127.0.0.1:$port" -v "$version" \
        -p "$work/softflowd.pid" -c none "$@" >"$work/softflowd.log" 2>&1 || return 1
    wait_flows "$location" && "$flowlore" status --data "$data" --json >"$work/status.$location"
    local status=$?
    fl_stop_service && return $status
}

flows_of() {
    "$flowlore" sql --data "$data" "select start, end, src, src_port, dst, dst_port, protocol, tcp_flags, packets,
        bytes from flows where location = '$1' order by start, end, src, src_port"
}

wait_flows() {
    local until=$((SECONDS + 20))
    while [ "$(flows_of "$1" | grep -c 10.1.0)" -lt $flows ]; do
        [ $SECONDS -lt $until ] || return 1
        sleep 0.5
    done
}

capture >"$work/capture.pcap"
[ "$("$dump" -nr "$work/capture.pcap" 2>/dev/null | wc -l)" -eq 248 ]
ok $? "the capture has the packets that the test wrote"

check "NetFlow v5 arrives" export_as paris 5
check "NetFlow v9 arrives" export_as london 9
check "IPFIX arrives" export_as tokyo 10 -A milli
for location in paris london tokyo; do
    flows_of "$location" >"$work/flows.$location"
    ! grep -E '"(lost|malformed|unknown_template|time_fallbacks)":[1-9]' "$work/status.$location"
    ok $? "$location: nothing lost, nothing refused, every time believed"
done
[ "$(grep -c 10.1.0 "$work/flows.paris")" -eq $flows ]
ok $? "$flows flows"
# Version 9 gives the exporter's clock in seconds: one export leaves its times uncertain within one.
for location in paris london; do
    sed 's/^[^ ]* *[^ ]* *//' "$work/flows.$location" | sort >"$work/timeless.$location"
done
check "NetFlow v9 gives the flows of v5" diff "$work/timeless.paris" "$work/timeless.london"
check "IPFIX gives the flows of v5" diff "$work/flows.paris" "$work/flows.tokyo"
grep -qE '2025-06-15T15:06:40.123Z +2025-06-15T15:06:40.128Z +10.1.0.1 +39999 +10.1.0.53 +53 +17 +0 +1 +29' "$work/flows.paris"
ok $? "a flow that began with the exporter has its times, to the millisecond"
grep -qE '2025-06-15T15:06:40.133Z +2025-06-15T15:06:40.374Z +10.1.0.1 +30000 +10.1.0.2 +443 +6 +26 +2 +84' "$work/flows.paris"
ok $? "a connection has its times, flags and counters"
grep -qE '10.1.0.1 +0 +10.1.0.2 +2048 +1 +0 +3 +84' "$work/flows.paris"
ok $? "a ping has its type and code"
tap_done || { show_service_log; exit 1; }
