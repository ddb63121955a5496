//! The relay: one ring of numbered frames that the station fills and every output reads.
//!
//! It is the one door through which sound leaves the station. Writing never waits for a reader for
//! longer than one non-blocking send; a reader that falls behind the ring is moved forward to a
//! frame edge and told so.

mod group;
mod lead_in;
mod link;
mod reader;
mod ring;
mod spot;
mod tap;

pub use group::{FrameKind, Group};
pub use link::{Change, Link, LinkReporter, Links};
pub use reader::{Read, Reader};
pub use ring::RING_BYTES;
pub use spot::Spot;
pub use tap::Tap;

use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak},
    time::Instant,
};

use tokio::sync::watch;

use crate::mpeg::{Header, StreamTime};
use ring::Ring;
use tap::Taps;

/// The handle of the ring. Clones share it.
#[derive(Debug, Clone)]
pub struct Relay {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ring: RwLock<Ring>,
    /// Bytes ever written; `u64::MAX` once closed. Readers wait on it.
    end: watch::Sender<u64>,
    /// The newest title; an Icecast is told of it beside the stream.
    title: watch::Sender<Arc<str>>,
    taps: Taps,
}

/// Value of the watched end that means: no frame will follow.
const CLOSED: u64 = u64::MAX;

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

impl Relay {
    /// An empty ring.
    #[must_use]
    pub fn new() -> Self {
        let shared = Shared {
            ring: RwLock::new(Ring::new()),
            end: watch::Sender::new(0),
            title: watch::Sender::new(Arc::from("")),
            taps: Taps::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Appends a group of whole frames and wakes those who wait. Only the station calls this.
    pub fn push(&self, group: &Group, now: Instant) {
        self.fill(|ring| ring.append(group, now));
        if group.titles().next().is_some() {
            self.shared.title.send_replace(self.newest_title());
        }
    }

    /// Appends one piece of a codec that is passed through, which sounds for `duration`: a page of
    /// Ogg, a frame of AAC. Pieces are never cut; one larger than the ring is left out.
    pub fn push_piece(&self, piece: &[u8], duration: StreamTime, now: Instant) {
        if piece.len() <= RING_BYTES {
            self.fill(|ring| ring.append_piece(piece, duration, now));
        }
    }

    /// Appends what a decoder must have before all that follows, until the next heading: the header
    /// pages of an Ogg stream. Whoever joins later gets it first.
    pub fn push_heading(&self, heading: &[u8], now: Instant) {
        if heading.len() <= RING_BYTES {
            self.fill(|ring| ring.append_heading(heading.into(), now));
        }
    }

    /// Pins a title to the frame that comes next.
    pub fn set_title(&self, title: &str) {
        self.shared.write().set_title(title);
        self.shared.title.send_replace(self.newest_title());
    }

    fn fill(&self, append: impl FnOnce(&mut Ring)) {
        let end = {
            let mut ring = self.shared.write();
            append(&mut ring);
            ring.end()
        };
        self.shared.end.send_replace(end);
        self.shared.taps.tell();
    }

    /// Both are handles of the same ring.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The offset behind the newest frame.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.shared.read().end()
    }

    /// No frame will follow.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        *self.shared.end.borrow() == CLOSED
    }

    /// No frame will follow: readers end once they have read what is there.
    pub fn close(&self) {
        self.shared.end.send_replace(CLOSED);
        self.shared.taps.tell();
    }

    /// A reader that begins with the next frame to be pushed, behind what that points back to.
    #[must_use]
    pub fn live(&self) -> Reader {
        Reader::new(self, Spot::live(self))
    }

    /// A reader that begins at a frame edge `burst` before the newest frame, or at the oldest frame
    /// that is still there, behind what its first frame points back to.
    #[must_use]
    pub fn burst(&self, burst: StreamTime) -> Reader {
        Reader::new(self, Spot::burst(self, burst))
    }

    /// Tells `tap` of every group from now on, until it is dropped.
    pub fn attach(&self, tap: Weak<dyn Tap>) {
        self.shared.taps.attach(tap);
    }

    /// The header of the newest frame, or nothing before the first.
    #[must_use]
    pub fn newest_header(&self) -> Option<Header> {
        self.shared.read().newest_header()
    }

    /// The number that the next frame will get.
    #[must_use]
    pub fn next_frame(&self) -> u64 {
        self.shared.read().next_frame()
    }

    /// The newest title, whether or not a listener has reached its frame.
    #[must_use]
    pub fn newest_title(&self) -> Arc<str> {
        self.shared.read().newest_title()
    }

    /// Follows the newest title.
    #[must_use]
    pub fn titles(&self) -> watch::Receiver<Arc<str>> {
        self.shared.title.subscribe()
    }

    /// When the newest frame was pushed.
    #[must_use]
    pub fn last_push(&self) -> Option<Instant> {
        self.shared.read().last_push()
    }
}

impl Shared {
    /// The ring; a panic elsewhere while it was locked leaves plain data that is still whole.
    fn read(&self) -> RwLockReadGuard<'_, Ring> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Ring> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }
}
