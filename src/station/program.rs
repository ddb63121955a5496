//! The program: what plays and what comes next, as the queue says and the files allow.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{deckside::DeckSide, format::MountFormat, player::Report, quiet::Quiet};
use crate::{
    config::Mixed,
    deck::{Next, Opener, Track},
    ids::EntryId,
    keeper::{Advanced, Outcome, Snapshot},
    mpeg::{Header, StreamTime, Unplayable, time::UNITS_PER_SECOND},
    song::Song,
};

/// Unplayable songs in a row after which the station rests.
const UNPLAYABLE_LIMIT: u8 = 5;
/// How long it rests where nobody changes the queue.
const REST: Duration = Duration::from_secs(30);
/// While nothing has sounded since the start, a song whose drive is away is waited for through so many
/// rests, two minutes: at a machine's start drives may come late.
const START_RESTS: u8 = 4;
/// A song that sounded for so long (1 s) is none of the unplayable ones in a row, however it ends.
const SOUNDED: StreamTime = StreamTime::from_units(UNITS_PER_SECOND);
/// Skips that are remembered while the queue's next entry is not known yet.
const OWED_SKIPS_LIMIT: u8 = 16;

/// What there is to hear next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sound {
    /// A frame with this header.
    Frame(Header),
    /// A song whose frames the disk, or whose entry the queue, has not delivered yet.
    Starving,
    /// Nothing: no song, or a rest after too many unplayable ones.
    Idle,
}

/// A rest after too many unplayable songs.
#[derive(Debug)]
struct Rest {
    until: Instant,
    /// The current song's drive is away: it stays the current one and is tried again.
    is_hold: bool,
    /// The queue's revision when the rest began, once the keeper has told it.
    revision: Option<u64>,
}

/// The two sides of the deck and the queue's newest snapshot.
pub(super) struct Program {
    opener: Box<dyn Opener + Send>,
    snapshot: Option<Arc<Snapshot>>,
    current: Option<DeckSide>,
    next: Option<DeckSide>,
    pub(super) format: MountFormat,
    /// Advances reported so far: snapshots made before the newest of them are stale.
    advances: u64,
    owed_skips: u8,
    unplayable_run: u8,
    /// Rests that may still be taken while nothing has sounded since the start.
    start_rests: u8,
    rest: Option<Rest>,
    changed: bool,
    reports: Vec<Report>,
}

impl Program {
    pub(super) fn new(opener: Box<dyn Opener + Send>, mixed: Mixed) -> Self {
        Self {
            opener,
            format: MountFormat::new(mixed),
            snapshot: None,
            current: None,
            next: None,
            advances: 0,
            owed_skips: 0,
            unplayable_run: 0,
            start_rests: START_RESTS,
            rest: None,
            changed: true,
            reports: Vec::new(),
        }
    }

    /// Takes the queue as the keeper sees it now.
    pub(super) fn adopt(&mut self, snapshot: Arc<Snapshot>) {
        if snapshot.advances < self.advances {
            return;
        }
        self.end_rest_by(snapshot.revision);
        if self.current_id() != snapshot.current.as_ref().map(|entry| entry.entry_id) {
            let resume = snapshot.position.filter(|_| self.snapshot.is_none());
            self.next_becomes_current_or_open(&snapshot, resume.map(|p| (p.entry_id, p.frame)));
            self.changed = true;
        }
        let next_id = snapshot.next.as_ref().map(|entry| entry.entry_id);
        if self.next.as_ref().map(|side| side.entry.entry_id) != next_id {
            let entry = snapshot.next.clone();
            self.next = entry.map(|entry| DeckSide::open(self.opener.as_mut(), entry, 0));
        }
        self.snapshot = Some(snapshot);
        while self.owed_skips > 0 && self.current.is_some() {
            self.owed_skips -= 1;
            self.advance(Outcome::Skipped);
        }
        if !self.awaits_queue() {
            // The queue has run out: what comes into it later is not what was to be skipped.
            self.owed_skips = 0;
        }
    }

    /// Ends the current song by command and goes on with the next; false where there is none, or
    /// where so many skips wait for the queue already that this one is not kept.
    pub(super) fn skip(&mut self) -> bool {
        self.end_rest();
        if self.current.is_some() {
            self.advance(Outcome::Skipped);
        } else if self.awaits_queue() && self.owed_skips < OWED_SKIPS_LIMIT {
            self.owed_skips += 1;
        } else {
            return false;
        }
        true
    }

