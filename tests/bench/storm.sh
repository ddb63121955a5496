#!/usr/bin/env bash
# Healthy listeners beside listeners that never read and half-open requests: a Markdown report on stdout.
#
#   tests/bench/storm.sh     MUSICDB_STORM_SECONDS: how long each of the four rows takes (15)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
seconds=${MUSICDB_STORM_SECONDS:-15}

figures=$(cargo bench --locked --bench storm -- --seconds "$seconds")
grep -q '^wanted figures' <<<"$figures" || { echo "$figures" >&2; exit 1; }
report_head "A storm" "cargo bench --bench storm -- --seconds $seconds"
echo "One program with a flush each 250 ms. Listeners read whatever comes as soon as it comes; a gap is the time from one piece to"
echo "the next. Beside them others ask for the stream and never read, and others send half a request and wait; all of them come"
echo "within a second or two. CPU is the server's, of one core, and has their arrival in it; memory is the most that was seen. Wanted:"
echo "no gap of twice the flush, nobody lost, memory within the bounds of docs/operating.md, and under 5 % of CPU more for 1,000"
echo "that do not read beside 1,000 that do."
echo
echo "$figures"
