//! The events of a run, read as a subscriber reads them.

use std::time::{Duration, Instant};

use super::mount::Format;
use crate::{
    event::Event,
    ids::EntryId,
    keeper::Snapshot,
    station::NowPlaying,
    subscribers::{EventReceiver, Subscribers},
};

/// How often the time is told, and with it the position. A group that would leave less than a tick
/// before that is over tells it too: what is stored is to be a second old at most, and the group
/// after it would be too late. No tolerance: turns are on the clock of the run.
const TIME_PERIOD: Duration = Duration::from_secs(1);

/// What the events have told so far.
pub(super) struct Events {
    receiver: EventReceiver,
    seq: u64,
    status: Option<(bool, bool)>,
    revision: u64,
    current: Option<EntryId>,
    told: Option<Instant>,
    seconds: Vec<f64>,
    /// Formats that were told: version, samples a second, channels.
    formats: Vec<(String, u32, u8)>,
    unplayable: u64,
}

impl Events {
    pub(super) fn new(subscribers: &Subscribers) -> Self {
        Self {
            receiver: subscribers.subscribe(),
            seq: 0,
            status: None,
            revision: 0,
            current: None,
            told: None,
            seconds: Vec::new(),
            formats: Vec::new(),
            unplayable: 0,
        }
    }

    /// What was known before the first event that counts.
    pub(super) fn begin(&mut self, snapshot: &Snapshot) {
        while let Ok(envelope) = self.receiver.try_recv() {
            self.seq = envelope.seq;
        }
        self.revision = snapshot.revision;
        self.current = snapshot.current.as_ref().map(|entry| entry.entry_id);
    }

    /// Reads what waits. `commanded`: the status may be told once more although it is the same.
    pub(super) fn read(&mut self, now: Instant, commanded: bool) {
        while let Ok(envelope) = self.receiver.try_recv() {
            self.seq += 1;
            assert_eq!(envelope.seq, self.seq, "events out of order");
            match envelope.event {
                Event::StatusChanged { is_connected, is_playing } => {
                    let status = Some((is_connected, is_playing));
                    assert!(commanded || status != self.status, "{status:?} was told twice");
                    self.status = status;
                }
                Event::TimeChanged { seconds } => {
                    self.told = Some(now);
                    self.seconds.push(seconds);
                }
                Event::SongChanged { entry_id, .. } => {
                    assert_ne!(entry_id, self.current, "the same song was told twice");
                    self.current = entry_id;
                }
                Event::SongQueueChanged { revision } => {
                    assert!(
                        revision > self.revision,
                        "revision {revision} after {}",
                        self.revision
                    );
                    self.revision = revision;
                }
                Event::SongUnplayable { .. } => self.unplayable += 1,
                Event::FormatChanged { version, sample_rate, channels } => {
                    self.formats.push((version, sample_rate, channels));
                }
                Event::LibraryChanged { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The keeper's turn is over and nothing is pending: the last word is what is on disk.
    pub(super) fn compare(&self, snapshot: &Snapshot) {
        let current = snapshot.current.as_ref().map(|entry| entry.entry_id);
        assert_eq!(self.current, current, "SongChanged");
        assert_eq!(self.revision, snapshot.revision, "SongQueueChanged");
    }

    /// The station's turn is over: it told of these changes of format and of no others.
    pub(super) fn compare_formats(&mut self, changes: &[Format]) {
        let told: Vec<_> = self.formats.drain(..).collect();
        let formats =
            told.iter().map(|(version, rate, channels)| (version.as_str(), *rate, *channels));
        assert!(formats.eq(changes.iter().copied()), "{told:?} was told of {changes:?}");
    }

    /// The station's turn is over, and may have `sent` something: the board says what the events say, and the time was told.
    pub(super) fn end_turn(
        &mut self,
        (now, tick, sent): (Instant, Duration, bool),
        board: &NowPlaying,
        (least, most): (f64, f64),
    ) {
        let state = (board.state.is_connected, board.state.is_playing);
        assert!(self.status.is_none() || self.status == Some(state), "StatusChanged");
        let fresh = |told| told == now || now + tick < told + TIME_PERIOD;
        let told = !sent || self.told.is_some_and(fresh);
        assert!(told, "the time was not told for {:?}", self.told.map(|told| now - told));
        for seconds in self.seconds.drain(..) {
            let right = seconds >= least - 1e-6 && seconds <= most + 1e-6;
            assert!(right, "{seconds} s were told, between {least} and {most} have sounded");
        }
    }

    /// How often a song was told to be unplayable, since this was last asked.
    pub(super) fn take_unplayable(&mut self) -> u64 {
        std::mem::take(&mut self.unplayable)
    }

    pub(super) fn is_playing(&self) -> bool {
        self.status.is_some_and(|status| status.1)
    }
}
