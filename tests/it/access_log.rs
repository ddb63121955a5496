//! The access log over real sockets: what is noted, when, and what becomes of a disk that does not take it.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    time::Duration,
};

use musicdb_stream::server::ServerOptions;

use crate::{
    admin::{ADMIN, admin_options, ask},
    support::{
        radio::{Radio, options, wait_until},
        source::{PASSWORD, Source},
    },
};

/// The lines of a log, once there are so many.
pub(crate) fn lines(path: &Path, count: usize) -> Vec<String> {
    let read = || fs::read_to_string(path).unwrap_or_default();
    wait_until("the log has its lines", || read().lines().count() >= count);
    read().lines().map(str::to_owned).collect()
}

#[test]
fn a_line_in_the_access_log_for_each_connection_that_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let mut radio =
        Radio::on_air(ServerOptions { access_log: Some(path.clone()), ..admin_options() }, 200);
    ask(
        &radio,
        "GET",
        "/admin/stats?secret=1",
        ADMIN,
        "User-Agent: a\"b\\\u{e9}\r\nReferer: http://r/\"\r\n",
    );
    assert!(lines(&path, 1)[0].contains("] \"GET /admin/stats HTTP/1.1\" 200 "));
    assert!(lines(&path, 1)[0].ends_with(" \"http://r/.\" \"a.b..\" 0"), "{:?}", lines(&path, 1));
    let (_, mut stream) = radio.listen("/stream?burst=1", "User-Agent: player\r\n");
    let mut sound = vec![0; 4096];
    stream.read_exact(&mut sound).unwrap();
    std::thread::sleep(Duration::from_millis(1100));
    assert_eq!(lines(&path, 1).len(), 1, "a listener is noted when it ends");
    drop(stream);
    let line = lines(&path, 2).remove(1);
    assert!(line.starts_with("127.0.0.1 - - ["), "{line}");
    let (_, rest) = line.split_once("] \"GET /stream HTTP/1.1\" 200 ").expect(&line);
    let fields: Vec<&str> = rest.split(' ').collect();
    assert_eq!(&fields[1..3], ["\"-\"", "\"player\""], "{line}");
    assert!(fields[0].parse::<u64>().unwrap() > 4096, "{line}");
    assert!((1..=3).contains(&fields[3].parse::<u64>().unwrap()), "{line}");
    radio.ask("GET", "/stream.m3u");
    radio.ask("HEAD", "/stream");
    let mut bad = radio.send("GET /%22%0a HTTP/1.1\r\nHost: x\r\n\r\n");
    bad.write_all(b"x").unwrap();
    let three = lines(&path, 4);
    assert!(three[2].contains("\"GET /stream.m3u HTTP/1.1\" 200 "), "{three:?}");
    assert!(three[3].contains("\"HEAD /stream HTTP/1.1\" 200 "), "{three:?}");
    // Who listens when the server stops is noted too.
    let (_, _stream) = radio.listen("/stream", "User-Agent: last\r\n");
    radio.wait_for_count(1);
    radio.stop();
    assert!(lines(&path, 5)[4].contains("\"last\""));
}

#[test]
fn a_source_is_noted_when_it_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.log");
    let source_password = PASSWORD.into();
    let access_log = Some(path.clone());
    let radio = Radio::start(ServerOptions { access_log, source_password, ..options() });
    let source = Source::mp3(radio.address, "/live");
    assert!(fs::read_to_string(&path).unwrap_or_default().is_empty(), "it has not ended");
    source.end();
    let line = lines(&path, 1).remove(0);
    assert!(line.contains("] \"SOURCE /live HTTP/1.0\" 200 ") && line.ends_with(" 0"), "{line}");
}

#[cfg(unix)]
#[test]
fn the_access_log_is_its_owners_and_begins_anew_where_it_was_moved_away() {
    use std::{os::unix::fs::PermissionsExt, time::Instant};
    let folder = tempfile::tempdir().unwrap();
    let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
    let radio = Radio::on_air(ServerOptions { access_log: Some(path.clone()), ..options() }, 1);
    radio.ask("GET", "/status-json.xsl");
    lines(&path, 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::rename(&path, &old).unwrap();
    let begun = Instant::now();
    wait_until("the log is begun anew", || {
        radio.ask("GET", "/status-json.xsl");
        path.exists()
    });
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(lines(&path, 1)[0].contains("\"GET /status-json.xsl HTTP/1.1\" 200 "));
}

#[test]
fn a_log_that_cannot_be_written_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/access.log");
    let mut radio = Radio::on_air(ServerOptions { access_log: Some(path.clone()), ..options() }, 1);
    for _ in 0..20 {
        assert!(radio.ask("GET", "/status-json.xsl").0.starts_with("HTTP/1.0 200 "));
    }
    assert!(radio.stop() < Duration::from_millis(450));
    assert!(!path.exists());
}
