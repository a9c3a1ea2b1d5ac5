#!/bin/bash
# The benchmark of reading back runs, finds its peer and prints every figure; what the figures are is not looked at.
. "${srcdir:-.}/tests/e2e/lib.sh"
"$srcdir/tests/bench/reading" --quick >"$work/said" 2>"$work/complaints"
ok $? "tests/bench/reading --quick runs"
figures='[0-9.]+ +([0-9.]+ +[0-9.]+x|- +-) +[0-9.]+'
for name in "scan, all fields" "SQL sum\(bytes\)" "SQL count\(\*\)" "SQL dst_port = 53"; do
    grep -qE "^$name +$figures goal [0-9]+ (PASS|MISS)\$" "$work/said"
    ok $? "${name//\\/}, with its goal"
done
for name in "scan, fields of mining" "scan, bytes" "SQL bytes of each source"; do
    grep -qE "^$name +$figures" "$work/said"
    ok $? "$name"
done
grep -qE '^one host, one hour: [1-9][0-9]* flows in [0-9.]+ ms, [1-9][0-9]* chunks opened' "$work/said"
ok $? "the point query"
exits 2 "a number that is none" 'number' "$srcdir/tests/bench/reading" --flows many
exits 2 "an unknown option" 'frobnicate' "$srcdir/tests/bench/reading" --frobnicate
exits 2 "readflows refuses what it does not know" 'Usage' "$here/tests/bench/readflows" /nowhere sideways
tap_done || sed 's/^/# /' "$work/said" "$work/complaints"
