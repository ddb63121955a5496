#!/usr/bin/env bash
# A real icecast2 killed again and again while the program plays to it: a Markdown report on stdout.
#
#   tests/bench/deaths.sh    needs icecast2 and songs beside the checkout; MUSICDB_DEATHS: how many (200)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
export MUSICDB_DEATHS=${MUSICDB_DEATHS:-200}

report_tests "^| deaths survived | $MUSICDB_DEATHS |" --release deaths_peer::
report_head "Deaths of Icecast" "MUSICDB_DEATHS=$MUSICDB_DEATHS tests/bench/deaths.sh"
echo "A real icecast2 is killed with -9 at random moments while the program plays to it, and started again 0.2 to 1.5 s later."
echo "It accepts when a connection from outside is first accepted; from then on the program must play again within a second, in"
echo "the same song at the frame that it held. A listener connects again whenever it is cut off; its recording was held against"
echo "the songs' files. What Icecast had not handed on yet when it was killed is lost with it."
echo
report_rows
