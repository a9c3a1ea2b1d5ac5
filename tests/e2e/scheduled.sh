#!/bin/bash
# Scheduled mining from the outside: a run an hour of data time, whatever is kept between them; and runs that would
# need more memory than they may use are left out, each with one word.
. "${srcdir:-.}/tests/e2e/lib.sh"

day=(--hours 5 --hosts 60 --only-v4 --start 2024-03-05T08:00:00Z)

# wait_for COUNT PATTERN: until so many lines of the service's log match.
wait_for() {
    local i
    for ((i = 0; i < 600; i++)); do
        [ "$(grep -c -- "$2" "$service_log")" -ge "$1" ] && return 0
        sleep 0.1
    done
    return 1
}

fl_start_service --location paris=127.0.0.1/32 --mine-every 1h
ok $? "the service starts"
send ipfix 127.0.0.1 "${day[@]}"
ok $? "a router exports five hours"
wait_for 4 "mined paris from "
ok $? "each hour is mined when its time has come"
fl_stop_service
ok $? "the service ends with exit 0 on TERM"
[ "$("$flowlore" sql --data "$data" --json "SELECT * FROM runs" | grep -c .)" -ge 4 ]
ok $? "each run is kept"

data=$work/small
printf 'mining: {every: 1h, memory: 64k}\n' >"$work/small.yaml"
port=
: >"$service_log"
fl_start_service --location paris=127.0.0.1/32 --config "$work/small.yaml" --mine-every 1h
ok $? "a service with little memory for mining starts"
send ipfix 127.0.0.1 "${day[@]}"
ok $? "a router exports"
wait_for 4 "is left out: .*mining.memory"
ok $? "runs that would be too much are left out, with the remedy"
[ -z "$(sed -n 's/.* up to \([^ ]*\) is left out.*/\1/p' "$service_log" | sort | uniq -d)" ] &&
    ! grep -q 'tried again' "$service_log"
ok $? "each once"
fl_stop_service
ok $? "and the service goes on collecting until it is asked to end"
tap_done || { show_service_log; exit 1; }
