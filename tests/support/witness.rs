//! A witness: a listener beside a barrage, who must hear whole frames, every one of them, and titles
//! that break out of nothing.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use musicdb_stream::mpeg::Header;

/// Audio bytes between titles.
const INTERVAL: usize = 16_000;
/// How often it looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(200);

/// What was heard over one connection.
#[derive(Debug, Default)]
pub struct Hearing {
    body: Vec<u8>,
    with_titles: bool,
    /// The longest time between two reads.
    pub worst_gap: Duration,
    /// The server has ended it.
    is_ended: bool,
}

/// It listens until it is stopped, again whenever it was ended.
#[derive(Debug)]
pub struct Witness {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Hearing>>,
}

impl Witness {
    pub fn start(server: SocketAddr, with_titles: bool) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut hearings = Vec::new();
            while !stopped.load(Relaxed) {
                hearings.push(listen(server, with_titles, &stopped));
            }
            hearings
        });
        Self { stop, thread }
    }

    pub fn stop(self) -> Vec<Hearing> {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap()
    }
}

fn listen(server: SocketAddr, with_titles: bool, stop: &AtomicBool) -> Hearing {
    let mut hearing = Hearing { with_titles, ..Hearing::default() };
    let mut stream = TcpStream::connect(server).unwrap();
    stream.set_read_timeout(Some(LOOK)).unwrap();
    let titles = if with_titles { "Icy-MetaData: 1\r\n" } else { "" };
    write!(stream, "GET /stream?burst=0 HTTP/1.1\r\nHost: witness\r\n{titles}\r\n").unwrap();
    let (mut answer, mut buffer, mut last) = (Vec::new(), [0; 8192], Instant::now());
    while !stop.load(Relaxed) {
        match stream.read(&mut buffer) {
            Ok(0) => {
                hearing.is_ended = true;
                break;
            }
            Ok(len) => {
                hearing.worst_gap = hearing.worst_gap.max(last.elapsed());
                last = Instant::now();
                answer.extend_from_slice(&buffer[..len]);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => panic!("a witness was cut off: {error}"),
        }
    }
    hearing.worst_gap = hearing.worst_gap.max(last.elapsed());
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").expect("a witness was answered");
    assert!(answer.starts_with(b"HTTP/1.0 200 OK\r\n"), "{}", answer[..end].escape_ascii());
    hearing.body = answer.split_off(end + 4);
    hearing
}

impl Hearing {
    /// Its sound, which must be whole frames, and how many titles came with it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn sound(&self) -> Result<(Vec<u8>, usize), String> {
        let (audio, titles) =
            if self.with_titles { apart(&self.body)? } else { (self.body.clone(), 0) };
        let mut rest = audio.as_slice();
        while let Some(head) = rest.first_chunk() {
            let at = audio.len() - rest.len();
            let header = Header::parse(*head).map_err(|_| format!("no frame at byte {at}"))?;
            match rest.get(header.frame_len()..) {
                Some(behind) => rest = behind,
                None if self.is_ended => return Err("it ended within a frame".into()),
                None => break,
            }
        }
        Ok((audio, titles))
    }
}

/// The sound, and how many titles stood in it.
fn apart(body: &[u8]) -> Result<(Vec<u8>, usize), String> {
    let (mut audio, mut titles, mut rest) = (Vec::new(), 0, body);
    while let Some((sound, behind)) = rest.split_at_checked(INTERVAL) {
        audio.extend_from_slice(sound);
        let Some((length, behind)) = behind.split_first() else { return Ok((audio, titles)) };
        let Some((block, behind)) = behind.split_at_checked(usize::from(*length) * 16) else {
            return Ok((audio, titles));
        };
        if !block.is_empty() {
            titles += 1;
            check_title(block)?;
        }
        rest = behind;
    }
    audio.extend_from_slice(rest);
    Ok((audio, titles))
}

fn check_title(block: &[u8]) -> Result<(), String> {
    let wrong = || format!("a title that breaks out: {}", block.escape_ascii());
    let text = std::str::from_utf8(block).map_err(|_| wrong())?.trim_end_matches('\0');
    let title = text.strip_prefix("StreamTitle='").and_then(|text| text.strip_suffix("';"));
    let title = title.ok_or_else(wrong)?;
    if title.contains("';") || title.contains(char::is_control) { Err(wrong()) } else { Ok(()) }
}

/// Two that listened at the same time heard the same bytes for as long as both did.
///
/// # Errors
/// Where they differ.
pub fn compare(one: &[u8], other: &[u8]) -> Result<usize, String> {
    const BEGINNING: usize = 2000;
    let (one, other) = match memchr::memmem::find(one, &other[..BEGINNING.min(other.len())]) {
        Some(at) => (&one[at..], other),
        None => {
            let at = memchr::memmem::find(other, &one[..BEGINNING.min(one.len())]);
            (one, &other[at.ok_or("two witnesses have nothing in common")?..])
        }
    };
    let both = one.len().min(other.len());
    let differs = one.iter().zip(other).position(|(a, b)| a != b);
    differs.map_or(Ok(both), |at| {
        Err(format!("two witnesses heard different bytes at {at} of {both}"))
    })
}
