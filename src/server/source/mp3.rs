//! MP3 from a source client: whole frames, past the scanner; no junk, tag or Info frame goes on.

use std::time::Instant;

use super::intake::Unusable;
use crate::{
    mpeg::Sieve,
    relay::{FrameKind, Group, Relay},
};

/// Frames that are pushed at once.
const MAX_GROUP: usize = 64;

/// What sifts a source's bytes, and the group that its frames leave in.
#[derive(Debug, Default)]
pub(super) struct Mp3 {
    sieve: Sieve,
    group: Group,
}

impl Mp3 {
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        relay: &Relay,
        now: Instant,
    ) -> Result<(), Unusable> {
        let Self { sieve, group } = self;
        let taken = sieve.take(bytes, |header, frame| {
            group.push(header, frame, FrameKind::Song);
            if group.len() >= MAX_GROUP {
                push(group, relay, now);
            }
        });
        push(group, relay, now);
        taken.map_err(|_| Unusable::NotAsSaid("MP3"))
    }

    /// What is left has no next frame behind it: it goes on where it is whole.
    pub(super) fn end(&mut self, relay: &Relay, now: Instant) {
        let Self { sieve, group } = self;
        sieve.end(|header, frame| group.push(header, frame, FrameKind::Song));
        push(group, relay, now);
    }
}

fn push(group: &mut Group, relay: &Relay, now: Instant) {
    if !group.is_empty() {
        relay.push(group, now);
        group.clear();
    }
}

#[cfg(test)]
mod tests {
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
