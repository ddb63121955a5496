//! A live show on the station's own mount: who is heard when, to the frame, with the real program.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use musicdb_stream::mpeg::Header;

use crate::support::{
    ear::{Mark, marked_song},
    home::Home,
    mp3::{Shape, frames},
    record::{Recorder, Take},
    served::Served,
    source::{Source, get},
};

/// The song that the show plays; the station has those below.
const SHOW: u32 = 100;
const SOON: Duration = Duration::from_secs(5);

/// A station with one long song whose frames tell what they are.
struct Studio {
    _home: Home,
    data: PathBuf,
    served: Served,
    recorder: Recorder,
}

fn settings(lines: &str) -> String {
    format!("[server]\nsource_password = \"source-secret\"\n{lines}")
}

impl Studio {
    fn open(lines: &str) -> Self {
        let home = Home::new();
        home.file("Music/0.mp3", &marked_song(0, 8000));
        let config = home.file("c.toml", settings(lines).as_bytes());
        let data = home.data();
        fs::create_dir_all(&data).unwrap();
        let served = start(&home, &data, &config);
        let recorder = Recorder::start(served.address, "/stream?burst=0");
        let studio = Self { _home: home, data, served, recorder };
        studio.until(SOON, "the station plays", |state| state["is_playing"] == true);
        studio.hear(60_000);
        studio
    }

    fn address(&self) -> SocketAddr {
        self.served.address
    }

    fn until(&self, patience: Duration, _what: &str, wanted: impl Fn(&serde_json::Value) -> bool) {
        self.served.wait_for(patience, wanted);
    }

    /// Waits until so many more bytes were heard.
    fn hear(&self, bytes: usize) {
        let from = self.recorder.received();
        crate::support::radio::wait_until("more is heard", || {
            self.recorder.received() >= from + bytes
        });
    }

    fn title(&self) -> String {
        let (head, body) = get(self.address(), "/status-json.xsl");
        assert!(head.starts_with("HTTP/1.0 200 "), "{head}");
        let status: serde_json::Value = serde_json::from_str(&body).unwrap();
        status["icestats"]["source"]["title"].as_str().unwrap_or_default().to_owned()
    }

    /// All that was heard, frame by frame.
    fn close(self) -> Vec<Option<Mark>> {
        let takes = self.recorder.stop();
        assert_eq!(takes.len(), 1, "nobody was disconnected");
        assert!(self.data.exists());
        marks(&takes[0])
    }
}

fn start(home: &Home, data: &Path, config: &Path) -> Served {
    let music = home.path("Music");
    let global = ["--config", config.to_str().unwrap()];
    Served::start(data, &["--music", music.to_str().unwrap(), "--play"], &global)
}

/// Each frame of a recording: what it is, or that it is silence. There is nothing else in it.
fn marks(take: &Take) -> Vec<Option<Mark>> {
    let (mut marks, mut rest) = (Vec::new(), take.bytes.as_slice());
    while let Some(head) = rest.first_chunk() {
        let header = Header::parse(*head).expect("only whole frames are heard");
        let Some(frame) = rest.get(..header.frame_len()) else { break };
        marks.push(Mark::of(frame));
        rest = &rest[frame.len()..];
    }
    marks
}

/// Runs of frames of the same song, each in order and without a gap: (song, first, last).
fn runs(marks: &[Option<Mark>]) -> Vec<(u32, u32, u32)> {
    let mut runs: Vec<(u32, u32, u32)> = Vec::new();
    for mark in marks.iter().flatten() {
        match runs.last_mut() {
            Some(run) if run.0 == mark.song && run.2 + 1 == mark.frame => run.2 = mark.frame,
            _ => runs.push((mark.song, mark.frame, mark.frame)),
        }
    }
    runs
}

/// The frames of the show.
fn show(count: u32) -> Vec<Vec<u8>> {
    frames_of(SHOW, count)
}

fn frames_of(song: u32, count: u32) -> Vec<Vec<u8>> {
    let (song, mut frames, mut at) = (marked_song(song, count), Vec::new(), 0);
    while let Some(head) = song[at..].first_chunk() {
        let frame = &song[at..at + Header::parse(*head).unwrap().frame_len()];
        frames.push(frame.to_vec());
        at += frame.len();
    }
    frames
}

const GROUP: usize = 4;
const PAUSE: Duration = Duration::from_millis(104);

