//! The tail: the last main data before a frame, to which its sound may point back.

use std::fmt;

use super::{
    header::Header,
    reservoir::{MAX_BACK, main_data, main_data_begin},
};

/// The main data that a decoder has from the frames so far, at most [`MAX_BACK`] bytes.
///
/// Frames are pushed as they go out, as they are or muted. Nothing is allocated.
#[derive(Clone)]
pub struct Tail {
    /// The oldest first; meaningless from `held` on.
    bytes: [u8; MAX_BACK],
    held: usize,
}

impl Tail {
    /// The frame goes out: its main data stays for the frames after it.
    ///
    /// A frame too short for its side info brings nothing.
    pub fn push(&mut self, header: Header, frame: &[u8]) {
        let area = main_data(header, frame);
        let new = area.len().min(MAX_BACK);
        let kept = self.held.min(MAX_BACK - new);
        self.bytes.copy_within(self.held - kept..self.held, 0);
        let newest = area.get(area.len() - new..).unwrap_or_default();
        if let Some(place) = self.bytes.get_mut(kept..kept + new) {
            place.copy_from_slice(newest);
        }
        self.held = kept + new;
    }

    /// Bytes held: at most [`MAX_BACK`].
    #[must_use]
    pub fn held(&self) -> usize {
        self.held
    }

    /// The bytes held, the oldest first.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.held).unwrap_or_default()
    }

    /// The newest `count` bytes; nothing where fewer are held.
    pub(super) fn last(&self, count: usize) -> Option<&[u8]> {
        self.bytes().get(self.held.checked_sub(count)?..)
    }

    /// The frame's sound begins with bytes that are not held, or it is too short to have sound.
    #[must_use]
    pub fn misses(&self, header: Header, frame: &[u8]) -> bool {
        main_data_begin(header, frame).is_none_or(|back| back > self.held)
    }

    /// Forgets everything, as before a file's first frame.
    pub fn clear(&mut self) {
        self.held = 0;
    }
}

impl Default for Tail {
    fn default() -> Self {
        Self { bytes: [0; MAX_BACK], held: 0 }
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail").field("held", &self.held).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::reservoir::main_data_at, *};

    fn frame(bytes: [u8; 4], fill: u8, back: u8) -> (Header, Vec<u8>) {
        let header = Header::parse(bytes).unwrap();
        let mut frame = bytes.to_vec();
        frame.resize(main_data_at(header), 0);
        frame[super::super::reservoir::side_info_at(header)] = back;
        frame.resize(header.frame_len(), fill);
        (header, frame)
    }

    #[test]
    fn a_frame_misses_what_was_before_its_file() {
        let (header, frame) = frame([0xFF, 0xFB, 0x10, 0xC4], 7, 50);
        let mut tail = Tail::default();
        assert!(tail.misses(header, &frame));
        tail.push(header, &frame);
        assert_eq!(tail.held(), 104 - 4 - 17);
        assert!(tail.misses(header, &frame), "83 are not 100");
        tail.push(header, &frame);
        assert!(!tail.misses(header, &frame));
        assert!(tail.misses(header, &frame[..20]), "no room for side info, no sound");
        tail.clear();
        assert!(tail.misses(header, &frame) && tail.bytes().is_empty());
    }

    #[test]
    fn the_newest_bytes_stay_and_the_oldest_come_first() {
        let mut tail = Tail::default();
        let mut all = Vec::new();
        // 60 bytes a frame (58 behind a CRC), then 285, 381 and 1,008: less and more than fits.
        for (n, bytes) in [
            [0xFF, 0xFB, 0x14, 0x04],
            [0xFF, 0xFA, 0x14, 0x04],
            [0xFF, 0xFB, 0x90, 0x04],
            [0xFF, 0xFB, 0x92, 0x04],
            [0xFF, 0xFB, 0x14, 0x04],
            [0xFF, 0xFB, 0xE0, 0x04],
            [0xFF, 0xFA, 0x14, 0x04],
        ]
        .into_iter()
        .cycle()
        .take(40)
        .enumerate()
        {
            let (header, frame) = frame(bytes, u8::try_from(n).unwrap(), 0);
            tail.push(header, &frame);
            all.extend_from_slice(&frame[main_data_at(header)..]);
            let held = all.len().min(MAX_BACK);
            assert_eq!(tail.bytes(), &all[all.len() - held..]);
            assert_eq!(tail.last(held), Some(tail.bytes()));
            assert_eq!(tail.last(1), all.last_chunk::<1>().map(|last| &last[..]));
            assert_eq!(tail.last(held + 1), None);
        }
        let before = tail.bytes().to_vec();
        let (header, frame) = frame([0xFF, 0xFB, 0x90, 0x04], 1, 0);
        tail.push(header, &frame[..30]);
        assert_eq!(tail.bytes(), before, "a frame cut in its side info brings nothing");
    }
}
