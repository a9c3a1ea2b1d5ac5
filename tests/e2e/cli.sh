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
try 0 '^flowlore [0-9]' 'the version' --version
try 2 'name a command' 'no command'
try 2 'did you mean rules?' 'a near miss names the command' ruels
try 2 'no command "xyzzy"' 'a far miss' xyzzy
try 2 'options follow' 'an option before the command' --json rules
for c in mine rules alerts ack explain graph accept ignore reopen known diff learn status sinks flows sql import replay; do
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
try 2 'choose one' 'two forms of a graph' graph --data "$dir/empty" --json --dot
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
try 0 'No rules to draw. Mine what is stored' 'a graph of nothing' graph --data "$dir/empty"
try 0 '^digraph flowlore {' 'drawn, it is empty' graph --data "$dir/empty" --dot
try 1 'no rules' 'explaining nothing' explain --data "$dir/empty" 1

"$mkstore" "$dir/full" >"$dir/out" 2>"$dir/err"
ok $? 'a store is made'
data="--data $dir/full"
try 2 'known: oslo, paris' 'an unknown location names the known' mine $data --location pari
try 0 'START (UTC)' 'flows as a table' flows $data
[ "$(wc -l <"$dir/out")" = 101 ]; ok $? '100 flows and a head'
grep -q 'more match' "$dir/err"; ok $? 'that there are more is said'
try 0 '1 of these flows is sampled; figures with ~' 'sampling is said' flows $data --limit 0
grep -q ' ~300  *~200 KiB ' "$dir/out"; ok $? 'and scaled, marked'
grep -q '10.0.0.5:40140 as 203.0.113.7:6000 -> 10.0.0.9:143 ' "$dir/out"; ok $? 'translations are shown'
grep -q '10.0.0.5:40142 -> 10.0.0.9:143 *denied ' "$dir/out"; ok $? 'what a firewall denied is shown'
grep -qF '[2001:db8::5]:40144 -> [2001:db8::1:9]:143' "$dir/out"; ok $? 'IPv6 is shown'
try 0 '"packets":3,"bytes":2048,.*"sampling":100,"time_source":"absolute","sampling_source":"options","end_reason":null,"direction":null,"event":null,"post_src":null,"post_dst":null,"post_src_port":null,"post_dst_port":null,"scaled_packets":300,"scaled_bytes":204800}$' \
    'flows of JSON keep what was counted beside what it stands for' flows $data --json --limit 0
grep -q '"src_port":40140,.*"post_src":"203.0.113.7","post_dst":"10.0.0.9","post_src_port":6000,"post_dst_port":143,' "$dir/out"
ok $? 'translations as JSON'
grep -q '"end_reason":"forced","direction":"ingress","event":"denied"' "$dir/out"; ok $? 'events as JSON'
try 0 '{"location":"oslo","exporter":"192.0.2.1","domain":0,"start":"2022-06-12T2.*Z","end":".*","src":"10.0.0.5","dst":"10.0.0..*","src_port":[0-9]*,"dst_port":[0-9]*,"protocol":[0-9]*,"tcp_flags":0,"packets":3,"bytes":2048,"in_if":0,"out_if":0,"tos":0,"sampling":1,"time_source":"absolute",' \
    'flows have the names of the contract' flows $data --json
try 0 paris 'flows of one location' flows $data --location paris --limit 0 --json
[ "$(wc -l <"$dir/out")" = 148 ]; ok $? 'all of them'
sed 's/.*"start":"\([^"]*\)".*/\1/' "$dir/out" | sort -c 2>"$dir/err"; ok $? 'in order of start'
try 0 '^location,exporter,.*,time_source,sampling_source,end_reason,direction,event,post_src,post_dst,post_src_port,post_dst_port,scaled_packets,scaled_bytes$' \
    'flows as CSV' flows $data --csv --port 53 --limit 0
