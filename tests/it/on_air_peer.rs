//! The whole program on air through a real icecast2: what a listener recorded, against the songs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use musicdb_stream::mpeg::Header;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use tempfile::TempDir;

use crate::support::{
    record::{Recorder, Songs, Take, Verdict},
    served::Served,
    shared::shared,
    tools::{Icecast, SOURCE_PASSWORD},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// The program, its Icecast, and someone who records what Icecast sends.
pub(super) struct OnAir {
    pub(super) icecast: Icecast,
    pub(super) served: Served,
    pub(super) recorder: Recorder,
    pub(super) music: PathBuf,
    home: TempDir,
}

impl OnAir {
    /// Nothing where there is no music beside the checkout.
    pub(super) fn start() -> Option<Self> {
        let music = shared("music")?;
        let icecast = Icecast::start();
        let home = TempDir::new().unwrap();
        let config = home.path().join("air.toml");
        let port = icecast.address.port();
        let text = format!(
            "[icecast]\nenabled = true\nhost = \"127.0.0.1\"\nport = {port}\npassword = \"{SOURCE_PASSWORD}\"\n"
        );
        fs::write(&config, text).unwrap();
        let arguments = ["--play", "--music", music.to_str().unwrap()];
        let global = ["--config", config.to_str().unwrap()];
        let served = Served::start(&home.path().join("data"), &arguments, &global);
        let recorder = Recorder::start(icecast.address, "/stream");
        let mut air = Self { icecast, served, recorder, music, home };
        air.wait_until_it_plays(Instant::now());
        Some(air)
    }

    /// Starts Icecast again and waits until the program plays to it: how long that took after it first
    /// accepted.
    pub(super) fn come_back(&mut self) -> Duration {
        let accepts = self.icecast.start_again();
        self.wait_until_it_plays(accepts)
    }

    /// Waits until the program plays to an Icecast that was started: how long that took since it
    /// `accepts`. One that crashes at its start by its own fault is started once more, and said so.
    fn wait_until_it_plays(&mut self, mut accepts: Instant) -> Duration {
        let end = Instant::now() + PATIENCE;
        loop {
            while !self.icecast.has_crashed() {
                let state = self.served.state();
                if state["is_playing"] == true {
                    return accepts.elapsed();
                }
                assert!(Instant::now() < end, "not playing again in {PATIENCE:?}: {state}");
                std::thread::sleep(Duration::from_millis(10));
            }
            println!("icecast2 crashed at its start, by its own fault, and was started once more");
            accepts = self.icecast.start_again();
        }
    }

    /// Ends everything and holds the recording against the songs.
    pub(super) fn finish(self) -> (Verdict, Vec<Take>) {
        let takes = self.recorder.stop();
        self.served.terminate();
        let songs: Vec<_> = fs::read_dir(&self.music).unwrap().map(|e| e.unwrap().path()).collect();
        let verdict = Songs::read(&songs).compare(&takes);
        println!("{verdict:?}");
        (verdict, takes)
    }
}

/// Frames of a recording that may miss what they point back to: those before a frame's worth of main
/// data has come.
const FRAMES_OF_A_JOIN: usize = 3;

/// How long the test with play, pause, next and kills runs: MUSICDB_AIR_SECONDS, else a slice.
fn air_time() -> Duration {
    let seconds = std::env::var("MUSICDB_AIR_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(75))
}

#[test]
#[ignore = "needs icecast2, ffmpeg and mpg123"]
fn play_pause_next_and_kills_leave_the_songs_frames_whole_and_in_order() {
    let Some(mut air) = OnAir::start() else { return };
    let seed = rand::random();
    println!("seed {seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let (began, length) = (Instant::now(), air_time());
    let mut kills = vec![length / 3, length * 2 / 3];
    let mut skips = 0;
    while began.elapsed() < length {
        if kills.first().is_some_and(|at| began.elapsed() > *at) {
            kills.remove(0);
            air.served.play(true);
            air.served.wait_for(PATIENCE, |state| state["is_playing"] == true);
            air.icecast.kill();
            air.served.wait_for(PATIENCE, |state| state["is_connected"] == false);
            std::thread::sleep(Duration::from_secs(3));
            air.come_back();
        }
        match rng.random_range(0..10) {
            0 => {
                skips += 1;
                air.served.next();
            }
            1..4 => drop(air.served.play(false)),
            _ => drop(air.served.play(true)),
        }
        std::thread::sleep(Duration::from_millis(rng.random_range(50..4000)));
    }
    let home = air.home.path().to_owned();
    let kept = tempfile::tempdir_in(home.parent().unwrap()).unwrap();
    let (verdict, takes) = air.finish();
    assert_eq!(verdict.foreign_bytes, 0);
    assert_eq!(verdict.repeated, 0);
    assert!(verdict.cut_songs <= skips, "{} songs cut by {skips} skips", verdict.cut_songs);
    // Only the two kills may lose anything.
    assert!(verdict.gaps.len() <= 2, "{:?}", verdict.gaps);
    assert!(verdict.gaps.iter().all(|gap| gap.is_what_a_kill_may_cost()), "{:?}", verdict.gaps);
    for (index, take) in takes.iter().enumerate() {
        let file = kept.path().join(format!("{index}.mp3"));
        fs::write(&file, up_to_a_frame_edge(&take.bytes)).unwrap();
        decoders_are_content(&file);
    }
}

/// A kill, or our own stop, cuts the recording anywhere in a frame; ffmpeg calls one to three bytes
/// at the end invalid data. The decoders get it up to the last whole frame.
fn up_to_a_frame_edge(bytes: &[u8]) -> &[u8] {
    let frame_at = |at: usize| {
        let head = bytes.get(at..)?.first_chunk::<4>()?;
        let end = at + Header::parse(*head).ok()?.frame_len();
        (end <= bytes.len()).then_some(end)
    };
    let joined = |at: &usize| frame_at(*at).and_then(frame_at).and_then(frame_at).is_some();
    let mut edge = (0..bytes.len()).find(joined).unwrap_or(0);
    while let Some(next) = frame_at(edge) {
        edge = next;
    }
    assert!(bytes.len() - edge < Header::MAX_FRAME_LEN, "the recording breaks at byte {edge}");
    &bytes[..edge]
}

/// mpg123 (without -q) and ffmpeg name no error: not at a resume, not at a skip. A recorder joins an
/// Icecast at any byte of its burst, so the first frames of a take may miss their reservoir.
fn decoders_are_content(file: &Path) {
    let ffmpeg = Command::new("ffmpeg")
        .args(["-nostdin", "-hide_banner", "-v", "warning", "-f", "mp3", "-i"])
        .arg(file)
        .args(["-f", "null", "-"])
        .output()
        .unwrap();
    let mpg123 = Command::new("mpg123").arg("-t").arg(file).output().unwrap();
    for (name, output) in [("ffmpeg", ffmpeg), ("mpg123", mpg123)] {
        let text = String::from_utf8_lossy(&output.stderr);
        let complaints: Vec<&str> = text.lines().filter(|line| is_complaint(line)).collect();
        let (reservoir, other): (Vec<&str>, Vec<&str>) =
            complaints.into_iter().partition(|line| is_about_the_reservoir(line));
        println!("{name}: {} about the reservoir, {other:?}", reservoir.len());
        assert!(other.is_empty(), "{name}: {other:?}");
        assert!(reservoir.len() <= FRAMES_OF_A_JOIN, "{name}: {reservoir:?}");
    }
}

fn is_complaint(line: &str) -> bool {
    let line = line.to_lowercase();
    ["error", "invalid", "warning", "resync", "junk", "missing", "skip", "overread", "hit end"]
        .iter()
        .any(|word| line.contains(word))
}

/// What the decoders say where a frame points back to data that was not sent.
fn is_about_the_reservoir(line: &str) -> bool {
    ["backstep", "overread", "missing", "bits", "part2_3", "reservoir", "reverse", "dequantization"]
        .iter()
        .any(|word| line.contains(word))
}

#[test]
#[ignore = "needs icecast2"]
fn a_long_pause_keeps_the_listener_at_the_songs_bytes_per_second() {
    let Some(air) = OnAir::start() else { return };
    let state = air.served.state();
    air.served.play(false);
    let from = air.recorder.received();
    std::thread::sleep(Duration::from_secs(61));
    let to = air.recorder.received();
    assert_eq!(air.recorder.connections(), 1);
    assert_eq!(air.served.state()["song"]["id"], state["song"]["id"]);
    let title = state["song"]["title"].as_str().unwrap().to_owned();
    let (home, music) = (air.home.path().to_owned(), air.music.clone());
    let (_, takes) = air.finish();
    let file = fs::read_dir(music).unwrap().map(|e| e.unwrap().path());
    let song = file
        .into_iter()
        .find(|p| p.file_stem().unwrap().to_str() == Some(&title) || matches_title(p, &title));
    let report = musicdb_stream::mpeg::walk(fs::File::open(song.unwrap()).unwrap()).unwrap();
    drop(home);
    // Frames of the pause, from a second after it began to a second before its end.
    let bytes = &takes[0].bytes[..to.min(takes[0].bytes.len())];
    let mean = report.audio_bytes as f64 / report.duration.as_duration().as_secs_f64();
    // The burst of Icecast and the blocks that it hands on are behind us after that.
    let silent = silent_lengths(bytes, from + 64 * 1024);
    // 2 s at 44.1 kHz are 77 frames.
    let in_two_seconds = 77;
    let wanted = mean * 77.0 * 1152.0 / 44_100.0;
    for window in silent.windows(in_two_seconds) {
        let sum: usize = window.iter().sum();
        assert!((sum as f64 / wanted - 1.0).abs() < 0.01, "{sum} bytes, {wanted:.0} wanted");
    }
    assert!(silent.len() > 45 * 38, "{} silent frames", silent.len());
}

fn matches_title(path: &Path, title: &str) -> bool {
    let bytes = fs::read(path).unwrap();
    bytes.windows(title.len()).take(4096).any(|window| window == title.as_bytes())
}

/// Lengths of the frames from `from` on that are forged silence, as long as they follow each other.
fn silent_lengths(bytes: &[u8], from: usize) -> Vec<usize> {
    let mut at = from;
    let mut lengths = Vec::new();
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let frame = Header::parse(*head).ok().and_then(|h| bytes.get(at..at + h.frame_len()));
        match frame.filter(|frame| musicdb_stream::mpeg::is_silent_forgery(frame)) {
            Some(frame) => {
                lengths.push(frame.len());
                at += frame.len();
            }
            None if lengths.is_empty() => at += 1,
            None => break,
        }
    }
    lengths
}

/// Down for 3 s and for 20 s, as MusicDB's users would see when they restart Icecast.
#[test]
#[ignore = "needs icecast2"]
fn an_icecast_that_comes_back_gets_the_stream_within_a_second_at_the_held_frame() {
    let Some(mut air) = OnAir::start() else { return };
    let outages = std::env::var("MUSICDB_OUTAGES").ok().and_then(|n| n.parse().ok()).unwrap_or(2);
    for outage in 0..outages {
        let down = if outage % 2 == 0 { 3 } else { 20 };
        std::thread::sleep(Duration::from_secs(2));
        air.icecast.kill();
        air.served.wait_for(PATIENCE, |state| state["is_connected"] == false);
        std::thread::sleep(Duration::from_millis(300));
        let held = air.served.state()["position_seconds"].as_f64().unwrap();
        std::thread::sleep(Duration::from_secs(down));
        let took = air.come_back();
        let position = air.served.state()["position_seconds"].as_f64().unwrap();
        println!(
            "down {down} s: playing {took:?} after it accepts; held {held:.2} s, now {position:.2} s"
        );
        assert!(took < Duration::from_secs(1), "{took:?} after {down} s");
        assert!(position < held + 2.0, "held {held}, now {position}");
    }
    std::thread::sleep(Duration::from_secs(3));
    let (verdict, _) = air.finish();
    assert_eq!((verdict.foreign_bytes, verdict.repeated), (0, 0));
    assert!(verdict.gaps.iter().all(|gap| gap.is_what_a_kill_may_cost()), "{:?}", verdict.gaps);
    assert!(verdict.gaps.len() <= outages, "{:?}", verdict.gaps);
}
