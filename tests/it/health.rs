//! `/health`: what load balancers and monitors ask, without a login.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{home::Home, served::Served};

/// The whole answer to a request without a token, under this `Host`.
fn asked(served: &Served, method: &str, host: &str) -> (String, String) {
    let mut socket = TcpStream::connect(served.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(socket, "{method} /health HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

/// Waits until frames go out; what health says then.
fn healthy(served: &Served) -> Value {
    let began = Instant::now();
    loop {
        let (head, body) = asked(served, "GET", "radio.example");
        if head.starts_with("http/1.1 200 ok") {
            return serde_json::from_str(&body).unwrap();
        }
        assert!(head.starts_with("http/1.1 503 "), "{head}");
        assert!(began.elapsed() < Duration::from_secs(10), "{body}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_stream_that_lives_is_healthy_playing_or_paused_to_whoever_asks() {
    for wish in ["--play", "--paused"] {
        let home = Home::with_songs(2);
        let served = home.serve(&[wish]);
        // The banner may come before the station has heard that its mount is open.
        served.wait_for(Duration::from_secs(10), |state| state["outputs"][0]["connected"] == true);
        let health = healthy(&served);
        assert_eq!(health["alive"], true, "{health}");
        assert!(health["last_frame_age_ms"].as_u64().unwrap() < 5000, "{health}");
        assert_eq!(health["outputs"][0]["name"], "mount", "{health}");
        assert_eq!(health["outputs"][0]["connected"], true, "{health}");
        assert_eq!(health["listeners"], 0, "{health}");
        let (head, body) = asked(&served, "HEAD", "radio.example");
        assert!(head.starts_with("http/1.1 200 ok") && body.is_empty(), "{head}\n{body}");
        assert!(asked(&served, "POST", "localhost").0.starts_with("http/1.1 405 "));
    }
}

#[cfg(unix)]
#[test]
fn a_stream_without_frames_is_told_dead() {
    use std::process::Command;
    let home = Home::with_songs(2);
    let served = home.serve(&["--play"]);
    healthy(&served);
    // The whole program stands still for longer than frames may be missing, then answers before the
    // station has made up for it, or after: never may it have said that it lives with an old frame.
    let pid = served.pid().to_string();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    };
    signal("-STOP");
    std::thread::sleep(Duration::from_millis(5200));
    signal("-CONT");
    let (head, body) = asked(&served, "GET", "radio.example");
    let health: Value = serde_json::from_str(&body).unwrap();
    let is_old = health["last_frame_age_ms"].as_u64().unwrap() >= 5000;
    assert_eq!(head.starts_with("http/1.1 503 "), is_old, "{head}\n{body}");
    assert_eq!(health["alive"], !is_old, "{body}");
    healthy(&served);
}
