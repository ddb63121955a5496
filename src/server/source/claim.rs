//! The claim: which source client may have which mount, and what becomes of the one before it.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::{Notify, watch};

use super::{
    booth::Booth,
    handshake::{Offer, judge},
    session::Session,
};
use crate::{
    config::Live,
    icy::Answer,
    relay::{LinkReporter, Relay},
    server::{
        feeder::Feeder, mount::Mount, mounts::Mounts, options::ServerOptions, request::Request,
    },
};

/// Source clients at once: each has a ring of a megabyte.
const MAX_SOURCES: usize = 32;
/// A source client that has sent nothing for so long may be gone without a word: where `live` denies
/// others its mount, the same user's next one has it all the same.
const STALE_AFTER: Duration = Duration::from_secs(2);

/// All source clients of the server.
#[derive(Debug)]
pub(in crate::server) struct Sources {
    mounts: Arc<Mounts>,
    /// How the station stands with its own mount.
    link: LinkReporter,
    live: Live,
    stop: watch::Sender<bool>,
    /// Held while one claims: two never find the same mount free.
    claiming: Mutex<()>,
}

impl Sources {
    pub(in crate::server) fn new(mounts: &Arc<Mounts>, link: LinkReporter, live: Live) -> Self {
        let stop = watch::Sender::new(false);
        Self { mounts: Arc::clone(mounts), link, live, stop, claiming: Mutex::default() }
    }

    /// Judges a request and gives it its mount.
    ///
    /// # Errors
    /// What it is answered instead.
    pub(in crate::server) fn admit(
        &self,
        request: &Request,
        options: &ServerOptions,
        address: IpAddr,
        now: Instant,
    ) -> Result<Session, Answer> {
        let (user, password) = self.mounts.source_login(&request.path);
        let is_main = self.mounts.is_main(&request.path);
        let offer = judge(request, is_main, (&user, &password), options)?;
        let booth = self.claim(&offer, address.to_canonical(), now)?;
        Ok(Session::new(offer, booth, self.stop.subscribe(), now))
    }

    /// Ends all of them: the server stops.
    pub(in crate::server) fn end_all(&self) {
        self.stop.send_replace(true);
    }

    fn claim(&self, offer: &Offer, address: IpAddr, now: Instant) -> Result<Booth, Answer> {
        let _alone = self.claiming.lock().unwrap_or_else(PoisonError::into_inner);
        let relay = Relay::new();
        let feeder = Arc::new(Feeder {
            address,
            user: offer.user.clone(),
            user_agent: offer.user_agent.clone(),
            audio_info: offer.audio_info.clone(),
            end: Arc::new(Notify::new()),
        });
        let found = self.mounts.find(offer.mount.as_bytes());
        if let Some(mount) = &found
            && !self.may_have(mount, &feeder, now)
        {
            return Err(Answer::error_page(403, "Mountpoint in use"));
        }
        let before = found.as_ref().and_then(|mount| mount.feeder());
        if before.is_none() && self.count() >= MAX_SOURCES {
            return Err(Answer::error_page(403, "too many sources connected"));
        }
        if let Some(before) = before {
            before.end.notify_one();
        }
        let mount = match found {
            Some(mount) if mount.station().is_some() => {
                // Until it says what it plays.
                relay.set_title(&offer.about.stream.name);
                mount
            }
            Some(mount) if mount.about().content_type == offer.about.content_type => {
                mount.set_about(offer.about.clone());
                mount
            }
            Some(other) => {
                // Its listeners' decoders do not know what comes now.
                self.mounts.close(&other);
                self.open(offer, &relay)?
            }
            None => self.open(offer, &relay)?,
        };
        mount.hand_to(Arc::clone(&feeder), relay.clone(), now);
        Ok(Booth::new(mount, feeder, relay, Arc::clone(&self.mounts), self.link.clone()))
    }

    fn open(&self, offer: &Offer, relay: &Relay) -> Result<Arc<Mount>, Answer> {
        let mount = Mount::new(&offer.mount, relay.clone(), offer.about.clone());
        let opened = self.mounts.open(&mount);
        opened.map_err(|taken| Answer::error_page(403, &taken.to_string()))?;
        Ok(mount)
    }

