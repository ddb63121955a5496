//! Healthy listeners beside listeners that never read and requests that never end: the healthy ones'
//! worst gap, and what the server pays.
//!
//! `cargo bench --bench storm -- --seconds 15` prints Markdown.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod figures;
#[path = "../support/mp3.rs"]
#[allow(dead_code, unreachable_pub)]
mod mp3;
#[path = "../support/served.rs"]
#[allow(dead_code, unreachable_pub)]
mod served;

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use figures::{argument, percentile};
use mio::{Events, Interest, Poll, Token};
use mp3::{Shape, song};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use served::Served;
use socket2::{Domain, Socket, Type};

/// Milliseconds from one flush of a listener to the next; a gap twice as long is one too many.
const FLUSH_MS: u64 = 250;
/// Frames of each song, and songs: half an hour.
const SONG_FRAMES: u32 = 7_000;
const SONGS: u32 = 10;
/// Who does not read has room for so little in its own kernel.
const STALLED_BUFFER: usize = 4096;
/// A connection that finds no room for so long is counted as refused.
const CONNECT: Duration = Duration::from_secs(5);

/// Listeners that read whatever comes, as soon as it comes: one thread for all of them.
struct Healthy {
    stop: Arc<AtomicBool>,
    /// Gaps are noted from now on.
    counts: Arc<AtomicBool>,
    thread: JoinHandle<Gaps>,
}

/// Milliseconds between what came and what came next, of all listeners.
#[derive(Default)]
struct Gaps {
    gaps: Vec<f64>,
    lost: usize,
}

impl Healthy {
    fn start(server: SocketAddr, count: usize) -> Self {
        let (stop, counts) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let (stopped, counting) = (Arc::clone(&stop), Arc::clone(&counts));
        let thread = thread::spawn(move || listen(server, count, &stopped, &counting));
        Self { stop, counts, thread }
    }

    fn count(&self) {
        self.counts.store(true, Relaxed);
    }

    fn stop(self) -> Gaps {
        self.stop.store(true, Relaxed);
        self.thread.join().unwrap()
    }
}

fn listen(server: SocketAddr, count: usize, stop: &AtomicBool, counts: &AtomicBool) -> Gaps {
    let mut poll = Poll::new().unwrap();
    let mut sockets: Vec<_> = (0..count)
        .map(|n| {
            let mut socket = TcpStream::connect(server).unwrap();
            socket.write_all(b"GET /stream HTTP/1.1\r\nHost: storm\r\n\r\n").unwrap();
            socket.set_nonblocking(true).unwrap();
            let mut socket = mio::net::TcpStream::from_std(socket);
            poll.registry().register(&mut socket, Token(n), Interest::READABLE).unwrap();
            Some((socket, None::<Instant>))
        })
        .collect();
    let (mut events, mut buffer) = (Events::with_capacity(1024), vec![0; 256 * 1024]);
    let mut told = Gaps::default();
    while !stop.load(Relaxed) {
        poll.poll(&mut events, Some(Duration::from_millis(50))).unwrap();
        let now = Instant::now();
        for event in &events {
            let place = &mut sockets[event.token().0];
            let Some((socket, last)) = place else { continue };
            let mut got = 0;
            let is_over = loop {
                match socket.read(&mut buffer) {
                    Ok(0) => break true,
                    Ok(read) => got += read,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break false,
                    Err(_) => break true,
                }
            };
            if got > 0 {
                let before = last.replace(now);
                if let Some(before) = before.filter(|_| counts.load(Relaxed)) {
                    told.gaps.push((now - before).as_secs_f64() * 1e3);
                }
            }
            if is_over {
                told.lost += 1;
                *place = None;
            }
        }
    }
    told
}

