//! Why an Icecast does not take our stream, each reason told apart and with its remedy.

use std::io;

use super::Target;
use crate::net::{backoff::Cause, dial::DialError, head::HeadError, tls::TlsError};

/// Why the source connection does not stand. All texts are whole sentences for the person who runs
/// the stream; none has a password in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// The target is this program itself, which would hear itself: change one of the two addresses.
    #[error(
        "{at} is this program's own listener: set icecast.host and icecast.port to the Icecast, or \
         move this listener with server.listen = \"127.0.0.1:8001\""
    )]
    OwnListener {
        /// `host:port`.
        at: String,
    },
    /// A setting cannot be put into a request: change it.
    #[error("the settings in [icecast] cannot be sent to {at}: {reason}")]
    Setting {
        /// `host:port`.
        at: String,
        /// Which setting, and what is wrong with it.
        reason: String,
    },
    /// The host name has no address: check `icecast.host`, name server and network.
    #[error("{at} cannot be resolved ({reason}): check icecast.host and the network")]
    Unresolvable {
        /// `host:port`.
        at: String,
        /// What the resolver said.
        reason: String,
    },
    /// Nobody listens at that port: start the Icecast, or correct the port.
    #[error("nobody listens at {at}: start the Icecast there or correct icecast.port")]
    Refused {
        /// `host:port`.
        at: String,
    },
    /// The network gave no connection: check cable, route and firewall.
    #[error("{at} cannot be reached ({reason}): check the network and the firewall")]
    Unreachable {
        /// `host:port`.
        at: String,
        /// What the system said.
        reason: String,
    },
    /// The TLS handshake failed or the certificate is not trusted: see the reason.
    #[error("TLS with {at} failed ({reason}): check its certificate and icecast.host")]
    Tls {
        /// `host:port`.
        at: String,
        /// What TLS said.
        reason: String,
    },
    /// What listens there does not speak TLS: turn it on there, or set `icecast.tls = "off"`.
    #[error(
        "{at} does not speak TLS ({reason}): turn TLS on in that Icecast or set icecast.tls = \"off\""
    )]
    NoTls {
        /// `host:port`.
        at: String,
        /// What came instead.
        reason: String,
    },
    /// The server took the connection and then said nothing: it hangs, or is no Icecast.
    #[error(
        "{at} is silent: it did not answer within {seconds} s; check that an Icecast listens there \
         and that it is not stuck"
    )]
    Silent {
        /// `host:port`.
        at: String,
        /// How long we waited.
        seconds: String,
    },
    /// The server closed the connection instead of answering: it starts, stops, or bans us.
    #[error("{at} closed the connection without an answer: look into its error.log")]
    ClosedInHandshake {
        /// `host:port`.
        at: String,
    },
    /// The answer is no HTTP: another program listens there, or it wants TLS.
    #[error(
        "{at} did not answer as an Icecast does: check icecast.port, or set icecast.tls = \"auto\""
    )]
    NotIcecast {
        /// `host:port`.
        at: String,
    },
    /// Status 401: user or password are wrong.
    #[error(
        "{at} does not accept the user \"{user}\" with the password given (401): set icecast.user \
         and icecast.password to the source login of that Icecast"
    )]
    WrongPassword {
        /// `host:port`.
        at: String,
        /// The user that was refused.
        user: String,
    },
    /// Status 403 or 409: someone else sends to the mount, or the server has not yet noticed that
    /// our last connection is dead (it takes 10 s to).
    #[error(
        "the mount {mount} at {at} is in use ({status}): wait until the server lets go of a dead \
         connection, or stop the other source, or choose another icecast.mountname"
    )]
    MountInUse {
        /// `host:port`.
        at: String,
        /// The mount.
        mount: String,
        /// The status.
        status: u16,
    },
    /// Status 403 or 503: the server has as many sources as it may.
    #[error("{at} has too many sources ({status}): raise <sources> in its icecast.xml")]
    TooManySources {
        /// `host:port`.
        at: String,
        /// The status.
        status: u16,
    },
    /// Status 403 or 503: the server has as many connections as it may.
    #[error("{at} has too many connections ({status}): raise <clients> in its icecast.xml")]
    TooManyConnections {
        /// `host:port`.
        at: String,
        /// The status.
        status: u16,
    },
    /// Status 403 or 415: the server does not take MP3 on this mount.
    #[error(
        "{at} does not take audio/mpeg on {mount} ({status}): look for <type> of this mount in its \
         icecast.xml"
    )]
    ContentType {
        /// `host:port`.
        at: String,
        /// The mount.
        mount: String,
        /// The status.
        status: u16,
    },
    /// Status 403 for another reason: the server's words tell which.
    #[error("{at} forbids the stream (403): {text}; check the rights of this mount there")]
    Forbidden {
        /// `host:port`.
        at: String,
        /// What the server said.
        text: String,
    },
    /// Status 429: this login has as many connections as it may.
    #[error(
        "{at} allows no further connection of this login (429): end the others or raise its limit"
    )]
    TooManyOfThisLogin {
        /// `host:port`.
        at: String,
    },
    /// Status 503 for another reason: the server is overloaded or starts.
    #[error("{at} is busy (503): {text}; it is asked again")]
    Busy {
        /// `host:port`.
        at: String,
        /// What the server said.
        text: String,
    },
    /// Any other status.
    #[error("{at} refused the stream on {mount} with {status}: {text}; look into its error.log")]
    Status {
        /// `host:port`.
        at: String,
        /// The mount.
        mount: String,
        /// The status.
        status: u16,
        /// What the server said.
        text: String,
    },
    /// The server ended a connection that stood: it was stopped, or dropped this source.
    #[error("{at} ended the connection: it was stopped or dropped this source; see its error.log")]
    Ended {
        /// `host:port`.
        at: String,
    },
    /// The network ended a connection that stood.
    #[error("the connection to {at} broke ({reason}): check that server and the network")]
    Broken {
        /// `host:port`.
        at: String,
        /// What the system said.
        reason: String,
    },
    /// The server takes our bytes not at all or too slowly: it hangs, or the line is too thin.
    #[error("{at} takes the stream too slowly ({reason}): check the line to it and its load")]
    TooSlow {
        /// `host:port`.
        at: String,
        /// How slowly.
        reason: String,
    },
}

