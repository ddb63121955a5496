//! Scans: the thread that looks through the music folders, and what others ask of it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use crate::{
    config::Config,
    db::Database,
    ids::SongId,
    keeper::LibrarySink,
    library::{self, Library, ScanProgress},
    web::ScanDesk,
};

/// Starts scans, one at a time, on the thread `scan`.
#[derive(Debug)]
pub(super) struct Scans {
    library: Library,
    database: Database,
    sink: LibrarySink,
    folders: Vec<PathBuf>,
    progress: Arc<ScanProgress>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Scans {
    pub(super) fn new(
        library: Library,
        database: Database,
        sink: LibrarySink,
        config: &Config,
    ) -> Self {
        let music = config.directories.music.clone();
        let folders = Some(music).filter(|folder| !folder.as_os_str().is_empty());
        Self {
            library,
            database,
            sink,
            folders: folders.into_iter().collect(),
            progress: Arc::new(ScanProgress::new()),
            thread: Mutex::new(None),
        }
    }

    /// Scans the configured folder, where there is one.
    pub(super) fn start_configured(&self) {
        if !self.folders.is_empty() {
            self.start(Vec::new());
        }
    }

    /// Ends a running scan with its next file.
    pub(super) fn cancel(&self) {
        self.progress.cancel();
    }

    /// Waits until the newest scan has ended.
    pub(super) fn join(&self) {
        if let Some(thread) = self.lock().take() {
            // A scan that ended by a fault has said so in the log.
            let _ = thread.join();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ScanDesk for Scans {
    fn start(&self, folders: Vec<PathBuf>) -> bool {
        let mut running = self.lock();
        if running.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return false;
        }
        let folders = if folders.is_empty() { self.folders.clone() } else { folders };
        let (library, progress) = (self.library.clone(), Arc::clone(&self.progress));
        let mut sink = self.sink.clone();
        let thread = thread::Builder::new().name("scan".into()).spawn(move || {
            match library::scan(&library, &folders, &mut sink, &progress) {
                Ok(report) => tracing::info!("{report}"),
                Err(error) => tracing::error!("the scan ended early: {error}"),
            }
        });
        match thread {
            Ok(thread) => *running = Some(thread),
            Err(error) => tracing::error!(%error, "no thread for the scan could be started"),
        }
        running.is_some()
    }

    fn progress(&self) -> Value {
        serde_json::to_value(self.progress.view()).unwrap_or_default()
    }

    fn import(&self, file: PathBuf) -> Result<SongId, String> {
        let mut sink = self.sink.clone();
        let song = library::import(&self.library, &file, &mut sink);
        song.map(|song| song.id).map_err(|error| error.to_string())
    }

    fn backup(&self, file: PathBuf) -> Result<(), String> {
        self.database.backup(&file).map_err(|error| error.to_string())
    }
}
