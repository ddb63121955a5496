//! Dice: all chance of a run, out of one seed.

use std::time::Duration;

/// SplitMix64, Steele et al., "Fast splittable pseudorandom number generators", 2014: the same
/// numbers on every machine and with every version of every library.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, without `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    /// An index into so many things.
    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    /// True so many times in a hundred.
    pub(super) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// A time between two, to the microsecond; short ones as likely as long ones by magnitude.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap();
        let (low, high) = (micros(least).max(1), micros(most));
        let doublings = u64::from((high / low).max(1).ilog2());
        let low = low << self.below(doublings + 1);
        Duration::from_micros(low + self.below((high - low).min(low) + 1))
    }
}
