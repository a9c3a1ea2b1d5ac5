#!/bin/bash
# Three real days, one after the other, each of another host of one network, mined every hour as the service
# does it: what an operator is told on the first, second and third day. The first day is learned from.
# fortnight_days.sh --table prints it.
. "${srcdir:-.}/tests/e2e/lib.sh"

logs=$shared/data/traffic
[ -d "$logs" ] || skip_all "the shared data is not at $shared"
start=1655071200 # 2022-06-12T22:00:00Z: the days begin at midnight in Prague
printf 'learning: 24h\n' >"$work/config.yaml"

# import_day LOG DAYS: its connections, moved by so many days.
import_day() {
    awk -F'\t' -v by=$(($2 * 86400)) -v start=$start 'BEGIN { OFS = "\t" }
        /^#/ { print; next }
        { $1 = sprintf("%.6f", $1 + by); if ($1 >= start) print }' "$logs/$1" >"$work/$1"
    "$flowlore" import --location campus "$work/$1" --data "$data" >/dev/null
}

at() {
    date -u -d "@$((start + $1 * 3600))" +%Y-%m-%dT%H:%M:%SZ
}

# mine_until HOUR: the run of that hour, and which alerts are open then that were not, behind the day's number.
seen=0
mine_until() {
    "$flowlore" mine --from "$(at $(($1 - 24)))" --to "$(at "$1")" --config "$work/config.yaml" --data "$data" \
        >/dev/null || return 1
    "$flowlore" alerts --json --data "$data" | sed -nE 's/^\{"id": ?([0-9]+),/\1 &/p' | while read -r id alert; do
        [ "$id" -gt "$seen" ] && echo "$id $((($1 + 23) / 24)) $alert"
    done >"$work/new"
    cat "$work/new" >>"$work/told"
    seen=$(awk -v seen="$seen" '$1 > seen { seen = $1 } END { print seen }' "$work/new")
}

# told DAY: how many alerts it brought.
told() {
    awk -v day="$1" '$2 == day' "$work/told" | wc -l
}

# field NAME: of each alert on standard input.
field() {
    sed -E "s/.*\"$1\": ?\"?(([^\"\\\\,}]|\\\\.)*).*/\1/"
}

print_table() {
    local day id alert
    printf '%-5s  %-16s  %-6s %-9s %-6s %5s\n' day began kind grade severe rules
    while read -r id day alert; do
        printf 'day %s  %.10s %s  %-6s %-9s %-6s %5s\n' "$day" "$(field opened <<<"$alert")" \
            "$(field opened <<<"$alert" | cut -c12-16)" "$(field kind <<<"$alert")" \
            "$(field novelty <<<"$alert")" "$(field severity <<<"$alert")" "$(field rules <<<"$alert")"
        sed -E 's/.*"text": ?"(([^"\\]|\\.)*)".*/\1/; s/\\(.)/\1/g' <<<"$alert" | fold -s -w 104 | sed 's/^/    /; s/ *$//'
    done <"$work/told"
    echo "$(told 1), $(told 2) and $(told 3) alerts on the first, second and third day"
}

[ "$1" = --table ] && ok() { [ "$1" -eq 0 ] || { echo "$2: no" >&2; exit 1; }; }
import_day day-008.conn.log 0 && import_day day-010.conn.log 0 && import_day day-011.conn.log 2
ok $? "three days are imported"
bad=0
: >"$work/told"
for ((hour = 1; hour <= 72; hour++)); do
    mine_until "$hour" || bad=1
done
ok $bad "they are mined"
if [ "$1" = --table ]; then
    print_table
    exit 0
fi
[ "$(told 1)" -eq 0 ]
ok $? "the first day is learned without a word"
[ "$("$flowlore" sql --data "$data" --json "SELECT * FROM known_rules" | grep -c .)" -gt 0 ]
ok $? "though there was something to learn"
for day in 2 3; do
    [ "$(told $day)" -ge 1 ] && [ "$(told $day)" -le 10 ]
    ok $? "a host that was not there before makes up to ten alerts on day $day (it made $(told $day))"
done
[ -z "$(field rule <"$work/told" | sort | uniq -d)" ]
ok $? "none is told twice"
"$flowlore" rules --data "$data" --json | grep 17.253.52.125 | grep -q 17.253.52.253
ok $? "two time servers asked in step are among them"
tap_done
