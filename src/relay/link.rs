//! Links: by which an output tells the station whether its frames arrive.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use crate::{bell::Bell, ids::FrameNumber};

/// How one output stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// `mount` or `icecast`.
    pub name: &'static str,
    /// It takes our frames.
    pub up: bool,
    /// Why it does not.
    pub reason: Option<String>,
    /// How often it came up; tells a short loss that nobody looked at in time.
    pub ups: u64,
    /// Where it was last up: the first frame that it did not hand on.
    pub next_frame: FrameNumber,
}

/// All outputs' links, as the station reads them. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Links {
    board: Arc<Mutex<Vec<Link>>>,
    changed: Arc<AtomicBool>,
    bell: Bell,
}

/// The writing side for one output.
#[derive(Debug, Clone)]
pub struct LinkReporter {
    links: Links,
    name: &'static str,
}

impl Links {
    /// No outputs yet. `bell` is rung after each change.
    #[must_use]
    pub fn new(bell: Bell) -> Self {
        Self { bell, ..Self::default() }
    }

    /// Adds an output that is down, and gives it its reporter.
    #[must_use]
    pub fn reporter(&self, name: &'static str) -> LinkReporter {
        self.lock().push(Link { name, up: false, reason: None, ups: 0, next_frame: 0 });
        LinkReporter { links: self.clone(), name }
    }

    /// Something changed since this was last asked. For one who asks: the station.
    #[must_use]
    pub(crate) fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::AcqRel)
    }

    /// Something changed that was not taken yet.
    #[cfg(test)]
    pub(crate) fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    /// How all outputs stand.
    #[must_use]
    pub fn all(&self) -> Vec<Link> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Link>> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LinkReporter {
    /// The output takes frames from `next_frame` on.
    pub fn up(&self, next_frame: FrameNumber) {
        self.change(|link| {
            link.up = true;
            link.ups += 1;
            link.reason = None;
            link.next_frame = next_frame;
        });
    }

    /// The output lost its place; `next_frame` is the first frame that it did not hand on.
    pub fn down(&self, reason: String, next_frame: FrameNumber) {
        self.change(|link| {
            link.up = false;
            link.reason = Some(reason);
            link.next_frame = next_frame;
        });
    }

    /// It is still down, for this reason.
    pub fn still_down(&self, reason: String) {
        self.change(|link| link.reason = Some(reason));
    }

    fn change(&self, change: impl FnOnce(&mut Link)) {
        if let Some(link) = self.links.lock().iter_mut().find(|link| link.name == self.name) {
            change(link);
        }
        self.links.changed.store(true, Ordering::Release);
        self.links.bell.ring();
    }
}
