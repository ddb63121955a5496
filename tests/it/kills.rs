//! The real program, killed with -9 at random moments: queue, wish, history and position are there
//! again, held against a model of the queue and against what had arrived at a source socket.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    ear::{Ear, Mark, Memory, marked_song},
    ledger::{Edit, Ledger},
    served::{Remote, Served},
};

const PATIENCE: Duration = Duration::from_secs(10);
const SONGS: u32 = 40;
/// Frames in a second of these songs; less than one frame is left over.
const SECOND: u32 = 38;
const FRAME_SECONDS: f64 = 1152.0 / 44_100.0;
/// Rows of the history that are compared: more than any run adds.
const ROWS: usize = 60;

/// How many kills: MUSICDB_KILLS, else a slice.
fn kills() -> usize {
    std::env::var("MUSICDB_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(30)
}

/// 1.5 to 4.7 s, so that many end before they are skipped.
fn length(song: u32) -> u32 {
    60 + song * 37 % 120
}

/// What the program is started on, run after run.
struct Ground {
    ear: Ear,
    home: TempDir,
}

/// What is known of the state before a run.
struct Before {
    /// The frame of which song comes next.
    at: Mark,
    history: (usize, Vec<String>),
    /// Frames that the ear had heard.
    heard: usize,
}

#[derive(Debug, Default)]
struct Figures {
    /// How many frames were heard once more.
    repeated: Vec<f64>,
    restarts: Vec<f64>,
    unanswered: usize,
    answered: usize,
    played: usize,
    early: usize,
}

impl Ground {
    fn new() -> Self {
        let (ear, home) = (Ear::start(), TempDir::new().unwrap());
        fs::create_dir(home.path().join("music")).unwrap();
        for song in 0..SONGS {
            let file = home.path().join(format!("music/{song}.mp3"));
            fs::write(file, marked_song(song, length(song))).unwrap();
        }
        fs::write(home.path().join("kills.toml"), ear.table()).unwrap();
        Self { ear, home }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn start(&self) -> Served {
        let (music, config) = (self.path("music"), self.path("kills.toml"));
        let global = ["--config", config.to_str().unwrap()];
        Served::start(&self.path("data"), &["--music", music.to_str().unwrap()], &global)
    }

    /// Waits until all that was sent has arrived.
    fn settle(&self) {
        let ended = |memory: &Memory| memory.ended.iter().all(|ended| *ended).then_some(());
        self.ear.wait("the end of what was killed", ended);
    }

    /// The first frame of a song that this run sends, or the place where it is paused.
    fn resumed(&self, served: &Served, visits: usize, state: &Value) -> Mark {
        if state["wanted"] == true {
            return self.ear.wait("the music", |memory| {
                let frames = memory.frames.iter().rev().take_while(|heard| heard.visit >= visits);
                frames.filter_map(|heard| heard.mark).last()
            });
        }
        served.wait_for(PATIENCE, |state| state["is_connected"] == true);
        let state = served.state();
        let frames = state["position_seconds"].as_f64().unwrap() / FRAME_SECONDS;
        let song = number(&state["song"]);
        // The nearest: the position is told in seconds.
        let frame = (0..length(song)).find(|frame| f64::from(*frame) + 0.5 > frames);
        Mark { song, frame: frame.unwrap_or(length(song)) }
    }
}

fn number(song: &Value) -> u32 {
    song["title"].as_str().and_then(|title| title.parse().ok()).unwrap_or_else(|| panic!("{song}"))
}

/// Edits and commands, one behind the other, until the program is `gone`.
fn meddle(
    remote: &Remote,
    mut ledger: Ledger,
    songs: &[i64],
    mut rng: SmallRng,
    gone: &Receiver<()>,
) -> (Ledger, usize) {
    let mut answers = 0;
    // Some are busy, and some let the music play.
    let longest = [5, 60, 600, 3000][rng.random_range(0..4)];
    loop {
        let gap = Duration::from_millis(rng.random_range(0..longest));
        if gone.recv_timeout(gap) != Err(RecvTimeoutError::Timeout) {
            break;
        }
        let edit = ledger.choose(songs, &mut rng);
        ledger.in_flight = Some(edit);
        let (method, path, lines, body) = ledger.request(edit);
        let Ok((status, answer)) = remote.ask(method, &path, &lines, &body) else { break };
        ledger.answered(status, &answer);
        answers += 1;
        let Ok((_, queue)) = remote.ask("GET", "/api/v1/queue", "", "") else { break };
        ledger.reconcile(&queue);
    }
    (ledger, answers)
}

/// Total and the newest rows' entries, the newest first.
fn history(served: &Served) -> (usize, Vec<String>) {
    let answer = served.ask("GET", &format!("/api/v1/history?limit={ROWS}"), "").1;
    let rows = answer["history"].as_array().unwrap();
    let ids = rows.iter().map(|row| row["entry_id"].as_str().unwrap().to_owned()).collect();
    (usize::try_from(answer["total"].as_u64().unwrap()).unwrap(), ids)
}

/// Asserts that the stream goes on where it was; returns the frames that are heard once more.
fn assert_goes_on(heard: &[Mark], from: Mark, now: Mark, may_skip: bool, what: &str) -> u32 {
    let last = heard.last().map_or(from, |mark| Mark { frame: mark.frame + 1, ..*mark });
    let ended = last.frame >= length(last.song);
    if now.song == last.song && !(now.frame == 0 && last.frame > SECOND && may_skip) {
        assert!(now.frame <= last.frame, "{what}: {now:?} after {last:?}");
        let repeated = last.frame - now.frame;
        assert!(repeated <= SECOND, "{what}: {now:?}, {repeated} frames before {last:?}");
        return repeated;
    }
    if now.frame == 0 {
        assert!(ended || may_skip, "{what}: {now:?} after {last:?}, which nobody skipped");
        return 0;
    }
    // The next song had begun when it was not on disk yet that the one before was over.
    let before = heard.iter().rev().find(|mark| mark.song != last.song);
    let before = before.filter(|mark| mark.song == now.song);
    let before = before.unwrap_or_else(|| panic!("{what}: {now:?} after {last:?}"));
    let repeated = (before.frame + 1).saturating_sub(now.frame) + last.frame;
    assert!(repeated <= SECOND, "{what}: {now:?}, {repeated} frames before {last:?}");
    repeated
}

#[test]
#[ignore = "slow: thirty kills"]
fn item_11_no_kill_loses_or_doubles_an_entry_and_the_song_goes_on_within_a_second() {
    let ground = Ground::new();
    let seed = std::env::var("MUSICDB_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(rand::random);
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut served = ground.start();
    while served.ask("GET", "/api/v1/songs?limit=1", "").1["total"] != SONGS {
        thread::sleep(Duration::from_millis(20));
    }
    let songs = served.ask("GET", "/api/v1/songs?limit=100", "").1;
    let songs: Vec<i64> = songs["songs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|song| song["id"].as_i64().unwrap())
        .collect();
    let mut before = Before {
        at: ground.resumed(&served, 0, &served.state()),
        history: history(&served),
        heard: 0,
    };
    let mut ledger = Ledger::new(&served.ask("GET", "/api/v1/queue", "").1, true);
    let (mut figures, began) = (Figures::default(), Instant::now());
    for kill in 0..kills() {
        let what = format!("seed {seed}, kill {kill}");
        let (remote, hand) = (served.remote(), SmallRng::from_rng(&mut rng));
        let meddler = thread::scope(|scope| {
            let (alive, gone) = bounded(0);
            let (remote, songs) = (&remote, &songs);
            let meddler = scope.spawn(move || meddle(remote, ledger, songs, hand, &gone));
            let longest = if rng.random_ratio(2, 5) { 2500 } else { 500 };
            thread::sleep(Duration::from_millis(rng.random_range(0..longest)));
            served.kill();
            drop::<Sender<()>>(alive);
            meddler.join()
        });
        let (mut told, answers) = meddler.unwrap_or_else(|_| panic!("{what}: see above"));
        ground.settle();
        if rng.random_ratio(1, 10) {
            figures.early += 1;
            ground.start().kill();
            ground.settle();
        }
        let visits = ground.ear.look(|memory| memory.ended.len());
        let began = Instant::now();
        served = ground.start();
        figures.restarts.push(began.elapsed().as_secs_f64() * 1e3);
        let state = served.state();
        let now = ground.resumed(&served, visits, &state);
        // In this order: an entry that ends between the two is in neither.
        let rows = history(&served);
        let queue = served.ask("GET", "/api/v1/queue", "").1;

        let heard: Vec<Mark> = ground.ear.look(|memory| {
            let run = memory.frames[before.heard..].iter().take_while(|heard| heard.visit < visits);
            run.filter_map(|heard| heard.mark).collect()
        });
        let ends = ground.ear.look(|memory| {
            let all = memory.frames[before.heard..].iter().filter_map(|heard| heard.mark);
            all.filter(|mark| mark.frame + 1 == length(mark.song)).count()
        });
        // What was wanted, and the queue.
        let unanswered = told.in_flight;
        let open: Vec<Edit> = told.accepted.iter().copied().chain(unanswered).collect();
        let wanted = state["wanted"].as_bool().unwrap();
        assert!(
            wanted == told.wanted || open.contains(&Edit::Play(wanted)),
            "{what}: {wanted} is wanted, not {}, {open:?}",
            told.wanted
        );
        told.reconcile(&queue);
        let skips = told.skips + open.iter().filter(|edit| **edit == Edit::Next).count();
        if let Some(gone) = told.gone {
            let possible = told.skips..=skips + ends;
            assert!(possible.contains(&gone), "{what}: {gone} entries gone, not {possible:?}");
        }
        // The history: every row that was there, and only songs that were heard to their end.
        let new = rows.0.checked_sub(before.history.0).unwrap_or_else(|| panic!("{what}: lost"));
        let kept = before.history.1.len().min(ROWS - new);
        assert_eq!(rows.1[new..new + kept], before.history.1[..kept], "{what}");
        assert!(new <= ends && ends <= new + skips + 1, "{what}: {new} rows for {ends} songs");
        let doubled = rows.1.iter().enumerate().find(|(place, row)| {
            rows.1[..*place].contains(row) || told.ids().contains(&row.as_str())
        });
        assert_eq!(doubled, None, "{what}");
        // The sound.
        figures.repeated.push(f64::from(assert_goes_on(&heard, before.at, now, skips > 0, &what)));
        figures.unanswered += usize::from(unanswered.is_some());
        figures.answered += answers;
        figures.played += new;
        let heard = ground.ear.look(|memory| {
            memory
                .frames
                .iter()
                .position(|heard| heard.visit >= visits)
                .unwrap_or(memory.frames.len())
        });
        before = Before { at: now, history: rows, heard };
        ledger = Ledger::new(&queue, wanted);
    }
    figures.print(began.elapsed());
    let (took, status) = served.terminate();
    assert!(took < Duration::from_secs(1) && status.success(), "{took:?}, {status}");
}

impl Figures {
    fn print(&self, took: Duration) {
        let kills = self.repeated.len();
        let repeated: Vec<f64> = self.repeated.iter().map(|n| n * FRAME_SECONDS * 1e3).collect();
        let three = |values: &[f64]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f64::total_cmp);
            let at = |percent| sorted[((sorted.len() - 1) * percent + 50) / 100];
            format!("{:.0}, {:.0}, {:.0}", at(50), at(90), at(100))
        };
        println!("| kills | {kills} |");
        println!("| of them followed by one more while it starts | {} |", self.early);
        println!("| edits and commands answered before | {} |", self.answered);
        println!("| kills with one that was not answered | {} |", self.unanswered);
        println!("| songs heard to their end, each once in the history | {} |", self.played);
        println!("| queues damaged, entries lost or doubled | 0 |");
        println!("| heard once more, ms: median, p90, worst | {} |", three(&repeated));
        println!("| start to banner, ms: median, p90, worst | {} |", three(&self.restarts));
        println!("| seconds for one kill | {:.2} |", took.as_secs_f64() / kills as f64);
    }
}
