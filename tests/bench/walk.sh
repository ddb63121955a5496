#!/usr/bin/env bash
# How fast `check` walks a file of 200 MB from the page cache, beside `cat`: MB/s of the whole process.
#
#   tests/bench/walk.sh [PROGRAM]      (default: target/release/musicdb-stream; needs lame)
set -euo pipefail
cd "$(dirname "$0")/../.."
program=${1:-target/release/musicdb-stream}
runs=9
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# NAME LAME-OPTIONS...: one minute of noise, without an Info frame, repeated up to 200 MB.
make_file() {
    local name=$1
    shift
    head -c 10584000 /dev/urandom | lame --quiet -r -s 44.1 --scale 0.05 -t "$@" - "$dir/minute.mp3" 2> "$dir/lame.log"
    local copies=$((200000000 / $(stat -c %s "$dir/minute.mp3") + 1))
    for ((n = 0; n < copies; n++)); do cat "$dir/minute.mp3"; done > "$dir/$name.mp3"
}

# LABEL FILE COMMAND...: best and median of the runs.
measure() {
    local label=$1 file=$2 size times=()
    shift 2
    size=$(stat -c %s "$file")
    for ((n = 0; n < runs; n++)); do
        local from
        from=$(date +%s%N)
        "$@" "$file" > /dev/null
        times+=($(($(date +%s%N) - from)))
    done
    mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
    printf '%-24s best %6d MB/s, median %6d MB/s\n' "$label" \
        $((size * 1000 / times[0])) $((size * 1000 / times[runs / 2]))
}

make_file cbr --cbr -b 128
make_file vbr -V 2
for kind in cbr vbr; do
    measure "$kind cat" "$dir/$kind.mp3" cat
    measure "$kind check" "$dir/$kind.mp3" "$program" check
done
