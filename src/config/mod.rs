//! Configuration: one struct per table, the defaults, and how the layers become one whole.
//!
//! Nothing here reads the environment, the home directory or the command line: the caller passes
//! them in ([`Places`], pairs of names and values, [`Flags`]).

mod check;
mod data_dir;
mod directories;
mod fields;
mod file;
mod icecast;
mod layers;
mod not_yet;
mod password;
mod randy;
mod secrets;
mod server;
mod small;
mod stream;
mod title_form;

pub use check::{BURST_SECONDS, CheckError, FLUSH_MS, TICK_MS};
pub use data_dir::{DataDir, DataDirError, ServerLock, local_url};
pub use directories::Directories;
pub use file::FileError;
pub use icecast::{AfterReconnect, Icecast, OnLoss, Tls};
pub use layers::{ConfigError, ENVIRONMENT_PREFIX, Flags, Places};
pub use password::Password;
pub use randy::Randy;
pub use secrets::{SecretError, Secrets};
pub use server::{Live, Server};
pub use small::{Debug, Monitor, Tracker};
pub use stream::{Mixed, Start, Stream};
pub use title_form::TITLE_FIELDS;

use serde::{Deserialize, Serialize};

/// The whole configuration. `Config::default()` is what holds where nothing is set; its two
/// directories are empty until [`Config::load`] or the caller has filled them in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where music and data are.
    pub directories: Directories,
    /// The embedded server.
    pub server: Server,
    /// A real Icecast that the stream goes to.
    pub icecast: Icecast,
    /// The stream itself.
    pub stream: Stream,
    /// How random songs are chosen.
    pub randy: Randy,
    /// Which songs were played one after the other.
    pub tracker: Tracker,
    /// Where the stream is played locally.
    pub monitor: Monitor,
    /// Parts that can be switched off.
    pub debug: Debug,
}

impl Config {
    /// The commented default file, `config/musicdb-stream.toml`.
    #[must_use]
    pub fn default_file() -> &'static str {
        include_str!("../../config/musicdb-stream.toml")
    }

    /// This configuration as TOML, with the passwords masked.
    ///
    /// # Errors
    /// A path that is not UTF-8 cannot be written as TOML.
    pub fn effective(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_file_holds_the_defaults_and_names_every_key() {
        let file: Config = toml::from_str(Config::default_file()).unwrap();
        assert_eq!(file, Config::default());
        let written: toml::Table = Config::default_file().parse().unwrap();
        for (section, keys) in fields::known() {
            for key in keys {
                assert!(written[section].get(key).is_some(), "{section}.{key} is missing");
            }
        }
    }

    #[test]
    fn the_effective_configuration_loads_again_and_shows_no_password() {
        let mut config = Config::default();
        config.icecast.password = Password::from("hackme");
        config.server.tls_listen = Some("127.0.0.1:8443".parse().unwrap());
        config.randy.genres = vec!["Rock".to_owned()];
        let text = config.effective().unwrap();
        assert!(!text.contains("hackme"), "{text}");
        let again: Config = toml::from_str(&text).unwrap();
        assert_eq!(again.icecast.password.reveal(), Password::MASK);
        config.icecast.password = Password::from(Password::MASK);
        assert_eq!(again, config);
    }
}
