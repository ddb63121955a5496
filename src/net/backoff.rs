//! Back-off: how long to wait before the next attempt to connect.
//!
//! A pure core: it takes `now` and returns a wait; it neither sleeps nor reads a clock.

use std::time::{Duration, Instant};

/// Wait between attempts while an outage is young, give or take [`JITTER_PERCENT`].
pub const SOON: Duration = Duration::from_millis(500);
/// How long an outage counts as young.
pub const YOUNG: Duration = Duration::from_secs(600);
/// Wait between attempts of an outage that is no longer young, give or take [`JITTER_PERCENT`].
pub const LATER: Duration = Duration::from_secs(5);
/// Wait after a refusal that only a person can lift, such as a wrong password.
pub const REFUSED: Duration = Duration::from_secs(30);
/// How far a wait may differ from its rule, so that many sources do not return in step.
pub const JITTER_PERCENT: u32 = 20;

/// The waits; the default has the constants of this module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// See [`SOON`].
    pub soon: Duration,
    /// See [`YOUNG`].
    pub young: Duration,
    /// See [`LATER`].
    pub later: Duration,
    /// See [`REFUSED`].
    pub refused: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { soon: SOON, young: YOUNG, later: LATER, refused: REFUSED }
    }
}

/// What ended the last attempt or connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The peer is away or broke off: it may be back any moment.
    Away,
    /// Someone holds our place, most often a dead connection of our own that the peer has not
    /// noticed yet: it comes free within seconds, however old the outage is.
    InUse,
    /// Only a person can change the answer.
    Refused,
}

/// Remembers an outage and says when to try again.
#[derive(Debug, Clone)]
pub struct Backoff {
    schedule: Schedule,
    random: u64,
    outage_since: Option<Instant>,
    accepted_at: Option<Instant>,
}

impl Backoff {
    /// Nothing was tried yet; `seed` makes the jitter.
    #[must_use]
    pub fn new(schedule: Schedule, seed: u64) -> Self {
        Self { schedule, random: seed, outage_since: None, accepted_at: None }
    }

    /// The peer accepted us: an outage is over.
    pub fn accepted(&mut self, now: Instant) {
        self.outage_since = None;
        self.accepted_at = Some(now);
    }

    /// An attempt failed or a connection was lost at `now`: how long to wait before the next one.
    ///
    /// The first attempt after a loss is made at once, unless the peer had accepted us only just:
    /// one that accepts and closes in turn must not be hammered.
    pub fn wait(&mut self, cause: Cause, now: Instant) -> Duration {
        let is_loss = self.outage_since.is_none();
        let since = *self.outage_since.get_or_insert(now);
        let held = self.accepted_at.map(|at| now.saturating_duration_since(at));
        match cause {
            Cause::Refused => self.schedule.refused,
            Cause::InUse => self.jittered(self.schedule.soon),
            Cause::Away if is_loss && held.is_some_and(|held| held >= self.schedule.soon) => {
                Duration::ZERO
            }
            Cause::Away if now.saturating_duration_since(since) < self.schedule.young => {
                self.jittered(self.schedule.soon)
            }
            Cause::Away => self.jittered(self.schedule.later),
        }
    }

    fn jittered(&mut self, wait: Duration) -> Duration {
        // SplitMix64, Steele et al., "Fast splittable pseudorandom number generators", 2014.
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let spread = wait * JITTER_PERCENT / 100;
        let part = u32::try_from(mixed >> 32).unwrap_or(u32::MAX);
        wait - spread + (spread * 2).mul_f64(f64::from(part) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn around(wait: Duration) -> std::ops::RangeInclusive<Duration> {
        wait * 4 / 5..=wait * 6 / 5
    }

    #[test]
    fn a_loss_is_retried_at_once_then_twice_a_second_for_ten_minutes_then_every_five_seconds() {
        let start = Instant::now();
        let mut backoff = Backoff::new(Schedule::default(), 1);
        backoff.accepted(start);
        let lost = start + SECOND;
        assert_eq!(backoff.wait(Cause::Away, lost), Duration::ZERO);
        let mut now = lost;
        let mut attempts = 0;
        while now < lost + YOUNG {
            let wait = backoff.wait(Cause::Away, now);
            assert!(around(SOON).contains(&wait), "{wait:?}");
            now += wait;
            attempts += 1;
        }
        assert!((1100..1300).contains(&attempts), "{attempts}");
        let wait = backoff.wait(Cause::Away, now);
        assert!(around(LATER).contains(&wait), "{wait:?}");
        backoff.accepted(now);
        assert_eq!(backoff.wait(Cause::Away, now + SECOND), Duration::ZERO);
    }

    #[test]
    fn a_wrong_password_waits_long_and_a_mount_in_use_never_does() {
        let start = Instant::now();
        let mut backoff = Backoff::new(Schedule::default(), 2);
        assert_eq!(backoff.wait(Cause::Refused, start), REFUSED);
        let late = start + YOUNG * 2;
        assert!(around(SOON).contains(&backoff.wait(Cause::InUse, late)));
    }

    #[test]
    fn a_peer_that_accepts_and_closes_is_not_hammered() {
        let mut now = Instant::now();
        let mut backoff = Backoff::new(Schedule::default(), 3);
        for _ in 0..20 {
            backoff.accepted(now);
            let wait = backoff.wait(Cause::Away, now + Duration::from_millis(1));
            assert!(around(SOON).contains(&wait), "{wait:?}");
            now += wait;
        }
    }

    fn cause() -> impl Strategy<Value = Cause> {
        prop_oneof![Just(Cause::Away), Just(Cause::InUse), Just(Cause::Refused)]
    }

    proptest! {
        #[test]
        fn whatever_happens_attempts_stay_apart_and_come(
            seed: u64,
            steps in prop::collection::vec((cause(), any::<bool>(), 0u64..900_000), 1..60),
        ) {
            let mut now = Instant::now();
            let mut backoff = Backoff::new(Schedule::default(), seed);
            let mut held = None;
            for (cause, accepted, lasts_ms) in steps {
                let lasts = Duration::from_millis(lasts_ms);
                if accepted {
                    backoff.accepted(now);
                    held = Some(lasts);
                }
                now += lasts;
                let wait = backoff.wait(cause, now);
                prop_assert!(wait <= REFUSED);
                if wait < SOON * 4 / 5 {
                    prop_assert_eq!(wait, Duration::ZERO);
                    prop_assert!(accepted && held.is_some_and(|held| held >= SOON));
                    prop_assert_eq!(cause, Cause::Away);
                }
                now += wait;
            }
        }
    }
}
