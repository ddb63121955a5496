//! The pace at a receiving socket, beside a bare timer in the same window; CPU and memory with it.
//!
//! `cargo bench --bench pace -- --seconds 600 --music FOLDER` streams to a stand-in Icecast.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod figures;
#[path = "../support/served.rs"]
#[allow(dead_code, unreachable_pub)]
mod served;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use figures::{argument, percentile};
use musicdb_stream::mpeg::{Header, StreamTime};
use served::Served;

/// Pieces that arrive closer together than this are one group.
const SAME_GROUP: Duration = Duration::from_millis(5);
/// Not measured: connecting, opening, filling buffers.
const WARM_UP: Duration = Duration::from_secs(5);

fn main() {
    let seconds: u64 = argument("--seconds").map_or(60, |text| text.parse().unwrap());
    let music = PathBuf::from(argument("--music").unwrap_or_else(|| "config/demo".into()));
    if !music.is_dir() {
        println!("left out: no music in {}", music.display());
        return;
    }
    let window = Duration::from_secs(seconds);
    let home = tempfile::TempDir::new().unwrap();
    let icecast = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = icecast.local_addr().unwrap().port();
    let config = home.path().join("pace.toml");
    fs::write(
        &config,
        format!("[icecast]\nenabled = true\nhost = \"127.0.0.1\"\nport = {port}\npassword = \"x\"\n[directories]\nmusic = {:?}\n", music.canonicalize().unwrap()),
    )
    .unwrap();
    let receiver = thread::spawn(move || receive(&icecast, window));
    let served = Served::start(
        &home.path().join("data"),
        &["--play"],
        &["--config", config.to_str().unwrap()],
    );
    thread::sleep(WARM_UP);
    let timer = thread::spawn(move || bare_loop(window));
    let before = served.cost();
    let began = Instant::now();
    thread::sleep(window);
    let after = served.cost();
    let hours = began.elapsed().as_secs_f64() / 3600.0;
    let groups = receiver.join().unwrap();
    let timer = timer.join().unwrap();
    println!("window {seconds} s, {} groups of {:.1} ms", groups.len(), mean_step(&groups) * 1e3);
    let (ours, (bare, floor)) = (lateness(&groups), timer);
    println!("late (ms)      p50     p90     p99     worst");
    for (name, late) in [("groups", &ours), ("bare timer", &bare)] {
        let at = |percent| percentile(late, percent) * 1e3;
        println!("{name:<12} {:6.3}  {:6.3}  {:6.3}  {:6.3}", at(50), at(90), at(99), at(100));
    }
    println!(
        "p99 over the bare timer's: {:.3} ms",
        (percentile(&ours, 99) - percentile(&bare, 99)) * 1e3
    );
    println!("drift: {:.3} ms an hour", drift(&groups) * 3600.0 * 1e3);
    let (cpu, floor) = ((after.0 - before.0) / hours, floor / hours);
    println!(
        "CPU: {cpu:.2} s an hour, {:.2} times the bare loop's {floor:.2}; resident {:.1} MB",
        cpu / floor,
        after.1 as f64 / 1e6
    );
}

/// When a group arrived, and when it was due by its frames: seconds.
struct Arrival {
    at: f64,
    due: f64,
}

/// A stand-in Icecast: accepts the source and notes when each group arrives.
fn receive(listener: &TcpListener, window: Duration) -> Vec<Arrival> {
    let (mut socket, _) = listener.accept().unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    // Titles come on connections of their own.
    let others = listener.try_clone().unwrap();
    thread::spawn(move || others.incoming().flatten().for_each(answer));
    let (mut arrivals, mut pending) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 64 * 1024];
    let began = Instant::now();
    let mut sent = StreamTime::ZERO;
    let mut last: Option<Duration> = None;
    while began.elapsed() < window + WARM_UP {
        let got = socket.read(&mut buffer).unwrap();
        let at = began.elapsed();
        // What comes right behind is the rest of the same group: one that lies across the ring's
        // seam, or holds a new title, is sent in two pieces.
        let is_rest = last.is_some_and(|last| at - last < SAME_GROUP);
        last = Some(at);
        if at > WARM_UP && !is_rest {
            arrivals.push(Arrival { at: at.as_secs_f64(), due: sent.as_duration().as_secs_f64() });
        }
        pending.extend_from_slice(&buffer[..got]);
        let mut used = 0;
        while let Some(head) = pending[used..].first_chunk() {
            let header = Header::parse(*head).unwrap();
            if pending.len() < used + header.frame_len() {
                break;
            }
            used += header.frame_len();
            sent += header.duration();
        }
        pending.drain(..used);
    }
    arrivals
}

fn answer(mut socket: TcpStream) {
    let _ = socket.read(&mut [0; 4096]);
    let _ = socket.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
}

/// The least that can be done: a thread that sleeps until each group would be due and sends as many
/// bytes over a loopback socket. How late it woke each time, and its CPU seconds.
fn bare_loop(window: Duration) -> (Vec<f64>, f64) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut sink = listener.accept().unwrap().0;
    thread::spawn(move || while sink.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {});
    let before = thread_cpu();
    let step = StreamTime::of_samples(4 * 1152, 44_100);
    let start = Instant::now();
    let mut late = Vec::new();
    for group in 1.. {
        let due = start + step.times(group).as_duration();
        if due > start + window {
            break;
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        late.push(due.elapsed().as_secs_f64());
        socket.write_all(&[0; 1672]).unwrap();
    }
    (late, thread_cpu() - before)
}

/// CPU seconds of this thread.
fn thread_cpu() -> f64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Lateness against the schedule that the least late group sets.
fn lateness(groups: &[Arrival]) -> Vec<f64> {
    let slope = drift(groups);
    let offset = |g: &Arrival| g.at - g.due - slope * g.at;
    let least = groups.iter().map(offset).fold(f64::INFINITY, f64::min);
    groups.iter().map(|g| offset(g) - least).collect()
}

/// Seconds gained or lost in a second: between the medians of the first and the last tenth.
fn drift(groups: &[Arrival]) -> f64 {
    let tenth = groups.len() / 10;
    let median = |part: &[Arrival]| {
        let offsets: Vec<f64> = part.iter().map(|g| g.at - g.due).collect();
        percentile(&offsets, 50)
    };
    let (first, last) = (&groups[..tenth], &groups[groups.len() - tenth..]);
    let span = last[tenth / 2].at - first[tenth / 2].at;
    (median(last) - median(first)) / span
}

fn mean_step(groups: &[Arrival]) -> f64 {
    (groups[groups.len() - 1].at - groups[0].at) / (groups.len() - 1) as f64
}
