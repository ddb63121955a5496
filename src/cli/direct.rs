//! The database itself as the desk, while no server runs: this program holds the lock meanwhile.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use anyhow::{Error, Result};

use super::{
    desk::{Desk, Refused},
    wire::{Entry, Position, Queue, ScanReport, ScanView, Song, Songs},
};
use crate::{
    config::{Config, DataDir, ServerLock},
    db::Database,
    ids::{EntryId, SongId},
    keeper::{Keeper, KeeperOptions, QueueError},
    library::{self, ScanProgress},
    subscribers::Subscribers,
};

/// Queue and library of a data directory that nobody serves.
pub(super) struct Direct {
    // Dropped in this order: the keeper commits before another program may take the lock.
    keeper: Keeper,
    database: Database,
    music: PathBuf,
    progress: Arc<ScanProgress>,
    scanning: Mutex<Option<JoinHandle<()>>>,
    _lock: ServerLock,
}

impl Direct {
    /// Takes the lock and opens the database, making both where they are missing.
    pub(super) fn open(config: &Config) -> Result<Self> {
        let data = DataDir::open(&config.directories.data)?;
        let lock = data.lock()?;
        let database = Database::open(&data.database())?;
        let options = KeeperOptions {
            disable_stats: config.debug.disable_stats,
            disable_tracker: config.debug.disable_tracker,
            ..KeeperOptions::default()
        };
        Ok(Self {
            keeper: Keeper::start(database.clone(), options, Subscribers::new())?,
            database,
            music: config.directories.music.clone(),
            progress: Arc::new(ScanProgress::new()),
            scanning: Mutex::new(None),
            _lock: lock,
        })
    }
}

impl Desk for Direct {
    fn queue(&self) -> Result<Queue> {
        let view = self.keeper.queue().entries()?;
        let entries = view.entries.iter().map(Entry::from).collect();
        Ok(Queue { revision: view.revision, entries })
    }

    fn add(&self, song: SongId, position: Position) -> Result<EntryId> {
        let edit = self.keeper.queue().add_song(song, position, false);
        Ok(edit.map_err(refused)?.entry_id)
    }

    fn add_random(&self, position: Position) -> Result<EntryId> {
        Ok(self.keeper.queue().add_random_song(position, None)?.entry_id)
    }

    fn remove(&self, entry: EntryId) -> Result<()> {
        Ok(self.keeper.queue().remove_song(entry).map(drop)?)
    }

    fn move_after(&self, entry: EntryId, after: EntryId) -> Result<()> {
        Ok(self.keeper.queue().move_song(entry, after).map(drop)?)
    }

    fn clear(&self) -> Result<()> {
        Ok(self.keeper.queue().clear().map(drop)?)
    }

    fn songs(&self, text: &str, limit: u64, offset: u64) -> Result<Songs> {
        let (total, songs) = self.keeper.library().search(text, limit, offset)?;
        Ok(Songs { total, offset, songs: songs.iter().map(Song::from).collect() })
    }

    fn import(&self, file: &Path) -> Result<SongId> {
        let library = self.keeper.library();
        if let Some(song) = library.find_path(file)?
            && song.playable
        {
            return Ok(song.id);
        }
        Ok(library::import(&library, file, &mut self.keeper.sink())?.id)
    }

    fn start_scan(&self, folders: &[PathBuf]) -> Result<()> {
        let folders = if folders.is_empty() { vec![self.music.clone()] } else { folders.to_vec() };
        let (library, mut sink) = (self.keeper.library(), self.keeper.sink());
        let progress = Arc::clone(&self.progress);
        let scan = thread::Builder::new().name("scan".to_owned()).spawn(move || {
            // Its outcome, errors too, is in the progress.
            let _ = library::scan(&library, &folders, &mut sink, &progress);
        })?;
        *self.scanning.lock().unwrap_or_else(PoisonError::into_inner) = Some(scan);
        Ok(())
    }

    fn scan_view(&self) -> Result<ScanView> {
        let scanning = self.scanning.lock().unwrap_or_else(PoisonError::into_inner);
        // Asked before the view is read: what has ended then is whole in the view.
        let running = scanning.as_ref().is_some_and(|scan| !scan.is_finished());
        let view = self.progress.view();
        Ok(ScanView {
            running,
            found: view.found,
            walked: view.walked,
            done: view.done,
            report: view.report.map(ScanReport::from),
            error: view.error,
        })
    }

    fn backup(&self, file: &Path) -> Result<()> {
        Ok(self.database.backup(file)?)
    }
}

fn refused(error: QueueError) -> Error {
    match error {
        QueueError::UnknownSong => {
            Refused { code: "unknown_song".to_owned(), message: error.to_string() }.into()
        }
        error => error.into(),
    }
}
