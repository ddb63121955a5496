//! The desk: where queue and library are asked, be it a running server or the database itself.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::wire::{Position, Queue, ScanView, Songs};
use crate::ids::{EntryId, SongId};

/// What `queue`, `songs` and `scan` need. Every error names what to do.
pub(super) trait Desk {
    /// The queue, current song first.
    fn queue(&self) -> Result<Queue>;
    /// Puts a song into the queue. An id that no song has is [`Refused`] as `unknown_song`.
    fn add(&self, song: SongId, position: Position) -> Result<EntryId>;
    /// Puts a song of Randy's choice into the queue.
    fn add_random(&self, position: Position) -> Result<EntryId>;
    /// Takes an entry out.
    fn remove(&self, entry: EntryId) -> Result<()>;
    /// Moves an entry behind another.
    fn move_after(&self, entry: EntryId, after: EntryId) -> Result<()>;
    /// Takes everything out but the current song.
    fn clear(&self) -> Result<()>;
    /// Songs whose title, artist or album have these words.
    fn songs(&self, text: &str, limit: u64, offset: u64) -> Result<Songs>;
    /// Takes one file into the library, or finds it there. The path is absolute.
    fn import(&self, file: &Path) -> Result<SongId>;
    /// Begins to scan these folders, or the configured one. The paths are absolute.
    /// Where a scan runs already: [`Refused`] as `scan_running`.
    fn start_scan(&self, folders: &[PathBuf]) -> Result<()>;
    /// How far the scan has come.
    fn scan_view(&self) -> Result<ScanView>;
    /// Copies the database to a new file. The path is absolute.
    fn backup(&self, file: &Path) -> Result<()>;
}

/// The desk understood and said no.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct Refused {
    /// The API's name for the reason.
    pub(super) code: String,
    /// Reason and remedy.
    pub(super) message: String,
}

/// Whether this error is a refusal with that code.
pub(super) fn is_refused(error: &anyhow::Error, code: &str) -> bool {
    error.downcast_ref::<Refused>().is_some_and(|refused| refused.code == code)
}
