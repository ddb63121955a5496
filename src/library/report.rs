//! What a scan did.

use std::path::PathBuf;

use serde::Serialize;

/// The outcome of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ScanReport {
    /// `.mp3` files that were there.
    pub found: u64,
    /// Those that were new.
    pub added: u64,
    /// Those that had changed and were read anew.
    pub changed: u64,
    /// Those that were known and had not changed: not even opened.
    pub unchanged: u64,
    /// Songs whose files have gone since the last scan; they stay known.
    pub vanished: u64,
    /// Songs whose files are there again.
    pub returned: u64,
    /// Files, among the new and changed ones, that cannot be streamed, and folders that could not be
    /// read: each with its reason.
    pub unplayable: Vec<(PathBuf, String)>,
    /// Audio files that this version does not play: not read.
    pub other_formats: Vec<OtherFormat>,
    /// Roots that were missing, unreadable or without any audio file: nothing of theirs was marked
    /// as vanished.
    pub roots_left_alone: Vec<(PathBuf, String)>,
    /// It was stopped before its end: nothing was marked as vanished.
    pub cancelled: bool,
}

/// Audio files of a kind that is not played yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherFormat {
    /// The file names' extension, in lower case.
    pub extension: String,
    /// How many.
    pub files: u64,
    /// Why they are not played.
    pub reason: String,
}
