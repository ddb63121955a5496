//! Why a file cannot be streamed.

use std::io;

/// The reason, told to people; the file itself is never changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unplayable {
    /// It could not be read: check the path, the rights and the disk. With the system's number of the
    /// error, where it has one.
    #[error("cannot be read: {}", told(*.0, *.1))]
    Io(io::ErrorKind, Option<i32>),
    /// Its folder is not there, or empty: mount the drive that it is on, or scan again.
    #[error("its folder is not there or empty; is the drive mounted?")]
    Away,
    /// A folder, a pipe or a device: name a file.
    #[error("it is no file but a folder, a pipe or a device")]
    NotAFile,
    /// The file holds not one byte.
    #[error("the file is empty")]
    Empty,
    /// No two consecutive frames were found: it is no MP3, or too short to tell.
    #[error("no MPEG Layer III frames found; it is no MP3 file")]
    NoFrames,
    /// Audio, as its first bytes tell, that is no MP3: convert it to MP3.
    #[error("it is {is}, whatever its name says, and not yet playable; convert it to MP3")]
    NoMp3 {
        /// `FLAC`, `Ogg` and so on.
        is: &'static str,
    },
    /// MPEG Layer I: convert it to MP3.
    #[error("MPEG Layer I audio; only Layer III (MP3) can be streamed")]
    LayerOne,
    /// MPEG Layer II: convert it to MP3.
    #[error("MPEG Layer II audio; only Layer III (MP3) can be streamed")]
    LayerTwo,
    /// Free format: encode it again with a standard bitrate.
    #[error("free format MP3, whose frame lengths are not told; encode it with a standard bitrate")]
    FreeFormat,
    /// The file became shorter while it was read: copy it whole once more.
    #[error("the file became shorter while it was read; is it being replaced?")]
    CutShort,
    /// More bytes in a row that are no frame than [`MAX_JUNK`](super::MAX_JUNK): the file is damaged.
    #[error("more than 64 KiB in a row are no audio, at byte {at}; the file is damaged")]
    TooMuchJunk {
        /// Where the junk begins, in bytes from the file's start.
        at: u64,
    },
}

impl Unplayable {
    /// The place where the file is kept seems to be gone or broken, rather than this one file: it may
    /// be back later.
    #[must_use]
    pub fn is_away(&self) -> bool {
        use io::ErrorKind::{BrokenPipe, NotFound, PermissionDenied};
        match self {
            Self::Away => true,
            Self::Io(kind, _) => !matches!(kind, NotFound | PermissionDenied | BrokenPipe),
            _ => false,
        }
    }
}

impl From<io::Error> for Unplayable {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind(), error.raw_os_error())
    }
}

impl From<io::ErrorKind> for Unplayable {
    fn from(kind: io::ErrorKind) -> Self {
        Self::Io(kind, None)
    }
}

/// The kind in words, or the system's own where Rust has none for it: a disk's fault, too many files.
fn told(kind: io::ErrorKind, code: Option<i32>) -> String {
    let kind = kind.to_string();
    let code = code.filter(|_| kind == "uncategorized error");
    code.map_or(kind, |code| io::Error::from_raw_os_error(code).to_string())
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn an_error_that_rust_does_not_know_is_told_in_the_systems_words() {
        let told = |code| Unplayable::from(io::Error::from_raw_os_error(code)).to_string();
        assert_eq!(told(24), "cannot be read: Too many open files (os error 24)");
        assert_eq!(told(5), "cannot be read: Input/output error (os error 5)");
        assert_eq!(told(2), "cannot be read: entity not found");
    }
}
