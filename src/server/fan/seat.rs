//! A seat: one listener with its socket and its place among those who are counted.

use std::{io, sync::Arc, time::Instant};

use mio::{Registry, Token};

use super::wire::Wire;
use crate::server::{
    listener::{Flushed, Listener},
    mount::Mount,
    registry::Place,
    tick::Tick,
};

/// Why a listener ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::server) enum End {
    /// It closed its side.
    Left,
    /// Its connection broke.
    Broken(io::ErrorKind),
    /// It took no byte for too long.
    Stalled,
    /// It took too little to ever catch up.
    TooSlow,
    /// The stream ended, or the server stops.
    Finished,
    /// Somebody wanted it to end.
    Killed,
    /// It has had all the time that it was given.
    TimeUp,
}

/// A listener that is served.
#[derive(Debug)]
pub(in crate::server) struct Seat {
    wire: Wire,
    listener: Listener,
    place: Place,
    /// It ends at `end`.
    has_end: bool,
    end: Tick,
}

impl Seat {
    /// A seat for `listener` on `wire`.
    pub(in crate::server) fn new(wire: impl Into<Wire>, listener: Listener, place: Place) -> Self {
        let end = listener.last_taken();
        Self { wire: wire.into(), listener, place, has_end: false, end }
    }

    /// Says something short in place of the stream, as far as the socket takes it at once, and closes.
    pub(in crate::server) fn turn_away(mut self, answer: &[u8]) {
        // Whoever does not take it has left.
        let _ = self.wire.send(answer);
        self.place.note_end(0, Instant::now());
        self.wire.close();
    }

    /// Has it end at the first turn of its slot from then on.
    pub(in crate::server) fn end_at(&mut self, end: Tick) {
        (self.has_end, self.end) = (true, end);
    }

    /// Has `registry` tell of everything that comes from the socket, and of room after it was full.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.wire.register(registry, token)
    }

    /// The slot of its flushes.
    pub(super) fn slot(&self) -> u16 {
        self.wire.slot
    }

    /// Its flushes are due with this slot.
    pub(super) fn set_slot(&mut self, slot: u16) {
        self.wire.slot = slot;
    }

    /// Its slot has come round: sends what is there, unless the socket is known to be full.
    pub(super) fn turn(&mut self, now: Tick, stage: &mut Vec<u8>) -> Result<(), End> {
        if self.has_end && now.has_reached(self.end) {
            Err(End::TimeUp)
        } else if !self.is_full() {
            self.flush(now, stage)
        } else if self.listener.has_stalled(now) {
            Err(End::Stalled)
        } else {
            Ok(())
        }
    }

    /// The socket has room again.
    pub(super) fn on_room(&mut self, now: Tick, stage: &mut Vec<u8>) -> Result<(), End> {
        let broken = |error: io::Error| End::Broken(error.kind());
        if self.is_full() && self.wire.send_rest().map_err(broken)? {
            self.flush(now, stage)
        } else {
            Ok(())
        }
    }

    /// Takes what the peer says and forgets it.
    pub(super) fn hear(&mut self) -> Result<(), End> {
        self.wire.hear()
    }

    /// The number that the listener is known by.
    pub(super) fn id(&self) -> u32 {
        self.place.id()
    }

    /// The mount that it hears.
    pub(super) fn mount(&self) -> &Arc<Mount> {
        self.listener.mount()
    }

    /// Goes on with another mount from a frame edge on.
    pub(super) fn move_to(&mut self, mount: &Arc<Mount>) {
        self.listener.move_to(mount);
        self.place.move_to(mount);
    }

    /// Not one byte of sound has gone to it yet.
    pub(super) fn hears_nothing_yet(&self) -> bool {
        self.listener.hears_nothing_yet() && !self.is_full()
    }

    /// Something of what it was shown is still to be sent.
    pub(super) fn is_full(&self) -> bool {
        self.wire.is_full()
    }

    /// Ends the connection behind the last byte that was sent.
    pub(super) fn end(self, end: End) {
        if matches!(end, End::Stalled | End::TooSlow) {
            self.place.note_dropped_slow(self.listener.mount());
        }
        let (sent, moves) = (self.listener.sent(), self.listener.moves());
        tracing::debug!(?end, sent, moves, "listener ended");
        self.place.note_end(sent, Instant::now());
        self.wire.close();
    }

    fn flush(&mut self, now: Tick, stage: &mut Vec<u8>) -> Result<(), End> {
        let Self { wire, listener, place, .. } = self;
        let (sent, moves) = (listener.sent(), listener.moves());
        let flushed = listener.flush(now, stage, |bytes| wire.send(bytes));
        place.note_sent(listener.mount(), listener.sent() - sent);
        place.note_moves(listener.moves() - moves);
        let flushed = flushed.map_err(|error| End::Broken(error.kind()))?;
        // The end has to wait for what is left of it, too.
        wire.set_full(flushed == Flushed::Short || wire.has_rest());
        match flushed {
            Flushed::TooSlow => Err(End::TooSlow),
            Flushed::Ended if !wire.is_full() => Err(End::Finished),
            Flushed::All | Flushed::Short | Flushed::Ended => Ok(()),
        }
    }
}
