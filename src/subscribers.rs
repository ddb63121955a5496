//! Subscribers: everyone who is told of events, each behind a bounded queue of its own.
//!
//! Publishing never waits: a subscriber that falls behind loses times and levels first, then gets one
//! `Lagged` in place of what it missed.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    task::{Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use crate::event::{Envelope, Event};

/// Events that wait for one subscriber before it counts as fallen behind.
pub const QUEUE_LIMIT: usize = 256;
/// Events that are kept for those who come back ([`Subscribers::since`]).
pub const HISTORY_LIMIT: usize = 1024;
/// No wait is longer, so that no time overflows.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// The publishing side. Clones share the same subscribers.
#[derive(Debug, Clone, Default)]
pub struct Subscribers {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    next_seq: u64,
    history: VecDeque<Envelope>,
    queues: Vec<Weak<Queue>>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    waiting: VecDeque<Envelope>,
    missed: u64,
    closed: bool,
    waker: Option<Waker>,
}

/// Why no event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError {
    /// Nothing happened within the time given: ask again.
    #[error("no event yet")]
    Empty,
    /// The stream was stopped and every event was read: subscribe to the next one.
    #[error("the stream has ended")]
    Closed,
}

/// A bounded receiver of events. Dropping it unsubscribes.
#[derive(Debug)]
pub struct EventReceiver {
    queue: Arc<Queue>,
}

impl Subscribers {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells everyone. Never waits for any of them.
    pub fn publish(&self, event: Event) {
        let mut shared = lock(&self.shared);
        shared.next_seq += 1;
        let envelope = Envelope { seq: shared.next_seq, at_ms: unix_millis(), event };
        // Levels come so often that they would leave no room for what matters.
        if !matches!(envelope.event, Event::LevelChanged { .. }) {
            if shared.history.len() == HISTORY_LIMIT {
                shared.history.pop_front();
            }
            shared.history.push_back(envelope.clone());
        }
        shared.queues.retain(|queue| {
            let Some(queue) = queue.upgrade() else { return false };
            queue.push(envelope.clone());
            true
        });
    }

    /// A receiver of all that happens from now on.
    #[must_use]
    pub fn subscribe(&self) -> EventReceiver {
        self.attach(&mut lock(&self.shared))
    }

    /// What happened after event `seq`, and a receiver of what follows without a gap; nothing where
    /// that is no longer known.
    #[must_use]
    pub fn since(&self, seq: u64) -> Option<(Vec<Envelope>, EventReceiver)> {
        let mut shared = lock(&self.shared);
        let oldest = shared.history.front().map_or(shared.next_seq + 1, |first| first.seq);
        if seq > shared.next_seq || seq + 1 < oldest {
            return None;
        }
        let missed = shared.history.iter().filter(|e| e.seq > seq).cloned().collect();
        Some((missed, self.attach(&mut shared)))
    }

    /// The number of the newest event: 0 before the first.
    #[must_use]
    pub fn last_seq(&self) -> u64 {
        lock(&self.shared).next_seq
    }

    /// Ends every receiver once it has read what waits for it.
    pub fn close(&self) {
        let mut shared = lock(&self.shared);
        shared.closed = true;
        for queue in shared.queues.drain(..).filter_map(|queue| queue.upgrade()) {
            queue.close();
        }
    }

    fn attach(&self, shared: &mut Shared) -> EventReceiver {
        let queue = Arc::new(Queue::default());
        if shared.closed {
            queue.close();
        } else {
            shared.queues.push(Arc::downgrade(&queue));
        }
        EventReceiver { queue }
    }
}

impl Queue {
    fn push(&self, envelope: Envelope) {
        let mut state = lock(&self.state);
        if state.waiting.len() >= QUEUE_LIMIT {
            let stale = state.waiting.iter().position(|envelope| envelope.event.is_fleeting());
            if let Some(index) = stale {
                state.waiting.remove(index);
            } else if envelope.event.is_fleeting() {
                // The next one comes soon; what waits here does not come again.
                return;
            } else {
                state.missed += state.waiting.len() as u64;
                state.waiting.clear();
            }
        }
        state.waiting.push_back(envelope);
        self.wake(state, Condvar::notify_one);
    }

    fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        self.wake(state, Condvar::notify_all);
    }

    /// `notify`: one waiting thread for one event, all of them for the end.
    fn wake(&self, mut state: MutexGuard<'_, QueueState>, notify: impl FnOnce(&Condvar)) {
        let waker = state.waker.take();
        drop(state);
        notify(&self.arrived);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl QueueState {
    fn take(&mut self) -> Option<Result<Envelope, ReceiveError>> {
        if self.missed > 0
            && let Some(first) = self.waiting.front()
        {
            let missed = std::mem::take(&mut self.missed);
            let (seq, at_ms) = (first.seq.saturating_sub(1), first.at_ms);
            return Some(Ok(Envelope { seq, at_ms, event: Event::Lagged { missed } }));
        }
        match self.waiting.pop_front() {
            Some(envelope) => Some(Ok(envelope)),
            None if self.closed => Some(Err(ReceiveError::Closed)),
            None => None,
        }
    }
}

impl EventReceiver {
    /// Waits for the next event.
    ///
    /// # Errors
    /// [`ReceiveError::Closed`] once the stream has been stopped.
    pub fn recv(&self) -> Result<Envelope, ReceiveError> {
        let mut state = lock(&self.queue.state);
        loop {
            if let Some(taken) = state.take() {
                return taken;
            }
            state = self.queue.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the next event for at most `timeout`, and no longer than a year.
    ///
    /// # Errors
    /// [`ReceiveError::Empty`] where none came in time, [`ReceiveError::Closed`] after the stop.
    pub fn recv_timeout(&self, timeout: Duration) -> Result<Envelope, ReceiveError> {
        let deadline = Instant::now() + timeout.min(LONGEST_WAIT);
        let mut state = lock(&self.queue.state);
        loop {
            if let Some(taken) = state.take() {
                return taken;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ReceiveError::Empty);
            }
            let waited = self.queue.arrived.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next event if one waits already.
    ///
    /// # Errors
    /// [`ReceiveError::Empty`] where none waits, [`ReceiveError::Closed`] after the stop.
    pub fn try_recv(&self) -> Result<Envelope, ReceiveError> {
        lock(&self.queue.state).take().unwrap_or(Err(ReceiveError::Empty))
    }

    /// The next event, for async callers; cancel safe.
    ///
    /// # Errors
    /// [`ReceiveError::Closed`] once the stream has been stopped.
    pub async fn next(&mut self) -> Result<Envelope, ReceiveError> {
        poll_fn(|context| {
            let mut state = lock(&self.queue.state);
            match state.take() {
                Some(taken) => Poll::Ready(taken),
                None => {
                    state.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// Locks; a panic elsewhere while it was held leaves plain data that is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(is_playing: bool) -> Event {
        Event::StatusChanged { is_connected: true, is_playing }
    }

    #[test]
    fn a_slow_subscriber_loses_time_first_and_then_learns_what_it_missed() {
        let subscribers = Subscribers::new();
        let receiver = subscribers.subscribe();
        subscribers.publish(Event::TimeChanged { seconds: 1.0 });
        for _ in 0..QUEUE_LIMIT {
            subscribers.publish(status(true));
        }
        assert_eq!(receiver.try_recv().unwrap().event, status(true));
        subscribers.publish(status(false));
        subscribers.publish(status(false));
        assert_eq!(receiver.try_recv().unwrap().event, Event::Lagged { missed: 256 });
        assert_eq!(receiver.try_recv().unwrap().event, status(false));
        assert_eq!(receiver.try_recv(), Err(ReceiveError::Empty));
    }

    #[test]
    fn time_that_finds_no_room_costs_nothing_else() {
        let subscribers = Subscribers::new();
        let receiver = subscribers.subscribe();
        for _ in 0..QUEUE_LIMIT {
            subscribers.publish(status(true));
        }
        subscribers.publish(Event::TimeChanged { seconds: 1.0 });
        for _ in 0..QUEUE_LIMIT {
            assert_eq!(receiver.try_recv().unwrap().event, status(true));
        }
        assert_eq!(receiver.try_recv(), Err(ReceiveError::Empty));
    }

    #[test]
    fn a_wait_may_be_as_long_as_a_duration_can_be() {
        let subscribers = Subscribers::new();
        let receiver = subscribers.subscribe();
        subscribers.publish(status(true));
        assert_eq!(receiver.recv_timeout(Duration::MAX).unwrap().event, status(true));
    }

    #[test]
    fn the_end_wakes_everyone_who_waits_at_one_receiver() {
        for _ in 0..20 {
            let subscribers = Subscribers::new();
            let receiver = Arc::new(subscribers.subscribe());
            let (told, ends) = std::sync::mpsc::channel();
            for _ in 0..3 {
                let (receiver, told) = (Arc::clone(&receiver), told.clone());
                std::thread::spawn(move || {
                    told.send(None).unwrap();
                    told.send(Some(receiver.recv())).unwrap();
                });
            }
            for _ in 0..3 {
                assert_eq!(ends.recv().unwrap(), None);
            }
            std::thread::yield_now();
            subscribers.close();
            for _ in 0..3 {
                let end = ends.recv_timeout(Duration::from_secs(10));
                assert_eq!(end, Ok(Some(Err(ReceiveError::Closed))));
            }
        }
    }

    #[test]
    fn receivers_end_after_reading_what_waited() {
        let subscribers = Subscribers::new();
        let receiver = subscribers.subscribe();
        subscribers.publish(status(true));
        subscribers.close();
        assert_eq!(receiver.recv().unwrap().seq, 1);
        assert_eq!(receiver.recv(), Err(ReceiveError::Closed));
        assert_eq!(subscribers.subscribe().recv(), Err(ReceiveError::Closed));
    }

    #[test]
    fn one_who_comes_back_gets_what_it_missed_or_learns_that_it_is_gone() {
        let subscribers = Subscribers::new();
        for _ in 0..HISTORY_LIMIT + 5 {
            subscribers.publish(status(true));
        }
        let (missed, _receiver) = subscribers.since(1020).unwrap();
        assert_eq!(
            missed.iter().map(|e| e.seq).collect::<Vec<_>>(),
            (1021..=1029).collect::<Vec<_>>()
        );
        assert!(subscribers.since(3).is_none());
        assert!(subscribers.since(5).is_some());
        assert!(subscribers.since(9999).is_none());
    }
}
