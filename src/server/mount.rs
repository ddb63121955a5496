//! A mount: a name under which listeners hear a feed, with what is said about it and who it counts.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use super::{feed::Feed, feeder::Feeder, rules::Rules};
use crate::{
    icy::{AudioInfo, StreamInfo},
    relay::Relay,
};

/// One mount. It lives for as long as a listener or a source holds it.
#[derive(Debug)]
pub(super) struct Mount {
    name: String,
    feed: Feed,
    about: RwLock<About>,
    /// The relay that the station fills; nothing where this is a source's own mount.
    station: Option<Relay>,
    /// The source client that feeds it now; nothing where the station does.
    feeder: Mutex<Option<Arc<Feeder>>>,
    /// The relay of the newest source client, before and while it is heard.
    show: Mutex<Option<Relay>>,
    /// When its source client was heard of last: it came, or sent something.
    heard_of: Mutex<Instant>,
    pub(super) counts: Counts,
    /// What the configuration says about it.
    rules: RwLock<Arc<Rules>>,
    /// Public documents leave it out.
    is_hidden: AtomicBool,
    /// The name of the mount at which its listeners go on when its source has ended.
    fallback: Mutex<Option<String>>,
    /// Its source has ended: what is there is heard to its end, and nobody is let in.
    is_over: AtomicBool,
}

/// What is said about a mount.
#[derive(Debug, Clone)]
pub(super) struct About {
    /// What is said about the stream.
    pub(super) stream: StreamInfo,
    pub(super) content_type: String,
    /// What a source said about its sound; measured where it said nothing and frames are known.
    pub(super) audio: Option<AudioInfo>,
    pub(super) since: SystemTime,
}

/// Counters of one mount.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) listeners: AtomicUsize,
    pub(super) peak: AtomicUsize,
    pub(super) slow: AtomicUsize,
    pub(super) bytes_sent: AtomicU64,
    pub(super) bytes_read: AtomicU64,
}

impl Mount {
    /// A mount that sends `relay` from its present state on.
    pub(super) fn new(name: &str, relay: Relay, about: About) -> Arc<Self> {
        Arc::new(Self::with(name, relay, None, about))
    }

    /// The station's own mount, which sends what the station puts into `relay`.
    pub(super) fn of_station(name: &str, relay: Relay, about: About) -> Arc<Self> {
        let station = Some(relay.clone());
        Arc::new(Self::with(name, relay, station, about))
    }

    fn with(name: &str, relay: Relay, station: Option<Relay>, about: About) -> Self {
        Self {
            name: name.to_owned(),
            feed: Feed::new(relay),
            about: RwLock::new(about),
            station,
            feeder: Mutex::default(),
            show: Mutex::default(),
            heard_of: Mutex::new(Instant::now()),
            counts: Counts::default(),
            rules: RwLock::default(),
            fallback: Mutex::default(),
            is_hidden: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
        }
    }

