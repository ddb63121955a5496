//! Who listens: counted by the sockets that live, and by nothing else.

mod place;

pub(super) use place::Place;

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use crate::{
    server::{
        access_log::AccessLog,
        gate::Session,
        mount::Mount,
        names::{Name, Names},
        rows::Rows,
    },
    status::ListenerInfo,
};

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
    begun: Instant,
    max: usize,
    max_per_address: usize,
    accepted: AtomicU64,
    refused: AtomicU64,
    moved_forward: AtomicU64,
    dropped_slow: AtomicU64,
    bytes_sent: AtomicU64,
    access_log: OnceLock<AccessLog>,
}

#[derive(Debug, Default)]
struct Live {
    next_id: u32,
    entries: Rows<Entry>,
    /// From where they come.
    addresses: Names<IpAddr>,
    /// What they said of themselves.
    words: Names<Arc<Words>>,
    /// Of those whose end has to be told, by their numbers.
    sessions: HashMap<u32, Session>,
    peak: usize,
}

/// What is kept of a listener, beside its seat: 24 bytes.
#[derive(Debug)]
struct Entry {
    mount: Arc<Mount>,
    id: u32,
    /// Seconds since the server began.
    since: u32,
    address: Name,
    words: Name,
}

/// What a listener said of itself.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
struct Words {
    request: Box<str>,
    user_agent: Box<str>,
    referer: Box<str>,
    user: Box<str>,
}

/// Who asks to be let in.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Visitor<'a> {
    /// The number that was [taken](Listeners::next_id) for it, if one was.
    pub(super) id: Option<u32>,
    /// The request line, as the access log shows it.
    pub(super) request: &'a str,
    pub(super) user_agent: &'a str,
    pub(super) referer: &'a str,
    /// The name that it has logged in with.
    pub(super) user: &'a str,
}

/// Why a listener is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// Raise `server.max_listeners`.
    #[error("Icecast connection limit reached")]
    Server,
    /// Raise `max_listeners` of the mount.
    #[error("Too many clients on this mountpoint. Try again later.")]
    Mount,
    /// Raise `server.max_listeners_per_address`.
    #[error("Too many listeners from this address")]
    Address,
}

