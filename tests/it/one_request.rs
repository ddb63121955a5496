//! One request a connection: what browsers and others ask next finds the mounts again.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::support::{home::Home, served::Served};

const SOON: Duration = Duration::from_secs(10);
/// What a body that nobody waits for is sent in.
const PIECE: [u8; 1000] = [b' '; 1000];

/// A connection on which this was sent.
fn sent(served: &Served, text: &str) -> TcpStream {
    let mut socket = TcpStream::connect(served.address).unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    socket.write_all(text.as_bytes()).unwrap();
    socket
}

/// A request as browsers send it, who keep the connection where they may.
fn get(served: &Served, path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: keep-alive\r\n\r\n", served.address)
}

/// All that comes until the server closes.
fn rest(mut socket: &TcpStream) -> String {
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("the server closes the connection");
    String::from_utf8(answer).unwrap().to_lowercase()
}

#[test]
fn every_answer_of_the_page_and_the_api_ends_its_connection() {
    let home = Home::with_songs(2);
    let served = home.serve(&["--paused"]);
    for path in ["/", "/page.js", "/health", "/api/v1/state", "/api/v1/nothing", "/nothing"] {
        let answer = rest(&sent(&served, &get(&served, path)));
        let (head, _) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\nconnection: close"), "{path}: {head}");
    }
    // Another request behind it is left to the connection that its sender opens next.
    let two = get(&served, "/health") + &get(&served, "/stream");
    let answer = rest(&sent(&served, &two));
    assert_eq!(answer.matches("http/1.1 ").count(), 1, "{answer}");
    assert!(answer.starts_with("http/1.1 200 ok"), "{answer}");
}

#[test]
fn events_go_on_for_as_long_as_the_connection_stands() {
    let home = Home::with_songs(2);
    let served = home.serve(&["--paused"]);
    let mut lines = BufReader::new(sent(&served, &get(&served, "/api/v1/events"))).lines();
    let mut next = || lines.next().unwrap().unwrap();
    assert_eq!(next(), "HTTP/1.1 200 OK");
    // One a second.
    for _ in 0..3 {
        while next() != "event: TimeChanged" {}
    }
}

#[test]
fn an_answer_that_comes_before_the_body_can_be_read_whatever_follows() {
    let home = Home::with_songs(2);
    let served = home.serve(&["--paused"]);
    let mut socket = sent(
        &served,
        "POST /api/v1/queue HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: 100000\r\n\r\n",
    );
    let answer = rest(&socket);
    assert!(answer.starts_with("http/1.1 401"), "{answer}");
    // It ended its side alone: a reset would be an error from the second piece on.
    for _ in 0..100 {
        socket.write_all(&PIECE).unwrap();
    }
}
