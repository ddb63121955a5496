//! A reader of the ring: a cursor that never holds the station up.

use std::sync::Arc;

use tokio::sync::watch;

use super::{CLOSED, Shared, lead_in::LeadIn};
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

/// A place in the stream.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    at: u64,
    /// What comes before the frame at the cursor; unknown until that frame is there.
    lead_in: Option<LeadIn>,
    /// The first frame that was not taken whole; the ring forgets the number of one it overwrites.
    first_missing: FrameNumber,
    end: watch::Receiver<u64>,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, at: u64) -> Self {
        let end = shared.end.subscribe();
        let first_missing = shared.read().first_missing(at);
        Self { shared, at, lead_in: None, first_missing, end }
    }

    /// Shows `take` the bytes that come next, at most `limit` and never across a change of title,
    /// and moves on by as many as it says that it took.
    ///
    /// `take` runs while the ring is locked for reading: it may copy or send without blocking, and
    /// do nothing else.
    pub fn read(&mut self, limit: usize, take: impl FnOnce(&[u8]) -> usize) -> Read {
        // Asked first: what is pushed before the end is never taken for missing.
        let closed = *self.end.borrow_and_update() == CLOSED;
        let ring = self.shared.read();
        if self.at < ring.start() {
            self.at = ring.start();
            self.lead_in = None;
            return Read::Lagged;
        }
        if self.at == ring.end() {
            return if closed { Read::Closed } else { Read::Empty };
        }
        if self.lead_in.is_none() {
            let found = LeadIn::find(&ring, self.at);
            self.at = found.as_ref().map_or(ring.end(), |found| found.1);
            self.lead_in = found.map(|found| found.0);
            self.first_missing = ring.first_missing(self.at);
        }
        // Without a frame that has its past there is nothing to hear yet.
        let Some(lead_in) = &mut self.lead_in else { return Read::Empty };
        let rest = lead_in.rest();
        if !rest.is_empty() {
            let most = rest.len().min(limit);
            let taken = take(rest.get(..most).unwrap_or(rest)).min(most);
            lead_in.take(taken);
            return Read::Taken(taken);
        }
        let bytes = ring.from(self.at);
        let until_title = ring
            .title_at(self.at)
            .1
            .map_or(usize::MAX, |next| usize::try_from(next - self.at).unwrap_or(usize::MAX));
        let most = bytes.len().min(limit).min(until_title);
        let taken = take(bytes.get(..most).unwrap_or(bytes)).min(most);
        self.at += taken as u64;
        self.first_missing = ring.first_missing(self.at);
        Read::Taken(taken)
    }

    /// Waits until there is something to read or the relay is closed; cancel safe.
    pub async fn ready(&mut self) {
        let at = self.at;
        // The sender lives in `shared`, which this reader holds: waiting cannot fail.
        let _ = self.end.wait_for(|end| *end > at).await;
    }

    /// Bytes between the cursor and the newest one.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        let lead_in = self.lead_in.as_ref().map_or(0, |lead_in| lead_in.rest().len());
        self.shared.read().end().saturating_sub(self.at) + lead_in as u64
    }

    /// The title that holds at the cursor.
    #[must_use]
    pub fn title(&self) -> Arc<str> {
        self.shared.read().title_at(self.at).0
    }

    /// The number of the frame that begins at the cursor or next after it.
    #[must_use]
    pub fn frame(&self) -> FrameNumber {
        self.shared.read().frame_at(self.at)
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
        if let Some(lead_in) = &self.lead_in
            && !lead_in.rest().is_empty()
        {
            return lead_in.to_frame_edge();
        }
        let edge = self.shared.read().edge_at(self.at);
        usize::try_from(edge - self.at).unwrap_or(usize::MAX)
    }
}
