//! What the keeper is asked by those who wait for an answer.

use std::time::Instant;

use crossbeam_channel::Sender;

use super::{QueueError, QueuePosition};
use crate::{
    ids::{EntryId, SongId},
    library::{Batch, SinkError},
};

/// A request with the way back.
#[derive(Debug)]
pub(super) enum Request {
    /// Edit the queue.
    Change {
        change: Change,
        /// Only where the queue is at this revision.
        if_match: Option<u64>,
        /// Nobody waits for the answer any more after this.
        deadline: Instant,
        reply: Sender<Result<Changed, QueueError>>,
    },
    /// Write what a scan found.
    Library { batch: Batch, reply: Sender<Result<(), SinkError>> },
    /// Bring to disk what the station reported.
    Settle {
        deadline: Instant,
        /// It is there.
        reply: Sender<bool>,
    },
}

/// An edit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Add { song_id: SongId, position: QueuePosition, is_random: bool },
    AddRandom { position: QueuePosition, album: Option<i64> },
    Remove(EntryId),
    Move { entry_id: EntryId, after: EntryId },
    Clear,
}

/// What an edit did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Changed {
    /// The entry that was added, where one was.
    pub(super) added: Option<EntryId>,
    /// The queue's revision now.
    pub(super) revision: u64,
}
