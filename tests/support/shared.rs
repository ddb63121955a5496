//! The folder of music and conformance files beside the checkout, where there is one.

use std::path::PathBuf;

/// `../shared/NAME`, or nothing (said on stderr, so that a test tells what it left out).
#[must_use]
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared").join(name);
    if path.exists() {
        return path.canonicalize().ok();
    }
    eprintln!("left out: {name} is not beside this checkout");
    None
}
