#!/bin/sh
# The life of rules from the outside: alerts of whole clusters, looking into them, deciding. Speaks TAP.
srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
bin=${top_builddir:-.}/flowlore
mkknown=${top_builddir:-.}/tests/e2e/mkknown
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT

# try CODE PATTERN NAME ARGUMENT...: exit code, and a line of either output that matches; no sanitizer report
try() {
    want=$1 pattern=$2 name=$3
    shift 3
    "$bin" "$@" >"$dir/out" 2>"$dir/err" </dev/null
    code=$?
    [ "$code" = "$want" ] && cat "$dir/out" "$dir/err" | grep -q -e "$pattern" && ! grep -q Sanitizer "$dir/err"
    said $? "$name"
}

# said RESULT NAME: like ok, with what was printed last when it failed
said() {
    ok "$1" "$2"
    [ "$1" = 0 ] || { sed 's/^/# out: /' "$dir/out"; sed 's/^/# err: /' "$dir/err"; }
}

ssh12='*.* : 10.0.0.1.22/tcp <=> *.* : 10.0.0.2.22/tcp'
ssh13='*.* : 10.0.0.1.22/tcp <=> *.* : 10.0.0.3.22/tcp'
ssh23='*.* : 10.0.0.2.22/tcp <=> *.* : 10.0.0.3.22/tcp'
web='10.0.0.7.* : 10.0.0.8.80/tcp => 10.0.0.7.* : 10.0.0.53.53/udp'

# ---- alerts of clusters ----
data="--data $dir/data"
mkdir "$dir/data" "$dir/empty"
"$mkknown" "$dir/data" paris 0 "$ssh12@0" "$ssh13@0" "$web"; ok $? 'a first run is made'
try 0 '^ 1  open .*paris .*high .*new .*2  .*New at paris: 3 routers, port 22, any client (clique), 2 rules' \
    'a cluster is one alert' alerts $data
[ "$(grep -c ' open ' "$dir/out")" = 2 ]; said $? 'and a rule without one is another'
try 0 '^why  *high: no location knows anything of this shape; chance does not make it' 'one alert in full says why' alerts 1 $data
grep -q '^rule 2 .*10.0.0.3.22/tcp (novel)' "$dir/out"; said $? 'and names its rules'
try 0 '"rules":2,"cluster":"3 routers, port 22, any client (clique)","cluster_id":1,' 'one alert as JSON' alerts 1 --json $data
try 1 'there is no alert 9' 'an alert that is not there' alerts 9 $data
try 2 'write a number' 'an alert that is no number' alerts x $data
try 2 'leave --follow' 'one alert is not followed' alerts 1 --follow $data
try 2 'ack takes alerts' 'ack of nothing' ack $data
try 2 'only one' 'ack of some and all' ack 1 --all $data
try 2 'write a number' 'ack of what is no number' ack 1x $data
try 1 'there is no alert 7' 'ack of what is not there' ack 2 7 $data
try 1 'no alerts in' 'ack without a database' ack 1 --data "$dir/empty"
[ ! -e "$dir/empty/rules.db" ]; said $? 'which makes none'

# Followed while the cluster grows, another alert is acked, and all is decided.
timeout --foreground -s INT 8 "$bin" alerts --follow --state all $data >"$dir/followed" 2>"$dir/err" &
follower=$!
sleep 2
"$mkknown" "$dir/data" paris 1 "$ssh12@0" "$ssh13@0" "$ssh23@0" "$web"
try 0 '3  .*New at paris: 3 routers, port 22, any client (clique), 3 rules' 'an open alert grows' alerts $data
try 0 '1 alert is now acked' 'an alert is acked' ack 2 --note 'asking' $data
sleep 2
try 0 '3 rules are now known' 'an alert is accepted' accept --alert 1 --note 'jump hosts' $data
wait $follower
cp "$dir/followed" "$dir/out"
grep -q 'high (new) grown alert 1: New at paris' "$dir/out"; said $? 'growing is followed'
grep -q 'high (new) acked alert 2: ' "$dir/out"; said $? 'acking too'
grep -q 'high (new) closed alert 1: ' "$dir/out"; said $? 'and closing'
[ "$(wc -l <"$dir/out")" = 5 ]; said $? 'nothing is said twice'
try 0 'No open alerts' 'nothing is open' alerts $data
try 0 'acked.*New at paris: when 10.0.0.7' 'what is acked is listed' alerts --state acked $data
try 0 '^note  *asking' 'with its note' alerts 2 $data
grep -q '^state  *acked since 20.* by ' "$dir/out"; said $? 'and who did it'
try 0 'No alert was open' 'ack --all with nothing open' ack --all $data
try 1 'there is no cluster 9' 'a cluster that is not there' ignore --cluster 9 $data
try 2 'only one' 'a cluster and an alert' ignore --cluster 1 --alert 1 $data
try 0 '3 rules would become novel again. Nothing was changed' 'a preview by cluster' reopen --cluster 1 --dry-run $data
try 0 '3 rules are now novel again' 'a cluster is reopened' reopen --cluster 1 $data
try 0 '^ 1  open .* 3  .*New at paris' 'under its old alert' alerts $data
if command -v script >/dev/null; then
    for width in 80 120; do
        COLUMNS=$width TERM=dumb script -qec "'$bin' alerts $data; '$bin' alerts 1 $data" /dev/null </dev/null |
            tr -d '\r' >"$dir/out"
        [ "$(awk '{ if (length > n) n = length } END { print n }' "$dir/out")" -le $width ]
        said $? "alerts fit a terminal of $width columns"
    done
