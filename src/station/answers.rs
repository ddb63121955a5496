//! The answers that the station owes: commands that it has taken and not acknowledged yet.

use std::time::Instant;

use super::ack::Pending;
use crate::ids::FrameNumber;

/// Commands that may wait for their effect at most; beyond it the oldest is answered without one.
pub(super) const ANSWERS_LIMIT: usize = 64;

/// Commands on their way to being answered, each group in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// The frame of their effect has not left yet.
    waiting: Vec<Pending>,
    /// Their effect is known, or that there is none. They are answered once it was reported, so that
    /// who then asks the keeper to store it comes behind the report.
    ready: Vec<(Pending, Option<(FrameNumber, Instant)>)>,
}

impl Answers {
    /// A command whose effect is awaited.
    pub(super) fn wait(&mut self, ack: Pending) {
        if self.waiting.len() == ANSWERS_LIMIT {
            let oldest = self.waiting.remove(0);
            self.none(oldest);
        }
        self.waiting.push(ack);
    }

    /// A command that changes no frame.
    pub(super) fn none(&mut self, ack: Pending) {
        self.ready.push((ack, None));
    }

    /// Some command waits for its effect.
    pub(super) fn are_awaited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What was awaited is heard from this frame on, which leaves `now`.
    pub(super) fn effect(&mut self, frame: FrameNumber, now: Instant) {
        self.ready.extend(self.waiting.drain(..).map(|ack| (ack, Some((frame, now)))));
    }

    /// What was awaited will change no frame: nothing leaves any more.
    pub(super) fn no_effect(&mut self) {
        self.ready.extend(self.waiting.drain(..).map(|ack| (ack, None)));
    }

    /// Answers those that are ready, once the reports before them were passed on.
    pub(super) fn give(&mut self) {
        for (ack, effect) in self.ready.drain(..) {
            match effect {
                Some((frame, now)) => ack.effect(frame, now),
                None => ack.no_effect(),
            }
        }
    }
}
