//! The keeper's work: each request one transaction, then the snapshot, then the events.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Instant, SystemTime},
};

use rand::{SeedableRng, rngs::StdRng};
use rusqlite::{Connection, TransactionBehavior};

use super::{
    KeeperError, KeeperOptions, Position, QueueError, Snapshot,
    error::Refusal,
    handle::{Reported, Shared},
    memory::Memory,
    position, randy,
    request::{Change, Changed, Request},
    retry::Retry,
    settling::Settling,
    snapshot,
    song_queue::{self, Fresh},
    songs,
};
use crate::{
    db::{Database, DbError},
    event::Event,
    ids::{EntryId, SongId},
    library::{Batch, SONG_COLUMNS, SinkError, song_from_row},
    song::{Entry, Song},
    subscribers::Subscribers,
};

/// All that the thread owns.
pub(super) struct Worker {
    database: Database,
    connection: Connection,
    /// `synchronous` is FULL now, not NORMAL.
    durable: bool,
    pub(super) options: KeeperOptions,
    subscribers: Subscribers,
    pub(super) shared: Arc<Shared>,
    rng: StdRng,
    pub(super) memory: Memory,
    /// Reports that are committed.
    pub(super) advances: u64,
    /// Reports that are not, the oldest first.
    pub(super) pending: VecDeque<Reported>,
    /// How many of them were told of all the same, since the disk refuses them.
    pub(super) provisional: usize,
    pub(super) position: Option<Position>,
    pub(super) wanted: Option<bool>,
    pub(super) retry: Retry,
    /// Who waits until all that was reported is on disk.
    pub(super) settling: Settling,
    start_position: Option<Position>,
}

/// What a transaction works on.
pub(super) struct Work<'a> {
    pub(super) connection: &'a Connection,
    pub(super) memory: &'a Memory,
    pub(super) options: &'a KeeperOptions,
    rng: &'a mut StdRng,
    /// Milliseconds since 1970-01-01 UTC.
    pub(super) now: i64,
}

impl Worker {
    /// Opens the writing connection, reads what is stored, and fills the queue where it can.
    pub(super) fn open(
        database: Database,
        options: KeeperOptions,
        subscribers: Subscribers,
        shared: Arc<Shared>,
    ) -> Result<Self, KeeperError> {
        let connection = database.writer()?;
        let classify = |error| database.classify(error);
        connection.busy_timeout(options.busy_timeout).map_err(classify)?;
        if let Some(pages) = options.max_pages {
            connection.pragma_update(None, "max_page_count", pages).map_err(classify)?;
        }
        connection.pragma_update(None, "synchronous", "FULL").map_err(classify)?;
        let start_position = position::stored(&connection).map_err(classify)?;
        let first = snapshot::load(&connection, 0, start_position).map_err(classify)?;
        let rng = match options.seed {
            Some(seed) => StdRng::seed_from_u64(seed),
            None => StdRng::from_rng(&mut rand::rng()),
        };
        let mut worker = Self {
            database,
            connection,
            durable: true,
            options,
            subscribers,
            shared,
            rng,
            memory: Memory::default(),
            advances: 0,
            pending: VecDeque::new(),
            provisional: 0,
            position: None,
            wanted: None,
            retry: Retry::default(),
            settling: Settling::default(),
            start_position,
        };
        worker.remember(&first);
        worker.shared.publish(first);
        match worker.transact(0, |_| Ok(((), false))) {
            Ok(((), snapshot)) => worker.publish(snapshot, None),
            // What is stored can be played all the same.
            Err(refusal) => tracing::warn!("{}", worker.explain(refusal)),
        }
        Ok(worker)
    }

