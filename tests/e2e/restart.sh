#!/bin/bash
# A restart forgets no template: an exporter that sent its templates once is understood at once by the next
# life of the service, also after kill -9; and a template that was withdrawn does not come back.
. "${srcdir:-.}/tests/e2e/lib.sh"

# be BYTES OF A NUMBER: hexadecimal, big-endian.
be() {
    printf "%0$((2 * $1))x" "$2"
}

# emit HEX FILE
emit() {
    printf "$(sed 's/../\\x&/g' <<<"${1// /}")" >"$2"
}

# IPFIX (RFC 7011): template 256 of sourceIPv4Address (8), destinationIPv4Address (12), ports (7, 11),
# protocolIdentifier (4), packetDeltaCount (2), octetDeltaCount (1), flowStartMilliseconds (152) and
# flowEndMilliseconds (153); data with one record; the withdrawal of 256.
template="0002 002c 0100 0009 0008 0004 000c 0004 0007 0002 000b 0002 0004 0001 0002 0004 0001 0004 0098 0008 0099 0008"
now=$(date +%s)
ipfix() { # ipfix SETS SEQUENCE FILE
    local sets=${1// /}
    emit "000a $(be 2 $((16 + ${#sets} / 2))) $(be 4 "$now") $(be 4 "$2") 00000007 $sets" "$3"
}
data_of() { # data_of ID
    echo "$1 0029 0a010101 0a020202 8000 0050 06 00000003 000000b4 $(be 8 $((now * 1000 - 500))) $(be 8 $((now * 1000)))"
}
ipfix "$template" 0 "$work/template"
ipfix "$(data_of 0100)" 0 "$work/data1"
ipfix "$(data_of 0100)" 1 "$work/data2"
ipfix "$(data_of 0100)" 2 "$work/data3"
ipfix "0002 0008 0100 0000" 3 "$work/withdrawal"
ipfix "$(data_of 0100)" 3 "$work/data4"

# All from one UDP port: bash keeps the socket open.
(echo >/dev/udp/127.0.0.1/9) 2>/dev/null || skip_all "this shell cannot send datagrams"
transmit() { # transmit FILE...
    local file
    for file in "$@"; do
        cat "$work/$file" >&9
        sleep 0.1
    done
}

# The open socket of this script looks like a listener to fl_start_service: the log knows better.
lives=0
start() {
    lives=$((lives + 1))
    fl_start_service --config "$work/two.yaml" || return 1
    for ((i = 0; i < 300; i++)); do
        [ "$(grep -c 'listening on' "$service_log")" -eq $lives ] && return 0
        sleep 0.1
    done
    return 1
}

# stores N: until so many records stand in the store.
stores() {
    local i n
    for ((i = 0; i < 50; i++)); do
        n=$("$flowlore" sql "SELECT count(*) AS n FROM flows" --json --data "$data" | grep -oE '[0-9]+' | head -n 1)
        [ "$n" -eq "$1" ] && return 0
        sleep 0.2
    done
    echo "# $n records are stored"
    return 1
}

fl_free_port
printf 'receive-threads: 2\n' >"$work/two.yaml"
start
ok $? "the service starts"
exec 9<>"/dev/udp/127.0.0.1/$port"
transmit template data1
stores 1
ok $? "a template and its data are understood"
sleep 3
fl_stop_service KILL
start
ok $? "the service starts again after kill -9"
transmit data2
stores 2
ok $? "data without its template is understood at once"
fl_stop_service
ok $? "the service ends with status 0"
start
transmit data3
stores 3
ok $? "and after the next start"
transmit withdrawal
sleep 0.5
fl_stop_service
start
transmit data4
sleep 2
fl_stop_service
stores 3
ok $? "a template that was withdrawn does not come back"
grep -q '1 data set could not be decoded, the last from 127.0.0.1 domain 7' "$service_log"
ok $? "and its data is said to be without template, with the exporter's address and domain"
tap_done || { show_service_log; exit 1; }
