//! The Icecast of a run: a server that dies, stalls and takes short writes, and the output's rules
//! around the real line that feeds it.

use std::{
    io::{self, ErrorKind},
    pin::pin,
    sync::{Arc, Mutex, Weak},
    task::{Context, Waker},
    time::{Duration, Instant},
};

use super::{dice::Dice, record::Record, reservoir::Reservoir, shelf::is_silent};
use crate::{
    icecast::{Handed, Limits, Line, Wire},
    mpeg::Header,
    net::backoff::{Backoff, Cause},
    relay::{LinkReporter, Relay, Tap},
};

/// How long a death of the server goes unnoticed at most: an end that its system still sends.
const NOTICED_WITHIN: Duration = Duration::from_millis(50);
/// Frames that bring what the first one points back to.
const CARRIERS_LIMIT: usize = 8;
/// How often a slow server makes room.
const ROOM_EVERY: Duration = Duration::from_millis(100);
/// What a healthy server's socket takes at once: bytes.
const HEALTHY_ROOM: usize = 256 * 1024;

/// The connection: what fits in it and what came out of it.
#[derive(Debug)]
struct Pipe {
    room: usize,
    short: bool,
    dead: bool,
    dice: Dice,
    received: Vec<u8>,
}

#[derive(Debug)]
struct Socket(Arc<Mutex<Pipe>>);

impl Wire for Socket {
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let pipe = &mut *self.0.lock().unwrap();
        if pipe.dead {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let mut taken = bytes.len().min(pipe.room);
        if pipe.short && taken > 1 {
            taken = 1 + pipe.dice.index(taken);
        }
        if taken == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        pipe.room -= taken;
        pipe.received.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<bool> {
        Ok(true)
    }
}

/// An accepted connection.
struct Connection {
    line: Arc<Line<Socket>>,
    pipe: Arc<Mutex<Pipe>>,
    /// Since when the socket takes nothing: until when that is borne.
    blocked: Option<Instant>,
    /// The stream's offset at which it began, and how much was received.
    began: u64,
    received: u64,
    /// What came so far where the stream's first frame has not come yet.
    early: Option<Vec<u8>>,
    overrun: bool,
}

/// The server's state, and the output's.
pub(super) struct Icecast {
    relay: Relay,
    link: LinkReporter,
    backoff: Backoff,
    dice: Dice,
    connection: Option<Connection>,
    retry_at: Instant,
    returns_at: Instant,
    slow_until: Instant,
    /// Bytes a second that it takes while slow.
    slow_rate: u64,
    room_at: Instant,
    notice_at: Option<Instant>,
    pub(super) losses: u64,
}

impl Icecast {
    pub(super) fn new(relay: Relay, link: LinkReporter, dice: Dice, now: Instant) -> Self {
        Self {
            relay,
            link,
            backoff: Backoff::new(Limits::default().retry, 1),
            dice,
            connection: None,
            retry_at: now,
            returns_at: now,
            slow_until: now,
            slow_rate: 0,
            room_at: now,
            notice_at: None,
            losses: 0,
        }
    }

    /// Dies, and comes back then.
    pub(super) fn die(&mut self, now: Instant, returns_at: Instant) {
        self.returns_at = returns_at;
        if let Some(connection) = &self.connection {
            connection.pipe.lock().unwrap().dead = true;
            self.notice_at =
                Some(now + self.dice.between(Duration::from_micros(50), NOTICED_WITHIN));
        }
    }

    /// Takes only so many bytes a second until then.
    pub(super) fn slow_down(&mut self, until: Instant, rate: u64) {
        self.slow_until = until;
        self.slow_rate = rate;
    }

    /// When it has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        let Some(connection) = &self.connection else { return Some(self.retry_at) };
        let room = connection.blocked.map(|_| self.room_at);
        room.into_iter().chain(connection.blocked).chain(self.notice_at).min()
    }

    /// Its turn: as `icecast::output` and `icecast::feed` have it.
    pub(super) fn turn(&mut self, now: Instant, record: &Record) {
        self.make_room(now);
        if self.connection.is_none() && now >= self.retry_at {
            self.connect(now, record.end());
        }
        let Some(connection) = &mut self.connection else { return };
        let is_lost = connection.turn(now, self.notice_at.is_some_and(|at| now >= at));
        connection.compare(record);
        if is_lost {
            self.lose(now, record);
        }
    }