impl Listeners {
    /// Nobody yet; at most `max`, and `max_per_address` from one address (0: no such limit).
    #[must_use]
    pub fn new(max: usize, max_per_address: usize) -> Self {
        let shared = Shared {
            live: Mutex::default(),
            begun: Instant::now(),
            max,
            max_per_address: if max_per_address == 0 { max } else { max_per_address },
            accepted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            moved_forward: AtomicU64::new(0),
            dropped_slow: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            access_log: OnceLock::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Everyone who listens, the longest first.
    #[must_use]
    pub fn list(&self, now: Instant) -> Vec<ListenerInfo> {
        let live = self.lock();
        let seconds = self.shared.seconds(now);
        let infos = live.entries.iter().map(|(_, entry)| live.info(entry, seconds));
        let mut infos: Vec<ListenerInfo> = infos.collect();
        infos.sort_unstable_by_key(|info| info.id);
        infos
    }

    /// Notes every listener that ends from now on; the first log that is set stays.
    pub(super) fn log_to(&self, log: AccessLog) {
        // Set before: it stays.
        let _ = self.shared.access_log.set(log);
    }

    /// Everyone who hears `mount`, the longest first, with the names that they logged in with.
    pub(super) fn of_mount(&self, mount: &Arc<Mount>, now: Instant) -> Vec<(ListenerInfo, String)> {
        let live = self.lock();
        let seconds = self.shared.seconds(now);
        let here = live.entries.iter().filter(|(_, entry)| Arc::ptr_eq(&entry.mount, mount));
        let infos =
            here.map(|(_, entry)| (live.info(entry, seconds), live.words(entry).user.to_string()));
        let mut infos: Vec<_> = infos.collect();
        infos.sort_unstable_by_key(|(info, _)| info.id);
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

    /// The number of one who is still on its way.
    pub(super) fn next_id(&self) -> u32 {
        self.lock().next_id()
    }

    /// Lets a listener of `mount` in, if there is room.
    pub(super) fn admit(
        &self,
        address: IpAddr,
        visitor: Visitor<'_>,
        mount: &Arc<Mount>,
        now: Instant,
    ) -> Result<Place, Full> {
        // An IPv4 client of an IPv6 socket is the same client.
        let address = address.to_canonical();
        let since = self.shared.seconds(now);
        let most_here = mount.rules().max_listeners;
        let mut live = self.lock();
        let live = &mut *live;
        let here = live.addresses.holders(&address);
        let full = if live.entries.len() >= self.shared.max {
            Some(Full::Server)
        } else if most_here > 0 && mount.counts.listeners.load(Relaxed) >= most_here {
            Some(Full::Mount)
        } else if here >= self.shared.max_per_address {
            Some(Full::Address)
        } else {
            None
        };
        if let Some(full) = full {
            self.shared.refused.fetch_add(1, Relaxed);
            return Err(full);
        }
        let id = visitor.id.unwrap_or_else(|| live.next_id());
        let words = Words {
            request: visitor.request.into(),
            user_agent: visitor.user_agent.into(),
            referer: visitor.referer.into(),
            user: visitor.user.into(),
        };
        let entry = Entry {
            mount: Arc::clone(mount),
            id,
            since,
            address: live.addresses.share(address),
            words: live.words.share(Arc::new(words)),
        };
        let key = u32::try_from(live.entries.insert(entry)).unwrap_or(u32::MAX);
        mount.counts.enter();
        live.peak = live.peak.max(live.entries.len());
        self.shared.accepted.fetch_add(1, Relaxed);
        Ok(Place { listeners: self.clone(), key, id })
    }

    fn lock(&self) -> MutexGuard<'_, Live> {
        self.shared.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn next_id(&mut self) -> u32 {
        self.next_id = self.next_id.wrapping_add(1);
        self.next_id
    }

    /// What the listener said of itself.
    fn words(&self, entry: &Entry) -> Arc<Words> {
        self.words.value(entry.words).cloned().unwrap_or_default()
    }

    fn address(&self, entry: &Entry) -> IpAddr {
        // Held for as long as the entry is there.
        self.addresses.value(entry.address).copied().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    fn info(&self, entry: &Entry, seconds: u32) -> ListenerInfo {
        let user_agent = &self.words(entry).user_agent;
        ListenerInfo {
            id: u64::from(entry.id),
            address: self.address(entry).to_string(),
            user_agent: (!user_agent.is_empty()).then(|| user_agent.to_string()),
            mount: entry.mount.name().to_owned(),
            connected_seconds: u64::from(seconds.saturating_sub(entry.since)),
        }
    }
}

impl Shared {
    /// Seconds from the server's beginning to `now`.
    fn seconds(&self, now: Instant) -> u32 {
        let seconds = now.saturating_duration_since(self.begun).as_secs();
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}

/// What is kept of all listeners together.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) entries: usize,
    /// Entries that there is memory for.
    pub(super) room: usize,
    pub(super) words: usize,
    pub(super) addresses: usize,
    pub(super) sessions: usize,
}

#[cfg(test)]
impl Listeners {
    pub(super) fn kept(&self) -> Kept {
        let live = self.lock();
        Kept {
            entries: live.entries.len(),
            room: live.entries.capacity(),
            words: live.words.len(),
            addresses: live.addresses.len(),
            sessions: live.sessions.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        config::MountSettings,
        icy::StreamInfo,
        relay::Relay,
        server::{ServerOptions, mount::About, mounts::Mounts},
    };

    fn admit(listeners: &Listeners, address: &str) -> Result<Place, Full> {
        let address = address.parse().unwrap();
        let visitor = Visitor { user_agent: "player", ..Visitor::default() };
        let mount = Mount::new("/stream", Relay::new(), About::mp3(StreamInfo::default()));
        listeners.admit(address, visitor, &mount, Instant::now())
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
        let live = listeners.lock();
        assert_eq!((live.addresses.len(), live.words.len()), (0, 0));
        drop(live);
        assert_eq!((listeners.totals().accepted, listeners.totals().refused), (2, 1));
    }

    #[test]
    fn what_is_kept_of_a_listener_is_small() {
        assert_eq!(size_of::<Entry>(), size_of::<usize>() + 16);
        assert_eq!(size_of::<Option<Entry>>(), size_of::<Entry>());
    }

    #[test]
    fn the_limit_of_an_address_holds_for_its_ipv6_form_too() {
        let listeners = Listeners::new(10, 1);
        let _place = admit(&listeners, "192.0.2.1").unwrap();
        assert_eq!(admit(&listeners, "::ffff:192.0.2.1").unwrap_err(), Full::Address);
        assert!(admit(&listeners, "192.0.2.2").is_ok());
    }

    #[test]
    fn a_mount_has_a_limit_of_its_own() {
        let settings =
            MountSettings { name: "/live".into(), max_listeners: 1, ..MountSettings::default() };
        let options = ServerOptions { mounts: vec![settings], ..ServerOptions::default() };
        let mounts = Mounts::of(&options, Relay::new());
        let live = Mount::new("/live", Relay::new(), About::mp3(StreamInfo::default()));
        mounts.open(&live).unwrap();
        let listeners = Listeners::new(10, 0);
        let admit = |mount: &Arc<Mount>| {
            let address = IpAddr::from([192, 0, 2, 1]);
            listeners.admit(address, Visitor::default(), mount, Instant::now())
        };
        let place = admit(&live).unwrap();
        assert_eq!(admit(&live).unwrap_err(), Full::Mount);
        let _other = admit(mounts.main()).unwrap();
        drop(place);
        assert!(admit(&live).is_ok());
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
