//! The driver: a crowd of listeners on one thread, and what came to each of them.
//!
//! The bytes are thrown away in the kernel, so that the crowd costs little beside the server that
//! it is there to measure.

use std::{
    io::Write,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpStream};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};
use rustls::ClientConfig;
use socket2::{Domain, Socket, Type};

use crate::ciphered::Ciphered;

/// The crowd comes from so many addresses: one has too few ports for all who come and go.
const ADDRESSES: usize = 64;
/// Most bytes that are thrown away at once.
const MOST: usize = 1 << 20;
/// Who does not read has room for so little in its own kernel.
const STALLED_BUFFER: usize = 4096;
const EVENTS: usize = 1024;
/// The longest wait: what is due is looked at so often.
const LOOK: Duration = Duration::from_millis(20);
const LOOK_SOON: Duration = Duration::from_millis(1);

/// What somebody comes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Reads whatever comes, as soon as it comes.
    Listens,
    /// Asks for the stream and never reads.
    NeverReads,
    /// Says half of a request and waits.
    SaysHalf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Head,
    Body,
    /// It does not read.
    Idle,
    /// It ended before a byte of sound came.
    Refused,
    Lost,
}

/// One of the crowd.
struct Member {
    stream: Option<TcpStream>,
    tls: Option<Box<Ciphered>>,
    manner: Manner,
    stage: Stage,
    opened: Instant,
    first: Option<Instant>,
    last: Instant,
    /// The longest time from one piece to the next.
    gap: Duration,
    /// In the window.
    bytes: u64,
    head: Vec<u8>,
}

/// Some who are still to come, at a rate.
struct Arrivals {
    manner: Manner,
    left: usize,
    rate: f64,
    next: Instant,
}

/// The crowd.
pub(crate) struct Crowd {
    server: SocketAddr,
    whole: String,
    half: String,
    tls: Option<Arc<ClientConfig>>,
    poll: Poll,
    scratch: Vec<u8>,
    members: Vec<Member>,
    arrivals: Vec<Arrivals>,
    /// Those who leave for another in a second.
    changes: f64,
    next_change: Instant,
    chance: StdRng,
    came: usize,
    /// Refused or lost, and somebody else has their place.
    ended: [usize; 2],
    window: Instant,
}

/// What came to those who listen.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) window: Duration,
    /// They hear the stream.
    pub(crate) held: usize,
    pub(crate) refused: usize,
    pub(crate) lost: usize,
    pub(crate) bytes: u64,
    /// Of each the longest gap, in seconds; those who hear nothing are not among them.
    pub(crate) gaps: Vec<f64>,
    /// Seconds until the first byte of sound, of all who got one.
    pub(crate) first_bytes: Vec<f64>,
}

impl Crowd {
    /// Nobody yet.
    pub(crate) fn before(server: SocketAddr, path: &str) -> Self {
        let whole = format!(
            "GET {path} HTTP/1.1\r\nHost: {server}\r\nUser-Agent: crowd/1\r\nAccept: */*\r\n\r\n"
        );
        let half = format!("GET {path} HTTP/1.1\r\nHost: {}", server.ip());
        Self {
            server,
            whole,
            half,
            tls: None,
            poll: Poll::new().unwrap(),
            scratch: vec![0; MOST],
            members: Vec::new(),
            arrivals: Vec::new(),
            changes: 0.0,
            next_change: Instant::now(),
            chance: StdRng::seed_from_u64(1),
            came: 0,
            ended: [0; 2],
            window: Instant::now(),
        }
    }

