#!/bin/bash
# Several receiving threads: every record of every exporter is stored exactly once, over IPv4 and IPv6, while
# the configuration changes; and what storing cannot keep up with is given up by number, not silently.
. "${srcdir:-.}/tests/e2e/lib.sh"
blast=$here/tests/bench/blast

# restart OPTION...: a service on fresh data.
restart() {
    fl_stop_service
    rm -rf "$data"
    : >"$service_log"
    fl_start_service "$@"
}

# figure WORDS: the number before these words in the last line of totals.
figure() {
    grep -E 'stopped: |statistics: ' "$service_log" | tail -n 1 | grep -oE "[0-9]+ $1" | grep -oE '^[0-9]+'
}

count_stored() {
    "$flowlore" sql "SELECT count(*) AS n FROM flows" --json --data "$data" | grep -oE "[0-9]+" | head -n 1
}

# record FORM OPTION...: into $work/FORM; the numbers of records and datagrams into $records and $datagrams.
record() {
    local form=$1 said
    shift
    said=$("$flowgen" --as "$form" --write "$work/$form" "$@") || return 1
    read -r _ records _ _ datagrams _ <<<"$said"
}

fl_free_port
printf 'receive-threads: 3\n' >"$work/three.yaml"
restart --config "$work/three.yaml" --listen "[::1]:$port"
ok $? "a service with three receiving threads"
sockets=$(cat /proc/net/udp /proc/net/udp6 | grep -c "$(printf ':%04X ' "$port")")
[ "$sockets" -eq 6 ]
ok $? "has a socket a thread and address (have $sockets, expect 6)"

expected=0
senders=()
for form in v5 v9 ipfix; do
    record $form --hours 1 --hosts 60 --only-v4
    "$blast" --file "$work/$form" --port "$port" --rate 1500 --sources 3 --ports 4 >/dev/null &
    senders+=($!)
    expected=$((expected + 12 * records))
done
"$blast" --file "$work/ipfix" --port "$port" --rate 500 --v6 --ports 4 >/dev/null &
senders+=($!)
expected=$((expected + 4 * records))
for seconds in 31 32 33 34; do
    printf 'receive-threads: 3\nactive-timeout: %ds\n' $seconds >"$work/three.yaml"
    kill -HUP "$service_pid"
    kill -USR1 "$service_pid"
    sleep 0.3
done
wait "${senders[@]}"
ok $? "forty exporters send in three dialects while the configuration is read again and again"
fl_stop_service
ok $? "the service ends with status 0"
[ "$(figure 'flows stored')" -eq "$expected" ]
ok $? "every record is stored ($(figure 'flows stored') of $expected)"
stored=$(count_stored)
[ "$stored" -eq "$expected" ]
ok $? "and stands in the store once ($stored of $expected)"
[ "$(grep -c 'configuration read again' "$service_log")" -ge 2 ]
ok $? "the configuration was read again meanwhile"
"$flowlore" status --json --data "$data" >"$work/status.json"
grep -q '"address": *"::1"' "$work/status.json" && grep -q '"address": *"127.1.0.3"' "$work/status.json"
ok $? "status lists exporters of both families"

if command -v sqlite3 >/dev/null 2>&1; then
    record v5 --hours 3 --hosts 300
    restart
    "$blast" --file "$work/v5" --port "$port" --rate 5000 >"$work/sent" # so that there are buckets
    fl_wait_stored "$records" 30
    { echo 'BEGIN IMMEDIATE;'; sleep 4.5; echo 'COMMIT;'; } | sqlite3 "$(ls "$data"/flows/*/20240305T00.db | head -n 1)" &
    holder=$!
    passes=$((600000 / records + 1))
    sleep 0.5
    "$blast" --file "$work/v5" --port "$port" --rate 60000 --ports 4 --passes $(((passes + 3) / 4)) >"$work/sent"
    read -r sent _ <"$work/sent"
    wait $holder
    fl_stop_service
    ok $? "storing that stands still for seconds ends nothing"
    sent=$((sent + datagrams))
    expected=$((sent / datagrams * records))
    dropped=$(figure 'dropped by the kernel')
    shed=$(figure 'flows shed by the queue')
    [ $(($(figure datagrams) + dropped)) -eq "$sent" ]
    ok $? "every datagram is counted, read or dropped ($(figure datagrams) and $dropped of $sent)"
    accounted=$(($(figure 'flows stored') + shed))
    [ "$shed" -gt 0 ] && { [ "$accounted" -eq "$expected" ] || [ "$dropped" -gt 0 -a "$accounted" -lt "$expected" ]; }
    ok $? "every record is stored or counted as shed ($(figure 'flows stored') and $shed of $expected)"
    grep -q 'gave up [0-9]* flow records because storing is behind' "$service_log"
    ok $? "and the log says so"
else
    skip "storing that stands still" "sqlite3 is not installed"
fi

printf 'receive-threads: 1\nreceive-buffer: 64KiB\n' >"$work/small.yaml"
restart --config "$work/small.yaml"
kill -STOP "$service_pid"
"$blast" --file "$work/v9" --port "$port" >"$work/sent"
kill -CONT "$service_pid"
read -r sent _ <"$work/sent"
for ((i = 0; i < 100; i++)); do
    grep -q 'the kernel dropped' "$service_log" && break
    sleep 0.1
done
grep -q 'the kernel dropped [0-9]* datagrams.*net.core.rmem_max' "$service_log"
ok $? "what the kernel dropped is said, with the remedy"
fl_stop_service
[ $(($(figure datagrams) + $(figure 'dropped by the kernel'))) -eq "$sent" ]
ok $? "and counted to the last ($(figure datagrams) and $(figure 'dropped by the kernel') of $sent)"

printf 'receive-threads: 1\n' >"$work/one.yaml"
restart --config "$work/one.yaml"
sleep 1
kill -STOP "$service_pid"
"$blast" --file "$work/v9" --port "$port" --passes 4 >"$work/sent"
kill -TERM "$service_pid"
kill -CONT "$service_pid"
fl_reap
ok $? "TERM while thousands of datagrams wait in the kernel"
read -r sent _ <"$work/sent"
[ "$sent" -gt 8192 ] && [ $(($(figure datagrams) + $(figure 'dropped by the kernel'))) -eq "$sent" ]
ok $? "all of them are read first ($(figure datagrams) and $(figure 'dropped by the kernel') dropped of $sent)"
tap_done || { show_service_log; exit 1; }
