//! The cursor: a listener's place in the ring, and the titles that it is told on its way.

use std::{io, sync::Arc};

use super::mount::Mount;
use crate::{
    icy::{Burst, Interleaver},
    relay::{RING_BYTES, Read, Relay, Spot},
};

/// Most bytes of one send: bounds how long the ring stays locked for it.
const SEND_LIMIT: usize = 64 * 1024;
/// Most audio bytes that are copied together with metadata blocks; what the socket does not take of
/// them has to be kept.
const STAGE_LIMIT: usize = 16 * 1024;

/// What one look at the ring came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// So many bytes were taken, and all that were offered.
    Sent(usize),
    /// So many bytes were taken of more: the cursor may stand within a frame.
    Cut(usize),
    /// A metadata block falls among the bytes that are there: they must be staged.
    BlockDue,
    /// Nothing is there yet.
    Empty,
    /// Nothing is there, and nothing will follow.
    Closed,
    /// The ring has overwritten what came next; the cursor had stood at a frame edge.
    Outrun,
    /// The ring has overwritten the rest of a frame whose beginning is sent.
    Lost,
}

/// Where one listener stands.
#[derive(Debug)]
pub(super) struct Cursor {
    mount: Arc<Mount>,
    relay: Relay,
    spot: Spot,
    /// Which part of the mount's feed the relay is.
    turn: u32,
    burst: Burst,
    titles: Option<Box<Interleaver>>,
    /// The ring's seam has cut a frame: its other half must follow.
    is_mid_frame: bool,
}

impl Cursor {
    /// At a frame edge `burst` ago.
    pub(super) fn new(mount: &Arc<Mount>, metaint: Option<usize>, burst: Burst) -> Self {
        let (relay, spot, turn) = beginning(mount, burst);
        Self {
            mount: Arc::clone(mount),
            spot,
            relay,
            turn,
            burst,
            titles: metaint.map(|metaint| Box::new(Interleaver::new(metaint))),
            is_mid_frame: false,
        }
    }

    /// Begins anew, `burst` ago as seen from now; nothing was taken from it yet.
    pub(super) fn begin(&mut self, burst: Burst) {
        (self.relay, self.spot, self.turn) = beginning(&self.mount, burst);
    }

    /// How much of the past a new listener gets where this one is.
    pub(super) fn burst(&self) -> Burst {
        self.burst
    }

    /// Its listener gets titles.
    pub(super) fn has_titles(&self) -> bool {
        self.titles.is_some()
    }

    /// Copies sound that is not the stream's to `out`, with the blocks that fall in it: they carry the
    /// title that holds where the stream will begin.
    pub(super) fn copy_before(&mut self, sound: &[u8], out: &mut Vec<u8>) {
        match &mut self.titles {
            Some(titles) => titles.interleave(sound, &self.spot.title(&self.relay), out),
            None => out.extend_from_slice(sound),
        }
    }

    /// Goes on as close to now as a new listener begins: at the ring's oldest frame it would be
    /// outrun again at once.
    pub(super) fn move_forward(&mut self) {
        self.spot.jump(&self.relay, self.burst.stream_time());
    }

    /// The mount whose feed it follows.
    pub(super) fn mount(&self) -> &Arc<Mount> {
        &self.mount
    }

    /// From the next frame edge on it follows the feed of another mount, from its newest frame on.
    pub(super) fn move_to(&mut self, mount: &Arc<Mount>) {
        self.mount = Arc::clone(mount);
        // No feed counts so far: what it follows now is taken for long gone.
        self.turn = mount.feed().turn().wrapping_sub(1 << 31);
    }

