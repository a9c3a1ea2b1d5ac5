#!/bin/bash
# The extension in the stock sqlite3 shell: flows beside rules.db, what is damaged or not there, and that it only
# reads. Speaks TAP.
srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
here=${top_builddir:-.}
extension=$here/.libs/flowlore
mkstore=$here/tests/e2e/mkstore
command -v sqlite3 >/dev/null || skip_all "there is no sqlite3 shell here: apt install sqlite3"
[ -e "$extension.so" ] || skip_all "the extension is not built: run make first"
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
"$mkstore" "$work/data" || exit 99

# An extension built with the address sanitizer wants its library first in the process.
preload=$(ldd "$extension.so" | sed -n 's/.*=> \(.*libasan[^ ]*\).*/\1/p')

# shell SQL...: what the stock shell says, with the extension loaded.
shell() {
    env ${preload:+LD_PRELOAD="$preload"} ASAN_OPTIONS=detect_leaks=0 \
        sqlite3 -batch -cmd ".log stderr" -cmd ".load $extension" :memory: "$@" 2>&1
}

# says NAME PATTERN SQL...: a line of the answer matches.
says() {
    local name=$1 pattern=$2 answer
    shift 2
    answer=$(shell "$@")
    printf '%s\n' "$answer" | grep -q -e "$pattern"
    local status=$?
    ok $status "$name"
    [ $status -eq 0 ] || printf '%s\n' "$answer" | head -n 5 | sed 's/^/# /'
}

export FLOWLORE_DATA=$work/data
lab="CREATE VIRTUAL TABLE temp.lab USING flowlore('$work/data')"
all=$("$here/flowlore" sql --data "$work/data" "SELECT count(*) AS n FROM flows" --json | tr -cd '0-9')
says "the table flows is the directory in FLOWLORE_DATA" "^$all\$" "SELECT count(*) FROM flows"
says "a table can be another directory" "^$all\$" "$lab" "SELECT count(*) FROM lab"
says "a path may hold quotes" "^Error.*/it's: no flows there" "CREATE VIRTUAL TABLE temp.x USING flowlore('/it''s')"
says "conditions and columns are those of flowlore sql" '^denied|' \
    "SELECT event, post_src, scaled_bytes FROM flows WHERE event = 'denied' LIMIT 1"
says "flows join the exporters of rules.db" '^1$' "ATTACH 'file:$work/data/rules.db?mode=ro' AS known" \
    "SELECT count(*) > 0 FROM flows f JOIN known.exporters e ON e.address = f.exporter AND e.location = f.location"
says "flows join themselves through host" '^1$' \
    "SELECT count(*) > 0 FROM (SELECT DISTINCT src FROM flows LIMIT 3) AS s JOIN flows ON host = s.src"
says "it only reads" "may not be modified" "INSERT INTO flows(src) VALUES('10.0.0.1')"
says "nothing is damaged" '^none$' "SELECT count(*) FROM flows" "SELECT coalesce(flowlore_damage(), 'none')"

bucket=$(ls "$work"/data/flows/paris/*.db | head -n 1)
cp "$bucket" "$work/whole"
sqlite3 "$bucket" "UPDATE chunk SET data = x'0102030405' WHERE id = 1"
says "a damaged chunk is named in the log" "passed over: $bucket: chunk 1 is damaged" "SELECT count(*) FROM flows"
says "and by flowlore_damage()" "^$bucket: chunk 1 is damaged" "SELECT count(*) FROM flows" \
    "SELECT flowlore_damage()"
says "also when another table read it" "^$bucket: chunk 1 is damaged" "$lab" "SELECT count(*) FROM lab" \
    "SELECT flowlore_damage()"
printf 'this was a bucket' >"$bucket"
says "a damaged bucket is named and passed over" "passed over: $bucket: damaged" "SELECT count(*) FROM flows"
cp "$work/whole" "$bucket"

says "a directory that is not there is named with the remedy" \
    "/nowhere: no flows there; name the data directory of flowlored: set FLOWLORE_DATA" \
    "CREATE VIRTUAL TABLE temp.x USING flowlore('/nowhere')"
FLOWLORE_DATA=/nowhere
says "also one from the environment" "/nowhere: no flows there" "SELECT count(*) FROM flows"
says "a table needs its directory" "name the data directory: USING flowlore(" \
    "CREATE VIRTUAL TABLE temp.x USING flowlore"
says "and takes no more" "takes one argument" "CREATE VIRTUAL TABLE temp.x USING flowlore('a', 'b')"

exported=$(nm -D --defined-only "$extension.so" | grep ' T ' | grep -v -e '__' | sed 's/.* //')
[ "$exported" = sqlite3_flowlore_init ]
ok $? "nothing but its entry point is exported"
tap_done
