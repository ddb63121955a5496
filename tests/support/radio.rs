//! A radio: the embedded server on a thread of its own, with a relay that the test fills.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use musicdb_stream::{
    bell::Bell,
    relay::{FrameKind, Group, Links, Relay},
    server::{Handed, Listeners, Server, ServerOptions},
};
use tokio::sync::{mpsc, oneshot};

use super::mp3::Shape;

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// A running server and everything that was pushed into it.
pub struct Radio {
    pub address: SocketAddr,
    /// Its TLS port, where the options ask for one.
    pub tls_address: Option<SocketAddr>,
    pub relay: Relay,
    pub links: Links,
    pub listeners: Listeners,
    pub handed: mpsc::Receiver<Handed>,
    /// All bytes pushed, and where each frame begins.
    pub pushed: Vec<u8>,
    pub edges: Vec<usize>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Options that suit tests: any port, flushes as fast as they come.
pub fn options() -> ServerOptions {
    ServerOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        flush: Duration::from_millis(2),
        ..ServerOptions::default()
    }
}

/// Runs `server` on a clock that jumps to the next deadline whenever nothing else is to be done, until
/// the first of what this returns is dropped; the thread tells how much of that time has passed.
pub fn run_on_paused_time(server: Server) -> (oneshot::Sender<()>, JoinHandle<Duration>) {
    let (stop, stopped) = oneshot::channel();
    let running = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let begun = tokio::time::Instant::now();
            let stop = async {
                let _ = stopped.await;
            };
            server.run(stop).await.unwrap();
            begun.elapsed()
        })
    });
    (stop, running)
}

impl Radio {
    pub fn start(options: ServerOptions) -> Self {
        let (relay, links) = (Relay::new(), Links::new(Bell::new()));
        let (sender, handed) = mpsc::channel(4);
        let server = Server::bind(options, relay.clone(), links.reporter("mount"), sender).unwrap();
        let (address, listeners) = (server.local_addr(), server.listeners());
        let tls_address = server.tls_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let stop = async {
                let _ = stopped.await;
            };
            runtime.unwrap().block_on(server.run(stop)).unwrap();
        });
        let (stop, thread) = (Some(stop), Some(thread));
        let (pushed, edges) = (Vec::new(), Vec::new());
        Self { address, tls_address, relay, links, listeners, handed, pushed, edges, stop, thread }
    }

    /// A radio that has been on the air for `frames` frames.
    pub fn on_air(options: ServerOptions, frames: u32) -> Self {
        let mut radio = Self::start(options);
        radio.push(frames, None);
        radio
    }

    /// Pushes so many more numbered frames, in groups of four, the first one under a new title.
    pub fn push(&mut self, frames: u32, title: Option<&str>) {
        let mut title = title;
        let first = u32::try_from(self.edges.len()).unwrap();
        let numbers: Vec<u32> = (first..first + frames).collect();
        for numbers in numbers.chunks(4) {
            let mut group = Group::new();
            if let Some(title) = title.take() {
                group.mark_title(title);
            }
            for n in numbers {
                // 44.1 kHz: every few frames one has a byte more, as encoders make them.
                let shape = Shape { padded: n % 3 == 0, ..Shape::default() };
                let frame = shape.frame(*n);
                self.edges.push(self.pushed.len());
                self.pushed.extend_from_slice(&frame);
                group.push(shape.header(), &frame, FrameKind::Song);
            }
            self.relay.push(&group, Instant::now());
        }
    }

    /// Stops the server and says how long that took.
    pub fn stop(&mut self) -> Duration {
        let begun = Instant::now();
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        begun.elapsed()
    }

    /// A connection to it.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A connection on which `request` was sent.
    pub fn send(&self, request: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// A listener on `path`, with more header lines; its response's head, and the connection.
    pub fn listen(&self, path: &str, headers: &str) -> (String, TcpStream) {
        let mut stream = self.send(&format!("GET {path} HTTP/1.1\r\nHost: radio\r\n{headers}\r\n"));
        (head(&mut stream), stream)
    }

    /// The whole answer to `METHOD path`: head and body.
    pub fn ask(&self, method: &str, path: &str) -> (String, String) {
        let mut stream = self.send(&format!("{method} {path} HTTP/1.1\r\nHost: radio:1\r\n\r\n"));
        let head = head(&mut stream);
        let mut body = Vec::new();
        stream.read_to_end(&mut body).unwrap();
        (head, String::from_utf8(body).unwrap())
    }

    /// Waits until `count` listen.
    pub fn wait_for_count(&self, count: usize) {
        wait_until("the listeners are as many as they must be", || self.listeners.count() == count);
    }
}

impl Drop for Radio {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Waits until `done`, looking again every few milliseconds.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Reads a response's head, byte by byte so that nothing of the body is taken.
pub fn head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Reads to the end.
pub fn rest(mut stream: TcpStream) -> Vec<u8> {
    let mut body = Vec::new();
    stream.read_to_end(&mut body).unwrap();
    body
}

/// Takes a body with titles apart: the audio, and each title with the audio bytes before it.
pub fn take_apart(body: &[u8], interval: usize) -> (Vec<u8>, Vec<(usize, String)>) {
    let (mut audio, mut titles, mut rest) = (Vec::new(), Vec::new(), body);
    while rest.len() > interval {
        audio.extend_from_slice(&rest[..interval]);
        let len = usize::from(rest[interval]) * 16;
        let block = &rest[interval + 1..interval + 1 + len];
        if len > 0 {
            let text = String::from_utf8(block.to_vec()).unwrap();
            let text = text.trim_end_matches('\0').strip_prefix("StreamTitle='").unwrap();
            titles.push((audio.len(), text.strip_suffix("';").unwrap().to_owned()));
        }
        rest = &rest[interval + 1 + len..];
    }
    audio.extend_from_slice(rest);
    (audio, titles)
}
