#!/usr/bin/env bash
# The pace at a receiving socket beside a bare loop's, drift, CPU and memory: a Markdown report on stdout.
#
#   tests/bench/pace.sh      MUSICDB_BENCH_SECONDS: length of the window (600); MUSICDB_MUSIC: the songs
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
seconds=${MUSICDB_BENCH_SECONDS:-600}

figures=$(cargo bench --locked --bench pace -- --seconds "$seconds" --music "$(report_music)")
grep -q '^drift:' <<<"$figures" || { echo "$figures" >&2; exit 1; }
report_head "Pace" "cargo bench --bench pace -- --seconds $seconds"
echo "The program streams to a stand-in Icecast, which notes when each group of frames arrives. In the same"
echo "window a bare loop, which sleeps until each group would be due and sends as many bytes, shows what the machine can do."
echo
report_block <<<"$figures"
