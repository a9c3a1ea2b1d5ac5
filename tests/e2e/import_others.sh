#!/bin/bash
# Files of others: nfcapd's hold what flowlore stores of the same datagrams; Zeek's logs of real days are mined to the
# rules of the same days exported by a router; captures of real exporters are read to their end.
. "${srcdir:-.}/tests/e2e/lib.sh"

# ---- nfcapd ----

# flows_in DIRECTORY: every flow, without what nfcapd does not keep.
flows_in() {
    "$flowlore" sql --data "$1" --csv "SELECT exporter, start, end, src, dst, src_port, dst_port, protocol, tcp_flags,
        packets, bytes, in_if, out_if, tos, sampling FROM flows" | sort
}

nfcapd=$(command -v nfcapd || echo /usr/bin/nfcapd)
if [ -x "$nfcapd" ] && command -v nfdump >/dev/null 2>&1; then
    fl_free_port
    mkdir "$work/nfcapd"
    "$nfcapd" -b 127.0.0.1 -p "$port" -w "$work/nfcapd" -t 86400 -y -P "$work/nfcapd.pid" >"$work/nfcapd.log" 2>&1 &
    for ((i = 0; i < 100; i++)); do
        fl_listening "$port" && break
        sleep 0.1
    done
    nfcapd_port=$port
    "$flowgen" --as ipfix --hours 1 --hosts 60 --to "127.0.0.1:$port" --rate 1500 >"$work/written"
    ok $? "a day is sent to nfcapd"
    sleep 1
    kill "$(cat "$work/nfcapd.pid")"
    wait
    file=$(echo "$work"/nfcapd/nfcapd.2*)
    written=$(sed -n 's/^sent \([0-9]*\) .*/\1/p' "$work/written")
    exits 0 "its file is imported" ": [0-9,]+ records of 1 exporter, .* at default; [0-9,]+ stored, 0 already there" \
        "$flowlore" import --data "$work/nf" "$file"
    unset port
    data=$work/service
    fl_start_service
    ok $? "the service starts"
    sent=0
    send ipfix 127.0.0.1 --hours 1 --hosts 60
    fl_wait_stored "$written" 60
    ok $? "the same day is sent to flowlored"
    fl_stop_service
    flows_in "$work/nf" >"$work/imported"
    flows_in "$data" >"$work/served"
    [ "$(wc -l <"$work/served")" -gt "$written" ]
    ok $? "there is something to compare"
    check "both hold the same flows, to the millisecond" cmp "$work/served" "$work/imported"
    exits 0 "a second time, all is there already" "; 0 stored, [0-9,]+ already there" \
        "$flowlore" import --data "$work/nf" "$file"
    exits 0 "from standard input too" "; 0 stored, [0-9,]+ already there" \
        sh -c "cat '$file' | '$flowlore' import --data '$work/nf' -"
    head -c 100000 "$file" >"$work/cut"
    exits 1 "a file that is cut short: nfdump's words" "cut: nfdump says: " "$flowlore" import --data "$work/nf2" "$work/cut"
    exits 1 "without nfdump its package is named" "nfdump, which is not installed: apt install nfdump" \
        env PATH=/nowhere "$flowlore" import --data "$work/nf2" "$file"
else
    skip "nfcapd's files" "nfcapd and nfdump are not installed"
fi

# ---- Zeek ----

# to_json: conn.log in TSV, as JSON lines.
to_json() {
    awk -F'\t' '
        $1 == "#fields" { for (i = 2; i <= NF; i++) name[i - 1] = $i }
        /^#/ { next }
        {
            line = ""
            for (i = 1; i <= NF; i++)
                if ($i != "-" && $i != "(empty)" && name[i] !~ /label|parents/)
                    line = line (line == "" ? "" : ",") "\"" name[i] "\":" \
                        ($i ~ /^[0-9.]+$/ && name[i] !~ /_h$/ ? $i : "\"" $i "\"")
            print "{" line "}"
        }'
}

# rule_texts DIRECTORY LOCATION
rule_texts() {
    "$flowlore" rules --data "$1" --location "$2" --status all --json | grep -o '"rule": *"[^"]*"' | sort
}

