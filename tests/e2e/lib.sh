# What the end-to-end tests share: the programs of this build, a scratch directory that goes away, a service
# of one's own. Sourced, not run; needs bash.
srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
. "$srcdir/contrib/service.sh"

here=$(pwd)
flowlored=$here/flowlored
flowlore=$here/flowlore
flowgen=$here/tests/generate/flowgen
shared=${FLOWLORE_SHARED:-$srcdir/../shared}
for program in "$flowlored" "$flowlore" "$flowgen"; do
    [ -x "$program" ] || { echo "Bail out! $program is not built: run make first"; exit 99; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/flowlore-e2e.XXXXXX") || exit 99
data=$work/data
service_log=$work/flowlored.log
unset FLOWLORE_DATA
three_locations=(--location paris=127.0.0.1/32 --location london=127.0.0.2/32 --location tokyo=127.0.0.3/32)

finish() {
    fl_stop_service KILL
    rm -rf "$work"
}
trap finish EXIT

# The service's last words, as comments, for a test that failed.
show_service_log() {
    tail -n 15 "$service_log" 2>/dev/null | sed 's/^/# flowlored: /'
}

# send FORM SOURCE OPTION...: adds the number of records sent to $sent.
sent=0
send() {
    local report form=$1 source=$2
    shift 2
    report=$("$flowgen" --as "$form" --source "$source" --to "127.0.0.1:$port" --rate 3000 "$@") || return 1
    report=${report#sent }
    sent=$((sent + ${report%% *}))
}

# rules LOCATION [OPTION...]: its rules as JSON lines without what rightly differs between locations and runs.
# Numbers of rules and clusters count over the whole database.
rules() {
    local location=$1
    shift
    "$flowlore" rules --location "$location" --status all --json --data "$data" "$@" |
        sed -E 's/"(id|location|first_seen|last_seen|cluster_id|novelty)": *("[^"]*"|-?[0-9]+|null),? *//g' | sort
}

# texts LOCATION: every rule and every instance of it as text, one a line.
texts() {
    local id
    "$flowlore" rules --location "$1" --status all --json --data "$data" >"$work/texts.json" || return 1
    grep -o '"rule": *"[^"]*"' "$work/texts.json"
    grep -v '"instances": *0[,}]' "$work/texts.json" | grep -o '"id": *[0-9]*' | tr -cd '0-9\n' |
        while read -r id; do
            "$flowlore" explain "$id" --data "$data"
        done
}

# count_novel: over all locations.
count_novel() {
    "$flowlore" rules --status novel --json --data "$data" | grep -c '"rule"'
}

# exits STATUS NAME PATTERN COMMAND...: the command ends with that status and what it says matches.
exits() {
    local wanted=$1 name=$2 pattern=$3 output status
    shift 3
    output=$(timeout 30 "$@" 2>&1)
    status=$?
    [ "$status" -eq "$wanted" ] && grep -qE -- "$pattern" <<<"$output"
    ok $? "$name"
    if [ "$status" -ne "$wanted" ] || ! grep -qE -- "$pattern" <<<"$output"; then
        echo "# exit $status instead of $wanted, or nothing like \"$pattern\" in:"
        head -n 10 <<<"$output" | sed 's/^/#   /'
    fi
}
