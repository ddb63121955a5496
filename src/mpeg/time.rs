//! Stream time: exact durations for every sample rate that MPEG audio knows.

use std::{iter::Sum, ops::Add, time::Duration};

/// Units in a second: the least common multiple of 44,100, 48,000 and 32,000, so that one sample
/// of each of the nine rates is a whole number of units and sums never round.
pub const UNITS_PER_SECOND: u64 = 14_112_000;

/// A span of audio, exact to the sample whatever rates were mixed in it.
///
/// Holds 41,000 years.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamTime(u64);

impl StreamTime {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The duration of `samples` at one of the nine MPEG sample rates.
    #[must_use]
    pub fn of_samples(samples: u64, sample_rate: u32) -> Self {
        Self(samples.saturating_mul(UNITS_PER_SECOND / u64::from(sample_rate.max(1))))
    }

    /// In units of 1/[`UNITS_PER_SECOND`] s.
    #[must_use]
    pub fn units(self) -> u64 {
        self.0
    }

    /// From units of 1/[`UNITS_PER_SECOND`] s.
    #[must_use]
    pub const fn from_units(units: u64) -> Self {
        Self(units)
    }

    /// As a duration, rounded down to a nanosecond.
    #[must_use]
    pub fn as_duration(self) -> Duration {
        let rest = self.0 % UNITS_PER_SECOND;
        let nanos = rest * 1_000_000_000 / UNITS_PER_SECOND;
        Duration::new(self.0 / UNITS_PER_SECOND, u32::try_from(nanos).unwrap_or(0))
    }

    /// In seconds, for showing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "shown to people, never added up")]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / UNITS_PER_SECOND as f64
    }

    /// The span nearest to `seconds`; negative and absurd values are zero.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cast saturates"
    )]
    pub fn of_seconds(seconds: f64) -> Self {
        Self((seconds * UNITS_PER_SECOND as f64).round() as u64)
    }

    /// The difference, or zero where `other` is longer.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// This span `n` times.
    #[must_use]
    pub fn times(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}

impl Add for StreamTime {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::AddAssign for StreamTime {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for StreamTime {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_divides_the_unit() {
        for rate in [44_100, 48_000, 32_000, 22_050, 24_000, 16_000, 11_025, 12_000, 8_000] {
            assert_eq!(UNITS_PER_SECOND % rate, 0, "{rate}");
        }
    }

    #[test]
    fn a_month_of_frames_is_exact() {
        let frame = StreamTime::of_samples(1152, 44_100);
        let month: StreamTime = frame.times(99_225_000);
        assert_eq!(month.as_duration(), Duration::from_secs(2_592_000));
    }
}