replay=$shared/tools/flowexport.py
if [ -f "$replay" ] && [ -d "$shared/data/traffic" ] && command -v python3 >/dev/null 2>&1; then
    for log in "$shared"/data/traffic/day-*.conn.log; do
        day=$(basename "$log" .conn.log)
        data=$work/$day
        unset port
        exits 0 "$day: imported" ' connections, .* at zeek; [1-9][0-9,]* stored' \
            "$flowlore" import --data "$data" --location zeek "$log"
        fl_start_service
        ok $? "$day: the service starts"
        report=$(python3 "$replay" "$log" --to "127.0.0.1:$port" --as ipfix --per-second 4000)
        fl_wait_stored "${report%% *}" 60
        ok $? "$day: its export is stored"
        fl_stop_service
        check "$day: mined" "$flowlore" mine --all --data "$data"
        rule_texts "$data" zeek >"$work/rules.zeek"
        rule_texts "$data" default >"$work/rules.default"
        if [ "$day" != day-008 ]; then # a day of scans, on which nothing keeps happening together ten times
            [ -s "$work/rules.zeek" ]
            ok $? "$day: there are rules"
        fi
        check "$day: the rules of the log are those of the export" diff "$work/rules.zeek" "$work/rules.default"
        to_json <"$log" | gzip >"$work/json.gz"
        "$flowlore" import --data "$work/json.$day" --location zeek "$work/json.gz" >/dev/null
        "$flowlore" flows --data "$data" --location zeek --limit 0 --json | sort >"$work/tsv"
        "$flowlore" flows --data "$work/json.$day" --limit 0 --json | sort >"$work/json"
        check "$day: JSON gives the flows of TSV" cmp "$work/tsv" "$work/json"
    done
else
    skip "real days" "the shared data is not at $shared"
fi
printf '%s\n' '#separator \x09' '#unset_field	-' '#fields	ts	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto' \
    '1655071198.4	10.0.0.1	1	10.0.0.2	2	udp' '1655071198.4	10.0.0.1	1' '1655071199.4	10.0.0.1	1	10.0.0.2	3	udp' >"$work/conn.log"
exits 0 "a wrong line is named and costs that line" '^flowlore: .*conn.log:5: it has 3 columns where #fields names 6' \
    "$flowlore" import --data "$work/lines" "$work/conn.log"
"$flowlore" import --data "$work/lines" "$work/conn.log" 2>/dev/null | grep -q '2 connections, 2 flows .*; 0 stored, 2 already there; 1 malformed'
ok $? "the others are stored"
printf '%s\n' '#separator \x09' '#fields	ts	uid	query' >"$work/dns.log"
exits 1 "another log is told apart" "dns.log: line 2: .*not Zeek's conn.log" "$flowlore" import --data "$work/lines" "$work/dns.log"

printf '%s\n' '{"ts":1.5,"id.orig_h":"10.0.0.5","id.orig_p":5,"id.resp_h":"10.0.0.6","id.resp_p":53,"proto":"udp","query":"x"}' >"$work/dns.json"
exits 1 "in JSON too" "dns.json: no line of it is a connection" "$flowlore" import --data "$work/lines" "$work/dns.json"

# ---- captures of real exporters ----
if [ -d "$shared/data/exports" ]; then
    for file in "$shared"/data/exports/*.pcap "$shared/data/exports/netflow5.dat" "$shared/data/exports/ipfix.dat"; do
        name=$(basename "$file")
        exits 0 "$name: imported" ' datagrams.*[1-9][0-9]* flows .* at default; [1-9][0-9,]* stored, 0 already there$' \
            "$flowlore" import --data "$work/exports" "$file"
        exits 0 "$name: once" ' at default; 0 stored, ' "$flowlore" import --data "$work/exports" "$file"
    done
    row=()
    for file in "$shared"/data/exports/*_tpl*.dat "$shared"/data/exports/*data*.dat; do
        row+=("$file")
    done
    "$flowlore" import --data "$work/rows" --json "${row[@]}" >"$work/rows.json" 2>/dev/null
    [ "$(wc -l <"$work/rows.json")" -eq ${#row[@]} ] && ! grep -q '"error":"' "$work/rows.json"
    ok $? "payloads in files of their own: templates first, then data: ${#row[@]} files"
else
    skip "captures of real exporters" "the shared data is not at $shared"
fi
tap_done || { show_service_log; exit 1; }