#[test]
fn a_show_takes_over_between_two_frames_and_the_song_goes_on_where_it_was() {
    let studio = Studio::open("");
    let own_title = studio.title();
    let mut source =
        Source::of(studio.address(), "/stream", "audio/mpeg", "ice-name: Käthe live\r\n");
    let all = show(120);
    source.play(&all[..60], GROUP, PAUSE);
    let state = studio.served.state();
    assert_eq!((&state["is_connected"], &state["is_playing"]), (&true.into(), &false.into()));
    assert_eq!(state["wanted"], true);
    assert_eq!(state["outputs"][0]["reason"], "a live show is on air");
    assert_eq!(studio.title(), "Käthe live");
    let position = state["position_seconds"].clone();
    source.play(&all[60..], GROUP, PAUSE);
    assert_eq!(studio.served.state()["position_seconds"], position, "the song is held");
    source.end();
    studio.until(Duration::from_secs(1), "it goes on", |state| state["is_playing"] == true);
    assert!(studio.served.state()["outputs"][0]["reason"].is_null());
    assert_eq!(studio.title(), own_title);
    studio.hear(60_000);
    let runs = runs(&studio.close());
    let [(0, _, held), (SHOW, 0, last), (0, on, _)] = runs[..] else { panic!("{runs:?}") };
    assert_eq!((last, on), (119, held + 1), "{runs:?}");
}

#[test]
fn a_show_that_falls_silent_gives_the_station_back_until_it_sends_again() {
    let studio = Studio::open("");
    let mut source = Source::mp3(studio.address(), "/stream.mp3");
    let all = show(200);
    source.play(&all[..100], GROUP, Duration::from_millis(20));
    studio.until(SOON, "the show is on", |state| state["is_playing"] == false);
    studio.until(SOON, "the station is back", |state| state["is_playing"] == true);
    studio.hear(30_000);
    source.play(&all[100..], GROUP, Duration::from_millis(20));
    studio.until(SOON, "the show is on again", |state| state["is_playing"] == false);
    // It is killed: nothing more comes, not even an end.
    studio.until(SOON, "the station is back", |state| state["is_playing"] == true);
    studio.hear(30_000);
    let runs = runs(&studio.close());
    let [(0, _, a), (SHOW, 0, b), (0, c, d), (SHOW, e, f), (0, g, _)] = runs[..] else {
        panic!("{runs:?}")
    };
    // The last frame before each silence waits for the one behind it.
    assert_eq!((b, c, e, f, g), (98, a + 1, 99, 198, d + 1), "{runs:?}");
}

#[test]
fn the_next_show_takes_over_from_the_one_before() {
    let studio = Studio::open("");
    let mut first = Source::mp3(studio.address(), "/stream");
    first.play(&show(100), GROUP, Duration::from_millis(20));
    let mut second = Source::mp3(studio.address(), "/stream");
    second.play(&frames_of(SHOW + 1, 100), GROUP, Duration::from_millis(20));
    second.end();
    studio.until(SOON, "the station is back", |state| state["is_playing"] == true);
    studio.hear(30_000);
    let runs = runs(&studio.close());
    let [(0, _, held), first, second, (0, on, _)] = runs[..] else { panic!("{runs:?}") };
    assert_eq!((first, second), ((SHOW, 0, 99), (SHOW + 1, 0, 99)), "{runs:?}");
    assert_eq!(on, held + 1, "{runs:?}");
}

#[test]
fn a_show_without_a_frame_changes_nothing() {
    let studio = Studio::open("");
    let mut source = Source::mp3(studio.address(), "/stream");
    source.send(&frames(Shape::default(), 1).concat());
    studio.hear(60_000);
    assert_eq!(studio.served.state()["is_playing"], true);
    source.end();
    studio.hear(30_000);
    let runs = runs(&studio.close());
    assert!(matches!(runs[..], [(0, ..)]), "{runs:?}");
}

#[test]
fn pausing_and_stopping_work_while_a_show_is_on() {
    let studio = Studio::open("");
    let mut source = Source::mp3(studio.address(), "/stream");
    source.play(&show(100), GROUP, Duration::from_millis(20));
    studio.until(SOON, "the show is on", |state| state["is_playing"] == false);
    studio.served.play(false);
    source.end();
    studio.until(SOON, "it is told", |state| state["outputs"][0]["reason"].is_null());
    studio.hear(30_000);
    assert_eq!(studio.served.state()["is_playing"], false);
    let mut source = Source::mp3(studio.address(), "/stream");
    source.play(&show(100), GROUP, Duration::from_millis(20));
    let Studio { served, recorder, .. } = studio;
    let (took, status) = served.terminate();
    assert!(took < Duration::from_secs(1) && status.success(), "{took:?} {status}");
    marks(&recorder.stop()[0]);
}

#[test]
fn where_it_is_denied_the_station_stays() {
    let studio = Studio::open("live = \"deny\"\n");
    let line = "SOURCE /stream HTTP/1.0";
    let (head, _) = Source::ask(studio.address(), line, "Content-Type: audio/mpeg\r\n");
    assert!(head.starts_with("HTTP/1.0 403 "), "{head}");
    assert_eq!(studio.served.state()["is_playing"], true);
}
