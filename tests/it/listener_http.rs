//! The HTTP that listeners speak: every version, method and header that real players send.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use musicdb_stream::{
    bell::Bell,
    relay::{Links, Relay},
    server::Server,
};
use tokio::sync::{mpsc, oneshot};

use crate::support::radio::{PATIENCE, Radio, head, options, rest};

/// What a player begins with, and the first bytes of its sound.
fn opened(radio: &Radio, request: &str) -> (String, [u8; 4]) {
    let mut stream = radio.send(request);
    let head = head(&mut stream);
    let mut sound = [0; 4];
    stream.read_exact(&mut sound).unwrap();
    (head, sound)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn every_players_request_gets_the_endless_stream() {
    let radio = Radio::on_air(options(), 40);
    for request in [
        // ffmpeg and mpv.
        "GET /stream HTTP/1.1\r\nUser-Agent: Lavf/59.27.100\r\nAccept: */*\r\nRange: bytes=0-\r\nConnection: close\r\nHost: radio:8000\r\nIcy-MetaData: 1\r\n\r\n",
        // VLC.
        "GET /stream HTTP/1.1\r\nHost: radio:8000\r\nAccept: */*\r\nAccept-Language: en_US\r\nUser-Agent: VLC/3.0.18 LibVLC/3.0.18\r\nIcy-MetaData: 1\r\nRange: bytes=0-\r\n\r\n",
        // mpg123.
        "GET /stream HTTP/1.0\r\nUser-Agent: mpg123/1.31.2\r\nHost: radio:8000\r\nAccept: audio/mpeg, audio/x-mpegurl, */*\r\nIcy-MetaData: 1\r\n\r\n",
        // A browser's audio element on another site's page.
        "GET /stream HTTP/1.1\r\nHost: radio:8000\r\nConnection: keep-alive\r\nOrigin: https://page.example\r\nReferer: https://page.example/\r\nAccept-Encoding: identity;q=1, *;q=0\r\nRange: bytes=0-\r\nSec-Fetch-Dest: audio\r\n\r\n",
        // The probe of Apple's player, which asks again without a range where it gets a 200.
        "GET /stream HTTP/1.1\r\nHost: radio:8000\r\nX-Playback-Session-Id: 1\r\nRange: bytes=0-1\r\nAccept: */*\r\nUser-Agent: AppleCoreMedia/1.0.0.20G75 (iPhone; U; CPU OS 16_6 like Mac OS X)\r\nIcy-MetaData: 1\r\n\r\n",
        // An Icecast that relays.
        "GET /stream HTTP/1.0\r\nUser-Agent: Icecast 2.4.4\r\nHost: radio\r\nIcy-MetaData: 1\r\n\r\n",
        // The shortest.
        "GET /stream HTTP/1.0\n\n",
    ] {
        let (head, sound) = opened(&radio, request);
        assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{request}{head}");
        assert_eq!(header(&head, "Connection"), Some("Close"), "{head}");
        assert_eq!(header(&head, "Content-Type"), Some("audio/mpeg"), "{head}");
        for absent in ["Content-Length", "Content-Range", "Transfer-Encoding", "Accept-Ranges"] {
            assert_eq!(header(&head, absent), None, "{absent}: {head}");
        }
        let wants_titles = request.contains("Icy-MetaData: 1");
        assert_eq!(head.contains("\r\nicy-metaint:16000\r\n"), wants_titles, "{request}{head}");
        assert_eq!(sound, radio.pushed[..4], "{request}");
    }
}

#[test]
fn titles_are_for_those_who_ask_with_a_one() {
    let radio = Radio::on_air(options(), 40);
    for (asked, gets) in
        [("Icy-MetaData: 1", true), ("icy-metadata:1", true), ("ICY-METADATA:  1 ", true)]
            .into_iter()
            .chain([("Icy-MetaData: 0", false), ("Icy-MetaData: yes", false), ("X: 1", false)])
    {
        let (head, _) = radio.listen("/stream", &format!("{asked}\r\n"));
        assert_eq!(head.contains("\r\nicy-metaint:"), gets, "{asked}: {head}");
    }
}

#[test]
fn a_web_player_may_ask_for_titles_and_read_their_interval() {
    let radio = Radio::on_air(options(), 40);
    let mut stream = radio.send(
        "OPTIONS /stream HTTP/1.1\r\nHost: radio\r\nOrigin: https://page.example\r\n\
         Access-Control-Request-Method: GET\r\n\
         Access-Control-Request-Headers: icy-metadata, range\r\n\r\n",
    );
    let preflight = head(&mut stream);
    assert!(preflight.starts_with("HTTP/1.0 204 "), "{preflight}");
    assert_eq!(header(&preflight, "Access-Control-Allow-Origin"), Some("*"));
    let list = |name| header(&preflight, name).unwrap_or_default().to_lowercase();
    for allowed in ["icy-metadata", "range"] {
        assert!(list("Access-Control-Allow-Headers").contains(allowed), "{preflight}");
    }
    assert!(list("Access-Control-Allow-Methods").contains("get"), "{preflight}");
    assert_eq!(header(&preflight, "Content-Length"), None, "204 has no body");
    let (answer, _) =
        radio.listen("/stream", "Origin: https://page.example\r\nIcy-MetaData: 1\r\n");
    assert_eq!(header(&answer, "Access-Control-Allow-Origin"), Some("*"));
    let exposed = header(&answer, "Access-Control-Expose-Headers").unwrap();
    for line in answer.lines().filter(|line| line.starts_with("icy-")) {
        let name = line.split(':').next().unwrap();
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
}

#[test]
fn other_methods_are_told_which_there_are() {
    let radio = Radio::on_air(options(), 40);
    for method in ["POST", "DELETE", "PATCH", "FOO"] {
        let (head, _) = radio.ask(method, "/stream");
        assert!(head.starts_with("HTTP/1.0 405 "), "{method}: {head}");
        assert_eq!(header(&head, "Allow"), Some("GET, HEAD, OPTIONS"), "{head}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_listener_whose_machine_has_vanished_is_gone_within_half_a_minute() {
    let radio = Radio::on_air(options(), 40);
    let (_, listener) = radio.listen("/stream", "");
    radio.wait_for_count(1);
    let kept = kernel_timers(radio.address, listener.local_addr().unwrap());
    // 02: the keep-alive timer; in hundredths of a second until the first probe.
    assert_eq!(kept.0, "02", "the server's side of the connection is not probed: {kept:?}");
    assert!(kept.1 <= 1000, "{kept:?}");
}

/// The active timer of a connection's server side and when it is due, from /proc/net/tcp.
#[cfg(target_os = "linux")]
fn kernel_timers(server: std::net::SocketAddr, client: std::net::SocketAddr) -> (String, u64) {
    let shown = |address: std::net::SocketAddr| format!("0100007F:{:04X}", address.port());
    let (from, to) = (shown(server), shown(client));
    let mut seen = (String::new(), 0);
    crate::support::radio::wait_until("nothing is on its way any more", || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let line = table.lines().find(|line| line.contains(&format!("{from} {to} ")));
        let Some(line) = line else { return false };
        let timer = line.split_whitespace().nth(5).unwrap();
        let (kind, due) = timer.split_once(':').unwrap();
        seen = (kind.to_owned(), u64::from_str_radix(due, 16).unwrap());
        kind == "02"
    });
    seen
}

#[test]
fn those_who_come_before_the_server_can_take_them_wait_and_are_served() {
    // Icecast has room for five.
    const STORM: usize = 400;
    let (handed, _kept) = mpsc::channel(1);
    let link = Links::new(Bell::new()).reporter("mount");
    let server = Server::bind(options(), Relay::new(), link, handed).unwrap();
    let storm: Vec<TcpStream> = (0..STORM)
        .map(|n| {
            let limit = Duration::from_millis(800);
            let mut stream = TcpStream::connect_timeout(&server.local_addr(), limit)
                .unwrap_or_else(|error| panic!("connection {n}: {error}"));
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(b"HEAD /stream HTTP/1.0\r\n\r\n").unwrap();
            stream
        })
        .collect();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let stop = async {
            let _ = stopped.await;
        };
        runtime.unwrap().block_on(server.run(stop)).unwrap();
    });
    for stream in storm {
        assert!(rest(stream).starts_with(b"HTTP/1.0 200 OK\r\n"));
    }
    drop(stop);
    running.join().unwrap();
}
