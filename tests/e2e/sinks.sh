#!/bin/bash
# Sinks and what becomes of alerts when their receivers refuse, hang, drip, lie about who they are, or are killed: real
# servers on the loopback, a real service, and an outbox that loses nothing.
. "${srcdir:-.}/tests/e2e/lib.sh"
command -v python3 >/dev/null || skip_all "python3 is not installed"
command -v sqlite3 >/dev/null || skip_all "sqlite3 is not installed"
command -v openssl >/dev/null || skip_all "openssl is not installed"

receivers=()
finish_all() {
    [ ${#receivers[@]} -eq 0 ] || kill -9 "${receivers[@]}" 2>/dev/null
    # The command of a service that was killed outlives it.
    [ -z "${unlike:-}" ] || pgrep -f "sleep $unlike" | xargs -r kill 2>/dev/null
    finish
}
trap finish_all EXIT

# receive NAME ARGUMENT...: a receiver that logs to $work/NAME.log; its port into $at.
receive() {
    local log=$work/$1.log
    shift
    : >"$log"
    python3 "$srcdir/tests/e2e/receiver.py" "$log" "$@" 2>"$log.errors" &
    receivers+=($!)
    disown
    for ((i = 0; i < 300; i++)); do
        read -r at <"$log" && return 0
        sleep 0.1
    done
    return 1
}

# got NAME PYTHON: the expression over `all`, what the receiver got, is true.
got() {
    python3 - "$work/$1.log" "$2" <<'END'
import hashlib, hmac, json, sys
all = [json.loads(line) for line in open(sys.argv[1]) if line.startswith("{")]
bad = [one["bad"] for one in all if "bad" in one]
if bad or not eval("(" + sys.argv[2] + ")"):
    sys.exit("%s: %s" % (sys.argv[2], bad or all))
END
}

# wait_for NAME PATTERN COMMAND...: until what it prints matches, for a minute.
wait_for() {
    local name=$1 pattern=$2 i
    shift 2
    for ((i = 0; i < 300; i++)); do
        "$@" 2>&1 | grep -qE -- "$pattern" && break
        sleep 0.2
    done
    [ $i -lt 300 ]
    ok $? "$name"
    [ $i -lt 300 ] || "$@" 2>&1 | tail -n 20 | sed 's/^/# /'
}

# One test of the sink named behind it, with the configuration $work/test.yaml.
ask=("$flowlore" sinks --data "$data" --config "$work/test.yaml" test)

mkdir -p "$data"
printf 'correct horse battery staple\n' >"$work/secret"
printf 'Authorization: Bearer correct horse\n\nX-Team: noc\r\n' >"$work/headers"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
    -keyout "$work/own.key" -out "$work/own.pem" 2>/dev/null &&
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=other.example -addext subjectAltName=DNS:other.example \
        -keyout "$work/other.key" -out "$work/other.pem" 2>/dev/null
ok $? "certificates are made"

# ---- one test event to each kind of receiver ----

receive web http 200 && web=$at
receive refusing http 403 && refusing=$at
receive moved http "302:http://127.0.0.1:$web/elsewhere" && moved=$at
receive hanging http hang && hanging=$at
receive dripping http drip && dripping=$at
receive resetting http reset && resetting=$at
receive endless http endless && endless=$at
receive own https "$work/own.pem" "$work/own.key" 200 && own=$at
receive other https "$work/other.pem" "$work/other.key" 200 && other=$at
receive udp udp && udp=$at
receive tcp tcp && tcp=$at
receive keeping tcp-keep && keeping=$at
receive mute mute && mute=$at
receive local unix "$work/log.socket"
closed=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/test.yaml" <<END
sinks:
- {name: web, kind: webhook, url: 'http://127.0.0.1:$web/hook?x=1', secret-file: $work/secret,
   header-file: $work/headers}
- {name: closed, kind: webhook, url: 'http://127.0.0.1:$closed/'}
- {name: refusing, kind: webhook, url: 'http://127.0.0.1:$refusing/'}
- {name: moved, kind: webhook, url: 'http://127.0.0.1:$moved/'}
- {name: hanging, kind: webhook, url: 'http://127.0.0.1:$hanging/', timeout: 2s}
- {name: mute, kind: webhook, url: 'https://127.0.0.1:$mute/', timeout: 2s}
- {name: dripping, kind: webhook, url: 'http://127.0.0.1:$dripping/', timeout: 2s}
- {name: resetting, kind: webhook, url: 'http://127.0.0.1:$resetting/'}
- {name: endless, kind: webhook, url: 'http://127.0.0.1:$endless/'}
- {name: own, kind: webhook, url: 'https://localhost:$own/', ca-file: $work/own.pem}
- {name: unknown, kind: webhook, url: 'https://localhost:$own/'}
- {name: other, kind: webhook, url: 'https://localhost:$other/', ca-file: $work/other.pem}
- {name: nosecret, kind: webhook, url: 'http://127.0.0.1:$web/', secret-file: $work/nosecret}
- {name: udp, kind: syslog, to: 'udp://127.0.0.1:$udp', facility: local3}
- {name: udpclosed, kind: syslog, to: 'udp://127.0.0.1:$closed'}
- {name: tcp, kind: syslog, to: 'tcp://localhost:$tcp'}
- {name: tcpclosed, kind: syslog, to: 'tcp://127.0.0.1:$closed'}
- {name: keeping, kind: syslog, to: 'tcp://127.0.0.1:$keeping'}
- {name: nowhere, kind: syslog, to: 'tcp://no-such-host.invalid', timeout: 20s}
- {name: local, kind: syslog, to: 'unix:$work/log.socket'}
- {name: nosocket, kind: syslog, to: 'unix:$work/none.socket'}
- {name: command, kind: command, command: [/bin/sh, -c, 'cat >"\$0"', $work/command.out]}
- {name: failing, kind: command, command: [/bin/sh, -c, 'echo no line >&2; exit 7']}
- {name: missing, kind: command, command: [/nonexistent/page]}
- {name: stuck, kind: command, command: [/bin/sleep, 300], timeout: 1s}
END
exits 0 "a web server takes a test" "web: the test event was delivered" "${ask[@]}" web
check "as JSON, with agent, event and path" got web \
    'len(all) == 1 and all[0]["path"] == "/hook?x=1" and all[0]["headers"]["content-type"] == "application/json" and
     all[0]["headers"]["user-agent"].startswith("flowlore/") and
     json.loads(all[0]["body"])["event"]["id"] == all[0]["headers"]["x-flowlore-event"]'
check "with the headers of a file" got web 'all[0]["headers"]["authorization"] == "Bearer correct horse" and
     all[0]["headers"]["x-team"] == "noc"'
check "and signed" got web \
    '"sha256=" + hmac.new(b"correct horse battery staple", (all[0]["headers"]["x-flowlore-timestamp"] + "." +
     all[0]["body"]).encode(), hashlib.sha256).hexdigest() == all[0]["headers"]["x-flowlore-signature"]'
