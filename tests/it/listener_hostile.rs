//! Requests of every kind, and what nobody should send.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{Mutex, OnceLock},
    time::{Duration, Instant},
};

use musicdb_stream::{
    bell::Bell,
    relay::{Links, Relay},
    server::{MAX_HEAD, Server, ServerOptions},
};
use proptest::prelude::*;
use tokio::{io::AsyncReadExt, sync::mpsc};

use crate::support::radio::{Radio, head, options, rest, run_on_paused_time};

#[test]
fn playlists_lead_to_the_host_that_was_asked() {
    let radio = Radio::start(options());
    let (head, m3u) = radio.ask("GET", "/stream.m3u");
    assert!(head.contains("Content-Type: audio/x-mpegurl\r\n"), "{head}");
    assert_eq!(m3u, "http://radio:1/stream\r\n");
    assert!(radio.ask("GET", "/stream.pls").1.contains("File1=http://radio:1/stream\r\n"));
    let xspf = radio.ask("GET", "/stream.xspf").1;
    assert!(xspf.contains("<location>http://radio:1/stream</location>"), "{xspf}");
    let mut stream =
        radio.send("GET /stream.m3u HTTP/1.0\r\nHost: a\"<b\r\nX-Forwarded-Proto: https\r\n\r\n");
    crate::support::radio::head(&mut stream);
    assert_eq!(rest(stream), format!("https://{}/stream\r\n", radio.address).as_bytes());
    let (head, body) = radio.ask("HEAD", "/stream.m3u");
    assert!(head.contains("Content-Length: 23\r\n") && body.is_empty(), "{head}");
}

#[test]
fn the_status_is_json_whatever_the_title() {
    let mut radio = Radio::start(options());
    for title in ["12", "-", "true", "\"", "\\", "\u{0}\u{1b}\u{2028}", "';</x>"] {
        radio.push(1, Some(title));
        let (head, body) = radio.ask("GET", "/status-json.xsl");
        assert!(head.contains("Content-Type: application/json"), "{head}");
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        let source = &json["icestats"]["source"];
        assert_eq!(source["title"], title, "{body}");
        assert_eq!(source["bitrate"], 128);
        assert_eq!(source["listenurl"], "http://radio:1/stream");
    }
    // No title is no key, as with Icecast.
    radio.push(1, Some(""));
    let body = radio.ask("GET", "/status-json.xsl").1;
    let json: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert!(json["icestats"]["source"].get("title").is_none(), "{body}");
}

#[test]
fn switched_off_mounts_are_not_there() {
    let radio = Radio::on_air(ServerOptions { disabled: true, ..options() }, 40);
    for path in ["/stream", "/stream.mp3", "/stream.m3u"] {
        assert!(radio.ask("GET", path).0.starts_with("HTTP/1.0 404 "), "{path}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&radio.ask("GET", "/status-json.xsl").1).unwrap();
    assert!(json["icestats"].get("source").is_none());
    let link = radio.links.all().remove(0);
    assert!(!link.up && link.reason.is_some());
}

#[test]
fn options_tell_browsers_that_they_may_listen() {
    let radio = Radio::start(options());
    for (path, method) in [("/stream", "GET"), ("/stream.m3u", "HEAD"), ("*", "SOURCE")] {
        let (head, body) = radio.ask("OPTIONS", path);
        assert!(head.starts_with("HTTP/1.0 204 "), "{head}");
        assert!(head.contains("Access-Control-Allow-Origin: *\r\n"), "{head}");
        assert!(head.contains("Access-Control-Allow-Headers: Icy-MetaData, "), "{head}");
        let allow = head.lines().find(|line| line.starts_with("Allow: ")).unwrap();
        assert!(allow.contains(method), "{allow}");
        assert_eq!(body, "");
    }
}

#[test]
fn what_source_clients_try_is_answered_and_they_are_sent_away() {
    let radio = Radio::start(options());
    assert!(radio.ask("GET", "/admin/!POKE").0.starts_with("HTTP/1.0 401 "));
    for request in [
        "SOURCE /live HTTP/1.0\r\n\r\n",
        "SOURCE /live ICE/1.0\r\nContent-Type: audio/mpeg\r\n\r\n",
        "PUT /live HTTP/1.1\r\nExpect: 100-continue\r\n\r\n",
    ] {
        let answer = String::from_utf8(rest(radio.send(request))).unwrap();
        assert!(answer.starts_with("HTTP/1.0 401 "), "{answer}");
        assert!(
            answer.contains("WWW-Authenticate: Basic realm=\"Icecast2 Server\"\r\n"),
            "{answer}"
        );
        // With a wrong login, and the stream already on its way: the answer arrives all the same.
        let request = request.replacen("\r\n\r\n", "\r\nAuthorization: Basic eDp5\r\n\r\n", 1);
        let stream = radio.send(&format!("{request}{}", "\u{7f}".repeat(100_000)));
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = String::from_utf8(rest(stream)).unwrap();
        assert!(answer.starts_with("HTTP/1.0 401 "), "{answer}");
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let radio = Radio::on_air(options(), 40);
    let mut stream = radio.connect();
    stream.set_nodelay(true).unwrap();
    for byte in b"\r\nGET http://radio/%73tream?burst=0 HTTP/1.1\r\nIcy-MetaData: 1\r\n\r\n" {
        stream.write_all(&[*byte]).unwrap();
        std::thread::sleep(Duration::from_micros(200));
    }
    let head = head(&mut stream);
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n") && head.contains("icy-metaint"), "{head}");
}

#[test]
fn heads_that_are_too_large_or_no_http_are_refused() {
    let radio = Radio::start(options());
    for (request, status) in [
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(MAX_HEAD)), "431"),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(65)), "431"),
        (format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(10_000)), "431"),
        ("GET /stream HTTP/3.0\r\n\r\n".to_owned(), "400"),
        ("GET /stre\0am HTTP/1.1\r\n\r\n".to_owned(), "400"),
        ("\u{16}\u{3}\u{1}".to_owned(), "400"),
    ] {
        let answer = String::from_utf8(rest(radio.send(&request))).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.0 {status} ")), "{answer}");
        assert!(answer.ends_with("</html>\r\n"), "{answer}");
        // Whoever asks for a head alone takes what comes behind it for another answer.
        if request.starts_with("GET") {
            let request = request.replacen("GET", "HEAD", 1);
            let answer = String::from_utf8(rest(radio.send(&request))).unwrap();
            assert!(answer.starts_with(&format!("HTTP/1.0 {status} ")), "{answer}");
            assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        }
    }
}

