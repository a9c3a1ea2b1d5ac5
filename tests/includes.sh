#!/bin/sh
# Holds the house's direction: collector -> mining -> storage, never back, and keeps the large libraries to
# the few files that are meant to know them.
srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
cd "$srcdir" || exit 99

# none NAME PATTERN FILE...: no file has an include line that matches.
none() {
    none_name=$1
    none_pattern=$2
    shift 2
    none_found=$(grep -nE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($none_pattern)" /dev/null "$@")
    [ -z "$none_found" ]
    ok $? "$none_name"
    [ -z "$none_found" ] || printf '%s\n' "$none_found" | sed 's/^/# /'
}

collector=$(find collector -name '*.[ch]')

# Files that know the event loop and the decoder's library at once.
both_libraries() {
    for f in $collector; do
        grep -q '#include <uv\.h>' "$f" && grep -qE '#include <(fixbuf/|glib)' "$f" && echo "$f"
    done
}

none "storage includes nothing from mining or collector" 'mining/|collector/' storage/*.c storage/*.h
none "mining includes nothing from collector" 'collector/' mining/*.c mining/*.h
none "the programs' folders include nothing from the tests" 'tests/' \
    storage/*.[ch] mining/*.[ch] $collector
none "libuv stays out of storage and mining" 'uv\.h' storage/*.[ch] mining/*.[ch]
none "libfixbuf and GLib stay out of storage and mining" 'fixbuf/|glib' storage/*.[ch] mining/*.[ch]
both=$(both_libraries)
[ -z "$both" ]
ok $? "no file mixes the event loop with the decode path"
[ -z "$both" ] || printf '%s\n' "$both" | sed 's/^/# /'
none "sqlite3.h stays in storage" 'sqlite3' mining/*.[ch] $collector
none "libcurl and libcrypto stay with the sinks" 'curl/|openssl/' storage/*.[ch] mining/*.[ch] \
    $(printf '%s\n' $collector | grep -v '^collector/sink/')
none "decoding includes nothing from around it" 'collector/([a-z_]+\.h|import/)' collector/decode/*.[ch]
none "importing includes nothing from the service but its data directory" \
    'collector/(sink/.*|census|figures|lanes|options|queue|receive|schedule|settings|storer|watermark)\.h' \
    collector/import/*.[ch]
none "the generator shares nothing with the collector or the mining" 'collector/|mining/' tests/generate/*.[ch]
tap_done
