//! An ear: what one made-up socket takes, and what the player behind it makes of it.

use rand::{RngExt, rngs::StdRng};

/// 128 kbit/s at 48 kHz: a frame is 384 bytes and 24 ms, no more and no less.
pub(super) const HEADER: [u8; 4] = [0xFF, 0xFB, 0x94, 0x64];
pub(super) const FRAME: usize = 384;
pub(super) const METAINT: usize = 8_192;
pub(super) const HEAD: &[u8] = b"HTTP/1.0 200 OK\r\n\r\n";
/// What a slow listener's kernel holds for it.
const SOCKET: u64 = 64 * 1024;

/// What a socket takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pace {
    Everything,
    /// So many bytes in a second.
    Slow(u64),
    /// Nothing between these two moments; else everything.
    Stalls(u64, u64),
    /// A random part of what it is shown, now and then nothing.
    Jerky,
}

/// One listener's socket, and what the player behind it makes of it.
#[derive(Debug)]
pub(super) struct Ear {
    pace: Pace,
    /// Bytes that a slow one has room for, and since when it knows.
    room: (u64, u64),
    /// Bytes of the head that are still to come.
    head: usize,
    /// Where titles stand between the sound: bytes until the next block, and of the block.
    block: Option<(usize, usize)>,
    /// Bytes of the present frame that have come.
    pub(super) of_frame: usize,
    /// Its beginning, as far as it has come.
    begun: [u8; 8],
    next: Option<u32>,
    pub(super) jumps: u32,
    pub(super) titles: u64,
}

impl Ear {
    pub(super) fn new(pace: Pace, now: u64, titles: bool) -> Self {
        Self {
            pace,
            room: (SOCKET, now),
            head: HEAD.len(),
            block: titles.then_some((METAINT, 0)),
            of_frame: 0,
            begun: [0; 8],
            next: None,
            jumps: 0,
            titles: 0,
        }
    }

    /// How many of `len` bytes the socket takes.
    pub(super) fn takes(&mut self, len: usize, now: u64, chance: &mut StdRng) -> usize {
        match self.pace {
            Pace::Everything => len,
            Pace::Slow(rate) => {
                let (room, since) = self.room;
                let room = (room + rate * (now - since) / 1000).min(SOCKET);
                let taken = len.min(usize::try_from(room).unwrap());
                self.room = (room - taken as u64, now);
                taken
            }
            Pace::Stalls(from, to) => {
                if (from..to).contains(&now) {
                    0
                } else {
                    len
                }
            }
            Pace::Jerky if chance.random_range(0..4) == 0 => 0,
            Pace::Jerky => chance.random_range(0..=len),
        }
    }

    pub(super) fn hear(&mut self, mut bytes: &[u8]) {
        let head = self.head.min(bytes.len());
        assert_eq!(bytes[..head], HEAD[HEAD.len() - self.head..][..head]);
        self.head -= head;
        bytes = &bytes[head..];
        while !bytes.is_empty() {
            match &mut self.block {
                None => {
                    self.hear_sound(bytes);
                    return;
                }
                Some((0, 0)) => {
                    let len = usize::from(bytes[0]) * 16;
                    self.titles += u64::from(len > 0);
                    self.block = Some((if len == 0 { METAINT } else { 0 }, len));
                    bytes = &bytes[1..];
                }
                Some((until, 0)) => {
                    let len = bytes.len().min(*until);
                    *until -= len;
                    let (sound, rest) = bytes.split_at(len);
                    self.hear_sound(sound);
                    bytes = rest;
                }
                Some((until, left)) => {
                    let len = bytes.len().min(*left);
                    *left -= len;
                    if *left == 0 {
                        *until = METAINT;
                    }
                    bytes = &bytes[len..];
                }
            }
        }
    }

    /// Looks at the first frames of a piece and at its last: between them the ring holds what was
    /// pushed, one frame behind the other.
    fn hear_sound(&mut self, mut sound: &[u8]) {
        while !sound.is_empty() {
            if self.of_frame == 0 && sound.len() > 3 * FRAME {
                let first = u32::from_be_bytes(sound[4..8].try_into().unwrap());
                let whole = (sound.len() - 1) / FRAME;
                self.note(sound[..8].try_into().unwrap());
                self.next = Some(first + u32::try_from(whole).unwrap());
                sound = &sound[whole * FRAME..];
            }
            let len = (FRAME - self.of_frame).min(sound.len());
            for (at, byte) in
                sound[..len].iter().enumerate().take(8_usize.saturating_sub(self.of_frame))
            {
                self.begun[self.of_frame + at] = *byte;
            }
            self.of_frame += len;
            sound = &sound[len..];
            if self.of_frame == FRAME {
                self.of_frame = 0;
                self.note(self.begun);
            }
        }
    }

    /// A frame is whole.
    fn note(&mut self, begun: [u8; 8]) {
        assert_eq!(begun[..4], HEADER, "no frame begins here: {self:?}");
        let number = u32::from_be_bytes(begun[4..].try_into().unwrap());
        if let Some(next) = self.next {
            assert!(number >= next, "frame {number} came again: {self:?}");
            self.jumps += u32::from(number > next);
        }
        self.next = Some(number + 1);
    }
}
