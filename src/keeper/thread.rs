//! The keeper's loop: requests, reports and retries, until it is stopped. It never dies of one.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use crossbeam_channel::{Receiver, at, never, select};

use super::{request::Request, worker::Worker};

/// Runs until `stopped` is disconnected, then brings to disk what it was given before.
pub(super) fn run(
    mut worker: Worker,
    requests: &Receiver<Request>,
    woken: &Receiver<()>,
    stopped: &Receiver<()>,
) {
    let mut stopping = false;
    while !stopping {
        let retry = worker.retry.at().map_or_else(never, at);
        select! {
            recv(requests) -> request => match request {
                Ok(request) => guard(&mut worker, |worker| worker.handle(request)),
                Err(_) => stopping = true,
            },
            recv(woken) -> _ => {}
            recv(retry) -> _ => {}
            recv(stopped) -> _ => stopping = true,
        }
        if !stopping {
            guard(&mut worker, |worker| {
                let _ = worker.settle(Instant::now());
            });
        }
    }
    worker.shared.end();
    guard(&mut worker, Worker::settle_last);
    for request in requests.try_iter() {
        guard(&mut worker, |worker| worker.handle(request));
    }
}

/// Runs one piece of work. A panic rolls its transaction back and is logged; who waits for an
/// answer learns of it, since the way back is dropped unanswered.
fn guard(worker: &mut Worker, work: impl FnOnce(&mut Worker)) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(worker))) {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let cause = text.unwrap_or_else(|| "a panic without words".to_owned());
        worker.retry.failed(Instant::now(), format!("a fault of this program: {cause}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        db::Database,
        keeper::{KeeperOptions, handle::Shared},
        subscribers::Subscribers,
    };

    #[test]
    fn a_panic_ends_neither_the_thread_nor_its_transactions() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db")).unwrap();
        let (wake, _woken) = crossbeam_channel::bounded(1);
        let mut worker = Worker::open(
            database.clone(),
            KeeperOptions::default(),
            Subscribers::new(),
            Arc::new(Shared::new(wake)),
        )
        .unwrap();
        guard(&mut worker, |worker| {
            let _ = worker.transact(0, |work| {
                work.connection.execute("UPDATE station SET frame = 5", [])?;
                if work.now > 0 {
                    panic!("on purpose");
                }
                Ok(((), false))
            });
        });
        assert!(worker.retry.at().is_some());
        let frame = "SELECT frame FROM station";
        let reader = database.reader().unwrap();
        assert_eq!(reader.query_row(frame, [], |row| row.get::<_, i64>(0)).unwrap(), 0);
        worker.wanted = Some(true);
        guard(&mut worker, Worker::settle_last);
        assert_eq!(worker.shared.snapshot().wanted, Some(true));
    }
}
