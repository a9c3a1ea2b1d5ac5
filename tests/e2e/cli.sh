#!/bin/sh
# flowlore from the outside: usage errors, empty states, and the shape of what it prints. Speaks TAP.
bin=${top_builddir:-.}/flowlore
mkstore=${top_builddir:-.}/tests/e2e/mkstore
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/empty" "$dir/full"
n=0

ok() { # ok RESULT NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# out: /' "$dir/out"
        sed 's/^/# err: /' "$dir/err"
    fi
}

# try CODE PATTERN NAME ARGUMENT...: exit code, and a line of either output that matches; no sanitizer report
try() {
    want=$1 pattern=$2 name=$3
    shift 3
    "$bin" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    code=$?
    [ "$code" = "$want" ] && cat "$dir/out" "$dir/err" | grep -q -e "$pattern" && ! grep -q Sanitizer "$dir/err"
    ok $? "$name"
}

try 0 'accept' 'help lists the commands' --help
grep -q -e import -e replay "$dir/out"; [ $? = 1 ]; ok $? 'help does not list what is not there'
try 0 '^flowlore [0-9]' 'the version' --version
try 2 'name a command' 'no command'
try 2 'did you mean rules?' 'a near miss names the command' ruels
try 2 'no command "xyzzy"' 'a far miss' xyzzy
try 2 'options follow' 'an option before the command' --json rules
for c in graph diff; do
    try 2 "\"$c\" is not part of flowlore" "$c is told apart" $c x
done
for c in mine rules alerts explain accept ignore reopen status flows sql; do
    try 0 'Examples:' "$c --help" $c --help
done
try 2 'did you mean --location?' 'an unknown option names the nearest' rules --locatoin paris
try 2 'needs a value' 'an option without value' rules --location
try 2 'takes no value' 'a flag with a value' rules --json=1
try 2 'does not take' 'too many arguments' rules 12
try 2 'needs RULE' 'too few arguments' explain
try 2 'is not a time.*-24h' 'a time that does not parse' flows --data "$dir/empty" --from yesterdayish
try 2 'is not before' 'a span turned round' flows --data "$dir/empty" --from 2022-06-13 --to 2022-06-12
try 2 'limit' 'a limit that is no number' flows --data "$dir/empty" --limit -3
try 2 'port' 'a port too large' flows --data "$dir/empty" --port 65536
try 2 'not an address' 'a host that is none' flows --data "$dir/empty" --host nowhere
try 2 'exclude' 'two formats' flows --data "$dir/empty" --json --csv
try 2 'none of novel' 'a status that is none' rules --data "$dir/empty" --status nice
try 2 'none of open' 'a state that is none' alerts --data "$dir/empty" --state nice
try 2 'only one' 'rules and --all' accept --data "$dir/empty" 1 --all
try 2 'takes rules' 'neither rules nor --all' ignore --data "$dir/empty"
try 2 'not text in UTF-8' 'a note that is no text' accept --data "$dir/empty" 1 --note "$(printf 'a\377b')"
try 1 'too big' 'sql bounds a value' sql --data "$dir/empty" "SELECT zeroblob(1000000000)"
try 2 'in the past' 'a decision that has lapsed' accept --data "$dir/empty" --all --until -1h
try 2 'is refused' 'sql does not attach' sql --data "$dir/empty" "ATTACH ':memory:' AS x"
try 2 'is refused' 'sql does not create' sql --data "$dir/empty" 'CREATE TABLE t(a)'
try 2 'is refused' 'sql does not set' sql --data "$dir/empty" 'PRAGMA writable_schema=1'
try 2 'one statement' 'sql takes one statement' sql --data "$dir/empty" 'SELECT 1; SELECT 2'
try 2 'one statement' 'sql refuses junk' sql --data "$dir/empty" 'SELECT 1; junk'
try 2 'no statement' 'sql wants a statement' sql --data "$dir/empty" ' ; -- nothing'
try 2 'no rules database' 'sql says where rules come from' sql --data "$dir/empty" 'SELECT * FROM rules'
try 2 'there are flows' 'sql names its tables' sql --data "$dir/empty" 'SELECT * FROM flow'
try 0 '^ *2 *b$' 'sql prints a table' sql --data "$dir/empty" "SELECT 2, 'b';  -- done"
try 0 '{"a":1,"a:2":null}' 'sql prints JSON' sql --data "$dir/empty" --json 'SELECT 1 a, NULL a'
try 0 '^"x,""y",1.5$' 'sql prints CSV' sql --data "$dir/empty" --csv "SELECT 'x,\"y', 1.5"
try 0 'No rows' 'sql without rows' sql --data "$dir/empty" 'SELECT * FROM flows'
try 0 'a?\[31mb' 'control characters are made harmless' sql --data "$dir/empty" "SELECT 'a' || char(27) || '[31mb'"

for c in mine rules alerts status flows; do
    try 1 'no data directory' "$c without a data directory" $c --data "$dir/absent"
done
try 0 'nothing to mine' 'mining nothing' mine --data "$dir/empty"
try 0 'No rules' 'no rules' rules --data "$dir/empty"
try 0 'No open alerts' 'no alerts' alerts --data "$dir/empty"
try 0 'has not run' 'status of nothing' status --data "$dir/empty"
try 0 '"exporters":\[\]' 'status of nothing as JSON' status --data "$dir/empty" --json
try 0 'No flows are stored' 'no flows' flows --data "$dir/empty"
try 1 'no rules' 'explaining nothing' explain --data "$dir/empty" 1

