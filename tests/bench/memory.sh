#!/usr/bin/env bash
# Resident memory and CPU of `serve` with 1,000 songs and one listener: a Markdown report on stdout.
#
#   tests/bench/memory.sh [PROGRAM]   (default: a release build; needs curl and /proc)
#   MUSICDB_BENCH_SECONDS: length of the window (60); MUSICDB_BENCH_SONGS: size of the library (1000)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
window=${MUSICDB_BENCH_SECONDS:-60}
songs=${MUSICDB_BENCH_SONGS:-1000}
program=$(report_program "${1:-}")
dir=$(mktemp -d)
pids=()
end_all() {
    if ((${#pids[@]})); then
        kill "${pids[@]}" 2>/dev/null || true
        wait "${pids[@]}" 2>/dev/null || true
    fi
    rm -rf "$dir"
}
trap end_all EXIT

mkdir "$dir/music"
cp config/demo/*.mp3 "$dir"
pieces=("$dir"/*.mp3)
for ((n = 0; n < songs; n++)); do
    ln "${pieces[n % ${#pieces[@]}]}" "$dir/music/$n.mp3"
done
"$program" --data "$dir/data" scan "$dir/music" >/dev/null

"$program" --data "$dir/data" serve --play --music "$dir/music" --listen 127.0.0.1:0 \
    >"$dir/banner" 2>"$dir/log" &
server=$!
pids+=("$server")
listen=
for ((n = 0; n < 100; n++)); do
    listen=$(sed -n 's/^ *Listen *//p' "$dir/banner")
    [[ -n $listen ]] && break
    sleep 0.1
done
[[ -n $listen ]] || { cat "$dir/log" >&2; exit 1; }
curl --silent --output "$dir/heard" "$listen" &
pids+=("$!")
sleep 5 # connecting, the scan of what has not changed, the first seconds of sound

# User and system time so far, in ticks.
ticks() {
    local stat
    stat=$(<"/proc/$server/stat")
    read -r -a stat <<<"${stat##*) }"
    echo $((stat[11] + stat[12]))
}
# NAME FILE: a line of /proc in MB.
megabytes() { awk -v name="$1:" '$1 == name { printf "%.1f", $2 * 1024 / 1e6 }' "/proc/$server/$2"; }

from=$(ticks) heard=$(stat -c %s "$dir/heard") began=$(date +%s%N)
sleep "$window"
used=$(($(ticks) - from)) took=$(($(date +%s%N) - began)) heard=$(($(stat -c %s "$dir/heard") - heard))
cpu=$(awk -v ticks="$used" -v hz="$(getconf CLK_TCK)" -v ns="$took" \
    'BEGIN { printf "%.1f", ticks / hz * 3600e9 / ns }')
rate=$(awk -v bytes="$heard" -v ns="$took" 'BEGIN { printf "%.0f", bytes * 8e6 / ns }')
((rate > 0)) || { echo "memory.sh: the listener got nothing" >&2; exit 1; }

report_head "Memory and CPU" "tests/bench/memory.sh"
cat <<TABLE
\`serve\` with $songs songs and one listener, over $window s.

| figure | value |
|---|---|
| resident memory | $(megabytes VmRSS status) MB |
| at most, so far | $(megabytes VmHWM status) MB |
| proportional share (PSS) | $(megabytes Pss smaps_rollup) MB |
| CPU | $cpu s for an hour of stream |
| bytes at the listener | $rate kbit/s |
TABLE
