//! The playing: the song that is current, and its frame that comes next.

use crate::ids::{EntryId, SongId};

/// How far it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Playing {
    pub(super) entry: EntryId,
    pub(super) song: SongId,
    pub(super) next: u64,
    /// The frame at which it was opened.
    pub(super) from: u64,
}

impl Playing {
    pub(super) fn at(entry: EntryId, song: SongId, frame: u64) -> Self {
        Self { entry, song, next: frame, from: frame }
    }
}