fi

# ---- learning ----
data="--data $dir/settle"
mkdir "$dir/settle"
try 0 'Nothing has been mined at paris yet' 'nothing to say of learning' learn --location paris $data
try 1 'nothing has been mined' 'nothing to learn anew' learn --reset --all $data
[ ! -e "$dir/settle/rules.db" ]; said $? 'which makes no database'
try 2 'go with --reset' 'options of learning anew' learn --for 7d $data
try 2 'takes --location NAME or --all' 'learning anew wants a place' learn --reset $data
"$mkknown" "$dir/settle" paris 0 "$ssh12" "$ssh13" --learning && "$mkknown" "$dir/settle" paris 2 "$ssh12" "$ssh13" "$web"
try 0 '^paris  *2  *3  *1  *0  *67% *1.0  off' 'the gauge' learn $data
grep -q '^paris: 67% of the rules of its newest run had been seen before; going by the last days, expect 1.0 alerts a day; 1 rule waits' \
    "$dir/out"; said $? 'in words'
try 0 '"settled":0.66.*,"alerts_a_day":1.0,"learning_until":null,"held":0}' 'as JSON' learn --json $data
try 0 '^paris .* 67% *1.0  off ' 'status has it too' status $data
try 2 'is not a duration' 'a time to learn that is none' learn --reset --all --for ever $data
try 0 'paris would learn anew for 1d .* 2 rules .* Nothing was changed' 'a preview of learning anew' learn --reset --all --dry-run $data
try 0 'paris learns anew for 7d .* 2 rules that it had learned by itself are forgotten' 'learning anew' learn --reset --location paris --for 7d $data
try 0 'paris  .* 7.0 d to go' 'what is left to learn' learn $data
grep -q 'it learns for another 7.0 d of data' "$dir/out"; said $? 'in words'

# ---- the table of what is known ----
data="--data $dir/table"
mkdir "$dir/table" "$dir/none"
try 0 'Nothing is known yet' 'an empty table' known $data
try 0 '^flowlore known-rules 1$' 'written as text' known export $data
try 2 'known does not do "list"' 'a word that is none' known list $data
try 2 'needs a file' 'import of nothing' known import $data
try 2 'known export > x' 'export into a file is the shell'"'"'s' known export x $data
try 2 'goes with known import' 'a preview of a listing' known --dry-run $data
try 1 'No such file' 'import of what is not there' known import "$dir/absent" $data
"$mkknown" "$dir/table" paris 0 "$ssh12" --learning && "$mkknown" "$dir/table" paris 1 "$ssh12" "$ssh13" "$web" &&
    "$mkknown" "$dir/table" london 1 "$ssh12" "$ssh13" "$web"; ok $? 'two locations'
try 0 '1 rule is now known. 1 open alert is closed.' 'accepting says what falls silent' accept 2 --note 'jump "hosts"' $data
try 0 '2 rules would become ignored. 2 open alerts would be closed. Nothing' 'so does a preview' ignore --match '10.0.0.7.* : *.*/*' --dry-run $data
try 0 '2 rules are now ignored' 'a pattern' ignore --match '10.0.0.7.* : *.*/*' --until 2099-01-01 --note 'lab' $data
try 0 'ignore .*every .*--match 10.0.0.7.\* : \*.\*/\* .*2  .*until 2099-01-01T00:00: lab' 'the table' known $data
grep -q 'learned .*paris .*10.0.0.1.22/tcp' "$dir/out"; said $? 'with what was learned'
try 0 '"verdict":"accept","rule":".*","pattern":null,"author":".*","note":"jump .*","made":".*","until":null,"rules":1,"known_why":null}' 'as JSON' known --json $data
"$bin" known export --location paris $data >"$dir/paris.known" 2>"$dir/err"
cp "$dir/paris.known" "$dir/out"
[ "$(grep -vc '^#' "$dir/out")" = 4 ]; said $? 'one decision a line'
"$bin" known export --location paris $data | cmp -s - "$dir/paris.known"; said $? 'the same each time'
try 0 '2 decisions would be taken in; 1 other there already; 2 rules would change status; 1 open alert closed. Nothing' \
    'what it would do elsewhere' known import "$dir/paris.known" --location london --dry-run $data
