//! A place where the monitor plays, as `monitor.sinks` and `monitor --sink` name it.

use std::{fmt, path::PathBuf, str::FromStr};

use serde::{Deserialize, Serialize};

/// The device that ALSA calls so is the one that the user has chosen for everything.
const ALSA_DEFAULT: &str = "default";

/// Where PCM is played or kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SinkSpec {
    /// `waveout`: the sound of Windows.
    WaveOut,
    /// `alsa[:DEVICE]`: a device of ALSA, on Linux.
    Alsa {
        /// As ALSA names it.
        device: String,
    },
    /// `exec:COMMAND`: PCM on a command's standard input.
    Exec {
        /// For the system's shell.
        command: String,
    },
    /// `wav:FILE`: a file that grows.
    Wav {
        /// Its path.
        file: PathBuf,
    },
    /// `tcp:HOST:PORT`: raw PCM to a peer.
    Tcp {
        /// A name or an address, without brackets.
        host: String,
        /// Its port.
        port: u16,
    },
}

/// What a command is called in messages: the word that is run. Its arguments, and the variables that it
/// is given before it, may be nobody's business.
#[must_use]
pub fn command_name(command: &str) -> &str {
    command.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default()
}

/// A text that names no sink. Write one as the message shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSink {
    /// It is no form that there is.
    #[error(
        "`{0}` is no place to play at; write \"waveout\", \"alsa\", \"alsa:DEVICE\", \"exec:COMMAND\", \"wav:FILE\" or \"tcp:HOST:PORT\""
    )]
    Unknown(String),
    /// This program cannot play there.
    #[error("`{text}` cannot be used: {reason}")]
    NotHere {
        /// What was asked for.
        text: String,
        /// Why, and what to do.
        reason: &'static str,
    },
}

impl SinkSpec {
    /// What status, log and metrics call it: of a command its first word alone, for the rest may be
    /// nobody's business.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Exec { command } => format!("exec:{}", command_name(command)),
            other => other.to_string(),
        }
    }

    /// Has the path of a file made into another one.
    pub(super) fn change_path(&mut self, change: impl FnOnce(&mut PathBuf)) {
        if let Self::Wav { file } = self {
            change(file);
        }
    }

    /// Whether this program can play there at all.
    ///
    /// # Errors
    /// It was built for another system, or without that part: the message says what to do.
    pub fn check(&self) -> Result<(), NoSink> {
        let reason = match self {
            Self::WaveOut if !cfg!(windows) => {
                "Windows alone has it. On this system write \"exec:aplay -q -t raw -f cd\" or \"alsa\""
            }
            Self::Alsa { .. } if !cfg!(target_os = "linux") => {
                "Linux alone has it. Write \"waveout\" on Windows, or \"exec:COMMAND\""
            }
            Self::Alsa { .. } if !cfg!(feature = "alsa") => {
                "this program was built without it. Build it with --features alsa, or write \"exec:aplay -q -t raw -f cd\""
            }
            _ => return Ok(()),
        };
        Err(NoSink::NotHere { text: self.to_string(), reason })
    }
}

impl FromStr for SinkSpec {
    type Err = NoSink;

    fn from_str(text: &str) -> Result<Self, NoSink> {
        let unknown = || NoSink::Unknown(text.to_owned());
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest.trim()).filter(|rest| !rest.is_empty())),
            None => (text, None),
        };
        if text.chars().any(char::is_control) {
            return Err(unknown());
        }
        match (kind.trim(), rest) {
            ("waveout", None) => Ok(Self::WaveOut),
            ("alsa", device) => {
                Ok(Self::Alsa { device: device.unwrap_or(ALSA_DEFAULT).to_owned() })
            }
            ("exec", Some(command)) => Ok(Self::Exec { command: command.to_owned() }),
            ("wav", Some(file)) => Ok(Self::Wav { file: file.into() }),
            ("tcp", Some(place)) => {
                let (host, port) = place.rsplit_once(':').ok_or_else(unknown)?;
                let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
                let host = bare.unwrap_or(host);
                // An IPv6 address without brackets could be one with the port as its last part.
                let is_clear = bare.is_some() || !host.contains(':');
                let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(unknown)?;
                if host.is_empty() || !is_clear {
                    return Err(unknown());
                }
                Ok(Self::Tcp { host: host.to_owned(), port })
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for SinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WaveOut => f.write_str("waveout"),
            Self::Alsa { device } if device == ALSA_DEFAULT => f.write_str("alsa"),
            Self::Alsa { device } => write!(f, "alsa:{device}"),
            Self::Exec { command } => write!(f, "exec:{command}"),
            Self::Wav { file } => write!(f, "wav:{}", file.display()),
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
        }
    }
}

impl TryFrom<String> for SinkSpec {
    type Error = NoSink;

    fn try_from(text: String) -> Result<Self, NoSink> {
        text.parse()
    }
}

impl From<SinkSpec> for String {
    fn from(spec: SinkSpec) -> Self {
        spec.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_and_written_back() {
        for (text, written) in [
            ("waveout", "waveout"),
            ("alsa", "alsa"),
            ("alsa:", "alsa"),
            ("alsa:default", "alsa"),
            ("alsa:hw:0,0", "alsa:hw:0,0"),
            ("exec:aplay -q -t raw -f cd", "exec:aplay -q -t raw -f cd"),
            ("wav:/srv/radio:1.wav", "wav:/srv/radio:1.wav"),
            ("tcp:127.0.0.1:4711", "tcp:127.0.0.1:4711"),
            ("tcp:[::1]:4711", "tcp:[::1]:4711"),
            ("tcp:radio.example.org:44100", "tcp:radio.example.org:44100"),
        ] {
            let spec: SinkSpec = text.parse().unwrap();
            assert_eq!(spec.to_string(), written);
            assert_eq!(written.parse(), Ok(spec));
        }
    }

    #[test]
    fn what_names_no_sink_is_refused_with_the_forms_that_there_are() {
        for text in [
            "",
            "pulse",
            "exec:",
            "exec",
            "wav",
            "wav: ",
            "tcp:host",
            "tcp:host:0",
            "tcp::1:2",
            "tcp:host:port",
            "tcp::44100",
            "waveout:1",
            "wav:a\0b",
        ] {
            let error = text.parse::<SinkSpec>().unwrap_err().to_string();
            assert!(error.contains("\"tcp:HOST:PORT\""), "{error}");
        }
    }

    #[test]
    fn a_commands_arguments_are_not_in_its_name() {
        for text in ["exec:play --password hackme", "exec:TOKEN=hackme play"] {
            assert_eq!(text.parse::<SinkSpec>().unwrap().name(), "exec:play");
        }
    }

    #[test]
    fn what_this_system_does_not_have_is_told_with_the_remedy() {
        let wave = SinkSpec::WaveOut.check();
        assert_eq!(wave.is_ok(), cfg!(windows));
        let alsa: SinkSpec = "alsa".parse().unwrap();
        assert_eq!(alsa.check().is_ok(), cfg!(all(target_os = "linux", feature = "alsa")));
        for error in [wave, alsa.check()].into_iter().filter_map(Result::err) {
            assert!(error.to_string().contains("rite \""), "{error}");
        }
    }
}
