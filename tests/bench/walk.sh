#!/usr/bin/env bash
# How fast `check` walks a large file from memory, beside `cat`: a Markdown report on stdout.
#
#   tests/bench/walk.sh [PROGRAM]     (default: a release build; needs lame)
#   MUSICDB_BENCH_MB: size of the file (200)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
program=$(report_program "${1:-}")
megabytes=${MUSICDB_BENCH_MB:-200}
runs=9
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# NAME LAME-OPTIONS...: one minute of noise, without an Info frame, repeated up to the size.
make_file() {
    local name=$1
    shift
    head -c 10584000 /dev/urandom |
        lame --quiet -r -s 44.1 --scale 0.05 -t "$@" - "$dir/minute.mp3" 2>"$dir/lame.log"
    local copies=$((megabytes * 1000000 / $(stat -c %s "$dir/minute.mp3") + 1))
    for ((n = 0; n < copies; n++)); do cat "$dir/minute.mp3"; done >"$dir/$name.mp3"
}

# LABEL FILE COMMAND...: best and median of the runs, as a line of the table.
measure() {
    local label=$1 file=$2 size times=()
    shift 2
    size=$(stat -c %s "$file")
    for ((n = 0; n < runs; n++)); do
        local from
        from=$(date +%s%N)
        "$@" "$file" >/dev/null
        times+=($(($(date +%s%N) - from)))
    done
    mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
    echo "| $label | $((size * 1000 / times[0])) | $((size * 1000 / times[runs / 2])) |"
}

make_file cbr --cbr -b 128
make_file vbr -V 2
rows=$(
    for kind in cbr vbr; do
        measure "\`cat\`, $kind" "$dir/$kind.mp3" cat
        measure "\`musicdb-stream check\`, $kind" "$dir/$kind.mp3" "$program" check
    done
)
report_head "Walk" "tests/bench/walk.sh"
echo "MB/s of the whole process, $megabytes MB from memory, $runs runs; cbr: 128 kbit/s, vbr: \`lame -V 2\`."
echo
echo "| command | best | median |"
echo "|---|---|---|"
echo "$rows"
