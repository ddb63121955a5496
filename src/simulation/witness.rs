//! The witness: hears every frame, knows every command, and says what may come next.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    model::Row,
    mount::Mount,
    news::News,
    playing::Playing,
    reservoir::Reservoir,
    rest::Rest,
    shelf::{Fault, Piece, Shelf, is_silent, main_data_at, points_back},
};
use crate::{
    command::Command,
    config::{AfterReconnect, Mixed, OnLoss},
    ids::{EntryId, SongId},
    keeper::{Advanced, Outcome, Position, Snapshot},
    mpeg::Header,
    song::Entry,
    station::Report,
};

/// How a file is told that is away.
const NOT_FOUND: &str = "not found";
/// A song that sounded for so long is none of those in a row.
const SOUNDED: Duration = Duration::from_secs(1);
/// The most silent frames that carry main data before one frame.
const CARRIERS_LIMIT: u32 = 8;
/// Entries whose songs are remembered.
const KNOWN: usize = 256;

/// The rules of a run.
pub(super) struct Witness {
    shelf: Arc<Shelf>,
    on_loss: OnLoss,
    after_reconnect: AfterReconnect,
    pub(super) wanted: bool,
    pub(super) connected: bool,
    ups: u64,
    pub(super) playing: Option<Playing>,
    /// What the queue begins with, as far as the station was told since it last went on.
    head: Option<Entry>,
    /// How often it went on in this life.
    advances: u64,
    known: VecDeque<Row>,
    /// What was heard to its last frame and not asked for yet.
    heard: Vec<Row>,
    /// Skips that were commanded and not reported.
    skips: u64,
    wishes: Vec<bool>,
    /// The newest position that was reported.
    position: Option<Position>,
    rewound: bool,
    rest: Rest,
    pub(super) mount: Mount,
    now: Instant,
    /// A song was between its end and the next one's beginning in this turn.
    was_between: bool,
    reservoir: Reservoir,
    frame: Vec<u8>,
    pub(super) sounded: u64,
    pub(super) silent: u64,
    /// Silent frames with main data that left in a row.
    carriers: u32,
    /// The frame that left last was the one before the next of what plays.
    joined: bool,
}

impl Witness {
    pub(super) fn new(
        shelf: Arc<Shelf>,
        (on_loss, after_reconnect, mixed): (OnLoss, AfterReconnect, Mixed),
        now: Instant,
    ) -> Self {
        Self {
            shelf,
            on_loss,
            after_reconnect,
            wanted: true,
            connected: false,
            ups: 0,
            playing: None,
            head: None,
            advances: 0,
            known: VecDeque::new(),
            heard: Vec::new(),
            skips: 0,
            wishes: Vec::new(),
            position: None,
            rewound: false,
            rest: Rest::default(),
            mount: Mount::new(mixed == Mixed::Skip),
            now,
            was_between: true,
            reservoir: Reservoir::default(),
            frame: Vec::new(),
            sounded: 0,
            silent: 0,
            carriers: 0,
            joined: false,
        }
    }

    /// The program starts, for the first time or after a kill, with what is stored.
    pub(super) fn begin(&mut self, snapshot: &Snapshot) {
        self.wanted = snapshot.wanted.unwrap_or(true);
        self.connected = false;
        self.ups = 0;
        self.advances = 0;
        self.skips = 0;
        self.wishes.clear();
        self.rest.end();
        self.mount.begin();
        self.reservoir = Reservoir::default();
        (self.carriers, self.joined) = (0, false);
        self.remember(snapshot);
        let stored = |entry: EntryId| {
            snapshot.position.filter(|stored| stored.entry_id == entry).map_or(0, |s| s.frame)
        };
        self.playing = snapshot.current.as_ref().map(|current| {
            Playing::at(current.entry_id, current.song_id, stored(current.entry_id))
        });
        self.position = None;
        self.rewound = false;
    }

    /// Sound may leave.
    pub(super) fn is_audible(&self) -> bool {
        self.wanted && !self.is_held()
    }

    pub(super) fn is_held(&self) -> bool {
        self.on_loss == OnLoss::Hold && !self.connected
    }

    /// The newest frame is a song's.
    pub(super) fn hears_song(&self) -> bool {
        self.joined
    }

    /// The song's frame follows that the newest frames carry for.
    pub(super) fn is_carrying(&self) -> bool {
        self.carriers > 0
    }

    /// Every skip was carried out.
    pub(super) fn has_no_skips(&self) -> bool {
        self.skips == 0
    }

    /// What was heard to its last frame since this was last asked.
    pub(super) fn take_heard(&mut self) -> Vec<Row> {
        std::mem::take(&mut self.heard)
    }

