//! The lead-in: what a reader that joins in the middle of a song hears before its first frame.
//!
//! An MP3 frame may point back into frames that the reader never gets. Carriers bring their bytes,
//! so that its decoder has a whole frame from the first one on ([`Carriers`]). A codec that is passed
//! through has a heading instead, or nothing.

use super::ring::Ring;
use crate::mpeg::{Carriers, Header, Silence, Tail, main_data_begin, reservoir::main_data};

/// Frames that are passed over at most to find one whose past is still in the ring. At the lowest
/// bitrate a frame brings one byte of the 255 that one may point back.
const PASSED_LIMIT: usize = 256;

/// Whole silent frames, and how far they have been taken.
#[derive(Debug, Default)]
pub(super) struct LeadIn {
    bytes: Vec<u8>,
    taken: usize,
}

impl LeadIn {
    /// The lead-in of a reader that stands at `offset`, an edge, and the offset of the frame behind
    /// it: a later one where the past of that one has been overwritten. Nothing where no frame that
    /// is there has all of its past.
    pub(super) fn find(ring: &Ring, offset: u64) -> Option<(Self, u64)> {
        ring.headers_from(offset).take(PASSED_LIMIT).find_map(|(at, header)| {
            let Some(header) = header else { return Some((Self::heading(ring, at), at)) };
            let frame = ring.copy(at, header.frame_len())?;
            let back = main_data_begin(header, &frame)?;
            if back == 0 {
                return Some((Self::default(), at));
            }
            let tail = tail_before(ring, at, back);
            let mut silence = Silence::beside(header, 0, 0);
            let carriers = Carriers::before(header, &frame, &tail, &mut silence)?;
            let bytes = carriers.frames().flat_map(|(_, frame)| frame).copied().collect();
            Some((Self { bytes, taken: 0 }, at))
        })
    }

    /// The heading that holds at `offset`, unless that is where it stands.
    fn heading(ring: &Ring, offset: u64) -> Self {
        let heading = ring.heading_at(offset).filter(|heading| heading.0 < offset);
        let bytes = heading.map_or_else(Vec::new, |heading| heading.1.to_vec());
        Self { bytes, taken: 0 }
    }

    /// What was not taken yet.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    pub(super) fn take(&mut self, count: usize) {
        self.taken += count;
        if self.rest().is_empty() {
            *self = Self::default();
        }
    }

    /// Bytes until its next frame begins, or the ring's first.
    pub(super) fn to_frame_edge(&self) -> usize {
        let mut edge = 0;
        while edge < self.taken {
            let head = self.bytes.get(edge..).and_then(|rest| rest.first_chunk());
            // A heading has no frames: it is taken whole.
            edge = match head.map(|head| Header::parse(*head)) {
                Some(Ok(header)) => edge + header.frame_len(),
                _ => self.bytes.len(),
            };
        }
        edge.saturating_sub(self.taken)
    }
}

/// At least the last `wanted` bytes of main data before the frame at `offset`, as far as the ring
/// still has them.
fn tail_before(ring: &Ring, offset: u64, wanted: usize) -> Tail {
    let mut before = Vec::new();
    let mut held = 0;
    for (at, header) in ring.headers_before(offset) {
        let Some(frame) = ring.copy(at, header.frame_len()) else { break };
        held += main_data(header, &frame).len();
        before.push((header, frame));
        if held >= wanted {
            break;
        }
    }
    let mut tail = Tail::default();
    for (header, frame) in before.iter().rev() {
        tail.push(*header, frame);
    }
    tail
}
