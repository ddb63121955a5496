//! A source client: a raw socket that logs in and sends.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use super::radio::{PATIENCE, head};

pub const PASSWORD: &str = "source-secret";
/// `source:source-secret` in Basic's words.
pub const LOGIN: &str = "Authorization: Basic c291cmNlOnNvdXJjZS1zZWNyZXQ=\r\n";

/// A source client that was let in.
pub struct Source {
    pub stream: TcpStream,
}

/// The answer to a `GET`: head and body.
pub fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
    let (head, mut body) = (head(&mut stream), String::new());
    stream.read_to_string(&mut body).unwrap();
    (head, body)
}

impl Source {
    /// Sends a head, with the login of the password above, and tells the answer's head.
    pub fn ask(address: SocketAddr, line: &str, headers: &str) -> (String, TcpStream) {
        Self::ask_with(address, line, &format!("{LOGIN}{headers}"))
    }

    /// The same with whatever login is among the headers.
    pub fn ask_with(address: SocketAddr, line: &str, headers: &str) -> (String, TcpStream) {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(format!("{line}\r\n{headers}\r\n").as_bytes()).unwrap();
        (head(&mut stream), stream)
    }

    /// An MP3 source for `mount`.
    pub fn mp3(address: SocketAddr, mount: &str) -> Self {
        Self::of(address, mount, "audio/mpeg", "")
    }

    /// A source of another type, with more headers.
    pub fn of(address: SocketAddr, mount: &str, kind: &str, headers: &str) -> Self {
        let headers = format!("Content-Type: {kind}\r\n{headers}");
        let (head, stream) = Self::ask(address, &format!("SOURCE {mount} HTTP/1.0"), &headers);
        assert_eq!(head, "HTTP/1.0 200 OK\r\n\r\n");
        Self { stream }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends these frames, so many at a time, and waits so long behind each group.
    pub fn play(&mut self, frames: &[Vec<u8>], group: usize, pause: Duration) {
        let mut due = Instant::now();
        for group in frames.chunks(group) {
            self.send(&group.concat());
            due += pause;
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }

    /// Ends the stream and waits until the server has ended the connection.
    pub fn end(mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
        let _ = self.stream.read_to_end(&mut Vec::new());
    }
}
