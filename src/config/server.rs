//! `[server]`: the embedded server, its limits, who may send to it, TLS.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::{AddressRange, Password, fields::empty_is_none};

/// The embedded server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port of everything: stream, page, API. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Path of the stream; begins with `/`.
    pub mountname: String,
    /// This machine's name on status pages, for login servers, and in links for clients that send no
    /// `Host`. Others are answered under the name that they asked for.
    pub hostname: String,
    /// Seconds of sound that a new listener gets at once.
    pub burst_seconds: f64,
    /// Sound for listeners is collected for this many milliseconds before it is written.
    pub flush_ms: u64,
    /// Listeners at the same time, all mounts together.
    pub max_listeners: usize,
    /// Listeners at the same time from one address; 0 is no limit.
    pub max_listeners_per_address: usize,
    /// Connections at once that are no listeners, pages and API among them; `None`: as many as the
    /// server allows by itself. No key of the file: the program works it out from the limit on open
    /// files.
    #[serde(skip)]
    pub max_beside: Option<usize>,
    /// What happens when a source client comes to a mount that has one, or to the station's own.
    pub live: Live,
    /// The API can be read without a token from anywhere.
    pub public_api: bool,
    /// Reverse proxies that are believed when they say for whom they ask: `X-Forwarded-For` and its
    /// kin, `Forwarded`.
    pub trusted_proxies: Vec<AddressRange>,
    /// Only these are let in, and programs on this machine; empty: everyone.
    pub allow: Vec<AddressRange>,
    /// These are not let in, whatever `allow` says.
    pub deny: Vec<AddressRange>,
    /// Servers that carry the same mounts: while this one is full, listeners are sent to them in
    /// turn. Base addresses, as in `http://relay.example.org:8000`.
    pub relays: Vec<String>,
    /// What a source client must know. Empty: made at the first start.
    pub source_password: Password,
    /// What Icecast's administration asks for. Empty: made at the first start.
    pub admin_password: Password,
    /// What an Icecast that relays ours must know. Empty: the source's is taken.
    pub relay_password: Password,
    /// Where listeners, sources and Icecast's own requests are noted when they end, in Icecast's format. Empty: nowhere.
    #[serde(with = "empty_is_none")]
    pub access_log: Option<PathBuf>,
    /// A second address for the same things behind TLS.
    #[serde(with = "empty_is_none")]
    pub tls_listen: Option<SocketAddr>,
    /// Certificate chain for `tls_listen`, PEM.
    #[serde(with = "empty_is_none")]
    pub tls_certificate: Option<PathBuf>,
    /// Private key for `tls_listen`, PEM.
    #[serde(with = "empty_is_none")]
    pub tls_key: Option<PathBuf>,
}

/// What happens when a source client comes to a mount that has one, or to the station's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Live {
    /// The new one takes over.
    #[default]
    Takeover,
    /// The new one is refused.
    Deny,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            mountname: "/stream".to_owned(),
            hostname: String::new(),
            burst_seconds: 4.0,
            flush_ms: 250,
            max_listeners: 10_000,
            max_listeners_per_address: 0,
            max_beside: None,
            live: Live::default(),
            public_api: false,
            trusted_proxies: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            relays: Vec::new(),
            source_password: Password::default(),
            admin_password: Password::default(),
            relay_password: Password::default(),
            access_log: None,
            tls_listen: None,
            tls_certificate: None,
            tls_key: None,
        }
    }
}
