//! The whole stream inside this process: started, commanded, listened to and stopped.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use musicdb_stream::{
    AudioStream,
    command::CommandError,
    config::{Config, Start},
    event::Event,
    stream::StartError,
    subscribers::{EventReceiver, ReceiveError},
};
use tempfile::TempDir;

use crate::support::{
    mp3::{self, Shape},
    record::{Recorder, Songs},
};

const PATIENCE: Duration = Duration::from_secs(10);

/// A music folder and a data directory of one test.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new(songs: u32) -> Self {
        let home = Self { folder: TempDir::new().unwrap() };
        fs::create_dir(home.path("music")).unwrap();
        for song in 0..songs {
            home.add(song, 400 + song);
        }
        home
    }

    /// A song of so many frames; the count makes it differ from the others.
    fn add(&self, song: u32, frames: u32) {
        let shape = Shape::streams().next().unwrap();
        fs::write(self.path("music").join(format!("{song}.mp3")), mp3::song(shape, frames))
            .unwrap();
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self, start: Start) -> Config {
        let mut config = Config::default();
        config.directories.music = self.path("music");
        config.directories.data = self.path("data");
        config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.stream.start = start;
        config
    }

    fn start(&self, start: Start) -> AudioStream {
        AudioStream::start(self.config(start)).unwrap()
    }
}

fn wait_for(events: &EventReceiver, wanted: impl Fn(&Event) -> bool) -> Event {
    let end = Instant::now() + PATIENCE;
    loop {
        let event =
            events.recv_timeout(end.saturating_duration_since(Instant::now())).unwrap().event;
        if wanted(&event) {
            return event;
        }
    }
}

/// A stream that plays, and its events from before it did.
fn playing(home: &Home) -> (AudioStream, EventReceiver) {
    let stream = home.start(Start::Playing);
    let events = stream.manager().subscribe();
    if !stream.manager().stream_state().is_playing {
        wait_for(&events, |e| matches!(e, Event::StatusChanged { is_playing: true, .. }));
    }
    (stream, events)
}

