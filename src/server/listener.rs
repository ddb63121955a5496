//! One listener: what it is sent and what becomes of it when it is slow; no socket and no clock.
//!
//! Between two flushes its cursor always stands at a frame edge: what a short send left of a frame
//! is kept here. So a listener that the ring outruns gets the rest of its frame and goes on at
//! another edge, and no decoder ever sees half a frame.

use std::{io, sync::Arc, time::Duration};

use super::{
    cursor::{Cursor, Look},
    intro::Intro,
    mount::Mount,
    tick::Tick,
};
use crate::{icy::Burst, relay::RING_BYTES};

/// A listener whose socket takes no byte for so long is dropped. Longer than the tunnels of a train
/// ride, shorter than the half minute in which the dead are to be gone.
pub const STALL_LIMIT: Duration = Duration::from_secs(20);
/// A listener that the ring outruns is moved forward if it has taken so many bytes since it came or
/// was moved last; one that took less cannot follow and is dropped.
const LEAST_BETWEEN_MOVES: usize = RING_BYTES / 8;

/// Bytes of an intro that are handed to a socket at once; with titles they are copied.
const INTRO_PIECE: usize = 16 * 1024;

/// Rests of a frame are kept in multiples of this,
const FINE: usize = 512;
/// and longer ones than this
const FINE_LIMIT: usize = 2048;
/// in multiples of this.
const COARSE: usize = 4096;

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
#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    /// How many of them have gone.
    sent: usize,
    /// What is heard behind them and before the stream, and how much of that has gone.
    intro: Option<(Arc<Intro>, usize)>,
}

impl Pending {
    fn of(bytes: Vec<u8>) -> Option<Box<Self>> {
        (!bytes.is_empty()).then(|| Box::new(Self { bytes, sent: 0, intro: None }))
    }
}

/// A copy of a rest. Rests come in every length; kept in few sizes, the memory of one that has gone fits
/// another, and the heap does not grow with each mixture of them that it has not met.
fn kept(rest: &[u8]) -> Vec<u8> {
    let step = if rest.len() <= FINE_LIMIT { FINE } else { COARSE };
    let mut kept = Vec::with_capacity(rest.len().next_multiple_of(step));
    kept.extend_from_slice(rest);
    kept
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

    /// Lets it hear `intro` behind its head, and of the burst only what that leaves; for one that has
    /// got nothing yet.
    pub(super) fn hear_first(&mut self, intro: &Arc<Intro>) {
        let pending = self.pending.get_or_insert_default();
        pending.intro = Some((Arc::clone(intro), 0));
    }

    /// When it took something last.
    pub(super) fn last_taken(&self) -> Tick {
        self.last_taken
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
            if !self.send_pending(stage, send)? {
                return Ok(Flushed::Short);
            }
            stage.clear();
            let mut look = self.cursor.send(send)?;
            if let Look::BlockDue = look {
                look = self.send_with_blocks(stage, send)?;
            }
            match look {
                Look::Sent(len) => self.note_sent(len),
                Look::Cut(len) => {
                    self.note_sent(len);
                    let is_whole = self.cursor.copy_to_edge(stage);
                    self.pending = Pending::of(kept(stage));
                    return Ok(if is_whole { Flushed::Short } else { Flushed::TooSlow });
                }
                Look::BlockDue => {}
                Look::Empty => return Ok(Flushed::All),
                Look::Closed => return Ok(Flushed::Ended),
                Look::Outrun if (self.taken_since_move as usize) < LEAST_BETWEEN_MOVES => {
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
        stage: &mut Vec<u8>,
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
        if pending.intro.is_some() {
            return self.send_intro(stage, send);
        }
        self.pending = None;
        Ok(true)
    }

    /// Sends the intro, then begins the stream; false: the socket did not take all of it.
    fn send_intro(
        &mut self,
        stage: &mut Vec<u8>,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        while let Some(pending) = &mut self.pending
            && let Some((intro, gone)) = &mut pending.intro
        {
            let rest = intro.bytes().get(*gone..).unwrap_or_default();
            let piece = rest.get(..INTRO_PIECE).unwrap_or(rest);
            if piece.is_empty() {
                // As late as this: whoever took its time for the intro does not begin in the past.
                self.cursor.begin(self.cursor.burst().behind(intro.duration()));
                self.pending = None;
                break;
            }
            let (shown, sent) = if self.cursor.has_titles() {
                stage.clear();
                self.cursor.copy_before(piece, stage);
                *gone += piece.len();
                let sent = send(stage)?;
                pending.bytes = kept(stage.get(sent..).unwrap_or_default());
                pending.sent = 0;
                (stage.len(), sent)
            } else {
                let (shown, sent) = (piece.len(), send(piece)?);
                *gone += sent;
                (shown, sent)
            };
            self.note_sent(sent);
            if sent < shown {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sends whole frames together with the blocks between them, and leaves in `stage` what was not
    /// taken.
    fn send_with_blocks(
        &mut self,
        stage: &mut Vec<u8>,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Look> {
        let look = self.cursor.stage(stage);
        if !matches!(look, Look::Sent(_)) {
            return Ok(look);
        }
        let sent = send(stage)?;
        stage.drain(..sent.min(stage.len()));
        Ok(if stage.is_empty() { Look::Sent(sent) } else { Look::Cut(sent) })
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
mod tests;
