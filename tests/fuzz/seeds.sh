#!/bin/sh
# Holds the committed seeds of the decode path's fuzz targets against the program that makes them.
srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"

work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
check "mkseeds makes the seeds" tests/fuzz/mkseeds "$work"
for target in "$work"/*; do
    name=${target##*/}
    check "the seeds of fuzz_$name are what mkseeds makes (else: tests/fuzz/mkseeds tests/fuzz/seeds)" \
        diff -r "$target" "$srcdir/tests/fuzz/seeds/$name"
done
tap_done