fn get(address: SocketAddr, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(socket, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    socket
}

fn answer(address: SocketAddr, path: &str) -> String {
    let mut text = String::new();
    get(address, path).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_folder_of_songs_becomes_a_radio_and_a_listener_hears_their_own_frames() {
    let home = Home::new(3);
    let (stream, _events) = playing(&home);
    let recorder = Recorder::start(stream.address(), "/stream");
    let manager = stream.manager();
    while recorder.received() < 60_000 {
        let ack = manager.play_next_song().unwrap();
        ack.wait(PATIENCE).unwrap().unwrap();
    }
    stream.stop().unwrap();
    let paths: Vec<_> = (0..3).map(|song| home.path("music").join(format!("{song}.mp3"))).collect();
    let verdict = Songs::read(&paths).compare(&recorder.stop());
    assert_eq!((verdict.foreign_bytes, verdict.repeated), (0, 0), "{verdict:?}");
    assert!(verdict.song_frames > 20 && verdict.gaps.is_empty(), "{verdict:?}");
}

#[test]
fn item_05_songs_follow_each_other_whole_and_each_counts_once() {
    let home = Home::new(0);
    for song in 0..3 {
        home.add(song, 50 + song);
    }
    let (stream, events) = playing(&home);
    let recorder = Recorder::start(stream.address(), "/stream");
    for _ in 0..4 {
        wait_for(&events, |e| matches!(e, Event::SongChanged { .. }));
    }
    let (played, history) = stream.manager().library().history(10, 0).unwrap();
    assert!((3..=5).contains(&played), "{history:?}");
    stream.stop().unwrap();
    let paths: Vec<_> = (0..3).map(|song| home.path("music").join(format!("{song}.mp3"))).collect();
    let verdict = Songs::read(&paths).compare(&recorder.stop());
    assert_eq!(
        (verdict.foreign_bytes, verdict.repeated, verdict.cut_songs),
        (0, 0, 0),
        "{verdict:?}"
    );
    assert!(verdict.whole_songs >= 2 && verdict.gaps.is_empty(), "{verdict:?}");
}

#[test]
fn item_18_stop_takes_under_a_second_in_every_state() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = nobody.local_addr().unwrap();
    type Begin<'a> = &'a dyn Fn(&Home) -> AudioStream;
    let states: [(&str, Begin<'_>); 5] = [
        ("playing", &|home| playing(home).0),
        ("paused", &|home| home.start(Start::Paused)),
        ("empty", &|home| {
            fs::remove_dir_all(home.path("music")).unwrap();
            home.start(Start::Playing)
        }),
        ("icecast is silent", &|home| {
            let mut config = home.config(Start::Playing);
            config.icecast.enabled = true;
            config.icecast.host = "127.0.0.1".into();
            config.icecast.port = silent.port();
            config.icecast.password = "x".into();
            AudioStream::start(config).unwrap()
        }),
        ("a listener takes nothing", &|home| {
            let (stream, _) = playing(home);
            std::mem::forget(get(stream.address(), "/stream"));
            stream
        }),
    ];
    for (state, start) in states {
        let home = Home::new(2);
        let stream = start(&home);
        let (address, manager) = (stream.address(), stream.manager());
        let events = manager.subscribe();
        let mut listener = get(address, "/stream");
        listener.read_exact(&mut [0]).unwrap();
        let began = Instant::now();
        stream.stop().unwrap();
        assert!(began.elapsed() < Duration::from_secs(1), "{state}: {:?}", began.elapsed());
        let mut last = None;
        let ended = loop {
            match events.recv_timeout(PATIENCE) {
                Ok(envelope) => {
                    if let Event::StatusChanged { is_connected, is_playing } = envelope.event {
                        last = Some((is_connected, is_playing));
                    }
                }
                Err(ended) => break ended,
            }
        };
        assert_eq!((ended, last), (ReceiveError::Closed, Some((false, false))), "{state}");
        assert_eq!(manager.play(true).unwrap_err(), CommandError::NotRunning, "{state}");
        assert!(!manager.stream_state().is_playing, "{state}");
        listener.read_to_end(&mut Vec::new()).unwrap();
        assert!(TcpStream::connect(address).is_err(), "{state}: the port is closed");
    }
}

#[test]
fn start_stop_start_again_keeps_queue_and_position() {
    let home = Home::new(5);
    let (stream, events) = playing(&home);
    stream.wait_for_scan(PATIENCE);
    wait_for(&events, |e| matches!(e, Event::TimeChanged { seconds } if *seconds > 0.5));
    stream.stop().unwrap();
    let mut stored = None;
    for _ in 0..3 {
        let stream = home.start(Start::Resume);
        let queue = stream.manager().queue().entries().unwrap();
        let ids: Vec<_> = queue.entries.iter().map(|entry| entry.entry_id).collect();
        let (now, events) = (stream.manager().now_playing(), stream.manager().subscribe());
        if now.entry_id.is_none() {
            wait_for(&events, |e| matches!(e, Event::TimeChanged { .. }));
        }
        let now = stream.manager().now_playing();
        assert_eq!(now.entry_id, Some(ids[0]));
        assert!(now.position_seconds > 0.4, "{}", now.position_seconds);
        assert_eq!(*stored.get_or_insert(ids.clone()), ids);
        stream.stop().unwrap();
    }
}

#[test]
fn it_starts_stops_and_drops_inside_an_async_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let home = Home::new(2);
        let stream = home.start(Start::Playing);
        stream.manager().play(false).unwrap();
        stream.stop().unwrap();
        drop(home.start(Start::Playing));
    });
}

/// A lock file that can be held and emptied, and takes no URL.
#[cfg(target_os = "linux")]
#[test]
fn a_start_that_fails_at_its_last_step_leaves_no_port_open() {
    let home = Home::new(0);
    fs::create_dir(home.path("data")).unwrap();
    std::os::unix::fs::symlink("/proc/self/oom_score_adj", home.path("data/server.lock")).unwrap();
    let mut config = home.config(Start::Paused);
    let free = TcpListener::bind("127.3.5.7:0").unwrap().local_addr().unwrap();
    config.server.listen = free;
    let error = AudioStream::start(config).unwrap_err();
    assert!(matches!(error, StartError::DataDir(_)), "{error}");
    TcpListener::bind(free).unwrap();
}

#[test]
fn callbacks_that_panic_or_block_cost_the_audio_nothing() {
    let home = Home::new(2);
    let (stream, _) = playing(&home);
    let manager = stream.manager();
    manager.register_callback(|_| panic!("a callback of a test"));
    let (release, held) = mpsc::channel::<()>();
    let seen = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&seen);
    let id = manager.register_callback(move |_| {
        *counter.lock().unwrap() += 1;
        let _ = held.recv();
    });
    let before = manager.relay().next_frame();
    let events = manager.subscribe();
    for _ in 0..2 {
        wait_for(&events, |e| matches!(e, Event::TimeChanged { .. }));
    }
    assert!(manager.relay().next_frame() > before + 30);
    assert_eq!(*seen.lock().unwrap(), 1);
    drop(release);
    assert!(manager.remove_callback(id));
    assert!(!manager.remove_callback(id));
    stream.stop().unwrap();
}

