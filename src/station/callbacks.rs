//! Callbacks: functions that are called for every event, on the thread `callbacks`.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use crate::{
    event::Envelope,
    subscribers::{EventReceiver, Subscribers},
};

/// Names a registered callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallbackId(u64);

/// A function that is called for every event.
pub(super) type Callback = Box<dyn FnMut(&Envelope) + Send>;

/// The registered callbacks; their thread starts with the first one.
#[derive(Debug)]
pub(super) struct Callbacks {
    subscribers: Subscribers,
    registry: Arc<Mutex<Registry>>,
}

#[derive(Default)]
struct Registry {
    last_id: u64,
    running: bool,
    entries: Vec<(CallbackId, Arc<Mutex<Callback>>)>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("callbacks", &self.entries.len()).finish()
    }
}

impl Callbacks {
    pub(super) fn new(subscribers: Subscribers) -> Self {
        Self { subscribers, registry: Arc::default() }
    }

    pub(super) fn register(&self, callback: Callback) -> CallbackId {
        let mut registry = lock(&self.registry);
        registry.last_id += 1;
        let id = CallbackId(registry.last_id);
        registry.entries.push((id, Arc::new(Mutex::new(callback))));
        if !registry.running {
            let events = self.subscribers.subscribe();
            let shared = Arc::clone(&self.registry);
            let thread = thread::Builder::new().name("callbacks".into());
            registry.running = thread.spawn(move || call_all(&events, &shared)).is_ok();
            if !registry.running {
                tracing::error!("no thread for callbacks could be started; they are not called");
            }
        }
        id
    }

    pub(super) fn remove(&self, id: CallbackId) -> bool {
        let mut registry = lock(&self.registry);
        let index = registry.entries.iter().position(|entry| entry.0 == id);
        let removed = index.map(|index| registry.entries.remove(index));
        // What it holds may use the callbacks while it is let go.
        drop(registry);
        removed.is_some()
    }
}

/// Calls everyone for every event until the stream is stopped; then lets all of them go.
fn call_all(events: &EventReceiver, registry: &Mutex<Registry>) {
    while let Ok(envelope) = events.recv() {
        let entries = lock(registry).entries.clone();
        for (id, callback) in entries {
            // One that was removed meanwhile, by another callback too, is called no more.
            if !lock(registry).entries.iter().any(|entry| entry.0 == id) {
                continue;
            }
            let mut callback = lock(&callback);
            if catch_unwind(AssertUnwindSafe(|| callback(&envelope))).is_err() {
                tracing::warn!(?id, "a callback panicked; it is kept and the others go on");
            }
        }
    }
    let mut registry = lock(registry);
    registry.running = false;
    // They may hold a manager, which holds them: each would keep the other for ever.
    let entries = std::mem::take(&mut registry.entries);
    drop(registry);
    drop(entries);
}

/// Locks; a callback that panicked while it was held is called again all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{RecvTimeoutError, Sender, channel},
        time::Duration,
    };

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn a_callback_that_holds_what_it_is_registered_with_is_let_go_at_the_end() {
        let subscribers = Subscribers::new();
        let callbacks = Arc::new(Callbacks::new(subscribers.clone()));
        let (kept, gone) = channel::<()>();
        let itself = Arc::clone(&callbacks);
        callbacks.register(Box::new(move |_| {
            let _ = (&itself, &kept);
        }));
        drop(callbacks);
        subscribers.close();
        assert_eq!(gone.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    }

    /// Uses the callbacks when it is let go.
    struct Guest(Arc<Callbacks>, Sender<bool>);

    impl Drop for Guest {
        fn drop(&mut self) {
            let id = self.0.register(Box::new(|_| {}));
            self.1.send(self.0.remove(id)).unwrap();
        }
    }

    #[test]
    fn what_a_callback_held_may_use_the_callbacks_while_it_is_let_go() {
        let callbacks = Arc::new(Callbacks::new(Subscribers::new()));
        let (told, gone) = channel();
        let guest = Guest(Arc::clone(&callbacks), told);
        let id = callbacks.register(Box::new(move |_| {
            let _ = &guest;
        }));
        thread::spawn(move || callbacks.remove(id));
        assert_eq!(gone.recv_timeout(PATIENCE), Ok(true));
    }
}
