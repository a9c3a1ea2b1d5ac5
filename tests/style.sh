#!/bin/sh
# Holds every C file against the house style: the formatter's opinion, a length that one can read, and an
# opening comment that says why the file exists.
srcdir=${srcdir:-.}
. "$srcdir/tests/tap.sh"
cd "$srcdir" || exit 99

files=$(find storage mining collector tests -name '*.[ch]' | sort)

too_long() {
    for f in $files; do
        n=$(wc -l <"$f")
        [ "$n" -le 700 ] || echo "$f has $n lines"
    done
}

without_opening() {
    for f in $files; do
        case $(head -c 3 "$f") in
        "/* ") ;;
        *) echo "$f does not open with a comment" ;;
        esac
    done
}

ill_formed() {
    printf '%s\n' "$files" | xargs clang-format --dry-run -Werror 2>&1
}

# empty NAME TEXT: pass when there is nothing to say.
empty() {
    [ -z "$2" ]
    ok $? "$1"
    [ -z "$2" ] || printf '%s\n' "$2" | head -n 20 | sed 's/^/# /'
}

empty "no file is over 700 lines" "$(too_long)"
empty "every C file opens with a comment" "$(without_opening)"
if command -v clang-format >/dev/null 2>&1; then
    empty "every C file is formatted" "$(ill_formed)"
else
    skip "every C file is formatted" "clang-format is not installed"
fi
tap_done
