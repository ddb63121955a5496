//! A recording of a mount, and its comparison with the songs that were played.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use musicdb_stream::{
    deck::SongFrames,
    mpeg::{Header, is_silent_forgery},
};

/// One connection's bytes with the time at which each read ended.
#[derive(Debug, Default, Clone)]
pub struct Take {
    pub bytes: Vec<u8>,
    /// Bytes so far, and when they had come.
    pub arrivals: Vec<(usize, Instant)>,
}

/// Listens to a mount, connecting again whenever it is closed, until it is stopped.
pub struct Recorder {
    stop: Arc<AtomicBool>,
    takes: Arc<Mutex<Vec<Take>>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    pub fn start(server: SocketAddr, mount: &str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let takes: Arc<Mutex<Vec<Take>>> = Arc::default();
        let (stopped, shared, mount) = (Arc::clone(&stop), Arc::clone(&takes), mount.to_owned());
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if listen(server, &mount, &shared, &stopped).is_none() {
                    thread::sleep(Duration::from_millis(20));
                }
            }
        });
        Self { stop, takes, thread: Some(thread) }
    }

    /// How many bytes have been received over all connections.
    pub fn received(&self) -> usize {
        self.takes.lock().unwrap().iter().map(|take| take.bytes.len()).sum()
    }

    /// How many connections brought sound.
    pub fn connections(&self) -> usize {
        self.takes.lock().unwrap().len()
    }

    pub fn stop(mut self) -> Vec<Take> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.takes.lock().unwrap().clone()
    }
}

/// One connection: nothing where the server did not answer with the mount.
fn listen(
    server: SocketAddr,
    mount: &str,
    takes: &Mutex<Vec<Take>>,
    stop: &AtomicBool,
) -> Option<()> {
    let mut socket = TcpStream::connect_timeout(&server, Duration::from_secs(1)).ok()?;
    socket.set_read_timeout(Some(Duration::from_millis(50))).ok()?;
    write!(socket, "GET {mount} HTTP/1.0\r\nHost: {server}\r\nUser-Agent: recorder\r\n\r\n")
        .ok()?;
    let mut head = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let mut body_from = None;
    while !stop.load(Ordering::Relaxed) {
        let got = match socket.read(&mut buffer) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                continue;
            }
            Err(_) => break,
        };
        let now = Instant::now();
        let mut bytes = &buffer[..got];
        if body_from.is_none() {
            head.extend_from_slice(bytes);
            let end = head.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
            if !head.starts_with(b"HTTP/1.0 200") && !head.starts_with(b"HTTP/1.1 200") {
                return None;
            }
            takes.lock().unwrap().push(Take::default());
            body_from = Some(());
            bytes = &head[end..];
        }
        let mut takes = takes.lock().unwrap();
        let take = takes.last_mut()?;
        take.bytes.extend_from_slice(bytes);
        take.arrivals.push((take.bytes.len(), now));
    }
    body_from
}

/// Frames after which a jump forward in a song no longer counts as a gap.
const GAP_LIMIT: usize = 200;

/// The songs' own frames, as their files hold them.
pub struct Songs {
    songs: Vec<(PathBuf, Vec<Vec<u8>>)>,
    /// Where a frame stands: (song, index), for frames that stand in one place only.
    places: HashMap<Vec<u8>, Vec<(usize, usize)>>,
}

/// Frames of a song that a recording left out.
#[derive(Debug, Clone, Copy)]
pub struct Gap {
    pub frames: usize,
    pub bytes: usize,
}

impl Gap {
    /// How many kills of Icecast may have cost so much: each at most half a second at 44.1 kHz; or
    /// no more than Icecast 2.4 holds back, which hands its listeners whole blocks of 4,096 bytes,
    /// and one group on its way there.
    pub fn kills(self) -> usize {
        let held_back = 4096 + self.bytes / self.frames * 4;
        self.frames.div_ceil(19).min(self.bytes.div_ceil(held_back))
    }

