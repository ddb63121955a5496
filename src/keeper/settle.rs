//! What the station reported, brought to disk; kept and told of all the same while that fails.

use std::{collections::HashSet, time::Instant};

use super::{
    Outcome, Snapshot, advance, position,
    song_queue::{self, Fresh},
    worker::Worker,
};
use crate::{db::DbError, event::Event, ids::EntryId, song::Entry};

/// Reports that wait for a disk that refuses them: most of a day of songs.
const PENDING: usize = 256;

impl Worker {
    /// Takes what the station reported and writes it, or tries again what could not be written; false
    /// where something is not on disk.
    pub(super) fn settle(&mut self, now: Instant) -> bool {
        let news = self.take_reports();
        if news || self.retry.is_due(now) {
            match self.write_all() {
                Ok(()) => self.retry.succeeded(),
                Err(error) => self.retry.failed(now, error.to_string()),
            }
        }
        let is_stored = self.pending.is_empty() && self.wanted.is_none();
        if is_stored {
            self.settling.stored();
        }
        is_stored
    }

    /// Whatever is pending is tried once more, whenever that would be due.
    pub(super) fn settle_last(&mut self) {
        self.take_reports();
        match self.write_all() {
            Ok(()) => self.settling.stored(),
            Err(error) => tracing::error!("the last state could not be saved: {error}"),
        }
    }

    /// `true` where the station went on, or something else is wanted.
    pub(super) fn take_reports(&mut self) -> bool {
        let slots = self.shared.take();
        let news = !slots.advances.is_empty() || slots.wanted.is_some();
        for reported in slots.advances {
            if self.pending.len() == PENDING {
                tracing::error!("nothing could be saved for {PENDING} songs; one is not recorded");
                self.pending.pop_front();
                self.provisional = self.provisional.saturating_sub(1);
                self.advances += 1;
            }
            self.pending.push_back(reported);
        }
        self.position = slots.position.or(self.position);
        self.wanted = slots.wanted.or(self.wanted);
        news
    }

    fn write_all(&mut self) -> Result<(), DbError> {
        self.write_advances()?;
        if let Some(wanted) = self.wanted {
            self.store(true, |connection| position::store_wanted(connection, wanted))?;
            self.wanted = None;
            let snapshot = Snapshot { wanted: Some(wanted), ..(*self.shared.snapshot()).clone() };
            self.publish(snapshot, None);
        }
        if let Some(position) = self.position {
            let snapshot = self.shared.snapshot();
            let current = snapshot.current.as_ref().map(|entry| entry.entry_id);
            // A report on an entry that the station has left meanwhile: its successor is stored.
            if current == Some(position.entry_id) {
                self.store(false, |connection| position::store(connection, position))?;
            }
            self.position = None;
        }
        Ok(())
    }

    /// Applies the station's reports, each in a transaction of its own; those that were told of
    /// before they could be written go together, since nobody may see the states between.
    pub(super) fn write_advances(&mut self) -> Result<(), DbError> {
        while !self.pending.is_empty() {
            let told = self.provisional > 0;
            let count = self.provisional.clamp(1, self.pending.len());
            let reports: Vec<_> = self.pending.iter().take(count).cloned().collect();
            // The entry that sounds may have been told of without being on disk: it goes on.
            let sounding = self.shared.snapshot().current.clone().filter(|_| told);
            let done = self.transact(count, |work| {
                let mut changed = false;
                for report in &reports {
                    changed |= advance::apply(work.connection, report, work.memory, work.options)?;
                }
                if let Some(entry) = &sounding
                    && song_queue::find(work.connection, entry.entry_id)?.is_none()
                {
                    let Entry { entry_id, song_id, is_random, .. } = *entry;
                    let fresh = Fresh { entry_id, song_id, is_random };
                    song_queue::add_first(work.connection, fresh, work.now)?;
                    changed = true;
                }
                Ok((changed, changed))
            });
            match done {
                Ok((changed, snapshot)) => {
                    let event = if told || !changed { None } else { self.unplayable(0) };
                    for report in self.pending.drain(..count) {
                        self.memory.land(report.advanced.from);
                    }
                    self.provisional = 0;
                    self.advances += count as u64;
                    self.publish(snapshot, event);
                }
                Err(refusal) => {
                    let error = self.explain(refusal);
                    self.go_on_unwritten();
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The disk refuses: the station gets a snapshot all the same, so that the music goes on.
    fn go_on_unwritten(&mut self) {
        while self.provisional < self.pending.len() {
            let event = self.unplayable(self.provisional);
            self.provisional += 1;
            let snapshot = self.unwritten();
            self.publish(snapshot, event);
        }
    }

    /// The queue as it will be once the pending reports that count are written.
    fn unwritten(&mut self) -> Snapshot {
        let before = self.shared.snapshot();
        let reports = self.pending.iter().take(self.provisional);
        let left: HashSet<EntryId> = reports.map(|report| report.advanced.from).collect();
        let to = self.pending.get(self.provisional - 1).and_then(|report| report.advanced.to);
        let (entries, random) = self.peek().unwrap_or_default();
        let mut ahead: Vec<Entry> =
            entries.into_iter().filter(|entry| !left.contains(&entry.entry_id)).collect();
        if let Some(to) = to.and_then(|id| self.memory.recall(id).cloned()) {
            ahead.retain(|entry| entry.entry_id != to.entry_id);
            ahead.insert(0, to);
        }
        if ahead.len() < 2
            && let Some(song_id) = random
        {
            let Fresh { entry_id, song_id, is_random } = Fresh::new(song_id, true);
            let song = self.song(song_id);
            let entry = Entry { entry_id, song_id, is_random, song };
            self.memory.take_off(entry.clone());
            ahead.push(entry);
        }
        let length = ahead.len();
        let mut ahead = ahead.into_iter();
        Snapshot {
            advances: self.advances + self.provisional as u64,
            current: ahead.next(),
            next: ahead.next(),
            length,
            ..(*before).clone()
        }
    }

    /// The event for a report on a song that could not be played.
    fn unplayable(&self, index: usize) -> Option<Event> {
        let report = &self.pending.get(index)?.advanced;
        let Outcome::Unplayable(reason) = &report.outcome else { return None };
        let song_id = self.memory.recall(report.from)?.song_id;
        Some(Event::SongUnplayable { entry_id: report.from, song_id, reason: reason.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };

    use crate::{
        db::Database,
        keeper::{KeeperHandle, KeeperOptions, handle::Shared, request::Request, worker::Worker},
        subscribers::Subscribers,
    };

    #[test]
    fn whoever_waits_until_all_is_settled_is_answered_when_it_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db")).unwrap();
        let (wake, _woken) = crossbeam_channel::bounded(1);
        let shared = Arc::new(Shared::new(wake));
        let (options, subscribers) = (KeeperOptions::default(), Subscribers::new());
        let mut worker =
            Worker::open(database.clone(), options, subscribers, Arc::clone(&shared)).unwrap();
        let (handle, reader) = (KeeperHandle::new(shared), database.reader().unwrap());
        for play in [true, false, true] {
            handle.wanted(play);
            let (reply, answer) = crossbeam_channel::bounded(1);
            let deadline = Instant::now() + Duration::from_secs(60);
            worker.handle(Request::Settle { deadline, reply });
            assert!(answer.try_recv().unwrap());
            let wanted = "SELECT wanted FROM station";
            assert_eq!(reader.query_row(wanted, [], |row| row.get::<_, bool>(0)).unwrap(), play);
        }
    }
}
