# Runs a flowlored of one's own for a while. Sourced by contrib/quickstart and the end-to-end tests, which set
#   flowlored, flowlore  the programs
#   data                 the data directory
#   service_log          where the service's messages go
# and read
#   service_pid, port    the running service and the port it listens on

service_pid=

# A UDP port of the loopback that nobody uses, into $port.
fl_free_port() {
    local hex
    while :; do
        port=$((20000 + RANDOM % 20000))
        printf -v hex ':%04X ' "$port"
        grep -q "$hex" /proc/net/udp /proc/net/udp6 2>/dev/null || return 0
    done
}

# fl_listening PORT: somebody is bound to it.
fl_listening() {
    local hex
    printf -v hex ':%04X ' "$1"
    grep -q "$hex" /proc/net/udp /proc/net/udp6 2>/dev/null
}

# fl_start_service OPTION...: start, and wait until it listens. 1 when it ends or does not within 30 s.
fl_start_service() {
    local i
    [ -n "${port:-}" ] || fl_free_port
    "$flowlored" --data "$data" --listen "127.0.0.1:$port" --mine-every off "$@" >>"$service_log" 2>&1 &
    service_pid=$!
    for ((i = 0; i < 300; i++)); do
        kill -0 "$service_pid" 2>/dev/null || { fl_reap; return 1; }
        fl_listening "$port" && return 0
        sleep 0.1
    done
    return 1
}

# Wait for its end; its exit status.
fl_reap() {
    local status
    wait "$service_pid" 2>/dev/null
    status=$?
    service_pid=
    return $status
}

# fl_stop_service [SIGNAL]
fl_stop_service() {
    [ -n "$service_pid" ] || return 0
    kill -"${1:-TERM}" "$service_pid" 2>/dev/null
    fl_reap
}

# How many records the service says it stored, over all exporters.
fl_stored() {
    "$flowlore" status --data "$data" --json 2>/dev/null | tr '{}' '\n\n' | grep '"address"' |
        grep '"unknown_template"' | grep -o '"flows": *[0-9]*' | tr -cd '0-9\n' | awk '{ n += $1 } END { print n + 0 }'
}

# fl_wait_stored N SECONDS: until N records are stored.
fl_wait_stored() {
    local wanted=$1 until=$((SECONDS + $2))
    while [ "$(fl_stored)" -lt "$wanted" ]; do
        [ $SECONDS -lt $until ] || return 1
        [ -z "$service_pid" ] || kill -0 "$service_pid" 2>/dev/null || return 1
        sleep 0.5
    done
}