exits 1 "a port where nobody listens" "closed: .*not delivered: .*(refused|connect)" "${ask[@]}" closed
exits 1 "a status that refuses" "refusing: .*status 403" "${ask[@]}" refusing
exits 1 "a redirection is not followed" "moved: .*status 302, a redirection" "${ask[@]}" moved
check "and nobody was told behind it" got web 'len(all) == 1'
exits 1 "a server that never answers" "hanging: .*no answer within 2s" "${ask[@]}" hanging
exits 1 "one that accepts and never reads" "mute: .*no answer within 2s" "${ask[@]}" mute
exits 1 "one that drips" "dripping: .*no answer within 2s" "${ask[@]}" dripping
exits 1 "one that resets" "resetting: .*not delivered" "${ask[@]}" resetting
exits 0 "an answer without end" "endless: the test event was delivered" "${ask[@]}" endless
exits 0 "TLS with an authority of one's own" "own: the test event was delivered" "${ask[@]}" own
exits 1 "TLS with an authority that is not known" "unknown: .*certificate" "${ask[@]}" unknown
exits 1 "TLS with the certificate of another" "other: .*(certificate|name)" "${ask[@]}" other
exits 1 "a secret that is not there" "nosecret: .*nosecret: No such file" "${ask[@]}" nosecret
exits 0 "syslog over UDP" "udp: the test event was delivered" "${ask[@]}" udp
check "as RFC 5424 wants it" got udp 'all[0]["facility"] == 19 and all[0]["severity"] == 6 and all[0]["msgid"] == "test" and
    len(all[0]["parameters"]["event"]) == 32 and "sink udp" in all[0]["message"]'
