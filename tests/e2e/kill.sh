#!/bin/bash
# kill -9 loses at most the last second, corrupts nothing, and a restart goes on where it was.
. "${srcdir:-.}/tests/e2e/lib.sh"

stored_flows() {
    "$flowlore" flows --json --limit 1000000 --data "$data" | grep -c .
}

# wait_flows N SECONDS: until the store itself holds N records (the service's counters begin anew with it).
wait_flows() {
    local until=$((SECONDS + $2))
    while [ "$(stored_flows)" -lt "$1" ]; do
        [ $SECONDS -lt $until ] || return 1
        sleep 1
    done
}

fl_start_service
ok $? "the service starts"
send ipfix 127.0.0.1 --hours 1 --hosts 60
before=$sent
fl_wait_stored "$before" 60
ok $? "the first hour is stored"
"$flowgen" --to "127.0.0.1:$port" --as ipfix --hours 2 --hosts 60 --seed 2 --rate 1000 >/dev/null &
sender=$!
sleep 2
fl_stop_service KILL
kill "$sender" 2>/dev/null
wait "$sender" 2>/dev/null
after=$(stored_flows)
[ "$after" -ge "$before" ]
ok $? "what was stored before is there after kill -9 ($before before, $after after)"
fl_start_service
ok $? "the service starts again on the same data"
send ipfix 127.0.0.1 --hours 1 --hosts 60 --seed 3
wait_flows $((after + sent - before)) 60
ok $? "it stores what comes after the restart"
fl_stop_service
ok $? "it ends with exit 0"
final=$(stored_flows)
[ "$final" -eq $((after + sent - before)) ]
ok $? "nothing is lost or stored twice over the restart (have $final, expect $((after + sent - before)))"
check "the data can be mined" "$flowlore" mine --all --data "$data"
tap_done || { show_service_log; exit 1; }
