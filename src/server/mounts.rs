//! The mounts: the station's own, and those of sources that are connected.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    mount::{About, Mount},
    options::ServerOptions,
    rules::{Rulebook, Rules},
};
use crate::{config::Password, relay::Relay};

/// The mount that is always there, whatever else is configured.
const STANDARD_MOUNT: &str = "/stream";
/// Some hardware players want a name that ends so.
const SUFFIX: &str = ".mp3";
/// Fallbacks of fallbacks that are followed, as Icecast does.
const MOST_HOPS: usize = 10;

/// All mounts by their names.
#[derive(Debug)]
pub(super) struct Mounts {
    main: Arc<Mount>,
    /// The names of the main mount.
    names: Vec<String>,
    others: RwLock<BTreeMap<String, Arc<Mount>>>,
    book: Rulebook,
}

/// A source is there already, or it is the station's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Mountpoint in use")]
pub(super) struct Taken;

impl Mounts {
    pub(super) fn of(options: &ServerOptions, relay: Relay) -> Self {
        let main = format!("/{}", options.mount.trim_start_matches('/'));
        let mut names = Vec::new();
        for name in [main.as_str(), STANDARD_MOUNT] {
            names.push(name.to_owned());
            if !name.ends_with(SUFFIX) {
                names.push(format!("{name}{SUFFIX}"));
            }
        }
        let book = Rulebook::of(options);
        let main = Mount::of_station(&main, relay, About::mp3(options.stream.clone()));
        main.adopt(book.rules(main.name()));
        Self { main, names, others: RwLock::default(), book }
    }

    /// The station's own.
    pub(super) fn main(&self) -> &Arc<Mount> {
        &self.main
    }

    /// The mount with this name.
    pub(super) fn find(&self, path: &[u8]) -> Option<Arc<Mount>> {
        if self.is_main(path) {
            return Some(Arc::clone(&self.main));
        }
        let name = std::str::from_utf8(path).ok()?;
        self.read().get(name).map(Arc::clone)
    }

    /// The mount that is heard under this name: the one that has it, else its fallback.
    pub(super) fn heard_as(&self, path: &[u8]) -> Option<Arc<Mount>> {
        self.find(path).or_else(|| self.follow(self.rules(path).fallback.clone(), None))
    }

    /// What the configuration says about the mount with this name, whether it is there or not.
    pub(super) fn rules(&self, path: &[u8]) -> &Arc<Rules> {
        let name = if self.is_main(path) {
            Some(self.main.name())
        } else {
            std::str::from_utf8(path).ok()
        };
        self.book.rules(name.unwrap_or_default())
    }

    /// Name and password that the source client of this mount must know. An empty one: none is let
    /// in.
    pub(super) fn source_login(&self, path: &[u8]) -> (String, Password) {
        let name = if self.is_main(path) {
            Some(self.main.name())
        } else {
            std::str::from_utf8(path).ok()
        };
        self.book.source_login(name.unwrap_or_default())
    }

    /// It is one of the main mount's names.
    pub(super) fn is_main(&self, path: &[u8]) -> bool {
        self.names.iter().any(|name| name.as_bytes() == path)
    }

    /// All that are there, the main one first.
    pub(super) fn all(&self) -> Vec<Arc<Mount>> {
        let others = self.read();
        std::iter::once(&self.main).chain(others.values()).map(Arc::clone).collect()
    }

    /// Adds a source's mount.
    ///
    /// # Errors
    /// Its name is taken.
    pub(super) fn open(&self, mount: &Arc<Mount>) -> Result<(), Taken> {
        if self.is_main(mount.name().as_bytes()) {
            return Err(Taken);
        }
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if others.contains_key(mount.name()) {
            return Err(Taken);
        }
        mount.adopt(self.book.rules(mount.name()));
        others.insert(mount.name().to_owned(), Arc::clone(mount));
        Ok(())
    }

    /// Takes a source's mount away, if it is still this one; its listeners hear what is there to the
    /// end.
    pub(super) fn close(&self, mount: &Arc<Mount>) {
        let mut others = self.others.write().unwrap_or_else(PoisonError::into_inner);
        if others.get(mount.name()).is_some_and(|there| Arc::ptr_eq(there, mount)) {
            others.remove(mount.name());
        }
        drop(others);
        mount.end();
    }

    /// Where the listeners of a mount go whose source has ended; nothing: their connections end. Where
    /// the source is back before they got there, they go on with it.
    pub(super) fn after(&self, mount: &Arc<Mount>) -> Option<Arc<Mount>> {
        if Arc::ptr_eq(mount, &self.main) {
            return None;
        }
        let fallback = mount.fallback()?;
        let again = self.find(mount.name().as_bytes());
        again
            .filter(|again| suits(again, mount))
            .or_else(|| self.follow(Some(fallback), Some(mount)))
    }

    /// The mount whose listeners a source takes over that has come to `mount`, where it is configured
    /// to: [`Fan::move_all`](super::fan::Fan::move_all) from it to `mount`.
    pub(super) fn returned(&self, mount: &Arc<Mount>) -> Option<Arc<Mount>> {
        let takes_back = mount.rules().takes_back;
        takes_back.then(|| self.follow(mount.fallback(), Some(mount))).flatten()
    }