#[test]
fn item_20_disabled_answers_404_refuses_commands_and_tells_zero() {
    let home = Home::new(2);
    let mut config = home.config(Start::Playing);
    config.debug.disable_icecast = true;
    config.icecast.enabled = true;
    let stream = AudioStream::start(config).unwrap();
    let (manager, events) = (stream.manager(), stream.manager().subscribe());
    assert_eq!(manager.play(true).unwrap_err(), CommandError::Disabled);
    assert_eq!(manager.play_next_song().unwrap_err(), CommandError::Disabled);
    let told = wait_for(&events, |e| matches!(e, Event::TimeChanged { .. }));
    assert_eq!(told, Event::TimeChanged { seconds: 0.0 });
    assert!(answer(stream.address(), "/stream").starts_with("HTTP/1.0 404"));
    assert!(answer(stream.address(), "/api/v1/state").contains("\"is_connected\":false"));
    assert_eq!(manager.relay().next_frame(), 0);
    stream.stop().unwrap();
}

#[test]
fn a_second_stream_on_the_same_data_or_port_is_told_why_not() {
    let home = Home::new(1);
    let first = home.start(Start::Paused);
    let again = AudioStream::start(home.config(Start::Paused)).unwrap_err();
    assert!(matches!(again, StartError::DataDir(_)), "{again}");
    assert!(again.to_string().contains(first.url()), "{again}");
    let other = Home::new(1);
    let mut config = other.config(Start::Paused);
    config.server.listen = first.address();
    let taken = AudioStream::start(config).unwrap_err();
    assert!(matches!(taken, StartError::Server(_)), "{taken}");
    assert!(taken.to_string().contains(&first.address().to_string()), "{taken}");
    first.stop().unwrap();
    other.start(Start::Paused).stop().unwrap();
}

#[test]
fn a_station_without_music_is_silent_and_the_first_song_wakes_it() {
    let home = Home::new(0);
    let stream = home.start(Start::Playing);
    let (manager, events) = (stream.manager(), stream.manager().subscribe());
    stream.wait_for_scan(PATIENCE);
    let mut listener = get(stream.address(), "/stream");
    let mut byte = [0];
    listener.read_exact(&mut byte).unwrap();
    assert!(!manager.stream_state().is_playing);
    home.add(0, 500);
    let request = format!("{{\"folders\":[{:?}]}}", home.path("music"));
    let token = fs::read_to_string(home.path("data").join("control.token")).unwrap();
    assert_eq!(post(stream.address(), "/api/v1/scan", &token, &request), 202);
    wait_for(&events, |e| matches!(e, Event::StatusChanged { is_playing: true, .. }));
    stream.stop().unwrap();
}

fn post(address: SocketAddr, path: &str, token: &str, body: &str) -> u16 {
    let mut socket = TcpStream::connect(address).unwrap();
    let token = token.trim();
    let len = body.len();
    write!(socket, "POST {path} HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {len}\r\n\r\n{body}").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn item_16_files_and_rows_that_go_while_it_runs_are_skipped_and_it_lives_on() {
    let home = Home::new(6);
    let (stream, events) = playing(&home);
    stream.wait_for_scan(PATIENCE);
    for song in 1..6 {
        fs::remove_file(home.path("music").join(format!("{song}.mp3"))).unwrap();
    }
    delete_song(&home.path("data"), 2);
    for _ in 0..4 {
        stream.manager().play_next_song().unwrap().wait(PATIENCE).unwrap();
    }
    wait_for(&events, |e| matches!(e, Event::SongUnplayable { .. }));
    let (frames, later) = (stream.manager().relay().next_frame(), stream.manager().subscribe());
    for _ in 0..2 {
        wait_for(&later, |e| matches!(e, Event::TimeChanged { .. }));
    }
    assert!(stream.manager().relay().next_frame() > frames);
    assert_eq!(stream.manager().library().history(10, 0).unwrap().0, 0);
    stream.stop().unwrap();
}

/// Removes a song's row behind the program's back.
fn delete_song(data: &Path, id: i64) {
    let file = data.join("musicdb-stream.db");
    let database = rusqlite::Connection::open(file).unwrap();
    database.busy_timeout(PATIENCE).unwrap();
    assert_eq!(database.execute("DELETE FROM songs WHERE id = ?1", [id]).unwrap(), 1);
}
