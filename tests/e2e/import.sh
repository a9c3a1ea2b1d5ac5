#!/bin/bash
# Recorded flows: what is imported is what the service stores when the same is sent to it, once and not twice, however
# often and however rudely interrupted, also beside a running service.
. "${srcdir:-.}/tests/e2e/lib.sh"

mkpcap=$here/tests/e2e/mkpcap
[ -x "$mkpcap" ] || { echo "Bail out! $mkpcap is not built"; exit 99; }

# flows_of DIRECTORY LOCATION: every flow as a line, without what differs by where it was sent from.
flows_of() {
    "$flowlore" flows --data "$1" --location "$2" --limit 0 --json |
        sed -E 's/"(location|exporter)":"[^"]*",//g' | sort
}

# count DIRECTORY: how many flows are stored.
count() {
    "$flowlore" sql --data "$1" --json 'SELECT count(*) n FROM flows' 2>/dev/null | tr -cd '0-9'
}

import() {
    timeout 120 "$flowlore" import --data "$@"
}

# make FORM HOURS OPTION...: datagrams, a capture and messages end to end: $work/FORM.{datagrams,pcap,dat}
make_recording() {
    local form=$1 hours=$2
    shift 2
    "$flowgen" --as "$form" --hours "$hours" --hosts 60 --write "$work/$form.datagrams" >/dev/null &&
        "$mkpcap" "$@" "$work/$form.datagrams" "$work/$form.pcap" &&
        "$mkpcap" --raw "$work/$form.datagrams" "$work/$form.dat"
}

# ---- the service's own doing, by replay ----
for form in v5 v9 ipfix; do
    make_recording $form 1
    ok $? "$form: a recording is made"
done
data=$work/service
fl_start_service "${three_locations[@]}"
ok $? "the service starts"
total=0
while read -r form source; do
    output=$(timeout 60 "$flowlore" replay "$work/$form.pcap" --to "127.0.0.1:$port" --speed max --rate 3000 --source "$source")
    grep -q "^sent .* datagrams of 1 sender" <<<"$output"
    ok $? "$form: replayed ($output)"
done <<END
v5 127.0.0.1
v9 127.0.0.2
ipfix 127.0.0.3
END
for form in v5 v9 ipfix; do
    import "$work/$form" "$work/$form.pcap" >"$work/report.$form" 2>&1
    ok $? "$form: imported"
    total=$((total + $(count "$work/$form")))
done
fl_wait_stored "$total" 60
ok $? "the service stored as many records as were imported: $total"
fl_stop_service
ok $? "the service ends"
while read -r form location; do
    flows_of "$work/service" "$location" >"$work/served"
    flows_of "$work/$form" default >"$work/imported"
    [ -s "$work/served" ]
    ok $? "$form: there is something to compare"
    check "$form: imported is what the service stored" cmp "$work/served" "$work/imported"
done <<END
v5 paris
v9 london
ipfix tokyo
END
grep -qE ': [0-9,]+ datagrams of 1 exporter, [0-9,]+ flows from 2024-03-05 00:00 to 2024-03-05 [0-9:]+ \(UTC\) at default; [0-9,]+ stored, 0 already there$' "$work/report.ipfix"
ok $? "the report says what was found"
grep -q 'flowlore mine --location default --from 2024-03-05T00:00:00Z --to ' "$work/report.ipfix"
ok $? "and how to mine it"
! grep -qE 'malformed|template' "$work/report.ipfix"
ok $? "nothing is malformed"

# ---- other forms of the same ----
flows_of "$work/ipfix" default >"$work/wanted"
same() { # same NAME FILE OPTION...
    local name=$1 file=$2
    shift 2
    rm -rf "$work/other"
    import "$work/other" "$@" "$file" >"$work/report" 2>&1
    ok $? "$name is imported"
    flows_of "$work/other" "${location:-default}" >"$work/got"
    check "$name gives the same flows" cmp "$work/wanted" "$work/got"
}
"$mkpcap" --mtu 576 "$work/ipfix.datagrams" "$work/fragments.pcap"
same "a capture of fragments" "$work/fragments.pcap"
gzip -c "$work/ipfix.pcap" >"$work/packed"
same "a compressed capture" "$work/packed"
same "messages end to end" "$work/ipfix.dat"
gzip -c "$work/ipfix.dat" >"$work/packed.dat"
same "compressed messages" "$work/packed.dat"
location=oslo same "the location given" "$work/ipfix.pcap" --location oslo
cat "$work/ipfix.pcap" | import "$work/piped" - >"$work/report" 2>&1
ok $? "standard input is imported"
flows_of "$work/piped" default >"$work/got"
check "standard input gives the same flows" cmp "$work/wanted" "$work/got"

