//! Bad files: whatever lies in a music folder, `check`, `scan` and `queue add` neither panic nor
//! hang, and say what is wrong with it.

#![cfg(unix)]

use std::{
    ffi::OsStr,
    fs,
    io::{BufRead, BufReader},
    os::unix::{ffi::OsStrExt, fs::symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    home::{Home, PROGRAM},
    mp3::{Shape, ape, frames, id3v2, junk, song},
    shared::shared,
};

/// Bad files of which the log tells after a scan.
const TOLD: usize = 20;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// `check` and `queue add` agree on the file, and on the reason where it is bad.
fn agreed(home: &Home, file: &Path) -> bool {
    let checked = home.run_words(&[&"check", &"--json", &file]);
    assert!(checked.err.is_empty(), "{checked:?}");
    let report = json(&checked.out);
    let playable = report["playable"] == true;
    assert_eq!(checked.code, i32::from(!playable), "{report}");
    let added = home.run_words(&[&"queue", &"add", &file]);
    if playable {
        assert!(added.done().starts_with("Added "));
    } else {
        let line = added.line(1);
        assert!(line.contains(report["reason"].as_str().unwrap()), "{line}: {report}");
    }
    playable
}

#[test]
fn names_that_are_not_utf8_are_files_like_any_other() {
    let home = Home::new();
    let file = home.song(OsStr::from_bytes(b"Music/caf\xe9.mp3"), 40);
    let bad = home.file(OsStr::from_bytes(b"Music/b\xffd.mp3"), b"no music");
    assert!(agreed(&home, &file));
    assert!(!agreed(&home, &bad));
    let said = home.run("scan").done();
    assert!(said.contains("b\u{fffd}d.mp3: no MPEG Layer III frames found"), "{said}");
    assert!(said.ends_with("2 MP3 files: 1 new, 1 as before, 1 cannot be streamed\n"), "{said}");
    assert!(home.run("songs caf").done().contains("caf\u{fffd}"));
    let before = home.belongings();
    let served = home.serve(&["--paused"]);
    served.wait_for(Duration::from_secs(10), |state| state["song"]["title"] == "caf\u{fffd}");
    let report = loop {
        let view = served.ask("GET", "/api/v1/scan", "").1;
        if view["running"] == false {
            break view["report"].clone();
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    assert_eq!((&report["found"], &report["vanished"]), (&2.into(), &0.into()), "{report}");
    let refused = home.run_words(&[&"queue", &"add", &file]).line(1);
    assert!(refused.contains("is not UTF-8 and cannot be sent"), "{refused}");
    assert_eq!(served.terminate().1.code(), Some(0));
    assert_eq!(home.belongings(), before);
}

#[test]
fn a_song_that_the_library_knows_to_be_bad_is_refused_by_id_and_by_file_until_it_is_mended() {
    let home = Home::with_songs(3);
    let bad = home.file("Music/bad.mp3", b"no music");
    home.run("scan").done();
    let before = home.run("queue list --json").done();
    let refused = |line: String| assert!(line.contains("no MPEG Layer III"), "{line}");
    refused(home.run("queue add 4").line(1));
    refused(home.run_words(&[&"queue", &"add", &bad]).line(1));
    let served = home.serve(&["--paused"]);
    let (status, answer) = served.ask("POST", "/api/v1/queue", "{\"song_id\":4}");
    assert_eq!((status, &answer["error"]["code"]), (409, &"unplayable".into()), "{answer}");
    refused(answer["error"]["message"].as_str().unwrap().to_owned());
    refused(home.run("queue add 4").line(1));
    assert_eq!(home.run("queue list --json").done(), before);
    assert_eq!(served.terminate().1.code(), Some(0));
    home.song("Music/bad.mp3", 50);
    assert!(home.run_words(&[&"queue", &"add", &bad]).done().starts_with("Added "));
}

#[test]
fn what_is_no_regular_file_is_never_opened() {
    let home = Home::with_songs(1);
    let before = home.belongings();
    home.shell("mkfifo Music/pipe.mp3 && mkdir Music/folder.mp3").done();
    symlink("/dev/zero", home.path("Music/zero.mp3")).unwrap();
    symlink("nowhere", home.path("Music/broken.mp3")).unwrap();
    for name in ["pipe", "folder", "zero"] {
        let said = home.run(&format!("check Music/{name}.mp3"));
        assert_eq!((said.code, said.err.as_str()), (1, ""), "{said:?}");
        assert!(said.out.contains("cannot be streamed: it is no file but a folder, a pipe"));
        let line = home.run(&format!("queue add Music/{name}.mp3")).line(1);
        assert!(line.contains("no file"), "{line}");
    }
    assert_eq!(home.run("check Music/broken.mp3").code, 1);
    let said = home.run("scan").done();
    assert!(said.contains("broken.mp3: cannot be read"), "{said}");
    assert!(said.ends_with("1 MP3 file: 0 new, 1 as before, 1 cannot be streamed\n"), "{said}");
    assert_eq!(home.belongings(), before);
}

#[test]
fn a_song_that_became_a_pipe_is_passed_over_on_the_air() {
    let home = Home::with_songs(3);
    let served = home.serve(&["--paused"]);
    let is_over = |_: &Value| served.ask("GET", "/api/v1/scan", "").1["running"] == false;
    served.wait_for(Duration::from_secs(10), is_over);
    let mut watch = Command::new(PROGRAM)
        .args(["watch", "--json"])
        .env_clear()
        .env("HOME", home.root())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut events = lines.map(|line| json(&line.unwrap()));
    events.next().unwrap();
    // Two threads read the folder: ids come in any order.
    let id = served.ask("GET", "/api/v1/songs?q=song+0", "").1["songs"][0]["id"].clone();
    fs::remove_file(home.path("Music/song 0.mp3")).unwrap();
    home.shell("mkfifo 'Music/song 0.mp3'").done();
    let next = format!("{{\"song_id\":{id},\"position\":\"next\"}}");
    assert_eq!(served.ask("POST", "/api/v1/queue", &next).0, 201);
    served.play(true);
    served.next();
    // One event a second comes in any case.
    let told = events.by_ref().take(30).find(|event| event["event"] == "SongUnplayable").unwrap();
    assert_eq!(told["song_id"], id, "{told}");
    assert!(told["reason"].as_str().unwrap().contains("a pipe or a device"), "{told}");
    watch.kill().unwrap();
    watch.wait().unwrap();
    served.wait_for(Duration::from_secs(10), |state| state["is_playing"] == true);
    assert_eq!(served.terminate().1.code(), Some(0));
}

#[test]
fn a_huge_file_of_nothing_costs_little() {
    let home = Home::new();
    home.song("Music/good.mp3", 40);
    let huge = home.path("Music/huge.mp3");
    fs::File::create(&huge).unwrap().set_len(1 << 30).unwrap();
    let began = Instant::now();
    assert!(!agreed(&home, &huge));
    let said = home.run("scan").done();
    assert!(said.contains("huge.mp3: ") && said.contains("2 MP3 files: 2 new"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[test]
fn links_in_circles_end() {
    let home = Home::new();
    home.song("Music/a/one.mp3", 40);
    home.song("Music/b/two.mp3", 41);
    for (target, link) in [(".", "a/self"), ("..", "a/up"), ("../..", "b/out"), ("../b", "a/b")] {
        symlink(target, home.path("Music").join(link)).unwrap();
    }
    symlink("loop.mp3", home.path("Music/loop.mp3")).unwrap();
    let said = home.run("scan").done();
    assert!(said.ends_with(" MP3 files: 3 new, 1 cannot be streamed\n"), "{said}");
    let total = json(&home.run("songs --json").done())["total"].clone();
    assert_eq!(total, 3, "two files, one of them by a link beside it too: {said}");
}

fn playable_songs(home: &Home) -> usize {
    let found = json(&home.run("songs --json --limit 1000").done());
    let songs = found["songs"].as_array().unwrap();
    songs.iter().filter(|song| song["playable"] == true).count()
}

/// Files that were made to hurt.
fn crafted() -> Vec<(&'static str, Vec<u8>)> {
    let good = song(Shape::default(), 60);
    let bomb = |magic: &[u8], size: [u8; 4]| [magic, &size, &good].concat();
    let mut mixed = Vec::new();
    for (n, shape) in Shape::streams().enumerate() {
        mixed.extend(frames(shape, 3 + u32::try_from(n).unwrap()).concat());
    }
    vec![
        ("empty", Vec::new()),
        ("one byte", vec![0xFF]),
        ("sync only", vec![0xFF; 5000]),
        ("half a frame", good[..200].to_vec()),
        ("one frame", good[..417].to_vec()),
        ("cut short", good[..good.len() - 100].to_vec()),
        ("noise", junk(300_000, 7)),
        ("noise before", [junk(60_000, 3), good.clone()].concat()),
        ("noise inside", [good.clone(), junk(100_000, 5), good.clone()].concat()),
        ("tag of 256 MiB", bomb(b"ID3\x04\0\0", [0x7F; 4])),
        ("tag with a wrong size", bomb(b"ID3\x04\0\0", [0xFF; 4])),
        ("tag frame of 4 GiB", bomb(b"ID3\x03\0\0\0\0\0\x40TIT2", [0xFF; 4])),
        ("many tags", [id3v2(20, b'x', true).repeat(500), good.clone()].concat()),
        ("ape of 4 GiB", [good.clone(), ape(40, true), vec![0xFF; 32]].concat()),
        ("riff", [b"RIFF\xFF\xFF\xFF\xFFWAVEfmt ".to_vec(), good.clone()].concat()),
        ("nine formats", mixed),
        ("a picture", b"\x89PNG\r\n\x1a\n".repeat(2000)),
        ("text", b"this is not music at all, really\n".repeat(2000)),
    ]
}

#[test]
fn crafted_files_are_judged_alike_everywhere() {
    let home = Home::new();
    let mut playable = 0_usize;
    for (name, bytes) in crafted() {
        let file = home.file(format!("Music/{name}.mp3"), &bytes);
        playable += usize::from(agreed(&home, &file));
    }
    assert!((5..15).contains(&playable), "{playable} can be streamed");
    let said = home.run("scan").done();
    assert!(said.contains("18 MP3 files"), "{said}");
    assert_eq!(playable_songs(&home), playable);
}

#[test]
fn the_corpus_is_judged_alike_everywhere() {
    let Some(corpus) = shared("corpus") else { return };
    let home = Home::new();
    let (mut files, mut playable) = (0, 0);
    for folder in ["iso", "odd"] {
        for entry in fs::read_dir(corpus.join(folder)).unwrap() {
            let from: PathBuf = entry.unwrap().path();
            if from.extension().is_none_or(|kind| kind == "pcm") {
                continue;
            }
            let name = from.file_stem().unwrap().to_str().unwrap();
            let to = home.file(format!("Music/{name}.mp3"), &fs::read(&from).unwrap());
            files += 1;
            playable += usize::from(agreed(&home, &to));
        }
    }
    assert!(files > 60 && playable > 40, "{playable} of {files}");
    let said = home.run("scan").done();
    assert!(said.contains(&format!("{files} MP3 files")), "{said}");
    assert_eq!(playable_songs(&home), playable);
}

#[test]
fn a_server_tells_once_of_each_file_that_it_cannot_stream() {
    let home = Home::new();
    for n in 0..TOLD + 3 {
        home.file(format!("Music/{n}.mp3"), b"no music");
    }
    home.file("Music/line\nbreak.mp3", b"no music");
    let log = || {
        let served = home.serve(&["--paused"]);
        let scan = || served.ask("GET", "/api/v1/scan", "").1;
        served.wait_for(Duration::from_secs(10), |_| scan()["running"] == false);
        assert_eq!(scan()["report"]["unplayable"].as_array().unwrap().len(), TOLD + 4);
        served.terminate();
        let file = home.data().with_extension("log");
        let log = fs::read_to_string(&file).unwrap();
        fs::remove_file(file).unwrap();
        log
    };
    let first = log();
    let told = first.lines().filter(|line| line.contains("cannot be streamed file=\"/"));
    let reason = "no MPEG Layer III frames found; it is no MP3 file";
    assert_eq!(told.filter(|line| line.contains(reason)).count(), TOLD, "{first}");
    assert!(first.contains("and 4 more; run `musicdb-stream scan` to see them"), "{first}");
    let second = log();
    assert!(!second.contains("WARN") && second.contains("24 unplayable"), "{second}");
}
