//! One listener: what it is sent and what becomes of it when it is slow; no socket and no clock.
//!
//! Between two flushes its cursor always stands at a frame edge: what a short send left of a frame
//! is kept here. So a listener that the ring outruns gets the rest of its frame and goes on at
//! another edge, and no decoder ever sees half a frame.

use std::{io, sync::Arc, time::Duration};

use super::{
    cursor::{Cursor, Look},
    mount::Mount,
    tick::Tick,
};
use crate::{icy::Burst, relay::RING_BYTES};

/// A listener whose socket takes no byte for so long is dropped. Longer than the tunnels of a train
/// ride, shorter than the half minute in which the dead are to be gone.
pub const STALL_LIMIT: Duration = Duration::from_secs(20);
/// A listener that the ring outruns is moved forward if it has taken so many bytes since it came or
/// was moved last; one that took less cannot follow and is dropped.
const LEAST_BETWEEN_MOVES: u32 = RING_BYTES as u32 / 8;

/// What a flush came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Everything that is there was taken: come again when the next flush is due.
    All,
    /// The socket is full: come again when it takes more, or when it
    /// [has stalled](Listener::has_stalled).
    Short,
    /// The stream has ended and was taken to its last frame.
    Ended,
    /// The listener is too slow to be served.
    TooSlow,
}

/// A listener without its socket.
#[derive(Debug)]
pub(super) struct Listener {
    cursor: Cursor,
    pending: Option<Box<Pending>>,
    sent: u64,
    last_taken: Tick,
    taken_since_move: u32,
    moves: u32,
    /// A byte of sound has gone to it.
    hears: bool,
}

/// Bytes that must go before anything else: the response's head, the rest of a cut frame.
#[derive(Debug)]
struct Pending {
    bytes: Vec<u8>,
    /// How many of them have gone.
    sent: usize,
}

impl Pending {
    fn of(bytes: Vec<u8>) -> Option<Box<Self>> {
        (!bytes.is_empty()).then(|| Box::new(Self { bytes, sent: 0 }))
    }
}

impl Listener {
    /// A listener that first gets `head`, then the stream from `burst` ago, with titles every
    /// `metaint` bytes where it asked for them.
    pub(super) fn new(
        mount: &Arc<Mount>,
        head: Vec<u8>,
        metaint: Option<usize>,
        burst: Burst,
        now: Tick,
    ) -> Self {
        Self {
            cursor: Cursor::new(mount, metaint, burst),
            pending: Pending::of(head),
            sent: 0,
            last_taken: now,
            taken_since_move: 0,
            moves: 0,
            hears: false,
        }
    }

    /// The mount that it hears, or will from the next frame edge on.
    pub(super) fn mount(&self) -> &Arc<Mount> {
        self.cursor.mount()
    }

    /// Goes on with another mount from a frame edge on.
    pub(super) fn move_to(&mut self, mount: &Arc<Mount>) {
        self.cursor.move_to(mount);
    }

