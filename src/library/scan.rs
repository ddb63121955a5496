//! The scan: folders are walked by one thread, files read by two, and what they found is handed to
//! the sink in batches.

use std::{
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::{
    Batch, Library, ScanProgress, ScanReport, Sink, SinkError,
    known::Known,
    sink::BATCH,
    walk::{Walk, Walked},
    work::{Job, Outcome, examine},
};
use crate::{db::DbError, ids::SongId, song::Song};

/// Threads that read files.
const WORKERS: usize = 2;
/// Files between the walker and the workers, and between them and the writer.
const WAITING: usize = 64;
/// A batch that is not full is written after this: the first songs should be playable soon.
const BATCH_AGE: Duration = Duration::from_millis(500);

/// Why a scan ended early. What it wrote until then stays.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// Another scan runs: wait for it, its progress is that of the library.
    #[error("a scan is running already; wait for it to end")]
    Running,
    /// The library could not be read.
    #[error(transparent)]
    Db(#[from] DbError),
    /// What was found could not be written: the reason names the remedy; scan again afterwards.
    #[error("the scan stopped after {written} songs: {source}")]
    Sink {
        /// Songs written before.
        written: u64,
        /// Why.
        source: SinkError,
    },
    /// A file to be imported cannot be used: the message says why.
    #[error("{} cannot be added: {reason}", .path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A thread could not be started: the system is short of memory or threads.
    #[error("the scan could not start a thread: {0}; close other programs and try again")]
    Thread(std::io::Error),
}

/// Reads everything below `roots` into the library: new and changed files are read, unchanged ones
/// not even opened, those that have gone are marked. Blocks until it is done or cancelled.
///
/// # Errors
/// The library cannot be read or written; single bad files are in the report instead.
pub fn scan(
    library: &Library,
    roots: &[PathBuf],
    sink: &mut dyn Sink,
    progress: &ScanProgress,
) -> Result<ScanReport, ScanError> {
    if !progress.begin() {
        return Err(ScanError::Running);
    }
    let outcome = run(library, roots, sink, progress);
    progress.end(outcome.as_ref().map(Clone::clone).map_err(ToString::to_string));
    outcome
}

/// Takes one file into the library, wherever it is.
///
/// # Errors
/// It is no MP3 that can be streamed, or the library cannot be read or written.
pub fn import(library: &Library, file: &Path, sink: &mut dyn Sink) -> Result<Song, ScanError> {
    let refuse = |reason: String| ScanError::Import { path: file.to_path_buf(), reason };
    let path = file.canonicalize().map_err(|error| refuse(error.to_string()))?;
    let job = Walk::job(&path, false).map_err(refuse)?;
    let song = match examine(job, &ScanProgress::new()) {
        Outcome::Song { song, .. } => song,
        Outcome::Unreadable { reason, .. } => return Err(refuse(reason)),
        Outcome::Cancelled => return Err(refuse("the import was stopped".to_owned())),
    };
    if let Err(reason) = &song.audio {
        return Err(refuse(reason.clone()));
    }
    let batch = Batch { found: vec![song], ..Batch::default() };
    sink.write(batch).map_err(|source| ScanError::Sink { written: 0, source })?;
    library.find_path(&path)?.ok_or_else(|| refuse("it was taken in and is not found".to_owned()))
}

fn run(
    library: &Library,
    roots: &[PathBuf],
    sink: &mut dyn Sink,
    progress: &ScanProgress,
) -> Result<ScanReport, ScanError> {
    let known = Known::load(library)?;
    let mut writer = Writer { sink, batch: Batch::default(), since: None, written: 0 };
    let mut report = ScanReport::default();
    let (to_workers, jobs) = bounded::<Job>(WAITING);
    let (done, outcomes) = bounded::<Found>(WAITING);
    let mut walked = thread::scope(|scope| -> Result<Walked, ScanError> {
        for _ in 0..WORKERS {
            let (jobs, done) = (jobs.clone(), done.clone());
            thread::Builder::new()
                .name("scan".to_owned())
                .spawn_scoped(scope, move || work(&jobs, &done, progress))
                .map_err(ScanError::Thread)?;
        }
        drop(jobs);
        let known = &known;
        let walker = thread::Builder::new()
            .name("scan-walk".to_owned())
            .spawn_scoped(scope, move || {
                let mut walk = Walk::new(known, progress);
                let mut hand_on = |job| to_workers.send(job).is_ok();
                let mut back = |id| done.send(Found::Returned(id)).is_ok();
                for root in roots {
                    walk.root(root, &mut hand_on, &mut back);
                }
                progress.all_walked();
                walk.finish()
            })
            .map_err(ScanError::Thread)?;
        // Leaving this loop drops the receiver, which ends workers and walker.
        let collected = collect(outcomes, &mut writer, &mut report, progress);
        let walked = walker.join().unwrap_or_default();
        collected.map(|()| walked)
    })?;
    writer.flush()?;
    report.cancelled = progress.is_cancelled();
    if !report.cancelled {
        let (vanished, empty) =
            known.vanished(library, &walked.seen, &walked.roots(), &walked.blocked())?;
        report.vanished = vanished.len() as u64;
        for folder in empty {
            walked.leave_alone(folder, "it is empty; is a drive not mounted?".to_owned());
        }
        for id in vanished {
            writer.batch.vanished.push(id);
            writer.flush_if_due()?;
        }
        writer.flush()?;
    }
    let still = std::mem::take(&mut walked.still_unplayable);
    walked.tell(&mut report);
    report.unplayable_new = report.unplayable_total;
    report.refuse_still(library, &still)?;
    report.formats = library.formats()?;
    Ok(report)
}

/// What reaches the writer.
enum Found {
    Read(Box<Outcome>),
    Returned(SongId),
}

fn work(jobs: &Receiver<Job>, done: &Sender<Found>, progress: &ScanProgress) {
    for job in jobs {
        let outcome = examine(job, progress);
        let stop = matches!(outcome, Outcome::Cancelled);
        if done.send(Found::Read(Box::new(outcome))).is_err() || stop {
            return;
        }
    }
}

fn collect(
    outcomes: Receiver<Found>,
    writer: &mut Writer<'_>,
    report: &mut ScanReport,
    progress: &ScanProgress,
) -> Result<(), ScanError> {
    loop {
        let found = match writer.due() {
            Some(due) => outcomes.recv_deadline(due),
            None => outcomes.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match found {
            Ok(Found::Read(outcome)) => {
                progress.count_done();
                match *outcome {
                    Outcome::Song { song, known } => {
                        *(if known { &mut report.changed } else { &mut report.added }) += 1;
                        if let Err(reason) = &song.audio {
                            report.refuse(song.path.clone(), reason.clone());
                        }
                        writer.batch.found.push(song);
                    }
                    Outcome::Unreadable { path, reason } => report.refuse(path, reason),
                    Outcome::Cancelled => return Ok(()),
                }
            }
            Ok(Found::Returned(id)) => {
                report.returned += 1;
                writer.batch.returned.push(id);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        writer.flush_if_due()?;
    }
}

/// Gathers a batch and hands it on when it is full or old.
struct Writer<'a> {
    sink: &'a mut dyn Sink,
    batch: Batch,
    since: Option<Instant>,
    written: u64,
}

impl Writer<'_> {
    fn due(&self) -> Option<Instant> {
        self.since.map(|since| since + BATCH_AGE)
    }

    fn flush_if_due(&mut self) -> Result<(), ScanError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        // The very first song goes at once: a station without songs waits for it.
        if self.written == 0 || self.batch.len() >= BATCH || now >= since + BATCH_AGE {
            return self.flush();
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ScanError> {
        self.since = None;
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let songs = batch.len() as u64;
        let written = self.written;
        self.sink.write(batch).map_err(|source| ScanError::Sink { written, source })?;
        self.written += songs;
        Ok(())
    }
}