    /// With its slash.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn feed(&self) -> &Feed {
        &self.feed
    }

    /// The relay that is heard now.
    pub(super) fn relay(&self) -> Relay {
        self.feed.now().relay
    }

    pub(super) fn about(&self) -> RwLockReadGuard<'_, About> {
        self.about.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The relay that the station fills, where this is its own mount.
    pub(super) fn station(&self) -> Option<&Relay> {
        self.station.as_ref()
    }

    /// Another source says something else about the stream; what the configuration says holds.
    pub(super) fn set_about(&self, mut about: About) {
        self.rules().dress(&mut about.stream);
        *self.about.write().unwrap_or_else(PoisonError::into_inner) = about;
    }

    /// What the configuration says about it.
    pub(super) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these rules hold.
    pub(super) fn adopt(&self, rules: &Arc<Rules>) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(rules);
        self.set_fallback(rules.fallback.clone());
        self.set_hidden(rules.is_hidden);
        let about = self.about().clone();
        self.set_about(about);
    }

    /// The name of the mount that is heard when its source has ended.
    pub(super) fn fallback(&self) -> Option<String> {
        self.fallback.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another mount is heard when its source has ended, or none.
    pub(super) fn set_fallback(&self, fallback: Option<String>) {
        *self.fallback.lock().unwrap_or_else(PoisonError::into_inner) = fallback;
    }

    /// It is left out of public lists.
    pub(super) fn is_hidden(&self) -> bool {
        self.is_hidden.load(Relaxed)
    }

    /// Puts it into public lists or takes it out.
    pub(super) fn set_hidden(&self, is_hidden: bool) {
        self.is_hidden.store(is_hidden, Relaxed);
    }

    /// The source client that feeds it now.
    pub(super) fn feeder(&self) -> Option<Arc<Feeder>> {
        self.feeder.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another source client feeds it, or the station itself.
    pub(super) fn set_feeder(&self, feeder: Option<Arc<Feeder>>) {
        *self.feeder.lock().unwrap_or_else(PoisonError::into_inner) = feeder;
    }

    /// A source client comes `now` and will fill `relay`. Whoever fed it before is no longer the one.
    pub(super) fn hand_to(&self, feeder: Arc<Feeder>, relay: Relay, now: Instant) {
        *self.heard_of.lock().unwrap_or_else(PoisonError::into_inner) = now;
        *self.show.lock().unwrap_or_else(PoisonError::into_inner) = Some(relay);
        self.set_feeder(Some(feeder));
    }

    /// Does something for the source client that feeds it; nothing where another one does.
    pub(super) fn as_feeder(&self, feeder: &Arc<Feeder>, work: impl FnOnce(&Feed)) {
        let held = self.feeder.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|held| Arc::ptr_eq(held, feeder)) {
            work(&self.feed);
        }
    }

    /// The source client leaves; false where it was not the one that feeds it.
    pub(super) fn leave(&self, feeder: &Arc<Feeder>) -> bool {
        let mut held = self.feeder.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_none_or(|held| !Arc::ptr_eq(held, feeder)) {
            return false;
        }
        *held = None;
        *self.show.lock().unwrap_or_else(PoisonError::into_inner) = None;
        true
    }

    /// Its source client has sent so many bytes.
    pub(super) fn note_read(&self, bytes: usize, now: Instant) {
        self.counts.bytes_read.fetch_add(bytes as u64, Relaxed);
        *self.heard_of.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// For how long its source client has sent nothing.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        let heard_of = *self.heard_of.lock().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(heard_of)
    }

    /// Pins a title to what its source client sends next; where the station feeds it, to what is
    /// heard until its next song.
    pub(super) fn set_title(&self, title: &str) {
        let show = self.show.lock().unwrap_or_else(PoisonError::into_inner).clone();
        show.unwrap_or_else(|| self.relay()).set_title(title);
    }

    /// Its source has ended.
    pub(super) fn end(&self) {
        self.is_over.store(true, Relaxed);
        self.relay().close();
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    /// Listeners of `other` can go on here: their decoders know the sound.
    pub(super) fn sounds_like(&self, other: &Self) -> bool {
        self.about().content_type == other.about().content_type
    }
}

impl About {
    /// MP3, as `stream` describes it, from now on.
    pub(super) fn mp3(stream: StreamInfo) -> Self {
        let content_type = "audio/mpeg".to_owned();
        Self { stream, content_type, audio: None, since: SystemTime::now() }
    }

    /// Titles may stand between its bytes. A container has its own, and theirs would break it.
    pub(super) fn takes_titles(&self) -> bool {
        let kind = self.content_type.to_ascii_lowercase();
        !["ogg", "opus", "webm", "matroska"].iter().any(|container| kind.contains(container))
    }
}

impl Counts {
    pub(super) fn enter(&self) {
        let now = self.listeners.fetch_add(1, Relaxed) + 1;
        self.peak.fetch_max(now, Relaxed);
    }

    pub(super) fn leave(&self) {
        self.listeners.fetch_sub(1, Relaxed);
    }
}
