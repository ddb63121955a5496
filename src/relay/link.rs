//! Links: by which an output tells the station whether its frames arrive.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use tokio::sync::watch;

use crate::{bell::Bell, ids::FrameNumber};

/// How one output stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// `mount` or `icecast`.
    pub name: &'static str,
    /// It takes our frames.
    pub up: bool,
    /// Why it does not, or why nobody hears them.
    pub reason: Option<String>,
    /// Something else is heard there meanwhile: it takes our frames, and they go nowhere.
    pub is_lent: bool,
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
    /// Changes so far, and how many of them the station has heard of.
    told: Arc<AtomicU64>,
    heard: Arc<watch::Sender<u64>>,
    bell: Bell,
}

/// The number of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change(u64);

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
        let (reason, is_lent) = (None, false);
        self.lock().push(Link { name, up: false, reason, is_lent, ups: 0, next_frame: 0 });
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

    /// The newest change; [`all`](Self::all) has it from now on.
    #[must_use]
    pub(crate) fn newest(&self) -> Change {
        Change(self.told.load(Ordering::Acquire))
    }

    /// The station has heard of this change, and of all before it: what it sends from now on goes
    /// by them.
    pub(crate) fn note_heard(&self, change: Change) {
        self.heard.send_replace(change.0);
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
            link.is_lent = false;
            link.reason = Some(reason);
            link.next_frame = next_frame;
        });
    }

    /// The output stays up and something else is heard there, for this reason.
    pub fn lend(&self, reason: String) -> Change {
        self.change(|link| {
            link.is_lent = true;
            link.reason = Some(reason);
        })
    }

    /// Our frames are heard there again.
    pub fn take_back(&self) {
        self.change(|link| {
            if link.is_lent {
                link.is_lent = false;
                link.reason = None;
            }
        });
    }

    /// Waits until the station has heard of a change; cancel safe.
    pub async fn heard(&self, change: Change) {
        let mut heard = self.links.heard.subscribe();
        // The sender lives in the links, which this reporter holds: waiting cannot fail.
        let _ = heard.wait_for(|heard| *heard >= change.0).await;
    }

    /// It is still down, for this reason.
    pub fn still_down(&self, reason: String) {
        self.change(|link| link.reason = Some(reason));
    }

    fn change(&self, change: impl FnOnce(&mut Link)) -> Change {
        let number = {
            let mut board = self.links.lock();
            if let Some(link) = board.iter_mut().find(|link| link.name == self.name) {
                change(link);
            }
            // Counted while the board is locked, behind the change itself.
            Change(self.links.told.fetch_add(1, Ordering::AcqRel) + 1)
        };
        self.links.changed.store(true, Ordering::Release);
        self.links.bell.ring();
        number
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Poll};

    use super::*;

    #[tokio::test]
    async fn a_change_is_heard_of_once_the_station_has_looked_at_it() {
        let links = Links::new(Bell::new());
        let mount = links.reporter("mount");
        mount.up(0);
        let before = links.newest();
        let change = mount.lend("a show".into());
        links.note_heard(before);
        let mut heard = pin!(mount.heard(change));
        let early = std::future::poll_fn(|cx| Poll::Ready(heard.as_mut().poll(cx))).await;
        assert!(early.is_pending());
        links.note_heard(links.newest());
        heard.await;
    }

    #[test]
    fn what_is_lent_stays_up_and_comes_back_as_it_was() {
        let links = Links::new(Bell::new());
        let mount = links.reporter("mount");
        mount.up(7);
        let before = links.all();
        mount.lend("a show".into());
        let lent = links.all().remove(0);
        assert!(lent.up && lent.is_lent && lent.ups == 1 && lent.reason.is_some());
        mount.take_back();
        assert_eq!(links.all(), before);
        mount.down("gone".into(), 9);
        mount.take_back();
        assert_eq!(links.all()[0].reason.as_deref(), Some("gone"));
    }
}
