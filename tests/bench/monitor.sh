#!/usr/bin/env bash
# What the monitor costs: hearing beside Symphonia alone, and the loop at a sound device: a Markdown report on stdout.
#
#   tests/bench/monitor.sh     needs python3 and ALSA (Debian: libasound2-dev libasound2-data), Linux
#   MUSICDB_BENCH_SECONDS: how long the loop is watched (60)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
seconds=${MUSICDB_BENCH_SECONDS:-60}

music=$(report_music)
mapfile -t songs < <(find "$music" -name '*.mp3' | sort)
figures=$(cargo bench --locked --bench monitor -- --rounds 15 "${songs[@]}")
grep -q '^wanted figures' <<<"$figures" || { echo "$figures" >&2; exit 1; }
cargo build --release --locked --features alsa >&2
program=$(realpath target/release/musicdb-stream)

# A device that takes its sound at 44.1 kHz and keeps nothing, behind ALSA's default.
folder=$(mktemp -d)
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cat >"$folder/card.py" <<'PY'
import fcntl, os, time
try:
    fcntl.fcntl(0, 1031, 4096)
except OSError:
    pass
begun, taken = None, 0
while data := os.read(0, 1764):
    taken += len(data)
    begun = begun or time.monotonic()
    time.sleep(max(0.0, begun + taken / 4 / 44100 - time.monotonic()))
PY
cat >"$folder/asound.conf" <<CONF
</usr/share/alsa/alsa.conf>
pcm.!default { type plug slave.pcm { type file slave.pcm "null" file "|exec python3 $folder/card.py" format "raw" } }
CONF
printf '[monitor]\nsinks = ["alsa"]\n' >"$folder/config.toml"
ALSA_CONFIG_PATH="$folder/asound.conf" "$program" --config "$folder/config.toml" --data "$folder/data" \
    serve --music "$music" --listen 127.0.0.1:0 --play >"$folder/banner" 2>"$folder/log" &
server=$!

# NAME: nanoseconds of CPU and voluntary switches of the thread that is called so.
thread_cost() {
    local task
    for task in /proc/"$server"/task/*; do
        if [[ $(<"$task/comm") == "$1" ]]; then
            awk '{ printf "%s ", $1 }' "$task/schedstat"
            awk '/^voluntary/ { print $2 }' "$task/status"
            return
        fi
    done
    echo "monitor.sh: there is no thread $1; see what it said: $(tail -n 3 "$folder/log")" >&2
    return 1
}
sleep 5
declare -A before
threads=(monitor-alsa monitor)
for thread in "${threads[@]}"; do before[$thread]=$(thread_cost "$thread"); done
sleep "$seconds"
rows=
for thread in "${threads[@]}"; do
    read -r cpu wakes < <(thread_cost "$thread")
    read -r cpu_before wakes_before <<<"${before[$thread]}"
    rows+=$(awk -v t="$thread" -v c="$((cpu - cpu_before))" -v w="$((wakes - wakes_before))" -v s="$seconds" \
        'BEGIN { printf "| %s | %.3f %% of a core | %.1f |", t, c / s / 1e7, w / s }')$'\n'
done
url=$(sed -n 's/.*\(http:[^ ]*\)\/stream.*/\1/p' "$folder/banner" | head -n 1)
state=$(curl -s "$url/api/v1/monitor")
kill "$server"
wait "$server" || true
server=

report_head "The monitor" "MUSICDB_BENCH_SECONDS=$seconds tests/bench/monitor.sh"
echo "Hearing: the frames of a song, four at a time as the station sends them, to 44.1 kHz and 16 bits with the level, beside Symphonia's decoder"
echo "alone whose samples nobody looks at; medians of 15 alternating rounds. Wanted: at most 1.2."
echo
echo "$figures"
echo
echo "The loop: \`serve\` with \`sinks = [\"alsa\"]\` at a device that takes 44,100 frames a second, blocks of 50 ms, four of them queued, for $seconds s."
echo "A block is one wait for the device: 20 a second. \`monitor-alsa\` is the thread at the device (wanted: under 0.5 % of a core); \`monitor\` the one that"
echo "decodes, which wakes for each group of frames, 9.6 times a second."
echo
echo "| thread | CPU | waits a second |"
echo "|---|---|---|"
echo "$rows"
echo "\`$state\`"
