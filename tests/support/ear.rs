//! An ear at the source socket: a stand-in Icecast that knows each frame it hears, and when it came.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use musicdb_stream::mpeg::Header;

use super::mp3::{Shape, frames};

/// Longest wait for anything that a test expects to hear.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bits of a frame's number within its song; above them stands the song's.
const FRAME_BITS: u32 = 14;
/// Frames at a song's start that need nothing of the frames before them, as an encoder's.
const FIRST_FRAMES: u32 = 10;
/// Half of how far every later frame points back: two silent frames have to carry so much.
const HALF_BACK: u8 = 0xE0;

/// Which frame of which song this is, read from the frame itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub song: u32,
    pub frame: u32,
}

impl Mark {
    /// Nothing: silence, or what carries bytes to the frame behind it.
    pub fn of(frame: &[u8]) -> Option<Self> {
        let [high, middle, low, marked] = *frame.get(5..)?.first_chunk()?;
        let number = u32::from(high) << 14 | u32::from(middle) << 7 | u32::from(low);
        let frame = number & ((1 << FRAME_BITS) - 1);
        (marked & 0x40 != 0).then_some(Self { song: number >> FRAME_BITS, frame })
    }
}

/// Song number `song` (0 to 127) of `count` frames, whose frames tell what they are and point far
/// back, as those of music do.
pub fn marked_song(song: u32, count: u32) -> Vec<u8> {
    assert!(song < 128 && count < 1 << FRAME_BITS);
    let lengths = frames(Shape::default(), count);
    let marked = (0..count).zip(lengths).flat_map(|(number, plain)| {
        let padded = plain.len() > Shape::default().header().frame_len();
        let shape = Shape { padded, ..Shape::default() };
        let mut frame = shape.frame(song << FRAME_BITS | number);
        // The first eight bits of the side info: how far it points back, halved.
        frame[4] = if number < FIRST_FRAMES { 0 } else { HALF_BACK };
        frame
    });
    marked.collect()
}

/// One frame as it came.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    /// On which connection of the source, counted from 0.
    pub visit: usize,
    pub mark: Option<Mark>,
    /// When its first byte had come.
    pub at: Instant,
}

/// All that was heard so far.
#[derive(Debug, Default)]
pub struct Memory {
    pub frames: Vec<Heard>,
    /// For each connection of the source: it has ended.
    pub ended: Vec<bool>,
}

#[derive(Debug, Default)]
struct Shared {
    memory: Mutex<Memory>,
    news: Condvar,
    over: AtomicBool,
}

/// The stand-in Icecast.
#[derive(Debug)]
pub struct Ear {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Ear {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let of_thread = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if of_thread.over.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&of_thread);
                thread::spawn(move || shared.attend(socket));
            }
        });
        Self { address, shared, thread: Some(thread) }
    }

    /// The table of a configuration that sends the stream here.
    pub fn table(&self) -> String {
        let port = self.address.port();
        format!(
            "[icecast]\nenabled = true\nhost = \"127.0.0.1\"\nport = {port}\npassword = \"secret\"\n"
        )
    }

    /// Looks at what was heard.
    pub fn look<T>(&self, look: impl FnOnce(&Memory) -> T) -> T {
        look(&self.shared.memory.lock().unwrap())
    }

    /// Waits until something is heard, and returns it.
    pub fn wait<T>(&self, what: &str, heard: impl Fn(&Memory) -> Option<T>) -> T {
        let memory = self.shared.memory.lock().unwrap();
        let waiting = |memory: &mut Memory| heard(memory).is_none();
        let (memory, _) = self.shared.news.wait_timeout_while(memory, PATIENCE, waiting).unwrap();
        heard(&memory).unwrap_or_else(|| panic!("waited {PATIENCE:?} at the source for {what}"))
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the listener.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Shared {
    fn attend(&self, mut socket: TcpStream) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            // It ends before its head where the source was killed meanwhile.
            let Ok(1) = socket.read(&mut byte) else { return };
            head.push(byte[0]);
        }
        if String::from_utf8_lossy(&head).contains("/admin/metadata") {
            let _ = socket.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        let visit = self.change(|memory| {
            memory.ended.push(false);
            memory.ended.len() - 1
        });
        if socket.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").is_ok() {
            self.listen(visit, &mut socket);
        }
        self.change(|memory| memory.ended[visit] = true);
    }

    fn listen(&self, visit: usize, socket: &mut TcpStream) {
        let mut pending = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        let mut earlier = Instant::now();
        while let Ok(got @ 1..) = socket.read(&mut buffer) {
            let now = Instant::now();
            let held = pending.len();
            pending.extend_from_slice(&buffer[..got]);
            let mut heard = Vec::new();
            let mut at = 0;
            while let Some(head) = pending[at..].first_chunk() {
                let header = Header::parse(*head).expect("the stream is whole frames");
                let Some(frame) = pending.get(at..at + header.frame_len()) else { break };
                let came = if at < held { earlier } else { now };
                heard.push(Heard { visit, mark: Mark::of(frame), at: came });
                at += frame.len();
            }
            if at >= held {
                earlier = now;
            }
            pending.drain(..at);
            self.change(|memory| memory.frames.append(&mut heard));
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> T {
        let changed = change(&mut self.memory.lock().unwrap());
        self.news.notify_all();
        changed
    }
}
