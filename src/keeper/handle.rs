//! The station's side of the keeper: nothing here ever waits for the disk.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crossbeam_channel::Sender;

use super::{Advanced, Position, Snapshot, worker::unix_millis};
use crate::bell::Bell;

/// Reports that wait for the keeper at most: it takes them at once, except while the disk hangs.
const REPORTS: usize = 256;

/// What the station uses. Clones share the same keeper.
#[derive(Debug, Clone)]
pub struct KeeperHandle {
    shared: Arc<Shared>,
}

/// What is between the keeper's thread and everyone else.
#[derive(Debug)]
pub(super) struct Shared {
    slots: Mutex<Slots>,
    snapshot: Mutex<Arc<Snapshot>>,
    wake: Sender<()>,
    /// The newest snapshot was not taken as news yet.
    news: AtomicBool,
    bell: OnceLock<Bell>,
    ended: AtomicBool,
}

/// That the station went on, and when it said so: a disk that hangs or is full takes it later.
#[derive(Debug, Clone)]
pub(super) struct Reported {
    pub(super) advanced: Advanced,
    /// Milliseconds since 1970-01-01 UTC.
    pub(super) at_ms: i64,
}

/// What the station reported and the keeper has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub(super) advances: VecDeque<Reported>,
    pub(super) position: Option<Position>,
    pub(super) wanted: Option<bool>,
}

impl Shared {
    pub(super) fn new(wake: Sender<()>) -> Self {
        Self {
            slots: Mutex::default(),
            snapshot: Mutex::default(),
            wake,
            news: AtomicBool::new(false),
            bell: OnceLock::new(),
            ended: AtomicBool::new(false),
        }
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&lock(&self.snapshot))
    }

    /// Makes a snapshot the newest and rings the bell: once is enough, whoever comes looks.
    pub(super) fn publish(&self, snapshot: Snapshot) {
        let snapshot = Arc::new(snapshot);
        *lock(&self.snapshot) = snapshot;
        self.news.store(true, Ordering::Release);
        if let Some(bell) = self.bell.get() {
            bell.ring();
        }
    }

    pub(super) fn take(&self) -> Slots {
        std::mem::take(&mut lock(&self.slots))
    }

    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

impl KeeperHandle {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot()
    }

    /// Has `bell` rung after every new snapshot from now on. There is one such bell, the station's:
    /// a second one is not heard.
    pub fn ring(&self, bell: Bell) {
        let _ = self.shared.bell.set(bell);
    }

    /// The newest snapshot where it was not taken by this before.
    #[must_use]
    pub(crate) fn take_news(&self) -> Option<Arc<Snapshot>> {
        self.shared.news.swap(false, Ordering::AcqRel).then(|| self.snapshot())
    }

    /// There is a snapshot that was not taken as news yet.
    #[cfg(test)]
    pub(crate) fn has_news(&self) -> bool {
        self.shared.news.load(Ordering::Acquire)
    }

    /// Reports that the station went on. Reports are applied in order, each once.
    pub fn advanced(&self, advanced: Advanced) {
        let mut slots = lock(&self.shared.slots);
        if slots.advances.len() == REPORTS {
            tracing::error!("the disk has not answered for {REPORTS} songs; one is not recorded");
            return;
        }
        slots.advances.push_back(Reported { advanced, at_ms: unix_millis() });
        self.wake(slots);
    }

    /// Reports how far the station has come; only the newest report counts.
    pub fn position(&self, position: Position) {
        let mut slots = lock(&self.shared.slots);
        slots.position = Some(position);
        self.wake(slots);
    }

    /// Stores what is wanted, play or pause; only the newest wish counts.
    pub fn wanted(&self, play: bool) {
        let mut slots = lock(&self.shared.slots);
        slots.wanted = Some(play);
        self.wake(slots);
    }

    fn wake(&self, slots: MutexGuard<'_, Slots>) {
        drop(slots);
        // Full: the keeper is on its way already, and takes everything that is there then.
        let _ = self.shared.wake.try_send(());
    }
}

/// Locks; a panic elsewhere while it was held leaves plain data that is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
