#!/usr/bin/env bash
# How soon behind a pause decoded sound is that of the song without it: a Markdown report on stdout.
#
#   tests/bench/exact.sh     MUSICDB_PAUSES: pauses a song (200); MUSICDB_PARTS: rounds to
#                            make of it (1); needs lame, mpg123 and ffmpeg
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tests/bench/report.bash
pauses=${MUSICDB_PAUSES:-200}
parts=${MUSICDB_PARTS:-1}

rows= left_out=
for ((part = 1; part <= parts; part++)); do
    said=$(MUSICDB_PAUSES=$pauses MUSICDB_PART=$part/$parts cargo test --locked --test it -- \
        --ignored --exact --nocapture \
        exact_peer::behind_a_pause_every_decoder_goes_on_as_if_there_had_been_none) ||
        { echo "$said" >&2; exit 1; }
    rows+=$(grep -P '^exact\t' <<<"$said")$'\n'
    left_out+=$(grep '^left out: ' <<<"$said" || true)$'\n'
done

report_head "Exact audio behind pauses" "MUSICDB_PAUSES=$pauses tests/bench/exact.sh"
cat <<'TEXT'
Each song is decoded as it is, and with pauses at random frames: 0 to 3 silent frames, then the carriers. The silence
is cut out of what was decoded, and the rest held against the plain song. The figures are samples behind a pause until
everything is equal, the worst pause of all in mpg123 / ffmpeg / Symphonia.

- **exact**: to the last bit of 32-bit floating point. 1,056 is the floor: the transform overlaps into 576 samples, and
  the filter bank hears each of these for 480 more. What mpg123 rounds its last bit to depends on how many frames it has
  decoded before; so it is held against the plain song behind as many silent frames (modulo 4; in MPEG-2, 8).
- **16 bits**: after rounding to 16 bits. Behind sample 1,024 nothing is more than one step apart; **late** is the
  largest difference there before rounding, in such steps (of a song beyond full scale: of its peak).
- **one step**: until nothing differs by more than such a step; **no carriers**: the same with silence alone in the
  pauses, a quarter as many of them.

TEXT
awk -F '\t' '
    function most(key, value) { if (value + 0 > max[kind, key] + 0) max[kind, key] = value }
    $1 == "exact" {
        kind = $2
        if (!(kind in files)) order[++kinds] = kind
        for (round = 1; round <= 2; round++) {
            files[kind]++; pauses[kind] += $4
            most("back", $5); most("carriers", $6)
            for (d = 0; d < 3; d++) {
                at = 7 + d * 10
                most("exact" d, $at); most("short" d, $(at + 2)); most("coarse" d, $(at + 4))
                most("bare" d, $(at + 5)); most("late", $(at + 6))
            }
            kind = "all"
        }
    }
    function three(key) { return max[kind, key 0] " / " max[kind, key 1] " / " max[kind, key 2] }
    END {
        print "| songs | files | pauses | largest B | carriers | exact | 16 bits | late | one step | no carriers |"
        print "|---|---|---|---|---|---|---|---|---|---|"
        order[++kinds] = "all"
        for (n = 1; n <= kinds; n++) {
            kind = order[n]
            printf "| %s | %d | %d | %d | %d | %s | %s | %s | %s | %s |\n", kind, files[kind], pauses[kind],
                max[kind, "back"], max[kind, "carriers"], three("exact"), three("short"), max[kind, "late"],
                three("coarse"), three("bare")
        }
    }' <<<"$rows"
echo
echo "Every song, with the median pause:"
echo
awk -F '\t' '
    BEGIN {
        print "| song | pauses | largest B | exact, worst | exact, median | 16 bits, worst | 16 bits, median |"
        print "|---|---|---|---|---|---|---|"
    }
    $1 == "exact" {
        printf "| %s | %d | %d | %d / %d / %d | %d / %d / %d | %d / %d / %d | %d / %d / %d |\n", $3, $4, $5,
            $7, $17, $27, $8, $18, $28, $9, $19, $29, $10, $20, $30
    }' <<<"$rows"
echo
echo "What each decoder was given, the plain songs and those with carriers, and what came of it; in the last column the"
echo "complaints about the streams without carriers:"
echo
awk -F '\t' '
    BEGIN {
        print "| decoder | streams | frames | frames decoded | complaints | complaints without carriers |"
        print "|---|---|---|---|---|---|"
        split("mpg123 ffmpeg Symphonia", name, " ")
    }
    $1 == "exact" {
        streams += $37; frames += $38
        for (d = 0; d < 3; d++) {
            at = 14 + d * 10
            said[d] += $at; bare[d] += $(at + 1); gave[d] += $(at + 2)
        }
    }
    END {
        for (d = 0; d < 3; d++)
            printf "| %s | %d | %d | %d | %d | %d |\n", name[d + 1], streams, frames, gave[d], said[d], bare[d]
    }' <<<"$rows"
if [[ $left_out == *left* ]]; then
    echo
    grep . <<<"$left_out" | sort -u
fi
