//! The limit on open files: many listeners take no song its file.

#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::support::{home::Home, served::Served};

const SOON: Duration = Duration::from_secs(20);

/// A server that may open `soft` files, and raise that to `hard`.
fn limited(home: &Home, soft: u32, hard: u32) -> Served {
    let limits = format!("ulimit -Sn {soft}; ulimit -Hn {hard}; exec \"$0\" \"$@\"");
    Served::under(&["sh", "-c", &limits], "127.0.0.1:0", &home.path("data"), &["--demo"], &[])
}

fn open_files(served: &Served) -> usize {
    fs::read_dir(format!("/proc/{}/fd", served.pid())).unwrap().count()
}

fn listen(served: &Served) -> TcpStream {
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.write_all(b"GET /stream HTTP/1.0\r\n\r\n").unwrap();
    stream
}

fn was_let_in(stream: &mut TcpStream) -> bool {
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    &head[9..] == b"200"
}

/// Song after song begins, and none is passed over.
fn plays_on(served: &Served) {
    for _ in 0..6 {
        let entry = served.state()["entry_id"].clone();
        served.next();
        served.wait_for(SOON, |state| state["entry_id"] != entry && state["is_playing"] == true);
    }
    let log = fs::read_to_string(served.data.with_extension("log")).unwrap();
    assert!(!log.contains("passed over"), "{log}");
}

#[test]
fn a_crowd_takes_no_song_its_file() {
    let home = Home::new();
    let served = limited(&home, 64, 64);
    served.wait_for(SOON, |state| state["is_playing"] == true);
    let mut crowd: Vec<_> = (0..100).map(|_| listen(&served)).collect();
    let inside = crowd.iter_mut().map(was_let_in).filter(|inside| *inside).count();
    assert_eq!(inside, 16);
    plays_on(&served);
    let log = fs::read_to_string(served.data.with_extension("log")).unwrap();
    let told =
        "the limit on open files is 64: at most 16 listeners at once instead of 10000; raise";
    assert_eq!(log.matches(told).count(), 1, "{log}");
    assert!(!log.contains("no connection can be accepted"), "{log}");
    assert!(open_files(&served) < 64);
    assert_eq!(served.terminate().1.code(), Some(0));
}

#[test]
fn the_soft_limit_is_raised_and_nothing_is_said_where_all_fit() {
    let home = Home::new();
    let served = limited(&home, 40, 11_000);
    let limits = fs::read_to_string(format!("/proc/{}/limits", served.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert!(line.split_whitespace().filter(|word| *word == "11000").count() == 2, "{line}");
    let _crowd: Vec<_> = (0..60).map(|_| listen(&served)).map(|mut s| was_let_in(&mut s)).collect();
    plays_on(&served);
    let log = fs::read_to_string(served.data.with_extension("log")).unwrap();
    assert!(!log.contains("limit on open files"), "{log}");
}

#[test]
fn pages_and_half_requests_take_no_song_its_file() {
    let home = Home::new();
    let served = limited(&home, 64, 64);
    served.wait_for(SOON, |state| state["is_playing"] == true);
    let open = |request: &str| {
        let mut stream = TcpStream::connect(served.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut followers: Vec<_> =
        (0..12).map(|_| open("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")).collect();
    let inside = followers.iter_mut().map(was_let_in).filter(|inside| *inside).count();
    assert_eq!(inside, 8, "half of what is there beside the listeners");
    assert!(was_let_in(&mut listen(&served)), "pages keep listeners out");
    drop(followers);
    let _halves: Vec<_> = (0..40).map(|_| open("GET /str")).collect();
    assert!(was_let_in(&mut listen(&served)), "half requests keep listeners out");
    plays_on(&served);
    let log = fs::read_to_string(served.data.with_extension("log")).unwrap();
    assert!(!log.contains("no connection can be accepted"), "{log}");
}