    /// Goes over to the newest part of the feed once it has come to the end of its own. Tells how
    /// many bytes are left of that, where it has an end.
    fn follow(&mut self) -> usize {
        let feed = self.mount.feed();
        if feed.turn() == self.turn {
            return usize::MAX;
        }
        let rest = feed.until(self.turn).unwrap_or(u64::MAX).saturating_sub(self.spot.offset());
        if rest > 0 || self.is_mid_frame {
            return usize::try_from(rest).unwrap_or(usize::MAX).max(1);
        }
        let now = feed.now();
        let is_moved = self.turn != now.turn.wrapping_sub(1);
        // Who comes from elsewhere, or much later, goes on with the newest frame.
        let is_there = !is_moved && now.from + RING_BYTES as u64 / 2 > now.relay.end();
        self.spot = if is_there { Spot::at(now.from) } else { Spot::live(&now.relay) };
        (self.relay, self.turn) = (now.relay, now.turn);
        usize::MAX
    }

    /// Offers `send` the next bytes, straight from the ring.
    ///
    /// # Errors
    /// What `send` failed with.
    pub(super) fn send(
        &mut self,
        send: &mut impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<Look> {
        let limit = self.follow().min(SEND_LIMIT);
        let until_block = self.titles.as_ref().map_or(usize::MAX, |titles| titles.until_block());
        let (mut result, mut is_cut) = (Ok(()), false);
        let read = self.spot.read(&self.relay, limit, |bytes| {
            if bytes.len() > until_block {
                result = Err(None);
                return 0;
            }
            let sent = send(bytes).unwrap_or_else(|error| {
                result = Err(Some(error));
                0
            });
            is_cut = sent < bytes.len();
            sent
        });
        match result {
            Ok(()) => {}
            Err(None) => return Ok(Look::BlockDue),
            Err(Some(error)) => return Err(error),
        }
        let Read::Taken(sent) = read else { return Ok(self.nothing(read)) };
        if let Some(titles) = &mut self.titles {
            titles.pass(sent);
        }
        if is_cut {
            return Ok(Look::Cut(sent));
        }
        self.is_mid_frame = self.spot.to_frame_edge(&self.relay) != 0;
        Ok(Look::Sent(sent))
    }

    /// Copies the next whole frames to `out`, with the blocks that fall among them.
    pub(super) fn stage(&mut self, out: &mut Vec<u8>) -> Look {
        let limit = self.follow().min(STAGE_LIMIT);
        match self.copy(limit, out) {
            Read::Taken(_) if self.copy_to_edge(out) => Look::Sent(out.len()),
            Read::Taken(_) => Look::Lost,
            other => self.nothing(other),
        }
    }

    /// Copies on to the next frame edge; false: the ring has overwritten it in this very moment.
    pub(super) fn copy_to_edge(&mut self, out: &mut Vec<u8>) -> bool {
        loop {
            let rest = self.spot.to_frame_edge(&self.relay);
            if rest == 0 {
                self.is_mid_frame = false;
                return true;
            }
            if !matches!(self.copy(rest, out), Read::Taken(1..)) {
                return false;
            }
        }
    }

    /// Takes at most `limit` bytes from the ring into `out`, with the blocks that are due.
    fn copy(&mut self, limit: usize, out: &mut Vec<u8>) -> Read {
        let title = self.titles.as_ref().map(|_| self.spot.title(&self.relay));
        let titles = &mut self.titles;
        self.spot.read(&self.relay, limit, |bytes| {
            match (titles, &title) {
                (Some(titles), Some(title)) => titles.interleave(bytes, title, out),
                _ => out.extend_from_slice(bytes),
            }
            bytes.len()
        })
    }

    /// What it means that nothing could be read.
    fn nothing(&self, read: Read) -> Look {
        match read {
            Read::Taken(len) => Look::Sent(len),
            Read::Empty => Look::Empty,
            Read::Closed => Look::Closed,
            Read::Lagged if self.is_mid_frame => Look::Lost,
            Read::Lagged => Look::Outrun,
        }
    }
}

/// Where somebody begins that comes to `mount` now.
fn beginning(mount: &Mount, burst: Burst) -> (Relay, Spot, u32) {
    let now = mount.feed().now();
    let spot = Spot::burst(&now.relay, burst.stream_time());
    // What was in the relay before it was heard here is none of this mount's past.
    let spot = if spot.offset() < now.from { Spot::at(now.from) } else { spot };
    (now.relay, spot, now.turn)
}
