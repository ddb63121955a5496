//! Connections whose request has not come yet: never more than a bounded number of them.

use std::collections::VecDeque;

use tokio::task::AbortHandle;

/// Connections that may be at their heads at once. A client sends its head within a round trip, so
/// this is room for tens of thousands of arrivals a second.
const MAX_PENDING: usize = 4096;

/// The tasks that read heads, oldest first.
#[derive(Debug, Default)]
pub(super) struct PendingHeads {
    tasks: VecDeque<AbortHandle>,
}

impl PendingHeads {
    /// Adds one. Where there are too many the oldest is dropped: whoever sends its head slowly
    /// loses its place to those who come.
    pub(super) fn add(&mut self, task: AbortHandle) {
        while self.tasks.front().is_some_and(AbortHandle::is_finished) {
            self.tasks.pop_front();
        }
        if self.tasks.len() >= MAX_PENDING {
            self.tasks.retain(|task| !task.is_finished());
        }
        if self.tasks.len() >= MAX_PENDING
            && let Some(oldest) = self.tasks.pop_front()
        {
            oldest.abort();
        }
        self.tasks.push_back(task);
    }

    /// Drops all of them.
    pub(super) fn abort_all(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn the_oldest_loses_its_place_and_those_who_are_done_take_none() {
        let mut heads = PendingHeads::default();
        let first = tokio::spawn(pending::<()>());
        heads.add(first.abort_handle());
        for _ in 1..MAX_PENDING {
            let done = tokio::spawn(async {});
            heads.add(done.abort_handle());
            done.await.unwrap();
        }
        let mut waiting = Vec::new();
        for _ in 1..MAX_PENDING {
            let task = tokio::spawn(pending::<()>());
            heads.add(task.abort_handle());
            waiting.push(task);
        }
        assert!(!first.is_finished());
        heads.add(tokio::spawn(pending::<()>()).abort_handle());
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(!waiting[0].is_finished());
        heads.abort_all();
        assert!(waiting.pop().unwrap().await.unwrap_err().is_cancelled());
    }
}