    /// The newest reported position; nothing where the song began anew since.
    pub(super) fn position(&self) -> Option<Position> {
        self.position.filter(|_| !self.rewound)
    }

    /// How far what has left of the song is ahead of what was reported of it.
    pub(super) fn unreported(&self) -> Duration {
        let Some(playing) = self.playing else { return Duration::ZERO };
        let told = self.position().map_or(playing.from, |position| position.frame);
        let frame = self.shelf.piece(playing.song).frame_time();
        frame.times(playing.next.saturating_sub(told)).as_duration()
    }

    /// How many seconds so many frames of a song sound.
    pub(super) fn sounds(&self, song: SongId, frames: u64) -> f64 {
        self.shelf.piece(song).frame_time().times(frames).as_seconds()
    }

    /// The station is told this, before it sends what is due.
    pub(super) fn hear(&mut self, news: &News) {
        self.now = news.now;
        self.was_between = self.playing.is_none();
        if let Some((up, ups)) = news.link {
            let came_back = ups > self.ups && self.ups > 0;
            (self.connected, self.ups) = (up, ups);
            if came_back && self.after_reconnect == AfterReconnect::Pause {
                self.wanted = false;
                self.wishes.push(false);
                self.rewound = true;
                if let Some(playing) = &mut self.playing {
                    *playing = Playing::at(playing.entry, playing.song, 0);
                }
            }
        }
        if let Some(snapshot) = &news.snapshot {
            self.remember(snapshot);
        }
        for command in &news.commands {
            match command {
                Command::Play(play) => {
                    self.wanted = *play;
                    self.wishes.push(*play);
                }
                Command::PlayNextSong => {
                    self.skips += 1;
                    self.rest.end();
                }
            }
        }
    }

    /// A frame left. `reports`: what the station reported in the same turn and is not explained yet.
    pub(super) fn frame(&mut self, header: Header, frame: &[u8], reports: &mut VecDeque<Advanced>) {
        let claimed = self.reservoir.claim(header, frame).map(<[u8]>::to_vec);
        self.reservoir.take(header, frame);
        while self.left_before_it_began(reports.front()) {
            reports.pop_front().iter().for_each(|advanced| self.advance(advanced));
        }
        if self.is_next(header, frame) {
            return self.sound(header, frame, claimed);
        }
        if is_silent(header, frame) {
            assert!(claimed.is_some(), "a carrier claims what did not come before it");
            if frame[main_data_at(header)..].iter().all(|byte| *byte == 0) {
                self.silent += 1;
                (self.carriers, self.joined) = (0, false);
            } else {
                self.carriers += 1;
                assert!(self.carriers <= CARRIERS_LIMIT, "{} carriers in a row", self.carriers);
                assert!(!self.joined, "a carrier behind the frame that it stands in for");
            }
            return;
        }
        // Another song, or one that begins anew: the station has to say why.
        while let Some(advanced) = reports.pop_front() {
            self.advance(&advanced);
            if self.is_next(header, frame) {
                return self.sound(header, frame, claimed);
            }
        }
        panic!("{:02x?} is not the next of {:?}", &frame[..frame.len().min(48)], self.playing);
    }

    /// The station left a song before any frame of it: the same song may be the next one too, and by
    /// then its file be there again.
    fn left_before_it_began(&mut self, advanced: Option<&Advanced>) -> bool {
        self.adopt_head();
        let playing = self.playing.filter(|playing| playing.next == playing.from);
        playing.zip(advanced).is_some_and(|(playing, advanced)| {
            let again = advanced.to.is_some_and(|to| self.song(to) == playing.song);
            let silent = match &advanced.outcome {
                Outcome::Skipped => true,
                Outcome::Unplayable(reason) => {
                    reason.contains(NOT_FOUND) || Mount::is_misfit(reason)
                }
                Outcome::Played => false,
            };
            again && advanced.from == playing.entry && silent
        })
    }

