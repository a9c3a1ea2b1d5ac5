# Which Debian packages flowlore needs, and how to get them. Sourced by tests/run and contrib/quickstart.
fl_packages_build="gcc make autoconf automake libtool pkg-config libfixbuf-dev libglib2.0-dev libuv1-dev
    libsqlite3-dev libzstd-dev libcyaml-dev libyaml-dev libjansson-dev libpcap-dev zlib1g-dev
    libcurl4-openssl-dev liblapack-dev libssl-dev netbase"
fl_packages_test="clang clang-format libcmocka-dev xz-utils python3 openssl mandoc sqlite3 git softflowd tcpdump nfdump
    pmacct zsh"

# fl_install_packages KIND...: install the packages of each kind (build, test) that are missing; apt is left
# alone when none is.
fl_install_packages() {
    local kind name wanted missing as_root
    wanted=
    for kind in "$@"; do
        name=fl_packages_$kind
        wanted="$wanted ${!name}"
    done
    missing=
    for name in $wanted; do
        dpkg-query -W -f '${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^.i' || missing="$missing $name"
    done
    if [ -z "$missing" ]; then
        echo "every package is installed"
        return 0
    fi
    if ! command -v apt-get >/dev/null; then
        echo "these packages are missing and there is no apt-get here:$missing" >&2
        return 1
    fi
    as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
        echo "run this as root: apt-get install$missing" >&2
        return 1
    fi
    echo "installing$missing"
    $as_root apt-get update -q &&
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}
