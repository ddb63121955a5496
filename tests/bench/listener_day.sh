#!/usr/bin/env bash
# A simulated day of 10,000 listeners who come and go at random: a Markdown report on stdout.
#
#   tests/bench/listener_day.sh    MUSICDB_LISTENER_HOURS: how many hours (24)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
export MUSICDB_LISTENER_HOURS=${MUSICDB_LISTENER_HOURS:-24}

# Alone in its process: its memory is measured.
said=$(cargo test --release --locked --lib server::fan::day -- --show-output 2>&1) || { echo "$said" >&2; exit 1; }
grep -q '^memory' <<<"$said" || { echo "$said" >&2; exit 1; }
report_head "A day of listeners" "MUSICDB_LISTENER_HOURS=$MUSICDB_LISTENER_HOURS tests/bench/listener_day.sh"
echo "10,000 at most, who stay for half an hour in the mean and come a little faster than they go, so that it is mostly full. Seven in ten"
echo "take everything, the others are slow, stall for up to 40 s, or take what they like; a fifth get titles. Each is flushed once a second."
echo "Ring, mount, listeners, places and slots are the real ones; clock and sockets are made up. Checked: whole frames in"
echo "order for everyone, jumps only where the server moved somebody forward, nothing kept of those who are gone, and"
echo "memory: after the first hour at most 2 MiB more, in the second half of the day 256 KiB, which is a byte for each who joins."
echo
sed -n '/^listeners:/,/^$/p' <<<"$said" | sed '/^$/d' | report_block
