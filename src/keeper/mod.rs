//! The keeper: one thread that owns the only writing connection. It takes edits of the queue and
//! what the station reports, commits, publishes an immutable snapshot, and then tells of it.

mod advance;
mod error;
mod handle;
mod history;
mod memory;
mod position;
mod queue;
mod randy;
mod request;
mod retry;
mod settle;
mod settling;
mod sink;
mod snapshot;
mod song_queue;
mod songs;
#[cfg(test)]
mod stepped;
mod thread;
mod worker;

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{
    db::{BUSY_TIMEOUT, Database},
    library::Library,
    subscribers::Subscribers,
};

pub use error::{KeeperError, QueueError};
pub use handle::KeeperHandle;
pub use queue::{Edit, QueuePosition, QueueView, SongQueue};
pub use sink::LibrarySink;
pub use snapshot::{Advanced, Outcome, Position, Snapshot};
#[cfg(test)]
pub(crate) use stepped::{Stepped, Wish};

use handle::Shared;
use worker::Worker;

/// Edits that wait for the keeper at most; more are refused.
const REQUESTS: usize = 64;
/// How long an edit waits for the keeper's answer.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the last commits may take at the stop; a disk that hangs is left behind.
const END_LIMIT: Duration = Duration::from_millis(250);

/// What the keeper is told at its start.
#[derive(Debug, Clone)]
pub struct KeeperOptions {
    /// Songs keep no time of when they were last played.
    pub disable_stats: bool,
    /// No history is written.
    pub disable_tracker: bool,
    /// Makes the random picks the same in every run: for tests.
    pub seed: Option<u64>,
    /// How long to wait for another program that holds a lock on the database.
    pub busy_timeout: Duration,
    /// The database may grow to so many pages of 4,096 bytes; more counts as a full disk.
    pub max_pages: Option<u32>,
}

impl Default for KeeperOptions {
    fn default() -> Self {
        Self {
            disable_stats: false,
            disable_tracker: false,
            seed: None,
            busy_timeout: BUSY_TIMEOUT,
            max_pages: None,
        }
    }
}

/// The running keeper. Dropping it stops it as [`stop`](Self::stop) does.
#[derive(Debug)]
pub struct Keeper {
    handle: KeeperHandle,
    queue: SongQueue,
    sink: LibrarySink,
    library: Library,
    // The thread ends when this is gone, once it has written what it was given before.
    stop: Option<Sender<()>>,
    // Disconnected when the thread has ended.
    ended: Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Opens the writing connection, fills the queue where it can, and starts the thread.
    ///
    /// # Errors
    /// The database cannot be opened or read, or the thread cannot be started.
    pub fn start(
        database: Database,
        options: KeeperOptions,
        subscribers: Subscribers,
    ) -> Result<Self, KeeperError> {
        let library = Library::open(&database)?;
        let (wake, woken) = bounded(1);
        let (requests, taken) = bounded(REQUESTS);
        let (stop, stopped) = bounded(0);
        let (ending, ended) = bounded(0);
        let shared = Arc::new(Shared::new(wake));
        let worker = Worker::open(database, options, subscribers, Arc::clone(&shared))?;
        let thread = std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || {
                let _ending: Sender<()> = ending;
                thread::run(worker, &taken, &woken, &stopped);
            })
            .map_err(KeeperError::Thread)?;
        Ok(Self {
            queue: SongQueue::new(requests.clone(), Arc::clone(&shared), library.clone()),
            sink: LibrarySink::new(requests),
            handle: KeeperHandle::new(shared),
            library,
            stop: Some(stop),
            ended,
            thread: Some(thread),
        })
    }

    /// What the station uses.
    #[must_use]
    pub fn handle(&self) -> KeeperHandle {
        self.handle.clone()
    }

    /// What everyone else edits the queue with.
    #[must_use]
    pub fn queue(&self) -> SongQueue {
        self.queue.clone()
    }

    /// The library of the same database, to read.
    #[must_use]
    pub fn library(&self) -> Library {
        self.library.clone()
    }

    /// Where a scan writes to.
    #[must_use]
    pub fn sink(&self) -> LibrarySink {
        self.sink.clone()
    }

    /// Commits what is pending and ends the thread. Handles and queues that are still around answer
    /// [`QueueError::NotRunning`] from then on.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop = None;
        let Some(thread) = self.thread.take() else { return };
        if self.ended.recv_timeout(END_LIMIT) == Err(RecvTimeoutError::Timeout) {
            tracing::error!(
                "the database does not answer; the newest position may not have been saved"
            );
            return;
        }
        // It catches every panic itself; there is nothing to learn from its result.
        let _ = thread.join();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.end();
    }
}
