#!/usr/bin/env bash
# Requests of every kind, changed at random, at the real program: a Markdown report on stdout.
#
#   tests/bench/requests.sh     MUSICDB_REQUESTS: how many (10000000); MUSICDB_SEED: of one run again
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
requests=${MUSICDB_REQUESTS:-10000000}
seed=${MUSICDB_SEED:-$((RANDOM << 15 | RANDOM))}

# ARGUMENTS: runs it, or ends the script with what it said.
run() {
    cargo bench --locked --bench requests -- --seed "$seed" "$@" >"$log"
    grep -q '^wanted figures met' "$log" || { cat "$log" >&2; exit 1; }
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
run --requests "$requests"
figures=$(<"$log")
run --requests $((requests / 20)) --shows
report_head "Requests" "cargo bench --bench requests -- --requests $requests --seed $seed"
echo "Good requests of listeners, source clients, administrators, relays, pages and programs (tests/support/requests.txt), seven of"
echo "eight of them changed up to four times: methods, paths, escapes, headers, lengths, ends of lines, floods, other requests behind"
echo "them or in them, plain noise; sent whole or in pieces, from 13 million addresses of the loopback, by clients that wait, end their"
echo "side, or vanish. Wanted of every answer: a status line of HTTP with a status that has a reason, no header, element or line that"
echo "the request has made, JSON that is JSON, a body as long as told, one answer only; what was not changed gets its own status; none"
echo "at all only for less than a head, or at a page whose client ended its side. Of the program: it lives, two listeners hear every"
echo "byte, at most 16 MiB more than after the warm-up, at most 4 files and 2 threads more than before."
echo
echo "$figures"
echo
echo "And where source clients may take the station's own mount over (\`--requests $((requests / 20)) --shows\`); what comes and goes there"
echo "between two flushes only some listeners hear, so that they are not compared:"
echo
cat "$log"