#[test]
fn a_hostile_path_reaches_no_mount() {
    let mut radio = Radio::on_air(options(), 40);
    for path in ["/stream%00", "/stream%0d%0aX:%20y", "/stream/..", "//stream", "/Stream"] {
        let stream = radio.send(&format!("GET {path} HTTP/1.1\r\n\r\n"));
        let handed = radio.handed.blocking_recv().unwrap();
        assert_eq!(handed.peer, stream.local_addr().unwrap());
    }
}

#[test]
fn what_is_not_ours_is_handed_over_with_every_byte() {
    let mut radio = Radio::start(options());
    let request =
        "POST /api/v1/play HTTP/1.1\r\nHost: radio\r\nContent-Length: 13\r\n\r\n{\"play\":";
    let mut stream = radio.send(request);
    let mut handed = radio.handed.blocking_recv().unwrap();
    stream.write_all(b"true}").unwrap();
    let mut got = vec![0; request.len() + 5];
    // The connection belongs to the server's reactor, which runs on its own thread.
    block_on(async { handed.io.read_exact(&mut got).await.unwrap() });
    assert_eq!(String::from_utf8(got).unwrap(), format!("{request}true}}"));
}

#[test]
fn a_handler_that_cannot_keep_up_is_answered_for() {
    let radio = Radio::start(options());
    let kept: Vec<TcpStream> = (0..4).map(|_| radio.send("GET / HTTP/1.1\r\n\r\n")).collect();
    // Four wait in the queue, in whatever order they came: the fifth finds it full.
    crate::support::radio::wait_until("the queue is full", || radio.handed.len() == 4);
    assert!(radio.ask("GET", "/").0.starts_with("HTTP/1.0 503 "));
    drop(kept);
}

#[test]
fn a_head_that_does_not_come_in_time_is_answered_and_closed() {
    let relay = Relay::new();
    let (handed, _kept) = mpsc::channel(1);
    let server =
        Server::bind(options(), relay, Links::new(Bell::new()).reporter("mount"), handed).unwrap();
    let mut slow = TcpStream::connect(server.local_addr()).unwrap();
    slow.write_all(b"GET /stream HTTP/1.1\r\n").unwrap();
    let silent = TcpStream::connect(server.local_addr()).unwrap();
    let (stop, running) = run_on_paused_time(server);
    let begun = Instant::now();
    let answer = String::from_utf8(rest(slow)).unwrap();
    assert!(answer.starts_with("HTTP/1.0 408 "), "{answer}");
    assert!(rest(silent).is_empty());
    assert!(begun.elapsed() < Duration::from_secs(5), "the clock was not the runtime's");
    drop(stop);
    // 15 s for the head; then the answer may linger for 5 s, and stopping for half a one.
    let passed = running.join().unwrap().as_secs();
    assert!((15..=20).contains(&passed), "{passed} s");
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// One radio for all cases; whatever is handed over is dropped.
fn target() -> std::net::SocketAddr {
    static RADIO: OnceLock<(std::net::SocketAddr, Mutex<Radio>)> = OnceLock::new();
    let (address, radio) = RADIO.get_or_init(|| {
        let radio = Radio::on_air(options(), 40);
        radio.relay.close();
        (radio.address, Mutex::new(radio))
    });
    while radio.lock().unwrap().handed.try_recv().is_ok() {}
    *address
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_gets_an_answer_or_a_close_and_never_a_hang(
        pieces in prop::collection::vec(prop_oneof![
            prop::collection::vec(any::<u8>(), 0..200),
            "(GET|HEAD|OPTIONS|SOURCE|PUT|POST|X) ".prop_map(String::into_bytes),
            "(/stream|/stream.m3u|/status-json.xsl|\\*|/admin/x|http://h/stream|/)".prop_map(String::into_bytes),
            " (HTTP/1.0|HTTP/1.1|ICE/1.0|HTTP/9)\r\n".prop_map(String::into_bytes),
            "([A-Za-z-]{0,12}: ?[ -~]{0,20}\r\n){0,5}(\r\n)?".prop_map(String::into_bytes),
        ], 0..8),
    ) {
        let mut stream = TcpStream::connect(target()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let begun = Instant::now();
        let _ = stream.write_all(&pieces.concat());
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        // A reset is a close, too; what must not be is silence.
        let _ = stream.read_to_end(&mut answer);
        let _ = target();
        prop_assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", String::from_utf8_lossy(&pieces.concat()));
    }
}
