//! Who listens: counted by the sockets that live, and by nothing else.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use slab::Slab;

use crate::status::ListenerInfo;

/// All listeners of the server. Clones share them.
#[derive(Debug, Clone)]
pub struct Listeners {
    shared: Arc<Shared>,
}

/// Counters since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Listeners that were let in.
    pub accepted: u64,
    /// Listeners that were refused because there were too many.
    pub refused: u64,
    /// How often a listener was so slow that it was moved forward.
    pub moved_forward: u64,
    /// Listeners that were dropped because they took nothing or too little.
    pub dropped_slow: u64,
    /// Bytes that listeners took.
    pub bytes_sent: u64,
}

#[derive(Debug)]
struct Shared {
    live: Mutex<Live>,
    max: usize,
    max_per_address: usize,
    accepted: AtomicU64,
    refused: AtomicU64,
    moved_forward: AtomicU64,
    dropped_slow: AtomicU64,
    bytes_sent: AtomicU64,
}

#[derive(Debug, Default)]
struct Live {
    next_id: u64,
    entries: Slab<Entry>,
    /// User agents and mounts, each once: thousands share a few.
    names: HashSet<Arc<str>>,
    per_address: HashMap<IpAddr, usize>,
    peak: usize,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    address: IpAddr,
    user_agent: Option<Arc<str>>,
    mount: Arc<str>,
    since: Instant,
}

impl Live {
    /// `name` as everyone shares it.
    fn share(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.get(name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = Arc::from(name);
        self.names.insert(Arc::clone(&name));
        name
    }

    /// One who shared `name` has left.
    fn forget(&mut self, name: Arc<str>) {
        // Ours, and the set's.
        if Arc::strong_count(&name) <= 2 {
            self.names.remove(&name);
        }
    }
}

/// Why a listener is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// Raise `server.max_listeners`.
    #[error("Icecast connection limit reached")]
    Server,
    /// Raise `server.max_listeners_per_address`.
    #[error("Too many listeners from this address")]
    Address,
}

/// One listener's place; giving it up is all that ends it.
#[derive(Debug)]
pub(super) struct Place {
    listeners: Listeners,
    key: usize,
}

impl Listeners {
    /// Nobody yet; at most `max`, and `max_per_address` from one address (0: no such limit).
    #[must_use]
    pub fn new(max: usize, max_per_address: usize) -> Self {
        let shared = Shared {
            live: Mutex::default(),
            max,
            max_per_address: if max_per_address == 0 { max } else { max_per_address },
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            moved_forward: AtomicU64::new(0),
            dropped_slow: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Everyone who listens, the longest first.
    #[must_use]
    pub fn list(&self, now: Instant) -> Vec<ListenerInfo> {
        let live = self.lock();
        let infos = live.entries.iter().map(|(_, entry)| ListenerInfo {
            id: entry.id,
            address: entry.address.to_string(),
            user_agent: entry.user_agent.as_deref().map(str::to_owned),
            mount: entry.mount.as_ref().to_owned(),
            connected_seconds: now.saturating_duration_since(entry.since).as_secs(),
        });
        let mut infos: Vec<ListenerInfo> = infos.collect();
        infos.sort_unstable_by_key(|info| info.id);
        infos
    }

    /// How many listen.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().entries.len()
    }

    /// The most that ever listened at once.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.lock().peak
    }

    /// The counters.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals {
            accepted: self.shared.accepted.load(Relaxed),
            refused: self.shared.refused.load(Relaxed),
            moved_forward: self.shared.moved_forward.load(Relaxed),
            dropped_slow: self.shared.dropped_slow.load(Relaxed),
            bytes_sent: self.shared.bytes_sent.load(Relaxed),
        }
    }

    /// Lets a listener in, if there is room.
    pub(super) fn admit(
        &self,
        address: IpAddr,
        user_agent: Option<&str>,
        mount: &str,
        now: Instant,
    ) -> Result<Place, Full> {
        // An IPv4 client of an IPv6 socket is the same client.
        let address = address.to_canonical();
        let mut live = self.lock();
        let here = live.per_address.get(&address).copied().unwrap_or(0);
        let full = if live.entries.len() >= self.shared.max {
            Some(Full::Server)
        } else if here >= self.shared.max_per_address {
            Some(Full::Address)
        } else {
            None
        };
        if let Some(full) = full {
            self.shared.refused.fetch_add(1, Relaxed);
            return Err(full);
        }
        live.next_id += 1;
        let id = live.next_id;
        live.per_address.insert(address, here + 1);
        let user_agent = user_agent.map(|agent| live.share(agent));
        let mount = live.share(mount);
        let key = live.entries.insert(Entry { id, address, user_agent, mount, since: now });
        live.peak = live.peak.max(live.entries.len());
        self.shared.accepted.fetch_add(1, Relaxed);
        Ok(Place { listeners: self.clone(), key })
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.shared.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The listener took so many bytes more.
    pub(super) fn note_sent(&self, bytes: u64) {
        self.listeners.shared.bytes_sent.fetch_add(bytes, Relaxed);
    }

    /// The listener was moved forward so many times more.
    pub(super) fn note_moves(&self, moves: u32) {
        self.listeners.shared.moved_forward.fetch_add(u64::from(moves), Relaxed);
    }

    /// The listener is dropped because it is slow.
    pub(super) fn note_dropped_slow(&self) {
        self.listeners.shared.dropped_slow.fetch_add(1, Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut live = self.listeners.lock();
        let Some(entry) = live.entries.try_remove(self.key) else { return };
        live.forget(entry.mount);
        if let Some(agent) = entry.user_agent {
            live.forget(agent);
        }
        if let Some(here) = live.per_address.get_mut(&entry.address) {
            *here -= 1;
            if *here == 0 {
                live.per_address.remove(&entry.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn admit(listeners: &Listeners, address: &str) -> Result<Place, Full> {
        let address = address.parse().unwrap();
        listeners.admit(address, Some("player"), "/stream", Instant::now())
    }

    #[test]
    fn a_place_counts_for_as_long_as_it_is_held() {
        let listeners = Listeners::new(2, 0);
        let first = admit(&listeners, "192.0.2.1").unwrap();
        let second = admit(&listeners, "192.0.2.1").unwrap();
        assert_eq!(admit(&listeners, "192.0.2.2").unwrap_err(), Full::Server);
        drop(first);
        assert_eq!((listeners.count(), listeners.peak()), (1, 2));
        drop(second);
        assert_eq!((listeners.count(), listeners.peak()), (0, 2));
        assert!(listeners.lock().per_address.is_empty() && listeners.lock().names.is_empty());
        assert_eq!((listeners.totals().accepted, listeners.totals().refused), (2, 1));
    }

    #[test]
    fn the_limit_of_an_address_holds_for_its_ipv6_form_too() {
        let listeners = Listeners::new(10, 1);
        let _place = admit(&listeners, "192.0.2.1").unwrap();
        assert_eq!(admit(&listeners, "::ffff:192.0.2.1").unwrap_err(), Full::Address);
        assert!(admit(&listeners, "192.0.2.2").is_ok());
    }

    #[test]
    fn the_list_tells_who_and_for_how_long() {
        let listeners = Listeners::new(10, 0);
        let _place = admit(&listeners, "192.0.2.1").unwrap();
        let list = listeners.list(Instant::now() + Duration::from_secs(5));
        assert_eq!((list[0].id, list[0].address.as_str()), (1, "192.0.2.1"));
        assert_eq!(list[0].user_agent.as_deref(), Some("player"));
        assert_eq!(list[0].connected_seconds, 5);
    }
}
