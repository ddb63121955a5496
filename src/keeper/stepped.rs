//! The keeper without its thread: stepped by hand, on a clock of the test's own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, bounded};

use super::{
    KeeperHandle, KeeperOptions, QueueError, QueuePosition,
    handle::Shared,
    request::{Change, Request},
    song_queue,
    worker::Worker,
};
use crate::{
    db::Database,
    ids::{EntryId, SongId},
    library::{Batch, Library, SinkError},
    song::Entry,
    subscribers::Subscribers,
};

/// Longer than any test: requests are never too late by the wall's clock.
const NEVER_LATE: Duration = Duration::from_secs(24 * 3600);

/// An edit that somebody asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wish {
    Add { song: SongId, place: QueuePosition },
    AddRandom { place: QueuePosition },
    Remove(EntryId),
    Move { entry: EntryId, after: EntryId },
    Clear,
}

/// The worker and its channels; whoever steps it is the thread.
pub(crate) struct Stepped {
    worker: Worker,
    handle: KeeperHandle,
    woken: Receiver<()>,
    library: Library,
}

impl Stepped {
    pub(crate) fn open(
        database: &Database,
        options: KeeperOptions,
        subscribers: Subscribers,
    ) -> Self {
        let (wake, woken) = bounded(1);
        let shared = Arc::new(Shared::new(wake));
        let worker =
            Worker::open(database.clone(), options, subscribers, Arc::clone(&shared)).unwrap();
        let library = Library::open(database).unwrap();
        Self { worker, handle: KeeperHandle::new(shared), woken, library }
    }

    pub(crate) fn handle(&self) -> KeeperHandle {
        self.handle.clone()
    }

    /// The station has reported something.
    pub(crate) fn is_woken(&self) -> bool {
        !self.woken.is_empty()
    }

    /// When it tries again to write what could not be written.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.worker.retry.at()
    }

    /// Reports of the station that were taken and are not on disk.
    pub(crate) fn pending(&self) -> usize {
        self.worker.pending.len()
    }

    /// All that was taken is on disk.
    pub(crate) fn is_settled(&self) -> bool {
        self.pending() == 0 && self.worker.wanted.is_none() && self.worker.position.is_none()
    }

    /// One turn of the thread without a request.
    pub(crate) fn settle(&mut self, now: Instant) {
        let _ = self.woken.try_recv();
        self.worker.settle(now);
    }

    /// What comes first with every request: the reports before it.
    pub(crate) fn catch_up(&mut self) {
        self.worker.take_reports();
        // Where it fails, so does the request behind it.
        let _ = self.worker.write_advances();
    }

    /// One request, and the entry that it added.
    pub(crate) fn edit(&mut self, wish: Wish) -> Result<Option<EntryId>, QueueError> {
        let change = match wish {
            Wish::Add { song, place } => {
                Change::Add { song_id: song, position: place, is_random: false }
            }
            Wish::AddRandom { place } => Change::AddRandom { position: place, album: None },
            Wish::Remove(entry) => Change::Remove(entry),
            Wish::Move { entry, after } => Change::Move { entry_id: entry, after },
            Wish::Clear => Change::Clear,
        };
        let (reply, answer) = bounded(1);
        let deadline = Instant::now() + NEVER_LATE;
        self.worker.handle(Request::Change { change, if_match: None, deadline, reply });
        answer.try_recv().unwrap().map(|changed| changed.added)
    }

    /// Writes what a scan found.
    pub(crate) fn write(&mut self, batch: Batch) -> Result<(), SinkError> {
        let (reply, answer) = bounded(1);
        self.worker.handle(Request::Library { batch, reply });
        answer.try_recv().unwrap()
    }

    /// The queue as it is on disk.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.library.read(song_queue::entries).unwrap()
    }

    /// What the history holds behind its first `known` rows, the oldest first: entry, song, and
    /// whether it came by itself.
    pub(crate) fn history(&self, known: usize) -> Vec<(EntryId, SongId, bool)> {
        let sql = "SELECT entry_id, song_id, is_random FROM history \
                   WHERE outcome = 'played' ORDER BY id LIMIT -1 OFFSET ?1";
        let read = |connection: &rusqlite::Connection| {
            connection
                .prepare_cached(sql)?
                .query_map([i64::try_from(known).unwrap()], |row| {
                    Ok((EntryId::from_bytes(row.get(0)?), SongId(row.get(1)?), row.get(2)?))
                })?
                .collect()
        };
        self.library.read(read).unwrap()
    }

    /// Songs that were noted as played, in the order of their ids.
    pub(crate) fn stamped(&self) -> Vec<SongId> {
        let sql = "SELECT id FROM songs WHERE last_played > 0 ORDER BY id";
        let read = |connection: &rusqlite::Connection| {
            connection.prepare_cached(sql)?.query_map([], |row| row.get(0).map(SongId))?.collect()
        };
        self.library.read(read).unwrap()
    }
}
