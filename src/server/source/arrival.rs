//! Arrival: how long pieces sound of which only the time of their coming is known.

use std::time::Instant;

use crate::mpeg::StreamTime;

/// The longest that one piece is taken to sound, in units of stream time: 10 s.
const LONGEST: StreamTime = StreamTime::from_units(10 * crate::mpeg::time::UNITS_PER_SECOND);

/// When the last piece came. A source sends in real time, so that over some pieces the time between
/// them is what they sound.
#[derive(Debug)]
pub(super) struct Arrival {
    last: Instant,
}

impl Arrival {
    pub(super) fn new(now: Instant) -> Self {
        Self { last: now }
    }

    /// The time since the piece before this one.
    pub(super) fn since_last(&mut self, now: Instant) -> StreamTime {
        let since = now.saturating_duration_since(self.last);
        self.last = now;
        StreamTime::of_seconds(since.as_secs_f64()).min(LONGEST)
    }
}
