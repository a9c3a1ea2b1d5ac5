#!/bin/bash
# Three real days of a host on the Internet, replayed in three dialects: every record is stored, each location
# comes to the same rules, and what is known of the third day is found.
. "${srcdir:-.}/tests/e2e/lib.sh"

replay=$shared/tools/flowexport.py
[ -f "$replay" ] && [ -d "$shared/data/traffic" ] || skip_all "the shared data is not at $shared"
command -v python3 >/dev/null 2>&1 || skip_all "python3 is not installed"

# replay_as FORM SOURCE LOG: adds the number of records to $sent.
replay_as() {
    local report
    report=$(python3 "$replay" "$3" --to "127.0.0.1:$port" --as "$1" --source "$2" --per-second 2000) || return 1
    sent=$((sent + ${report%% *}))
}

# pairs LOCATION ONE OTHER: some rule or instance names both.
pairs() {
    texts "$1" | grep -F "$2" | grep -qF "$3"
}

for log in "$shared"/data/traffic/day-*.conn.log; do
    day=$(basename "$log" .conn.log)
    data=$work/$day
    sent=0
    fl_start_service "${three_locations[@]}"
    ok $? "$day: the service starts"
    replay_as v5 127.0.0.1 "$log" && replay_as v9 127.0.0.2 "$log" && replay_as ipfix 127.0.0.3 "$log"
    ok $? "$day: replayed in three dialects"
    fl_wait_stored "$sent" 60
    ok $? "$day: all $sent records are stored (stored: $(fl_stored))"
    check "$day: mined" "$flowlore" mine --all --data "$data"
    for l in paris london tokyo; do
        rules "$l" >"$work/rules.$l"
    done
    if [ "$day" != day-008 ]; then # a day of scans, on which nothing keeps happening together ten times
        [ -s "$work/rules.paris" ]
        ok $? "$day: there are rules"
    fi
    check "$day: NetFlow v9 gives the rules of v5" diff "$work/rules.paris" "$work/rules.london"
    check "$day: IPFIX gives the rules of v5" diff "$work/rules.paris" "$work/rules.tokyo"
    if [ "$day" = day-011 ]; then
        pairs paris 17.253.52.125 17.253.52.253
        ok $? "$day: two time servers asked in step"
        pairs paris 34.225.190.52 65.9.94.12
        ok $? "$day: two servers of one service contacted together"
    fi
    fl_stop_service
    ok $? "$day: the service ends"
done
tap_done || { show_service_log; exit 1; }
