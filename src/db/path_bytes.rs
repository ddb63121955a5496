//! Paths as bytes: file names need not be UTF-8, and must come back from the database unchanged.

use std::path::{Path, PathBuf};

/// The bytes that stand for a path: on Unix the name itself; on Windows UTF-8, where half a
/// surrogate pair, which names there may hold, becomes three bytes of its own (as in WTF-8).
#[must_use]
pub fn path_to_bytes(path: &Path) -> Vec<u8> {
    path.as_os_str().as_encoded_bytes().to_vec()
}

/// The path that these bytes stand for.
#[cfg(unix)]
#[must_use]
pub fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

/// The path that these bytes stand for.
#[cfg(windows)]
#[must_use]
pub fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::windows::ffi::OsStringExt;
    match String::from_utf8(bytes) {
        Ok(text) => PathBuf::from(text),
        Err(error) => PathBuf::from(std::ffi::OsString::from_wide(&wide(error.as_bytes()))),
    }
}

/// UTF-16 of WTF-8: surrogates are `ED A0..BF 80..BF`.
#[cfg(any(windows, test))]
fn wide(mut bytes: &[u8]) -> Vec<u16> {
    let mut units = Vec::with_capacity(bytes.len());
    while !bytes.is_empty() {
        let surrogate =
            bytes.windows(3).position(|w| w[0] == 0xED && (0xA0..=0xBF).contains(&w[1]));
        let (text, rest) = bytes.split_at(surrogate.unwrap_or(bytes.len()));
        units.extend(String::from_utf8_lossy(text).encode_utf16());
        bytes = rest;
        if let [_, second, third, rest @ ..] = bytes {
            units.push(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F));
            bytes = rest;
        }
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_survives() {
        assert_eq!(wide(b"a\xED\xA0\xBDb\xC3\xA4"), [0x61, 0xD83D, 0x62, 0xE4]);
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_come_back_unchanged() {
        let bytes = b"/music/caf\xE9/\xFF.mp3".to_vec();
        assert_eq!(path_to_bytes(&path_from_bytes(bytes.clone())), bytes);
    }
}
