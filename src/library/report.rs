//! What a scan did.

use std::{fmt, path::PathBuf};

use serde::{Serialize, Serializer};

use super::{FormatCount, Library};
use crate::{db::DbError, ids::SongId};

/// Files with reasons that a report lists at most.
const LISTED: usize = 10_000;

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
    /// Files that cannot be streamed, and folders that could not be read: each with its reason, the
    /// first 10,000 of them; those that no scan before has told of come first. In JSON, names that
    /// are no UTF-8 are shown with question marks.
    #[serde(serialize_with = "as_text")]
    pub unplayable: Vec<(PathBuf, String)>,
    /// How many of these there were.
    pub unplayable_total: u64,
    /// How many of these are new or changed files, or could not be read this time; the others were
    /// known and are unchanged.
    pub unplayable_new: u64,
    /// Audio files that this version does not play: not read.
    pub other_formats: Vec<OtherFormat>,
    /// How many songs of the whole library can be played of each format, the most frequent first;
    /// `[stream] mixed` decides on the others once a song of one has played.
    pub formats: Vec<FormatCount>,
    /// Roots that were missing, unreadable or without any audio file: nothing of theirs was marked
    /// as vanished.
    #[serde(serialize_with = "as_text")]
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

impl ScanReport {
    /// Notes a file or folder that cannot be used.
    pub(super) fn refuse(&mut self, path: PathBuf, reason: String) {
        self.unplayable_total += 1;
        if self.unplayable.len() < LISTED {
            self.unplayable.push((path, reason));
        }
    }

    /// Notes songs of which a scan before has found that they cannot be used, with its reasons.
    pub(super) fn refuse_still(
        &mut self,
        library: &Library,
        songs: &[SongId],
    ) -> Result<(), DbError> {
        let room = LISTED.saturating_sub(self.unplayable.len());
        let listed = songs.get(..room).unwrap_or(songs);
        self.unplayable.extend(library.unplayable(listed)?);
        self.unplayable_total += songs.len() as u64;
        Ok(())
    }
}

/// Paths as text: a byte that is not UTF-8 is shown as a replacement character.
fn as_text<S: Serializer>(list: &[(PathBuf, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(|(path, reason)| (path.display().to_string(), reason)))
}

impl fmt::Display for ScanReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found, added, changed, unchanged, vanished, returned, .. } = self;
        let unplayable = self.unplayable_total;
        write!(
            f,
            "{found} songs: {added} new, {changed} changed, {unchanged} unchanged, \
             {vanished} vanished, {returned} back, {unplayable} unplayable"
        )?;
        if self.cancelled { f.write_str("; stopped before the end") } else { Ok(()) }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    #[test]
    fn a_report_on_names_that_are_not_utf8_can_be_shown() {
        let mut report = ScanReport::default();
        report.refuse(OsStr::from_bytes(b"/m/\xFF.mp3").into(), "why".into());
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["unplayable"][0], serde_json::json!(["/m/\u{FFFD}.mp3", "why"]));
        assert_eq!(json["unplayable_total"], 1);
    }
}
