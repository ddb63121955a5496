//! The mounts: the station's own, and those of sources that are connected.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{
    mount::{About, Mount},
    options::ServerOptions,
};
use crate::relay::Relay;

/// The mount that is always there, whatever else is configured.
const STANDARD_MOUNT: &str = "/stream";
/// Some hardware players want a name that ends so.
const SUFFIX: &str = ".mp3";

/// All mounts by their names.
#[derive(Debug)]
pub(super) struct Mounts {
    main: Arc<Mount>,
    /// The names of the main mount.
    names: Vec<String>,
    others: RwLock<BTreeMap<String, Arc<Mount>>>,
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
        let main = Mount::of_station(&main, relay, About::mp3(options.stream.clone()));
        Self { main, names, others: RwLock::default() }
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

    /// Where the listeners of a mount go whose source has ended; nothing: their connections end.
    pub(super) fn after(&self, _mount: &Mount) -> Option<Arc<Mount>> {
        None
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Mount>>> {
        self.others.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::icy::StreamInfo;

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
}