    /// Those who come from now on speak TLS.
    pub(crate) fn behind(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// So many more come from now on, so many in a second.
    pub(crate) fn join(&mut self, count: usize, rate: f64, manner: Manner) {
        self.arrivals.push(Arrivals { manner, left: count, rate, next: Instant::now() });
    }

    /// From now on so many leave in a second, whoever it is, and others come.
    pub(crate) fn change(&mut self, rate: f64) {
        (self.changes, self.next_change) = (rate, Instant::now());
    }

    /// How many have ever come.
    pub(crate) fn came(&self) -> usize {
        self.came
    }

    pub(crate) fn run_until_all_came(&mut self) {
        while self.arrivals.iter().any(|some| some.left > 0) {
            self.look();
        }
    }

    pub(crate) fn run(&mut self, span: Duration) {
        let end = Instant::now() + span;
        while Instant::now() < end {
            self.look();
        }
    }

    /// Bytes count from now on.
    pub(crate) fn begin_window(&mut self) {
        self.window = Instant::now();
        for member in &mut self.members {
            member.bytes = 0;
        }
    }

    pub(crate) fn heard(&self) -> Heard {
        let now = Instant::now();
        let listeners = || self.members.iter().filter(|member| member.manner == Manner::Listens);
        let at = |stage| listeners().filter(|member| member.stage == stage).count();
        let served = || listeners().filter(|member| member.stage == Stage::Body);
        let gap = |member: &Member| member.gap.max(now - member.last).as_secs_f64();
        let first = |member: &Member| Some((member.first? - member.opened).as_secs_f64());
        Heard {
            window: now - self.window,
            held: served().count(),
            refused: at(Stage::Refused) + self.ended[0],
            lost: at(Stage::Lost) + self.ended[1],
            bytes: served().map(|member| member.bytes).sum(),
            gaps: served().map(gap).collect(),
            first_bytes: listeners().filter_map(first).collect(),
        }
    }

    /// Lets those come and go whose time it is, and hears what there is to hear.
    fn look(&mut self) {
        let now = Instant::now();
        let mut arrivals = std::mem::take(&mut self.arrivals);
        for some in &mut arrivals {
            let step = Duration::from_secs_f64(1.0 / some.rate);
            while some.left > 0 && some.next <= now {
                let member = self.open(self.members.len(), some.manner);
                self.members.push(member);
                (some.left, some.next) = (some.left - 1, some.next + step);
            }
        }
        arrivals.retain(|some| some.left > 0);
        self.arrivals = arrivals;
        while self.changes > 0.0 && self.next_change <= now {
            let place = self.chance.random_range(0..self.members.len());
            match self.members[place].stage {
                Stage::Refused => self.ended[0] += 1,
                Stage::Lost => self.ended[1] += 1,
                _ => {}
            }
            // Closed first: its place in the poll is the next one's.
            self.members[place].stream = None;
            self.members[place] = self.open(place, Manner::Listens);
            self.next_change += Duration::from_secs_f64(1.0 / self.changes);
        }
        let is_busy = self.changes > 0.0 || !self.arrivals.is_empty();
        let mut events = Events::with_capacity(EVENTS);
        self.poll.poll(&mut events, Some(if is_busy { LOOK_SOON } else { LOOK })).unwrap();
        for event in &events {
            self.attend(event.token().0, event.is_writable());
        }
    }

    fn open(&mut self, place: usize, manner: Manner) -> Member {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        if manner == Manner::NeverReads {
            socket.set_recv_buffer_size(STALLED_BUFFER).unwrap();
        }
        let from = u8::try_from(1 + self.came % ADDRESSES).unwrap();
        self.came += 1;
        socket.bind(&SocketAddr::from(([127, 0, 0, from], 0)).into()).unwrap();
        let opened = Instant::now();
        let is_open = match socket.connect(&self.server.into()) {
            Ok(()) => true,
            Err(error) => error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()),
        };
        let mut stream = TcpStream::from_std(socket.into());
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(place), interest).unwrap();
        Member {
            stream: is_open.then_some(stream),
            tls: self.tls.as_ref().map(|config| Box::new(Ciphered::new(config, &self.whole))),
            manner,
            stage: if is_open { Stage::Connecting } else { Stage::Refused },
            opened,
            first: None,
            last: opened,
            gap: Duration::ZERO,
            bytes: 0,
            head: Vec::new(),
        }
    }

    fn attend(&mut self, place: usize, is_writable: bool) {
        let Self { members, whole, half, scratch, .. } = self;
        let Some(member) = members.get_mut(place) else { return };
        let Some(stream) = &mut member.stream else { return };
        let goes_on = match member.stage {
            Stage::Connecting if is_writable => {
                let is_half = member.manner == Manner::SaysHalf;
                let request = if is_half { half } else { whole };
                member.stage =
                    if member.manner == Manner::Listens { Stage::Head } else { Stage::Idle };
                if member.tls.is_some() {
                    member.hear(scratch)
                } else {
                    stream.write(request.as_bytes()).is_ok_and(|sent| sent == request.len())
                }
            }
            Stage::Head | Stage::Body => member.hear(scratch),
            _ => true,
        };
        if !goes_on {
            member.stream = None;
            member.stage = if member.stage == Stage::Body { Stage::Lost } else { Stage::Refused };
        }
    }
}

impl Member {
    /// Takes what has come; false: that was its end.
    fn hear(&mut self, scratch: &mut [u8]) -> bool {
        if let Some(mut tls) = self.tls.take() {
            let Some(stream) = &mut self.stream else { return false };
            let mut came = Vec::new();
            let goes_on = tls.exchange(stream, scratch, |bytes| came.extend_from_slice(bytes));
            self.tls = Some(tls);
            return self.take(&came) && goes_on;
        }
        loop {
            let most = scratch.len();
            let got = match (self.stage, &mut self.stream) {
                (_, None) => return false,
                // Counted and thrown away by the kernel.
                (Stage::Body, Some(stream)) => {
                    recv(stream, &mut scratch[..], RecvFlags::TRUNC).map(|got| got.1)
                }
                (_, Some(stream)) => {
                    recv(stream, &mut scratch[..], RecvFlags::empty()).map(|got| got.1)
                }
            };
            match got {
                Ok(0) => return false,
                Ok(got) if self.stage == Stage::Body => self.note(got),
                Ok(got) => {
                    if !self.take(&scratch[..got]) {
                        return false;
                    }
                }
                Err(error) => return error == Errno::WOULDBLOCK,
            }
            // Less than there is room for: the rest comes with another event.
            if got.is_ok_and(|got| got < most) {
                return true;
            }
        }
    }

    /// Takes bytes of which some may be the head's; false: it was refused.
    fn take(&mut self, bytes: &[u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        if self.stage == Stage::Body {
            self.note(bytes.len());
            return true;
        }
        self.head.extend_from_slice(bytes);
        let Some(end) = self.head.windows(4).position(|four| four == b"\r\n\r\n") else {
            return true;
        };
        if self.head.get(9..12) != Some(b"200") {
            return false;
        }
        self.stage = Stage::Body;
        let sound = self.head.len() - end - 4;
        self.head = Vec::new();
        if sound > 0 {
            self.note(sound);
        }
        true
    }

    fn note(&mut self, got: usize) {
        let now = Instant::now();
        if self.first.is_none() {
            self.first = Some(now);
        } else {
            self.gap = self.gap.max(now - self.last);
        }
        self.last = now;
        self.bytes += got as u64;
    }
}
