//! Scans: the thread that looks through the music folders, and what others ask of it.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use serde_json::Value;

use crate::{
    config::Config,
    db::{Database, DbError},
    ids::SongId,
    keeper::LibrarySink,
    library::{self, Library, ScanProgress, ScanReport, ScanView},
    web::{NoScan, ScanDesk},
};

/// Files that cannot be streamed of which the log tells after a scan, each with its reason.
const TOLD_UNPLAYABLE: u64 = 20;

/// Starts scans, one at a time, on the thread `scan`.
#[derive(Debug)]
pub(super) struct Scans {
    library: Library,
    database: Database,
    sink: LibrarySink,
    folders: Vec<PathBuf>,
    progress: Arc<ScanProgress>,
    running: Mutex<Option<Receiver<()>>>,
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
            running: Mutex::new(None),
        }
    }

    /// Scans the configured folder, where there is one.
    pub(super) fn start_configured(&self) {
        if !self.folders.is_empty() {
            // Nothing runs yet, and a thread that is missing stands in the log.
            let _ = self.start(Vec::new());
        }
    }

    /// Ends a running scan with its next file.
    pub(super) fn cancel(&self) {
        self.progress.cancel();
    }

    /// Waits until the newest scan has ended, for at most `patience`.
    pub(super) fn wait(&self, patience: Duration) {
        let running = self.lock().clone();
        if let Some(ended) = running {
            // Nothing is ever sent: the end of the scan's thread ends the waiting.
            let _ = ended.recv_timeout(patience);
        }
    }

    fn begin(&self, thread: thread::Builder, folders: Vec<PathBuf>) -> Result<(), NoScan> {
        let mut running = self.lock();
        if is_running(&running) {
            return Err(NoScan::Running);
        }
        let folders = if folders.is_empty() { self.folders.clone() } else { folders };
        let (library, progress) = (self.library.clone(), Arc::clone(&self.progress));
        let mut sink = self.sink.clone();
        let (scanning, ended) = bounded(0);
        let spawned = thread.name("scan".into()).spawn(move || {
            let _scanning: Sender<()> = scanning;
            match library::scan(&library, &folders, &mut sink, &progress) {
                Ok(report) => tell(&report),
                Err(error) => tracing::error!("the scan ended early: {error}"),
            }
        });
        spawned.map_err(|error| {
            tracing::error!(%error, "no thread for the scan could be started");
            NoScan::NoThread
        })?;
        *running = Some(ended);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Receiver<()>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_running(scan: &Option<Receiver<()>>) -> bool {
    scan.as_ref().is_some_and(|ended| ended.try_recv() == Err(TryRecvError::Empty))
}

/// Tells of a scan in the log, and of those bad files that no scan before has told of.
fn tell(report: &ScanReport) {
    tracing::info!("{report}");
    let new = report.unplayable_new;
    for (file, reason) in
        report.unplayable.iter().take(usize::try_from(new.min(TOLD_UNPLAYABLE)).unwrap_or(0))
    {
        // As Rust writes it: a line break in a name makes no second line.
        tracing::warn!(?file, reason, "cannot be streamed");
    }
    if let Some(more @ 1..) = new.checked_sub(TOLD_UNPLAYABLE) {
        tracing::warn!("and {more} more; run `musicdb-stream scan` to see them");
    }
}

impl ScanDesk for Scans {
    fn start(&self, folders: Vec<PathBuf>) -> Result<(), NoScan> {
        self.begin(thread::Builder::new(), folders)
    }

    fn progress(&self) -> Value {
        // Asked before the view: a scan that was started runs, also where its thread has not begun
        // yet, and the report of one that has ended is there.
        let running = is_running(&self.lock());
        let view = ScanView { running, ..self.progress.view() };
        serde_json::to_value(view).unwrap_or_default()
    }

    fn import(&self, file: PathBuf) -> Result<SongId, String> {
        let mut sink = self.sink.clone();
        let song = library::import(&self.library, &file, &mut sink);
        song.map(|song| song.id).map_err(|error| match error {
            // The asker knows which file it named; the answer has no path.
            library::ScanError::Import { reason, .. } => reason,
            other => {
                tracing::error!("a file could not be imported: {other}");
                "the library could not be written; the server's log has the reason".to_owned()
            }
        })
    }

    fn backup(&self, file: PathBuf) -> Result<(), String> {
        self.database.backup(&file).map_err(|error| {
            tracing::error!("the backup failed: {error}");
            match error {
                DbError::Exists { .. } => "there is a file of that name already; choose another",
                DbError::DiskFull { .. } => "the disk is full; make room or choose another",
                _ => "the copy could not be written; the server's log has the reason",
            }
            .to_owned()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        keeper::{Keeper, KeeperOptions},
        subscribers::Subscribers,
    };

    /// More than any address space: no thread gets it.
    const NO_STACK: usize = usize::MAX / 2 + 1;

    #[test]
    fn a_scan_without_a_thread_is_not_told_as_begun_and_the_next_one_is() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db")).unwrap();
        let options = KeeperOptions::default();
        let keeper = Keeper::start(database.clone(), options, Subscribers::new()).unwrap();
        let scans = Scans::new(keeper.library(), database, keeper.sink(), &Config::default());
        let music = || vec![folder.path().to_owned()];
        let builder = thread::Builder::new().stack_size(NO_STACK);
        assert_eq!(scans.begin(builder, music()), Err(NoScan::NoThread));
        assert_eq!(scans.progress()["running"], false);
        assert_eq!(scans.start(music()), Ok(()));
        scans.wait(Duration::from_secs(60));
    }
}
