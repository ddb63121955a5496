#!/usr/bin/env bash
# The player of waveOut under valgrind, on the fake driver, which reads and writes the memory that
# it was given for as long as it has it. Two runs:
#
#   as it is         nothing may be used behind its end, and nothing be leaked but what is meant
#   with the fault   built with --cfg planted_fault, it frees blocks that the driver still has: valgrind
#                    must see that, or the first run would prove nothing
#
# Ends with 1 where either is otherwise. Needs Rust and a C compiler; installs valgrind (apt-get).

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null
source tests/windows/gear.bash

install valgrind valgrind libc6-dbg
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

# The test program, built with these flags of rustc; only this crate is compiled anew for them.
built() {
    cargo rustc --locked --profile test --lib --message-format=json -- "$@" >"$room/messages"
    grep -o '"executable":"[^"]*"' "$room/messages" | tail -n 1 | cut -d'"' -f4
}

# valgrind ends with this code where it has seen an error, and with the program's own otherwise.
readonly seen=99
watched() {
    # A hundred times slower than without: a slice of the random runs is enough.
    PROPTEST_CASES=${PROPTEST_CASES:-16} valgrind --quiet --error-exitcode=$seen --leak-check=full \
        --errors-for-leak-kinds=definite --show-leak-kinds=definite \
        "$@" --test-threads=1
}

program=$(built)
say "the player under valgrind"
watched "$program" monitor::waveout || fail "valgrind or a test has found something in the player; see above"

program=$(built --cfg planted_fault)
say "the player with the planted fault under valgrind"
code=0
watched "$program" monitor::waveout::faults >"$room/said" 2>&1 || code=$?
if [[ $code != "$seen" ]] || ! grep -q 'Invalid read of size' "$room/said"; then
    tail -n 40 "$room/said" >&2
    fail "the planted fault was not seen; the tests on the fake driver prove nothing"
fi
grep -c 'Invalid read of size' "$room/said" | sed 's/.*/== seen: & reads of memory that was freed/'
