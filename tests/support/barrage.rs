//! The barrage: many clients at a time that send cases to a running server, and what came of them.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use super::{
    corpus::Corpus,
    mutation::{Case, End},
    verdict::{Heard, Over, Seen, is_head, is_part, judge},
};

/// After so long without an answer a client ends its side: what it has sent may be half a request.
const PAUSE: Duration = Duration::from_millis(100);
/// One in so many waits even where it is known that what it has sent is no request yet.
const WAITING: u64 = 64;
/// After so much more without an answer or an end, the server hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Failures after which no more are looked for.
const MOST_FAILURES: usize = 10;

/// What came of all cases.
#[derive(Debug, Default)]
pub struct Tally {
    pub statuses: BTreeMap<u16, u64>,
    /// Closed without an answer, where that is right.
    pub wordless: u64,
    /// Listeners that were ended or moved by an administrator's request among the cases.
    pub ends: u64,
    /// Requests that were not looked at, after wrong passwords.
    pub locked_out: u64,
    pub failures: Vec<String>,
}

impl Tally {
    fn note(&mut self, seen: &Seen) {
        match seen.status {
            Some(status) => *self.statuses.entry(status).or_default() += 1,
            None => self.wordless += 1,
        }
        self.ends += u64::from(seen.ends_listener);
        self.locked_out += u64::from(seen.is_locked_out);
    }

    pub fn add(&mut self, other: Self) {
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.wordless += other.wordless;
        self.ends += other.ends;
        self.locked_out += other.locked_out;
        self.failures.extend(other.failures);
    }
}

/// Sends the cases of these numbers, so many clients at a time.
pub fn fire(
    server: SocketAddr,
    corpus: &Corpus,
    seed: u64,
    numbers: Range<u64>,
    clients: usize,
) -> Tally {
    let (next, failed) = (AtomicU64::new(numbers.start), AtomicUsize::new(0));
    let all = Mutex::new(Tally::default());
    let client = || {
        let mut tally = Tally::default();
        while failed.load(Relaxed) < MOST_FAILURES {
            let number = next.fetch_add(1, Relaxed);
            if number >= numbers.end {
                break;
            }
            let case = Case::of(corpus, seed, number);
            let heard = match exchange(server, &case) {
                Ok(heard) => heard,
                Err(error) => {
                    failed.fetch_add(1, Relaxed);
                    tally.failures.push(format!("case {number} of seed {seed}: {error}"));
                    continue;
                }
            };
            match judge(&case, &heard) {
                Ok(seen) => tally.note(&seen),
                Err(why) => {
                    failed.fetch_add(1, Relaxed);
                    tally.failures.push(told(seed, &case, &heard, &why));
                }
            }
        }
        all.lock().unwrap().add(tally);
    };
    thread::scope(|scope| (0..clients).for_each(|_| drop(scope.spawn(client))));
    all.into_inner().unwrap()
}

/// One failure, with all that is needed to see it again.
fn told(seed: u64, case: &Case<'_>, heard: &Heard, why: &str) -> String {
    let answer = &heard.bytes[..heard.bytes.len().min(2000)];
    format!(
        "case {} of seed {seed}: {why}\n  {:?}, {:?} in {} pieces from {}\n  request  {}\n  answer  {}",
        case.number,
        case.end,
        heard.over,
        case.cuts.len() + 1,
        case.from,
        case.bytes.escape_ascii(),
        answer.escape_ascii()
    )
}

fn exchange(server: SocketAddr, case: &Case<'_>) -> std::io::Result<Heard> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((case.from, 0)).into())?;
    // Nothing lingers: neither side keeps a closed connection's address.
    socket.set_linger(Some(Duration::ZERO))?;
    socket.set_tcp_nodelay(!case.cuts.is_empty())?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.connect(&server.into())?;
    let mut stream = TcpStream::from(socket);
    let mut sent = 0;
    for cut in case.cuts.iter().copied().chain([case.bytes.len()]) {
        // It may have answered and closed before all was sent.
        if stream.write_all(&case.bytes[sent..cut]).is_err() {
            break;
        }
        sent = cut;
    }
    let mut heard = Heard { bytes: Vec::new(), over: Over::Vanished, shut_first: false };
    if case.end != End::Vanish {
        hear(&mut stream, case, &mut heard)?;
    }
    Ok(heard)
}

fn hear(stream: &mut TcpStream, case: &Case<'_>, heard: &mut Heard) -> std::io::Result<()> {
    let waits = case.end == End::Wait;
    let mut is_shut = !waits || (is_part(&case.bytes) && !case.number.is_multiple_of(WAITING));
    heard.shut_first = is_shut;
    if is_shut {
        // Where that fails the server has closed already.
        let _ = stream.shutdown(Shutdown::Write);
    }
    stream.set_read_timeout(Some(if is_shut { PATIENCE } else { PAUSE }))?;
    let mut buffer = [0; 16 * 1024];
    heard.over = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break Over::Closed,
            Ok(len) => {
                heard.bytes.extend_from_slice(&buffer[..len]);
                if is_stream(case, &heard.bytes) {
                    break Over::Enough;
                }
                if !is_shut && is_welcome(&heard.bytes) {
                    is_shut = true;
                    let _ = stream.shutdown(Shutdown::Write);
                    stream.set_read_timeout(Some(PATIENCE))?;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock && is_shut => break Over::Silence,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                is_shut = true;
                heard.shut_first = heard.bytes.is_empty();
                let _ = stream.shutdown(Shutdown::Write);
                stream.set_read_timeout(Some(PATIENCE))?;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break Over::Reset,
        }
    };
    Ok(())
}

/// A listener's stream, or the events: neither ends by itself.
fn is_stream(case: &Case<'_>, answer: &[u8]) -> bool {
    let Some(end) = memchr::memmem::find(answer, b"\r\n\r\n") else { return false };
    let has = |words: &[u8]| memchr::memmem::find(&answer[..end], words).is_some();
    !is_head(&case.bytes) && (has(b"\r\nicy-pub:") || has(b"text/event-stream"))
}

/// A source client is told to send.
fn is_welcome(answer: &[u8]) -> bool {
    answer.ends_with(b"HTTP/1.0 200 OK\r\n\r\n")
}
