//! The layers: defaults, the file, the environment, flags, in that order; the later one wins.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use toml::Value;

use super::{CheckError, Config, FileError, Start, fields, file};

/// What every environment variable of ours begins with.
pub const ENVIRONMENT_PREFIX: &str = "MUSICDB_STREAM_";

/// Where this user's things are; worked out by the command line, which may look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// The home directory, for paths that begin with `~/`.
    pub home: Option<PathBuf>,
    /// The music folder that holds where none is set.
    pub music: PathBuf,
    /// The data directory that holds where none is set.
    pub data: PathBuf,
    /// A configuration file that has to exist (`--config`).
    pub config_file: Option<PathBuf>,
    /// The configuration file that is read where it exists.
    pub default_config_file: Option<PathBuf>,
}

/// What the command line sets: the uppermost layer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--music`.
    pub music: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
    /// `--play` or `--paused`.
    pub start: Option<Start>,
    /// `--demo` takes songs of any length.
    pub min_song_length: Option<u32>,
}

/// Why there is no configuration. Every message names the setting and what to write instead.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be used: correct it.
    #[error(transparent)]
    File(#[from] FileError),
    /// An environment variable of ours that stands for no setting: unset it or correct its name.
    #[error("the environment variable {name} stands for no setting; the nearest is {nearest}")]
    UnknownVariable {
        /// Its name.
        name: String,
        /// The variable that was probably meant.
        nearest: String,
    },
    /// An environment variable holds what its setting cannot be: correct its value.
    #[error("the environment variable {name} cannot be used: {reason}; correct its value")]
    WrongVariable {
        /// Its name.
        name: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// The settings contradict each other or are out of range: change the one that is named.
    #[error(transparent)]
    Check(#[from] CheckError),
}

impl Config {
    /// Puts the layers together and checks the whole.
    ///
    /// `environment` is every variable there is; those that do not begin with
    /// [`ENVIRONMENT_PREFIX`] are left alone.
    ///
    /// # Errors
    /// The first thing that is wrong, with the file and line or the variable where it stands.
    pub fn load(
        places: &Places,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: &Flags,
    ) -> Result<Self, ConfigError> {
        let mut table = match (&places.config_file, &places.default_config_file) {
            (Some(path), _) => file::read(path)?,
            (None, Some(path)) if path.exists() => file::read(path)?,
            (None, _) => toml::Table::new(),
        };
        let mut variables: Vec<_> = environment.into_iter().filter_map(ours).collect();
        variables.sort();
        for (name, value) in variables {
            set_variable(&mut table, &name, value)?;
        }
        let mut config = Self::deserialize(table).map_err(|error| ConfigError::WrongVariable {
            name: format!("{ENVIRONMENT_PREFIX}*"),
            reason: error.message().replace('\n', " "),
        })?;
        config.fill_directories(places);
        flags.apply(&mut config);
        config.check()?;
        Ok(config)
    }

    fn fill_directories(&mut self, places: &Places) {
        for (path, default) in [
            (&mut self.directories.music, &places.music),
            (&mut self.directories.data, &places.data),
        ] {
            if path.as_os_str().is_empty() {
                path.clone_from(default);
            }
        }
        let in_home = |path: &mut PathBuf| {
            if let (Some(home), Ok(rest)) = (&places.home, path.strip_prefix("~")) {
                *path = home.join(rest);
            }
        };
        let Self { directories, server, mount, monitor, .. } = self;
        let paths = [&mut directories.music, &mut directories.data].into_iter();
        let paths = paths
            .chain(&mut server.access_log)
            .chain(&mut server.tls_certificate)
            .chain(&mut server.tls_key);
        let of_mounts = mount
            .iter_mut()
            .flat_map(|mount| mount.intro.iter_mut().chain(&mut mount.listener_file));
        paths.chain(of_mounts).for_each(in_home);
        for sink in &mut monitor.sinks {
            sink.change_path(in_home);
        }
    }
}

impl Flags {
    fn apply(&self, config: &mut Config) {
        if let Some(data) = &self.data {
            config.directories.data.clone_from(data);
        }
        if let Some(music) = &self.music {
            config.directories.music.clone_from(music);
        }
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        if let Some(start) = self.start {
            config.stream.start = start;
        }
        if let Some(seconds) = self.min_song_length {
            config.randy.min_song_length = seconds;
        }
    }
}

fn ours((name, value): (OsString, OsString)) -> Option<(String, OsString)> {
    let name = name.into_string().ok()?;
    name.starts_with(ENVIRONMENT_PREFIX).then_some((name, value))
}

/// Sets what `MUSICDB_STREAM_SECTION_KEY` stands for.
fn set_variable(table: &mut toml::Table, name: &str, value: OsString) -> Result<(), ConfigError> {
    let lower = name.trim_start_matches(ENVIRONMENT_PREFIX).to_lowercase();
    let (section, key) = lower.split_once('_').unwrap_or((&lower, ""));
    if section == fields::MOUNT {
        let reason = "what holds for one mount stands in the file alone, in a [[mount]] table";
        return Err(ConfigError::WrongVariable {
            name: name.to_owned(),
            reason: reason.to_owned(),
        });
    }
    if !fields::keys_of(section).is_some_and(|keys| keys.contains(&key)) {
        return Err(ConfigError::UnknownVariable {
            name: name.to_owned(),
            nearest: variable(fields::nearest_to_variable(section, key)),
        });
    }
    let wrong = |reason| ConfigError::WrongVariable { name: name.to_owned(), reason };
    let text = value.into_string().map_err(|_| wrong("it is not UTF-8".to_owned()))?;
    let value = value_for(section, key, text).map_err(wrong)?;
    let inner = table.entry(section).or_insert_with(|| Value::Table(toml::Table::new()));
    if let Value::Table(inner) = inner {
        inner.insert(key.to_owned(), value);
    }
    Ok(())
}

/// The text as the kind of value that the key takes: a number, a truth value or an array where it
/// is one, else a text, else a list with commas.
fn value_for(section: &str, key: &str, text: String) -> Result<Value, String> {
    let plain = Value::String(text.clone());
    let list = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let list = Value::Array(list.map(Value::from).collect());
    let literal = text.trim().parse::<Value>().ok().filter(|value| !value.is_str());
    let mut reason = String::new();
    for candidate in [Some(list), Some(plain), literal].into_iter().flatten().rev() {
        match file::accepts(section, key, candidate.clone()) {
            Ok(()) => return Ok(candidate),
            Err(error) if reason.is_empty() => reason = error,
            Err(_) => {}
        }
    }
    Err(reason)
}

/// The variable that stands for a setting.
fn variable([section, key]: [&str; 2]) -> String {
    format!("{ENVIRONMENT_PREFIX}{section}_{key}").to_uppercase()
}

impl Places {
    /// The file that holds, or would hold, this user's configuration.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.config_file.as_deref().or(self.default_config_file.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places {
            home: Some("/home/u".into()),
            music: "/home/u/Music".into(),
            data: "/home/u/data".into(),
            ..Places::default()
        }
    }

    fn with(variables: &[(&str, &str)]) -> Result<Config, String> {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        Config::load(&places(), variables, &Flags::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn flags_go_before_variables_before_the_file_before_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("radio.toml");
        std::fs::write(
            &file,
            "[server]\nmountname = \"/a\"\nlisten = \"127.0.0.1:1\"\nflush_ms = 300\n",
        )
        .unwrap();
        let places = Places { config_file: Some(file), ..places() };
        let variables = [
            ("MUSICDB_STREAM_SERVER_LISTEN".into(), "127.0.0.1:2".into()),
            ("MUSICDB_STREAM_SERVER_MOUNTNAME".into(), "/b".into()),
            ("PATH".into(), "/bin".into()),
        ];
        let flags = Flags { listen: Some(([127, 0, 0, 1], 3).into()), ..Flags::default() };
        let config = Config::load(&places, variables, &flags).unwrap();
        assert_eq!(config.server.listen.port(), 3);
        assert_eq!(config.server.mountname, "/b");
        assert_eq!(config.server.flush_ms, 300);
        assert_eq!(config.server.burst_seconds, 4.0);
        assert_eq!(config.directories.music, Path::new("/home/u/Music"));
    }

    #[test]
    fn variables_take_every_kind_of_value() {
        let config = with(&[
            ("MUSICDB_STREAM_SERVER_SOURCE_PASSWORD", "12345"),
            ("MUSICDB_STREAM_SERVER_BURST_SECONDS", "2"),
            ("MUSICDB_STREAM_SERVER_PUBLIC_API", "true"),
            ("MUSICDB_STREAM_SERVER_TLS_LISTEN", ""),
            ("MUSICDB_STREAM_SERVER_TRUSTED_PROXIES", "10.0.0.1, ::1"),
            ("MUSICDB_STREAM_RANDY_GENRES", "[\"Rock, slow\", \"Jazz\"]"),
            ("MUSICDB_STREAM_MONITOR_SINKS", "tcp:[::1]:9"),
            ("MUSICDB_STREAM_STREAM_NAME", "Radio, 1"),
            ("MUSICDB_STREAM_STREAM_START", "paused"),
            ("MUSICDB_STREAM_DIRECTORIES_DATA", "~/radio"),
        ])
        .unwrap();
        assert_eq!(config.server.source_password.reveal(), "12345");
        assert_eq!(config.server.burst_seconds, 2.0);
        assert!(config.server.public_api);
        assert_eq!(config.server.tls_listen, None);
        assert_eq!(config.server.trusted_proxies.len(), 2);
        assert_eq!(config.randy.genres, ["Rock, slow", "Jazz"]);
        assert_eq!(config.monitor.sinks, ["tcp:[::1]:9".parse().unwrap()]);
        assert_eq!(config.stream.name, "Radio, 1");
        assert_eq!(config.stream.start, Start::Paused);
        assert_eq!(config.directories.data, Path::new("/home/u/radio"));
    }

    #[test]
    fn wrong_variables_are_named_with_their_reason() {
        assert_eq!(
            with(&[("MUSICDB_STREAM_SERVER_LISTN", "x")]).unwrap_err(),
            "the environment variable MUSICDB_STREAM_SERVER_LISTN stands for no setting; \
             the nearest is MUSICDB_STREAM_SERVER_LISTEN"
        );
        let error = with(&[("MUSICDB_STREAM_ICECAST_PORT", "99999")]).unwrap_err();
        assert!(
            error.contains("ICECAST_PORT cannot be used: invalid value: integer `99999`"),
            "{error}"
        );
        let error = with(&[("MUSICDB_STREAM_ICECAST_ENABLED", "yes")]).unwrap_err();
        assert!(error.contains("invalid type: string \"yes\", expected a boolean"), "{error}");
    }

    #[test]
    fn a_key_of_another_section_is_nearer_than_any_other() {
        let error = with(&[("MUSICDB_STREAM_SERVER_PORT", "1")]).unwrap_err();
        assert!(error.ends_with("the nearest is MUSICDB_STREAM_ICECAST_PORT"), "{error}");
        let error = with(&[("MUSICDB_STREAM_SERVER_HIDDEN", "1")]).unwrap_err();
        assert!(!error.contains("STREAM_MOUNT"), "{error}");
        let error = with(&[("MUSICDB_STREAM_MOUNT_HIDDEN", "1")]).unwrap_err();
        assert!(error.contains("in a [[mount]] table"), "{error}");
        let error = with(&[("MUSICDB_STREAM_TOKEN", "x")]).unwrap_err();
        assert!(error.contains("MUSICDB_STREAM_TOKEN stands for no setting"), "{error}");
    }

    #[test]
    fn a_file_that_was_asked_for_has_to_be_there() {
        let missing = Path::new("/no/such/radio.toml");
        let asked = Places { config_file: Some(missing.into()), ..places() };
        let error = Config::load(&asked, [], &Flags::default()).unwrap_err().to_string();
        assert!(error.starts_with("/no/such/radio.toml cannot be read"), "{error}");
        let usual = Places { default_config_file: Some(missing.into()), ..places() };
        Config::load(&usual, [], &Flags::default()).unwrap();
    }
}
