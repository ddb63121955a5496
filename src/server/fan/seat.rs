//! A seat: one listener with its socket and its place among those who are counted.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    sync::Arc,
};

use mio::{Interest, Registry, Token, net::TcpStream};

use crate::server::{
    listener::{Flushed, Listener},
    mount::Mount,
    registry::Place,
    tick::Tick,
};

/// Bytes that a listener may send behind its request before it is dropped: there is nothing to say.
const MAX_CHATTER: u32 = 64 * 1024;

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
    stream: TcpStream,
    listener: Listener,
    place: Place,
    /// Bytes that it sent behind its request.
    heard: u32,
    /// The slot of its flushes.
    pub(super) slot: u16,
    /// Its socket took less than it was shown.
    is_full: bool,
    /// It ends at `end`.
    has_end: bool,
    end: Tick,
}

impl Seat {
    /// A seat for `listener` on `stream`, which does not block.
    pub(in crate::server) fn new(
        stream: std::net::TcpStream,
        listener: Listener,
        place: Place,
    ) -> Self {
        let stream = TcpStream::from_std(stream);
        let end = listener.last_taken();
        Self { stream, listener, place, heard: 0, slot: 0, is_full: false, has_end: false, end }
    }

    /// Has it end at the first turn of its slot from then on.
    pub(in crate::server) fn end_at(&mut self, end: Tick) {
        (self.has_end, self.end) = (true, end);
    }

    /// Has `registry` tell of everything that comes from the socket, and of room after it was full.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Its slot has come round: sends what is there, unless the socket is known to be full.
    pub(super) fn turn(&mut self, now: Tick, stage: &mut Vec<u8>) -> Result<(), End> {
        if self.has_end && now.has_reached(self.end) {
            Err(End::TimeUp)
        } else if !self.is_full {
            self.flush(now, stage)
        } else if self.listener.has_stalled(now) {
            Err(End::Stalled)
        } else {
            Ok(())
        }
    }

    /// The socket has room again.
    pub(super) fn on_room(&mut self, now: Tick, stage: &mut Vec<u8>) -> Result<(), End> {
        if self.is_full { self.flush(now, stage) } else { Ok(()) }
    }

    /// Takes what the peer says and forgets it.
    pub(super) fn hear(&mut self) -> Result<(), End> {
        let mut buffer = [0; 512];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(End::Left),
                Ok(len) => {
                    self.heard = self.heard.saturating_add(u32::try_from(len).unwrap_or(u32::MAX))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(End::Broken(error.kind())),
            }
            if self.heard > MAX_CHATTER {
                return Err(End::Left);
            }
        }
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
        self.listener.hears_nothing_yet() && !self.is_full
    }

    /// Something of what it was shown is still to be sent.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Ends the connection behind the last byte that was sent.
    pub(super) fn end(mut self, end: End) {
        if matches!(end, End::Stalled | End::TooSlow) {
            self.place.note_dropped_slow(self.listener.mount());
        }
        let (sent, moves) = (self.listener.sent(), self.listener.moves());
        tracing::debug!(?end, sent, moves, "listener ended");
        // Nothing unread may be left: the kernel would reset the connection and with it the last frames.
        let _ = self.hear();
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    fn flush(&mut self, now: Tick, stage: &mut Vec<u8>) -> Result<(), End> {
        let Self { stream, listener, place, .. } = self;
        let (sent, moves) = (listener.sent(), listener.moves());
        let flushed = listener.flush(now, stage, |bytes| stream.write(bytes));
        place.note_sent(listener.mount(), listener.sent() - sent);
        place.note_moves(listener.moves() - moves);
        self.is_full = false;
        match flushed.map_err(|error| End::Broken(error.kind()))? {
            Flushed::All => Ok(()),
            Flushed::Short => {
                self.is_full = true;
                Ok(())
            }
            Flushed::Ended => Err(End::Finished),
            Flushed::TooSlow => Err(End::TooSlow),
        }
    }
}
