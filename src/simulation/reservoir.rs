//! The reservoir: what a decoder of the stream holds for frames that point back.

use super::shelf::{main_data_at, points_back};
use crate::mpeg::Header;

/// The most that any frame points back.
const MOST: usize = 511;

/// Main data that came before, as decoders keep it: no more than each frame claims.
#[derive(Debug, Default)]
pub(super) struct Reservoir {
    held: Vec<u8>,
}

impl Reservoir {
    /// A frame comes: the bytes that it points back to, or nothing where they are missing.
    pub(super) fn claim(&mut self, header: Header, frame: &[u8]) -> Option<&[u8]> {
        let back = points_back(header, frame);
        let Some(unclaimed) = self.held.len().checked_sub(back) else {
            self.held.clear();
            return None;
        };
        self.held.drain(..unclaimed);
        Some(&self.held)
    }

    /// The frame that was claimed for goes by.
    pub(super) fn take(&mut self, header: Header, frame: &[u8]) {
        self.held.extend_from_slice(&frame[main_data_at(header)..]);
        let old = self.held.len().saturating_sub(MOST);
        self.held.drain(..old);
    }
}
