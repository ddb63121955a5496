//! A rehearsal: the player with a clock, a deck and a queue made for tests.

mod behaviour;
mod drives;
mod exactness;
mod formats;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Sender, unbounded};

use super::{
    ack::Ack,
    now_playing::Board,
    options::PlayerOptions,
    player::{Player, Report},
    title::TitleForm,
};
use crate::{
    command::Command,
    config::{AfterReconnect, Mixed, OnLoss},
    deck::{Chunk, Item, Opener, Track},
    event::Event,
    ids::{EntryId, SongId},
    keeper::{Advanced, Outcome, Position, Snapshot},
    mpeg::{Header, Tail, Unplayable, is_silent_forgery},
    relay::{Link, Read, Reader, Relay},
    song::{Entry, Song},
    subscribers::{EventReceiver, Subscribers},
};

/// How a file behaves.
#[derive(Debug, Clone, Copy)]
pub(super) enum File {
    Whole(u64),
    /// Its frames are mono.
    Mono(u64),
    Missing,
    /// On a drive that is not mounted.
    Away,
    DamagedAfter(u64),
    Slow,
}

/// What is on the disk at the moment.
type Files = Arc<std::sync::Mutex<HashMap<PathBuf, File>>>;

/// A deck whose files are made up; remembers the senders of slow ones.
#[derive(Default)]
struct FakeDeck {
    files: Files,
    slow: Arc<std::sync::Mutex<Vec<Sender<Item>>>>,
}

impl Opener for FakeDeck {
    fn open(&mut self, song: &Song, from: u64) -> Track {
        let (sender, arrivals) = unbounded();
        let frames_of = |header: Header, n: u64| {
            let mut chunk = Chunk::new();
            for index in from..n {
                let mut frame = frame(song.id, index);
                frame[..4].copy_from_slice(&header.to_bytes());
                chunk.push(header, &frame);
            }
            Item::Chunk(chunk)
        };
        if from > 0 {
            let mut tail = Tail::default();
            (0..from).for_each(|index| tail.push(header(), &frame(song.id, index)));
            sender.send(Item::Lead(Box::new(tail))).unwrap();
        }
        let frames = |n| frames_of(header(), n);
        let file = self.files.lock().unwrap()[&song.path];
        let items = match file {
            File::Whole(n) => vec![frames(n), Item::End],
            File::Mono(n) => vec![frames_of(mono(), n), Item::End],
            File::Missing => vec![Item::Failed(Unplayable::from(std::io::ErrorKind::NotFound))],
            File::Away => vec![Item::Failed(Unplayable::Away)],
            File::DamagedAfter(n) => {
                vec![frames(n), Item::Failed(Unplayable::TooMuchJunk { at: 9 })]
            }
            File::Slow => Vec::new(),
        };
        for item in items {
            sender.send(item).unwrap();
        }
        self.slow.lock().unwrap().push(sender);
        Track::new(arrivals)
    }
}

pub(super) fn header() -> Header {
    Header::parse([0xFF, 0xFB, 0x90, 0x00]).unwrap()
}

/// As long as [`header`]'s.
pub(super) fn mono() -> Header {
    Header::parse([0xFF, 0xFB, 0x90, 0xC0]).unwrap()
}

/// Frame `index` of a song: its bytes tell both. Each but the first points back by 170 bytes.
pub(super) fn frame(song: SongId, index: u64) -> Vec<u8> {
    let mut frame = header().to_bytes().to_vec();
    frame.resize(header().frame_len(), 0x55);
    if index == 0 {
        frame[4..6].fill(0);
    }
    frame[36..44].copy_from_slice(&song.0.to_be_bytes());
    frame[44..52].copy_from_slice(&index.to_be_bytes());
    frame
}

/// What one frame of the relay was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    Silence,
    Frame(i64, u64),
}

/// What a frame of the relay was.
pub(super) fn what(frame: &[u8]) -> Heard {
    if is_silent_forgery(frame) {
        return Heard::Silence;
    }
    let song = i64::from_be_bytes(frame[36..44].try_into().unwrap());
    Heard::Frame(song, u64::from_be_bytes(frame[44..52].try_into().unwrap()))
}

