//! `[[mount]]`: what holds for one mount, and not for the others.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    CheckError, Config, Password, WebAddress,
    check::{BURST_SECONDS, check_path},
    fields::empty_is_none,
};

/// Seconds that a listener may be given at most: 23 days, for which the server's clock of four bytes
/// is sure.
pub const MAX_LISTENER_SECONDS: u32 = 2_000_000;
/// The name of the main mount that is always there.
const STANDARD_MOUNT: &str = "/stream";
/// What some players want at a name's end; every name of the main mount has it too.
const SUFFIX: &str = ".mp3";

/// The settings of one mount: the server's own, or one that a source client feeds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MountSettings {
    /// Which mount; begins with `/`.
    pub name: String,
    /// Listeners at the same time; 0: only the limit of `[server]`.
    pub max_listeners: usize,
    /// A listener's connection ends after so many seconds; 0: never.
    pub max_listener_seconds: u32,
    /// It is left out of public lists.
    pub hidden: bool,
    /// The mount that is heard while this one has no source.
    #[serde(with = "empty_is_none", skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// When the source is back, it takes over the listeners of the fallback.
    pub fallback_override: bool,
    /// An MP3 that each listener hears first.
    #[serde(with = "empty_is_none", skip_serializing_if = "Option::is_none")]
    pub intro: Option<PathBuf>,
    /// Seconds of sound that a new listener gets at once; as in `[server]` where it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub burst_seconds: Option<f64>,
    /// Who may listen: lines of `user:hash`.
    #[serde(with = "empty_is_none", skip_serializing_if = "Option::is_none")]
    pub listener_file: Option<PathBuf>,
    /// Who may listen is asked there.
    #[serde(with = "empty_is_none", skip_serializing_if = "Option::is_none")]
    pub listener_url: Option<WebAddress>,
    /// Whoever was let in and leaves is told there.
    #[serde(with = "empty_is_none", skip_serializing_if = "Option::is_none")]
    pub listener_url_remove: Option<WebAddress>,
    /// As what a source client logs in; `source` where it is empty.
    pub source_user: String,
    /// What it must know; as in `[server]` where it is empty.
    pub source_password: Password,
    /// A directory may list it, whatever the source says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public: Option<bool>,
    /// Goes before the name that the source says.
    pub stream_name: String,
    /// Goes before the description that the source says.
    pub stream_description: String,
    /// Goes before the genre that the source says.
    pub stream_genre: String,
    /// Goes before the home page that the source says.
    pub stream_url: String,
    /// How titles are written that come without a word on it.
    pub charset: Charset,
}

/// How the letters of a title are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Charset {
    /// UTF-8 where it is, else ISO-8859-1.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// The same: what is told to be UTF-8 and is not can only be read as ISO-8859-1. It is here for
    /// those who bring it from their `icecast.xml`.
    #[serde(rename = "UTF-8")]
    Utf8,
    /// ISO-8859-1, as Icecast 2.4 takes them.
    #[serde(rename = "ISO-8859-1")]
    Latin1,
}

impl MountSettings {
    /// What the kinds of the values cannot say.
    fn check(&self) -> Result<(), CheckError> {
        check_path("mount.name", &self.name)?;
        let wrong = |key, value: &str, reason| {
            let (mount, value) = (self.name.clone(), value.to_owned());
            Err(CheckError::MountSetting { mount, key, value, reason })
        };
        if let Some(fallback) = &self.fallback {
            check_path("mount.fallback", fallback)?;
            if *fallback == self.name {
                return wrong("fallback", fallback, "that is the mount itself; name another one");
            }
        } else if self.fallback_override {
            return wrong("fallback_override", "true", "there is no fallback; set it too");
        }
        if self.max_listener_seconds > MAX_LISTENER_SECONDS {
            let value = self.max_listener_seconds.to_string();
            return wrong(
                "max_listener_seconds",
                &value,
                "2000000 is the most; set it to 0 for no end",
            );
        }
        if let Some(seconds) = self.burst_seconds
            && !BURST_SECONDS.contains(&seconds)
        {
            let reason = "it has to be between 0 and 10; set it in that range";
            return wrong("burst_seconds", &seconds.to_string(), reason);
        }
        let urls = [
            ("listener_url", &self.listener_url),
            ("listener_url_remove", &self.listener_url_remove),
        ];
        for (key, url) in urls {
            if let Some(url) = url
                && !url.is_one()
            {
                let reason = "it is no address of a web server; write for example \"http://127.0.0.1:8080/auth\"";
                return wrong(key, &url.to_string(), reason);
            }
        }
        match (&self.listener_file, &self.listener_url, &self.listener_url_remove) {
            (Some(_), Some(url), _) => {
                let reason = "listener_file is set as well; keep one of them";
                wrong("listener_url", &url.to_string(), reason)
            }
            (_, None, Some(url)) => {
                let reason = "listener_url is not set; set it too";
                wrong("listener_url_remove", &url.to_string(), reason)
            }
            _ => self.check_texts(),
        }
    }

