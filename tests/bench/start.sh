#!/usr/bin/env bash
# From the start of the process to the first byte of sound at a listener: a Markdown report on stdout.
#
#   tests/bench/start.sh     MUSICDB_BENCH_SONGS: size of the library (10000)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
songs=${MUSICDB_BENCH_SONGS:-10000}

figures=$(cargo bench --locked --bench start -- --songs "$songs")
grep -q '^start to first byte' <<<"$figures" || { echo "$figures" >&2; exit 1; }
report_head "Start" "cargo bench --bench start -- --songs $songs"
report_block <<<"$figures"
