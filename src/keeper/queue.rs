//! The song queue, as everyone but the station uses it: each edit is one transaction on disk.

use std::{sync::Arc, time::Instant};

use crossbeam_channel::{RecvTimeoutError, SendTimeoutError, Sender, bounded};
use serde::{Deserialize, Serialize};

use super::{
    QueueError, REPLY_TIMEOUT, Snapshot,
    handle::Shared,
    position,
    request::{Change, Changed, Request},
    song_queue,
};
use crate::{
    ids::{EntryId, SongId},
    library::Library,
    song::Entry,
};

/// Where a song is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QueuePosition {
    /// Directly behind the current song.
    Next,
    /// At the end.
    Last,
    /// Directly behind this entry.
    After(EntryId),
}

/// The queue at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueueView {
    /// Grows with every change.
    pub revision: u64,
    /// The current song first.
    pub entries: Vec<Entry>,
}

/// What adding a song did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The new entry.
    pub entry_id: EntryId,
    /// The queue's revision with it.
    pub revision: u64,
}

/// The song queue. Clones share it; every call waits for the disk, so async callers put it on a
/// thread for blocking work.
#[derive(Debug, Clone)]
pub struct SongQueue {
    requests: Sender<Request>,
    shared: Arc<Shared>,
    library: Library,
    if_match: Option<u64>,
}

impl SongQueue {
    pub(super) fn new(requests: Sender<Request>, shared: Arc<Shared>, library: Library) -> Self {
        Self { requests, shared, library, if_match: None }
    }

    /// The same queue, whose edits are refused with [`QueueError::Stale`] unless the queue is at
    /// this revision; nothing: whatever its revision.
    #[must_use]
    pub fn if_match(&self, revision: Option<u64>) -> Self {
        Self { if_match: revision, ..self.clone() }
    }

    /// What the keeper published last: length, revision, current and next entry. Never waits.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot()
    }

    /// The current entry; nothing where the queue is empty. Never changes anything.
    ///
    /// # Errors
    /// [`QueueError::NotRunning`] after the stop.
    pub fn current_song(&self) -> Result<Option<Entry>, QueueError> {
        self.running()?;
        Ok(self.shared.snapshot().current.clone())
    }

    /// All entries, the current one first.
    ///
    /// # Errors
    /// The database could not be read, or the keeper has ended.
    pub fn entries(&self) -> Result<QueueView, QueueError> {
        self.running()?;
        Ok(self.library.read(|connection| {
            let view = connection.unchecked_transaction()?;
            let revision = position::revision(&view)?;
            Ok(QueueView { revision, entries: song_queue::entries(&view)? })
        })?)
    }

    /// The song of an entry; nothing where the queue has no such entry.
    ///
    /// # Errors
    /// The database could not be read, or the keeper has ended.
    pub fn song(&self, entry_id: EntryId) -> Result<Option<SongId>, QueueError> {
        self.running()?;
        let found = self.library.read(|connection| song_queue::find(connection, entry_id))?;
        Ok(found.map(|entry| entry.song_id))
    }

    /// Adds a song, as often as one likes. One whose file was found unplayable when it was read
    /// last is refused; one that becomes so later, or whose file has gone, is passed over when its
    /// turn comes.
    ///
    /// # Errors
    /// [`QueueError::UnknownSong`], [`QueueError::Unplayable`], [`QueueError::UnknownEntry`] for an unknown `After`; or the
    /// edit could not be made at all. The queue is unchanged then.
    pub fn add_song(
        &self,
        song_id: SongId,
        position: QueuePosition,
        is_random: bool,
    ) -> Result<Edit, QueueError> {
        self.adding(Change::Add { song_id, position, is_random })
    }

    /// Adds a random song, of one album where that is given.
    ///
    /// # Errors
    /// [`QueueError::NothingToPlay`] where there is none, [`QueueError::NothingOfAlbum`] where that
    /// album has none, and those of [`add_song`](Self::add_song).
    pub fn add_random_song(
        &self,
        position: QueuePosition,
        album: Option<i64>,
    ) -> Result<Edit, QueueError> {
        self.adding(Change::AddRandom { position, album })
    }

    /// Removes an entry that is not the current one: the queue's revision without it.
    ///
    /// # Errors
    /// [`QueueError::UnknownEntry`], [`QueueError::CurrentSong`]; or the edit could not be made.
    pub fn remove_song(&self, entry_id: EntryId) -> Result<u64, QueueError> {
        self.change(Change::Remove(entry_id)).map(|changed| changed.revision)
    }

    /// Moves an entry that is not the current one directly behind another one.
    ///
    /// # Errors
    /// [`QueueError::UnknownEntry`], [`QueueError::CurrentSong`], [`QueueError::BehindItself`]; or
    /// the edit could not be made.
    pub fn move_song(&self, entry_id: EntryId, after: EntryId) -> Result<u64, QueueError> {
        self.change(Change::Move { entry_id, after }).map(|changed| changed.revision)
    }

    /// Removes all entries but the current one; where songs can be played, a random one follows it.
    ///
    /// # Errors
    /// The edit could not be made.
    pub fn clear(&self) -> Result<u64, QueueError> {
        self.change(Change::Clear).map(|changed| changed.revision)
    }

    /// Waits until what the station reported before is on disk; `false` where
    /// it is not there by `deadline`. A keeper that ends brings to disk what it was given, last of all.
    pub(crate) fn settle(&self, deadline: Instant) -> bool {
        let (reply, answer) = bounded(1);
        let request = Request::Settle { deadline, reply };
        match self.requests.send_deadline(request, deadline) {
            Ok(()) => answer.recv_deadline(deadline).is_ok_and(|is_stored| is_stored),
            Err(SendTimeoutError::Timeout(_)) => false,
            Err(SendTimeoutError::Disconnected(_)) => true,
        }
    }

    fn adding(&self, change: Change) -> Result<Edit, QueueError> {
        let changed = self.change(change)?;
        let entry_id = changed.added.ok_or(QueueError::Fault)?;
        Ok(Edit { entry_id, revision: changed.revision })
    }

    fn change(&self, change: Change) -> Result<Changed, QueueError> {
        self.running()?;
        let deadline = Instant::now() + REPLY_TIMEOUT;
        let (reply, answer) = bounded(1);
        let request = Request::Change { change, if_match: self.if_match, deadline, reply };
        self.requests.send_deadline(request, deadline).map_err(|error| match error {
            SendTimeoutError::Timeout(_) => QueueError::Busy,
            SendTimeoutError::Disconnected(_) => QueueError::NotRunning,
        })?;
        answer.recv_deadline(deadline).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => Err(QueueError::Timeout),
            RecvTimeoutError::Disconnected => {
                // Unanswered: it ended, or the edit made it stumble.
                self.running()?;
                Err(QueueError::Fault)
            }
        })
    }

    fn running(&self) -> Result<(), QueueError> {
        if self.shared.has_ended() { Err(QueueError::NotRunning) } else { Ok(()) }
    }
}
