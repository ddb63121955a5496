//! An ordeal: the real program under a barrage, with two listeners as witnesses, and what it costs it.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{
    barrage::{Tally, fire},
    corpus::{ADMIN, Corpus, RELAY, SOURCE},
    mp3::{Shape, song},
    served::Served,
    witness::{Witness, compare},
};

/// Resident memory that the program may have more than after the warm-up: bytes.
pub const MOST_GROWTH: u64 = 16 << 20;
/// Open files and sockets that it may have more than before, once all clients have left.
pub const MOST_FILES: usize = 4;
/// Threads likewise.
pub const MOST_THREADS: usize = 2;
/// For what was opened to be closed again; threads for the disk stay for ten seconds.
const SETTLED: Duration = Duration::from_secs(40);
/// A listener that hears nothing for so long has lost its radio.
const LONGEST_GAP: Duration = Duration::from_secs(4);
const SONGS: u32 = 6;
const SONG_FRAMES: u32 = 7_000;

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub seed: u64,
    pub warm_up: u64,
    pub requests: u64,
    pub clients: usize,
    /// Source clients may take the station's own mount over. What comes and goes there between two
    /// flushes only some listeners hear: they are not compared then.
    pub shows: bool,
}

/// What the program takes of the machine.
#[derive(Debug, Clone, Copy)]
pub struct Footprint {
    pub resident: u64,
    pub files: usize,
    pub threads: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub tally: Tally,
    pub took: Duration,
    /// Before the first request, after the warm-up, and when all was over.
    pub idle: Footprint,
    pub warm: Footprint,
    pub after: Footprint,
    /// Bytes that both witnesses heard alike; nothing where they could not be compared.
    pub in_common: Option<usize>,
    pub titles: usize,
    pub worst_gap: Duration,
    /// All that must not be.
    pub faults: Vec<String>,
}

impl Plan {
    /// Starts the program, and sends it all of it.
    pub fn run(self) -> Outcome {
        let home = TempDir::new().unwrap();
        let served = start(home.path(), self.shows);
        let corpus = Corpus::new(served.address.to_string(), served.token.clone());
        let witnesses = [false, true].map(|titles| Witness::start(served.address, titles));
        served.wait_for(SETTLED, |state| state["listeners"] == 2);
        let idle = Footprint::of(&served);
        let volley = |numbers| fire(served.address, &corpus, self.seed, numbers, self.clients);
        let mut tally = volley(0..self.warm_up);
        let warm = settled(&served, idle);
        let begun = Instant::now();
        let end = self.warm_up + self.requests;
        if tally.failures.is_empty() {
            tally.add(volley(self.warm_up..end));
        }
        let took = begun.elapsed();
        let after = settled(&served, idle);
        let mut outcome = Outcome {
            tally,
            took,
            idle,
            warm,
            after,
            in_common: None,
            titles: 0,
            worst_gap: Duration::ZERO,
            faults: Vec::new(),
        };
        outcome.hear(witnesses, self.shows);
        outcome.check(&served);
        let (took, status) = served.terminate();
        if took > Duration::from_secs(2) || !status.success() {
            outcome.faults.push(format!("it ended after {took:?} with {status}"));
        }
        outcome
    }
}

impl Outcome {
    fn hear(&mut self, witnesses: [Witness; 2], shows: bool) {
        let heard = witnesses.map(Witness::stop);
        let ended = heard.iter().map(|hearings| hearings.len() as u64 - 1).sum::<u64>();
        if ended > self.tally.ends {
            let asked = self.tally.ends;
            self.faults
                .push(format!("listeners were ended {ended} times, asked for {asked} times"));
        }
        let mut sounds = Vec::new();
        for hearing in heard.iter().flatten() {
            self.worst_gap = self.worst_gap.max(hearing.worst_gap);
            match hearing.sound() {
                Ok((sound, titles)) => {
                    self.titles += titles;
                    sounds.push(sound);
                }
                Err(why) => self.faults.push(why),
            }
        }
        if let [one, other] = &sounds[..]
            && !shows
        {
            match compare(one, other) {
                Ok(in_common) => self.in_common = Some(in_common),
                Err(why) => self.faults.push(why),
            }
        }
        if self.worst_gap > LONGEST_GAP {
            self.faults.push(format!("a listener heard nothing for {:?}", self.worst_gap));
        }
    }