    /// The first mount that is there and can be heard, on the way from fallback to fallback; for
    /// listeners of `from`, their decoders must know its sound.
    fn follow(&self, first: Option<String>, from: Option<&Arc<Mount>>) -> Option<Arc<Mount>> {
        let mut next = first;
        for _ in 0..MOST_HOPS {
            let path = next?;
            let there = self.find(path.as_bytes());
            next = match there {
                Some(there) if from.is_none_or(|from| suits(&there, from)) => return Some(there),
                Some(there) => there.fallback(),
                None => self.rules(path.as_bytes()).fallback.clone(),
            };
        }
        None
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Mount>>> {
        self.others.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listeners of `from` can go on with `there`.
fn suits(there: &Arc<Mount>, from: &Arc<Mount>) -> bool {
    !Arc::ptr_eq(there, from) && !there.is_over() && there.sounds_like(from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::MountSettings, icy::StreamInfo};

    fn mount(name: &str) -> Arc<Mount> {
        Mount::new(name, Relay::new(), About::mp3(StreamInfo::default()))
    }

    #[test]
    fn the_main_mount_has_an_alias_and_the_standard_name_beside_the_configured_one() {
        let options = ServerOptions { mount: "radio".into(), ..ServerOptions::default() };
        let mounts = Mounts::of(&options, Relay::new());
        for name in ["/radio", "/radio.mp3", "/stream", "/stream.mp3"] {
            assert_eq!(mounts.find(name.as_bytes()).unwrap().name(), "/radio", "{name}");
        }
        assert!(mounts.find(b"/radio2").is_none());
    }

    #[test]
    fn a_name_has_one_source_at_a_time() {
        let mounts = Mounts::of(&ServerOptions::default(), Relay::new());
        let (first, second) = (mount("/live"), mount("/live"));
        assert_eq!(mounts.open(&first), Ok(()));
        assert_eq!(mounts.open(&second), Err(Taken));
        assert_eq!(mounts.open(&mount("/stream")), Err(Taken));
        mounts.close(&second);
        assert!(mounts.find(b"/live").is_some_and(|found| Arc::ptr_eq(&found, &first)));
        mounts.close(&first);
        assert!(mounts.find(b"/live").is_none() && first.is_over());
        assert_eq!(mounts.open(&second), Ok(()));
    }
    /// Mounts that fall back as these pairs say.
    fn falling_back(pairs: &[(&str, &str)]) -> Mounts {
        let settings = pairs.iter().map(|(name, fallback)| MountSettings {
            name: (*name).into(),
            fallback: Some((*fallback).into()),
            fallback_override: true,
            ..MountSettings::default()
        });
        let options = ServerOptions { mounts: settings.collect(), ..ServerOptions::default() };
        Mounts::of(&options, Relay::new())
    }

    fn name(mount: Option<Arc<Mount>>) -> Option<String> {
        mount.map(|mount| mount.name().to_owned())
    }

    #[test]
    fn listeners_go_to_the_nearest_fallback_that_is_there() {
        let mounts = falling_back(&[("/live", "/b"), ("/b", "/c"), ("/c", "/stream.mp3")]);
        let live = mount("/live");
        mounts.open(&live).unwrap();
        assert_eq!(name(mounts.heard_as(b"/live")).as_deref(), Some("/live"));
        mounts.close(&live);
        assert_eq!(name(mounts.after(&live)).as_deref(), Some("/stream"));
        assert_eq!(name(mounts.heard_as(b"/live")).as_deref(), Some("/stream"));
        let ogg = mount("/b");
        ogg.set_about(About {
            content_type: "audio/ogg".into(),
            ..About::mp3(StreamInfo::default())
        });
        mounts.open(&ogg).unwrap();
        assert_eq!(
            name(mounts.after(&live)).as_deref(),
            Some("/stream"),
            "another codec is passed over"
        );
        let c = mount("/c");
        mounts.open(&c).unwrap();
        assert_eq!(name(mounts.after(&live)).as_deref(), Some("/c"));
        let again = mount("/live");
        mounts.open(&again).unwrap();
        assert!(mounts.after(&live).is_some_and(|there| Arc::ptr_eq(&there, &again)));
        assert_eq!(name(mounts.returned(&again)).as_deref(), Some("/c"));
        assert_eq!(name(mounts.after(mounts.main())), None);
    }

    #[test]
    fn fallbacks_in_a_circle_end() {
        let mounts = falling_back(&[("/a", "/b"), ("/b", "/a")]);
        assert_eq!(name(mounts.heard_as(b"/a")), None);
        let a = mount("/a");
        mounts.open(&a).unwrap();
        assert_eq!((name(mounts.returned(&a)), name(mounts.after(&a))), (None, None));
        assert_eq!(name(mounts.heard_as(b"/b")).as_deref(), Some("/a"));
    }

    #[test]
    fn a_chain_is_followed_for_ten_hops() {
        let names: Vec<String> = (0..12).map(|n| format!("/m{n}")).collect();
        let pairs: Vec<(&str, &str)> =
            names.windows(2).map(|w| (w[0].as_str(), w[1].as_str())).collect();
        let mounts = falling_back(&pairs);
        mounts.open(&mount("/m11")).unwrap();
        assert_eq!(name(mounts.heard_as(b"/m1")).as_deref(), Some("/m11"));
        assert_eq!(name(mounts.heard_as(b"/m0")), None);
    }

    #[test]
    fn without_a_fallback_listeners_end_and_nobody_is_moved() {
        let mounts = falling_back(&[]);
        let live = mount("/live");
        mounts.open(&live).unwrap();
        assert!(mounts.returned(&live).is_none());
        live.set_fallback(Some("/stream".into()));
        mounts.close(&live);
        assert_eq!(name(mounts.after(&live)).as_deref(), Some("/stream"));
        live.set_fallback(None);
        assert_eq!(name(mounts.after(&live)), None);
    }
}