impl SourceError {
    /// How soon another attempt makes sense.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::WrongPassword { .. } | Self::OwnListener { .. } | Self::Setting { .. } => {
                Cause::Refused
            }
            Self::MountInUse { .. } => Cause::InUse,
            _ => Cause::Away,
        }
    }

    /// The server has answered as an HTTP server, if with a refusal.
    pub(super) fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::WrongPassword { .. }
                | Self::MountInUse { .. }
                | Self::TooManySources { .. }
                | Self::TooManyConnections { .. }
                | Self::ContentType { .. }
                | Self::Forbidden { .. }
                | Self::TooManyOfThisLogin { .. }
                | Self::Busy { .. }
                | Self::Status { .. }
        )
    }

    pub(super) fn dialling(target: &Target, error: DialError) -> Self {
        let at = target.authority();
        match error {
            DialError::Own => Self::OwnListener { at },
            DialError::Unresolvable(error) => Self::Unresolvable { at, reason: error.to_string() },
            DialError::Refused => Self::Refused { at },
            DialError::TimedOut(_) | DialError::Network(_) => {
                Self::Unreachable { at, reason: error.to_string() }
            }
        }
    }

    pub(super) fn roots(target: &Target, error: &TlsError) -> Self {
        Self::Tls { at: target.authority(), reason: error.to_string() }
    }

    pub(super) fn request(target: &Target, error: &HeadError) -> Self {
        Self::Setting { at: target.authority(), reason: error.to_string() }
    }

    pub(super) fn broken(target: &Target, error: &io::Error) -> Self {
        Self::Broken { at: target.authority(), reason: error.to_string() }
    }

    /// What a refusal with this status means; `text` is reason phrase and body.
    pub(super) fn refusal(target: &Target, status: u16, text: &str) -> Self {
        let (at, mount) = (target.authority(), target.path());
        let words = text.to_ascii_lowercase();
        let says = |words_of_server: &[&str]| words_of_server.iter().any(|w| words.contains(w));
        let text = if text.is_empty() { "no reason given".to_owned() } else { text.to_owned() };
        match status {
            401 => Self::WrongPassword { at, user: target.user.clone() },
            403 if says(&["in use"]) => Self::MountInUse { at, mount, status },
            409 => Self::MountInUse { at, mount, status },
            403 | 503 if says(&["too many sources", "source limit"]) => {
                Self::TooManySources { at, status }
            }
            403 | 503 if says(&["connection limit", "client limit", "too many clients"]) => {
                Self::TooManyConnections { at, status }
            }
            403 if says(&["content-type", "content type"]) => {
                Self::ContentType { at, mount, status }
            }
            415 => Self::ContentType { at, mount, status },
            403 => Self::Forbidden { at, text },
            429 => Self::TooManyOfThisLogin { at },
            503 => Self::Busy { at, text },
            _ => Self::Status { at, mount, status, text },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, text: &str) -> SourceError {
        SourceError::refusal(&Target::default(), status, text)
    }

    #[test]
    fn refusals_are_told_apart_by_status_and_words() {
        use SourceError as E;
        assert!(matches!(refusal(401, ""), E::WrongPassword { .. }));
        assert!(matches!(refusal(403, "Mountpoint in use"), E::MountInUse { status: 403, .. }));
        assert!(matches!(refusal(409, ""), E::MountInUse { status: 409, .. }));
        assert!(matches!(refusal(403, "too many sources connected"), E::TooManySources { .. }));
        let limit = "Icecast connection limit reached";
        assert!(matches!(refusal(403, limit), E::TooManyConnections { .. }));
        assert!(matches!(refusal(403, "Content-type not supported"), E::ContentType { .. }));
        assert!(matches!(refusal(415, ""), E::ContentType { .. }));
        assert!(matches!(refusal(403, "internal format allocation problem"), E::Forbidden { .. }));
        assert!(matches!(refusal(429, ""), E::TooManyOfThisLogin { .. }));
        assert!(matches!(refusal(503, "too many sources connected"), E::TooManySources { .. }));
        assert!(matches!(refusal(503, ""), E::Busy { .. }));
        assert!(matches!(refusal(500, "oops"), E::Status { status: 500, .. }));
    }

    #[test]
    fn a_person_must_act_on_a_wrong_password_and_a_mount_in_use_comes_free() {
        assert_eq!(refusal(401, "").cause(), Cause::Refused);
        assert_eq!(refusal(403, "Mountpoint in use").cause(), Cause::InUse);
        assert_eq!(refusal(503, "").cause(), Cause::Away);
    }

    #[test]
    fn a_reason_names_the_server_and_the_remedy() {
        let text = refusal(401, "").to_string();
        assert!(text.contains("localhost:8000") && text.contains("icecast.password"), "{text}");
    }
}
