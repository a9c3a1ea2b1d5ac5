# Packets and captures, byte by byte, for tests that let exporters of others read them. Sourced, not run; needs
# bash. Integers are decimal, the rest hexadecimal digits.

# hex FORMAT VALUE...: the bytes that the hexadecimal digits stand for.
hex() {
    local digits
    printf -v digits "$@"
    printf "${digits//??/\\x&}"
}

# reversed NUMBER: 32 bits as hexadecimal digits, little-endian.
reversed() {
    local h
    printf -v h %08x "$1"
    printf %s "${h:6:2}${h:4:2}${h:2:2}${h:0:2}"
}

# packet MS SOURCE DESTINATION PROTOCOL PAYLOAD: addresses and payload in hexadecimal digits; `MS` counts from
# $start, in seconds, and 123 ms. An Ethernet frame in a pcap record.
packet() {
    local length=$((${#5} / 2)) us=$((($1 + 123) * 1000)) frame
    printf -v frame '0200000000020200000000010800%s%04x%s%02x0000%s%s%s' 4500 $((20 + length)) 0001000040 "$4" "$2" "$3" "$5"
    hex '%s%s%s%s%s' "$(reversed $((start + us / 1000000)))" "$(reversed $((us % 1000000)))" \
        "$(reversed $((${#frame} / 2)))" "$(reversed $((${#frame} / 2)))" "$frame"
}

# packet6 MS SOURCE DESTINATION NEXT-HEADER PAYLOAD: the same for IPv6.
packet6() {
    local us=$((($1 + 123) * 1000)) frame
    printf -v frame '02000000000202000000000186dd60000000%04x%s40%s%s%s' $((${#5} / 2)) "$4" "$2" "$3" "$5"
    hex '%s%s%s%s%s' "$(reversed $((start + us / 1000000)))" "$(reversed $((us % 1000000)))" \
        "$(reversed $((${#frame} / 2)))" "$(reversed $((${#frame} / 2)))" "$frame"
}

ports() {
    printf '%04x%04x' "$1" "$2"
}

# The head of a capture: the classic format, little-endian, Ethernet.
capture_head() {
    hex '%s' d4c3b2a1020004000000000000000000ffff000001000000
}
