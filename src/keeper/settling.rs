//! Who waits until what the station reported is on disk.

use std::time::Instant;

use crossbeam_channel::Sender;

/// Those who may wait at once; one more is told that it is not stored.
const SETTLING_LIMIT: usize = 256;

/// The ends by which they are told, each with the time until which it listens.
#[derive(Debug, Default)]
pub(super) struct Settling(Vec<(Instant, Sender<bool>)>);

impl Settling {
    /// One more waits until `deadline`; those that have gone are forgotten.
    pub(super) fn wait(&mut self, now: Instant, deadline: Instant, reply: Sender<bool>) {
        self.0.retain(|(deadline, _)| now < *deadline);
        if self.0.len() < SETTLING_LIMIT {
            self.0.push((deadline, reply));
        } else {
            let _ = reply.send(false);
        }
    }

    /// All of it is on disk.
    pub(super) fn stored(&mut self) {
        for (_, reply) in self.0.drain(..) {
            // Whoever waited may have gone meanwhile; then nobody misses the answer.
            let _ = reply.send(true);
        }
    }
}
