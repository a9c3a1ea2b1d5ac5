#!/bin/sh
# flowlore graph and explain, from the outside: chains, clusters, ranges and instances of traffic made up here, a
# look at each form of the graph. Speaks TAP.
bin=${top_builddir:-.}/flowlore
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0

ok() { # ok RESULT NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n - $2"; else
        echo "not ok $n - $2"
        sed 's/^/# out: /' "$dir/out" | head -n 40
        sed 's/^/# err: /' "$dir/err"
    fi
}

# try PATTERN NAME ARGUMENT...: exit 0, a line of output that matches, nothing on standard error
try() {
    pattern=$1 name=$2
    shift 2
    "$bin" "$@" --data "$dir/data" >"$dir/out" 2>"$dir/err" </dev/null && grep -q -e "$pattern" "$dir/out" &&
        [ ! -s "$dir/err" ]
    ok $? "$name"
}

# An hour at a location of one's own: every half minute or so 10.0.0.5 asks for a name, reads its mail 50 ms later
# and writes to the archive 100 ms after that; two hosts of another net try three doors of 10.0.7.7; ten clients
# in turn try most of the ports 6881 to 6889 of 10.0.0.36.
awk 'BEGIN {
    srand(4)
    OFS = "\t"
    print "#separator \\x09"
    print "#fields", "ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "duration", "orig_bytes", "resp_bytes", "conn_state", "orig_pkts", "resp_pkts"
    for (i = 0; i < 100; i++) {
        at = 1655071200 + 36 * i + int(rand() * 30) + rand() / 4
        talk(at, "10.0.0.5", "10.0.0.53", 53, "udp")
        talk(at + 0.05 + rand() / 100, "10.0.0.5", "10.0.0.9", 143, "tcp")
        talk(at + 0.15 + rand() / 100, "10.0.0.5", "10.0.0.11", 993, "tcp")
        at = 1655071200 + 36 * i + int(rand() * 30) + rand() / 4
        for (s = 0; s < 2; s++)
            talk(at + rand() / 10, "10.2.0." s + 1, "10.0.7.7", 23, "tcp")
        at = 1655071200 + 36 * i + int(rand() * 30) + rand() / 4
        for (p = 6881; p <= 6889; p++)
            if (rand() < 0.8)
                talk(at + rand() / 10, "198.18.0." i % 10 + 1, "10.0.0.36", p, "tcp")
    }
}
function talk(at, from, to, port, proto) {
    printf "%.6f\t%s\t%d\t%s\t%d\t%s\t0.01\t60\t60\tSF\t1\t1\n", at, from, 20000 + int(rand() * 40000), to, port, proto
}' >"$dir/conn.log"
"$bin" import --data "$dir/data" --location "oslo" "$dir/conn.log" >"$dir/out" 2>"$dir/err"
ok $? 'the hour is imported'
try ' rules' 'and mined' mine --all

try '"rule":"\*\.\* : 10.0.0.36.6881-6889/tcp <=> \*\.\* : 10.0.0.36.6881-6889/tcp"' 'ports that behave alike are one rule' rules --json
grep -v '"evidence":"periodic"' "$dir/out" | grep -q '6882/tcp'; [ $? = 1 ]; ok $? 'and no pair of its ports is one of its own'
id() { "$bin" rules --data "$dir/data" --json | grep -e "$1" | sed 's/.*"id":\([0-9]*\),.*/\1/' | head -n 1; }
range=$(id 6881-6889)
mail=$(id '10.0.0.9.143/tcp <=> 10.0.0.5.\* : 10.0.0.53.53/udp')

try '^client 10.0.0.5, 3 servers, ports 53/udp, 143/tcp, 993/tcp (clique)$' 'the graph by cluster' graph
grep -q '^any client, server 10.0.0.36, ports 6881-6889/tcp (range)$' "$dir/out"; ok $? 'a range is a cluster of one'
grep -q '^ first  10.0.0.5.\* : 10.0.0.53.53/udp, 5[0-9] ms later 10.0.0.5.\* : 10.0.0.9.143/tcp, 1[0-9]* ms later 10.0.0.5.\* : 10.0.0.11.993/tcp$' "$dir/out"
ok $? 'with the chain of it: the name, the mail, the archive'
grep -q '143/tcp <=> .*10.0.0.53.53/udp (right side 5[0-9] ms earlier, novel)' "$dir/out"; ok $? 'and which comes first'
try '^oslo: [0-9]* rules in' 'a graph of one location' graph --location oslo

