//! A reader of the ring: a spot that can wait for what comes next.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Relay, Spot};
use crate::ids::FrameNumber;

/// What came of an attempt to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// So many bytes were taken.
    Taken(usize),
    /// Nothing new is there; [`Reader::ready`] waits for more.
    Empty,
    /// The ring had overwritten what came next: the cursor now stands at the oldest whole frame.
    Lagged,
    /// The relay was closed and everything was read.
    Closed,
}

/// A place in the stream that never holds the station up.
#[derive(Debug)]
pub struct Reader {
    relay: Relay,
    spot: Spot,
    /// The ring forgets the number of a frame that it overwrites.
    first_missing: FrameNumber,
    end: watch::Receiver<u64>,
}

impl Reader {
    pub(super) fn new(relay: &Relay, spot: Spot) -> Self {
        let first_missing = relay.shared.read().first_missing(spot.offset());
        let end = relay.shared.end.subscribe();
        Self { relay: relay.clone(), spot, first_missing, end }
    }

    /// Shows `take` the bytes that come next, at most `limit` and never across a change of title,
    /// and moves on by as many as it says that it took.
    ///
    /// `take` runs while the ring is locked for reading: it may copy or send without blocking, and
    /// do nothing else.
    pub fn read(&mut self, limit: usize, take: impl FnOnce(&[u8]) -> usize) -> Read {
        let ring = self.relay.shared.read();
        let read = self.spot.read_in(&self.relay, &ring, limit, take);
        if read != Read::Lagged {
            self.first_missing = ring.first_missing(self.spot.offset());
        }
        read
    }

    /// Waits until there is something to read or the relay is closed; cancel safe.
    pub async fn ready(&mut self) {
        let at = self.spot.offset();
        // The sender lives in the relay, which this reader holds: waiting cannot fail.
        let _ = self.end.wait_for(|end| *end > at).await;
    }

    /// Bytes between the cursor and the newest one.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        self.spot.backlog(&self.relay)
    }

    /// The title that holds at the cursor.
    #[must_use]
    pub fn title(&self) -> Arc<str> {
        self.spot.title(&self.relay)
    }

    /// The number of the frame that begins at the cursor or next after it.
    #[must_use]
    pub fn frame(&self) -> FrameNumber {
        self.spot.frame(&self.relay)
    }

    /// The number of the first frame that was not taken whole. After [`Read::Lagged`] it is the
    /// first that was overwritten, until the reader goes on.
    #[must_use]
    pub fn first_missing(&self) -> FrameNumber {
        self.first_missing
    }

    /// Bytes until the next frame begins: 0 where the cursor stands at a frame edge.
    #[must_use]
    pub fn to_frame_edge(&self) -> usize {
        self.spot.to_frame_edge(&self.relay)
    }
}
