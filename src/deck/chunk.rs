//! A chunk: some frames of one song, ready to be sent.

use crate::mpeg::{Header, StreamTime};

/// Whole frames in order, contiguous.
#[derive(Debug, Default)]
pub struct Chunk {
    bytes: Vec<u8>,
    frames: Vec<(Header, u16)>,
    duration: StreamTime,
}

impl Chunk {
    /// An empty chunk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends one frame.
    pub fn push(&mut self, header: Header, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.frames.push((header, u16::try_from(frame.len()).unwrap_or(u16::MAX)));
        self.duration += header.duration();
    }

    /// How long all of it sounds.
    #[must_use]
    pub fn duration(&self) -> StreamTime {
        self.duration
    }

    /// No frame is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Header and byte range start and end of frame `index`; `at` is where its bytes begin.
    pub(super) fn frame(&self, index: usize, at: usize) -> Option<(Header, &[u8])> {
        let (header, len) = *self.frames.get(index)?;
        Some((header, self.bytes.get(at..at + usize::from(len))?))
    }
}
