#!/usr/bin/env bash
# The server beside a real icecast2 and beside bare sends: a Markdown report on stdout, its first table is the README's.
#
#   tests/bench/crowd.sh     needs icecast2 (Debian: apt-get install icecast2), Linux, and two cores to be worth much
#   MUSICDB_CROWD_ROWS: listeners ("1000 5000 10000"); MUSICDB_CROWD_ROUNDS: turns of each server, of which the
#   median counts (3); MUSICDB_CROWD_SECONDS: length of a window (10); MUSICDB_CROWD_CHURN: minutes of
#   coming and going (1)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
rows=${MUSICDB_CROWD_ROWS:-1000 5000 10000}
rounds=${MUSICDB_CROWD_ROUNDS:-3}
seconds=${MUSICDB_CROWD_SECONDS:-10}
churn=${MUSICDB_CROWD_CHURN:-1}

# Debian's icecast2 lies in /usr/bin, other builds in /usr/sbin.
export PATH="$PATH:/usr/sbin"
command -v icecast2 >/dev/null ||
    { echo "crowd.sh: icecast2 is not installed; apt-get install icecast2" >&2; exit 1; }
most=0
for row in $rows; do ((row <= most)) || most=$row; done
(($(ulimit -Hn) >= most + most / 4 + 300)) ||
    { echo "crowd.sh: $most listeners need more open files than the limit of $(ulimit -Hn): raise it (ulimit -Hn), or set MUSICDB_CROWD_ROWS" >&2; exit 1; }

figures=$(cargo bench --locked --bench crowd -- --rows "$rows" --rounds "$rounds" --seconds "$seconds" \
    --stalled --tls --churn "$churn")
grep -q '^wanted figures' <<<"$figures" || { echo "$figures" >&2; exit 1; }
report_head "Listeners, beside icecast2" "MUSICDB_CROWD_ROUNDS=$rounds MUSICDB_CROWD_SECONDS=$seconds MUSICDB_CROWD_CHURN=$churn tests/bench/crowd.sh"
cat <<TEXT
A stream of 128 kbit/s to listeners on the same machine, who come at 4,000 a second and read whatever comes. The servers take
turns; figures are medians of $rounds. *Bare sends* is a server that does nothing but hand everyone the same bytes four
times a second: what a listener costs there no server can save. icecast2 is $(icecast2 -v) with its stock values, fed
by 4 frames each 104 ms; ours has its defaults and plays a folder.

- **held**: who hears the stream in the window of $seconds s, which begins 3 s after the last of them came.
- **CPU**: user and system time of the server in the window, for one listener and second.
- **first byte**: from connecting to the first byte of sound, of those who got any.
- **worst gap**: the longest time without a byte that any listener had from its first one on, arrivals included.
- **memory**: resident, over the idle server; the kernel's buffers are not in it.

TEXT
echo "$figures"