/// The player and its surroundings.
pub(super) struct Rehearsal {
    pub(super) player: Player,
    pub(super) now: Instant,
    pub(super) relay: Relay,
    pub(super) events: EventReceiver,
    pub(super) queue: Vec<Entry>,
    pub(super) advanced: Vec<Advanced>,
    pub(super) positions: Vec<Position>,
    pub(super) wanted: Vec<bool>,
    /// Random songs that refill the queue, as in the keeper.
    pub(super) refill: Vec<Entry>,
    reader: Reader,
    files: Files,
    slow: Arc<std::sync::Mutex<Vec<Sender<Item>>>>,
    revision: u64,
    advances: u64,
    ups: u64,
    /// The keeper answers only when told to.
    pub(super) keeper_is_busy: bool,
}

pub(super) fn entry(id: i64) -> Entry {
    let song = Song {
        id: SongId(id),
        path: PathBuf::from(format!("{id}.mp3")),
        title: format!("Song {id}"),
        artist: "Band".into(),
        album: String::new(),
        duration_seconds: 0.0,
        frames: 1000,
        audio_bytes: 417_959,
        playable: true,
    };
    let entry_id = EntryId(u128::try_from(id).unwrap() + 1000);
    Entry { entry_id, song_id: SongId(id), is_random: false, song: Some(Arc::new(song)) }
}

pub(super) fn options() -> PlayerOptions {
    PlayerOptions {
        tick: Duration::from_millis(100),
        main_output: "icecast",
        on_loss: OnLoss::Hold,
        after_reconnect: AfterReconnect::Resume,
        mixed: Mixed::Play,
        title: TitleForm::new("{artist} - {title}"),
        name: "Station".into(),
        disabled: false,
    }
}

impl Rehearsal {
    /// A connected station with these files as its queue, song ids from 1 on.
    pub(super) fn new(options: PlayerOptions, wanted: bool, files: &[File]) -> Self {
        let mut rehearsal = Self::disconnected(options, wanted, files);
        rehearsal.link(true);
        rehearsal
    }

    pub(super) fn disconnected(options: PlayerOptions, wanted: bool, files: &[File]) -> Self {
        Self::unconnected_at(options, wanted, files, 0)
    }

    /// One that was killed at this frame of its first song, and starts again.
    pub(super) fn unconnected_at(
        options: PlayerOptions,
        wanted: bool,
        files: &[File],
        frame: u64,
    ) -> Self {
        let now = Instant::now();
        let deck = FakeDeck::default();
        let (files_there, slow) = (Arc::clone(&deck.files), Arc::clone(&deck.slow));
        let mut queue = Vec::new();
        for (id, file) in (1..).zip(files) {
            files_there.lock().unwrap().insert(format!("{id}.mp3").into(), *file);
            queue.push(entry(id));
        }
        let (relay, subscribers) = (Relay::new(), Subscribers::new());
        let (events, reader) = (subscribers.subscribe(), relay.live());
        let outlets = (relay.clone(), subscribers, Board::default());
        let player = Player::new(options, wanted, Box::new(deck), outlets, now);
        let mut rehearsal = Self {
            player,
            now,
            relay,
            events,
            queue,
            advanced: Vec::new(),
            positions: Vec::new(),
            wanted: Vec::new(),
            refill: Vec::new(),
            reader,
            files: files_there,
            slow,
            revision: 1,
            advances: 0,
            ups: 0,
            keeper_is_busy: false,
        };
        let position = rehearsal.queue.first().map(|e| Position { entry_id: e.entry_id, frame });
        rehearsal.publish_at(position);
        rehearsal
    }

    /// All files become such ones.
    pub(super) fn mount(&self, file: File) {
        self.files.lock().unwrap().values_mut().for_each(|there| *there = file);
    }

    /// Icecast accepts us, or goes away.
    pub(super) fn link(&mut self, up: bool) {
        self.ups += u64::from(up);
        self.tell(up, false);
    }

    /// Something else is heard at the output, which stays up, or our frames are again.
    pub(super) fn lend(&mut self, is_lent: bool) {
        self.tell(true, is_lent);
    }

    fn tell(&mut self, up: bool, is_lent: bool) {
        let (ups, next_frame) = (self.ups, 0);
        let link = Link { name: "icecast", up, reason: None, is_lent, ups, next_frame };
        self.player.on_links(&[link]);
    }

