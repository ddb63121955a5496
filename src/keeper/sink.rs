//! Where a scan's batches go: through the keeper, which alone may write.

use std::time::{Duration, Instant};

use crossbeam_channel::{Sender, bounded};

use super::request::Request;
use crate::library::{Batch, Sink, SinkError};

/// How long a batch may take: disks that spin up or are busy elsewhere are slow, not broken.
const BATCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Hands batches to the keeper and waits until each is committed.
#[derive(Debug, Clone)]
pub struct LibrarySink {
    requests: Sender<Request>,
}

impl LibrarySink {
    pub(super) fn new(requests: Sender<Request>) -> Self {
        Self { requests }
    }
}

impl Sink for LibrarySink {
    fn write(&mut self, batch: Batch) -> Result<(), SinkError> {
        let deadline = Instant::now() + BATCH_TIMEOUT;
        let (reply, answer) = bounded(1);
        let unanswered = || {
            SinkError(
                "the library did not take them: the stream was stopped, or the disk hangs; \
                 scan again"
                    .to_owned(),
            )
        };
        self.requests
            .send_deadline(Request::Library { batch, reply }, deadline)
            .map_err(|_| unanswered())?;
        answer.recv_deadline(deadline).unwrap_or_else(|_| Err(unanswered()))
    }
}
