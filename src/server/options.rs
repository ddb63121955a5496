//! What the server is told at its start.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use super::pending::MAX_BESIDE;
use crate::{
    config::{AddressRange, Live, MountSettings, Password},
    icy::StreamInfo,
};

/// Everything that the configuration says about the server and its mount.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where to listen for TLS, and with which certificate.
    pub tls: Option<TlsOptions>,
    /// The mount's path; a leading slash is added where it is missing. `/stream` works beside it.
    pub mount: String,
    /// The name in playlists and status where a client does not say which one it used.
    pub hostname: Option<String>,
    /// How much of the past a new listener gets at once.
    pub burst: Duration,
    /// How often a listener gets what has come.
    pub flush: Duration,
    /// Listeners at once.
    pub max_listeners: usize,
    /// Listeners at once from one address; 0: as many as there may be at all.
    pub max_per_address: usize,
    /// Connections at once that are no listeners: requests that are being read, short answers, and
    /// those handed on, which have half of them. At least 2.
    pub max_beside: usize,
    /// What is said about the stream.
    pub stream: StreamInfo,
    /// The mounts are not there: they answer 404.
    pub disabled: bool,
    /// What a source client that calls itself `source` must know. Empty: none is let in.
    pub source_password: Password,
    /// What `relay` must know, which another Icecast is that relays ours. Empty: the source's.
    pub relay_password: Password,
    /// What `admin` must know. Empty: nobody is let in.
    pub admin_password: Password,
    /// Where every connection that has ended is noted.
    pub access_log: Option<PathBuf>,
    /// What becomes of a source client that comes to the main mount.
    pub live: Live,
    /// Proxies that are believed when they say whose request it is.
    pub trusted_proxies: Vec<AddressRange>,
    /// From where somebody may come at all; empty: from everywhere.
    pub allow: Vec<AddressRange>,
    /// From where nobody may come.
    pub deny: Vec<AddressRange>,
    /// Base addresses of servers to which listeners are sent while this one is full.
    pub relays: Vec<String>,
    /// What holds for single mounts.
    pub mounts: Vec<MountSettings>,
}

/// The TLS port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The certificate and those between it and its authority, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            tls: None,
            mount: "/stream".to_owned(),
            hostname: None,
            burst: Duration::from_secs(4),
            flush: Duration::from_millis(250),
            max_listeners: 10_000,
            max_per_address: 0,
            max_beside: MAX_BESIDE,
            stream: StreamInfo::default(),
            disabled: false,
            source_password: Password::default(),
            relay_password: Password::default(),
            admin_password: Password::default(),
            access_log: None,
            live: Live::default(),
            trusted_proxies: Vec::new(),
            allow: Vec::new(),
            deny: Vec::new(),
            relays: Vec::new(),
            mounts: Vec::new(),
        }
    }
}
