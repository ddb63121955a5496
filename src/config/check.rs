//! What no single setting can tell: ranges, and settings that contradict each other.

use std::{net::SocketAddr, ops::RangeInclusive};

use super::{Config, NoSink, title_form, web_address::is_web_address};
use crate::net::own::is_self;

/// Milliseconds of a tick: below, a thread wakes more often than its machine can keep up with;
/// above, a command takes too long to be heard.
pub const TICK_MS: RangeInclusive<u64> = 10..=1000;
/// Seconds of burst: what the ring of recent sound can hold at least.
pub const BURST_SECONDS: RangeInclusive<f64> = 0.0..=10.0;
/// Milliseconds of flush: more would empty the buffers of players that keep two seconds.
pub const FLUSH_MS: RangeInclusive<u64> = 10..=2000;

/// A setting that cannot hold. Change it as the message says.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CheckError {
    /// A number outside of what is possible.
    #[error("{key} is {value}, but has to be between {least} and {most}; set it in that range")]
    OutOfRange {
        /// Which setting.
        key: &'static str,
        /// What it is.
        value: String,
        /// The smallest possible value.
        least: String,
        /// The largest possible value.
        most: String,
    },
    /// A mount that is no path, or one that the server needs itself.
    #[error("{key} is `{value}`, but {reason}; write for example \"/stream\"")]
    Mount {
        /// Which setting.
        key: &'static str,
        /// What it is.
        value: String,
        /// Why that cannot be.
        reason: &'static str,
    },
    /// Something that has to be set is missing.
    #[error("{key} is not set, but {reason}; set it")]
    Missing {
        /// Which setting.
        key: &'static str,
        /// What needs it.
        reason: &'static str,
    },
    /// A setting that would break a head of the protocol.
    #[error("{key} holds a control character; remove it")]
    ControlCharacter {
        /// Which setting.
        key: &'static str,
    },
    /// A title with a field that no song has.
    #[error(
        "stream.title has {found}, which is no field; the nearest is {nearest}; {}",
        title_form::FIELDS_THERE_ARE
    )]
    TitleField {
        /// What stands there.
        found: String,
        /// The field that was probably meant.
        nearest: String,
    },
    /// A title with a brace that opens or closes nothing.
    #[error(
        "stream.title has `{found}` with one brace alone; write {nearest}; {}",
        title_form::FIELDS_THERE_ARE
    )]
    TitleBrace {
        /// The brace and the word at it.
        found: String,
        /// The field that was probably meant.
        nearest: String,
    },
    /// A place at which this program cannot play. Write one that it has.
    #[error("monitor.sinks: {0}")]
    Sink(NoSink),
    /// Two that would write into each other. Keep one of them.
    #[error("monitor.sinks has {0} twice; keep it once")]
    SinkTwice(String),
    /// A setting of a `[[mount]]` that cannot hold.
    #[error("[[mount]] {mount}: {key} is `{value}`, but {reason}")]
    MountSetting {
        /// Which mount.
        mount: String,
        /// Which setting of it.
        key: &'static str,
        /// What it is.
        value: String,
        /// Why that cannot be, and what to do.
        reason: &'static str,
    },
    /// Two tables for the same mount.
    #[error("{name} stands in two [[mount]] tables; put its settings into one")]
    MountTwice {
        /// Which mount.
        name: String,
    },
    /// A table for another name of the main mount.
    #[error("[[mount]] {name} is another name of the main mount {main}; write name = \"{main}\"")]
    OtherName {
        /// What stands there.
        name: String,
        /// `server.mountname`.
        main: String,
    },
    /// A relay that no listener could be sent to.
    #[error(
        "server.relays has `{value}`, which is no address of a web server; write for example \"http://relay.example.org:8000\""
    )]
    Relay {
        /// What stands there.
        value: String,
    },
    /// The real Icecast would be ourselves: the stream would feed itself.
    #[error(
        "[icecast] {host}:{port} is this program's own listener ({listen}); set {key} = \"{elsewhere}\""
    )]
    OwnListener {
        /// `icecast.host`.
        host: String,
        /// `icecast.port`.
        port: u16,
        /// `server.listen` or `server.tls_listen`.
        key: &'static str,
        /// Its value.
        listen: SocketAddr,
        /// Where it could listen instead.
        elsewhere: SocketAddr,
    },
}

/// Paths that the server answers itself; no mount can have them.
const TAKEN: [&str; 5] = ["/api", "/admin", "/health", "/metrics", "/status-json.xsl"];