    /// What there is to hear now; passes over what is finished or unplayable.
    pub(super) fn sound(&mut self, now: Instant) -> Sound {
        loop {
            if self.is_resting(now) {
                return Sound::Idle;
            }
            let Some(side) = &mut self.current else {
                return if self.awaits_queue() { Sound::Starving } else { Sound::Idle };
            };
            let next = side.track.as_mut().map(|track| track.peek());
            match next {
                Some(Next::Frame(header)) => {
                    let Some(reason) = self.format.refuse(header, side.begins()) else {
                        return Sound::Frame(header);
                    };
                    self.leave_out(&reason);
                }
                Some(Next::Pending) => return Sound::Starving,
                Some(Next::End) => {
                    self.unplayable_run = 0;
                    self.advance(Outcome::Played);
                }
                Some(Next::Failed(reason)) => self.on_failure(&reason, now),
                None => self.pass_over("the song is no longer in the library", now),
            }
        }
    }

    /// Takes the frame that [`sound`](Self::sound) promised.
    pub(super) fn take(&mut self) -> Option<(Header, &[u8])> {
        let side = self.current.as_mut()?;
        let begins = side.begins();
        let (header, frame) = side.track.as_mut()?.take()?;
        side.splice.close();
        self.format.play(header, begins);
        side.frames += 1;
        side.time += header.duration();
        side.sounded += header.duration();
        if side.sounded >= SOUNDED {
            self.unplayable_run = 0;
            self.start_rests = 0;
        }
        Some((header, frame))
    }

    /// The silent frame that leaves before the frame that [`sound`](Self::sound) promised, where a
    /// decoder would miss what that points back to.
    pub(super) fn next_carrier(&mut self, quiet: &mut Quiet) -> Option<(Header, Vec<u8>)> {
        let side = self.current.as_mut()?;
        let (track, song) = (side.track.as_ref()?, side.entry.song.as_ref()?);
        side.splice.next_carrier(track, song, quiet)
    }

    /// The current song's next frame is still to leave behind its carriers.
    pub(super) fn is_carrying(&self) -> bool {
        self.current.as_ref().is_some_and(|side| side.splice.is_carrying())
    }

    /// Silence leaves: the current song's next frame will not follow its own.
    pub(super) fn interrupt(&mut self) {
        if let Some(side) = &mut self.current {
            side.splice.open();
        }
    }

    /// The header of the current song's next frame where the disk has delivered it.
    pub(super) fn header(&mut self) -> Option<Header> {
        match self.current.as_mut()?.track.as_mut()?.peek() {
            Next::Frame(header) => Some(header),
            _ => None,
        }
    }

    /// The current song's file is still being opened.
    pub(super) fn is_opening(&mut self) -> bool {
        let track = self.current.as_mut().and_then(|side| side.track.as_mut());
        track.is_some_and(|track| track.peek() == Next::Pending)
    }

    /// Begins the current song once more.
    pub(super) fn rewind(&mut self) {
        if let Some(side) = &mut self.current {
            side.rewind(self.opener.as_mut());
            self.changed = true;
        }
    }

    pub(super) fn current(&self) -> Option<&DeckSide> {
        self.current.as_ref()
    }

    pub(super) fn song(&self) -> Option<&Arc<Song>> {
        self.current.as_ref().and_then(DeckSide::song)
    }

    /// The current song's file has delivered what was waited for.
    pub(super) fn has_arrivals(&self) -> bool {
        let track = self.current.as_ref().and_then(|side| side.track.as_ref());
        self.rest.is_none() && track.is_some_and(Track::has_arrivals)
    }

    /// Another song became the current one since this was last asked.
    pub(super) fn take_changed(&mut self) -> bool {
        // Between two songs, while the queue's answer is awaited, there is nothing to tell yet.
        if self.is_between_songs() {
            return false;
        }
        std::mem::take(&mut self.changed)
    }

    /// A song was left and the queue has not told the next one yet.
    pub(super) fn is_between_songs(&self) -> bool {
        self.current.is_none() && self.awaits_queue()
    }

