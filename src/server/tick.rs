//! A tick: the monotonic clock in four bytes, for those of whom there are many.

use std::time::{Duration, Instant};

/// Where ticks are counted from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch(Instant);

/// Milliseconds since an epoch. It comes round after 49 days, so it tells spans and no dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tick(u32);

impl Epoch {
    pub(super) fn new(begun: Instant) -> Self {
        Self(begun)
    }

    pub(super) fn tick(self, now: Instant) -> Tick {
        let millis = now.saturating_duration_since(self.0).as_millis();
        // The remainder of a division by 2^32 fits.
        Tick(u32::try_from(millis % (1 << 32)).unwrap_or(0))
    }
}

impl Tick {
    /// The tick that comes so much later, up to 24 days.
    pub(super) fn after(self, span: Duration) -> Self {
        let most = u32::MAX / 2;
        Self(self.0.wrapping_add(u32::try_from(span.as_millis()).unwrap_or(most).min(most)))
    }

    /// It is `other` or later, where that is no more than 24 days away.
    pub(super) fn has_reached(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0) <= u32::MAX / 2
    }

    /// How long ago `earlier` was, up to 49 days.
    pub(super) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::from(self.0.wrapping_sub(earlier.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_right_where_the_count_comes_round() {
        let begun = Instant::now();
        let epoch = Epoch::new(begun);
        let day = Duration::from_secs(24 * 3600);
        for days in 0..120 {
            let (then, span) = (begun + day * days, Duration::from_millis(20_001));
            assert_eq!(epoch.tick(then + span).since(epoch.tick(then)), span);
            let (now, end) = (epoch.tick(then), epoch.tick(then).after(span));
            assert!(!now.has_reached(end) && epoch.tick(then + span).has_reached(end));
            assert!(!now.has_reached(now.after(23 * day)));
        }
    }
}