/// Opens `count` connections until `end`, writes `request` to each and never reads: those that were
/// taken.
fn silent(
    server: SocketAddr,
    count: usize,
    end: Instant,
    request: &'static str,
) -> JoinHandle<Vec<Socket>> {
    thread::spawn(move || {
        let open = |_| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).ok()?;
            socket.set_recv_buffer_size(STALLED_BUFFER).ok()?;
            socket.connect_timeout(&server.into(), CONNECT).ok()?;
            socket.send(request.as_bytes()).ok()?;
            Some(socket)
        };
        (0..count).take_while(|_| Instant::now() < end).filter_map(open).collect()
    })
}

/// What a phase showed.
struct Phase {
    gaps: Gaps,
    cpu: f64,
    resident: u64,
    taken: [usize; 2],
}

/// `healthy` listeners for so long, beside `stalled` that never read and `half_open` requests.
fn phase(
    served: &Served,
    span: Duration,
    healthy: usize,
    stalled: usize,
    half_open: usize,
) -> Phase {
    let server = served.address;
    let listeners = Healthy::start(server, healthy);
    // Their bursts are no gaps.
    thread::sleep(Duration::from_secs(3));
    listeners.count();
    let (before, begun) = (served.cost(), Instant::now());
    let end = begun + span;
    let stalled = silent(server, stalled, end, "GET /stream HTTP/1.1\r\nHost: storm\r\n\r\n");
    let half_open = silent(server, half_open, end, "GET /stream HTTP/1.1\r\nHost: sto");
    thread::sleep(span);
    let (after, took) = (served.cost(), begun.elapsed());
    let gaps = listeners.stop();
    let kept = [stalled.join().unwrap(), half_open.join().unwrap()];
    let cpu = (after.0 - before.0) / took.as_secs_f64() * 100.0;
    Phase { gaps, cpu, resident: after.1, taken: kept.each_ref().map(Vec::len) }
}

fn main() {
    let seconds = argument("--seconds").map_or(15, |text| text.parse().unwrap());
    let span = Duration::from_secs(seconds);
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let home = tempfile::TempDir::new().unwrap();
    let music = home.path().join("music");
    fs::create_dir(&music).unwrap();
    for n in 0..SONGS {
        fs::write(music.join(format!("{n}.mp3")), song(Shape::default(), SONG_FRAMES + n)).unwrap();
    }
    let config = home.path().join("storm.toml");
    fs::write(&config, format!("[server]\nflush_ms = {FLUSH_MS}\n[randy]\nmin_song_length = 0\n"))
        .unwrap();
    let arguments = ["--play", "--music", music.to_str().unwrap()];
    let global = ["--config", config.to_str().unwrap()];
    let served = Served::start(&home.path().join("data"), &arguments, &global);
    served.wait_for(Duration::from_secs(20), |state| state["is_playing"] == true);
    let idle = served.cost().1;
    println!(
        "| listeners | that never read | half-open requests | median gap ms | p99 | worst | lost | CPU % | MiB over idle |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let wanted = (2 * FLUSH_MS) as f64;
    let (mut met, mut alone) = (true, 0.0);
    for (healthy, stalled, half_open) in
        [(50, 0, 0), (50, 1_000, 5_000), (1_000, 0, 0), (1_000, 1_000, 0)]
    {
        let Phase { gaps, cpu, resident, taken } =
            phase(&served, span, healthy, stalled, half_open);
        let at = |percent| percentile(&gaps.gaps, percent);
        met &= at(100) < wanted && gaps.lost == 0;
        if healthy == 1_000 && stalled == 0 {
            alone = cpu;
        } else if healthy == 1_000 {
            met &= cpu - alone < 5.0;
        }
        let mib = (resident as f64 - idle as f64) / f64::from(1 << 20);
        println!(
            "| {healthy} | {} of {stalled} | {} of {half_open} | {:.0} | {:.0} | {:.0} | {} | {cpu:.1} | {mib:.1} |",
            taken[0],
            taken[1],
            at(50),
            at(99),
            at(100),
            gaps.lost
        );
        // What this phase opened is closed by now; the server is to have noticed.
        served.wait_for(Duration::from_secs(60), |state| state["listeners"] == 0);
    }
    println!();
    println!("wanted figures {}", if met { "met" } else { "missed" });
}