try '"type":"chain","location":"oslo","cluster_id":[0-9]*,"nodes":\["10.0.0.5.\* : 10.0.0.53.53/udp","10.0.0.5.\* : 10.0.0.9.143/tcp","10.0.0.5.\* : 10.0.0.11.993/tcp"\],"rule_ids":\[[0-9]*,[0-9]*\],"lags_ms":\[5[0-9],1[0-9]*\]}$' \
    'a chain as JSON' graph --json
grep -q '"type":"cluster","id":[0-9]*,"location":"oslo","name":"client 10.0.0.5, 3 servers' "$dir/out"; ok $? 'a cluster as JSON'
grep -q '"type":"edge","location":"oslo","rule_id":[0-9]*,"from":"10.0.0.5.\* : 10.0.0.9.143/tcp","to":"10.0.0.5.\* : 10.0.0.53.53/udp","first":"to","arrow":"<=>","score":' "$dir/out"
ok $? 'an edge as JSON'
[ "$(grep -c '"type":"node".*"node":"10.0.0.5.\* : 10.0.0.53.53/udp"' "$dir/out")" = 1 ]; ok $? 'each node once'
if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; [json.loads(line) for line in sys.stdin]' <"$dir/out" 2>"$dir/err"
    ok $? 'one object a line'
fi

try '^digraph flowlore {$' 'drawn' graph --dot
grep -q '^  subgraph "cluster_[0-9]*" {$' "$dir/out"; ok $? 'clusters are boxes'
grep -q '^  "oslo 10.0.0.5.\* : 10.0.0.9.143/tcp" -> "oslo 10.0.0.5.\* : 10.0.0.53.53/udp" \[label="-5[0-9] ms", dir=both' "$dir/out"
ok $? 'rules are edges that say the lag'
if command -v dot >/dev/null; then
    dot -Tsvg <"$dir/out" >"$dir/svg" 2>"$dir/err" && [ ! -s "$dir/err" ] && grep -q '10.0.0.53.53/udp' "$dir/svg"
    ok $? 'graphviz draws it'
else
    n=$((n + 1)); echo "ok $n # SKIP graphviz is not installed"
fi

try 'observed 9[0-9]\|observed 100' 'explain says what was observed' explain "$mail"
grep -q 'expected [0-9.]* if only chance brought them together' "$dir/out"; ok $? 'against chance'
grep -q 'consequent comes first, by 5[0-9] ms' "$dir/out"; ok $? 'which comes first'
grep -q 'order        clear: the consequent starts first, or at once, in 100% of the cases' "$dir/out"; ok $? 'how surely'
grep -q '^ *-5[0-9] ms |#* [0-9]*$' "$dir/out"; ok $? 'the lags drawn'
grep -q '^  2022-06-12 22:[0-9:]*  10.0.0.5 -> 10.0.0.53:53/udp, with 10.0.0.5 -> 10.0.0.9:143/tcp$' "$dir/out"; ok $? 'conversations with their times'
grep -q '^Cluster: client 10.0.0.5, 3 servers, ports' "$dir/out"; ok $? 'its cluster'
[ "$(sed -n '/^Cluster/,/^$/p' "$dir/out" | grep -c '<=>')" = 2 ]; ok $? 'with the other rules of it'
sed -n '/^Chain/,/^$/p' "$dir/out" | grep -q '53/udp, 5[0-9] ms later .*143/tcp, 1[0-9]* ms later .*993/tcp'; ok $? 'and its chain'
try '^When a client talks to 10.0.0.36 on one of the ports 6881-6889/tcp, .* on another of these ports' 'explain of a range' explain "$range"
grep -q '^It stands for several pairs' "$dir/out"; ok $? 'says whose figures it has'
grep -q '^Instances folded under it ([3-9][0-9])$' "$dir/out"; ok $? 'and lists what it stands for'
if command -v script >/dev/null; then
    COLUMNS=76 TERM=dumb script -qec "'$bin' explain $range --data '$dir/data'" /dev/null </dev/null 2>&1 | tr -d '\r' >"$dir/out"
    grep -q "^  and [2-9][0-9] more: flowlore explain $range | less" "$dir/out"; ok $? 'a terminal gets the first instances'
    sed '/^Their flows/,/^Instances/d' "$dir/out" | awk 'length($0) > 76 { long = 1 } END { exit long }'
    ok $? 'within its width'
fi
echo "1..$n"