# ---- once ----
n=$(count "$work/ipfix")
exits 0 "a second time, all is there already" "; 0 stored, [0-9,]+ already there" \
    "$flowlore" import --data "$work/ipfix" "$work/ipfix.pcap"
exits 0 "compressed, it is the same capture" "; 0 stored, [0-9,]+ already there" \
    "$flowlore" import --data "$work/ipfix" "$work/packed"
[ "$(count "$work/ipfix")" = "$n" ]
ok $? "the store has not grown"

# A large one, which is stored in several commits, ended once the first of them has begun.
sums_of() {
    "$flowlore" sql --data "$1" "SELECT count(*), sum(start_ms % 1000003), sum(end_ms % 1000003), sum(src_port),
        sum(dst_port), sum(packets), sum(bytes), count(DISTINCT src), count(DISTINCT dst) FROM flows"
}

# stop_import SIGNAL DIR: start an import, end it when it has made its second bucket; its status.
stop_import() {
    local pid
    "$flowlore" import --data "$2" "$work/large.pcap" >"$work/report" 2>&1 &
    pid=$!
    while [ "$(find "$2/flows" -name '*.db' 2>/dev/null | wc -l)" -lt 2 ]; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.01
    done
    kill -"$1" "$pid" 2>/dev/null
    wait "$pid"
} 2>/dev/null

# partly DIR: it holds some of the recording, but not all.
partly() {
    n=$(count "$1")
    [ "${n:-0}" -gt 0 ] && [ "$n" -lt "$whole" ]
}

"$flowgen" --as ipfix --hours 24 --hosts 600 --write "$work/large.datagrams" >/dev/null &&
    "$mkpcap" "$work/large.datagrams" "$work/large.pcap"
ok $? "a larger recording is made"
import "$work/whole" "$work/large.pcap" >/dev/null
ok $? "it is imported without interruption"
whole=$(count "$work/whole")
sums_of "$work/whole" >"$work/wanted"
stop_import KILL "$work/killed"
[ $? -eq 137 ] && partly "$work/killed"
ok $? "one is ended with -9 in the middle ($n of $whole)"
stop_import KILL "$work/killed"
[ $? -eq 137 ]
ok $? "and another while it passes over what is there"
import "$work/killed" "$work/large.pcap" >"$work/report"
ok $? "the last one goes to its end"
sums_of "$work/killed" >"$work/got"
check "after all of them, everything is there once" cmp "$work/wanted" "$work/got"
stop_import INT "$work/asked"
[ $? -eq 1 ] && grep -q 'stopped; what is stored stays' "$work/report"
ok $? "Ctrl-C stops one, which says so"
partly "$work/asked"
ok $? "and keeps what it had ($n of $whole)"
import "$work/asked" "$work/large.pcap" >/dev/null 2>&1
sums_of "$work/asked" >"$work/got"
check "after Ctrl-C too, everything is there once" cmp "$work/wanted" "$work/got"

# ---- beside a running service ----
data=$work/beside
fl_start_service
ok $? "a service starts"
sent=0
send ipfix 127.0.0.1 --hours 1 --hosts 60 --seed 2 &
sender=$!
output=$(import "$data" "$work/ipfix.pcap")
ok $? "an import beside it"
grep -q 'flowlored runs on' <<<"$output"
ok $? "which says so"
wait $sender
send ipfix 127.0.0.1 --hours 1 --hosts 60 --seed 3
"$flowgen" --as ipfix --hours 1 --hosts 60 --seed 2 --write "$work/second" >"$work/written"
written=$(sed -n 's/^sent \([0-9]*\) .*/\1/p' "$work/written")
fl_wait_stored "$((sent + written))" 60
ok $? "the service stored what was sent to it"
import "$data" "$work/ipfix.pcap" >/dev/null
fl_stop_service
ok $? "the service ends"
flows_of "$work/ipfix" default >"$work/wanted"
flows_of "$data" default >"$work/got"
[ "$(wc -l <"$work/got")" -eq $(($(wc -l <"$work/wanted") + sent + written)) ]
ok $? "both are stored, once"
[ -z "$(comm -23 "$work/wanted" "$work/got")" ]
ok $? "everything that was imported is there"

