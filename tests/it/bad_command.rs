//! Bad commands: nonsense that is typed, servers that are not there or not ours, and ends that come
//! at the wrong moment.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    home::{Home, PROGRAM},
    mp3::{Shape, song},
    served::Served,
};

const SOON: Duration = Duration::from_secs(10);
/// A stop takes less.
const STOP: Duration = Duration::from_secs(1);

#[test]
fn entries_and_songs_that_are_none_change_nothing() {
    let home = Home::with_songs(3);
    home.file("bad.mp3", b"no music");
    let connection = rusqlite::Connection::open(home.data().join("musicdb-stream.db")).unwrap();
    // Two ids that begin alike, the largest that there are.
    for (last, rank) in [("FE", 1), ("FF", 2)] {
        let rename = format!(
            "UPDATE queue SET entry_id = X'{}{last}' WHERE rank = \
             (SELECT rank FROM queue ORDER BY rank LIMIT 1 OFFSET {rank})",
            "FF".repeat(15)
        );
        assert_eq!(connection.execute(&rename, []).unwrap(), 1);
    }
    drop(connection);
    let check = || {
        let before = home.belongings();
        for entry in ["0", "99", "x", "1e1", "340282366920938463463374607431768211456"] {
            for line in [
                format!("queue remove {entry}"),
                format!("queue move {entry} --after 2"),
                format!("queue move 2 --after {entry}"),
                format!("queue add 1 --after {entry}"),
            ] {
                let said = home.run(&line).line(1);
                assert!(said.contains("the queue has no entry") && said.contains(entry), "{said}");
            }
        }
        for (line, reason) in [
            ("queue remove 3402823669", "several entries of the queue begin with"),
            ("queue remove 1", "skip it with `next`"),
            ("queue move 1 --after 2", "skip it with `next`"),
            ("queue move 2 --after 2", "cannot be moved behind itself"),
            ("queue add 999", "is no song's id"),
            ("queue add 99999999999999999999", "is no song's id"),
            ("queue add .local", "is no song's id"),
            ("queue add song", "stands for 3 songs; add words, or give the id"),
            ("queue add bad.mp3", "no MPEG Layer III frames found"),
        ] {
            let said = home.run(line).line(1);
            assert!(said.contains(reason), "{line}: {said}");
        }
        let said = home.run_words(&[&"queue", &"add", &"  "]).line(1);
        assert!(said.contains("an empty text stands for no song"), "{said}");
        for usage in ["queue remove -1", "queue add -1", "queue move 2", "queue what", "songs -x"] {
            home.run(usage).line(2);
        }
        assert_eq!(home.belongings(), before);
    };
    check();
    let served = home.serve(&["--paused"]);
    served.wait_for(SOON, |_| served.ask("GET", "/api/v1/scan", "").1["running"] == false);
    check();
}

/// Answers every connection with these bytes, for the rest of the test.
fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]);
            let _ = connection.write_all(bytes);
        }
    });
    address
}

#[test]
fn a_port_that_is_not_ours_is_told_as_such() {
    let home = Home::new();
    for bytes in [
        &b"SSH-2.0-OpenSSH_9.9\r\n"[..],
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{\"is_playing\"",
        b"HTTP/1.1 500 \x1b[2J\r\nContent-Length: 25\r\n\r\n{\"error\":{\"code\":\"\x1b[2J\"}}",
    ] {
        let address = answering(bytes);
        for command in ["status", "watch", "queue", "songs", "play", "queue add 1", "scan ."] {
            let line = home.run(&format!("--server {address} {command}")).line(1);
            assert!(line.contains(&address.to_string()), "{command}: {line}");
            assert!(!line.contains('\x1b'), "{line:?}");
        }
    }
}

#[test]
fn a_server_that_was_killed_is_not_missed() {
    let home = Home::with_songs(2);
    let served = home.serve(&["--paused"]);
    let url = served.address;
    home.run("queue add 2").done();
    let before = home.belongings();
    let wrong = home.run(&format!("--server {url} --token wrong queue clear")).line(1);
    assert!(wrong.contains("--token") && wrong.contains("control.token"), "{wrong}");
    served.kill();
    let line = home.run("status").line(1);
    assert!(line.contains("no server runs on") && line.contains("musicdb-stream serve"), "{line}");
    let line = home.run(&format!("--server {url} status")).line(1);
    assert!(line.contains("no server answers at"), "{line}");
    assert_eq!(home.belongings(), before, "read directly now");
    let again = home.serve(&["--paused"]);
    assert_eq!(home.belongings(), before, "and by the next server");
    assert_eq!(again.terminate().1.code(), Some(0));
}

#[test]
fn readers_that_have_seen_enough_are_no_failure() {
    let home = Home::with_songs(3);
    let served = home.serve(&["--paused"]);
    for command in ["watch", "watch --json", "songs --json", "songs", "queue --json", "status"] {
        // The shell tells the program's own exit code, behind a reader that has gone.
        let said = home.shell(&format!("{{ $PROGRAM {command}; echo $? >&2; }} | head -n 1"));
        assert_eq!((said.code, said.err.as_str()), (0, "0\n"), "{command}: {said:?}");
        assert!(!said.out.is_empty(), "{command}");
    }
    let gone = home.shell("{ $PROGRAM songs --json; echo $? >&2; } | true");
    assert_eq!(gone.err, "0\n");
    drop(served);
}

#[test]
fn commands_at_the_same_time_all_have_their_turn() {
    let home = Home::with_songs(3);
    let length = || -> usize {
        let queue: Value = serde_json::from_str(&home.run("queue --json").done()).unwrap();
        queue["entries"].as_array().unwrap().len()
    };
    let before = length();
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| home.run("queue add 1").done());
        }
    });
    assert_eq!(length(), before + 6);
}

