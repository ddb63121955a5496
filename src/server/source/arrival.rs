//! Arrival: how long pieces sound of which only the time of their coming is known.

use std::time::Instant;

use crate::mpeg::StreamTime;

/// The longest that pieces which come together are taken to sound, in units of stream time: 10 s.
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

    /// What each of so many pieces sounds that have come together, by the time since those before.
    pub(super) fn share(&mut self, pieces: usize, now: Instant) -> StreamTime {
        if pieces == 0 {
            return StreamTime::ZERO;
        }
        let since = now.saturating_duration_since(self.last);
        self.last = now;
        let all = StreamTime::of_seconds(since.as_secs_f64()).min(LONGEST);
        StreamTime::from_units(all.units() / pieces as u64)
    }
}
