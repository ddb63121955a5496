//! The target: which Icecast, as whom, to which mount, and how patient we are with it.

use std::{fmt, net::SocketAddr, time::Duration};

use rustls::pki_types::CertificateDer;

use crate::net::{
    backoff::Schedule,
    dial::Patience,
    own::{authority, bare},
};

/// When the connection is encrypted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    #[default]
    Off,
    /// Where the server can; once it could, always. A server that is silent when greeted in TLS, as
    /// Icecast 2.4 is, costs the first connection a wait of [`Limits::tls`].
    Auto,
    /// Always.
    Required,
}

/// How long each step may take; the defaults are those that the documentation names.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Resolving the name (5 s) and connecting (5 s).
    pub dial: Patience,
    /// The TLS handshake (5 s).
    pub tls: Duration,
    /// From our request to the server's answer (4 s): every server known answers at once.
    pub answer: Duration,
    /// How long the server may take none of our bytes (10 s).
    pub write: Duration,
    /// One title update, all in all (5 s).
    pub title: Duration,
    /// The wait before a title that failed is sent again (250 ms), doubled with every failure.
    pub title_retry: Duration,
    /// Waits between attempts to connect.
    pub retry: Schedule,
}

impl Default for Limits {
    fn default() -> Self {
        let five = Duration::from_secs(5);
        Self {
            dial: Patience { resolve: five, connect: five },
            tls: five,
            answer: Duration::from_secs(4),
            write: Duration::from_secs(10),
            title: five,
            title_retry: Duration::from_millis(250),
            retry: Schedule::default(),
        }
    }
}

/// One Icecast mount that the stream goes to.
#[derive(Clone)]
pub struct Target {
    /// A name or an address; an IPv6 address with or without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The login of the source: `source`, unless the mount has one of its own.
    pub user: String,
    /// Its password; never shown.
    pub password: String,
    /// The mount; a `/` is put before it where it has none.
    pub mount: String,
    /// When the connection is encrypted.
    pub tls: Tls,
    /// Authorities that are trusted beside those of the machine.
    pub authorities: Vec<CertificateDer<'static>>,
    /// `ice-name`; empty: not sent.
    pub name: String,
    /// `ice-description`; empty: not sent.
    pub description: String,
    /// `ice-genre`; empty: not sent.
    pub genre: String,
    /// `ice-url`; empty: not sent.
    pub url: String,
    /// The server may list the stream in public directories.
    pub public: bool,
    /// Where this program itself listens; a target that is one of these is refused.
    pub own_listen: Vec<SocketAddr>,
    /// How patient we are.
    pub limits: Limits,
}

impl Default for Target {
    /// `source` at `localhost:8000/stream`, plain, without a password.
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 8000,
            user: "source".to_owned(),
            password: String::new(),
            mount: "/stream".to_owned(),
            tls: Tls::Off,
            authorities: Vec::new(),
            name: String::new(),
            description: String::new(),
            genre: String::new(),
            url: String::new(),
            public: false,
            own_listen: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl Target {
    /// `host:port`, as a URL has it.
    #[must_use]
    pub fn authority(&self) -> String {
        authority(&self.host, self.port)
    }

    /// The host as the resolver and TLS want it.
    pub(super) fn bare_host(&self) -> &str {
        bare(&self.host)
    }

    /// The mount with its leading `/`.
    pub(super) fn path(&self) -> String {
        if self.mount.starts_with('/') { self.mount.clone() } else { format!("/{}", self.mount) }
    }
}

impl fmt::Debug for Target {
    /// All but the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("at", &self.authority())
            .field("mount", &self.path())
            .field("user", &self.user)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_shown_without_its_password() {
        let target = Target { password: "geheim".to_owned(), ..Target::default() };
        let shown = format!("{target:?}");
        assert!(shown.contains("localhost:8000") && !shown.contains("geheim"), "{shown}");
    }

    #[test]
    fn a_mount_gets_its_slash() {
        let path = |mount: &str| Target { mount: mount.to_owned(), ..Target::default() }.path();
        assert_eq!((path("live"), path("/live")), ("/live".to_owned(), "/live".to_owned()));
    }
}
