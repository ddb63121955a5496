//! A group: the whole frames that leave together, as one run of bytes.

use crate::mpeg::{Header, StreamTime};

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// A frame of a song, as it stands in the file.
    Song,
    /// A frame of silence that was forged.
    Silence,
}

/// Frames in order, contiguous; reused from tick to tick so that nothing is allocated.
#[derive(Debug, Clone, Default)]
pub struct Group {
    bytes: Vec<u8>,
    frames: Vec<(Header, u16, FrameKind)>,
    titles: Vec<(usize, String)>,
    duration: StreamTime,
}

impl Group {
    /// An empty group.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
        self.titles.clear();
        self.duration = StreamTime::ZERO;
    }

    /// Appends one frame whose bytes are `frame`.
    pub fn push(&mut self, header: Header, frame: &[u8], kind: FrameKind) {
        self.push_with(kind, |bytes| {
            bytes.extend_from_slice(frame);
            header
        });
    }

    /// Appends one frame whose bytes `write` puts behind those that are there.
    pub fn push_with(&mut self, kind: FrameKind, write: impl FnOnce(&mut Vec<u8>) -> Header) {
        let before = self.bytes.len();
        let header = write(&mut self.bytes);
        let len = u16::try_from(self.bytes.len() - before).unwrap_or(u16::MAX);
        self.frames.push((header, len, kind));
        self.duration += header.duration();
    }

    /// Pins a title to the frame that is appended next; without one, to the next group's first.
    pub fn mark_title(&mut self, title: &str) {
        self.titles.push((self.frames.len(), title.to_owned()));
    }

    /// Titles with the index of the frame at which each begins.
    pub fn titles(&self) -> impl Iterator<Item = (usize, &str)> + '_ {
        self.titles.iter().map(|(index, title)| (*index, title.as_str()))
    }

    /// The bytes of all frames.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Header, length in bytes and kind of each frame.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = (Header, u16, FrameKind)> + '_ {
        self.frames.iter().copied()
    }

    /// The index of the first frame of this kind.
    #[must_use]
    pub fn first_of(&self, kind: FrameKind) -> Option<usize> {
        self.frames.iter().position(|frame| frame.2 == kind)
    }

    /// A frame with this header sounds longer or shorter than those that are there.
    #[must_use]
    pub fn changes_pace(&self, header: Header) -> bool {
        self.frames.last().is_some_and(|last| last.0.duration() != header.duration())
    }

    /// How many frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// No frame at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// How long all of it sounds.
    #[must_use]
    pub fn duration(&self) -> StreamTime {
        self.duration
    }
}