    pub(super) fn command(&mut self, command: Command) -> Ack {
        let (ack, pending) = Ack::new(self.now);
        self.player.on_command(command, pending);
        self.player.answer();
        ack
    }

    /// Lets `time` pass: the player is woken exactly when it asked to be.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            let wake = self.player.run(self.now);
            self.keep();
            if wake > end {
                break;
            }
            self.now = wake.max(self.now);
        }
        self.now = end;
    }

    /// The keeper carries out what the player reported.
    pub(super) fn keep(&mut self) {
        let reports = self.player.take_reports();
        self.player.answer();
        for report in reports {
            match report {
                Report::Position(position) => self.positions.push(position),
                Report::Wanted(wanted) => self.wanted.push(wanted),
                Report::Advanced(advanced) => {
                    assert_eq!(self.queue.first().map(|e| e.entry_id), Some(advanced.from));
                    self.queue.remove(0);
                    if self.queue.len() < 2 && !self.refill.is_empty() {
                        self.queue.push(self.refill.remove(0));
                    }
                    self.revision += 1;
                    self.advances += 1;
                    self.advanced.push(advanced);
                }
            }
        }
        if !self.keeper_is_busy {
            self.publish();
        }
    }

    /// Somebody edits the queue.
    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut Vec<Entry>)) {
        edit(&mut self.queue);
        self.revision += 1;
        self.publish();
    }

    pub(super) fn publish(&mut self) {
        self.publish_at(None);
    }

    fn publish_at(&mut self, position: Option<Position>) {
        self.player.on_snapshot(Arc::new(Snapshot {
            revision: self.revision,
            advances: self.advances,
            current: self.queue.first().cloned(),
            next: self.queue.get(1).cloned(),
            length: self.queue.len(),
            wanted: None,
            position,
        }));
    }

    /// The disk delivers to the most recently opened slow file.
    pub(super) fn deliver(&mut self, song: SongId, frames: u64) {
        self.deliver_range(song, 0..frames);
    }

    /// The disk delivers these frames of it.
    pub(super) fn deliver_range(&mut self, song: SongId, frames: std::ops::Range<u64>) {
        let mut chunk = Chunk::new();
        for index in frames {
            chunk.push(header(), &frame(song, index));
        }
        let senders = self.slow.lock().unwrap();
        senders.iter().for_each(|sender| drop(sender.send(Item::Chunk(Chunk::new()))));
        senders[0].send(Item::Chunk(chunk)).unwrap();
        drop(senders);
        self.player.on_arrival();
    }

    /// All frames that left since this was last asked.
    pub(super) fn heard(&mut self) -> Vec<Heard> {
        self.heard_frames().iter().map(|frame| what(frame)).collect()
    }

    /// The same, byte for byte.
    pub(super) fn heard_frames(&mut self) -> Vec<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Read::Taken(_) = self.reader.read(usize::MAX, |new| {
            bytes.extend_from_slice(new);
            new.len()
        }) {}
        let mut heard = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some(head) = rest.first_chunk() {
            let (frame, after) = rest.split_at(Header::parse(*head).unwrap().frame_len());
            rest = after;
            heard.push(frame.to_vec());
        }
        heard
    }

    /// The songs' frames that left since this was last asked, silence taken out.
    pub(super) fn sounded(&mut self) -> Vec<(i64, u64)> {
        let heard = self.heard().into_iter();
        heard
            .filter_map(
                |h| if let Heard::Frame(song, index) = h { Some((song, index)) } else { None },
            )
            .collect()
    }

    pub(super) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok().map(|envelope| envelope.event)).collect()
    }

    /// The status events among those since this was last asked.
    pub(super) fn statuses(&mut self) -> Vec<(bool, bool)> {
        let events = self.events().into_iter();
        events
            .filter_map(|event| match event {
                Event::StatusChanged { is_connected, is_playing } => {
                    Some((is_connected, is_playing))
                }
                _ => None,
            })
            .collect()
    }

    pub(super) fn outcomes(&self) -> Vec<Outcome> {
        self.advanced.iter().map(|advanced| advanced.outcome.clone()).collect()
    }
}
