//! A keeper on a database of its own, with songs that are rows and no files.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use musicdb_stream::{
    bell::Bell,
    db::Database,
    event::Event,
    ids::{EntryId, SongId},
    keeper::{Advanced, Keeper, KeeperHandle, KeeperOptions, Outcome, Snapshot, SongQueue},
    library::{Album, Audio, Batch, FoundSong, Sink, Tags},
    mpeg::StreamTime,
    song::Entry,
    subscribers::{EventReceiver, Subscribers},
};

/// Longest wait for something that is due at once.
const SOON: Duration = Duration::from_secs(10);

/// A running keeper and those who watch it.
pub struct Studio {
    pub folder: tempfile::TempDir,
    pub path: PathBuf,
    pub keeper: Keeper,
    pub queue: SongQueue,
    pub handle: KeeperHandle,
    pub events: EventReceiver,
    bell: Bell,
}

impl Studio {
    /// An empty library and an empty queue.
    pub fn empty() -> Self {
        Self::with(KeeperOptions::default())
    }

    pub fn with(options: KeeperOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        Self::open(folder, path, options)
    }

    pub fn open(folder: tempfile::TempDir, path: PathBuf, options: KeeperOptions) -> Self {
        let subscribers = Subscribers::new();
        let events = subscribers.subscribe();
        let options = KeeperOptions { seed: options.seed.or(Some(7)), ..options };
        let keeper = Keeper::start(Database::open(&path).unwrap(), options, subscribers).unwrap();
        let (handle, bell) = (keeper.handle(), Bell::new());
        handle.ring(bell.clone());
        Self { queue: keeper.queue(), handle, folder, path, keeper, events, bell }
    }

    /// Stopped and started again on the same file.
    pub fn again(self) -> Self {
        self.keeper.stop();
        Self::open(self.folder, self.path, KeeperOptions::default())
    }

    /// What a kill leaves: the files as they are now, opened by a new keeper.
    pub fn killed(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.db", "a.db-wal"] {
            let file = self.folder.path().join(name);
            if file.exists() {
                std::fs::copy(file, folder.path().join(name)).unwrap();
            }
        }
        let path = folder.path().join("a.db");
        Self::open(folder, path, KeeperOptions::default())
    }

    /// Puts songs 1 to `count` into the library.
    pub fn songs(self, count: usize) -> Self {
        let found = (1..=count).map(song).collect();
        self.keeper.sink().write(Batch { found, ..Batch::default() }).unwrap();
        self
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.queue.entries().unwrap().entries
    }

    /// Entry id, song and whether it is random: what must survive.
    pub fn order(&self) -> Vec<(EntryId, SongId, bool)> {
        self.entries().iter().map(|e| (e.entry_id, e.song_id, e.is_random)).collect()
    }

    /// Reports that the current song has ended and the next one plays; waits until it is published.
    pub fn go_on(&self, outcome: Outcome) {
        let snapshot = self.handle.snapshot();
        let from = snapshot.current.as_ref().unwrap().entry_id;
        let to = snapshot.next.as_ref().map(|entry| entry.entry_id);
        self.report(Advanced { from, to, outcome });
    }

    pub fn report(&self, advanced: Advanced) {
        let advances = self.handle.snapshot().advances;
        self.handle.advanced(advanced);
        self.wait(|snapshot| snapshot.advances > advances);
    }

    /// Waits for a snapshot.
    pub fn wait(&self, wanted: impl Fn(&Snapshot) -> bool) {
        while !wanted(&self.handle.snapshot()) {
            let rung = self.bell.wait_until(Instant::now() + SOON);
            assert!(rung, "the keeper published nothing");
        }
    }

    /// The next event.
    pub fn event(&self) -> Event {
        self.events.recv_timeout(SOON).expect("no event").event
    }

    /// The events until now. An edit that is refused comes back after whatever was told before it.
    pub fn told(&self) -> Vec<Event> {
        assert!(self.queue.remove_song(EntryId(0)).is_err());
        std::iter::from_fn(|| self.events.try_recv().ok()).map(|e| e.event).collect()
    }

    /// Runs SQL beside the keeper.
    pub fn sql(&self, text: &str) {
        self.other().execute_batch(text).unwrap();
    }

    /// One number out of the database.
    pub fn number(&self, sql: &str) -> i64 {
        self.other().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    pub fn other(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(&self.path).unwrap();
        connection.busy_timeout(SOON).unwrap();
        connection
    }
}

/// Song number `n`, which is its id in a fresh library.
pub fn song(n: usize) -> FoundSong {
    let album = format!("Album {}", n % 3);
    FoundSong {
        path: Path::new("/music").join(format!("{n}.mp3")),
        size: 1000,
        mtime_ns: 1,
        tags: Tags {
            title: format!("Title {n}"),
            artist: "Artist".into(),
            album: Album { key: album.clone().into_bytes(), name: album },
            ..Tags::default()
        },
        audio: Ok(Audio {
            duration: StreamTime::of_samples(1152 * 100, 44_100),
            frames: 100,
            audio_bytes: 41_795,
            sample_rate: 44_100,
            channels: 2,
            bitrate: 128,
        }),
    }
}
