# The head of every report, for the scripts beside it: what was measured, when, where and on which state.

# TITLE COMMAND: prints the head.
report_head() {
    local commit
    commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo "no commit")
    # Documents do not change what is measured, and writing these reports must not mark them.
    if [[ -n $(git status --porcelain -- Cargo.toml Cargo.lock src migrations config tests 2>/dev/null) ]]; then
        commit+=" and changes that are not committed"
    fi
    cat <<HEAD
# $1

| | |
|---|---|
| date | $(date --utc +%Y-%m-%d\ %H:%M) UTC |
| machine | $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores |
| commit | $commit |
| command | \`$2\` |

HEAD
}

# WANTED CARGO-ARGUMENTS... FILTER: runs the tests that need a peer or time, and leaves what they say in $log. Ends the
# script where one fails, something is left out, or no line has WANTED.
report_tests() {
    local wanted=$1
    shift
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    if ! cargo test --locked --test it "$@" -- --ignored --show-output --test-threads=1 >"$log" 2>&1 ||
        ! grep -q "$wanted" "$log"; then
        tail -n 60 "$log" >&2
        exit 1
    fi
    if grep '^left out:' "$log" >&2; then exit 1; fi
}

# Prints the rows that the tests told as a table.
report_rows() {
    printf '| | |\n|---|---|\n'
    grep '^| ' "$log"
}

# Prints its input as a block of text.
report_block() {
    echo '```text'
    cat
    echo '```'
}

# The music that is streamed: \$MUSICDB_MUSIC, else songs beside the checkout, else the demo.
report_music() {
    if [[ -n ${MUSICDB_MUSIC:-} ]]; then
        realpath "$MUSICDB_MUSIC"
    elif [[ -d ../shared/music ]]; then
        realpath ../shared/music
    else
        realpath config/demo
    fi
}

# PROGRAM: the program that is measured, built where none was given.
report_program() {
    if [[ -n ${1:-} ]]; then
        realpath "$1"
    else
        cargo build --release --locked >&2
        realpath target/release/musicdb-stream
    fi
}
