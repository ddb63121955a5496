//! Connections that are no listeners, or not yet: never more than a bounded number of them.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::AbortHandle,
    time::{Instant, sleep_until},
};

/// Connections that may be at their heads, at short answers or at pages at once, where the options
/// say no less; the kernel's backlog holds those behind them.
pub(super) const MAX_BESIDE: usize = 4096;
/// While there is no room, whoever has had so long for its head loses its place to those who wait:
/// a head takes a round trip, and a slow one must not keep the door shut.
const GRACE: Duration = Duration::from_secs(1);

/// Fewer tasks than this are not worth a look.
const LEAST_LOOK: usize = 64;

/// A place beside the listeners, given back when it is dropped.
pub(super) type Room = Option<OwnedSemaphorePermit>;

/// The tasks that read heads, oldest first.
#[derive(Debug)]
pub(super) struct PendingHeads {
    room: Arc<Semaphore>,
    most: usize,
    tasks: VecDeque<(Instant, AbortHandle)>,
    /// With so many of them it is looked which are done: a handle holds all the memory of its task.
    look_at: usize,
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
            while self.tasks.front().is_some_and(|(_, task)| task.is_finished()) {
                self.tasks.pop_front();
            }
            let Some((since, _)) = self.tasks.front() else { return free.await.ok() };
            let over = *since + GRACE;
            tokio::select! {
                biased;
                permit = &mut free => return permit.ok(),
                () = sleep_until(over) => {}
            }
            if let Some((_, oldest)) = self.tasks.front()
                && !oldest.is_finished()
            {
                oldest.abort();
                self.tasks.pop_front();
                return free.await.ok();
            }
        }
    }

    /// Adds the task that holds the permit.
    pub(super) fn add(&mut self, task: AbortHandle) {
        // Those behind an old one may be done: the list grows to twice as many as are at work.
        if self.tasks.len() >= self.look_at {
            self.tasks.retain(|(_, task)| !task.is_finished());
            self.look_at = LEAST_LOOK.max(2 * self.tasks.len());
        }
        self.tasks.push_back((Instant::now(), task));
    }

    /// Drops all of them.
    pub(super) fn abort_all(&mut self) {
        for (_, task) in self.tasks.drain(..) {
            task.abort();
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
            heads.add(task.abort_handle());
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

    #[tokio::test]
    async fn those_who_are_done_take_no_room() {
        let mut heads = PendingHeads::new(MAX_PENDING);
        let permit = heads.room().await;
        let slow = tokio::spawn(async move {
            pending::<()>().await;
            drop(permit);
        });
        heads.add(slow.abort_handle());
        for _ in 0..10 * LEAST_LOOK {
            let permit = heads.room().await;
            let task = tokio::spawn(async move { drop(permit) });
            heads.add(task.abort_handle());
            task.await.unwrap();
        }
        assert!(heads.tasks.len() <= LEAST_LOOK, "done behind one that is slow");
        heads.abort_all();
    }
}
