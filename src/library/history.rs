//! What was played, as it is shown.

use serde::Serialize;

use crate::{
    ids::{EntryId, SongId},
    song::Song,
};

/// One song that was played to its end.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Played {
    /// When it ended: milliseconds since 1970-01-01 UTC.
    pub played_at_ms: i64,
    /// Which song.
    pub song_id: SongId,
    /// The queue entry that it was.
    pub entry_id: EntryId,
    /// It was queued by Randy, not by a person.
    pub is_random: bool,
    /// The song, or nothing where its row has gone.
    pub song: Option<Song>,
}
