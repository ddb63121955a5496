//! Connections that are no listeners, or not yet: never more than a bounded number of them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
    time::{Instant, sleep_until},
};

/// Connections that may be at their heads, at short answers or at pages at once, where the options
/// say no less; the kernel's backlog holds those behind them.
pub(super) const MAX_BESIDE: usize = 4096;
/// While there is no room, whoever has had so long for its head loses its place to those who wait:
/// a head takes a round trip, and a slow one must not keep the door shut. What it waits for us does
/// not count.
const GRACE: Duration = Duration::from_secs(1);

/// Fewer tasks than this are not worth a look.
const LEAST_LOOK: usize = 8;

/// A place beside the listeners, given back when it is dropped.
pub(super) type Room = Option<OwnedSemaphorePermit>;

/// The tasks that read heads, oldest first.
#[derive(Debug)]
pub(super) struct PendingHeads {
    room: Arc<Semaphore>,
    most: usize,
    tasks: VecDeque<Pending>,
    /// With so many of them it is looked which are done: a handle holds all the memory of its task.
    look_at: usize,
}

#[derive(Debug)]
struct Pending {
    task: AbortHandle,
    turn: Turn,
}

/// Who is waited for at a connection. Clones are the same one's.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    /// Since when it is the peer; nothing while it waits for us.
    peer_since: Arc<Mutex<Option<Instant>>>,
}

/// For as long as it is held, a peer waits for us.
#[derive(Debug)]
pub(super) struct OurTurn<'a>(&'a Turn);

impl Turn {
    /// The peer's, from now on.
    pub(super) fn of_peer() -> Self {
        Self { peer_since: Arc::new(Mutex::new(Some(Instant::now()))) }
    }

    /// From now on the peer waits for us; then its time begins anew.
    pub(super) fn ours(&self) -> OurTurn<'_> {
        *self.lock() = None;
        OurTurn(self)
    }

    /// When the peer has had its time; nothing while it waits for us.
    fn over(&self) -> Option<Instant> {
        self.lock().map(|since| since + GRACE)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.peer_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OurTurn<'_> {
    fn drop(&mut self) {
        *self.0.lock() = Some(Instant::now());
    }
}

/// How many of the places are taken.
#[derive(Debug, Clone)]
pub(super) struct Beside {
    room: Arc<Semaphore>,
    most: usize,
}

impl Beside {
    /// At this moment.
    pub(super) fn now(&self) -> usize {
        let taken = self.most.saturating_sub(self.room.available_permits());
        // One is held for whoever comes next.
        taken.saturating_sub(1)
    }
}

impl PendingHeads {
    /// With room for `most` connections.
    pub(super) fn new(most: usize) -> Self {
        let room = Arc::new(Semaphore::new(most));
        Self { room, most, tasks: VecDeque::new(), look_at: LEAST_LOOK }
    }

    /// A way to see how many there are.
    pub(super) fn beside(&self) -> Beside {
        Beside { room: Arc::clone(&self.room), most: self.most }
    }

    /// Waits for room for one more; it is held until the connection is a listener's, or ends.
    pub(super) async fn room(&mut self) -> Room {
        let free = Arc::clone(&self.room).acquire_owned();
        tokio::pin!(free);
        loop {
            // What is finished has handed its place on, or given it back.
            while self.tasks.front().is_some_and(|pending| pending.task.is_finished()) {
                self.tasks.pop_front();
            }
            if self.tasks.is_empty() {
                return free.await.ok();
            }
            tokio::select! {
                biased;
                permit = &mut free => return permit.ok(),
                () = sleep_until(self.next_over()) => {}
            }
            let now = Instant::now();
            let is_over = |pending: &Pending| pending.turn.over().is_some_and(|over| over <= now);
            let at = self.tasks.iter().position(is_over);
            if let Some(oldest) = at.and_then(|at| self.tasks.remove(at))
                && !oldest.task.is_finished()
            {
                oldest.task.abort();
                return free.await.ok();
            }
        }
    }

