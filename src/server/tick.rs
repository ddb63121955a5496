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
        }
    }
}
