//! The model: the queue as a plain list, and the songs that count as played.

use crate::{
    ids::{EntryId, SongId},
    keeper::{Advanced, Outcome, QueueError, QueuePosition, Wish},
    song::Entry,
};

/// The queue fills up to this by itself.
const AT_LEAST: usize = 2;

/// An entry: its id, its song, and whether it came by itself.
pub(super) type Row = (EntryId, SongId, bool);

/// What is on disk, if the keeper does what it should.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) rows: Vec<Row>,
    /// The history: what was heard to its last frame and brought to disk, the oldest first.
    pub(super) history: Vec<Row>,
}

pub(super) fn rows(entries: &[Entry]) -> Vec<Row> {
    entries.iter().map(|entry| (entry.entry_id, entry.song_id, entry.is_random)).collect()
}

impl Model {
    pub(super) fn index(&self, entry: EntryId) -> Option<usize> {
        self.rows.iter().position(|row| row.0 == entry)
    }

    /// What the history takes: here, and once more where it is read to be compared.
    pub(super) fn history_bytes(&self) -> u64 {
        2 * (self.history.capacity() * size_of::<Row>()) as u64
    }

    /// Compares the whole history with the disk, and the songs that were noted as played.
    pub(super) fn compare_history(&self, on_disk: &[Row], stamped: Vec<SongId>) {
        assert_eq!(on_disk, self.history, "the history");
        let mut songs: Vec<SongId> = self.history.iter().map(|row| row.1).collect();
        songs.sort_unstable();
        songs.dedup();
        assert_eq!(stamped, songs, "songs that were noted as played");
    }

    /// Compares what is new in the history with the disk; `known`: how many rows are not.
    pub(super) fn compare_new_history(&self, known: usize, on_disk: &[Row]) {
        assert_eq!(on_disk, &self.history[known..], "the history from row {known} on");
    }

    /// The station went on. `on_disk` tells of an entry that only ever stood in a snapshot, because
    /// nothing could be written then. `heard`: the song that was heard to its last frame.
    pub(super) fn advance(&mut self, advanced: &Advanced, heard: Option<Row>, on_disk: &[Row]) {
        match self.index(advanced.from) {
            Some(at) => drop(self.rows.remove(at)),
            // The queue ran dry while nothing could be written, and one came out of the air.
            None if self.rows.is_empty() => {}
            None => panic!("the station left {:?}, no entry of {:?}", advanced.from, self.rows),
        }
        assert_eq!(heard.is_some(), advanced.outcome == Outcome::Played, "{advanced:?}");
        self.history.extend(heard);
        let Some(to) = advanced.to else { return };
        match self.index(to) {
            Some(at) => self.rows[..=at].rotate_right(1),
            // Gone again by now, or the song that sounds: the disk tells which.
            None => {
                let row = on_disk.iter().find(|row| row.0 == to).copied();
                self.rows.insert(0, row.unwrap_or((to, SongId(0), true)));
            }
        }
    }

    /// What an edit should come to; the queue is as it will be.
    pub(super) fn edit(&mut self, wish: Wish, added: &Result<Option<EntryId>, QueueError>) {
        match wish {
            Wish::Add { song, place } => self.add(place, added, Some(song)),
            Wish::AddRandom { place } => self.add(place, added, None),
            Wish::Remove(entry) => match self.index(entry) {
                None => assert!(matches!(added, Err(QueueError::UnknownEntry)), "{added:?}"),
                Some(0) => assert!(matches!(added, Err(QueueError::CurrentSong)), "{added:?}"),
                Some(at) => {
                    assert!(added.is_ok(), "{added:?}");
                    self.rows.remove(at);
                }
            },
            Wish::Move { entry, after } => match (self.index(entry), self.index(after)) {
                (Some(0), _) => assert!(matches!(added, Err(QueueError::CurrentSong))),
                (Some(at), Some(_)) if entry != after => {
                    assert!(added.is_ok(), "{added:?}");
                    let row = self.rows.remove(at);
                    let behind = self.index(after).unwrap() + 1;
                    self.rows.insert(behind, row);
                }
                _ => assert!(added.is_err()),
            },
            Wish::Clear => {
                assert!(added.is_ok(), "{added:?}");
                self.rows.truncate(1);
            }
        }
    }

    fn add(
        &mut self,
        place: QueuePosition,
        added: &Result<Option<EntryId>, QueueError>,
        song: Option<SongId>,
    ) {
        let spot = match place {
            QueuePosition::Next => Some(self.rows.len().min(1)),
            QueuePosition::Last => Some(self.rows.len()),
            QueuePosition::After(entry) => self.index(entry).map(|at| at + 1),
        };
        let Some(spot) = spot else {
            return assert!(matches!(added, Err(QueueError::UnknownEntry)), "{added:?}");
        };
        let entry = added.as_ref().unwrap().expect("an entry was added");
        // Which song chance took is learned from the disk.
        self.rows.insert(spot, (entry, song.unwrap_or(SongId(0)), song.is_none()));
    }

    /// A scan was written: a random echo of the current song may have made room.
    pub(super) fn leave_out_echo(&mut self, on_disk: &[Row]) {
        if let [first, last] = self.rows[..]
            && last.2
            && first.1 == last.1
            && on_disk.get(1).map(|row| row.0) != Some(last.0)
        {
            self.rows.pop();
        }
    }

    /// Compares with the disk, and takes over what chance chose.
    pub(super) fn compare(&mut self, on_disk: Vec<Row>) {
        for (row, found) in self.rows.iter_mut().zip(&on_disk) {
            if row.1 == SongId(0) && row.0 == found.0 {
                row.1 = found.1;
            }
        }
        let own = self.rows.len();
        assert!(on_disk.starts_with(&self.rows), "the queue is {on_disk:?}, not {:?}", self.rows);
        if own < AT_LEAST {
            assert_eq!(on_disk.len(), AT_LEAST, "the queue was not refilled");
            assert!(on_disk[own..].iter().all(|row| row.2), "refilled, but not at random");
        } else {
            assert_eq!(on_disk.len(), own, "the queue is {on_disk:?}, not {:?}", self.rows);
        }
        self.rows = on_disk;
    }
}
