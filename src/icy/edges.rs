//! Frame edges: where the bytes that a listener took stand within a frame.

use crate::mpeg::Header;

/// Follows a run of whole frames that is handed out in pieces of any size.
///
/// Starts at an edge. Frames are followed by the lengths in their headers, so that a piece may end
/// anywhere: in a header too.
#[derive(Debug, Clone, Default)]
pub struct FrameEdges {
    /// The bytes of the next header that have passed.
    header: [u8; Header::LEN],
    header_len: usize,
    /// Bytes of the frame that have not passed, once its header has.
    left: usize,
}

impl FrameEdges {
    /// At an edge.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every frame that began has passed whole.
    #[must_use]
    pub fn at_edge(&self) -> bool {
        self.wanted() == 0
    }

    /// Bytes that may pass before more is known: the rest of the frame, or of its header while that
    /// is incomplete; 0 at an edge.
    #[must_use]
    pub fn wanted(&self) -> usize {
        if self.header_len > 0 { Header::LEN - self.header_len } else { self.left }
    }

    /// Follows `bytes`.
    pub fn pass(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        while !bytes.is_empty() {
            let step = if self.left > 0 {
                let step = self.left.min(bytes.len());
                self.left -= step;
                step
            } else {
                self.pass_header(bytes)
            };
            bytes = bytes.get(step..).unwrap_or(&[]);
        }
    }

    fn pass_header(&mut self, bytes: &[u8]) -> usize {
        let step = (Header::LEN - self.header_len).min(bytes.len());
        let places = self.header.iter_mut().skip(self.header_len);
        for (place, byte) in places.zip(bytes) {
            *place = *byte;
        }
        self.header_len += step;
        if self.header_len == Header::LEN {
            self.header_len = 0;
            // Only whole frames come through the relay; anything else is passed four bytes at a time.
            self.left = Header::parse(self.header)
                .map_or(0, |header| header.frame_len().saturating_sub(Header::LEN));
        }
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 128 kbit/s at 44.1 kHz: 417 bytes, and 418 with padding.
    const PLAIN: [u8; 4] = [0xFF, 0xFB, 0x90, 0x64];
    const PADDED: [u8; 4] = [0xFF, 0xFB, 0x92, 0x64];

    fn frames() -> Vec<u8> {
        let mut bytes = Vec::new();
        for (header, len) in [(PLAIN, 417), (PADDED, 418), (PLAIN, 417)] {
            bytes.extend_from_slice(&header);
            bytes.resize(bytes.len() + len - 4, 0xFF);
        }
        bytes
    }

    #[test]
    fn every_edge_is_found_whatever_the_pieces() {
        let bytes = frames();
        for piece in [1, 2, 3, 4, 5, 7, 416, 417, 418, 1000, 2000] {
            let mut edges = FrameEdges::new();
            let mut passed = 0;
            for piece in bytes.chunks(piece) {
                edges.pass(piece);
                passed += piece.len();
                assert_eq!(edges.at_edge(), [417, 835, 1252].contains(&passed), "{passed}");
            }
        }
    }

    #[test]
    fn taking_what_is_wanted_leads_to_the_edge_from_any_cut() {
        let bytes = frames();
        for cut in 0..bytes.len() {
            let mut edges = FrameEdges::new();
            edges.pass(&bytes[..cut]);
            let mut at = cut;
            while !edges.at_edge() {
                let wanted = edges.wanted();
                edges.pass(&bytes[at..at + wanted]);
                at += wanted;
            }
            let edge = [0, 417, 835, 1252].into_iter().find(|edge| *edge >= cut);
            assert_eq!(Some(at), edge, "cut at {cut}");
        }
    }
}
