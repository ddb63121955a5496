//! A tap: an output that is told of each group on the thread that pushed it.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

/// Takes what was pushed at once: one wake less for each group than waiting for it elsewhere.
///
/// It runs on the station's thread: it may send without blocking and wake others, and do nothing
/// that waits.
pub trait Tap: fmt::Debug + Send + Sync {
    /// A group was pushed, or the relay was closed.
    fn pushed(&self);
}

/// The taps of a relay. One that was dropped is forgotten.
#[derive(Debug, Default)]
pub(super) struct Taps(Mutex<Vec<Weak<dyn Tap>>>);

impl Taps {
    pub(super) fn attach(&self, tap: Weak<dyn Tap>) {
        self.lock().push(tap);
    }

    pub(super) fn tell(&self) {
        let mut alive = self.lock();
        alive.retain(|tap| {
            let tap: Option<Arc<dyn Tap>> = tap.upgrade();
            tap.is_some_and(|tap| {
                tap.pushed();
                true
            })
        });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<dyn Tap>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