    /// When the first of them will have had its time. Where all wait for us: when the first could
    /// have, at the earliest.
    fn next_over(&self) -> Instant {
        let first = self.tasks.iter().find_map(|pending| pending.turn.over());
        first.unwrap_or_else(|| Instant::now() + GRACE)
    }

    /// Adds the task that holds the permit.
    pub(super) fn add(&mut self, task: AbortHandle, turn: Turn) {
        // Those behind an old one may be done: the list grows to twice as many as are at work.
        if self.tasks.len() >= self.look_at {
            self.tasks.retain(|pending| !pending.task.is_finished());
            self.look_at = LEAST_LOOK.max(2 * self.tasks.len());
        }
        self.tasks.push_back(Pending { task, turn });
    }

    /// Drops all of them.
    pub(super) fn abort_all(&mut self) {
        for pending in self.tasks.drain(..) {
            pending.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const MAX_PENDING: usize = 64;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_loses_its_place_after_its_grace_and_not_before() {
        let mut heads = PendingHeads::new(MAX_PENDING);
        let mut tasks = Vec::new();
        for _ in 0..MAX_PENDING {
            let permit = heads.room().await;
            let task = tokio::spawn(async move {
                let _permit = permit;
                pending::<()>().await;
            });
            heads.add(task.abort_handle(), Turn::of_peer());
            tasks.push(task);
        }
        let begun = Instant::now();
        let permit = heads.room().await;
        assert!(permit.is_some());
        assert!(begun.elapsed() >= GRACE && begun.elapsed() < 2 * GRACE);
        assert!(tasks.remove(0).await.unwrap_err().is_cancelled());
        assert!(!tasks[0].is_finished());
        heads.abort_all();
        assert!(tasks.pop().unwrap().await.unwrap_err().is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_us_keeps_its_place_and_then_has_its_time_anew() {
        let mut heads = PendingHeads::new(2);
        let mut turns = Vec::new();
        for _ in 0..2 {
            let permit = heads.room().await;
            let task = tokio::spawn(async move {
                let _permit = permit;
                pending::<()>().await;
            });
            let turn = Turn::of_peer();
            heads.add(task.abort_handle(), turn.clone());
            turns.push((turn, task));
        }
        let begun = Instant::now();
        let (second, second_task) = turns.pop().unwrap();
        let (first, first_task) = turns.pop().unwrap();
        let later = tokio::spawn(async move {
            let (first, second) = (first.ours(), second.ours());
            tokio::time::sleep(5 * GRACE).await;
            drop(second);
            tokio::time::sleep(GRACE / 2).await;
            drop(first);
            pending::<()>().await;
        });
        assert!(heads.room().await.is_some());
        let ended =
            tokio::time::timeout(GRACE, second_task).await.expect("the second lost its place");
        assert!(ended.unwrap_err().is_cancelled());
        assert!(
            begun.elapsed() >= 6 * GRACE && begun.elapsed() < 7 * GRACE,
            "{:?}",
            begun.elapsed()
        );
        assert!(!first_task.is_finished());
        later.abort();
        heads.abort_all();
    }

    #[tokio::test]
    async fn those_who_are_done_take_no_room() {
        let mut heads = PendingHeads::new(MAX_PENDING);
        let permit = heads.room().await;
        let slow = tokio::spawn(async move {
            pending::<()>().await;
            drop(permit);
        });
        heads.add(slow.abort_handle(), Turn::of_peer());
        for _ in 0..10 * LEAST_LOOK {
            let permit = heads.room().await;
            let task = tokio::spawn(async move { drop(permit) });
            heads.add(task.abort_handle(), Turn::of_peer());
            task.await.unwrap();
        }
        assert!(heads.tasks.len() <= LEAST_LOOK, "done behind one that is slow");
        heads.abort_all();
    }
}
