//! A codec that is not known: it goes on as it comes.

use std::time::Instant;

use super::arrival::Arrival;
use crate::relay::Relay;

/// The largest piece that goes on at once: a slow listener is moved forward by pieces.
const MAX_PIECE: usize = 4096;

/// What came is what goes.
#[derive(Debug)]
pub(super) struct Opaque {
    arrival: Arrival,
}

impl Opaque {
    pub(super) fn new(now: Instant) -> Self {
        Self { arrival: Arrival::new(now) }
    }

    pub(super) fn take(&mut self, bytes: &[u8], relay: &Relay, now: Instant) {
        let each = self.arrival.share(bytes.len().div_ceil(MAX_PIECE), now);
        for piece in bytes.chunks(MAX_PIECE) {
            relay.push_piece(piece, each, now);
        }
    }
}