    fn check(&mut self, served: &Served) {
        let (status, state) = served.ask("GET", "/api/v1/state", "");
        if status != 200 || state["is_connected"] != true {
            self.faults.push(format!("it does not live: {status} {state}"));
        }
        let (warm, after, idle) = (self.warm, self.after, self.idle);
        let grown = after.resident.saturating_sub(warm.resident);
        if grown > MOST_GROWTH {
            self.faults.push(format!("{grown} bytes more than after the warm-up"));
        }
        if after.files > idle.files + MOST_FILES || after.threads > idle.threads + MOST_THREADS {
            self.faults.push(format!("{after:?} in place of {idle:?}"));
        }
        for sample in ["listeners_moved_forward_total", "listeners_dropped_slow_total"] {
            let metrics = metrics(served);
            let name = format!("musicdb_stream_{sample} ");
            match metrics.lines().find_map(|line| line.strip_prefix(&name)) {
                Some("0") => {}
                other => self.faults.push(format!("{sample}: {other:?}")),
            }
        }
        let log = fs::read_to_string(served.data.with_extension("log")).unwrap_or_default();
        self.faults.extend(log.lines().filter(|line| line.contains("panicked")).map(str::to_owned));
    }
}

impl Footprint {
    fn of(served: &Served) -> Self {
        let proc = |name: &str| format!("/proc/{}/{name}", served.pid());
        let count = |name| fs::read_dir(proc(name)).unwrap().count();
        Self { resident: served.cost().1, files: count("fd"), threads: count("task") }
    }
}

/// Once all clients have left, or after some patience.
fn settled(served: &Served, idle: Footprint) -> Footprint {
    let begun = Instant::now();
    loop {
        let now = Footprint::of(served);
        let is_settled =
            now.files <= idle.files + MOST_FILES && now.threads <= idle.threads + MOST_THREADS;
        if is_settled || begun.elapsed() > SETTLED {
            return now;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn metrics(served: &Served) -> String {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(served.address).unwrap();
    write!(stream, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn start(home: &Path, shows: bool) -> Served {
    let music = home.join("music");
    fs::create_dir(&music).unwrap();
    for n in 0..SONGS {
        fs::write(music.join(format!("{n}.mp3")), song(Shape::default(), SONG_FRAMES + n)).unwrap();
    }
    // The MD5 of `hackme`.
    fs::write(home.join("listeners"), "ann:23b4222d2613a2765d4d432d2d65e88e\n").unwrap();
    let config = home.join("ordeal.toml");
    let live = if shows { "takeover" } else { "deny" };
    let text = format!(
        "[server]\nlive = \"{live}\"\nsource_password = \"{SOURCE}\"\nadmin_password = \"{ADMIN}\"\nrelay_password = \"{RELAY}\"\n\
         [randy]\nmin_song_length = 0\n\
         [[mount]]\nname = \"/locked\"\nfallback = \"/stream\"\nlistener_file = \"listeners\"\n"
    );
    fs::write(&config, text).unwrap();
    let arguments = ["--play", "--music", music.to_str().unwrap()];
    let global = ["-q", "--config", config.to_str().unwrap()];
    let served = Served::start(&home.join("data"), &arguments, &global);
    served.wait_for(Duration::from_secs(20), |state| state["is_playing"] == true);
    let is_over =
        |_: &serde_json::Value| served.ask("GET", "/api/v1/scan", "").1["running"] == false;
    served.wait_for(Duration::from_secs(20), is_over);
    served
}
