//! The drive: a deck whose files are made up, with a disk that is slow at times.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Instant,
};

use crossbeam_channel::{Sender, TrySendError, bounded};

use super::shelf::{Fault, Shelf};
use crate::{
    deck::{Chunk, Item, Opener, Track},
    ids::SongId,
    mpeg::{StreamTime, Unplayable, time::UNITS_PER_SECOND},
    song::Song,
};

/// As the real deck's reader has them: see `deck/reader.rs`.
const CHUNKS_AHEAD: usize = 5;
const CHUNK_TIME: StreamTime = StreamTime::from_units(2 * UNITS_PER_SECOND);
const FIRST_CHUNK_FRAMES: u64 = 16;

/// The disk, shared by the world and the deck that the station owns.
#[derive(Debug, Clone)]
pub(super) struct Drive(Arc<Mutex<Disk>>);

#[derive(Debug)]
struct Disk {
    shelf: Arc<Shelf>,
    now: Instant,
    stuck_until: Instant,
    absent: HashSet<SongId>,
    files: Vec<OpenFile>,
    frame: Vec<u8>,
}

/// A file that some track reads.
#[derive(Debug)]
struct OpenFile {
    song: SongId,
    at: u64,
    opened_at: u64,
    /// The first frame that the station's channel did not get yet.
    delivered: u64,
    ready: Instant,
    absent: bool,
    /// What did not fit in the channel yet.
    next: Option<Item>,
    ended: bool,
    sender: Sender<Item>,
}

impl Drive {
    pub(super) fn new(shelf: Arc<Shelf>, now: Instant) -> Self {
        Self(Arc::new(Mutex::new(Disk {
            shelf,
            now,
            stuck_until: now,
            absent: HashSet::new(),
            files: Vec::new(),
            frame: Vec::new(),
        })))
    }

    /// Delivers nothing until then.
    pub(super) fn stick(&self, until: Instant) {
        self.0.lock().unwrap().stuck_until = until;
    }

    /// Songs whose files cannot be opened from now on.
    pub(super) fn take_away(&self, songs: &[SongId]) {
        self.0.lock().unwrap().absent.extend(songs);
    }

    /// The files are there again: which.
    pub(super) fn give_back(&self) -> Vec<SongId> {
        let mut back: Vec<SongId> = self.0.lock().unwrap().absent.drain().collect();
        back.sort_unstable();
        back
    }

    /// Reads ahead for every open file, as the deck's threads would have by `now`.
    pub(super) fn pump(&self, now: Instant) {
        let disk = &mut *self.0.lock().unwrap();
        disk.now = now;
        if now < disk.stuck_until {
            return;
        }
        let (shelf, frame) = (&disk.shelf, &mut disk.frame);
        disk.files.retain_mut(|file| now < file.ready || file.deliver(shelf, frame));
    }

    /// When something more is delivered that may be waited for.
    pub(super) fn due(&self) -> Option<Instant> {
        let disk = self.0.lock().unwrap();
        let late = disk.files.iter().map(|file| file.ready.max(disk.stuck_until));
        late.filter(|ready| *ready > disk.now).min()
    }

    /// The disk is late with frame `next` of this song: the station cannot have it yet.
    pub(super) fn is_late(&self, song: SongId, next: u64) -> bool {
        let disk = self.0.lock().unwrap();
        let waits = |file: &OpenFile| {
            let is_late = disk.now < disk.stuck_until || disk.now < file.ready;
            file.song == song && is_late && file.delivered <= next
        };
        disk.files.iter().any(waits)
    }

    /// Files that are open: what must not grow.
    pub(super) fn open_files(&self) -> usize {
        self.0.lock().unwrap().files.len()
    }

    /// The program was killed.
    pub(super) fn close_all(&self) {
        self.0.lock().unwrap().files.clear();
    }
}

impl Opener for Drive {
    fn open(&mut self, song: &Song, from: u64) -> Track {
        let (sender, arrivals) = bounded(CHUNKS_AHEAD);
        let disk = &mut *self.0.lock().unwrap();
        let ready = match disk.shelf.piece(song.id).fault {
            Fault::Late(wait) => disk.now + wait,
            _ => disk.now,
        };
        let absent = disk.absent.contains(&song.id);
        let mut file = OpenFile {
            song: song.id,
            at: from,
            opened_at: from,
            delivered: from,
            ready,
            absent,
            next: disk.shelf.piece(song.id).lead(from),
            ended: false,
            sender,
        };
        if disk.now >= ready.max(disk.stuck_until) {
            file.deliver(&disk.shelf, &mut disk.frame);
        }
        disk.files.push(file);
        Track::new(arrivals)
    }
}

impl OpenFile {
    /// Fills the channel; false once nobody listens or nothing is left.
    fn deliver(&mut self, shelf: &Shelf, frame: &mut Vec<u8>) -> bool {
        loop {
            let item = match self.next.take() {
                Some(item) => item,
                None if self.ended => return false,
                None => self.read(shelf, frame),
            };
            match self.sender.try_send(item) {
                Ok(()) => self.delivered = self.at,
                Err(TrySendError::Full(item)) => {
                    self.next = Some(item);
                    return true;
                }
                Err(TrySendError::Disconnected(_)) => return false,
            }
        }
    }

    fn read(&mut self, shelf: &Shelf, frame: &mut Vec<u8>) -> Item {
        let piece = shelf.piece(self.song);
        if self.absent || piece.fault == Fault::Missing {
            self.ended = true;
            return Item::Failed(Unplayable::from(std::io::ErrorKind::NotFound));
        }
        let first = piece.frame_time().times(FIRST_CHUNK_FRAMES);
        let limit = if self.at == self.opened_at { first } else { CHUNK_TIME };
        let mut chunk = Chunk::new();
        while chunk.duration() < limit && self.at < piece.readable() {
            frame.clear();
            let header = piece.append(self.at, frame);
            chunk.push(header, frame);
            self.at += 1;
        }
        if !chunk.is_empty() {
            return Item::Chunk(chunk);
        }
        self.ended = true;
        match piece.fault {
            Fault::DamagedAfter(_) => Item::Failed(Unplayable::TooMuchJunk { at: 9 }),
            _ => Item::End,
        }
    }
}
