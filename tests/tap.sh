# What the shell tests share: results as TAP (Test Anything Protocol), so that every check is counted.
# Sourced, not run.
tap_count=0
tap_failed=0

# ok CONDITION-STATUS NAME: pass when the status is 0.
ok() {
    tap_count=$((tap_count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $tap_count - $2"
    else
        tap_failed=$((tap_failed + 1))
        echo "not ok $tap_count - $2"
    fi
}

# check NAME COMMAND...: pass when the command succeeds; what it prints becomes comments when it fails.
check() {
    check_name=$1
    shift
    check_output=$("$@" 2>&1)
    check_status=$?
    ok "$check_status" "$check_name"
    [ "$check_status" -eq 0 ] || printf '%s\n' "$check_output" | tail -n 20 | sed 's/^/# /'
}

skip() {
    tap_count=$((tap_count + 1))
    echo "ok $tap_count - $1 # SKIP $2"
}

skip_all() {
    echo "1..0 # SKIP $1"
    exit 0
}

tap_done() {
    echo "1..$tap_count"
    [ "$tap_failed" -eq 0 ]
}
