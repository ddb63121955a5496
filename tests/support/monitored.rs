//! The program's `monitor` at work, and sound to give it.

#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
};

use musicdb_stream::{
    monitor::pcm::{Frame, put_bytes, quantize},
    mpeg::Header,
};

use super::{
    decoders::Decoder,
    home::PROGRAM,
    radio::{PATIENCE, wait_until},
    served::Served,
};

/// Bytes before the PCM in our WAV files.
const HEADER: usize = 80;

/// A running `monitor`; dropping it kills it.
pub struct Monitor {
    child: Child,
    said: BufReader<ChildStdout>,
    pub address: SocketAddr,
}

impl Monitor {
    pub fn start(sink: &str, more: &[&str]) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["monitor", "--listen", "127.0.0.1:0", "--sink", sink])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.split(' ').find_map(|word| word.trim_end_matches(';').parse().ok());
        Self { child, said, address: address.unwrap_or_else(|| panic!("{line}")) }
    }

    /// Ctrl-C: what it says at its end.
    pub fn interrupt(mut self) -> String {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let mut text = String::new();
        self.said.read_to_string(&mut text).unwrap();
        assert!(self.child.wait().unwrap().success());
        text.trim().to_owned()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// So many moments of noise, as bytes; always the same.
pub fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        i16::from_le_bytes([state.to_le_bytes()[2], state.to_le_bytes()[3]])
    };
    let frames: Vec<Frame> = (0..count).map(|_| [next(), next()]).collect();
    let mut bytes = Vec::new();
    put_bytes(&frames, &mut bytes);
    bytes
}

/// The PCM that a `wav` sink has written so far.
pub fn recorded(wav: &Path) -> Vec<u8> {
    let file = fs::read(wav).unwrap_or_default();
    file.get(HEADER..).unwrap_or_default().to_vec()
}

/// A listener that keeps all that it gets.
pub struct Listener {
    pub heard: Arc<AtomicUsize>,
    pub thread: JoinHandle<Vec<u8>>,
}

impl Listener {
    pub fn start(address: SocketAddr) -> Self {
        Self::of(address, "/stream")
    }

    /// One of this path.
    pub fn of(address: SocketAddr, path: &str) -> Self {
        let heard = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&heard);
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).unwrap();
        let thread = thread::spawn(move || {
            let (mut all, mut piece) = (Vec::new(), [0; 16_384]);
            loop {
                match stream.read(&mut piece) {
                    Ok(0) => return all,
                    Ok(len) => all.extend_from_slice(&piece[..len]),
                    // The server was killed.
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => return all,
                    Err(error) => panic!("{error}"),
                }
                count.store(all.len(), Relaxed);
            }
        });
        Self { heard, thread }
    }

    /// Waits until so many bytes more have come.
    pub fn hear(&self, more: usize) {
        let wanted = self.heard.load(Relaxed) + more;
        wait_until("the listener hears", || self.heard.load(Relaxed) >= wanted);
    }

    /// The PCM of what it got, as bytes.
    pub fn end(self, folder: &Path) -> Vec<u8> {
        let all = self.thread.join().unwrap();
        let body = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let path = folder.join("heard.mp3");
        fs::write(&path, whole_frames(&all[body..])).unwrap();
        let decoded = Decoder::Symphonia.decode(&path);
        assert!(decoded.complaints.is_empty(), "{:?}", decoded.complaints);
        let samples = decoded.pcm.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let steps: Vec<i16> = samples.map(quantize).collect();
        let mut bytes = Vec::new();
        put_bytes(steps.as_chunks().0, &mut bytes);
        bytes
    }
}

/// A server that is killed ends in the middle of a frame.
fn whole_frames(stream: &[u8]) -> &[u8] {
    let mut at = 0;
    while let Some(head) = stream[at..].first_chunk() {
        let end = at + Header::parse(*head).unwrap().frame_len();
        if end > stream.len() {
            break;
        }
        at = end;
    }
    &stream[..at]
}

/// Plays, pauses, plays on and skips, so long that all of it can be heard.
pub fn tour(served: &Served, listener: &Listener) {
    let position = |least: f64| {
        served.wait_for(PATIENCE, |state| {
            state["is_playing"] == true && state["position_seconds"].as_f64().unwrap() > least
        });
    };
    position(1.0);
    served.play(false);
    // 64 kbit/s: more than a second of silence.
    listener.hear(10_000);
    served.play(true);
    position(1.5);
    for _ in 0..2 {
        served.next();
        position(0.7);
    }
}
