//! One listener: its place in the stream, its titles and what becomes of it when it is slow; no
//! socket and no clock.
//!
//! Between two flushes the reader always stands at a frame edge: what a short send left of a frame
//! is kept here. So a listener that the ring outruns gets the rest of its frame and goes on at
//! another edge, and no decoder ever sees half a frame.

use std::{
    io,
    time::{Duration, Instant},
};

use crate::{
    icy::{Burst, Interleaver},
    relay::{RING_BYTES, Read, Reader, Relay},
};

/// A listener whose socket takes no byte for so long is dropped. Longer than the tunnels of a train
/// ride, shorter than the half minute in which the dead are to be gone.
pub const STALL_LIMIT: Duration = Duration::from_secs(20);
/// A listener that the ring outruns is moved forward once it has taken so many bytes since it came
/// or was moved last; one that took less will never hear anything whole and is dropped.
pub(super) const LEAST_BETWEEN_MOVES: u64 = RING_BYTES as u64 / 8;
/// Most bytes of one send: bounds how long the ring stays locked for it.
const SEND_LIMIT: usize = 64 * 1024;
/// Most audio bytes that are copied together with metadata blocks; what the socket does not take of
/// them is kept.
const STAGE_LIMIT: usize = 16 * 1024;

/// What a flush came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Everything that is there was taken: come again when the next flush is due.
    All,
    /// The socket is full: come again when it takes more, at the latest at
    /// [`stalled_at`](Listener::stalled_at).
    Short,
    /// The stream has ended and was taken to its last frame.
    Ended,
    /// The listener is too slow to be served.
    TooSlow,
}

/// A listener without its socket.
#[derive(Debug)]
pub(super) struct Listener {
    relay: Relay,
    reader: Reader,
    burst: Burst,
    /// Within a flush, the ring's seam may cut a frame: its other half must follow.
    is_mid_frame: bool,
    titles: Option<Interleaver>,
    /// Bytes that must go before anything else: the response's head, the rest of a cut frame.
    pending: Vec<u8>,
    /// How many of them have gone.
    pending_sent: usize,
    last_taken: Instant,
    taken_since_move: u64,
    moves: u32,
    sent: u64,
}

/// What one look at the ring came to.
enum Step {
    Sent,
    Short,
    /// A metadata block falls among the bytes that are there.
    BlockDue,
    Done(Flushed),
}

impl Listener {
    /// A listener that first gets `head`, then the stream from `burst` ago, with titles every
    /// `metaint` bytes where it asked for them.
    pub(super) fn new(
        relay: &Relay,
        head: Vec<u8>,
        metaint: Option<usize>,
        burst: Burst,
        now: Instant,
    ) -> Self {
        Self {
            relay: relay.clone(),
            reader: relay.burst(burst.stream_time()),
            burst,
            is_mid_frame: false,
            titles: metaint.map(Interleaver::new),
            pending: head,
            pending_sent: 0,
            last_taken: now,
            taken_since_move: 0,
            moves: 0,
            sent: 0,
        }
    }

    /// Sends what is there by `send`, which takes some of the bytes without blocking, or fails with
    /// `WouldBlock`. `stage` is scratch memory that may be shared by all listeners of a thread.
    ///
    /// # Errors
    /// What `send` failed with otherwise: the listener is gone.
    pub(super) fn flush(
        &mut self,
        now: Instant,
        stage: &mut Vec<u8>,
        mut send: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Flushed> {
        let before = self.sent;
        let flushed = self.flush_all(stage, &mut send);
        if self.sent > before || matches!(flushed, Ok(Flushed::All)) {
            self.last_taken = now;
        }
        flushed
    }

    /// When a listener whose socket is full has to be dropped.
    pub(super) fn stalled_at(&self) -> Instant {
        self.last_taken + STALL_LIMIT
    }

    /// Waits until there is something to send or the stream has ended.
    pub(super) async fn ready(&mut self) {
        self.reader.ready().await;
    }

    /// Bytes sent, heads and titles too.
    pub(super) fn sent(&self) -> u64 {
        self.sent
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
            let step = match self.send_slice(send)? {
                Step::BlockDue => self.send_with_blocks(stage, send)?,
                step => step,
            };
            match step {
                Step::Sent | Step::BlockDue => {}
                Step::Short => return Ok(Flushed::Short),
                Step::Done(flushed) => return Ok(flushed),
            }
        }
    }