    /// What the keeper must hear.
    pub(super) fn take_reports(&mut self) -> std::vec::Drain<'_, Report> {
        self.reports.drain(..)
    }

    pub(super) fn is_resting(&mut self, now: Instant) -> bool {
        if self.rest.as_ref().is_some_and(|rest| now >= rest.until) {
            self.end_rest();
        }
        self.rest.is_some()
    }

    /// The current song cannot be read.
    fn on_failure(&mut self, reason: &Unplayable, now: Instant) {
        let is_read_fault = reason.is_away() || matches!(reason, Unplayable::Io(..));
        if let Some(side) = &mut self.current
            && is_read_fault
            && side.begins()
            && !side.retried
        {
            // It was opened long ago perhaps, ahead of its time.
            return side.retry(self.opener.as_mut());
        }
        let is_last = self.unplayable_run + 1 >= UNPLAYABLE_LIMIT;
        if !reason.is_away() || !(is_last || self.start_rests > 0) {
            return self.pass_over(&reason.to_string(), now);
        }
        self.start_rests = self.start_rests.saturating_sub(1);
        if let Some(song) = self.song() {
            let seconds = REST.as_secs();
            tracing::warn!(file = %song.path.display(), %reason, "waiting for it in silence; tried again after {seconds} s or when the queue changes");
        }
        self.rest_from(now, true);
    }

    fn leave_out(&mut self, reason: &str) {
        if let Some(song) = self.song() {
            tracing::warn!(file = %song.path.display(), reason, "passed over an unplayable song");
        }
        self.advance(Outcome::Unplayable(reason.to_owned()));
    }

    fn pass_over(&mut self, reason: &str, now: Instant) {
        self.leave_out(reason);
        self.unplayable_run += 1;
        if self.unplayable_run >= UNPLAYABLE_LIMIT {
            tracing::warn!(
                "{UNPLAYABLE_LIMIT} songs in a row were unplayable; silence until the queue changes, for {} s at most",
                REST.as_secs()
            );
            self.rest_from(now, false);
        }
    }

    fn rest_from(&mut self, now: Instant, is_hold: bool) {
        let known = self.snapshot.as_ref().filter(|_| !self.awaits_queue());
        let revision = known.map(|snapshot| snapshot.revision);
        self.rest = Some(Rest { until: now + REST, is_hold, revision });
    }

    fn advance(&mut self, outcome: Outcome) {
        let Some(side) = self.current.take() else { return };
        self.current = self.next.take();
        self.advances += 1;
        self.changed = true;
        let advanced = Advanced { from: side.entry.entry_id, to: self.current_id(), outcome };
        self.reports.push(Report::Advanced(advanced));
    }

    fn next_becomes_current_or_open(
        &mut self,
        snapshot: &Snapshot,
        resume: Option<(EntryId, u64)>,
    ) {
        let Some(entry) = snapshot.current.clone() else {
            self.current = None;
            return;
        };
        if self.next.as_ref().is_some_and(|side| side.entry.entry_id == entry.entry_id) {
            self.current = self.next.take();
            return;
        }
        let from = resume.filter(|(id, _)| *id == entry.entry_id).map_or(0, |(_, frame)| frame);
        self.current = Some(DeckSide::open(self.opener.as_mut(), entry, from));
    }

    fn end_rest_by(&mut self, revision: u64) {
        match &mut self.rest {
            Some(Rest { revision: known @ None, .. }) => *known = Some(revision),
            Some(rest) if rest.revision != Some(revision) => self.end_rest(),
            _ => {}
        }
    }

    fn end_rest(&mut self) {
        let is_hold = self.rest.take().is_some_and(|rest| rest.is_hold);
        // What is still away then costs no further entry.
        self.unplayable_run = if is_hold { UNPLAYABLE_LIMIT - 1 } else { 0 };
        if is_hold && let Some(side) = &mut self.current {
            side.retry(self.opener.as_mut());
        }
    }

    fn awaits_queue(&self) -> bool {
        self.snapshot.as_ref().is_none_or(|snapshot| snapshot.advances < self.advances)
    }

    fn current_id(&self) -> Option<EntryId> {
        self.current.as_ref().map(|side| side.entry.entry_id)
    }
}
