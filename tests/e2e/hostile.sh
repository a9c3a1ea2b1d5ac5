#!/bin/bash
# Tens of thousands of mutated datagrams from several ports beside a good exporter: the service lives, stores
# every record of the good one, counts every datagram, says little and stays small.
. "${srcdir:-.}/tests/e2e/lib.sh"

pelt=$here/tests/e2e/pelt
seeds=$srcdir/tests/fuzz/seeds/decode
sound=("$seeds"/v9 "$seeds"/v9-[dero]* "$seeds"/ipfix "$seeds"/ipfix-[lrw]* "$seeds"/v5) # mutated most often
most_log_lines=60
most_kib=$((256 << 10))
grep -q __asan_init "$flowlored" && most_kib=$((512 << 10)) # the sanitizer keeps what was freed

# stopped PATTERN: the number before it in the service's last words.
stopped() {
    grep 'stopped: ' "$service_log" | tail -n 1 | grep -oE "[0-9]+ $1" | head -n 1 | tr -cd '0-9\n'
}

# in_sessions KEY: its sum over all sessions.
in_sessions() {
    "$flowlore" status --json --data "$data" | tr '{}' '\n\n' | grep '"unknown_template"' | grep '"address"' |
        grep -oE "\"$1\": *[0-9]+" | tr -cd '0-9\n' | awk '{ n += $1 } END { print n + 0 }'
}

alive() {
    kill -0 "$service_pid" 2>/dev/null
}

stored_of() {
    "$flowlore" flows --location "$1" --json --limit 100000000 --data "$data" | grep -c .
}

fl_start_service --location good=127.0.0.2/32 --location street=127.0.0.1/32
ok $? "the service starts"

PELT_TO=127.0.0.1:$port PELT_PORTS=16 PELT_RATE=4000 PELT_REPORT=$work/pelted \
    "$pelt" -n 20000 -s 2026 "$seeds" "${sound[@]}" "${sound[@]}" >"$work/pelt.log" 2>&1 &
pelting=$!
datagrams=0
for form in v9 ipfix v5; do
    report=$("$flowgen" --as $form --source 127.0.0.2 --to "127.0.0.1:$port" --rate 1000 --hours 2 --hosts 60 --only-v4)
    ok $? "the good exporter sends $form: $report"
    [[ $report =~ sent\ ([0-9]+)\ records\ in\ ([0-9]+)\ datagrams ]]
    sent=$((sent + BASH_REMATCH[1]))
    datagrams=$((datagrams + BASH_REMATCH[2]))
done
wait "$pelting"
ok $? "the mutated datagrams are sent"
pelted=$(cat "$work/pelted")
[ "${pelted:-0}" -ge 20000 ]
ok $? "there are tens of thousands of them ($pelted)"
alive
ok $? "the service lives"

# What waits is 2 s from its boot time at most; figures are stored every 2 s.
sleep 5
alive && kib=$(awk '/^VmHWM/ { print $2 }' "/proc/$service_pid/status")
[ "${kib:-999999999}" -le "$most_kib" ]
ok $? "its memory stays bounded (${kib:-?} KiB at most, $most_kib allowed)"
fl_stop_service
ok $? "it stops with exit 0"

stored=$(stored_of good)
[ "$stored" -eq "$sent" ]
ok $? "every record of the good exporter is stored (have $stored, sent $sent)"
received=$(stopped datagrams)
lost=$(stopped 'dropped by the kernel')
[ $((received + lost)) -eq $((pelted + datagrams)) ] && [ "$lost" -eq 0 ]
ok $? "every datagram is counted (have $received, sent $((pelted + datagrams)), lost $lost)"
malformed=$(stopped malformed)
[ "$malformed" -gt 0 ] && [ "$malformed" -lt "$pelted" ]
ok $? "some were malformed, not all ($malformed)"
packets=$(in_sessions packets)
in_none=$((received - packets)) # of no session: too short, unknown version
[ "$in_none" -gt 0 ] && [ "$in_none" -le "$malformed" ] &&
    [ $((in_none + $(in_sessions malformed))) -ge "$malformed" ]
ok $? "each stands in a session's figures or is malformed ($packets in sessions, $in_none in none)"
lines=$(wc -l <"$service_log")
[ "$lines" -le "$most_log_lines" ]
ok $? "the log stays short ($lines lines, $most_log_lines allowed)"
tap_done || { show_service_log; exit 1; }
