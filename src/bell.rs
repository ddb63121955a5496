//! A bell: wakes the one thread that waits for any of several things, or for a time.
//!
//! It says that there is news, not which: who is woken looks at everything that it listens to. A
//! wait is one system call, where a selection over several channels takes about ten; at ten groups
//! of frames a second that is most of what streaming costs.
//!
//! The call is given the time that is left until the deadline. A thread that is preempted between
//! reading the clock and waiting wakes later by as much; the next wait reads the clock anew.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

/// A bell that many ring and one hears. Clones are the same bell.
#[derive(Debug, Clone, Default)]
pub struct Bell {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// It was rung and nobody has heard it yet.
    rung: Mutex<bool>,
    heard: Condvar,
}

impl Bell {
    /// A bell that nobody has rung.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes who waits, or lets the next wait end at once. Whatever was written before it is seen by
    /// whoever hears it.
    pub fn ring(&self) {
        let mut rung = self.lock();
        if !*rung {
            *rung = true;
            drop(rung);
            self.shared.heard.notify_one();
        }
    }

    /// Waits until it is rung or `deadline` has come; true where it was rung. Each ring is heard
    /// once, and several in a row are one.
    #[must_use]
    pub fn wait_until(&self, deadline: Instant) -> bool {
        let mut rung = self.lock();
        while !*rung {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.heard.wait_timeout(rung, left);
            rung = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *rung = false;
        true
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.shared.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_ring_before_the_wait_is_heard_once() {
        let bell = Bell::new();
        bell.ring();
        bell.ring();
        assert!(bell.wait_until(Instant::now() + LONG));
        assert!(!bell.wait_until(Instant::now()));
    }

    #[test]
    fn a_ring_from_another_thread_ends_the_wait() {
        let bell = Bell::new();
        let far = bell.clone();
        let ringer = thread::spawn(move || far.ring());
        assert!(bell.wait_until(Instant::now() + LONG));
        ringer.join().unwrap();
    }

    #[test]
    fn a_deadline_ends_the_wait_and_not_before() {
        let due = Instant::now() + Duration::from_millis(5);
        assert!(!Bell::new().wait_until(due));
        assert!(Instant::now() >= due);
    }
}