    /// Answers one request. What the station reported before it comes first.
    pub(super) fn handle(&mut self, request: Request) {
        if let Request::Settle { deadline, reply } = request {
            self.settling.wait(Instant::now(), deadline, reply);
            let _ = self.settle(Instant::now());
            return;
        }
        self.take_reports();
        let ready = self.write_advances();
        // Whoever waited may have gone meanwhile; then nobody misses the answer.
        match request {
            Request::Change { deadline, .. } if Instant::now() >= deadline => {}
            Request::Change { change, if_match, reply, .. } => {
                let result = ready.map_err(QueueError::from);
                let _ = reply.send(result.and_then(|()| self.change(change, if_match)));
            }
            Request::Library { batch, reply } => {
                let result = ready.and_then(|()| self.write_batch(&batch));
                let _ = reply.send(result.map_err(|error| SinkError(error.to_string())));
            }
            Request::Settle { .. } => {}
        }
    }

    fn change(&mut self, change: Change, if_match: Option<u64>) -> Result<Changed, QueueError> {
        let done = self.transact(0, |work| {
            let revision = position::revision(work.connection)?;
            if if_match.is_some_and(|expected| expected != revision) {
                return Err(QueueError::Stale { revision }.into());
            }
            work.change(change)
        });
        match done {
            Ok((added, snapshot)) => {
                let revision = snapshot.revision;
                self.publish(snapshot, None);
                Ok(Changed { added, revision })
            }
            Err(Refusal::Rule(error)) => Err(error),
            Err(Refusal::Sql(error)) => Err(self.database.classify(error).into()),
        }
    }

    fn write_batch(&mut self, batch: &Batch) -> Result<(), DbError> {
        let done = self.transact(0, |work| {
            songs::write(work.connection, batch, work.now)?;
            let changed = work.leave_out_an_echo()?;
            Ok((songs::playable(work.connection)?, changed))
        });
        let (songs, snapshot) = done.map_err(|refusal| self.explain(refusal))?;
        self.publish(snapshot, None);
        self.subscribers.publish(Event::LibraryChanged { songs });
        Ok(())
    }

