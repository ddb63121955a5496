#!/usr/bin/env bash
# Simulated days of radio, each out of one seed, and days in a row: a Markdown report on stdout.
#
#   tests/bench/simulation.sh      MUSICDB_DAYS: seeds (1000); MUSICDB_FIRST: the first of them (1);
#                                  MUSICDB_ROW: days in a row (30)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
export MUSICDB_DAYS=${MUSICDB_DAYS:-1000} MUSICDB_FIRST=${MUSICDB_FIRST:-1} MUSICDB_ROW=${MUSICDB_ROW:-30}
unset MUSICDB_SEED

# One test at a time: memory is measured in the second.
run() {
    local said
    said=$(cargo test --release --locked --lib "simulation::tests::$1" -- --show-output 2>&1) ||
        { echo "$said" >&2; return 1; }
    grep -q '^days' <<<"$said" || { echo "$said" >&2; return 1; }
    sed -n '/^days/,/^$/p' <<<"$said" | sed '/^$/d'
}
days=$(run days_of_chance)
row=$(run days_in_a_row)
report_head "Simulation" "MUSICDB_DAYS=$MUSICDB_DAYS MUSICDB_FIRST=$MUSICDB_FIRST MUSICDB_ROW=$MUSICDB_ROW tests/bench/simulation.sh"
echo "Days of radio on a clock, a disk and an Icecast of the test's own, each out of one seed: play, pause, next, queue"
echo "edits, an Icecast that dies or is slow, files that are bad or late, a database that refuses, a clock that jumps, and"
echo "process kills. After every turn of every thread the invariants of \`src/simulation/\` are checked."
echo
printf '%s\n\n%s\n' "$days" "$row" | report_block
