//! The record: every byte that the station sent, read from its relay as a listener's server would.

use std::collections::VecDeque;

use super::shelf::main_data_at;
use crate::{
    mpeg::Header,
    relay::{RING_BYTES, Read, Reader, Relay},
};

/// Bytes that are kept: more than the ring, so that whoever reads it late can be compared.
const KEPT: usize = RING_BYTES + (RING_BYTES >> 1);

/// The newest bytes of the stream and where its frames begin.
#[derive(Debug)]
pub(super) struct Record {
    reader: Reader,
    bytes: Vec<u8>,
    /// The offset of the first byte that is kept.
    base: u64,
    /// As far as frames were told apart.
    parsed: u64,
    /// The offset at which each kept frame ends.
    ends: VecDeque<u64>,
    frames: u64,
}

impl Record {
    pub(super) fn new(relay: &Relay) -> Self {
        let reader = relay.live();
        let (bytes, ends) = (Vec::new(), VecDeque::new());
        Self { reader, bytes, base: 0, parsed: 0, ends, frames: 0 }
    }

    /// Takes what is new.
    pub(super) fn take(&mut self) {
        loop {
            let read = self.reader.read(usize::MAX, |new| {
                self.bytes.extend_from_slice(new);
                new.len()
            });
            match read {
                Read::Taken(_) => {}
                Read::Empty => break,
                Read::Lagged | Read::Closed => panic!("the relay lost its first reader: {read:?}"),
            }
        }
        if self.bytes.len() > 2 * KEPT {
            let gone = self.bytes.len() - KEPT;
            self.bytes.drain(..gone);
            self.base += gone as u64;
            let old = self.ends.partition_point(|end| *end <= self.base);
            self.ends.drain(..old);
        }
    }

    /// The next frame that was taken.
    pub(super) fn next_frame(&mut self) -> Option<(Header, &[u8])> {
        let at = usize::try_from(self.parsed - self.base).unwrap();
        let rest = &self.bytes[at..];
        if rest.is_empty() {
            return None;
        }
        let head = rest.first_chunk().expect("a group ends inside a header");
        let header = Header::parse(*head).unwrap_or_else(|error| {
            panic!("frame {} of the stream is none: {error}, {head:02x?}", self.frames)
        });
        let frame = rest.get(..header.frame_len()).expect("a group ends inside a frame");
        assert!(frame.len() >= main_data_at(header), "a frame without room for its side info");
        self.parsed += frame.len() as u64;
        self.frames += 1;
        self.ends.push_back(self.parsed);
        Some((header, frame))
    }

    /// Frames of this run so far.
    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// Bytes of this run so far.
    pub(super) fn end(&self) -> u64 {
        self.parsed
    }

    /// The bytes from `offset` on.
    pub(super) fn window(&self, offset: u64, len: usize) -> &[u8] {
        let at = offset.checked_sub(self.base).expect("a peer that is later than the whole ring");
        let at = usize::try_from(at).unwrap();
        self.bytes.get(at..at + len).expect("a peer got bytes that the stream does not have")
    }

    /// The same where the stream has got so far.
    pub(super) fn peek(&self, offset: u64, len: usize) -> Option<&[u8]> {
        let at = usize::try_from(offset.checked_sub(self.base)?).unwrap();
        self.bytes.get(at..at + len)
    }

    /// The number of the first frame that does not end by `offset`.
    pub(super) fn first_missing(&self, offset: u64) -> u64 {
        let missing = self.ends.len() - self.ends.partition_point(|end| *end <= offset);
        self.frames - missing as u64
    }

    /// What must not grow.
    pub(super) fn kept(&self) -> usize {
        self.bytes.len() + self.ends.len()
    }
}