    /// Runs `work` as one transaction, on disk when this returns. It says whether it changed the
    /// queue; the queue is refilled, its revision raised, and what is then committed returned.
    /// `applied`: how many reports of the station are in it.
    pub(super) fn transact<T>(
        &mut self,
        applied: usize,
        work: impl FnOnce(&mut Work<'_>) -> Result<(T, bool), Refusal>,
    ) -> Result<(T, Snapshot), Refusal> {
        self.set_durable(true)?;
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut scope = Work {
            connection: &transaction,
            memory: &self.memory,
            options: &self.options,
            rng: &mut self.rng,
            now: unix_millis(),
        };
        let (result, changed) = work(&mut scope)?;
        let refilled = scope.refill()?;
        if changed || refilled {
            position::raise_revision(&transaction)?;
        }
        let advances = self.advances + applied as u64;
        let snapshot = snapshot::load(&transaction, advances, self.start_position)?;
        transaction.commit()?;
        Ok((result, snapshot))
    }

    /// Writes one value that no edit depends on.
    pub(super) fn store(
        &mut self,
        durable: bool,
        write: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> Result<(), DbError> {
        self.set_durable(durable)
            .and_then(|()| write(&self.connection))
            .map_err(|error| self.database.classify(error))
    }

    /// Makes a snapshot the newest, then tells what is new in it. `first` is told before the rest.
    pub(super) fn publish(&mut self, snapshot: Snapshot, first: Option<Event>) {
        let before = self.shared.snapshot();
        self.remember(&snapshot);
        let current = snapshot.current.as_ref().map(|entry| (entry.entry_id, entry.song_id));
        let entry_before = before.current.as_ref().map(|entry| entry.entry_id);
        let revision = snapshot.revision;
        if snapshot != *before {
            self.shared.publish(snapshot);
        }
        if let Some(event) = first {
            self.subscribers.publish(event);
        }
        if current.map(|(entry_id, _)| entry_id) != entry_before {
            let (entry_id, song_id) = current.unzip();
            self.subscribers.publish(Event::SongChanged { entry_id, song_id });
        }
        if revision != before.revision {
            self.subscribers.publish(Event::SongQueueChanged { revision });
        }
    }

    fn remember(&mut self, snapshot: &Snapshot) {
        for entry in snapshot.current.iter().chain(&snapshot.next) {
            self.memory.remember(entry);
        }
    }

    pub(super) fn explain(&self, refusal: Refusal) -> DbError {
        match refusal {
            Refusal::Sql(error) => self.database.classify(error),
            Refusal::Rule(error) => DbError::Other {
                path: self.database.path().to_path_buf(),
                source: rusqlite::Error::ToSqlConversionFailure(error.into()),
            },
        }
    }

    /// The queue as it is committed, and a random song: for when nothing can be written.
    pub(super) fn peek(&mut self) -> rusqlite::Result<(Vec<Entry>, Option<SongId>)> {
        let entries = song_queue::entries(&self.connection)?;
        Ok((entries, randy::pick(&self.connection, &mut self.rng, None)?))
    }

    /// A song as it is committed.
    pub(super) fn song(&self, id: SongId) -> Option<Arc<Song>> {
        let sql = format!("SELECT {SONG_COLUMNS} FROM songs s WHERE s.id = ?1");
        self.connection.query_row(&sql, [id.0], |row| song_from_row(row, 0)).ok().map(Arc::new)
    }

    fn set_durable(&mut self, durable: bool) -> rusqlite::Result<()> {
        if self.durable != durable {
            let level = if durable { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.durable = durable;
        }
        Ok(())
    }
}

impl Work<'_> {
    fn change(&mut self, change: Change) -> Result<(Option<EntryId>, bool), Refusal> {
        match change {
            Change::Add { song_id, position, is_random } => {
                match songs::verdict(self.connection, song_id)? {
                    None => return Err(QueueError::UnknownSong.into()),
                    Some(Err(reason)) => return Err(QueueError::Unplayable { reason }.into()),
                    Some(Ok(())) => {}
                }
                self.add(Fresh::new(song_id, is_random), position)
            }
            Change::AddRandom { position, album } => {
                let picked = randy::pick(self.connection, self.rng, album)?;
                let song_id = picked.ok_or(match album {
                    Some(album) => QueueError::NothingOfAlbum { album },
                    None => QueueError::NothingToPlay,
                })?;
                self.add(Fresh::new(song_id, true), position)
            }
            Change::Remove(entry_id) => {
                song_queue::remove(self.connection, entry_id)?;
                Ok((None, true))
            }
            Change::Move { entry_id, after } => {
                Ok((None, song_queue::move_behind(self.connection, entry_id, after)?))
            }
            Change::Clear => Ok((None, song_queue::clear(self.connection)? > 0)),
        }
    }

    fn add(
        &mut self,
        fresh: Fresh,
        position: super::QueuePosition,
    ) -> Result<(Option<EntryId>, bool), Refusal> {
        song_queue::add(self.connection, fresh, position, self.now)?;
        Ok((Some(fresh.entry_id), true))
    }

    /// Adds random songs until there are two entries; `false` where there were, or no song is.
    fn refill(&mut self) -> Result<bool, Refusal> {
        let missing = song_queue::AT_LEAST.saturating_sub(song_queue::length(self.connection)?);
        for added in 0..missing {
            let Some(song) = randy::pick(self.connection, self.rng, None)? else {
                return Ok(added > 0);
            };
            self.add(Fresh::new(song, true), super::QueuePosition::Last)?;
        }
        Ok(missing > 0)
    }

    /// Takes out a random song that is the current one once more, where there is another by now: at
    /// the first scan the queue is filled when a single song is known.
    fn leave_out_an_echo(&mut self) -> Result<bool, Refusal> {
        if song_queue::length(self.connection)? != song_queue::AT_LEAST {
            return Ok(false);
        }
        let (first, last) =
            (song_queue::first(self.connection)?, song_queue::last(self.connection)?);
        let (Some(first), Some(last)) = (first, last) else { return Ok(false) };
        if !last.is_random || last.song_id != first.song_id {
            return Ok(false);
        }
        let another = randy::pick(self.connection, self.rng, None)?;
        if another.is_none_or(|song| song == first.song_id) {
            return Ok(false);
        }
        song_queue::take(self.connection, last.entry_id)?;
        Ok(true)
    }
}

/// The time of the wall: milliseconds since 1970-01-01 UTC.
pub(super) fn unix_millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