# ---- locations ----
cat >"$work/locations.yaml" <<END
locations:
  - name: lyon
    prefixes: [192.0.2.0/24]
    sampling: 100
END
"$mkpcap" --from 192.0.2.7 "$work/v5.datagrams" "$work/lyon.pcap"
exits 0 "an exporter belongs where the configuration puts it" ' at lyon; ' \
    "$flowlore" import --data "$work/lyon" --config "$work/locations.yaml" "$work/lyon.pcap"
"$flowlore" flows --data "$work/lyon" --limit 1 --json 2>/dev/null |
    grep -q '"exporter":"192.0.2.7".*"sampling":100,'
ok $? "its address is kept, and the sampling configured there holds"
exits 0 "one that no location holds is named, with the remedy" 'of 127.0.0.1 left out: no location holds.*--location NAME' \
    "$flowlore" import --data "$work/lyon" --config "$work/locations.yaml" "$work/v5.pcap"
exits 0 "which helps" ' at nice; [1-9][0-9,]* stored' \
    "$flowlore" import --data "$work/lyon" --config "$work/locations.yaml" --location nice "$work/v5.pcap"

# ---- older than what is kept ----
printf '%s\n' '#separator \x09' '#fields	ts	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto' \
    '1655071198.4	10.0.0.1	1	10.0.0.2	2	udp' >"$work/old.log"
exits 0 "flows that the retention would remove: said" 'warning: nice has flows of 2024-.*keeps 30d before the newest' \
    "$flowlore" import --data "$work/lyon" --location nice "$work/old.log"

# ---- captures in a row: the templates, which come every 20 datagrams, are in the first ----
"$mkpcap" --take 10 "$work/ipfix.datagrams" "$work/whole.pcap" &&
    "$mkpcap" --take 1 "$work/ipfix.datagrams" "$work/first.pcap" &&
    "$mkpcap" --skip 1 --take 9 "$work/ipfix.datagrams" "$work/rest.pcap"
ok $? "a capture is made, and its parts"
import "$work/row.whole" "$work/whole.pcap" >/dev/null
flows_of "$work/row.whole" default >"$work/wanted"
exits 0 "a capture without its templates lacks flows" ', 0 flows; .* 9 sets without template' \
    "$flowlore" import --data "$work/row" "$work/rest.pcap"
output=$(import "$work/row" "$work/first.pcap" "$work/rest.pcap" 2>&1)
ok $? "two captures in a row"
! grep -q 'without template' <<<"$output"
ok $? "the first one's templates serve the second"
flows_of "$work/row" default >"$work/got"
check "they give the flows of the whole" cmp "$work/wanted" "$work/got"
exits 0 "the second alone has nothing new" '; 0 stored, ' "$flowlore" import --data "$work/row" "$work/rest.pcap"
exits 0 "nor have both once more" 'rest.pcap: .*; 0 stored, [1-9][0-9]* already there' \
    "$flowlore" import --data "$work/row" "$work/first.pcap" "$work/rest.pcap"

# A capture that lacks templates at first, for longer than data waits for them (300 s), and has them later: imported
# on its own, then behind the one before it.
"$flowgen" --as ipfix --hours 1 --hosts 60 --only-v4 --write "$work/v4.datagrams" >/dev/null &&
    "$mkpcap" --gap 100 --take 60 "$work/v4.datagrams" "$work/whole.pcap" &&
    "$mkpcap" --gap 100 --take 1 "$work/v4.datagrams" "$work/first.pcap" &&
    "$mkpcap" --gap 100 --skip 1 --take 59 "$work/v4.datagrams" "$work/rest.pcap"
ok $? "a capture that spans hours is made, and its parts"
import "$work/long.whole" "$work/whole.pcap" >/dev/null
flows_of "$work/long.whole" default >"$work/wanted"
exits 0 "alone, the second part lacks some" ', [1-9][0-9]* flows .*; [1-9][0-9]* stored, .* [1-9][0-9]* sets without template' \
    "$flowlore" import --data "$work/long" "$work/rest.pcap"
exits 0 "behind the first one, it is completed" 'rest.pcap: .*; [1-9][0-9]* stored, [1-9][0-9]* already there' \
    "$flowlore" import --data "$work/long" "$work/first.pcap" "$work/rest.pcap"