    /// Sends what was kept; false: the socket did not take all of it.
    fn send_pending(
        &mut self,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<bool> {
        while let Some(rest) = self.pending.get(self.pending_sent..).filter(|rest| !rest.is_empty())
        {
            let sent = taken(send(rest))?;
            self.pending_sent += sent;
            self.sent += sent as u64;
            if sent == 0 {
                return Ok(false);
            }
        }
        self.pending = Vec::new();
        self.pending_sent = 0;
        Ok(true)
    }

    /// Sends the next bytes straight from the ring.
    fn send_slice(
        &mut self,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Step> {
        let until_block = self.titles.as_ref().map_or(usize::MAX, Interleaver::until_block);
        let mut result = Ok(Step::Sent);
        let read = self.reader.read(SEND_LIMIT, |bytes| {
            if bytes.len() > until_block {
                result = Ok(Step::BlockDue);
                return 0;
            }
            match taken(send(bytes)) {
                Ok(sent) => {
                    if sent < bytes.len() {
                        result = Ok(Step::Short);
                    }
                    sent
                }
                Err(error) => {
                    result = Err(error);
                    0
                }
            }
        });
        let step = result?;
        if let Read::Taken(sent) = read {
            if let Some(titles) = &mut self.titles {
                titles.pass(sent);
            }
            self.note_sent(sent);
            if matches!(step, Step::Short) {
                return Ok(self.keep_cut_frame());
            }
            self.is_mid_frame = self.reader.to_frame_edge() != 0;
            return Ok(step);
        }
        Ok(self.after(read))
    }

    /// Copies the next whole frames with the blocks between them, and sends that.
    fn send_with_blocks(
        &mut self,
        stage: &mut Vec<u8>,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Step> {
        stage.clear();
        match self.copy(STAGE_LIMIT, stage) {
            Read::Taken(_) => {}
            other => return Ok(self.after(other)),
        }
        if !self.copy_to_edge(stage) {
            return Ok(Step::Done(Flushed::TooSlow));
        }
        let sent = taken(send(stage))?;
        self.note_sent(sent);
        let rest = stage.get(sent..).unwrap_or(&[]);
        if rest.is_empty() {
            return Ok(Step::Sent);
        }
        self.pending = rest.to_vec();
        Ok(Step::Short)
    }

    /// Keeps what is left of the frame that a short send has cut, so that the reader stands at an
    /// edge again.
    fn keep_cut_frame(&mut self) -> Step {
        let mut rest = Vec::new();
        let whole = self.copy_to_edge(&mut rest);
        self.pending = rest;
        if whole { Step::Short } else { Step::Done(Flushed::TooSlow) }
    }

    /// Copies on to the next frame edge; false: the ring has overwritten it in this very moment.
    fn copy_to_edge(&mut self, out: &mut Vec<u8>) -> bool {
        loop {
            match self.reader.to_frame_edge() {
                0 => {
                    self.is_mid_frame = false;
                    return true;
                }
                rest => {
                    if !matches!(self.copy(rest, out), Read::Taken(1..)) {
                        return false;
                    }
                }
            }
        }
    }

    /// Takes at most `limit` bytes from the ring into `out`, with the blocks that are due.
    fn copy(&mut self, limit: usize, out: &mut Vec<u8>) -> Read {
        let title = self.titles.as_ref().map(|_| self.reader.title());
        let titles = &mut self.titles;
        self.reader.read(limit, |bytes| {
            match (titles, &title) {
                (Some(titles), Some(title)) => titles.interleave(bytes, title, out),
                _ => out.extend_from_slice(bytes),
            }
            bytes.len()
        })
    }

    /// What follows where nothing could be read.
    fn after(&mut self, read: Read) -> Step {
        match read {
            Read::Taken(_) => Step::Sent,
            Read::Empty => Step::Done(Flushed::All),
            Read::Closed => Step::Done(Flushed::Ended),
            Read::Lagged if self.is_mid_frame || self.taken_since_move < LEAST_BETWEEN_MOVES => {
                Step::Done(Flushed::TooSlow)
            }
            Read::Lagged => {
                // As close to now as a new listener: at the ring's oldest frame it would be outrun
                // again at once.
                self.reader = self.relay.burst(self.burst.stream_time());
                self.taken_since_move = 0;
                self.moves += 1;
                Step::Sent
            }
        }
    }

    fn note_sent(&mut self, sent: usize) {
        self.sent += sent as u64;
        self.taken_since_move += sent as u64;
    }
}

/// A full socket takes nothing; an interrupted send took nothing yet.
fn taken(sent: io::Result<usize>) -> io::Result<usize> {
    match sent {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) =>
        {
            Ok(0)
        }
        other => other,
    }
}
