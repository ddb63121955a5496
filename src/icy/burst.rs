//! Burst: how much of the past a new listener gets at once, so that its player starts without waiting.

use std::time::Duration;

use crate::mpeg::{StreamTime, time::UNITS_PER_SECOND};

/// The most that `?burst=SECONDS` gives: longer than any player buffers, and within the relay's
/// ring up to 278 kbit/s; above that the ring's oldest frame is where the burst begins.
pub const MAX_BURST: Duration = Duration::from_secs(30);

/// A span of the past in milliseconds, at most [`MAX_BURST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Burst(u32);

impl Burst {
    /// At most [`MAX_BURST`].
    #[must_use]
    pub fn of(duration: Duration) -> Self {
        Self(u32::try_from(duration.min(MAX_BURST).as_millis()).unwrap_or(u32::MAX))
    }

    /// Reads the value of `?burst=`: seconds, with a fraction or without; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let seconds: f64 = if is_decimal { text.parse().ok()? } else { return None };
        // Too large for a duration is more than the most, too.
        Some(Self::of(Duration::try_from_secs_f64(seconds).unwrap_or(MAX_BURST)))
    }

    /// What is left of it behind something else that sounds for so long.
    #[must_use]
    pub fn behind(self, other: StreamTime) -> Self {
        Self::of(self.stream_time().saturating_sub(other).as_duration())
    }

    /// In stream time, as the relay wants it.
    #[must_use]
    pub fn stream_time(self) -> StreamTime {
        StreamTime::from_units(u64::from(self.0) * UNITS_PER_SECOND / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_with_and_without_a_fraction() {
        assert_eq!(Burst::parse("2"), Some(Burst(2000)));
        assert_eq!(Burst::parse("0.25"), Some(Burst(250)));
        assert_eq!(Burst::parse("0"), Some(Burst(0)));
    }

    #[test]
    fn more_than_the_limit_is_the_limit() {
        assert_eq!(Burst::parse("99999"), Some(Burst(30_000)));
        assert_eq!(Burst::parse(&"9".repeat(400)), Some(Burst(30_000)));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-1", "1e9", "inf", "NaN", "2s", "1.2.3", "."] {
            assert_eq!(Burst::parse(text), None, "{text}");
        }
    }

    #[test]
    fn stream_time_is_exact() {
        let burst = Burst::of(Duration::from_millis(1500));
        assert_eq!(burst.stream_time().as_duration(), Duration::from_millis(1500));
    }
}