    /// What the station reported and no frame has explained.
    pub(super) fn advance(&mut self, advanced: &Advanced) {
        self.adopt_head();
        let playing = self.playing.expect("the station left an entry and had none");
        assert_eq!(advanced.from, playing.entry, "the station left an entry that did not play");
        let piece = self.shelf.piece(playing.song);
        let rests = self.rest.is_on(self.now);
        assert!(!rests || advanced.outcome == Outcome::Skipped, "{advanced:?} in a rest");
        match &advanced.outcome {
            Outcome::Played => {
                self.rest.end();
                assert_eq!(playing.next, piece.frames, "a song ended early");
                self.heard.push(self.known(playing.entry));
            }
            Outcome::Skipped => {
                self.skips = self.skips.checked_sub(1).expect("a skip that nobody asked for");
            }
            Outcome::Unplayable(reason) if Mount::is_misfit(reason) => {
                assert_eq!(playing.next, playing.from, "left for its format while it sounded");
                assert!(playing.next < piece.readable(), "left for a format that none could see");
                self.mount.pass_over(piece.header(playing.next));
            }
            Outcome::Unplayable(reason) => {
                let damaged = matches!(piece.fault, Fault::DamagedAfter(n) if n == playing.next);
                assert!(damaged || reason.contains(NOT_FOUND) || piece.fault == Fault::Missing);
                self.rest.failed(self.now);
            }
        }
        self.playing = advanced.to.map(|entry| Playing::at(entry, self.song(entry), 0));
        self.was_between |= self.playing.is_none();
        self.joined = false;
        self.advances += 1;
        self.head = None;
        self.rewound = false;
        self.position = None;
    }

    /// The turn is over: what it reported, and how many of its frames were silent.
    pub(super) fn end(&mut self, reports: &[Report], silent: u64, late: bool) {
        self.adopt_head();
        let rests = self.rest.is_on(self.now);
        let may_be_silent = !self.is_audible() || late || rests || self.was_between;
        assert!(
            silent == 0 || may_be_silent,
            "{silent} silent frames in the middle of {:?}",
            self.playing
        );
        let mut wishes = Vec::new();
        for report in reports {
            match report {
                Report::Wanted(wanted) => wishes.push(*wanted),
                Report::Position(position) => self.check_position(*position),
                Report::Advanced(_) => {}
            }
        }
        assert_eq!(wishes, std::mem::take(&mut self.wishes), "what is wanted was not reported");
    }

    fn check_position(&mut self, position: Position) {
        // A report of a song that the same turn has left counts for nothing.
        let Some(playing) = self.playing.filter(|p| p.entry == position.entry_id) else { return };
        assert!(position.frame <= playing.next, "{position:?} is ahead of {playing:?}");
        if let Some(before) = self.position()
            && before.entry_id == position.entry_id
        {
            assert!(before.frame <= position.frame, "from {before:?} back to {position:?}");
        }
        self.position = Some(position);
        self.rewound = false;
    }

    fn sound(&mut self, header: Header, frame: &[u8], claimed: Option<Vec<u8>>) {
        assert!(self.is_audible(), "a song sounds that should not");
        assert!(!self.rest.is_on(self.now), "a song sounds in a rest");
        self.mount.sound(header);
        let playing = self.playing.as_mut().expect("something plays");
        let back = points_back(header, frame);
        if back > 0 {
            let own = self.shelf.piece(playing.song).before(playing.next, back);
            assert!(claimed == Some(own), "frame {playing:?} points back to bytes of others");
        }
        playing.next += 1;
        (self.carriers, self.joined) = (0, true);
        self.sounded += 1;
        let sounded = header.duration().times(playing.next - playing.from).as_duration();
        if sounded >= SOUNDED {
            self.rest.end();
        }
    }

    /// The frame is the next one of what plays. The deck here has all that any frame points back
    /// to, so that none is muted.
    fn is_next(&mut self, header: Header, frame: &[u8]) -> bool {
        self.adopt_head();
        let Some(playing) = self.playing else { return false };
        let piece: &Piece = self.shelf.piece(playing.song);
        if playing.next >= piece.readable() || piece.header(playing.next) != header {
            return false;
        }
        self.frame.clear();
        piece.append(playing.next, &mut self.frame);
        self.frame == frame
    }

    fn adopt_head(&mut self) {
        if self.playing.is_none() {
            let head = self.head.as_ref();
            self.playing = head.map(|head| Playing::at(head.entry_id, head.song_id, 0));
        }
    }

    fn remember(&mut self, snapshot: &Snapshot) {
        if snapshot.advances >= self.advances {
            self.rest.told(snapshot.revision);
            self.head = snapshot.current.clone();
        }
        for entry in snapshot.current.iter().chain(&snapshot.next) {
            if self.known.iter().all(|known| known.0 != entry.entry_id) {
                self.known.push_back((entry.entry_id, entry.song_id, entry.is_random));
            }
        }
        while self.known.len() > KNOWN {
            self.known.pop_front();
        }
    }

    fn song(&self, entry: EntryId) -> SongId {
        self.known(entry).1
    }

    fn known(&self, entry: EntryId) -> Row {
        let known = self.known.iter().find(|known| known.0 == entry);
        *known.expect("the station plays what the queue never told")
    }
}
