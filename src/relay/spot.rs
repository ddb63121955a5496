//! A spot: a place in the ring and nothing more, for those of whom there are many.

use std::sync::Arc;

use super::{Read, Relay, lead_in::LeadIn, ring::Ring};
use crate::{ids::FrameNumber, mpeg::StreamTime};

/// Where somebody stands in the ring of one relay, which is handed in with each call. 24 bytes.
#[derive(Debug)]
pub struct Spot {
    at: u64,
    lead: Lead,
}

/// What comes before the frame at the spot.
#[derive(Debug)]
enum Lead {
    /// That frame is not there yet.
    Unknown,
    /// These frames, not all of them taken.
    In(Box<LeadIn>),
    /// Nothing, or all of it was taken.
    Done,
}

impl Spot {
    /// Before the next frame to be pushed, behind what that points back to.
    #[must_use]
    pub fn live(relay: &Relay) -> Self {
        Self::at(relay.shared.read().end())
    }

    /// At a frame edge `burst` before the newest frame, or at the oldest frame that is still there,
    /// behind what its first frame points back to.
    #[must_use]
    pub fn burst(relay: &Relay, burst: StreamTime) -> Self {
        Self::at(relay.shared.read().edge_before_end(burst))
    }

    /// At `offset`, which is a frame edge; once that is overwritten, reading tells.
    #[must_use]
    pub fn at(offset: u64) -> Self {
        Self { at: offset, lead: Lead::Unknown }
    }

    /// Goes on where [`burst`](Self::burst) would begin. Who has the heading that holds there does
    /// not get it again: decoders take the second one for another stream.
    pub fn jump(&mut self, relay: &Relay, burst: StreamTime) {
        let ring = relay.shared.read();
        let to = ring.edge_before_end(burst);
        let is_known = matches!(self.lead, Lead::Done) && has_heading(&ring, self.at, to);
        *self = Self { at: to, lead: if is_known { Lead::Done } else { Lead::Unknown } };
    }

    /// As [`Reader::read`](super::Reader::read).
    pub fn read(&mut self, relay: &Relay, limit: usize, take: impl FnOnce(&[u8]) -> usize) -> Read {
        self.read_in(relay, &relay.shared.read(), limit, take)
    }

    /// As [`read`](Self::read), where the ring is at hand.
    pub(super) fn read_in(
        &mut self,
        relay: &Relay,
        ring: &Ring,
        limit: usize,
        take: impl FnOnce(&[u8]) -> usize,
    ) -> Read {
        if self.at < ring.start() {
            let is_known =
                matches!(self.lead, Lead::Done) && has_heading(ring, self.at, ring.start());
            self.lead = if is_known { Lead::Done } else { Lead::Unknown };
            self.at = ring.start();
            return Read::Lagged;
        }
        if self.at == ring.end() {
            // Nothing is pushed while the ring is locked, and nothing behind the closing.
            return if relay.is_closed() { Read::Closed } else { Read::Empty };
        }
        if matches!(self.lead, Lead::Unknown) {
            let found = LeadIn::find(ring, self.at);
            self.at = found.as_ref().map_or(ring.end(), |found| found.1);
            // Without a frame that has its past there is nothing to hear yet.
            let Some((lead_in, _)) = found else { return Read::Empty };
            let is_empty = lead_in.rest().is_empty();
            self.lead = if is_empty { Lead::Done } else { Lead::In(Box::new(lead_in)) };
        }
        if let Lead::In(lead_in) = &mut self.lead {
            let rest = lead_in.rest();
            let most = rest.len().min(limit);
            let taken = take(rest.get(..most).unwrap_or(rest)).min(most);
            lead_in.take(taken);
            if lead_in.rest().is_empty() {
                self.lead = Lead::Done;
            }
            return Read::Taken(taken);
        }
        let bytes = ring.from(self.at);
        let until_title = ring
            .next_title(self.at)
            .map_or(usize::MAX, |next| usize::try_from(next - self.at).unwrap_or(usize::MAX));
        let most = bytes.len().min(limit).min(until_title);
        let taken = take(bytes.get(..most).unwrap_or(bytes)).min(most);
        self.at += taken as u64;
        Read::Taken(taken)
    }

    /// The offset of the next byte.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.at
    }

    /// Bytes between the spot and the newest one.
    #[must_use]
    pub fn backlog(&self, relay: &Relay) -> u64 {
        let lead_in = match &self.lead {
            Lead::In(lead_in) => lead_in.rest().len(),
            Lead::Unknown | Lead::Done => 0,
        };
        relay.shared.read().end().saturating_sub(self.at) + lead_in as u64
    }

    /// The title that holds here.
    #[must_use]
    pub fn title(&self, relay: &Relay) -> Arc<str> {
        relay.shared.read().title_at(self.at)
    }

    /// The number of the frame that begins here or next after it.
    #[must_use]
    pub fn frame(&self, relay: &Relay) -> FrameNumber {
        relay.shared.read().frame_at(self.at)
    }

    /// Bytes until the next frame begins: 0 at a frame edge.
    #[must_use]
    pub fn to_frame_edge(&self, relay: &Relay) -> usize {
        if let Lead::In(lead_in) = &self.lead {
            return lead_in.to_frame_edge();
        }
        let edge = relay.shared.read().edge_at(self.at);
        usize::try_from(edge - self.at).unwrap_or(usize::MAX)
    }
}

/// Who has taken everything up to `before` has the heading that holds at `at`.
fn has_heading(ring: &Ring, before: u64, at: u64) -> bool {
    ring.heading_at(at).is_some_and(|heading| heading.0 < before)
}
