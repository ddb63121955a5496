//! Figures: what monitoring is told of the server.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use super::{document::Documents, mount::Mount};
use crate::{
    relay::RING_BYTES,
    status::{MountFigures, ServerFigures},
};

/// The way to the figures; clones share them.
#[derive(Debug, Clone)]
pub struct Figures {
    documents: Arc<Documents>,
}

impl Figures {
    pub(super) fn of(documents: &Arc<Documents>) -> Self {
        Self { documents: Arc::clone(documents) }
    }

    /// As they are now.
    #[must_use]
    pub fn now(&self) -> ServerFigures {
        let Documents { listeners, options, mounts, .. } = &*self.documents;
        let totals = listeners.totals();
        let mounts = if options.disabled { Vec::new() } else { mounts.all() };
        ServerFigures {
            accepted: totals.accepted,
            refused: totals.refused,
            moved_forward: totals.moved_forward,
            dropped_slow: totals.dropped_slow,
            bytes_sent: totals.bytes_sent,
            max_listeners: options.max_listeners,
            flush_ms: u64::try_from(options.flush.as_millis()).unwrap_or(u64::MAX),
            ring_bytes: RING_BYTES,
            mounts: mounts.iter().map(|mount| of_mount(mount)).collect(),
        }
    }
}

fn of_mount(mount: &Mount) -> MountFigures {
    let counts = &mount.counts;
    MountFigures {
        name: mount.name().to_owned(),
        listeners: counts.listeners.load(Relaxed),
        peak: counts.peak.load(Relaxed),
        slow: counts.slow.load(Relaxed),
        bytes_sent: counts.bytes_sent.load(Relaxed),
        bytes_read: counts.bytes_read.load(Relaxed),
        has_source: mount.feeder().is_some(),
    }
}