"$mkstore" "$dir/full" >"$dir/out" 2>"$dir/err"
ok $? 'a store is made'
data="--data $dir/full"
try 2 'known: oslo, paris' 'an unknown location names the known' mine $data --location pari
try 0 'START (UTC)' 'flows as a table' flows $data
[ "$(wc -l <"$dir/out")" = 101 ]; ok $? '100 flows and a head'
grep -q 'more match' "$dir/err"; ok $? 'that there are more is said'
try 0 'sampled' 'sampling is said' flows $data --limit 0
try 0 '{"location":"oslo","exporter":"192.0.2.1","domain":0,"start":"2022-06-12T2.*Z","end":".*","src":"10.0.0.5","dst":"10.0.0..*","src_port":[0-9]*,"dst_port":[0-9]*,"protocol":[0-9]*,"tcp_flags":0,"packets":3,"bytes":2048,"in_if":0,"out_if":0,"tos":0,"sampling":1,"time_source":"absolute"}' \
    'flows have the names of the contract' flows $data --json
try 0 paris 'flows of one location' flows $data --location paris --limit 0 --json
[ "$(wc -l <"$dir/out")" = 148 ]; ok $? 'all of them'
sed 's/.*"start":"\([^"]*\)".*/\1/' "$dir/out" | sort -c 2>"$dir/err"; ok $? 'in order of start'
try 0 '^location,exporter,' 'flows as CSV' flows $data --csv --port 53 --limit 0
[ "$(wc -l <"$dir/out")" = 76 ]; ok $? 'by port, with a head'
try 0 'No stored flow matches' 'a host never seen' flows $data --host 10.9.9.9
try 0 '"n":150' 'sql over all buckets' sql $data --json 'SELECT count(*) n FROM flows'
"$bin" flows $data --limit 0 --json 2>"$dir/err" | head -1 >"$dir/out"; [ ! -s "$dir/err" ]; ok $? 'a closed pipe is silent'

try 0 'novel' 'rules as a table' rules $data
head -2 "$dir/out" | tail -1 | grep -q novel; ok $? 'the novel first'
try 0 'new' 'a novel rule' rules $data --status novel --json
id=$(sed -n 's/.*"id":\([0-9]*\),.*/\1/p' "$dir/out")
[ "$(wc -l <"$dir/out")" = 1 ]; ok $? 'is one'
try 0 'No ignored rules at paris.*1 rule is known; see flowlore rules --status known --location paris' \
    'no rules of a status: the others are named' rules $data --status ignored --location paris
try 0 'flowlore accept' 'explain says what to do' explain $data "$id"
grep -q 'antecedent comes first, by 12 ms' "$dir/out"; ok $? 'explain tells the lag'
grep -q '10.0.0.5:40000 -> 10.0.0.9:143' "$dir/out"; ok $? 'explain shows a flow of the store'
try 0 '"n_both":38' 'explain as JSON' explain $data "$id" --json
try 1 '[Nn]o ' 'explaining what is not there' explain $data 9999
try 0 'open' 'an alert is open' alerts $data
try 0 "\"rule_id\":$id" 'an alert as JSON' alerts $data --json
try 0 'Nothing was changed' 'a dry run' accept $data "$id" --dry-run
try 0 '"status":"novel"' 'has changed nothing' rules $data --status novel --json
try 0 '1 rule is now known' 'accepting' accept $data "$id" --note 'mail'
try 0 'No novel rules' 'nothing novel is left' rules $data --status novel
try 0 'No open alerts' 'nor an open alert' alerts $data
try 0 '1 rule is now novel again' 'reopening' reopen $data "$id"
try 0 'paris' 'status' status $data
try 0 '"stored_flows":150' 'status as JSON' status $data --json
try 0 '192.0.2.1:50000 .*ipfix .*1 in 100 (options)' 'status shows exporters' status $data
try 0 '"address":"192.0.2.1","domain":7,"version":10,"location":"paris","packets":100,"flows":2000,"lost":20,' \
    'status has the names of the contract' status $data --json
try 0 '^paris *148$' 'sql groups by location' sql $data 'SELECT location, count(*) FROM flows GROUP BY 1'
try 0 '"rule":"10.0.0.7' 'sql reads rules.db' sql $data --json 'SELECT * FROM known_rules'
try 2 'is refused' 'sql does not write to rules.db' sql $data 'DELETE FROM rulesdb.alert'
try 2 'takes everything' 'mine --all with --from' mine $data --all --from -1h
try 0 'flows, .* rules' 'mining the trailing span' mine $data --location paris
try 0 '"location":"oslo".*"flows":2,' 'mining all as JSON' mine $data --all --json

timeout -s INT 3 "$bin" alerts $data --state all --follow --json >"$dir/out" 2>"$dir/err"
[ ! -s "$dir/err" ] && grep -q '"state":' "$dir/out"; ok $? 'following alerts ends on Ctrl-C'
timeout 10 "$bin" alerts $data --state all --follow 2>"$dir/err" | head -1 >"$dir/out"
[ -s "$dir/out" ] && [ ! -s "$dir/err" ]; ok $? 'following alerts ends on a closed pipe'
timeout -s INT 2 "$bin" sql $data \
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c' >"$dir/out" 2>"$dir/err"
grep -q interrupted "$dir/err"; ok $? 'sql is interrupted by Ctrl-C'

for f in "$dir"/full/flows/paris/*; do printf 'not a database at all' >"$f"; break; done
try 0 'left out: .*paris' 'a damaged bucket is named by flows' flows $data
try 0 'left out: .*paris' 'a damaged bucket is named by sql' sql $data 'SELECT count(*) FROM flows'
try 0 'left out: .*paris' 'a damaged bucket is named by mine' mine $data --location paris --all
try 0 'paris' 'status lives with a damaged bucket' status $data
echo "1..$n"
