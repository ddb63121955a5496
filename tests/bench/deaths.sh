#!/usr/bin/env bash
# A real icecast2 killed again and again while the program plays to it: a Markdown report on stdout.
#
#   tests/bench/deaths.sh    needs icecast2 and songs beside the checkout; MUSICDB_DEATHS: how many (200)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
export MUSICDB_DEATHS=${MUSICDB_DEATHS:-200}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! cargo test --release --locked --test it deaths_peer:: -- --ignored --show-output >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    exit 1
fi
if grep '^left out:' "$log" >&2 || ! grep -q "^| deaths survived | $MUSICDB_DEATHS |" "$log"; then exit 1; fi
report_head "Deaths of Icecast" "MUSICDB_DEATHS=$MUSICDB_DEATHS tests/bench/deaths.sh"
echo "A real icecast2 is killed with -9 at random moments while the program plays to it, and started again 0.2 to 1.5 s later."
echo "It accepts when a connection from outside is first accepted; from then on the program must play again within a second, in"
echo "the same song at the frame that it held. A listener connects again whenever it is cut off; its recording was held against"
echo "the songs' files. What Icecast had not handed on yet when it was killed is lost with it."
echo
echo "| | |"
echo "|---|---|"
grep '^| ' "$log"