    fn check_texts(&self) -> Result<(), CheckError> {
        for (key, text) in [
            ("mount.stream_name", &self.stream_name),
            ("mount.stream_description", &self.stream_description),
            ("mount.stream_genre", &self.stream_genre),
            ("mount.stream_url", &self.stream_url),
            ("mount.source_user", &self.source_user),
        ] {
            if text.chars().any(char::is_control) {
                return Err(CheckError::ControlCharacter { key });
            }
        }
        Ok(())
    }
}

impl Config {
    /// Checks the mounts one by one and against each other.
    pub(super) fn check_mounts(&self) -> Result<(), CheckError> {
        let main = &self.server.mountname;
        let own: Vec<String> = [main.as_str(), STANDARD_MOUNT]
            .iter()
            .flat_map(|name| [(*name).to_owned(), format!("{name}{SUFFIX}")])
            .collect();
        for (index, mount) in self.mount.iter().enumerate() {
            mount.check()?;
            if mount.name != *main && own.contains(&mount.name) {
                return Err(CheckError::OtherName { name: mount.name.clone(), main: main.clone() });
            }
            if self.mount.iter().take(index).any(|other| other.name == mount.name) {
                return Err(CheckError::MountTwice { name: mount.name.clone() });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(change: impl FnOnce(&mut MountSettings)) -> Result<(), String> {
        let mut mount = MountSettings { name: "/live".into(), ..MountSettings::default() };
        change(&mut mount);
        let mut config = Config::default();
        config.directories.data = "/data".into();
        config.mount = vec![mount];
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_the_remedy() {
        assert_eq!(said(|_| {}), Ok(()));
        let error = said(|mount| mount.fallback = Some("/live".into())).unwrap_err();
        assert_eq!(
            error,
            "[[mount]] /live: fallback is `/live`, but that is the mount itself; name another one"
        );
        for (change, word) in [
            ((|m| m.name = "live".into()) as fn(&mut MountSettings), "mount.name is `live`"),
            (|m| m.name = "/api/x".into(), "the server answers that path"),
            (|m| m.fallback = Some("stream".into()), "mount.fallback is `stream`"),
            (|m| m.fallback_override = true, "there is no fallback"),
            (|m| m.max_listener_seconds = 2_000_001, "2000000 is the most"),
            (|m| m.burst_seconds = Some(f64::NAN), "between 0 and 10"),
            (|m| m.listener_url = Some("ftp://x/".into()), "no address of a web server"),
            (|m| m.listener_url_remove = Some("http://x/".into()), "listener_url is not set"),
            (|m| m.stream_name = "a\nb".into(), "mount.stream_name holds a control character"),
            (|m| m.name = "/stream.mp3".into(), "another name of the main mount /stream"),
        ] {
            let error = said(change).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        let both = said(|mount| {
            mount.listener_url = Some("https://x/".into());
            mount.listener_file = Some("/f".into());
        });
        assert!(both.unwrap_err().contains("keep one of them"));
    }

    #[test]
    fn a_mount_stands_once() {
        let mount = MountSettings { name: "/live".into(), ..MountSettings::default() };
        let mut config = Config { mount: vec![mount.clone(), mount], ..Config::default() };
        config.directories.data = "/data".into();
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("/live stands in two [[mount]] tables"), "{error}");
    }

    #[test]
    fn the_settings_of_the_main_mount_stand_under_its_name() {
        assert_eq!(said(|mount| mount.name = "/stream".into()), Ok(()));
    }
}