impl Config {
    /// Checks what the kinds of the values cannot say.
    ///
    /// # Errors
    /// The first setting that cannot hold, with its remedy.
    pub fn check(&self) -> Result<(), CheckError> {
        within("stream.tick_ms", self.stream.tick_ms, &TICK_MS)?;
        within("server.flush_ms", self.server.flush_ms, &FLUSH_MS)?;
        within("server.burst_seconds", self.server.burst_seconds, &BURST_SECONDS)?;
        if self.server.max_listeners == 0 {
            return Err(CheckError::Missing {
                key: "server.max_listeners",
                reason: "with 0 nobody could listen",
            });
        }
        if self.directories.data.as_os_str().is_empty() {
            return Err(CheckError::Missing {
                key: "directories.data",
                reason: "the database has to be somewhere",
            });
        }
        check_path("server.mountname", &self.server.mountname)?;
        self.check_mounts()?;
        if let Some(value) = self.server.relays.iter().find(|relay| !is_web_address(relay)) {
            return Err(CheckError::Relay { value: value.clone() });
        }
        let stream = &self.stream;
        title_form::check(&stream.title)?;
        for (key, text) in [
            ("stream.name", &stream.name),
            ("stream.description", &stream.description),
            ("stream.genre", &stream.genre),
            ("stream.url", &stream.url),
            ("server.hostname", &self.server.hostname),
            ("icecast.user", &self.icecast.user),
        ] {
            if text.chars().any(char::is_control) {
                return Err(CheckError::ControlCharacter { key });
            }
        }
        self.check_lengths()?;
        self.check_sinks()?;
        self.check_tls()?;
        self.check_icecast()
    }

    fn check_sinks(&self) -> Result<(), CheckError> {
        let sinks = &self.monitor.sinks;
        for (at, sink) in sinks.iter().enumerate() {
            sink.check().map_err(CheckError::Sink)?;
            if sinks.iter().take(at).any(|other| other == sink) {
                return Err(CheckError::SinkTwice(sink.to_string()));
            }
        }
        Ok(())
    }

    fn check_lengths(&self) -> Result<(), CheckError> {
        let (least, most) = (self.randy.min_song_length, self.randy.max_song_length);
        if most != 0 {
            within("randy.min_song_length", least, &(0..=most))?;
        }
        Ok(())
    }

    fn check_tls(&self) -> Result<(), CheckError> {
        let server = &self.server;
        let reason = "server.tls_listen needs certificate and key";
        match (&server.tls_listen, &server.tls_certificate, &server.tls_key) {
            (Some(_), None, _) => {
                Err(CheckError::Missing { key: "server.tls_certificate", reason })
            }
            (Some(_), _, None) => Err(CheckError::Missing { key: "server.tls_key", reason }),
            _ => Ok(()),
        }
    }

    fn check_icecast(&self) -> Result<(), CheckError> {
        let icecast = &self.icecast;
        if !icecast.enabled || self.debug.disable_icecast {
            return Ok(());
        }
        let reason = "[icecast] is enabled";
        if icecast.host.is_empty() {
            return Err(CheckError::Missing { key: "icecast.host", reason });
        }
        within("icecast.port", icecast.port, &(1..=u16::MAX))?;
        if icecast.password.is_empty() {
            return Err(CheckError::Missing { key: "icecast.password", reason });
        }
        check_path("icecast.mountname", &icecast.mountname)?;
        let server = &self.server;
        let beside = SocketAddr::from(([127, 0, 0, 1], 8001));
        let plain = ("server.listen", server.listen, beside);
        let tls = server.tls_listen.map(|listen| ("server.tls_listen", listen, next_port(listen)));
        for (key, listen, elsewhere) in std::iter::once(plain).chain(tls) {
            let takes_loopback = listen.ip().is_loopback() || listen.ip().is_unspecified();
            // The name under which listeners know us; any other name is resolved before it is dialled.
            let by_name = icecast.port == listen.port()
                && icecast.host.eq_ignore_ascii_case(&server.hostname)
                && takes_loopback;
            if by_name || is_self(&icecast.host, icecast.port, listen) {
                let (host, port) = (icecast.host.clone(), icecast.port);
                return Err(CheckError::OwnListener { host, port, key, listen, elsewhere });
            }
        }
        Ok(())
    }
}

fn next_port(listen: SocketAddr) -> SocketAddr {
    SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(8443))
}

