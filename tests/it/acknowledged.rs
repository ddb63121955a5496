//! Acknowledged commands: the frame and the time that come back, through the library, the API and
//! the command line, are those at which a source socket heard the command.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use musicdb_stream::{
    AudioStream,
    command::Effect,
    config::{Config, Start},
    station::WaitError,
};
use tempfile::TempDir;

use crate::support::{
    ear::{Ear, Mark, marked_song},
    home::Home,
    served::Served,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Gives each command through `give`, which returns what was acknowledged, and holds that against
/// what came to the ear.
fn agree(ear: &Ear, give: impl Fn(&str) -> Effect) {
    let sounded = |mark: Option<Mark>| mark.is_some();
    let song = ear.wait("a song", |memory| memory.frames.iter().find_map(|heard| heard.mark)).song;
    // What came to the ear first is this frame of the stream: the first command tells.
    let mut first = None;
    for command in ["pause", "play", "next"] {
        let before = ear.look(|memory| memory.frames.len());
        let asked = Instant::now();
        let effect = give(command);
        let (arrived, at) = ear.wait(command, |memory| {
            let mut later = memory.frames.iter().enumerate().skip(before);
            let changed = later.find(|(_, heard)| match command {
                "pause" => !sounded(heard.mark),
                "play" => sounded(heard.mark),
                _ => heard.mark.is_some_and(|mark| mark.song != song),
            });
            changed.map(|(index, heard)| (index as u64, heard.at))
        });
        let arrived = arrived + *first.get_or_insert(effect.frame - arrived);
        assert_eq!(arrived, effect.frame, "{command}: {effect:?}");
        // It left after it was asked for, and had come before this was looked at.
        let since_asked = asked.elapsed();
        assert!(Duration::from_millis(effect.in_ms) <= since_asked && at >= asked, "{effect:?}");
    }
}

fn songs(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for song in 0..3 {
        fs::write(folder.join(format!("{song}.mp3")), marked_song(song, 2000)).unwrap();
    }
}

fn config(home: &Path) -> Config {
    let mut config = Config::default();
    config.directories.music = home.join("music");
    config.directories.data = home.join("data");
    config.server.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.stream.start = Start::Playing;
    config
}

/// A server on `home` that streams to the ear.
fn serve(home: &Home, ear: &Ear) -> Served {
    songs(&home.path("Music"));
    let config = home.file("ear.toml", ear.table().as_bytes());
    let music = home.path("Music");
    let arguments = ["--play", "--music", music.to_str().unwrap()];
    Served::start(&home.path("data"), &arguments, &["--config", config.to_str().unwrap()])
}

#[test]
fn item_08_the_library_tells_the_frame_and_the_time_at_which_a_command_was_heard() {
    let (ear, home) = (Ear::start(), TempDir::new().unwrap());
    songs(&home.path().join("music"));
    let mut config = config(home.path());
    config.icecast.enabled = true;
    config.icecast.host = "127.0.0.1".to_owned();
    config.icecast.port = ear.address.port();
    config.icecast.password = "secret".into();
    let stream = AudioStream::start(config).unwrap();
    let manager = stream.manager();
    agree(&ear, |command| {
        let ack = match command {
            "next" => manager.play_next_song(),
            command => manager.play(command == "play"),
        };
        ack.unwrap().wait(PATIENCE).unwrap().unwrap()
    });
    stream.stop().unwrap();
}

#[test]
fn item_08_the_api_tells_the_frame_and_the_time_at_which_a_command_was_heard() {
    let (ear, home) = (Ear::start(), Home::new());
    let served = serve(&home, &ear);
    agree(&ear, |command| {
        let answer = match command {
            "next" => served.next(),
            command => served.play(command == "play"),
        };
        assert_eq!(answer["accepted"], true, "{answer}");
        serde_json::from_value(answer["effect"].clone()).unwrap()
    });
}

#[test]
fn item_08_the_command_line_tells_the_frame_and_the_time_at_which_a_command_was_heard() {
    let (ear, home) = (Ear::start(), Home::new());
    let served = serve(&home, &ear);
    agree(&ear, |command| {
        let named = format!("--server {} --token {}", served.address, served.token);
        let said = home.run(&format!("{named} {command}")).done();
        let (_, numbers) = said.split_once(" from frame ").unwrap_or_else(|| panic!("{said}"));
        let (frame, in_ms) = numbers.split_once(" on, after ").unwrap();
        let in_ms = in_ms.strip_suffix(" ms.\n").unwrap();
        Effect { frame: frame.parse().unwrap(), in_ms: in_ms.parse().unwrap() }
    });
}

#[test]
fn item_08_no_command_is_answered_before_it_is_on_disk() {
    let home = TempDir::new().unwrap();
    songs(&home.path().join("music"));
    let stream = AudioStream::start(config(home.path())).unwrap();
    let manager = stream.manager();
    assert!(manager.stream_state().wanted, "known before the streaming thread has begun");
    assert!(manager.play(true).unwrap().wait(PATIENCE).is_ok());
    let database = rusqlite::Connection::open(home.path().join("data/musicdb-stream.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ack = manager.play(false).unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        match ack.wait(Duration::from_millis(200)) {
            Err(WaitError::NotStored { effect: Some(_) }) => break,
            Err(WaitError::NotStored { effect: None }) => assert!(Instant::now() < end),
            waited => panic!("{waited:?}"),
        }
    }
    assert!(!manager.stream_state().wanted, "it is carried out all the same");
    database.execute_batch("ROLLBACK").unwrap();
    assert!(ack.wait(PATIENCE).unwrap().is_some());
    let wanted = database.query_row("SELECT wanted FROM station", [], |row| row.get::<_, bool>(0));
    assert!(!wanted.unwrap());
    stream.stop().unwrap();
}

#[test]
fn item_08_the_api_answers_in_time_while_the_disk_takes_nothing() {
    let (ear, home) = (Ear::start(), Home::new());
    let served = serve(&home, &ear);
    ear.wait("a song", |memory| memory.frames.iter().find_map(|heard| heard.mark));
    let database = rusqlite::Connection::open(home.path("data/musicdb-stream.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let asked = Instant::now();
    thread::scope(|scope| {
        for number in 0..24 {
            let served = &served;
            scope.spawn(move || {
                let body = format!("{{\"play\":{}}}", number % 2 == 1);
                let (status, answer) = served.ask("POST", "/api/v1/play", &body);
                assert_eq!(status, 202, "{answer}");
                assert_eq!(answer["accepted"], true);
            });
        }
    });
    // Each waits a second for the disk, none for another one's second.
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    database.execute_batch("ROLLBACK").unwrap();
    drop(database);
    let stored = |served: &Served| served.ask("POST", "/api/v1/play", "{\"play\":true}").0 == 200;
    let end = Instant::now() + PATIENCE;
    while !stored(&served) {
        assert!(Instant::now() < end, "nothing is stored though the disk is back");
    }
}
