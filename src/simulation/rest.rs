//! The rest: the silence after too many unplayable songs in a row, and what ends it.

use std::time::{Duration, Instant};

/// Unplayable songs in a row after which there is silence.
const UNPLAYABLE_LIMIT: u32 = 5;
/// For how long, where nobody skips and the queue stays as it is. Exact on the clock of the run:
/// until then no frame of a song may leave, and from then on silence needs another reason.
const REST: Duration = Duration::from_secs(30);

/// How many unplayable songs there were in a row, and the rest after them.
#[derive(Debug, Default)]
pub(super) struct Rest {
    run: u32,
    until: Option<Instant>,
    /// The queue's revision as it was first told in this rest: another one ends it.
    revision: Option<u64>,
}

impl Rest {
    /// It is this time; whether there is a rest.
    pub(super) fn is_on(&mut self, now: Instant) -> bool {
        if self.until.is_some_and(|until| now >= until) {
            self.end();
        }
        self.until.is_some()
    }

    /// A song was unplayable.
    pub(super) fn failed(&mut self, now: Instant) {
        self.run += 1;
        if self.run >= UNPLAYABLE_LIMIT {
            (self.until, self.revision) = (Some(now + REST), None);
        }
    }

    /// The queue was told anew, with all that the station has reported.
    pub(super) fn told(&mut self, revision: u64) {
        if self.until.is_some() && *self.revision.get_or_insert(revision) != revision {
            self.end();
        }
    }

    /// Somebody skips, or a song was heard: the next unplayable one is the first in a row.
    pub(super) fn end(&mut self) {
        *self = Self::default();
    }
}