try 0 '2 decisions taken in; 1 other there already; 2 rules changed status' 'one location teaches another' known import "$dir/paris.known" --location london $data
try 0 'No open alerts' 'which now has nothing to tell' alerts --location london $data
try 0 '^0 decisions taken in; 3 others there already.$' 'a second time changes nothing' known import "$dir/paris.known" --location london $data
try 0 "^3 decisions would be taken in. Nothing" "a preview into nothing" known import "$dir/paris.known" --dry-run --data "$dir/none"
[ ! -e "$dir/none/rules.db" ]; said $? "makes nothing"
"$bin" known import - --data "$dir/none" <"$dir/paris.known" >"$dir/out" 2>"$dir/err"
grep -q '^3 decisions taken in.$' "$dir/out"; said $? 'into a new data directory, from standard input'
sed 's/^accept rule/acccept rule/' "$dir/paris.known" >"$dir/bad.known"
try 2 "bad.known:7: \"acccept\" is none of" 'a fault is told with its line' known import "$dir/bad.known" $data
head -c 3000 /dev/urandom >"$dir/noise"
try 2 'noise:1: ' 'noise is refused' known import "$dir/noise" $data

# ---- what unclean runs find ----
data="--data $dir/held"
mkdir "$dir/held"
"$mkknown" "$dir/held" paris 0 "$ssh12" --unclean '12% of the records were lost on the way'; ok $? 'an unclean run'
try 0 'No open alerts' 'is not told' alerts $data
try 0 'new, held: 12% of the records were lost on the way' 'but listed as held' rules $data
try 0 '"held":"12% of the records were lost on the way"' 'as JSON' rules --json $data
try 0 '^paris  *1  *1  *1  *1 ' 'and counted' learn $data
try 0 '^Held: 12% of the records were lost on the way. It is told once whole data show it.' 'explain says so' explain 1 $data
"$mkknown" "$dir/held" paris 1 "$ssh12" "$ssh13"
try 0 'it was held back first: 12% of the records were lost on the way\.' 'a clean run confirms, and the alert says why it waited' alerts 1 $data

# ---- what breaks: flows, from their import to the alert ----
for hour in 0 49; do
    "$mkknown" "$dir/lossy" paris $hour "$ssh12" --unclean '12% of the records were lost on the way'; ok $? "an unclean run of hour $hour"
done
try 0 '^  the data of paris are not whole in any of the 2 runs since 2022-06-1[23]T.*Z (12% of the records were lost on the way)' \
    'status says that no run is over whole data' status --data "$dir/lossy"

data="--data $dir/broken"
# log FROM TO STOP: a request of the web server each minute, which asks its database each time before minute STOP
log() {
    awk -v from="$1" -v to="$2" -v stop="$3" 'BEGIN {
        OFS = "\t"
        print "#separator \\x09"
        print "#fields", "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "duration"
        for (i = from; i < to; i++) {
            at = 1655071200 + i * 60 + i % 7
            print sprintf("%.3f", at), "10.1.0." (1 + i % 20), 40000 + i, "10.0.0.5", 80, "tcp", 0.1
            if (i < stop)
                print sprintf("%.3f", at + 0.02), "10.0.0.5", 50000 + i, "10.0.0.9", 3306, "tcp", 0.05
        }
    }'
}
log 0 300 250 >"$dir/conn.log"
printf 'learning: 2h\n' >"$dir/config.yaml"
"$bin" import --location paris "$dir/conn.log" $data >"$dir/out" 2>"$dir/err"; said $? 'five hours of flows are imported'
try 0 '(0 novel)' 'two hours teach a rule' mine --to 2022-06-13T00:00:00Z $data --config "$dir/config.yaml"
try 0 'known .*10.0.0.5.\* : 10.0.0.9.3306/tcp <=> \*.\* : 10.0.0.5.80/tcp' 'which is known' rules $data
try 0 '(0 novel)' 'while it holds' mine --to 2022-06-13T02:00:00Z $data
try 0 'No open alerts' 'there is nothing to tell' alerts $data
try 0 '(0 novel)' 'and then' mine --to 2022-06-13T03:00:00Z $data
try 0 ' open .*2022-06-13T02:09:.* high .*broken .*1 .*Broken at paris: "any client asks 10.0.0.5 port 80/tcp" goes on, but "10.0.0.5 asks 10.0.0.9 port 3306/tcp", which went with it, has not happened beside it in its last 50 cases' \
    'one side stops following' alerts $data