exits 1 "syslog to a UDP port where nobody listens" "udpclosed: .*connection refused" "${ask[@]}" udpclosed
exits 0 "syslog over TCP, by name" "tcp: the test event was delivered" "${ask[@]}" tcp
check "counted in octets" got tcp 'len(all) == 1 and all[0]["app"] == "flowlored"'
exits 1 "syslog to a TCP port where nobody listens" "tcpclosed: .*connection refused" "${ask[@]}" tcpclosed
exits 0 "a receiver that keeps connections open" "keeping: the test event was delivered" "${ask[@]}" keeping
exits 1 "a name that nobody has" "nowhere: .*no address of no-such-host.invalid" "${ask[@]}" nowhere
exits 0 "the local socket" "local: the test event was delivered" "${ask[@]}" local
check "takes the message alone" got local 'len(all) == 1'
exits 1 "a local socket that is not there" "nosocket: .*No such file" "${ask[@]}" nosocket
exits 0 "a command" "command: the test event was delivered" "${ask[@]}" command
check "reads the event" python3 -c "import json; json.load(open('$work/command.out'))['event']['action'] == 'test' or 1/0"
exits 1 "a command that fails" "failing: .*exit status 7: no line" "${ask[@]}" failing
exits 1 "a command that does not exist" "missing: .*/nonexistent/page: no such file" "${ask[@]}" missing
exits 1 "a command that hangs" "stuck: .*killed after 1s" "${ask[@]}" stuck
exits 2 "a sink that is not configured" 'there is no sink "pager"' "${ask[@]}" pager
exits 0 "every sink is listed" "stuck +command +0" "$flowlore" sinks --data "$data" --config "$work/test.yaml"

# ---- a service, whose receivers come and go ----

# alert ID SEVERITY: as mining would open it.
alert() {
    sqlite3 -cmd ".timeout 20000" "$data/rules.db" "
        INSERT INTO alert (id, location, kind, severity, state, opened_ms, made_ms, changed_ms, rule, novelty, rules, text,
            why)
        VALUES ($1, 'hq', 'novel', '$2', 'open', 1000, 2000, 2000,
            '10.0.0.5.* : 10.0.0.53.53/udp => *.* : 10.0.0.9.143/tcp', 'new', 1, 'New at hq, in Zürich', 'Because');"
}
sinks() {
    "$flowlore" sinks --json --data "$data" --config "$work/live.yaml"
}

receive slow http hang && slow=$at
receive flaky http 500 200 && flaky=$at
receive limited http 429:1 200 && limited=$at
receive steady udp && steady=$at
receive mortal http 200 && mortal=$at mortal_pid=${receivers[-1]}
unlike=$((1000000 + $$)) # seconds that no other process sleeps
cat >"$work/live.yaml" <<END
sinks:
- {name: slow, kind: webhook, url: 'http://127.0.0.1:$slow/', timeout: 10m}
- {name: flaky, kind: webhook, url: 'http://127.0.0.1:$flaky/'}
- {name: limited, kind: webhook, url: 'http://127.0.0.1:$limited/'}
- {name: steady, kind: syslog, to: 'udp://127.0.0.1:$steady', severity: high}
- {name: mortal, kind: webhook, url: 'http://127.0.0.1:$mortal/', events: [opened]}
- {name: hung, kind: command, command: [/bin/sleep, "$unlike"], timeout: 10m}
END
fl_start_service --config "$work/live.yaml"
ok $? "a service starts"
wait_for "which knows its sinks" '"name":"slow"' sqlite3 -json "$data/rules.db" "SELECT name FROM sinks"
alert 1 high && alert 2 low && alert 3 high
ok $? "three alerts are opened"
wait_for "500, then 200: delivered" '"name":"flaky".*"delivered":3,"waiting":0' sinks
wait_for "429, then 200: delivered" '"name":"limited".*"delivered":3,"waiting":0' sinks
check "after an error the same event comes again" got flaky 'len(all) == 4 and all[0]["headers"]["x-flowlore-event"] ==
    all[1]["headers"]["x-flowlore-event"] and [json.loads(one["body"])["flowlore"]["id"] for one in all] == [1, 1, 2, 3]'
wait_for "the alerts' file has them all" '"name":"file".*"delivered":3,"waiting":0' sinks
wait_for "by severity" '"name":"steady".*"delivered":2,"waiting":0' sinks
check "syslog beyond ASCII, with its data" got steady 'all[0]["mark"] and all[0]["severity"] == 3 and
    all[0]["parameters"]["alert"] == "1" and all[0]["parameters"]["location"] == "hq" and "Zürich" in all[0]["message"]'
wait_for "those that hang keep what they were not told" '"name":"slow".*"delivered":0,"waiting":3' sinks
sent=0
send v5 127.0.0.1 --hours 2 --hosts 60 && fl_wait_stored "$sent" 60
ok $? "meanwhile the service collects as ever"
exits 0 "status shows sinks" "slow +webhook +0 +3" "$flowlore" status --data "$data" --config "$work/live.yaml"
exits 0 "alerts show their delivery" '"delivery": ?\[.*"sink": ?"flaky".*"state": ?"delivered"' \
    "$flowlore" alerts --json --data "$data"
exits 0 "in a word, too" " waiting " "$flowlore" alerts --data "$data"

