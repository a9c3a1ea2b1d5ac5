#!/bin/bash
# A day goes in as three dialects, rules come out: the same at each location, the planted patterns and no
# decoy, and nothing novel once they are accepted.
. "${srcdir:-.}/tests/e2e/lib.sh"

day=(--hours 8 --hosts 100 --only-v4)

# astray KIND: pairs of the truth that are (decoy) or are not (planted) among the texts.
astray() {
    "$flowgen" --truth "${day[@]}" | awk -F'\t' -v kind="$1" '
        FILENAME != "-" { text[++n] = $0; next }
        $2 == kind {
            found = 0
            for (i = 1; i <= n && !found; i++) {
                x = index(text[i], $3)
                found = x && index(text[i], $4)
            }
            if (found != (kind == "planted")) print $1 ": " $3 " with " $4
        }' "$work/texts" -
}

fl_start_service "${three_locations[@]}"
ok $? "the service starts"
send v5 127.0.0.1 "${day[@]}" && send v9 127.0.0.2 "${day[@]}" && send ipfix 127.0.0.3 "${day[@]}"
ok $? "three routers export"
fl_wait_stored "$sent" 120
ok $? "all $sent records are stored (stored: $(fl_stored))"
check "everything is mined" "$flowlore" mine --all --data "$data"

for l in paris london tokyo; do
    rules "$l" >"$work/rules.$l"
    [ -s "$work/rules.$l" ]
    ok $? "there are rules at $l"
done
check "NetFlow v9 gives the rules of v5" diff "$work/rules.paris" "$work/rules.london"
check "IPFIX gives the rules of v5" diff "$work/rules.paris" "$work/rules.tokyo"

texts paris >"$work/texts"
for kind in planted decoy; do
    astray "$kind" >"$work/astray"
    [ ! -s "$work/astray" ]
    ok $? "$([ $kind = planted ] && echo every planted pair is found || echo no decoy is found)"
    head -n 10 "$work/astray" | sed 's/^/# /'
done

novel=$(count_novel)
[ "$novel" -gt 0 ]
ok $? "what is found is novel at first"
[ "$("$flowlore" alerts --json --data "$data" | grep -c .)" -gt 0 ]
ok $? "there are alerts"
check "everything is accepted" "$flowlore" accept --all --data "$data"
check "the day is mined again" "$flowlore" mine --all --data "$data"
[ "$(count_novel)" -eq 0 ]
ok $? "nothing is novel any more"
[ "$("$flowlore" alerts --json --data "$data" | grep -c .)" -eq 0 ]
ok $? "no alert is open any more"
fl_stop_service
ok $? "the service ends with exit 0 on TERM"
tap_done || { show_service_log; exit 1; }
