//! From a command to what it changes at a source socket: `next`, `pause` and `play` over HTTP.
//!
//! `cargo bench --bench latency -- --rounds 100` streams to a stand-in Icecast and prints Markdown.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

#[path = "../support/ear.rs"]
#[allow(dead_code, unreachable_pub)]
mod ear;
mod figures;
#[path = "../support/mp3.rs"]
#[allow(dead_code, unreachable_pub)]
mod mp3;
#[path = "../support/served.rs"]
#[allow(dead_code, unreachable_pub)]
mod served;

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use ear::{Ear, Heard, Mark, Memory, marked_song};
use figures::{argument, percentile};
use rand::RngExt;
use served::{Remote, Served, read_answer};

const SONGS: u32 = 24;
/// 157 s: none ends by itself.
const SONG_FRAMES: u32 = 6000;
/// Half of the gap before a command: commands that follow closely wait for the clock, and rightly.
const HALF_GAP_MS: std::ops::Range<u64> = 300..600;
/// Silent frames that may carry what the first frame after a resume points back to.
const CARRIERS: u64 = 8;
/// A group of frames at 128 kbit/s, as the floor's answer.
const GROUP: usize = 4 * 418;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Next,
    Pause,
    Play,
}

/// What one command was measured to take: milliseconds.
#[derive(Debug, Default)]
struct Times {
    sounded: Vec<f64>,
    answered: Vec<f64>,
    told: Vec<f64>,
}

fn main() {
    let rounds: usize = argument("--rounds").map_or(100, |text| text.parse().unwrap());
    let home = tempfile::TempDir::new().unwrap();
    let music = home.path().join("music");
    fs::create_dir(&music).unwrap();
    for song in 0..SONGS {
        fs::write(music.join(format!("{song}.mp3")), marked_song(song, SONG_FRAMES)).unwrap();
    }
    let ear = Ear::start();
    let config = home.path().join("latency.toml");
    fs::write(&config, ear.table()).unwrap();
    let arguments = ["--play", "--music", music.to_str().unwrap()];
    let global = ["--config", config.to_str().unwrap()];
    let served = Served::start(&home.path().join("data"), &arguments, &global);
    let patience = Duration::from_secs(10);
    served.wait_for(patience, |state| state["is_playing"] == true);
    while served.ask("GET", "/api/v1/songs?limit=1", "").1["total"] != SONGS {
        thread::sleep(Duration::from_millis(20));
    }
    let remote = served.remote();
    let mut bare = Bare::start();
    let mut floor = Vec::new();
    let mut all = [Wish::Next, Wish::Pause, Wish::Play].map(|wish| (wish, Times::default()));
    let mut base = None;
    for _ in 0..rounds {
        for (wish, times) in &mut all {
            a_while();
            floor.push(bare.round_trip());
            a_while();
            measure(*wish, (&served, &remote), &ear, &mut base, times);
        }
    }
    println!("| | median ms | p90 ms | worst of {rounds} ms | wanted |");
    println!("|---|---|---|---|---|");
    let mut met = true;
    for (wish, times) in &all {
        let name = match wish {
            Wish::Next => "`next` to the new song's first byte",
            Wish::Pause => "`pause` to the first silent frame",
            Wish::Play => "`play` to the song's next frame",
        };
        met &= percentile(&times.sounded, 50) < 15.0 && percentile(&times.sounded, 100) < 35.0;
        row(name, &times.sounded, "median < 15, worst < 35");
    }
    row("floor: a bare round trip over the loopback", &floor, "");
    for (wish, times) in &all {
        let name = format!("{wish:?}").to_lowercase();
        row(&format!("`{name}`: until the API has answered"), &times.answered, "");
        row(&format!("`{name}`: `in_ms` of that answer"), &times.told, "");
    }
    println!();
    println!("wanted figures {}", if met { "met" } else { "missed" });
}

/// Gives one command at a playing (`Play`: paused) station and waits until it is heard.
fn measure(
    wish: Wish,
    (served, remote): (&Served, &Remote),
    ear: &Ear,
    base: &mut Option<u64>,
    times: &mut Times,
) {
    let (path, body) = match wish {
        Wish::Next => ("/api/v1/next", ""),
        Wish::Pause => ("/api/v1/play", "{\"play\":false}"),
        Wish::Play => ("/api/v1/play", "{\"play\":true}"),
    };
    let request = remote.request("POST", path, "", body);
    let mut socket = TcpStream::connect(served.address).unwrap();
    let before = ear.look(|memory| memory.frames.last().unwrap().mark);
    let asked = Instant::now();
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let answered = asked.elapsed();
    let (index, heard) = ear.wait("the effect", |memory| effect(wish, before, asked, memory));
    let sounded = (heard.at - asked).as_secs_f64() * 1e3;
    let (status, answer) = read_answer(&answer).unwrap();
    assert_eq!(status, 200, "{answer}");
    let told = answer["effect"]["frame"].as_u64().unwrap();
    let in_ms = answer["effect"]["in_ms"].as_u64().unwrap();
    assert!(in_ms as f64 <= sounded, "{wish:?}: {in_ms} ms told, {sounded:.3} ms measured");
    // The source came to the stream at frame `base`; every answer must agree with that.
    let arrived = index + *base.get_or_insert(told - index);
    let carried = if wish == Wish::Play { CARRIERS } else { 0 };
    assert!((told..=told + carried).contains(&arrived), "{wish:?}: {told} told, {arrived} came");
    times.sounded.push(sounded);
    times.answered.push(answered.as_secs_f64() * 1e3);
    times.told.push(in_ms as f64);
}

/// The first frame after `asked` that the command changed, and its number on the connection.
fn effect(
    wish: Wish,
    before: Option<Mark>,
    asked: Instant,
    memory: &Memory,
) -> Option<(u64, Heard)> {
    assert_eq!(memory.ended, [false], "the source was not connected once and for all");
    let later = memory.frames.iter().enumerate().rev().take_while(|(_, heard)| heard.at >= asked);
    let changed = later.filter(|(_, heard)| match (wish, heard.mark) {
        (Wish::Next, Some(mark)) => before.is_some_and(|before| before.song != mark.song),
        (Wish::Next, None) => false,
        (Wish::Pause, mark) => mark.is_none(),
        (Wish::Play, mark) => mark.is_some(),
    });
    changed.last().map(|(index, heard)| (index as u64, *heard))
}

/// The least that can be done: a request of this size answered over the loopback by a thread that
/// waits for it, with as many bytes as a group has.
struct Bare(TcpStream);

impl Bare {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut other = listener.accept().unwrap().0;
        for socket in [&socket, &other] {
            socket.set_nodelay(true).unwrap();
        }
        thread::spawn(move || {
            while other.read(&mut [0; 4096]).is_ok_and(|got| got > 0) {
                other.write_all(&[0; GROUP]).unwrap();
            }
        });
        Self(socket)
    }

    fn round_trip(&mut self) -> f64 {
        let asked = Instant::now();
        self.0.write_all(&[0; 256]).unwrap();
        let got = self.0.read(&mut [0; 4096]).unwrap();
        let took = asked.elapsed().as_secs_f64() * 1e3;
        self.0.read_exact(&mut vec![0; GROUP - got]).unwrap();
        took
    }
}

fn a_while() {
    thread::sleep(Duration::from_millis(rand::rng().random_range(HALF_GAP_MS)));
}

fn row(name: &str, values: &[f64], wanted: &str) {
    let at = |percent| percentile(values, percent);
    println!("| {name} | {:.2} | {:.2} | {:.2} | {wanted} |", at(50), at(90), at(100));
}
