# What the scripts of this folder share: packages, and Rust's standard library for Windows.

target=x86_64-pc-windows-gnu

# Says what is done, and ends the script with a reason and a remedy.
say() { echo "== $*"; }
fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# install PROGRAM PACKAGE...: the packages, where the program (or file) is not there.
install() {
    local program=$1 as_root=() log
    shift
    if [[ -e $program ]] || command -v "$program" >/dev/null; then return; fi
    say "installing $*"
    if [[ $(id -u) != 0 ]]; then as_root=(sudo -n); fi
    log=$(mktemp)
    if ! { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 5 "$log" >&2
        rm -f "$log"
        fail "$* could not be installed; install them and run this again"
    fi
    rm -f "$log"
}

# Sets build=(...), what cargo needs beside the command to build for Windows. The toolchain's own
# library is taken where rustup has it or can get it. Where its server cannot be reached, Debian's
# compiler builds the library from Debian's sources: the two must be of one version, and what they
# make fits nothing that another compiler made, so it has a folder of its own.
windows_library() {
    build=(--locked --target "$target")
    local sysroot
    sysroot=$(rustc --print sysroot)
    if [[ ${MUSICDB_WINDOWS_LIBRARY:-} != debian ]]; then
        if [[ -d $sysroot/lib/rustlib/$target/lib ]]; then return; fi
        say "asking rustup for $target"
        if timeout 300 rustup target add "$target" 2>&1 | tail -n 1 &&
            [[ -d $sysroot/lib/rustlib/$target/lib ]]; then
            return
        fi
    fi
    say "the standard library is built from Debian's sources"
    install /usr/lib/rustlib/src/rust/library rustc-web rust-web-src
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/windows-library
    build+=(-Zbuild-std=std,panic_unwind,test)
}