flows_of "$work/long" default >"$work/got"
check "and holds every flow, once" cmp "$work/wanted" "$work/got"
exits 0 "once more, nothing is new" 'rest.pcap: .*; 0 stored, ' \
    "$flowlore" import --data "$work/long" "$work/first.pcap" "$work/rest.pcap"

# ---- files that are not as they should be ----
"$mkpcap" --snaplen 200 "$work/ipfix.datagrams" "$work/snap.pcap"
exits 0 "packets captured in part are counted, with the remedy" 'captured only in part.*tcpdump -s 0' \
    "$flowlore" import --data "$work/odd" "$work/snap.pcap"
"$mkpcap" --mtu 576 --snaplen 560 "$work/ipfix.datagrams" "$work/holes.pcap"
exits 0 "fragments captured in part are too" 'captured only in part|want of fragments' \
    "$flowlore" import --data "$work/odd" "$work/holes.pcap"
head -c 100000 "$work/ipfix.pcap" >"$work/cut.pcap"
exits 1 "a capture that ends in a packet is said to" 'cut.pcap: cannot be read on after [0-9]+ packets' \
    "$flowlore" import --data "$work/cut" "$work/cut.pcap"
[ "$(count "$work/cut")" -gt 0 ]
ok $? "what came before the end is stored"
head -c 100000 "$work/packed" >"$work/cut.gz"
exits 1 "gzip data that are cut short are refused whole" 'gzip data are cut short; nothing of it was taken' \
    "$flowlore" import --data "$work/cutgz" "$work/cut.gz"
[ "$(count "$work/cutgz")" = 0 ] || [ ! -d "$work/cutgz/flows/default" ]
ok $? "nothing of them is stored"
: >"$work/empty"
echo 'hello, this is a letter' >"$work/letter"
exits 1 "one bad file does not stop the others" ' at default; [1-9][0-9,]* stored' \
    "$flowlore" import --data "$work/three" "$work/empty" "$work/letter" "$work/absent" "$work/v5.pcap"
exits 1 "an empty file is named" 'empty is empty' "$flowlore" import --data "$work/three" "$work/empty"
exits 1 "a letter is none of these" 'letter is none of the files' "$flowlore" import --data "$work/three" "$work/letter"
exits 1 "an absent file is named" 'absent: No such file' "$flowlore" import --data "$work/three" "$work/absent"
exits 1 "a directory is named" 'is a directory' "$flowlore" import --data "$work/three" "$work"
exits 2 "a location's name is checked" 'no location' "$flowlore" import --data "$work/three" --location ../x "$work/v5.pcap"
"$flowlore" import --data "$work/three" --json "$work/v5.pcap" "$work/letter" 2>/dev/null >"$work/json"
[ "$(wc -l <"$work/json")" -eq 2 ] && grep -q '"stored":0,"already_there":[1-9][0-9]*,.*"complaints":\[\],"error":null' "$work/json" &&
    grep -q '"error":"[^"]*none of the files' "$work/json"
ok $? "--json prints an object a file"

# ---- replay: usage, pace and end ----
exits 2 "replay wants a target" 'needs --to' "$flowlore" replay "$work/v5.pcap"
exits 2 "a target is an address and a port" 'is not an address and a port' "$flowlore" replay "$work/v5.pcap" --to nowhere
exits 2 "a speed is a number or max" 'is no speed' "$flowlore" replay "$work/v5.pcap" --to 127.0.0.1:9 --speed fast
exits 2 "source and target are of one family" 'not of one family' \
    "$flowlore" replay "$work/v5.pcap" --to 127.0.0.1:9 --source ::1
exits 1 "flows are no datagrams" 'use flowlore import' "$flowlore" replay "$work/json" --to 127.0.0.1:9
fl_free_port
exits 0 "nobody listens: said" 'nobody listens at 127.0.0.1' \
    "$flowlore" replay "$work/v5.pcap" --to "127.0.0.1:$port" --speed max
timeout --foreground -s INT 2 "$flowlore" replay "$work/v5.pcap" --to "127.0.0.1:$port" >"$work/report" 2>&1
grep -q '^sent ' "$work/report" && grep -q 'stopped before the end' "$work/report"
ok $? "at the recorded pace an hour lasts longer than two seconds; Ctrl-C ends it"
tap_done || { show_service_log; exit 1; }