[ "$(wc -l <"$dir/out")" = 76 ]; ok $? 'by port, with a head'
try 0 'No stored flow matches' 'a host never seen' flows $data --host 10.9.9.9
try 0 '"n":150' 'sql over all buckets' sql $data --json 'SELECT count(*) n FROM flows'
"$bin" flows $data --limit 0 --json 2>"$dir/err" | head -1 >"$dir/out"; [ ! -s "$dir/err" ]; ok $? 'a closed pipe is silent'
try 0 'paris,.*,absolute,none,,,,203.0.113.7,10.0.0.9,6000,143,3,2048$' 'what is not told is empty in CSV' flows $data --csv --limit 0
try 0 'EVENT' 'a column for events where there are any' flows $data --limit 0 --host 10.0.0.9
"$bin" flows $data --host 10.0.0.53 >"$dir/out"; grep -q 'EVENT' "$dir/out"; [ $? = 1 ]; ok $? 'and none where not'
if command -v script >/dev/null; then
    COLUMNS=80 TERM=dumb script -qec "'$bin' flows $data --location paris --port 53 --limit 3" /dev/null </dev/null \
        2>&1 | tr -d '\r' >"$dir/out"
    grep -q '^2022-06-12 22:00:40.000  250 ms  udp .*2.0 KiB$' "$dir/out" &&
        grep -q 'all of these flows are from exporter 192.0.2.1 of location paris' "$dir/out"
    ok $? 'on a narrow terminal what all flows share is said once'
fi

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
try 0 'No open alerts at paris' 'nor an open alert' alerts $data --location paris
try 0 '1 rule is now novel again' 'reopening' reopen $data "$id"
try 0 'paris' 'status' status $data
try 0 '"stored_flows":150' 'status as JSON' status $data --json
try 0 '^192.0.2.1 .*paris .*ipfix .*20 records (1.0%).*1 in 100 (options) .*-1.5 s .*60 s/15 s' \
    'status shows an exporter at a glance' status $data
try 0 '^192.0.2.2 .*v9 .*15 datagrams (4.8%).*2 domains (3 sessions) ' 'and sums its sessions' status $data
try 0 '^2001:db8::9 .*v5 ' 'also of IPv6' status $data
try 0 'ago, idle' 'and says who is idle' status $data
for words in 'kernel: 40 datagrams .*sysctl -w net.core.rmem_max=33554432' '198.51.100.7: 3 datagrams refused.*--location NAME=198.51.100.7' \
    '192.0.2.1: 20 of 2,030 records' '192.0.2.4: .*template data timeout 60' '192.0.2.2: 9 data sets could not be read' '192.0.2.2: its clock is 5.0 s ahead' \
    '192.0.2.2: .*30 min (active timeout)' '192.0.2.4: 9 data sets came, but never a template' \
    '192.0.2.5: nothing has come for 59 min' '2001:db8::9: 50 datagrams (50%) came twice'; do
    try 0 "^  $words" "status advises: $words" status $data
done
try 0 '^  192.0.2.2: 15 of 315 datagrams (4.8%) never came in (see above).$' 'a remedy is told once' status $data
try 0 '192.0.2.2: 15 of 315 .* never came in. This host' 'or again where one exporter is asked for' \
    status $data --exporter 192.0.2.2
"$bin" status $data | grep -q '192.0.2.3:'; [ $? = 1 ]; ok $? 'there is nothing to say of a router in good order'
[ "$("$bin" status $data --json | grep -o '"kind":"[a-z_]*"' | sort -u | tr '\n' ' ')" = \
    '"kind":"active_timeout" "kind":"clock" "kind":"duplicates" "kind":"flow" "kind":"kernel_drops" "kind":"loss" "kind":"malformed" "kind":"no_template" "kind":"options" "kind":"refused" "kind":"sampling" "kind":"silent" ' ]
ok $? 'advice as JSON'
try 0 '"flows_per_s":null,"idle":true,"lost_unit":"records","lost_share":0.00985' 'what is worked out, as JSON' status $data --json
try 0 '"template_definitions":\[{"id":256,"kind":"flow","defined":"2022-06-12T22:59:00.000Z","fields":\[{"id":8,"enterprise":0,"name":"sourceIPv4Address","length":4,"scope":false},' \
    'templates as JSON' status $data --json
try 0 '^Exporter 192.0.2.2, location paris, 3 sessions' 'one exporter in full' status $data --exporter 192.0.2.2
[ "$(grep -c '^  v9, domain' "$dir/out")" = 3 ]; ok $? 'each of its sessions'
grep -q '192.0.2.1' "$dir/out"; [ $? = 1 ]; ok $? 'and nobody else'
try 0 '256 flow, .* ago, 5 fields: sourceIPv4Address, destinationIPv4Address, octetDeltaCount, reverse octetDeltaCount, 9/12235' \
    'its templates with their elements' status $data --exporter 192.0.2.1
