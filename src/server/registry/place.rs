//! A listener's place among those who are counted; giving it up is all that ends it.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Instant, SystemTime},
};

use super::Listeners;
use crate::{
    icy::{AccessLine, date::Date},
    server::{gate::Session, mount::Mount},
};

/// One listener's place; giving it up is all that ends it.
#[derive(Debug)]
pub(in crate::server) struct Place {
    pub(super) listeners: Listeners,
    pub(super) key: u32,
    pub(super) id: u32,
}

impl Place {
    /// The number that the listener is known by.
    pub(in crate::server) fn id(&self) -> u32 {
        self.id
    }

    /// The listener took so many bytes more.
    pub(in crate::server) fn note_sent(&self, mount: &Mount, bytes: u64) {
        self.listeners.shared.bytes_sent.fetch_add(bytes, Relaxed);
        mount.counts.bytes_sent.fetch_add(bytes, Relaxed);
    }

    /// The listener was moved forward so many times more.
    pub(in crate::server) fn note_moves(&self, moves: u32) {
        self.listeners.shared.moved_forward.fetch_add(u64::from(moves), Relaxed);
    }

    /// The listener is dropped because it is slow.
    pub(in crate::server) fn note_dropped_slow(&self, mount: &Mount) {
        self.listeners.shared.dropped_slow.fetch_add(1, Relaxed);
        mount.counts.slow.fetch_add(1, Relaxed);
    }

    /// The listener ends after so many bytes: the access log is told.
    pub(in crate::server) fn note_end(&self, bytes: u64, now: Instant) {
        let shared = &self.listeners.shared;
        let Some(log) = shared.access_log.get().filter(|log| log.is_kept()) else { return };
        let live = self.listeners.lock();
        let Some(entry) = live.entries.get(self.key as usize) else { return };
        let words = live.words(entry);
        log.write(&AccessLine {
            address: live.address(entry),
            user: &words.user,
            ended: Date::of(SystemTime::now()),
            request: &words.request,
            status: 200,
            bytes,
            referer: &words.referer,
            user_agent: &words.user_agent,
            seconds: u64::from(shared.seconds(now).saturating_sub(entry.since)),
        });
    }

    /// Its end will be told by `session`.
    pub(in crate::server) fn attach(&self, session: Session) {
        self.listeners.lock().sessions.insert(self.id, session);
    }

    /// The listener goes on with another mount.
    pub(in crate::server) fn move_to(&self, mount: &Arc<Mount>) {
        let mut live = self.listeners.lock();
        let Some(entry) = live.entries.get_mut(self.key as usize) else { return };
        entry.mount.counts.leave();
        mount.counts.enter();
        entry.mount = Arc::clone(mount);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut live = self.listeners.lock();
        let session = live.sessions.remove(&self.id);
        let Some(entry) = live.entries.remove(self.key as usize) else { return };
        entry.mount.counts.leave();
        live.addresses.forget(entry.address);
        live.words.forget(entry.words);
        drop(live);
        // Told when nobody has to wait for it.
        drop(session);
    }
}
