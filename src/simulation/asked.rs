//! The asked: commands on their way, and how soon each is answered.

use std::time::{Duration, Instant};

use super::{metronome::Metronome, witness::Witness};
use crate::{
    command::{Command, Effect},
    mpeg::Header,
    station::{Ack, WaitError},
};

/// How soon the simulation wakes a station that something calls: all that a command may wait before
/// it is heard.
pub(super) const CALLED: Duration = Duration::from_micros(20);
/// What whole nanoseconds may lose of an exact time, and the pacer's own microsecond for it.
const ROUNDING: Duration = Duration::from_micros(2);

/// A frame that left in the turn.
#[derive(Debug)]
pub(super) struct Left {
    /// As soon as it might leave after a command: when it is within two groups ahead of the clock.
    earliest: Instant,
    /// A silent one that brings what the song's frame behind it points back to.
    is_carrier: bool,
}

impl Left {
    pub(super) fn new(header: Header, metronome: &Metronome, is_carrier: bool) -> Self {
        Self { earliest: metronome.earliest(header), is_carrier }
    }
}

/// A turn of the station.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) now: Instant,
    /// By how much it was woken later than it asked for: all that a command may wait beyond the
    /// pacer's rule.
    pub(super) late: Duration,
    /// Something called it.
    pub(super) is_called: bool,
    /// The number of the first frame that left, and those that did.
    pub(super) first: u64,
    pub(super) left: &'a [Left],
}

/// A command that was given and not answered yet.
struct Asked {
    given: Instant,
    /// The turn that heard it, or in which the song that it asks for was there at last, or became
    /// another one by a skip.
    heard: Option<Instant>,
    skips: bool,
    /// The clock jumped since, or no frame had left yet: how long it took says nothing.
    excused: bool,
    /// The song that it asks for was late: something has to call the station once it is there.
    starved: bool,
    ack: Ack,
}

/// All of them.
#[derive(Default)]
pub(super) struct Asking(Vec<Asked>);

impl Asking {
    pub(super) fn give(&mut self, command: Command, given: Instant, ack: Ack) {
        let skips = command == Command::PlayNextSong;
        self.0.push(Asked { given, heard: None, skips, excused: false, starved: false, ack });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The clock jumps.
    pub(super) fn jump(&mut self) {
        self.0.iter_mut().for_each(|asked| asked.excused = true);
    }

    /// A turn is over: what was heard is answered with the first frame that it changed, and that
    /// left as soon as the pacer's rule allows: at once, or when it was within two groups ahead.
    pub(super) fn answer(&mut self, turn: &Turn<'_>, witness: &Witness) {
        let is_skipped = self.0.iter().any(|asked| asked.skips && asked.heard.is_none());
        self.0.retain_mut(|asked| {
            asked.hear(turn, is_skipped);
            match asked.ack.wait(Duration::ZERO) {
                Ok(Some(effect)) => {
                    asked.compare(turn, effect);
                    false
                }
                Ok(None) => {
                    assert!(witness.is_held(), "a command without effect");
                    false
                }
                Err(WaitError::NotRunning) => panic!("a command was dropped"),
                Err(_) => {
                    asked.wait(turn, witness);
                    true
                }
            }
        });
    }
}

impl Asked {
    fn hear(&mut self, turn: &Turn<'_>, is_skipped: bool) {
        if self.heard.is_none() {
            let waited = turn.now - self.given;
            assert!(waited <= CALLED || self.excused, "a command was heard after {waited:?}");
            self.heard = Some(turn.now);
        }
        if is_skipped || (self.starved && turn.is_called) {
            self.heard = Some(turn.now);
        }
    }

    fn compare(&self, turn: &Turn<'_>, effect: Effect) {
        assert_eq!(u128::from(effect.in_ms), (turn.now - self.given).as_millis());
        let index = effect.frame.checked_sub(turn.first).and_then(|i| usize::try_from(i).ok());
        let left = index.and_then(|index| turn.left.get(index));
        let left = left.unwrap_or_else(|| panic!("{effect:?} is not among {turn:?}"));
        let before = &turn.left[..index.unwrap_or(0)];
        assert!(
            before.iter().all(|left| left.is_carrier),
            "{effect:?} is not the first of {turn:?}"
        );
        let soonest = self.heard.unwrap_or(turn.now).max(left.earliest);
        let beyond = turn.now.saturating_duration_since(soonest + turn.late + ROUNDING);
        assert!(beyond.is_zero() || self.excused, "a command took {beyond:?} longer than it need");
    }

    /// Not answered yet: no frame could leave, or carriers alone, or the song that it asks for has
    /// not come; nothing is answered with silence.
    fn wait(&mut self, turn: &Turn<'_>, witness: &Witness) {
        let carries = turn.left.iter().all(|left| left.is_carrier);
        let starves = witness.is_audible() && !witness.hears_song() && !carries;
        self.starved |= starves;
        // The first song's file is waited for, so that the stream begins in its format.
        self.excused |= turn.first == 0;
        assert!(carries || starves, "a command was not answered");
    }
}
