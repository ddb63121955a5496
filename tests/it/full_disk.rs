//! A full disk: scans and edits say so, what was there before stays whole, and once there is room
//! the program goes on.

#![cfg(target_os = "linux")]

use std::{fs, io::Write, path::Path, process::Command, time::Duration};

use serde_json::Value;

use crate::support::{home::Home, served::Served};

/// Songs in the folder; their long names need more room than there is.
const SONGS: u32 = 200;

fn fill(home: &Home) {
    for n in 0..SONGS {
        home.song(format!("Music/{}{n}.mp3", "a long name ".repeat(15)), 10);
    }
}

fn total(home: &Home, data: &str) -> u64 {
    let songs = home.run(&format!("{data} songs --json")).done();
    serde_json::from_str::<Value>(&songs).unwrap()["total"].as_u64().unwrap()
}

fn is_whole(file: &Path) {
    let connection = rusqlite::Connection::open(file).unwrap();
    let found: String =
        connection.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(found, "ok");
}

#[test]
fn files_that_may_not_grow_stop_a_scan_and_an_edit_and_nothing_else() {
    let home = Home::with_songs(2);
    fill(&home);
    let before = home.belongings();
    // Too little for the log of a whole batch; the signal that would end the program is ignored.
    let limited = |blocks: u32, command: &str| {
        home.shell(&format!("trap '' XFSZ; ulimit -f {blocks}; exec $PROGRAM {command}"))
    };
    let line = limited(72, "queue add 1 2 1 2 1 2 1 2").line(1);
    assert!(line.contains("musicdb-stream.db could not be") && line.contains("disk"), "{line}");
    let after: Value = serde_json::from_str(&home.belongings().1).unwrap();
    let queue: Value = serde_json::from_str(&before.1).unwrap();
    let (after, queue) =
        (after["entries"].as_array().unwrap(), queue["entries"].as_array().unwrap());
    assert!(after.starts_with(queue), "what was there is there");
    let line = limited(200, "scan").line(1);
    assert!(line.contains("the scan stopped after") && line.contains("check the disk"), "{line}");
    let known = total(&home, "");
    assert!((2..u64::from(SONGS)).contains(&known), "{known}");
    is_whole(&home.data().join("musicdb-stream.db"));
    home.run("scan").done();
    assert_eq!(total(&home, ""), u64::from(SONGS) + 2);
    home.run("queue add 1").done();
}

/// A file system of half a megabyte, taken away at the end.
struct Tiny<'a>(&'a Path);

impl<'a> Tiny<'a> {
    fn mount(folder: &'a Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let options = ["-t", "tmpfs", "-o", "size=500k", "tmpfs"];
        assert!(Command::new("mount").args(options).arg(folder).status().unwrap().success());
        Self(folder)
    }

    /// Fills it to the last byte with a file that can be removed.
    fn fill(&self) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }

    fn grow(&self) {
        let options = ["-o", "remount,size=16m"];
        assert!(Command::new("mount").args(options).arg(self.0).status().unwrap().success());
    }
}

impl Drop for Tiny<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
#[ignore = "needs root and tmpfs"]
fn a_full_disk_stops_scans_and_edits_and_nothing_else() {
    let home = Home::new();
    home.song("Music/one.mp3", 60);
    home.song("Music/two.mp3", 61);
    let folder = home.path("tiny");
    let tiny = Tiny::mount(&folder);
    let data = folder.join("data");
    let on = "--data tiny/data";
    home.run(&format!("{on} scan")).done();
    home.run(&format!("{on} queue add 1 2")).done();
    fill(&home);
    tiny.fill();
    let line = home.run(&format!("{on} scan")).line(1);
    assert!(line.contains("is full; free some space and try again"), "{line}");
    is_whole(&data.join("musicdb-stream.db"));
    let known = total(&home, on);
    assert!((2..u64::from(SONGS)).contains(&known), "{known}");

    tiny.empty();
    let music = home.path("Music");
    let arguments = ["--play", "--music", music.to_str().unwrap()];
    let served = Served::start(&data, &arguments, &[]);
    let scan = || served.ask("GET", "/api/v1/scan", "").1;
    served.wait_for(Duration::from_secs(20), |_| scan()["running"] == false);
    tiny.fill();
    // The log has room of its own that is used first.
    let refused = (0..5000).find_map(|_| {
        let (status, answer) = served.ask("POST", "/api/v1/queue", "{\"song_id\":1}");
        (status != 201).then_some((status, answer))
    });
    let (status, answer) = refused.expect("the disk is full");
    assert_eq!((status, &answer["error"]["code"]), (507, &"disk_full".into()), "{answer}");
    let line = home.run(&format!("{on} queue add 1")).line(1);
    assert!(line.contains("is full; free some space and try again"), "{line}");
    let before = served.ask("GET", "/api/v1/queue", "").1;
    served.ask("POST", "/api/v1/queue", "{\"song_id\":1}");
    assert_eq!(served.ask("GET", "/api/v1/queue", "").1, before);
    let song = served.state()["entry_id"].clone();
    served.next();
    served.wait_for(Duration::from_secs(10), |state| {
        state["is_playing"] == true && state["entry_id"] != song
    });

    tiny.empty();
    tiny.grow();
    let again = || served.ask("POST", "/api/v1/queue", "{\"song_id\":1}").0 == 201;
    served.wait_for(Duration::from_secs(40), |_| again());
    home.run(&format!("{on} scan")).done();
    assert_eq!(total(&home, on), u64::from(SONGS) + 2);
    let (_, status) = served.terminate();
    assert_eq!(status.code(), Some(0));
    is_whole(&data.join("musicdb-stream.db"));
    drop(tiny);
}