    fn connect(&mut self, now: Instant, offset: u64) {
        if now < self.returns_at {
            self.link.still_down("away".to_owned());
            self.retry_at = now + self.backoff.wait(Cause::Away, now);
            return;
        }
        let reader = self.relay.live();
        self.backoff.accepted(now);
        self.link.up(reader.frame());
        let dice = Dice::new(self.dice.roll());
        let short = self.dice.percent(50);
        let pipe = Pipe { room: HEALTHY_ROOM, short, dead: false, dice, received: Vec::new() };
        let pipe = Arc::new(Mutex::new(pipe));
        let line = Arc::new(Line::new(Socket(Arc::clone(&pipe)), reader));
        let tap: Weak<Line<Socket>> = Arc::downgrade(&line);
        self.relay.attach(tap as Weak<dyn Tap>);
        // The first look: from here on the station's thread hands on by itself.
        assert!(matches!(line.hand_on(), Ok(Handed::All)));
        let (blocked, received) = (None, 0);
        let (began, early, overrun) = (offset, Some(Vec::new()), false);
        self.connection = Some(Connection { line, pipe, blocked, began, received, early, overrun });
        self.notice_at = None;
    }

    fn lose(&mut self, now: Instant, record: &Record) {
        let Some(connection) = self.connection.take() else { return };
        let (_, reader) = connection.line.close().expect("closed once");
        let next_frame = reader.first_missing();
        let whole = record.first_missing(connection.began + connection.received);
        // One that the ring has overrun is told with the oldest frame there is.
        let overrun = next_frame > whole && connection.overrun;
        assert!(overrun || next_frame == whole, "next is {next_frame}, {whole} went out whole");
        self.link.down("lost".to_owned(), next_frame);
        self.retry_at = now + self.backoff.wait(Cause::Away, now);
        self.notice_at = None;
        self.losses += 1;
    }

    fn make_room(&mut self, now: Instant) {
        let Some(connection) = &self.connection else { return };
        let mut pipe = connection.pipe.lock().unwrap();
        if now >= self.slow_until {
            pipe.room = HEALTHY_ROOM;
            self.room_at = now + ROOM_EVERY;
        } else if now >= self.room_at {
            let room = u128::from(self.slow_rate) * ROOM_EVERY.as_millis() / 1000;
            pipe.room = usize::try_from(room).unwrap();
            self.room_at = now + ROOM_EVERY;
        }
    }
}

impl Connection {
    /// What the runtime's thread does for it; true once it is lost.
    fn turn(&mut self, now: Instant, ended: bool) -> bool {
        if ended {
            return true;
        }
        let has_room = self.pipe.lock().unwrap().room > 0;
        let called = self.blocked.is_none() && self.is_called();
        if called || (self.blocked.is_some() && has_room) {
            match self.line.hand_on() {
                Ok(Handed::All) => self.blocked = None,
                Ok(Handed::Part { progress }) => {
                    if progress || self.blocked.is_none() {
                        self.blocked = Some(now + Limits::default().write);
                    }
                }
                Ok(Handed::Overrun) => {
                    self.overrun = true;
                    return true;
                }
                Err(_) => return true,
                Ok(Handed::Closed) => panic!("closed by nobody"),
            }
        }
        self.blocked.is_some_and(|until| now >= until)
    }

    fn is_called(&self) -> bool {
        let help = pin!(self.line.help());
        help.poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    /// What was received is what the stream has there: nothing missing, nothing twice.
    fn compare(&mut self, record: &Record) {
        let mut received = std::mem::take(&mut self.pipe.lock().unwrap().received);
        if let Some(mut early) = self.early.take() {
            early.append(&mut received);
            match lead_in(&early, |len| record.peek(self.began, len)) {
                Some(len) => received = early.split_off(len),
                None => {
                    self.early = Some(early);
                    return;
                }
            }
        }
        let stream = record.window(self.began + self.received, received.len());
        assert!(received == stream, "Icecast got other bytes than the stream has");
        self.received += received.len() as u64;
    }
}

/// How many bytes of silent frames came before the stream's first frame, which `stream` shows;
/// nothing where that has not come yet.
fn lead_in<'a>(early: &[u8], stream: impl Fn(usize) -> Option<&'a [u8]>) -> Option<usize> {
    let (mut at, mut reservoir) = (0, Reservoir::default());
    for _ in 0..=CARRIERS_LIMIT {
        let rest = &early[at..];
        let header = Header::parse(*rest.first_chunk()?).expect("a lead-in of whole frames");
        let frame = rest.get(..header.frame_len())?;
        let claimed = reservoir.claim(header, frame).is_some();
        if stream(frame.len()) == Some(frame) {
            assert!(claimed, "what a listener hears first points back to what it never got");
            return Some(at);
        }
        reservoir.take(header, frame);
        assert!(is_silent(header, frame), "Icecast got another frame than the stream has");
        at += frame.len();
    }
    panic!("more than {CARRIERS_LIMIT} frames before the stream's first");
}