    fn may_have(&self, mount: &Mount, next: &Feeder, now: Instant) -> bool {
        let is_stale = mount.feeder().is_none_or(|before| before.user == next.user)
            && mount.silence(now) >= STALE_AFTER;
        match self.live {
            Live::Takeover => true,
            // The station is always there.
            Live::Deny => mount.station().is_none() && is_stale,
        }
    }

    fn count(&self) -> usize {
        self.mounts.all().iter().filter(|mount| mount.feeder().is_some()).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bell::Bell,
        icy::StreamInfo,
        relay::Links,
        server::{mount::About, source::codec::Codec},
    };

    struct Desk {
        sources: Sources,
        now: Instant,
    }

    fn desk(live: Live) -> Desk {
        let mounts = Arc::new(Mounts::of(&ServerOptions::default(), Relay::new()));
        let link = Links::new(Bell::new()).reporter("mount");
        Desk { sources: Sources::new(&mounts, link, live), now: Instant::now() }
    }

    impl Desk {
        fn claim_as(&self, mount: &str, kind: &str, after: Duration) -> Result<Booth, u16> {
            let about = About { content_type: kind.into(), ..About::mp3(StreamInfo::default()) };
            let offer = Offer {
                mount: mount.into(),
                codec: Codec::of(kind),
                about,
                audio_info: String::new(),
                user: "source".into(),
                user_agent: String::new(),
                metaint: None,
                is_chunked: false,
                expects: false,
            };
            let address = IpAddr::from([127, 0, 0, 1]);
            self.sources.claim(&offer, address, self.now + after).map_err(|answer| answer.status)
        }

        fn claim(&self, mount: &str, after: Duration) -> Result<Booth, u16> {
            self.claim_as(mount, "audio/mpeg", after)
        }
    }

    #[test]
    fn where_others_are_denied_only_a_stale_one_gives_way() {
        let desk = desk(Live::Deny);
        assert_eq!(desk.claim("/stream", Duration::from_secs(60)).unwrap_err(), 403);
        let first = desk.claim("/live", Duration::ZERO).unwrap();
        let almost = STALE_AFTER - Duration::from_millis(1);
        assert_eq!(desk.claim("/live", almost).unwrap_err(), 403);
        let _second = desk.claim("/live", STALE_AFTER).unwrap();
        drop(first);
        assert!(desk.sources.mounts.find(b"/live").is_some(), "the mount is the second one's");
    }

    #[test]
    fn a_name_is_free_again_once_its_source_is_gone() {
        let desk = desk(Live::Deny);
        drop(desk.claim("/live", Duration::ZERO).unwrap());
        assert!(desk.sources.mounts.find(b"/live").is_none());
        assert!(desk.claim("/live", Duration::ZERO).is_ok());
    }

    #[test]
    fn a_source_of_another_kind_gets_a_mount_of_its_own() {
        let desk = desk(Live::Takeover);
        let first = desk.claim("/live", Duration::ZERO).unwrap();
        let mount = desk.sources.mounts.find(b"/live").unwrap();
        let _same = desk.claim("/live", Duration::ZERO).unwrap();
        assert!(Arc::ptr_eq(&mount, &desk.sources.mounts.find(b"/live").unwrap()));
        let other = desk.claim_as("/live", "application/ogg", Duration::ZERO).unwrap();
        assert!(mount.is_over());
        drop(first);
        assert!(!Arc::ptr_eq(&mount, &desk.sources.mounts.find(b"/live").unwrap()));
        drop(other);
        assert!(desk.sources.mounts.find(b"/live").is_none());
    }

    #[test]
    fn there_are_never_more_than_so_many() {
        let desk = desk(Live::Takeover);
        let names: Vec<String> = (0..MAX_SOURCES).map(|n| format!("/{n}")).collect();
        let booths: Vec<Booth> =
            names.iter().map(|name| desk.claim(name, Duration::ZERO).unwrap()).collect();
        assert_eq!(desk.claim("/one more", Duration::ZERO).unwrap_err(), 403);
        let _instead = desk.claim("/0", Duration::ZERO).unwrap();
        drop(booths);
        assert!(desk.claim("/one more", Duration::ZERO).is_ok());
    }
}
