//! The command line as it is typed: exit codes, one line per error, and a server behind it.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
    sync::mpsc,
    time::Duration,
};

use serde_json::Value;

use crate::support::{
    home::{Home, PROGRAM},
    served::Served,
};

/// Longest wait for an event that is due at once.
const SOON: Duration = Duration::from_secs(10);

fn demo_piece(home: &Home) -> PathBuf {
    let file = home.path("piece.mp3");
    fs::copy(demo().join("2-paper-waltz.mp3"), &file).unwrap();
    file
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/demo")
}

#[test]
fn help_and_version_are_success_and_wrong_usage_is_2() {
    let home = Home::new();
    assert!(home.run("--help").done().contains("musicdb-stream serve --demo"));
    assert_eq!(
        home.run("--version").done(),
        format!("musicdb-stream {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(home.run("queue add --help").done().contains("--after <ENTRY>"));
    assert_eq!(home.run("").code, 2);
    assert!(home.run("stats").line(2).contains("a similar subcommand exists: 'status'"));
    assert!(home.run("queue add").line(2).contains("<SONG>"));
    assert!(home.run("serve --listen here").line(2).contains("--listen"));
    assert!(home.run("--server ftp://x status").line(2).contains("write http://HOST:PORT"));
}

#[test]
fn the_default_file_loads_again_and_passwords_are_masked() {
    let home = Home::new();
    fs::write(home.path("radio.toml"), home.run("config --default").done()).unwrap();
    let effective = home.run("--config radio.toml config").done();
    let parsed: toml::Table = effective.parse().unwrap();
    assert_eq!(parsed["directories"]["data"].as_str(), home.data().to_str());
    assert_eq!(parsed["server"]["listen"].as_str(), Some("127.0.0.1:8000"));
    let masked =
        home.run_with("config", &[("MUSICDB_STREAM_SERVER_SOURCE_PASSWORD", "hackme")]).done();
    assert!(
        masked.contains("source_password = \"********\"") && !masked.contains("hackme"),
        "{masked}"
    );
}

#[test]
fn a_wrong_configuration_names_file_line_and_the_nearest_key() {
    let home = Home::new();
    fs::write(home.path("radio.toml"), "[server]\nlissten = \"127.0.0.1:1\"\n").unwrap();
    assert_eq!(
        home.run("--config radio.toml config").line(2),
        "radio.toml, line 2: unknown key `server.lissten`; the nearest known one is `server.listen`"
    );
    assert!(
        home.run("--config missing.toml status").line(2).contains("missing.toml cannot be read")
    );
    let own =
        [("MUSICDB_STREAM_ICECAST_ENABLED", "true"), ("MUSICDB_STREAM_ICECAST_PASSWORD", "x")];
    let line = home.run_with("serve", &own).line(2);
    assert!(line.ends_with("set server.listen = \"127.0.0.1:8001\""), "{line}");
    fs::write(home.path("radio.toml"), "[stream]\ntitle = \"{artst} - {title\"\n").unwrap();
    for command in ["config", "serve", "status"] {
        let line = home.run(&format!("--config radio.toml {command}")).line(2);
        assert!(line.contains("{artst}") && line.contains("the nearest is {artist}"), "{line}");
    }
    let line = home.run_with("status", &[("MUSICDB_STREAM_STREAM_TICK_MS", "5")]).line(2);
    assert!(line.starts_with("stream.tick_ms is 5, but has to be between 10 and 1000"), "{line}");
}

#[test]
fn a_data_directory_that_cannot_be_made_is_named_with_the_remedy() {
    let home = Home::new();
    fs::write(home.path("file"), "").unwrap();
    for command in ["serve", "queue", "songs", "scan ."] {
        let line = home.run(&format!("--data file/data {command}")).line(1);
        assert!(line.contains("file/data cannot be made") && line.contains("--data DIR"), "{line}");
    }
}

#[test]
fn commands_for_a_server_say_how_to_start_one() {
    let home = Home::new();
    for command in ["play", "pause", "next", "status", "watch"] {
        let line = home.run(command).line(1);
        assert!(
            line.contains("no server runs on") && line.contains("musicdb-stream serve"),
            "{line}"
        );
    }
    assert!(!home.data().exists(), "looking made a directory");
    // Port 1 of the loopback: nobody listens there.
    let line = home.run("--server 127.0.0.1:1 status").line(1);
    assert!(line.contains("no server answers at http://127.0.0.1:1"), "{line}");
}

#[test]
fn a_server_is_refused_by_commands_that_ask_none() {
    let home = Home::new();
    for command in ["serve", "serve --demo", "check piece.mp3", "config", "config --default"] {
        let line = home.run(&format!("--server http://127.0.0.1:1 {command}")).line(2);
        assert!(
            line.contains("leave --server http://127.0.0.1:1 out") && line.contains("status"),
            "{line}"
        );
    }
    assert!(!home.data().exists(), "a second station was begun");
}

#[test]
fn queue_and_library_work_without_a_server() {
    let home = Home::new();
    assert!(home.run("songs").done().contains("musicdb-stream scan DIR"));
    let line = home.run("backup copy.db").done();
    assert_eq!(line, "Wrote and verified copy.db.\n");
    let piece = demo_piece(&home);
    let said = home.run("queue add piece.mp3").done();
    assert!(said.starts_with("Added musicdb-stream – Paper Waltz as number "), "{said}");
    let scanned = home.run(&format!("scan {}", demo().display())).done();
    assert_eq!(scanned, "3 MP3 files: 3 new\n");
    assert_eq!(home.run("songs paper waltz --json").done().matches("\"Paper Waltz\"").count(), 2);
    let refused = home.run("queue add waltz");
    assert!(refused.out.starts_with("id  artist"), "{refused:?}");
    assert!(refused.line(1).contains("\"waltz\" stands for 2 songs"));
    home.run("queue add pixel --next").done();
    let queue: Value = serde_json::from_str(&home.run("queue list --json").done()).unwrap();
    assert_eq!(queue["entries"][1]["song"]["title"], "Pixel Parade");
    let entry = queue["entries"][1]["entry_id"].as_str().unwrap();
    assert_eq!(
        home.run(&format!("queue remove {entry}")).done(),
        "Removed musicdb-stream – Pixel Parade.\n"
    );
    assert!(home.run("queue remove 1").line(1).contains("skip it with `next`"));
    fs::remove_file(piece).unwrap();
}

#[test]
fn one_bad_file_is_told_and_the_scan_goes_on() {
    let home = Home::new();
    demo_piece(&home);
    fs::write(home.path("bad.mp3"), "no music at all").unwrap();
    let said = home.run("scan .").done();
    assert!(said.contains("cannot be streamed: ") && said.contains("bad.mp3: "), "{said}");
    assert!(said.ends_with("2 MP3 files: 2 new, 1 cannot be streamed\n"), "{said}");
    // The file is as it was, and so is what there is to know of it.
    let again = home.run("scan .").done();
    let told = |said: &str| said.lines().next().unwrap().to_owned();
    assert_eq!(told(&again), told(&said));
    assert!(again.ends_with("2 MP3 files: 0 new, 2 as before, 1 cannot be streamed\n"), "{again}");
    let line = home.run("scan missing").line(1);
    assert!(line.contains("missing was left alone: ") && line.contains("name a folder"), "{line}");
    let said = home.run("scan . missing").done();
    assert!(said.contains("left alone: ") && said.contains("missing"), "{said}");
    let left: Value = serde_json::from_str(&home.run("songs waltz --json").done()).unwrap();
    assert_eq!(left["songs"][0]["playable"], true);
}

#[test]
fn check_fails_where_one_file_cannot_be_streamed() {
    let home = Home::new();
    demo_piece(&home);
    assert!(home.run("check piece.mp3").done().contains("frames      614\n"));
    let one: Value = serde_json::from_str(&home.run("check piece.mp3 --json").done()).unwrap();
    assert_eq!((&one["playable"], &one["frames"]), (&true.into(), &614.into()));
    fs::write(home.path("bad.mp3"), "no music at all").unwrap();
    let both = home.run("check piece.mp3 bad.mp3 --json");
    assert_eq!((both.code, both.err.as_str()), (1, ""));
    let both: Value = serde_json::from_str(&both.out).unwrap();
    assert_eq!((&both[0]["playable"], &both[1]["playable"]), (&true.into(), &false.into()));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let mut child = std::process::Command::new(PROGRAM)
        .args(["config", "--default"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), [].as_slice()));
}

#[test]
fn a_running_server_is_found_by_its_data_directory() {
    let home = Home::new();
    let data = home.path("data");
    let served = Served::start(&data, &["--demo", "--paused"], &[]);
    let run = |line: &str| home.run(&format!("--data data {line}"));
    let line = run("serve --listen 127.0.0.1:0").line(1);
    assert!(
        line.contains("already runs on") && line.contains(&served.address.to_string()),
        "{line}"
    );
    assert_eq!(run("scan").done().lines().last(), Some("3 MP3 files: 0 new, 3 as before"));
    assert!(run("play").done().starts_with("Play"));
    assert!(run("pause").done().starts_with("Pause"));
    let status = run("status").done();
    assert!(status.contains(&format!("http://{}/stream", served.address)), "{status}");
    let state: Value = serde_json::from_str(&run("status --json").done()).unwrap();
    assert_eq!(state["wanted"], false);
    assert!(run("queue add pixel --next").done().contains("Pixel Parade as number 2"));
    assert!(run("queue").done().contains("Pixel Parade"));
    assert!(run("next").done().starts_with("Next"));
    assert!(run("queue add 999").line(1).contains("is no song's id"));
    assert_eq!(run("backup copy.db").done(), "Wrote and verified copy.db.\n");
    let line = run("backup copy.db").line(1);
    assert!(line.contains("copy.db"), "{line}");
    let named = format!("--server {} --token {}", served.address, served.token);
    home.run(&format!("{named} pause")).done();
    let refused = home.run(&format!("--server {} --token wrong pause", served.address)).line(1);
    assert!(refused.contains("--token"), "{refused}");
    let port = home.run(&format!("--data other serve --listen {}", served.address)).line(1);
    assert!(port.contains(&served.address.to_string()), "{port}");
}

#[test]
fn watch_prints_events_as_they_come() {
    let home = Home::new();
    let data = home.path("data");
    let served = Served::start(&data, &["--demo", "--paused"], &[]);
    let mut watch = std::process::Command::new(PROGRAM)
        .args(["--data", data.to_str().unwrap(), "watch", "--json"])
        .env_clear()
        .env("HOME", home.root())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (sender, events) = mpsc::channel();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let reader = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let _ = sender.send(serde_json::from_str::<Value>(&line).unwrap());
        }
    });
    // The second of heartbeat says that the watcher is there; what follows it cannot be missed.
    events.recv_timeout(SOON).unwrap();
    home.run("--data data scan").done();
    home.run("--data data queue add waltz --next").done();
    let is_change = |event: &Value| event["event"] == "SongQueueChanged";
    while !is_change(&events.recv_timeout(SOON).unwrap()) {}
    let (_, status) = served.terminate();
    assert_eq!(status.code(), Some(0));
    assert_eq!(watch.wait().unwrap().code(), Some(0), "a server that ends is no failure of watch");
    reader.join().unwrap();
}
