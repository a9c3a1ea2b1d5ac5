#!/bin/bash
# The benchmark of collecting runs, finds its peers and prints every figure; what the figures are is not looked
# at.
. "${srcdir:-.}/tests/e2e/lib.sh"
command -v nfcapd >/dev/null || skip_all "nfcapd is not installed"

"$srcdir/tests/bench/ingest" --quick >"$work/said" 2>"$work/complaints"
ok $? "tests/bench/ingest --quick runs"
for form in v5 v9 ipfix; do
    grep -qE "^$form +[0-9.]+ +[0-9.]+ +[0-9.]+x gate (PASS|MISS) goal (PASS|MISS) +[0-9.]+ +[0-9.]+ +[0-9.]+x gate" "$work/said"
    ok $? "$form: CPU and bytes beside nfcapd's"
done
grep -qE 'highest rate without loss: flowlore [1-9][0-9]* flows/s, nfcapd' "$work/said"
ok $? "the highest rate without loss"
grep -qE 'peak memory with [0-9]+ exporters: flowlore [1-9][0-9]* MiB, nfcapd [1-9][0-9]* MiB' "$work/said"
ok $? "memory with many exporters"
if command -v sqlite3 >/dev/null 2>&1 && PATH=$PATH:/usr/sbin command -v nfacctd >/dev/null; then
    grep -qE 'nfacctd [0-9.]+ and [0-9.]+: [0-9.]+x and [0-9.]+x' "$work/said"
    ok $? "CPU and bytes beside nfacctd's"
else
    skip "CPU and bytes beside nfacctd's" "nfacctd or sqlite3 is not installed"
fi
exits 2 "a number that is none" 'number' "$srcdir/tests/bench/ingest" --flows many
exits 2 "an unknown option" 'frobnicate' "$srcdir/tests/bench/ingest" --frobnicate
exits 2 "blast refuses to begin without a recording" 'Usage' "$here/tests/bench/blast" --port 1
tap_done || sed 's/^/# /' "$work/said" "$work/complaints"
