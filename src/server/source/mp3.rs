//! MP3 from a source client: whole frames, past the scanner; no junk, tag or Info frame goes on.

use std::time::Instant;

use super::intake::Unusable;
use crate::{
    mpeg::{Scanner, Step},
    relay::{FrameKind, Group, Relay},
};

/// Frames that are pushed at once.
const MAX_GROUP: usize = 64;

/// The scanner over a stream that has no end, and what it has not passed yet.
#[derive(Debug)]
pub(super) struct Mp3 {
    scanner: Scanner,
    /// Never more than the scanner asks for and one read.
    buffer: Vec<u8>,
    /// Bytes of a tag that are still to come.
    to_skip: u64,
    group: Group,
}

impl Default for Mp3 {
    fn default() -> Self {
        Self {
            scanner: Scanner::new(0, u64::MAX),
            buffer: Vec::new(),
            to_skip: 0,
            group: Group::new(),
        }
    }
}

impl Mp3 {
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        relay: &Relay,
        now: Instant,
    ) -> Result<(), Unusable> {
        self.buffer.extend_from_slice(bytes);
        self.scan(relay, now)
    }

    /// What is left has no next frame behind it: it goes on where it is whole.
    pub(super) fn end(&mut self, relay: &Relay, now: Instant) {
        if self.to_skip == 0 {
            self.scanner.ends_early(self.buffer.len() as u64);
            // It ends: that there is nothing more is no fault.
            let _ = self.scan(relay, now);
        }
    }

    fn scan(&mut self, relay: &Relay, now: Instant) -> Result<(), Unusable> {
        let mut at = 0;
        let result = loop {
            let rest = self.buffer.get(at..).unwrap_or(&[]);
            if self.to_skip > 0 {
                let here = usize::try_from(self.to_skip).map_or(rest.len(), |n| n.min(rest.len()));
                at += here;
                self.to_skip -= here as u64;
                if self.to_skip > 0 {
                    break Ok(());
                }
                continue;
            }
            match self.scanner.step(rest) {
                Step::Frame(header) => {
                    let frame = rest.get(..header.frame_len()).unwrap_or(rest);
                    self.group.push(header, frame, FrameKind::Song);
                    at += frame.len();
                    if self.group.len() >= MAX_GROUP {
                        self.push(relay, now);
                    }
                }
                Step::Info(header) => self.to_skip = header.frame_len() as u64,
                Step::Tag(_, len) | Step::Padding(len) | Step::Junk(len) | Step::Truncated(len) => {
                    self.to_skip = len;
                }
                Step::More(_) | Step::End => break Ok(()),
                Step::GiveUp(_) => break Err(Unusable::NotAsSaid("MP3")),
            }
        };
        self.buffer.drain(..at.min(self.buffer.len()));
        self.push(relay, now);
        result
    }

    fn push(&mut self, relay: &Relay, now: Instant) {
        if !self.group.is_empty() {
            relay.push(&self.group, now);
            self.group.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mpeg::Header;

    /// Frame number `n`, in which no other frame can begin.
    fn frame(n: usize) -> Vec<u8> {
        let header =
            Header::parse([0xFF, 0xFB, if n % 2 == 1 { 0x92 } else { 0x90 }, 0x64]).unwrap();
        let mut frame = header.to_bytes().to_vec();
        frame.resize(36, 0);
        frame.extend(
            (0..).map(|i| u8::try_from((n + i) % 100).unwrap() + 1).take(header.frame_len() - 36),
        );
        frame
    }

    fn heard(stream: &[u8], piece: usize) -> Vec<u8> {
        let (mut mp3, relay, now) = (Mp3::default(), Relay::new(), Instant::now());
        for piece in stream.chunks(piece) {
            mp3.take(piece, &relay, now).unwrap();
            assert!(mp3.buffer.len() <= 16 * 1024 + piece.len());
        }
        mp3.end(&relay, now);
        let mut heard = Vec::new();
        relay.close();
        let mut reader = relay.burst(crate::mpeg::StreamTime::of_seconds(3600.0));
        while let crate::relay::Read::Taken(_) = reader.read(usize::MAX, |bytes| {
            heard.extend_from_slice(bytes);
            bytes.len()
        }) {}
        heard
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

        #[test]
        fn junk_and_tags_between_the_frames_are_left_out(
            runs in prop::collection::vec((2_usize..30, 0_usize..3000, any::<bool>()), 1..6),
            piece in prop::sample::select(vec![1, 100, 1460, 16_384]),
        ) {
            let (mut stream, mut frames, mut n) = (Vec::new(), Vec::new(), 0);
            for (count, junk, tag) in runs {
                for _ in 0..count {
                    stream.extend(frame(n));
                    frames.extend(frame(n));
                    n += 1;
                }
                if tag {
                    stream.extend(b"ID3\x04\x00\x00\x00\x00\x02\x00");
                    stream.extend([7; 256]);
                }
                stream.extend(vec![0x55; junk]);
            }
            // Half a frame at the end is none.
            stream.extend(&frame(n)[..300]);
            prop_assert_eq!(heard(&stream, piece), frames);
        }
    }

    #[test]
    fn what_is_no_mp3_is_told_and_takes_no_memory() {
        let (mut mp3, relay, now) = (Mp3::default(), Relay::new(), Instant::now());
        let result = (0..200).try_for_each(|_| mp3.take(&[0x55; 1000], &relay, now));
        assert_eq!(result, Err(Unusable::NotAsSaid("MP3")));
        assert_eq!(relay.end(), 0);
    }

    #[test]
    fn a_frame_goes_on_as_soon_as_the_next_one_has_begun() {
        let (mut mp3, relay, now) = (Mp3::default(), Relay::new(), Instant::now());
        let many: Vec<u8> = (0..50).flat_map(frame).collect();
        mp3.take(&many, &relay, now).unwrap();
        assert_eq!(relay.next_frame(), 49);
        // Silence, too: its side info is all zeros.
        let mut silent = frame(50);
        silent[4..].fill(0);
        mp3.take(&silent, &relay, now).unwrap();
        mp3.take(&silent, &relay, now).unwrap();
        assert_eq!(relay.next_frame(), 51);
    }
}