    pub fn is_what_a_kill_may_cost(self) -> bool {
        self.kills() <= 1
    }
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Verdict {
    pub song_frames: usize,
    pub silent_frames: usize,
    /// Where the recording goes on later in the same song: what was left out.
    pub gaps: Vec<Gap>,
    /// Songs left before their last frame: by `next`, or at the end of the recording.
    pub cut_songs: usize,
    pub whole_songs: usize,
    /// Bytes that are neither a song's frame nor forged silence, but at a take's two ends.
    pub foreign_bytes: usize,
    /// Frames that came again, or out of order within a song.
    pub repeated: usize,
}

impl Songs {
    pub fn read(paths: &[PathBuf]) -> Self {
        let mut songs = Vec::new();
        let mut places: HashMap<Vec<u8>, Vec<(usize, usize)>> = HashMap::new();
        for path in paths {
            let mut source = SongFrames::open(File::open(path).unwrap()).unwrap();
            let mut frames = Vec::new();
            while let Some((_, frame)) = source.next_frame().unwrap() {
                places.entry(frame.to_vec()).or_default().push((songs.len(), frames.len()));
                frames.push(frame.to_vec());
            }
            songs.push((path.clone(), frames));
        }
        Self { songs, places }
    }

    /// Holds the takes, in order, against the songs.
    pub fn compare(&self, takes: &[Take]) -> Verdict {
        let mut verdict = Verdict::default();
        let mut at = Vec::new();
        for take in takes {
            let mut rest = take.bytes.as_slice();
            let mut joined = false;
            while rest.len() >= Header::MAX_FRAME_LEN {
                match self.frame_at_start(rest) {
                    Some(frame) => {
                        joined = true;
                        self.follow(frame, &mut at, &mut verdict);
                        rest = &rest[frame.len()..];
                    }
                    None => {
                        verdict.foreign_bytes += usize::from(joined);
                        rest = &rest[1..];
                    }
                }
            }
        }
        verdict
    }

    /// The frame with which these bytes begin: a song's, or forged silence.
    fn frame_at_start<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let header = Header::parse(bytes.first_chunk::<4>().copied()?).ok()?;
        let frame = bytes.get(..header.frame_len())?;
        (self.places.contains_key(frame) || is_silent_forgery(frame)).then_some(frame)
    }

    /// `at` holds every place that the recording may have reached: songs can begin alike.
    fn follow(&self, frame: &[u8], at: &mut Vec<(usize, usize)>, verdict: &mut Verdict) {
        let expected: Vec<(usize, usize)> = at
            .iter()
            .filter(|(song, index)| self.songs[*song].1.get(*index).is_some_and(|f| f == frame))
            .map(|(song, index)| (*song, index + 1))
            .collect();
        if !expected.is_empty() {
            verdict.song_frames += 1;
            *at = expected;
            return;
        }
        if is_silent_forgery(frame) {
            verdict.silent_frames += 1;
            return;
        }
        let places = &self.places[frame];
        verdict.song_frames += 1;
        let later = at.iter().find_map(|(song, index)| {
            let near = index + 1..index + GAP_LIMIT;
            let place = places.iter().find(|p| p.0 == *song && near.contains(&p.1))?;
            let lost = self.songs[*song].1.get(*index..place.1)?;
            let bytes = lost.iter().map(Vec::len).sum();
            Some((*place, Gap { frames: lost.len(), bytes }))
        });
        if let Some((place, gap)) = later {
            verdict.gaps.push(gap);
            *at = vec![(place.0, place.1 + 1)];
            return;
        }
        // A song may have ended, and the next one begun, within what was lost.
        let begun = places.iter().find(|p| p.1 < GAP_LIMIT && at.iter().all(|a| a.0 != p.0));
        if let Some(place) = begun.filter(|_| !at.is_empty() && places.iter().all(|p| p.1 > 0)) {
            let lost = &self.songs[place.0].1[..place.1];
            let bytes = lost.iter().map(Vec::len).sum();
            verdict.gaps.push(Gap { frames: lost.len(), bytes });
            *at = vec![(place.0, place.1 + 1)];
            return;
        }
        if let Some((song, index)) = at.first() {
            if *index == self.songs[*song].1.len() {
                verdict.whole_songs += 1;
            } else {
                verdict.cut_songs += 1;
            }
        }
        let begins: Vec<_> = places.iter().filter(|p| p.1 == 0).map(|p| (p.0, 1)).collect();
        if begins.is_empty() {
            verdict.repeated += usize::from(!at.is_empty());
            *at = places.iter().map(|p| (p.0, p.1 + 1)).collect();
        } else {
            *at = begins;
        }
    }
}
