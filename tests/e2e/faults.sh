#!/bin/bash
# What goes wrong is named, with its remedy, and ends with the right status: 2 for usage and configuration, 1
# for the rest; what is merely empty is no fault.
. "${srcdir:-.}/tests/e2e/lib.sh"
mkdir "$data"

exits 2 "an unknown command" 'frobnicate' "$flowlore" frobnicate
exits 2 "an unknown option" '--frobnicate' "$flowlore" rules --frobnicate --data "$data"
exits 2 "an unknown option of the service" '--frobnicate' "$flowlored" --frobnicate
exits 2 "a time that is none" 'yesterish' "$flowlore" flows --from yesterish --data "$data"
exits 2 "a day that does not exist" '2024-02-30' "$flowlore" mine --from 2024-02-30 --to now --data "$data"
exits 2 "a span that ends before it begins" 'before' \
    "$flowlore" flows --from 2024-03-02 --to 2024-03-01 --data "$data"
exits 2 "a port that is none" '70000' "$flowlore" flows --port 70000 --data "$data"
exits 2 "a status that is none" 'splendid' "$flowlore" rules --status splendid --data "$data"
exits 2 "a listening address that is none" 'nowhere' "$flowlored" --listen nowhere --data "$data"
exits 2 "a location without a prefix" 'paris' "$flowlored" --location paris --data "$data"
exits 0 "help" '^Usage|usage' "$flowlore" --help
exits 0 "the service's help" '--listen' "$flowlored" --help

for command in rules alerts status flows "mine --all"; do
    # The command's words are meant to be split.
    exits 0 "an empty store is no fault: $command" '.' "$flowlore" $command --data "$data"
done
exits 1 "a rule that does not exist" '4711' "$flowlore" explain 4711 --data "$data"

printf 'mining:\n  windw: 1s\n' >"$work/bad.yaml"
exits 2 "a configuration's unknown key, with file and line" 'bad\.yaml:2' \
    "$flowlored" --check --config "$work/bad.yaml" --data "$data"
exits 2 "the tool refuses the same configuration" 'bad\.yaml:2' \
    "$flowlore" status --config "$work/bad.yaml" --data "$data"
exits 2 "a configuration that is not there" 'absent\.yaml' "$flowlored" --check --config "$work/absent.yaml"

: >"$work/file"
exits 1 "a file in the place of the data directory" "$work/file" \
    "$flowlored" --data "$work/file" --listen 127.0.0.1:2 --mine-every off

fl_start_service
ok $? "the service starts"
exits 1 "a port in use" "$port" "$flowlored" --data "$work/other" --listen "127.0.0.1:$port" --mine-every off
send v5 127.0.0.1 --hours 3 --hosts 60 --only-v4
fl_wait_stored "$sent" 60
ok $? "three hours are stored"
# Whoever writes to the rules database for long does not keep flows from being stored.
count_flows() { "$flowlore" sql "SELECT count(*) FROM flows" --data "$data" | grep -oE '[0-9]+' | tail -n 1; }
python3 - "$data/rules.db" "$work/unlock" <<'EOF' &
import os, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
db.execute("BEGIN IMMEDIATE")
open(sys.argv[2] + ".locked", "w").close()
while not os.path.exists(sys.argv[2]):
    time.sleep(0.05)
db.execute("ROLLBACK")
EOF
locker=$!
until [ -e "$work/unlock.locked" ]; do sleep 0.05; done
sleep 3 # two times that figures are written
before=$(count_flows)
first=$sent
send v5 127.0.0.1 --hours 1 --hosts 60 --only-v4
for _ in $(seq 30); do
    [ "$(count_flows)" -ge $((before + sent - first)) ] && break
    sleep 0.1
done
[ "$(count_flows)" -gt "$before" ]
ok $? "flows are stored while another process writes rules"
touch "$work/unlock"
wait "$locker"
fl_stop_service
ok $? "the service ends"
bucket=$(find "$data/flows" -name '*.db' | sort | head -n 1)
rm -f "$bucket-wal" "$bucket-shm"
head -c 8192 /dev/zero | tr '\0' 'x' | dd of="$bucket" conv=notrunc status=none
exits 0 "a damaged bucket is named and skipped" "$(basename "$bucket")" "$flowlore" mine --all --data "$data"

if command -v sqlite3 >/dev/null 2>&1; then
    sqlite3 "$data/rules.db" 'PRAGMA user_version = 9999' >/dev/null
    exits 1 "a rules database of a newer flowlore" 'newer' "$flowlore" rules --data "$data"
else
    skip "a rules database of a newer flowlore" "sqlite3 is not installed"
fi
tap_done || { show_service_log; exit 1; }
