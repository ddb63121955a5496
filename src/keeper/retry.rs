//! When to try again to write what could not be written.

use std::time::{Duration, Instant};

/// The first wait.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// Doublings until the longest wait is reached.
const DOUBLINGS: u32 = 7;

/// Back-off, and each cause told once.
#[derive(Debug, Default)]
pub(super) struct Retry {
    failures: u32,
    at: Option<Instant>,
    told: Option<String>,
}

impl Retry {
    /// The next attempt is due then; nothing where nothing failed.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// An attempt may be made.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at.is_none_or(|at| now >= at)
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, now: Instant, cause: String) {
        let wait = FIRST.saturating_mul(1 << self.failures.min(DOUBLINGS)).min(LONGEST);
        self.failures += 1;
        self.at = Some(now + wait);
        if self.told.as_ref() != Some(&cause) {
            tracing::error!(%cause, "the state could not be saved; it is kept and tried again");
            self.told = Some(cause);
        }
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&mut self) {
        if self.told.is_some() {
            tracing::info!("the state is saved again");
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_end_with_success() {
        let now = Instant::now();
        let mut retry = Retry::default();
        assert!(retry.is_due(now));
        let waits: Vec<u128> = (0..10)
            .map(|_| {
                retry.failed(now, "full".into());
                assert!(!retry.is_due(now));
                (retry.at().unwrap() - now).as_millis()
            })
            .collect();
        assert_eq!(waits[..4], [250, 500, 1000, 2000]);
        assert_eq!(waits[9], 30_000);
        retry.succeeded();
        assert!(retry.is_due(now));
    }
}
