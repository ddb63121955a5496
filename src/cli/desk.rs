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

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::cli::wire::{Entry, Song};

    /// A desk in memory: songs 1 to 3, two of them called Blue, and the queue as it is edited.
    pub(in crate::cli) struct FakeDesk {
        pub(in crate::cli) entries: RefCell<Vec<Entry>>,
        pub(in crate::cli) imported: RefCell<Vec<PathBuf>>,
    }

    pub(in crate::cli) fn song(id: i64) -> Song {
        let title = match id {
            1 => "Blue Sea",
            2 => "Blue Sky",
            3 => "Red",
            _ => "New",
        };
        Song {
            id: SongId(id),
            title: title.to_owned(),
            artist: "Ann".to_owned(),
            album: "Colours".to_owned(),
            duration_seconds: 61.0,
            playable: true,
        }
    }

    impl FakeDesk {
        /// With these songs in its queue; entry ids are a hundred times the place.
        pub(in crate::cli) fn playing(songs: &[i64]) -> Self {
            let desk = Self { entries: RefCell::default(), imported: RefCell::default() };
            for id in songs {
                desk.add(SongId(*id), Position::Last).unwrap();
            }
            desk
        }

        pub(in crate::cli) fn titles(&self) -> Vec<String> {
            let title = |entry: &Entry| entry.song.as_ref().unwrap().title.clone();
            self.entries.borrow().iter().map(title).collect()
        }

        fn index(&self, entry: EntryId) -> usize {
            self.entries.borrow().iter().position(|known| known.entry_id == entry).unwrap()
        }
    }

    impl Desk for FakeDesk {
        fn queue(&self) -> Result<Queue> {
            Ok(Queue { revision: 1, entries: self.entries.borrow().clone() })
        }

        fn add(&self, id: SongId, position: Position) -> Result<EntryId> {
            if !(1..=4).contains(&id.0) {
                let message = "there is no such song in the library".to_owned();
                return Err(Refused { code: "unknown_song".to_owned(), message }.into());
            }
            let length = self.entries.borrow().len();
            let index = match position {
                Position::Next => 1.min(length),
                Position::Last => length,
                Position::After(entry) => self.index(entry) + 1,
            };
            let entry_id = EntryId(100 * (length as u128 + 1));
            let entry = Entry { entry_id, is_random: false, song: Some(song(id.0)) };
            self.entries.borrow_mut().insert(index, entry);
            Ok(entry_id)
        }

        fn add_random(&self, position: Position) -> Result<EntryId> {
            self.add(SongId(3), position)
        }

        fn remove(&self, entry: EntryId) -> Result<()> {
            let index = self.index(entry);
            self.entries.borrow_mut().remove(index);
            Ok(())
        }

        fn move_after(&self, entry: EntryId, after: EntryId) -> Result<()> {
            let from = self.index(entry);
            let moved = self.entries.borrow_mut().remove(from);
            let index = self.index(after);
            self.entries.borrow_mut().insert(index + 1, moved);
            Ok(())
        }

        fn clear(&self) -> Result<()> {
            self.entries.borrow_mut().truncate(1);
            Ok(())
        }

        fn songs(&self, text: &str, _: u64, offset: u64) -> Result<Songs> {
            let text = text.to_lowercase();
            let songs = (1..=3).map(song).filter(|song| song.title.to_lowercase().contains(&text));
            let songs: Vec<_> = songs.collect();
            Ok(Songs { total: songs.len() as u64, offset, songs })
        }

        fn import(&self, file: &Path) -> Result<SongId> {
            self.imported.borrow_mut().push(file.to_owned());
            Ok(SongId(4))
        }

        fn start_scan(&self, _: &[PathBuf]) -> Result<()> {
            Ok(())
        }

        fn scan_view(&self) -> Result<ScanView> {
            Ok(ScanView::default())
        }

        fn backup(&self, _: &Path) -> Result<()> {
            Ok(())
        }
    }
}
