#!/bin/bash
# The service as an operator meets it: starting, stopping, signals, and every refusal with its exit status.
# Speaks TAP. FLOWLORED names the program; the build directory's own is the default.
program=${FLOWLORED:-./flowlored}
work=$(mktemp -d) || exit 99
port=$((20000 + $$ % 20000))
other=$((port + 1))
pid=
count=0
failed=0
trap '[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT

result() { # result STATUS NAME
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        failed=1
        [ -f "$work/log" ] && tail -n 20 "$work/log" | sed 's/^/# /'
    fi
}

logged() { # logged PATTERN: within ten seconds
    for _ in $(seq 100); do
        grep -q -- "$1" "$work/log" && return 0
        sleep 0.1
    done
    return 1
}

start() { # start OPTION...
    : >"$work/log"
    "$program" --data "$work/data" "$@" 2>"$work/log" &
    pid=$!
    logged "listening on"
}

stop() { # the exit status of the service
    kill -TERM "$pid"
    wait "$pid"
    local status=$?
    pid=
    return $status
}

refused() { # refused STATUS PATTERN OPTION...
    local status=$1 pattern=$2
    shift 2
    timeout 20 "$program" "$@" >"$work/out" 2>"$work/refusal"
    [ $? -eq "$status" ] && grep -q -- "$pattern" "$work/refusal"
}

# One NetFlow v5 datagram with one record of now: 10.1.1.1:1024 -> 10.2.2.2:53/udp.
send() { # send ADDRESS
    local seconds
    seconds=$(printf '%08x' "$(date +%s)")
    local header="00050001 000f4240 $seconds 00000000 00000000 00000000"
    local record="0a010101 0a020202 00000000 00010002 00000001 00000040 000f3e58 000f3e58"
    record="$record 04000035 00001100 00000000 00000000"
    # By way of a file: the shell would cut the datagram in two behind a newline byte.
    printf "$(echo "$header $record" | tr -d ' ' | sed 's/../\\x&/g')" >"$work/datagram"
    cat "$work/datagram" >"/dev/udp/$1/$port"
}

if ! (echo >"/dev/udp/127.0.0.1/$port") 2>/dev/null; then
    echo "1..0 # SKIP this shell cannot send datagrams"
    exit 0
fi

start --listen "127.0.0.1:$port"
result $? "starts without a configuration, and says where it listens"
[ "$(stat -c %a "$work/data")" = 750 ]
result $? "makes the data directory for its user and group"

refused 1 "in use by flowlored with pid $pid" --data "$work/data" --listen "127.0.0.1:$other"
result $? "a second service on one data directory is refused, with the pid of the first"
refused 1 "$port.*ss -ulpn" --data "$work/second" --listen "127.0.0.1:$port"
result $? "a port in use is named, with the command that says by whom"

for _ in 1 2 3; do send 127.0.0.1; done
echo junk >"/dev/udp/127.0.0.1/$port"
sleep 4
kill -USR1 "$pid"
logged "statistics: 4 datagrams, 3 flows stored, 0 refused, 1 malformed"
result $? "USR1 logs the statistics"

send 127.0.0.1
stop
result $? "stops with status 0 at TERM"
grep -q "stopped: 5 datagrams, 4 flows stored" "$work/log"
result $? "what was received before TERM is stored, and the totals are logged"

start --listen "127.0.0.1:$port" --location elsewhere=192.0.2.0/24
send 127.0.0.1
logged "refused 1 datagram, the last from 127.0.0.1"
result $? "a sender of no location is refused and named"
kill -INT "$pid"
wait "$pid"
status=$?
pid=
grep -q "stopped: 1 datagrams, 0 flows stored, 1 refused" "$work/log"
result $((status + $?)) "INT stops too, and the refused are counted"

echo "{}" >"$work/flowlore.yaml"
start --config "$work/flowlore.yaml" --listen "127.0.0.1:$port"
echo "mining: [" >"$work/flowlore.yaml"
kill -HUP "$pid"
logged "the old one stays: .*flowlore.yaml"
result $? "HUP refuses a broken configuration and keeps the old one"
echo "{}" >"$work/flowlore.yaml"
kill -HUP "$pid"
logged "configuration read again"
result $? "HUP takes over a good configuration"

kill -KILL "$pid"
wait "$pid" 2>/dev/null
start --listen "127.0.0.1:$port"
result $? "starts again after a kill"
stop
result $? "and stops again"

start --listen "*:$port"
send 127.0.0.1
stop
grep -q "stopped: 1 datagrams, 1 flows stored" "$work/log"
result $? "*:PORT hears IPv4"
start --listen "[::]:$port" --listen "127.0.0.1:$port"
send 127.0.0.1
stop
grep -q "stopped: 1 datagrams, 1 flows stored" "$work/log"
result $? "[::]:PORT leaves IPv4 to an address that wants it"

"$program" --check --listen "127.0.0.1:$port" --location hq=10.0.0.0/8 >"$work/out" 2>"$work/log"
status=$?
head -n 1 "$work/out" | grep -qx OK && grep -q "hq: 10.0.0.0/8" "$work/out" && grep -q "127.0.0.1:$port" "$work/out"
result $((status + $?)) "--check says OK and what it would do"
refused 2 "broken.yaml" --check --config "$work/broken.yaml"
result $? "--check refuses a file that is not there"
refused 2 "unknown option --bogus" --bogus
result $? "an unknown option is wrong usage"
refused 2 "--http off" --http 127.0.0.1:8080
result $? "the console is refused with the remedy"
refused 2 "nonsense" --listen nonsense
result $? "an address without a port is wrong usage"
refused 2 "--mine-every 10" --mine-every 10
result $? "a duration without unit is wrong usage"
: >"$work/file"
refused 1 "not a directory" --data "$work/file"
result $? "a file in place of the data directory is refused"
refused 1 "not a directory" --data "$work/file/below"
result $? "and so is a directory below a file"

echo "1..$count"
exit $failed