try 0 'high: what is known here has changed (it held in 100% of the cases); [0-9]* hosts behind it, which raises it' 'and why it is told so loud' alerts 1 $data
grep -q 'rule 1 .*(known)' "$dir/out"; said $? 'the rule is known still'
try 0 'No rule changes its status. 1 open alert is closed.' 'so be it' accept --alert 1 --note 'cached now' $data
try 0 '(0 novel)' 'it is not told again' mine --from 2022-06-13T00:00:00Z $data
try 0 'No open alerts' 'until it held in between' alerts $data

# ---- between places ----
data="--data $dir/places"
mkdir "$dir/places"
imaps='10.0.0.7.* : 10.0.0.9.143/tcp <=> 10.0.0.7.* : 10.0.0.9.993/tcp'
imaps_london='10.2.0.7.* : 10.2.0.9.143/tcp <=> 10.2.0.7.* : 10.2.0.9.993/tcp'
try 0 'there are no shapes. Mine' 'no shapes' rules --shape $data
try 2 'takes two places' 'diff of nothing' diff $data
try 2 'takes two places' 'diff of one place' diff --location paris $data
"$mkknown" "$dir/places" paris 0 "$ssh12" "$imaps" "$web" --learning && "$mkknown" "$dir/places" london 0 "$ssh12" "$imaps_london"; ok $? 'two places'
try 2 'two different places, not paris twice' 'diff of a place with itself' diff --location paris --location paris $data
try 2 'no location "rome" here; known: london, paris' 'a place that is not there' diff --location paris --location rome $data
try 0 '^paris  *3  known  *10.0.0.7.* : 10.0.0.8.80/tcp => .*  -$' 'what one place has' diff --location paris --location london $data
grep -q '^london  *5  novel  *10.2.0.7.*993/tcp  *1x$' "$dir/out"; said $? 'and the other'
grep -q '^paris has 2 rules that london lacks; for 1 of them london has the shape, with other hosts.' "$dir/out"; said $? 'summed up'
grep -q '^They have 1 rule in common.' "$dir/out"; said $? 'and what both have'
try 0 '{"location":"london","id":5,"rule":"10.2.*","status":"novel","shape":"A.\* : B.143/tcp ~ A.\* : B.993/tcp","same_shape":1}' 'as JSON' diff --location paris --location london --json $data
try 0 '^ *2  *2  *1  A.\* : B.143/tcp ~ A.\* : B.993/tcp  *london, paris  *2$' 'a shape and where it lives' rules --shape $data
try 0 '"locations":1,"rules":1,"known":1,"at":"paris"' 'as JSON' rules --shape --json $data
try 2 'leave --status out' 'shapes have no status' rules --shape --status gone $data
[ "$("$bin" rules --shape --location london $data | wc -l)" = 3 ]; said $? 'shapes of one place'

# ---- the views answer on their own ----
if command -v sqlite3 >/dev/null; then
    ask() { # ask NAME EXPECTED SQL
        sqlite3 "$dir/$db/rules.db" "$3" >"$dir/out" 2>"$dir/err"
        [ "$(cat "$dir/out")" = "$2" ]
        said $? "$1"
    }
    db=places
    ask 'what is new at london since yesterday' 2 \
        "SELECT count(*) FROM novel_rules r JOIN locations l USING (location) WHERE location = 'london' AND first_seen >= strftime('%Y-%m-%dT%H:%M:%fZ', l.newest, '-1 day')"
    ask 'which server most rules depend on' '10.0.0.1|2' \
        "SELECT server, count(DISTINCT rule_id) FROM dependencies GROUP BY server ORDER BY 2 DESC, 1 LIMIT 1"
    db=broken
    ask 'what broke' 'broken|paris|cached now' "SELECT kind, location, note FROM alerts WHERE kind = 'broken' AND opened >= '2022-06-06'"
    ask 'which runs were not whole' 0 "SELECT count(*) FROM runs WHERE unclean IS NOT NULL"
    db=table
    ask 'who decided what' 'accept|london' "SELECT verdict, location FROM decisions WHERE author IS NOT NULL AND location = 'london' ORDER BY id LIMIT 1"
else
    skip 'the views answer on their own' 'sqlite3 is not installed'
fi
tap_done
