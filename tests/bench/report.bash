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
