#!/bin/bash
# flowgen's own command line: what it writes is what it says, and what it cannot do it refuses with status 2.
srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
flowgen=$(pwd)/tests/generate/flowgen
[ -x "$flowgen" ] || { echo "Bail out! $flowgen is not built: run make first"; exit 99; }
work=$(mktemp -d "${TMPDIR:-/tmp}/flowgen.XXXXXX") || exit 99
trap 'rm -rf "$work"' EXIT
small=(--hours 1 --hosts 60)

# refuses NAME OPTION...
refuses() {
    local name=$1
    shift
    "$flowgen" "$@" >"$work/out" 2>&1
    [ $? -eq 2 ] && grep -q flowgen "$work/out"
    ok $? "refuses $name"
}

for form in v5 v9 ipfix; do
    said=$("$flowgen" "${small[@]}" --as "$form" --write "$work/$form")
    read -r _ _ _ _ datagrams _ bytes _ <<<"$said"
    [ "$(wc -c <"$work/$form")" -eq $((bytes + 2 * datagrams)) ]
    ok $? "$form: the file holds what was said: $said"
    "$flowgen" "${small[@]}" --as "$form" --write "$work/again" >/dev/null
    check "$form: the same options give the same bytes" cmp "$work/$form" "$work/again"
done
"$flowgen" "${small[@]}" --seed 2 --as v5 --write "$work/again" >/dev/null
! cmp -s "$work/v5" "$work/again"
ok $? "another seed gives another day"
"$flowgen" --truth --without tor "${small[@]}" >"$work/truth"
[ -s "$work/truth" ] && ! grep -q '^tor' "$work/truth"
ok $? "a pattern left out is not in the truth"
cut -f2 "$work/truth" | sort -u | tr '\n' ' ' | grep -q '^decoy follows planted $'
ok $? "the truth tells what is planted, what follows from it, and what is a decoy"
awk -F'\t' '($2 == "follows") != ($5 != "")' "$work/truth" >"$work/out"
[ ! -s "$work/out" ]
ok $? "what follows has a reason"

# records OPTION...: how many records are sent
records() {
    "$flowgen" "${small[@]}" "$@" --write "$work/again" | awk '/^sent/ { print $2 }'
}
all=$(records)
some=$(records --sampling 100)
[ "$some" -gt 100 ] && [ "$some" -lt $((all / 3)) ]
ok $? "one packet in 100 makes $some records of $all"
core=$(records --at core)
border=$(records --at border)
[ "$core" -lt "$all" ] && [ "$border" -lt "$all" ] && [ $((core + border)) -gt "$all" ]
ok $? "core and border routers overlap: $core and $border of $all"
[ "$(records --active 10000)" -gt "$all" ]
ok $? "a shorter active timeout makes more records"
"$flowgen" "${small[@]}" --loss 100 --write "$work/again" | grep -q 'datagrams were lost' && [ ! -s "$work/again" ]
ok $? "what is lost is not written"
"$flowgen" "${small[@]}" --clock -10000 --write "$work/again" >/dev/null && ! cmp -s "$work/ipfix" "$work/again"
ok $? "a clock that is behind changes the export"
refuses "a place that is none" --at home --truth
refuses "a sampling beyond v5's fourteen bits" --sampling 16384 --truth
refuses "a loss of more than all" --loss 101 --truth
refuses "a clock that is off by a day" --clock 86400000 --truth
refuses "nothing to do"
refuses "an unknown option" --frobnicate
refuses "an unknown pattern" --without frobnicate --truth
refuses "an unknown form" --as v8 --truth
refuses "too many hours" --hours 169 --truth
refuses "too few hosts" --hosts 1 --truth
refuses "a negative rate" --rate -1 --truth
refuses "a time that is none" --start yesterish --truth
refuses "a destination without a port" "${small[@]}" --to 127.0.0.1
refuses "a destination that is only a colon" "${small[@]}" --to :
refuses "a source that is no address" "${small[@]}" --to 127.0.0.1:9 --source here
"$flowgen" "${small[@]}" --write "$work/no/such/file" >"$work/out" 2>&1
[ $? -eq 1 ] && grep -q no/such/file "$work/out"
ok $? "a file that cannot be written is named"
tap_done
