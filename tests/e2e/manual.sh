#!/bin/bash
# The manual says what the programs do: every command, option, configuration key, view and column is in its page, every
# example query runs, and the pages are sound; and the shells complete what there is.
. "${srcdir:-.}/tests/e2e/lib.sh"
shopt -s lastpipe # so that what ends a pipe counts

man=$srcdir/contrib/man
mkstore=$here/tests/e2e/mkstore

# missing PAGE: the words of standard input that the page does not have.
missing() {
    while read -r word; do
        grep -qwF -e "$word" "$man/$1" || echo "$1 lacks $word"
    done
}
# nothing TEXT: pass when standard input is empty, and say what is there.
nothing() {
    local found
    found=$(cat)
    [ -z "$found" ]
    ok $? "$1"
    [ -z "$found" ] || printf '%s\n' "$found" | head -n 20 | sed 's/^/# /'
}

"$flowlore" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p' >"$work/commands"
[ "$(wc -l <"$work/commands")" -gt 10 ]
ok $? "there are commands"
while read -r command; do
    grep -qE "^\.It Cm (.* )?$command( |$)" "$man/flowlore.1" || echo "$command has no entry"
done <"$work/commands" | nothing "each has an entry in flowlore(1)"
while read -r command; do
    "$flowlore" "$command" --help | sed -n 's/^  --\([a-z-]*\).*/Fl -\1/p'
done <"$work/commands" | sort -u | missing flowlore.1 | nothing "so has every option"
"$flowlored" --help | sed -n 's/^  --\([a-z-]*\).*/Fl -\1/p' | missing flowlored.8 |
    nothing "every option of the service is in flowlored(8)"
sed -n 's/^# *\(- \)\{0,1\}\([a-z][a-z-]*\): .*/Cm \2/p; s/^#\([a-z][a-z-]*\):$/Cm \1/p' "$srcdir/contrib/flowlore.yaml" |
    sort -u | grep -vE 'Cm (medium|low|as|told|tried)$' | missing flowlore.yaml.5 |
    nothing "every key is in flowlore.yaml(5)"

mkdir "$data"
"$mkstore" "$data"
ok $? "there is a store"
views=$(sqlite3 "$data/rules.db" "SELECT name FROM sqlite_schema WHERE type = 'view' AND name <> 'rule_status'")
for view in $views; do
    echo "Sy $view"
    sqlite3 "$data/rules.db" "SELECT name FROM pragma_table_info('$view')"
done | missing flowlore-sql.7 | nothing "every view and column is in flowlore-sql(7)"
"$flowlore" sql "SELECT * FROM flows LIMIT 1" --csv --data "$data" | head -n 1 | tr -d '\r' | tr , '\n' |
    missing flowlore-sql.7 | nothing "so is every column of flows"

awk '/^\.Bd -literal/ { inside = 1; next } /^\.Ed/ { inside = 0; print ""; next } inside' "$man/flowlore-sql.7" |
    awk 'BEGIN { RS = "" } { gsub(/\n/, " "); print }' >"$work/queries"
[ "$(wc -l <"$work/queries")" -ge $(($(wc -w <<<"$views") + 1)) ]
ok $? "every view has an example query"
while read -r query; do
    "$flowlore" sql "${query%;}" --data "$data" >/dev/null 2>"$work/err" || { echo "$query"; cat "$work/err"; }
done <"$work/queries" | nothing "every example query runs"

if command -v mandoc >/dev/null; then
    mandoc -Tlint -Wwarning "$man"/*.[1-8] | nothing "the pages are sound"
else
    skip "the pages are sound" "mandoc is not installed"
fi

# ---- completion ----

while read -r command; do
    grep -qwF "$command" "$srcdir/contrib/flowlore.bash-completion" || echo "$command is not completed"
done <"$work/commands" | nothing "bash completes every command"

# zsh_offers WORD...: what zsh would offer for the last word, with what shows it replaced by what prints it.
cat >"$work/offers.zsh" <<'END'
_describe() { local name=$2; print -rl -- "${(@P)name}"; }
compadd() { print -rl -- "$@"; }
_files() { print files; }
typeset -a words
words=("${(@)argv[2,-1]}") CURRENT=$#words completion=$1
set --
source $completion
END
zsh_offers() {
    PATH=$here:$PATH zsh -f "$work/offers.zsh" "$srcdir/contrib/flowlore.zsh-completion" flowlore "$@"
}
if command -v zsh >/dev/null; then
    zsh_offers "" | sed 's/:.*//' | diff - "$work/commands" | nothing "zsh completes every command"
    zsh_offers mine --t | grep -q '^--timeout:'
    ok $? "and their options"
    [ "$(zsh_offers rules --status "" | head -n 1)" = novel ] && [ "$(zsh_offers import "")" = files ]
    ok $? "and values"
else
    skip "zsh completes every command" "zsh is not installed"
fi
tap_done
