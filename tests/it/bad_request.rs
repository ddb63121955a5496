//! Bad requests to the API of a running server: each gets its status and a JSON error, the queue
//! stays as it is, and the music goes on.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{home::Home, served::Served};

const SOON: Duration = Duration::from_secs(10);

/// Sends these bytes; the status and the body of the answer.
fn raw(served: &Served, request: &[u8]) -> (u16, String) {
    let mut socket = TcpStream::connect(served.address).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    // An answer may come before the request has been taken whole.
    let _ = socket.write_all(request);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no status: {answer:?}")), body.to_owned())
}

/// A request with the token and these further lines.
fn request(served: &Served, line: &str, headers: &str, body: &str) -> (u16, Value) {
    let (address, token) = (served.address, &served.token);
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
         Connection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    let (status, answer) = raw(served, &[head.as_bytes(), body.as_bytes()].concat());
    (status, serde_json::from_str(&answer).unwrap_or(Value::String(answer)))
}

const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn bodies_and_paths_that_make_no_sense_are_refused_and_change_nothing() {
    let home = Home::with_songs(3);
    let served = home.serve(&["--paused"]);
    served.wait_for(SOON, |_| served.ask("GET", "/api/v1/scan", "").1["running"] == false);
    let queue = || served.ask("GET", "/api/v1/queue", "").1;
    let before = queue();
    let current = before["entries"][0]["entry_id"].as_str().unwrap().to_owned();
    let second = before["entries"][1]["entry_id"].as_str().unwrap().to_owned();
    let deep = format!("{{\"song_id\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let huge = format!("{{\"song_id\":1,\"position\":\"{}\"}}", "x".repeat(3 << 20));
    let behind_itself = format!("{{\"after\":\"{second}\"}}");
    let q = "/api/v1/queue";
    let moved = |entry: &str| format!("POST {q}/{entry}/move");
    let cases: Vec<(String, &str, &str, &[u16])> = vec![
        (format!("POST {q}"), JSON, "", &[400]),
        (format!("POST {q}"), JSON, "{", &[400]),
        (format!("POST {q}"), JSON, "\u{0}\u{1b}", &[400]),
        (format!("POST {q}"), JSON, &deep, &[400, 422]),
        (format!("POST {q}"), JSON, &huge, &[413]),
        (format!("POST {q}"), "", "{\"song_id\":1}", &[415]),
        (format!("POST {q}"), "Content-Type: text/plain\r\n", "{\"song_id\":1}", &[415]),
        (format!("POST {q}"), JSON, "{\"song_id\":\"one\"}", &[422]),
        (format!("POST {q}"), JSON, "{\"song_id\":1.5}", &[422]),
        (format!("POST {q}"), JSON, "{\"song_id\":9223372036854775808}", &[422]),
        (format!("POST {q}"), JSON, "{\"song_id\":1,\"extra\":1}", &[422]),
        (format!("POST {q}"), JSON, "{\"song_id\":1,\"position\":\"first\"}", &[422]),
        (format!("POST {q}"), JSON, "{\"song_id\":1,\"position\":{\"after\":\"-1\"}}", &[422]),
        (format!("POST {q}"), JSON, "{\"song_id\":1,\"position\":{\"after\":\"1\"}}", &[404]),
        (format!("POST {q}"), JSON, "{\"song_id\":-1}", &[404]),
        (format!("POST {q}"), JSON, "{\"song_id\":9223372036854775807}", &[404]),
        (format!("POST {q}/random"), JSON, "{\"album_id\":-9}", &[404]),
        (format!("POST {q}/random"), "", "{}", &[415]),
        (format!("POST {q}/random"), JSON, "7", &[422]),
        (format!("DELETE {q}/{current}"), "", "", &[409]),
        (format!("DELETE {q}/1"), "", "", &[404]),
        (format!("DELETE {q}/-1"), "", "", &[400]),
        (format!("DELETE {q}/340282366920938463463374607431768211456"), "", "", &[400]),
        (format!("DELETE {q}/%FF"), "", "", &[400]),
        (format!("DELETE {q}/%2e%2e%2f"), "", "", &[400]),
        (format!("DELETE {q}/{second}"), "If-Match: x\r\n", "", &[400]),
        (format!("DELETE {q}/{second}"), "If-Match: -1\r\n", "", &[400]),
        (format!("DELETE {q}/{second}"), "If-Match: *\r\n", "", &[400]),
        (format!("DELETE {q}/{second}"), "If-Match: 0\r\n", "", &[412]),
        (format!("DELETE {q}"), "If-Match: 18446744073709551615\r\n", "", &[412]),
        (moved(&second), JSON, &behind_itself, &[409]),
        (moved(&current), JSON, &behind_itself, &[409]),
        (moved(&second), JSON, "{\"after\":1}", &[422]),
        ("POST /api/v1/play".into(), JSON, "{\"play\":\"yes\"}", &[422]),
        ("POST /api/v1/play".into(), "", "", &[415]),
        ("POST /api/v1/next".into(), "", &huge, &[413]),
        ("POST /api/v1/scan".into(), JSON, "{\"folders\":\"all\"}", &[422]),
        ("POST /api/v1/scan".into(), "Content-Type: text/plain\r\n", "x", &[415]),
        ("POST /api/v1/import".into(), JSON, "{\"file\":\"/dev/zero\"}", &[409]),
        ("POST /api/v1/import".into(), JSON, "{\"file\":\"\\u0000\"}", &[409]),
        ("POST /api/v1/backup".into(), JSON, "{\"file\":\"/\"}", &[409]),
        ("PATCH /api/v1/queue".into(), "", "", &[405]),
        ("GET /api/v1/nothing".into(), "", "", &[404]),
        ("GET /api/v1/../../etc/passwd".into(), "", "", &[404]),
        ("GET /%2e%2e/%2e%2e/etc/passwd".into(), "", "", &[404]),
        ("GET /api/v1/songs?limit=-1".into(), "", "", &[400]),
        ("GET /api/v1/songs?limit=99999999999999999999".into(), "", "", &[400]),
        ("GET /api/v1/songs?offset=x".into(), "", "", &[400]),
        ("GET /api/v1/songs?what=1".into(), "", "", &[400]),
    ];
    for (line, headers, body, wanted) in cases {
        let (status, answer) = request(&served, &line, headers, body);
        let shown = body.chars().take(60).collect::<String>();
        assert!(wanted.contains(&status), "{line} {headers:?} {shown}: {status} {answer}");
        assert!(answer["error"]["code"].is_string(), "{line} {shown}: {status} {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(!message.contains("Error(") && !message.contains(" { "), "{line}: {message}");
        let data = home.data();
        assert!(!message.contains(data.to_str().unwrap()), "{line}: {message}");
    }
    assert_eq!(queue(), before);
}

#[test]
fn bodies_that_say_nothing_may_be_left_out() {
    let home = Home::with_songs(3);
    let served = home.serve(&["--paused"]);
    served.wait_for(SOON, |_| served.ask("GET", "/api/v1/scan", "").1["running"] == false);
    for headers in ["", JSON] {
        let (status, added) = request(&served, "POST /api/v1/queue/random", headers, "");
        assert_eq!(status, 201, "{added}");
        let queue = served.ask("GET", "/api/v1/queue", "").1;
        let last = queue["entries"].as_array().unwrap().last().unwrap();
        assert_eq!(last["entry_id"], added["entry_id"]);
        let (status, started) = request(&served, "POST /api/v1/scan", headers, "");
        assert_eq!(status, 202, "{started}");
        served.wait_for(SOON, |_| served.ask("GET", "/api/v1/scan", "").1["running"] == false);
    }
}

#[test]
fn searches_of_any_size_are_answered() {
    let home = Home::with_songs(3);
    let served = home.serve(&["--paused"]);
    served.wait_for(SOON, |_| served.ask("GET", "/api/v1/scan", "").1["running"] == false);
    let ask = |query: &str| request(&served, &format!("GET /api/v1/songs?{query}"), "", "");
    assert_eq!(ask(&format!("q={}", "x".repeat(10_000))).0, 431);
    let (status, found) = ask(&format!("q={}", "x+".repeat(3_000)));
    assert_eq!((status, &found["total"]), (200, &0.into()));
    for (query, shown) in [
        ("limit=0", 0),
        ("limit=18446744073709551615", 3),
        ("offset=18446744073709551615", 0),
        ("q=%25_%27%22%5C", 0),
        ("q=%00", 0),
        ("q=song", 3),
    ] {
        let (status, found) = ask(query);
        assert_eq!(status, 200, "{query}: {found}");
        assert_eq!(found["songs"].as_array().map(Vec::len), Some(shown), "{query}: {found}");
    }
}

#[test]
fn foreign_names_and_wrong_tokens_open_nothing() {
    let home = Home::with_songs(2);
    let served = home.serve(&["--paused"]);
    let address = served.address;
    let get = |headers: &str| {
        let head = format!("GET /api/v1/state HTTP/1.1\r\nConnection: close\r\n{headers}\r\n");
        raw(&served, head.as_bytes()).0
    };
    assert_eq!(get(&format!("Host: {address}\r\n")), 200);
    for host in ["rebind.example", "localhost.rebind.example", "127.0.0.1.example", "", "[::1]x"] {
        assert_eq!(get(&format!("Host: {host}:{}\r\n", address.port())), 401, "{host}");
    }
    // Without a host, HTTP/1.1 makes no sense; in no case is it answered with the state.
    assert!([400, 401].contains(&get("")), "{}", get(""));
    assert_eq!(get(&format!("Host: {address}\r\nX-Forwarded-For: 192.0.2.1\r\n")), 401);
    let token = &served.token;
    assert_eq!(get(&format!("Host: rebind.example\r\nAuthorization: Bearer {token}\r\n")), 200);
    for wrong in ["Bearer", "Bearer x", "Basic c291cmNlOng=", &format!("Bearer {token}x")] {
        let head = format!(
            "POST /api/v1/next HTTP/1.1\r\nHost: {address}\r\nAuthorization: {wrong}\r\n\
             Content-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let (status, body) = raw(&served, head.as_bytes());
        assert_eq!(status, 401, "{wrong}: {body}");
        assert!(body.contains("unauthorized") && !body.contains(token), "{body}");
    }
}

#[test]
fn followers_that_vanish_cost_nothing_and_the_music_goes_on() {
    let home = Home::new();
    home.song("Music/long.mp3", 20_000);
    let served = home.serve(&["--play"]);
    served.wait_for(SOON, |state| state["is_playing"] == true);
    let mut stream = TcpStream::connect(served.address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    write!(stream, "GET /stream?burst=0 HTTP/1.0\r\n\r\n").unwrap();
    let follow = || {
        let mut socket = TcpStream::connect(served.address).unwrap();
        write!(socket, "GET /api/v1/events HTTP/1.1\r\nHost: {}\r\n\r\n", served.address).unwrap();
        socket
    };
    let mut rounds = Vec::new();
    for _ in 0..3 {
        let followers: Vec<_> = (0..200).map(|_| follow()).collect();
        for (n, mut follower) in followers.into_iter().enumerate() {
            if n % 2 == 0 {
                follower.set_read_timeout(Some(SOON)).unwrap();
                let mut head = [0; 15];
                follower.read_exact(&mut head).unwrap();
                assert_eq!(&head, b"HTTP/1.1 200 OK");
            }
            // Closed with bytes unread: the server's socket is reset.
            drop(follower);
        }
        let (_, bytes) = served.cost();
        rounds.push(bytes);
    }
    let grown = rounds[2].saturating_sub(rounds[0]);
    assert!(grown < 8 << 20, "resident bytes after each round: {rounds:?}");
    // Two seconds of the music come in about two seconds.
    let mut sound = vec![0; 32_000];
    let began = Instant::now();
    stream.read_exact(&mut sound).unwrap();
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let descriptors = || std::fs::read_dir(format!("/proc/{}/fd", served.pid())).unwrap().count();
    served.wait_for(SOON, |_| descriptors() < 60);
    assert_eq!(served.terminate().1.code(), Some(0));
}
