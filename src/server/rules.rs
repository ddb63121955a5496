//! The rules: what the configuration says about single mounts, read once at the start.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{gate::Gate, intro::Intro, options::ServerOptions};
use crate::{
    config::{Charset, MountSettings, Password},
    icy::{Burst, StreamInfo},
};

/// As what a source client logs in where nothing else is set.
const SOURCE_USER: &str = "source";

/// What holds for one mount.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Listeners at once; 0: as many as the server takes.
    pub(super) max_listeners: usize,
    /// After which a listener's connection ends.
    pub(super) time_limit: Option<Duration>,
    pub(super) burst: Option<Burst>,
    pub(super) intro: Option<Arc<Intro>>,
    /// Who asks listeners for a login.
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) is_hidden: bool,
    pub(super) fallback: Option<String>,
    /// A source that comes back takes its fallback's listeners.
    pub(super) takes_back: bool,
    /// How titles are written that come with no word on it.
    pub(super) charset: Charset,
    source: Option<(String, Password)>,
    /// What goes before the source's own words, where it is not empty.
    words: StreamInfo,
    is_public: Option<bool>,
}

/// The rules of all mounts, of those too that have no source now.
#[derive(Debug, Default)]
pub(super) struct Rulebook {
    by_name: BTreeMap<String, Arc<Rules>>,
    /// Those of a mount that the configuration does not name.
    plain: Arc<Rules>,
    source_password: Password,
}

impl Rulebook {
    pub(super) fn of(options: &ServerOptions) -> Self {
        let rules =
            options.mounts.iter().map(|mount| (mount.name.clone(), Arc::new(Rules::of(mount))));
        let by_name = rules.collect();
        let source_password = options.source_password.clone();
        Self { by_name, plain: Arc::default(), source_password }
    }

    /// The rules of the mount with this name.
    pub(super) fn rules(&self, name: &str) -> &Arc<Rules> {
        self.by_name.get(name).unwrap_or(&self.plain)
    }

    /// Name and password of the source client of this mount.
    pub(super) fn source_login(&self, name: &str) -> (String, Password) {
        let (user, password) = self.rules(name).source.clone().unwrap_or_default();
        let user = if user.is_empty() { SOURCE_USER.to_owned() } else { user };
        let password = if password.is_empty() { self.source_password.clone() } else { password };
        (user, password)
    }
}

impl Rules {
    fn of(settings: &MountSettings) -> Self {
        let intro = settings.intro.as_deref().and_then(|path| match Intro::read(path) {
            Ok(intro) => Some(Arc::new(intro)),
            Err(reason) => {
                let (mount, file) = (&settings.name, path.display());
                tracing::warn!(mount, %file, %reason, "the intro cannot be played: listeners hear none. Name another MP3 in mount.intro");
                None
            }
        });
        let seconds = settings.max_listener_seconds;
        let burst = settings.burst_seconds.and_then(|s| Duration::try_from_secs_f64(s).ok());
        Self {
            max_listeners: settings.max_listeners,
            time_limit: (seconds > 0).then(|| Duration::from_secs(seconds.into())),
            burst: burst.map(Burst::of),
            intro,
            gate: Gate::of(settings).map(Arc::new),
            is_hidden: settings.hidden,
            fallback: settings.fallback.clone(),
            takes_back: settings.fallback_override,
            charset: settings.charset,
            source: Some((settings.source_user.clone(), settings.source_password.clone())),
            words: StreamInfo {
                name: settings.stream_name.clone(),
                description: settings.stream_description.clone(),
                genre: settings.stream_genre.clone(),
                url: settings.stream_url.clone(),
                public: false,
            },
            is_public: settings.public,
        }
    }

    /// Puts what the configuration says before what the source has said.
    pub(super) fn dress(&self, stream: &mut StreamInfo) {
        for (said, own) in [
            (&mut stream.name, &self.words.name),
            (&mut stream.description, &self.words.description),
            (&mut stream.genre, &self.words.genre),
            (&mut stream.url, &self.words.url),
        ] {
            if !own.is_empty() {
                said.clone_from(own);
            }
        }
        stream.public = self.is_public.unwrap_or(stream.public);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_the_login_of_its_mount_or_the_servers() {
        let own = MountSettings {
            name: "/live".into(),
            source_user: "dj".into(),
            source_password: "own".into(),
            ..MountSettings::default()
        };
        let user = MountSettings {
            name: "/b".into(),
            source_user: "b".into(),
            ..MountSettings::default()
        };
        let options = ServerOptions {
            mounts: vec![own, user],
            source_password: "all".into(),
            ..ServerOptions::default()
        };
        let book = Rulebook::of(&options);
        assert_eq!(book.source_login("/live"), ("dj".into(), "own".into()));
        assert_eq!(book.source_login("/b"), ("b".into(), "all".into()));
        assert_eq!(book.source_login("/other"), ("source".into(), "all".into()));
    }

    #[test]
    fn the_configuration_has_the_last_word_where_it_has_one() {
        let settings = MountSettings {
            stream_name: "Ours".into(),
            public: Some(true),
            ..MountSettings::default()
        };
        let rules = Rules::of(&settings);
        let mut stream =
            StreamInfo { name: "Theirs".into(), genre: "Jazz".into(), ..StreamInfo::default() };
        rules.dress(&mut stream);
        assert_eq!(
            (stream.name.as_str(), stream.genre.as_str(), stream.public),
            ("Ours", "Jazz", true)
        );
    }

    #[test]
    fn an_intro_that_cannot_be_played_is_left_out() {
        let intro = Some("/no/such/intro.mp3".into());
        assert!(Rules::of(&MountSettings { intro, ..MountSettings::default() }).intro.is_none());
    }
}
