#!/usr/bin/env bash
# The real program killed with -9 at random moments, many times: a Markdown report on stdout.
#
#   tests/bench/kills.sh     MUSICDB_KILLS: how many (1000)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
export MUSICDB_KILLS=${MUSICDB_KILLS:-1000}

report_tests "^| kills | $MUSICDB_KILLS |" --release kills::
report_head "Kills" "MUSICDB_KILLS=$MUSICDB_KILLS tests/bench/kills.sh"
echo "The program streams songs of 1.5 to 4.7 s to a stand-in Icecast, is edited and commanded over HTTP, and is killed with -9"
echo "at any moment. After each kill it must be as it was: the queue against a model of it (an edit whose answer was not received"
echo "may be in it or not, but whole; an answered one must be), what is wanted, every row of the history, and the frame of the same"
echo "entry at most one second before the last one that had arrived at the stand-in. The run fails at the first kill after which it is not."
echo
report_rows
grep '^seed ' "$log" | sed 's/^/\n/'