    /// Sends what is there by `send`, which takes some of the bytes without blocking, or fails with
    /// `WouldBlock`. `stage` is scratch memory that all listeners of a thread may share.
    ///
    /// # Errors
    /// What `send` failed with otherwise: the listener is gone.
    pub(super) fn flush(
        &mut self,
        now: Tick,
        stage: &mut Vec<u8>,
        mut send: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Flushed> {
        let before = self.sent;
        let mut send = |bytes: &[u8]| taken(send(bytes));
        let flushed = self.flush_all(stage, &mut send);
        if self.sent > before || matches!(flushed, Ok(Flushed::All)) {
            self.last_taken = now;
        }
        flushed
    }

    /// Its socket has been full for so long that it has to be dropped.
    pub(super) fn has_stalled(&self, now: Tick) -> bool {
        now.since(self.last_taken) >= STALL_LIMIT
    }

    /// Bytes sent, heads and titles too.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Not one byte of sound has gone to it yet.
    pub(super) fn hears_nothing_yet(&self) -> bool {
        !self.hears
    }

    /// How often the ring outran it.
    pub(super) fn moves(&self) -> u32 {
        self.moves
    }

    fn flush_all(
        &mut self,
        stage: &mut Vec<u8>,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Flushed> {
        loop {
            if !self.send_pending(send)? {
                return Ok(Flushed::Short);
            }
            let mut look = self.cursor.send(send)?;
            if let Look::BlockDue = look {
                look = self.send_with_blocks(stage, send)?;
            }
            match look {
                Look::Sent(len) => self.note_sent(len),
                Look::Cut(len) => {
                    self.note_sent(len);
                    let mut rest = self.pending.take().map_or_else(Vec::new, |rest| rest.bytes);
                    let is_whole = self.cursor.copy_to_edge(&mut rest);
                    self.pending = Pending::of(rest);
                    return Ok(if is_whole { Flushed::Short } else { Flushed::TooSlow });
                }
                Look::BlockDue => {}
                Look::Empty => return Ok(Flushed::All),
                Look::Closed => return Ok(Flushed::Ended),
                Look::Outrun if self.taken_since_move < LEAST_BETWEEN_MOVES => {
                    return Ok(Flushed::TooSlow);
                }
                Look::Outrun => {
                    self.cursor.move_forward();
                    self.taken_since_move = 0;
                    self.moves += 1;
                }
                Look::Lost => return Ok(Flushed::TooSlow),
            }
        }
    }

    /// Sends what was kept; false: the socket did not take all of it.
    fn send_pending(
        &mut self,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        let Some(pending) = &mut self.pending else { return Ok(true) };
        while let Some(rest) = pending.bytes.get(pending.sent..).filter(|rest| !rest.is_empty()) {
            let sent = send(rest)?;
            pending.sent += sent;
            self.sent += sent as u64;
            if sent == 0 {
                return Ok(false);
            }
        }
        self.pending = None;
        Ok(true)
    }

    /// Sends whole frames together with the blocks between them, and keeps what was not taken.
    fn send_with_blocks(
        &mut self,
        stage: &mut Vec<u8>,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Look> {
        stage.clear();
        let look = self.cursor.stage(stage);
        if !matches!(look, Look::Sent(_)) {
            return Ok(look);
        }
        let sent = send(stage)?;
        let rest = stage.get(sent..).unwrap_or(&[]);
        if rest.is_empty() {
            return Ok(Look::Sent(sent));
        }
        self.pending = Pending::of(rest.to_vec());
        Ok(Look::Cut(sent))
    }

    fn note_sent(&mut self, sent: usize) {
        self.hears |= sent > 0;
        self.sent += sent as u64;
        let sent = u32::try_from(sent).unwrap_or(u32::MAX);
        self.taken_since_move = self.taken_since_move.saturating_add(sent);
    }
}

/// A full socket takes nothing; an interrupted send took nothing yet.
fn taken(sent: io::Result<usize>) -> io::Result<usize> {
    use io::ErrorKind::{Interrupted, WouldBlock};
    match sent {
        Err(error) if matches!(error.kind(), WouldBlock | Interrupted) => Ok(0),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        icy::StreamInfo,
        mpeg::Header,
        relay::{FrameKind, Group, Relay},
        server::{mount::About, tick::Epoch},
    };

    const HEAD: &[u8] = b"head";
    const METAINT: usize = 700;

    /// Frames of 320 kbit/s, each with its number; `from` is the next one's.
    fn push(relay: &Relay, from: &mut u32, frames: u32) {
        let header = Header::parse([0xFF, 0xFB, 0xE0, 0x64]).unwrap();
        let mut group = Group::new();
        for _ in 0..frames {
            let mut frame = header.to_bytes().to_vec();
            frame.extend_from_slice(&from.to_be_bytes());
            frame.resize(header.frame_len(), 0x55);
            group.push(header, &frame, FrameKind::Song);
            *from += 1;
        }
        relay.push(&group, Instant::now());
    }

    fn mount(relay: &Relay) -> Arc<Mount> {
        Mount::new("/stream", relay.clone(), About::mp3(StreamInfo::default()))
    }

    fn tick(after: Duration) -> Tick {
        let begun = Instant::now();
        Epoch::new(begun).tick(begun + after)
    }

    fn audio_of(body: &[u8], titles: bool) -> Vec<u8> {
        let Some(mut rest) = titles.then_some(body) else { return body.to_vec() };
        let mut audio = Vec::new();
        while rest.len() > METAINT {
            audio.extend_from_slice(&rest[..METAINT]);
            rest = &rest[METAINT + 1 + 16 * usize::from(rest[METAINT])..];
        }
        [audio, rest.to_vec()].concat()
    }

    fn numbers(audio: &[u8]) -> Vec<u32> {
        let len = Header::parse([0xFF, 0xFB, 0xE0, 0x64]).unwrap().frame_len();
        let frames = audio.chunks(len).inspect(|frame| {
            assert_eq!((frame.len(), &frame[..2]), (len, &[0xFF, 0xFB][..]), "no whole frame");
        });
        frames.map(|frame| u32::from_be_bytes(frame[4..8].try_into().unwrap())).collect()
    }

    proptest! {
        #[test]
        fn whatever_the_socket_takes_the_client_gets_whole_frames(
            titles in any::<bool>(),
            steps in prop::collection::vec((0_u32..500, prop::collection::vec(0_usize..70_000, 0..12)), 1..25),
        ) {
            let (relay, mut from) = (Relay::new(), 0);
            push(&relay, &mut from, 100);
            let now = tick(Duration::ZERO);
            let burst = Burst::of(Duration::from_secs(1));
            let metaint = titles.then_some(METAINT);
            let mut listener = Listener::new(&mount(&relay), HEAD.to_vec(), metaint, burst, now);
            let (mut body, mut stage, mut is_too_slow) = (Vec::new(), Vec::new(), false);
            for (frames, takes) in steps {
                push(&relay, &mut from, frames);
                let mut takes = takes.into_iter();
                let flushed = listener.flush(now, &mut stage, |bytes| {
                    let Some(most) = takes.next() else { return Err(io::ErrorKind::WouldBlock.into()) };
                    body.extend_from_slice(&bytes[..bytes.len().min(most)]);
                    Ok(bytes.len().min(most))
                });
                is_too_slow |= flushed.unwrap() == Flushed::TooSlow;
                if is_too_slow {
                    break;
                }
            }
            if !is_too_slow {
                relay.close();
                let flushed = listener.flush(now, &mut stage, |bytes| {
                    body.extend_from_slice(bytes);
                    Ok(bytes.len())
                });
                is_too_slow = flushed.unwrap() == Flushed::TooSlow;
            }
            prop_assert_eq!(listener.sent(), body.len() as u64);
            // One who is dropped for being slow may have been in the middle of anything.
            if !is_too_slow {
                let numbers = numbers(&audio_of(&body[HEAD.len()..], titles));
                let jumps = numbers.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
                prop_assert_eq!(jumps, listener.moves() as usize);
                prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
                prop_assert_eq!(numbers.last(), Some(&(from - 1)));
            }
        }
    }

    #[test]
    fn one_that_took_enough_is_moved_and_one_that_took_nothing_is_dropped() {
        for (takes, expected) in [(0, Flushed::TooSlow), (200, Flushed::All)] {
            let (relay, mut from) = (Relay::new(), 0);
            push(&relay, &mut from, 300);
            let burst = Burst::of(Duration::from_secs(10));
            let now = tick(Duration::ZERO);
            let mut listener = Listener::new(&mount(&relay), Vec::new(), None, burst, now);
            let mut flush = |most: usize| {
                let mut room = most;
                let flushed = listener.flush(now, &mut Vec::new(), |bytes| {
                    let len = bytes.len().min(room);
                    room -= len;
                    Ok(len)
                });
                flushed.unwrap()
            };
            assert_eq!(flush(takes * 1044), Flushed::Short);
            push(&relay, &mut from, 1100);
            assert_eq!(flush(usize::MAX), expected);
            if expected == Flushed::All {
                // What it had, then as much as a new listener gets, and not the whole ring.
                let least = (takes * 1044) as u64;
                assert!((least..least + 383 * 1044).contains(&listener.sent()));
            }
        }
    }

    #[test]
    fn a_full_socket_stalls_from_the_last_byte_that_it_took() {
        let (relay, mut from) = (Relay::new(), 0);
        push(&relay, &mut from, 10);
        let burst = Burst::of(Duration::from_secs(1));
        let begun = tick(Duration::ZERO);
        let mut listener = Listener::new(&mount(&relay), Vec::new(), None, burst, begun);
        let second = Duration::from_secs(1);
        for (after, takes, stalled) in [(1, 100, 1), (2, 0, 1), (3, 1, 3), (4, 0, 3)] {
            let mut takes = takes;
            let flushed = listener
                .flush(tick(second * after), &mut Vec::new(), |_| Ok(std::mem::take(&mut takes)));
            assert_eq!(flushed.unwrap(), Flushed::Short);
            let stalled_at = second * stalled + STALL_LIMIT;
            assert!(listener.has_stalled(tick(stalled_at)));
            assert!(!listener.has_stalled(tick(stalled_at - Duration::from_millis(1))));
        }
    }
}
