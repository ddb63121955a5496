//! The snapshot: what the station needs to know of the queue, immutable; and what it reports back.

use rusqlite::Connection;

use super::{position, song_queue};
use crate::{ids::EntryId, song::Entry};

/// The head of the queue and what goes with it, at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The queue's revision: grows with every change, and is stored.
    pub revision: u64,
    /// How many [`Advanced`] of this run are in it: a smaller number than what the station has
    /// reported means that the snapshot is older than the reports.
    pub advances: u64,
    /// The current song: it sounds, or would.
    pub current: Option<Entry>,
    /// The one after it.
    pub next: Option<Entry>,
    /// Entries, with the current one.
    pub length: usize,
    /// What was last asked for, play or pause; nothing where nobody ever asked.
    pub wanted: Option<bool>,
    /// Where the station was when this run began, to resume there.
    pub position: Option<Position>,
}

/// How far the station has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// In which entry.
    pub entry_id: EntryId,
    /// Frames of its song that have been sent.
    pub frame: u64,
}

/// The station's report that it went on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// The entry that it left.
    pub from: EntryId,
    /// The one that it plays already; nothing where it had none.
    pub to: Option<EntryId>,
    /// Why it went on.
    pub outcome: Outcome,
}

/// How an entry ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Played to its end: it counts.
    Played,
    /// Skipped: it does not count.
    Skipped,
    /// It could not be played, for this reason: it does not count.
    Unplayable(String),
}

/// Reads what is committed, or about to be.
pub(super) fn load(
    connection: &Connection,
    advances: u64,
    position: Option<Position>,
) -> rusqlite::Result<Snapshot> {
    let mut head = song_queue::head(connection)?.into_iter();
    Ok(Snapshot {
        revision: position::revision(connection)?,
        advances,
        current: head.next(),
        next: head.next(),
        length: song_queue::length(connection)?,
        wanted: position::wanted(connection)?,
        position,
    })
}