#[test]
fn a_signal_ends_a_start_a_scan_and_a_song_alike() {
    let home = Home::new();
    let frames = song(Shape::default(), 2000);
    for n in 0..60 {
        home.file(format!("Music/{n}.mp3"), &frames);
    }
    for signal in ["-INT", "-TERM", "-HUP"] {
        fs::remove_dir_all(home.data()).ok();
        let mut child = Command::new(PROGRAM)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("HOME", home.root())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The first thing that a start leaves behind.
        let began = Instant::now();
        while !home.data().join("server.lock").exists() {
            assert!(began.elapsed() < SOON);
            thread::sleep(Duration::from_millis(1));
        }
        let began = Instant::now();
        let pid = child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal} during the start");
        assert!(began.elapsed() < STOP * 2, "start and stop: {:?}", began.elapsed());

        let served = home.serve(&["--paused"]);
        let (took, status) = served.end_with(signal);
        assert_eq!(status.code(), Some(0), "{signal} during the scan");
        assert!(took < STOP, "{took:?}");

        let served = home.serve(&["--play"]);
        served.wait_for(SOON, |state| state["is_playing"] == true);
        let (took, status) = served.end_with(signal);
        assert_eq!(status.code(), Some(0), "{signal} while playing");
        assert!(took < STOP, "{took:?}");
    }
    home.run("scan").done();
    let songs: Value = serde_json::from_str(&home.run("songs --json").done()).unwrap();
    assert_eq!(songs["total"], 60);
}

#[test]
fn a_terminal_that_closes_ends_only_those_who_may_end_with_it() {
    let home = Home::new();
    // What `nohup` does.
    let mut child = Command::new("sh")
        .args(["-c", "trap '' HUP; exec \"$0\" serve --demo --listen 127.0.0.1:0", PROGRAM])
        .env("HOME", home.root())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut banner = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(banner.any(|line| line.contains("Ctrl-C")));
    let pid = child.id().to_string();
    let kill = |signal: &str| {
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    };
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:\t")).unwrap();
    assert!(u64::from_str_radix(ignored, 16).unwrap() & 1 == 1, "SIGHUP is caught: {ignored}");
    kill("-HUP");
    kill("-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));

    // A closing terminal is told of twice: by the kernel and by the shell.
    let served = Served::start(&home.path("data"), &["--demo"], &[]);
    served.wait_for(SOON, |state| state["is_playing"] == true);
    let pid = served.pid().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
    let (took, status) = served.end_with("-HUP");
    assert_eq!(status.code(), Some(0));
    assert!(took < STOP, "{took:?}");
}

#[test]
fn the_music_goes_on_where_the_data_directory_was_deleted() {
    let home = Home::with_songs(3);
    let served = home.serve(&["--play"]);
    served.wait_for(SOON, |state| state["is_playing"] == true);
    fs::remove_dir_all(home.data()).unwrap();
    let song = served.state()["entry_id"].clone();
    served.next();
    served.wait_for(SOON, |state| state["entry_id"] != song && state["is_playing"] == true);
    let line = home.run("status").line(1);
    assert!(line.contains("no server runs on"), "{line}");
    let (took, status) = served.terminate();
    assert_eq!(status.code(), Some(0));
    assert!(took < STOP, "{took:?}");
}

#[test]
fn no_control_character_of_a_title_reaches_the_terminal() {
    let home = Home::with_songs(2);
    let nasty = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{7f}x\r\ny";
    {
        let connection = rusqlite::Connection::open(home.data().join("musicdb-stream.db")).unwrap();
        connection.execute("UPDATE songs SET title = ?1, artist = ?1", [nasty]).unwrap();
    }
    let nasty_file = home.song("a\u{1b}[2J\u{9b}.mp3", 40);
    let bad_file = home.file("b\u{1b}[2J.mp3", b"no music");
    let clean = |text: &str| {
        assert!(!text.is_empty());
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    };
    let all = || {
        for command in ["songs", "queue", "queue add 1", "queue add owned", "queue remove 3"] {
            let said = home.run(command);
            clean(&format!("{}{}", said.out, said.err));
        }
    };
    all();
    clean(&home.run_words(&[&"check", &nasty_file]).out);
    clean(&home.run_words(&[&"check", &bad_file]).out);
    clean(&home.run_words(&[&"queue", &"add", &bad_file]).line(1));
    clean(&home.run_words(&[&"--config", &nasty_file, &"config"]).line(2));
    clean(&home.run_words(&[&"--data", &bad_file, &"queue"]).line(1));
    clean(&home.run_words(&[&"scan", &"a\u{1b}[2J"]).line(1));
    let served = home.serve(&["--paused"]);
    served.wait_for(SOON, |state| state["song"]["title"] == nasty);
    all();
    clean(&home.run("status").done());
    let mut watch = Command::new(PROGRAM)
        .arg("watch")
        .env_clear()
        .env("HOME", home.root())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines().map(Result::unwrap);
    // The heartbeat says that the watcher is there.
    clean(&lines.next().unwrap());
    served.next();
    let changed = lines.find(|line| line.starts_with("SongChanged")).unwrap();
    clean(&changed);
    assert!(changed.contains("owned"), "{changed}");
    served.kill();
    lines.for_each(drop);
    watch.wait().unwrap();
}
