#!/bin/bash
# The benchmark of counting pairs runs, agrees with its peers and prints every figure; what the figures are is not
# looked at.
. "${srcdir:-.}/tests/e2e/lib.sh"
"$srcdir/tests/bench/mining" --quick >"$work/said" 2>"$work/complaints"
ok $? "tests/bench/mining --quick runs, and all counted the same"
grep -qE '^  flowlore +[0-9.]+ +[0-9.]+ +[0-9]+$' "$work/said"
ok $? "the cost of counting"
if command -v sqlite3 >/dev/null; then
    grep -qE '^  SQLite +[0-9.]+ +[0-9.]+ +- +[0-9.]+x the seconds' "$work/said"
    ok $? "beside SQLite's"
else
    skip "beside SQLite's" "sqlite3 is not installed"
fi
if [ -d "${FLOWLORE_DUCKDB:-/nowhere}/node_modules/@duckdb/node-api" ]; then
    grep -qE '^  DuckDB +[0-9.]+ +[0-9.]+ +[0-9]+ +[0-9.]+x the seconds .*goal 10 (PASS|MISS), stretch 15 (PASS|MISS); memory' "$work/said"
    ok $? "beside DuckDB's"
else
    skip "beside DuckDB's" "FLOWLORE_DUCKDB names no directory with @duckdb/node-api"
fi
for shape in resolver office scanner burst; do
    [ "$(grep -cE "^  $shape +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9.]+" "$work/said")" = 2 ]
    ok $? "the curve of the $shape"
done
grep -qE '^  all [0-9.]+ s, [0-9.]+x counting: goal 2.5 (PASS|MISS)' "$work/said"
ok $? "from a store"
grep -qE '^  all [0-9.]+ s, [0-9.]+ of the full cost .*goal 0.15 (PASS|MISS)' "$work/said"
ok $? "an hour later"
exits 2 "a number that is none" 'number' "$srcdir/tests/bench/mining" --sizes many
exits 2 "an unknown option" 'frobnicate' "$srcdir/tests/bench/mining" --frobnicate
exits 2 "countpairs refuses what it does not know" 'Usage' "$here/tests/bench/countpairs" --size 0
exits 2 "minespan refuses what it does not know" 'Usage' "$here/tests/bench/minespan"
tap_done || sed 's/^/# /' "$work/said" "$work/complaints"