grep -q '257 options, .*: observationDomainId (scope), samplingInterval' "$dir/out"; ok $? 'options templates too'
try 0 '"exporters":\[{"address":"2001:db8::9",[^{]*}\]' 'one exporter as JSON' status $data --exporter 2001:DB8::9 --json
try 2 'is not an address' 'an exporter that is no address' status $data --exporter router1
try 1 'has sent nothing' 'an exporter never heard of' status $data --exporter 192.0.2.99
try 1 'belongs to no location' 'an exporter that is refused' status $data --exporter 198.51.100.7

# at_width COLUMNS: what status prints on a terminal of that width
at_width() {
    COLUMNS=$1 TERM=dumb script -qec "'$bin' status $data" /dev/null </dev/null | tr -d '\r' >"$dir/out"
    : >"$dir/err"
}
if command -v script >/dev/null; then
    for width in 80 120 200; do
        at_width $width
        [ "$(awk '{ if (length > n) n = length } END { print n }' "$dir/out")" -le $width ]
        ok $? "status fits a terminal of $width columns"
    done
    at_width 80
    [ "$(grep -c '^EXPORTER ' "$dir/out")" = 3 ]; ok $? 'columns that do not fit go on below'
fi
mkdir "$dir/many" && "$mkstore" "$dir/many" 300 2>"$dir/err"
try 0 '^192.0.2.6 .*7 (300 sessions) *600,000 ' 'hundreds of sessions are one row' status --data "$dir/many"
[ "$(grep -c '^192.0.2.6 ' "$dir/out")" = 1 ]; ok $? 'and only one'
try 0 '"address":"192.0.2.1","domain":7,"version":10,"location":"paris","packets":100,"flows":2000,"lost":20,' \
    'status has the names of the contract' status $data --json
try 0 '^paris *148$' 'sql groups by location' sql $data 'SELECT location, count(*) FROM flows GROUP BY 1'
try 0 '"rule":"10.0.0.7' 'sql reads rules.db' sql $data --json 'SELECT * FROM known_rules'
try 2 'is refused' 'sql does not write to rules.db' sql $data 'DELETE FROM rulesdb.alert'
try 2 'takes everything' 'mine --all with --from' mine $data --all --from -1h
try 0 'flows, .* rules' 'mining the trailing span' mine $data --location paris
try 0 '"location":"oslo".*"flows":2,' 'mining all as JSON' mine $data --all --json
try 2 'not a time to wait' 'mine --timeout without a unit' mine $data --timeout 10
try 2 'not a time to wait' 'mine --timeout 0' mine $data --timeout 0
try 0 '^paris: ' 'mine within its --timeout' mine $data --location paris --timeout 5m
runs=$("$bin" sql $data 'SELECT count(*) FROM runs')
try 1 'given up after 1ms while .*--from and --to' 'mine beyond its --timeout' mine $data --all --timeout 1ms
[ "$("$bin" sql $data 'SELECT count(*) FROM runs')" = "$runs" ]; ok $? 'and leaves no trace'
printf 'mining: {memory: 1k}\n' >"$dir/small.yaml"
try 1 'memory.*--from and --to' 'mine beyond its memory' mine $data --all --config "$dir/small.yaml"
printf 'mining: {memory: lots}\n' >"$dir/small.yaml"
try 2 'memory: .* does not do' 'a memory that is none' mine $data --config "$dir/small.yaml"

# In the foreground timeout sends one signal, not another one to the group: a second Ctrl-C ends the tool at once.
timeout --foreground -s INT 3 "$bin" alerts $data --state all --follow --json >"$dir/out" 2>"$dir/err"
[ ! -s "$dir/err" ] && grep -q '"state":' "$dir/out"; ok $? 'following alerts ends on Ctrl-C'
timeout 10 "$bin" alerts $data --state all --follow 2>"$dir/err" | head -1 >"$dir/out"
[ -s "$dir/out" ] && [ ! -s "$dir/err" ]; ok $? 'following alerts ends on a closed pipe'
timeout --foreground -s INT 2 "$bin" sql $data \
    'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c' >"$dir/out" 2>"$dir/err"
grep -q interrupted "$dir/err"; ok $? 'sql is interrupted by Ctrl-C'

for f in "$dir"/full/flows/paris/*; do printf 'not a database at all' >"$f"; break; done
try 0 'left out: .*paris' 'a damaged bucket is named by flows' flows $data
try 0 'left out: .*paris' 'a damaged bucket is named by sql' sql $data 'SELECT count(*) FROM flows'
try 0 'left out: .*paris' 'a damaged bucket is named by mine' mine $data --location paris --all
try 0 'paris' 'status lives with a damaged bucket' status $data
echo "1..$n"