# The receiver is killed between two alerts, and comes back.
wait_for "a receiver takes three" '"name":"mortal".*"delivered":3' sinks
kill -9 "$mortal_pid"
alert 4 low && alert 5 low
wait_for "then it is killed, and what it misses waits" '"name":"mortal".*"waiting":2.*"error":"' sinks
mv "$work/mortal.log" "$work/mortal1.log"
receive mortal --port "$mortal" http 200
wait_for "it comes back, and is told" '"name":"mortal".*"delivered":5,"waiting":0' sinks
check "what it missed" got mortal '[json.loads(one["body"])["flowlore"]["id"] for one in all] == [4, 5]'

# The service is killed while alerts are under way; afterwards everything arrives, and what arrives twice says so.
for i in $(seq 6 30); do
    alert "$i" low
    [ "$i" -eq 12 ] && fl_stop_service KILL
done
sqlite3 -cmd ".timeout 20000" "$data/rules.db" "UPDATE alert SET state = 'closed', closed_ms = 5000 WHERE id = 30"
fl_start_service --config "$work/live.yaml"
ok $? "the service was killed, and starts again"
wait_for "nothing was lost" '"name":"mortal".*"delivered":30,"waiting":0' sinks
check "and repetitions carry the event's id" got mortal \
    '{json.loads(one["body"])["flowlore"]["id"] for one in all} == set(range(4, 31)) and
     len({one["headers"]["x-flowlore-event"] for one in all}) == 27'
wait_for "closing is told where it is wanted" '"name":"flaky".*"delivered":31,"waiting":0' sinks
check "as such" got flaky 'json.loads(all[-1]["body"])["event"]["action"] == "alert-closed"'

alive_or_gone() {
    kill -0 "$command_pid" 2>/dev/null && echo alive || echo gone
}

# Another configuration, while a command and a server hang.
command_pid=$(pgrep -n -f "sleep $unlike")
[ -n "$command_pid" ]
ok $? "a command hangs"
cat >"$work/live.yaml" <<END
sinks:
- {name: flaky, kind: webhook, url: 'http://127.0.0.1:$flaky/'}
- {name: slow, kind: webhook, url: 'http://127.0.0.1:$slow/', timeout: 9m}
END
kill -HUP "$service_pid"
wait_for "a sink that is taken away is told of" "31 alert events that still waited.*given up" cat "$service_log"
wait_for "its command ends" gone alive_or_gone
alert 31 low
wait_for "the others go on" '"name":"flaky".*"delivered":32,"waiting":0' sinks
wait_for "and keep what they are owed" '"name":"slow".*"delivered":0,"waiting":32' sinks

# Alerts of mined rules name the flows of an example as other tools know them: by the Community ID, here computed a
# second time from every flow that is stored.
"$flowlore" mine --all --data "$data" >"$work/mined" 2>&1
ok $? "what was collected is mined"
mined=$(sqlite3 "$data/rules.db" "SELECT count(*) FROM alerts WHERE rule_id IS NOT NULL")
wait_for "its alerts arrive" "\"name\":\"flaky\".*\"delivered\":$((32 + mined)),\"waiting\":0" sinks
"$flowlore" flows --data "$data" --limit 0 --json >"$work/flows.json"
check "with the Community IDs of flows that are stored" python3 - "$work/flows.json" "$data/alerts.jsonl" "$mined" <<'END'
import base64, hashlib, ipaddress, json, struct, sys

def community(flow):
    a = (ipaddress.ip_address(flow["src"]).packed, flow["src_port"])
    b = (ipaddress.ip_address(flow["dst"]).packed, flow["dst_port"])
    if flow["protocol"] in (1, 58):
        kind, code = flow["dst_port"] >> 8, flow["dst_port"] & 255
        answers = {8: 0, 0: 8, 128: 129, 129: 128}
        a, b = (a[0], kind), (b[0], answers.get(kind, code))
    if b < a:
        a, b = b, a
    data = b"\0\0" + a[0] + b[0] + bytes([flow["protocol"], 0]) + struct.pack(">HH", a[1], b[1])
    return "1:" + base64.b64encode(hashlib.sha1(data).digest()).decode()

known = {community(json.loads(line)) for line in open(sys.argv[1])}
events = [json.loads(line) for line in open(sys.argv[2])]
events = [one for one in events if one["flowlore"]["rule_id"] is not None]
ids = [one.get("network", {}).get("community_id", []) for one in events]
ids = [[one] if isinstance(one, str) else one for one in ids]
assert len(events) == int(sys.argv[3]) > 0, len(events)
assert all(ids), [one for one in events if not one["network"].get("community_id")][0]
assert {one for some in ids for one in some} <= known, ids
END
fl_stop_service
ok $? "the service stops while a sink hangs"
! grep -q "correct horse" "$service_log" "$work/alerts.jsonl" 2>/dev/null
ok $? "no secret is logged"
! grep -qE "Sanitizer|runtime error" "$service_log"
ok $? "and nothing went wrong in memory"
tap_done
