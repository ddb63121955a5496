#!/usr/bin/env bash
# From a command over HTTP to what it changes at a source socket: a Markdown report on stdout.
#
#   tests/bench/latency.sh   MUSICDB_BENCH_ROUNDS: how often each command is given (100)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
rounds=${MUSICDB_BENCH_ROUNDS:-100}

figures=$(cargo bench --locked --bench latency -- --rounds "$rounds")
grep -q '^wanted figures' <<<"$figures" || { echo "$figures" >&2; exit 1; }
report_head "Latency of commands" "cargo bench --bench latency -- --rounds $rounds"
echo "The program streams to a stand-in Icecast. At random moments, 0.6 to 1.2 s apart, \`next\`, \`pause\` and \`play\`"
echo "are posted with the token; the time runs from just before the request is written until the first byte of the first"
echo "frame that it changed has come. Every frame of a song points 448 bytes back, so a resume needs silent frames that carry them."
echo "The frame number in each answer was held against the frame that came. The floor was measured between the commands."
echo
echo "$figures"
