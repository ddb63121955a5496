//! Configuration: one struct per table, the defaults, and how the layers become one whole.
//!
//! Nothing here reads the environment, the home directory or the command line: the caller passes
//! them in ([`Places`], pairs of names and values, [`Flags`]).

mod address_range;
mod check;
mod data_dir;
mod directories;
mod fields;
mod file;
mod icecast;
mod layers;
mod mount;
mod not_yet;
mod password;
mod randy;
mod secrets;
mod server;
mod sink_spec;
mod small;
mod stream;
mod title_form;
mod web_address;

pub use address_range::{AddressRange, NoRange};
pub use check::{BURST_SECONDS, CheckError, FLUSH_MS, TICK_MS};
pub use data_dir::{DataDir, DataDirError, ServerLock, local_url};
pub use directories::Directories;
pub use file::FileError;
pub use icecast::{AfterReconnect, Icecast, OnLoss, Tls};
pub use layers::{ConfigError, ENVIRONMENT_PREFIX, Flags, Places};
pub use mount::{Charset, MAX_LISTENER_SECONDS, MountSettings};
pub use password::Password;
pub use randy::Randy;
pub use secrets::{SecretError, Secrets};
pub use server::{Live, Server};
pub use sink_spec::{NoSink, SinkSpec, command_name};
pub use small::{Debug, Monitor, Tracker};
pub use stream::{Mixed, Start, Stream};
pub use title_form::TITLE_FIELDS;
pub use web_address::WebAddress;

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
    /// Mounts with settings of their own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mount: Vec<MountSettings>,
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
            for key in keys.iter().filter(|_| section != fields::MOUNT) {
                assert!(written[section].get(key).is_some(), "{section}.{key} is missing");
            }
        }
    }

    #[test]
    fn the_default_file_shows_every_key_of_a_mount_with_its_default_behind_comments() {
        let file = Config::default_file();
        let shown = file.lines().skip_while(|line| *line != "#[[mount]]");
        let shown: Vec<&str> = shown.take_while(|line| !line.is_empty()).collect();
        let keys = fields::keys_of(fields::MOUNT).unwrap();
        let mut text = String::new();
        for line in shown {
            // A sentence has a space behind its sign, a setting has none.
            if !line.starts_with("# ") {
                text += &format!("{}\n", line.trim_start_matches('#'));
            }
        }
        for key in keys {
            assert!(text.contains(&format!("\n{key} = ")), "mount.{key} is missing");
        }
        let config: Config = toml::from_str(&text).unwrap();
        let mut example = config.mount[0].clone();
        assert_eq!(example.name, "/live");
        // What has no default is shown with an example.
        example.name = String::new();
        (example.burst_seconds, example.public) = (None, None);
        assert_eq!(example, MountSettings::default());
    }

    #[test]
    fn the_effective_configuration_loads_again_and_shows_no_password() {
        let mut config = Config::default();
        config.icecast.password = Password::from("hackme");
        config.server.tls_listen = Some("127.0.0.1:8443".parse().unwrap());
        config.randy.genres = vec!["Rock".to_owned()];
        config.server.deny = vec!["192.0.2.0/24".parse().unwrap()];
        let address = |text: &str| Some(WebAddress::from(text));
        config.mount = vec![MountSettings {
            name: "/live".into(),
            listener_url: address("http://ann:hackme@127.0.0.1/"),
            listener_url_remove: address("http://127.0.0.1/?key=hackme"),
            ..MountSettings::default()
        }];
        let text = config.effective().unwrap();
        assert!(!text.contains("hackme"), "{text}");
        let again: Config = toml::from_str(&text).unwrap();
        assert_eq!(again.icecast.password.reveal(), Password::MASK);
        config.icecast.password = Password::from(Password::MASK);
        config.mount[0].listener_url = address("http://ann:********@127.0.0.1/");
        config.mount[0].listener_url_remove = address("http://127.0.0.1/?********");
        assert_eq!(again, config);
    }
}