fn within<T: PartialOrd + ToString>(
    key: &'static str,
    value: T,
    range: &RangeInclusive<T>,
) -> Result<(), CheckError> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(CheckError::OutOfRange {
        key,
        value: value.to_string(),
        least: range.start().to_string(),
        most: range.end().to_string(),
    })
}

/// A mount's name; for one of ours, none of the server's own paths.
pub(super) fn check_path(key: &'static str, value: &str) -> Result<(), CheckError> {
    let taken = |path: &str| value == path || value.starts_with(&format!("{path}/"));
    let reason = if !value.starts_with('/') {
        "a mount begins with `/`"
    } else if value.len() == 1 {
        "that is the web page"
    } else if value.chars().any(|c| c.is_control() || c.is_whitespace() || "?#%\"<>\\".contains(c))
    {
        "it holds a character that a path cannot have"
    } else if !key.starts_with("icecast") && TAKEN.iter().any(|path| taken(path)) {
        "the server answers that path itself"
    } else {
        return Ok(());
    };
    Err(CheckError::Mount { key, value: value.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(change: impl FnOnce(&mut Config)) -> Result<(), String> {
        let mut config = Config::default();
        config.directories.data = "/data".into();
        config.icecast.password = "secret".into();
        change(&mut config);
        config.check().map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_hold_and_numbers_have_ranges() {
        assert_eq!(checked(|_| {}), Ok(()));
        assert_eq!(
            checked(|c| c.stream.tick_ms = 5).unwrap_err(),
            "stream.tick_ms is 5, but has to be between 10 and 1000; set it in that range"
        );
        checked(|c| c.stream.tick_ms = 1001).unwrap_err();
        checked(|c| c.server.burst_seconds = 10.5).unwrap_err();
        checked(|c| c.server.burst_seconds = f64::NAN).unwrap_err();
        checked(|c| c.server.flush_ms = 0).unwrap_err();
        checked(|c| c.server.max_listeners = 0).unwrap_err();
        checked(|c| c.randy.min_song_length = 601).unwrap_err();
        assert_eq!(checked(|c| c.randy.max_song_length = 0), Ok(()));
        checked(|c| c.directories.data = "".into()).unwrap_err();
        checked(|c| c.stream.name = "a\r\nSet-Cookie: b".into()).unwrap_err();
        let error = checked(|c| c.server.relays = vec!["relay:8000".into()]).unwrap_err();
        assert!(error.starts_with("server.relays has `relay:8000`"), "{error}");
        checked(|c| c.server.tls_listen = Some(([127, 0, 0, 1], 8443).into())).unwrap_err();
    }

    #[test]
    fn mounts_begin_with_a_slash_and_take_no_path_of_the_server() {
        for wrong in ["stream", "", "/", "/a b", "/api", "/admin/x", "/a\n", "/a?b"] {
            let error = checked(|c| c.server.mountname = wrong.into()).unwrap_err();
            assert!(error.starts_with("server.mountname is"), "{error}");
        }
        for right in ["/stream", "/radio.mp3", "/apis", "/a/b"] {
            assert_eq!(checked(|c| c.server.mountname = right.into()), Ok(()));
        }
    }

    #[test]
    fn an_icecast_that_is_ourselves_is_refused_with_the_remedy() {
        for host in ["localhost", "127.0.0.1", "LocalHost", "radio.localhost.", "0.0.0.0"] {
            let error = checked(|c| {
                c.icecast.enabled = true;
                c.icecast.host = host.into();
            });
            let error = error.unwrap_err();
            assert!(error.contains("server.listen = \"127.0.0.1:8001\""), "{error}");
        }
        let through_tls = checked(|c| {
            c.icecast.enabled = true;
            c.icecast.port = 8443;
            c.server.tls_listen = Some(([0, 0, 0, 0], 8443).into());
            c.server.tls_certificate = Some("c.pem".into());
            c.server.tls_key = Some("k.pem".into());
        });
        let error = through_tls.unwrap_err();
        assert!(
            error.contains("(0.0.0.0:8443); set server.tls_listen = \"0.0.0.0:8444\""),
            "{error}"
        );
        let other_port = checked(|c| {
            c.icecast.enabled = true;
            c.server.listen.set_port(8001);
        });
        assert_eq!(other_port, Ok(()));
        let elsewhere = checked(|c| {
            c.icecast.enabled = true;
            c.icecast.host = "radio.example.org".into();
        });
        assert_eq!(elsewhere, Ok(()));
        checked(|c| {
            c.icecast.enabled = true;
            c.icecast.host = "radio.example.org".into();
            c.icecast.password = "".into();
        })
        .unwrap_err();
    }
}
