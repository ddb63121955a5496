//! The target: what the rooms `icecast` and `server` are told of the configuration.

use std::net::SocketAddr;

use crate::{
    config::{self, Config},
    icecast::{Limits, Target, Tls},
    icy::StreamInfo,
};

/// The Icecast that the stream goes to, where one is enabled.
pub(super) fn of(config: &Config, own: impl IntoIterator<Item = SocketAddr>) -> Option<Target> {
    let icecast = &config.icecast;
    if !icecast.enabled || config.debug.disable_icecast {
        return None;
    }
    let stream = &config.stream;
    Some(Target {
        host: icecast.host.clone(),
        port: icecast.port,
        user: icecast.user.clone(),
        password: icecast.password.reveal().to_owned(),
        mount: icecast.mountname.clone(),
        tls: match icecast.tls {
            config::Tls::Off => Tls::Off,
            config::Tls::Auto => Tls::Auto,
            config::Tls::Required => Tls::Required,
        },
        authorities: Vec::new(),
        name: stream.name.clone(),
        description: stream.description.clone(),
        genre: stream.genre.clone(),
        url: stream.url.clone(),
        public: stream.public,
        own_listen: own.into_iter().collect(),
        limits: Limits::default(),
    })
}

/// What listeners are told of the stream.
pub(super) fn stream_info(stream: &config::Stream) -> StreamInfo {
    StreamInfo {
        name: stream.name.clone(),
        description: stream.description.clone(),
        genre: stream.genre.clone(),
        url: stream.url.clone(),
        public: stream.public,
    }
}
