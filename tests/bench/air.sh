#!/usr/bin/env bash
# The whole program on air through a real icecast2, long: a Markdown report on stdout.
#
#   tests/bench/air.sh       needs icecast2, ffmpeg and mpg123
#   MUSICDB_AIR_SECONDS: play, pause, next and two kills (600); MUSICDB_OUTAGES: kills of Icecast (10)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
export MUSICDB_AIR_SECONDS=${MUSICDB_AIR_SECONDS:-600} MUSICDB_OUTAGES=${MUSICDB_OUTAGES:-10}

report_tests '^Verdict' on_air_peer::
report_head "On air" "MUSICDB_AIR_SECONDS=$MUSICDB_AIR_SECONDS MUSICDB_OUTAGES=$MUSICDB_OUTAGES tests/bench/air.sh"
echo "What a listener of a real icecast2 recorded, held against the songs; \`gaps\` are frames lost, one number for each kill of that Icecast that lost any."
echo
grep -E '^(test .* \.\.\. |---- |seed |down |Verdict|ffmpeg: |mpg123: |test result)' "$log" | report_block
