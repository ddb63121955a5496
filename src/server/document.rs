//! The documents beside the stream: heads, playlists and status, filled with what holds now.

use std::{net::SocketAddr, time::SystemTime};

use super::{
    address::{base_url, own_host},
    options::ServerOptions,
    registry::Listeners,
    request::Request,
    route::Mounts,
};
use crate::{
    icy::{
        Answer, AudioInfo, Burst, METAINT, Playlist, ServerFacts, SourceStatus, date::Date,
        status_json, stream_head,
    },
    relay::Relay,
};

const SERVER_ID: &str = concat!("musicdb-stream ", env!("CARGO_PKG_VERSION"));

/// What the documents are made from.
#[derive(Debug)]
pub(super) struct Documents {
    pub(super) options: ServerOptions,
    pub(super) mounts: Mounts,
    pub(super) relay: Relay,
    pub(super) listeners: Listeners,
    pub(super) local: SocketAddr,
    pub(super) started: SystemTime,
}

impl Documents {
    /// The head of the stream, and the interval of its titles where they are wanted.
    pub(super) fn stream_head(&self, titles: bool) -> (Vec<u8>, Option<usize>) {
        let metaint = titles.then_some(METAINT);
        let date = Date::of(SystemTime::now());
        (stream_head(&self.options.stream, self.audio(), metaint, date), metaint)
    }

    /// A playlist with the address by which this client reached us.
    pub(super) fn playlist(&self, kind: Playlist, mount: &str, request: &Request) -> Answer {
        let base = base_url(request, self.options.hostname.as_deref(), self.local);
        let title = self.relay.newest_title();
        let body = kind.body(&format!("{base}{mount}"), &title, &self.options.stream);
        Answer::document(kind.content_type(), body)
    }

    /// `status-json.xsl`.
    pub(super) fn status(&self, request: &Request) -> Answer {
        let started = Date::of(self.started);
        let server = ServerFacts {
            admin: "icemaster@localhost".to_owned(),
            host: self.host_name(),
            location: "Earth".to_owned(),
            server_id: SERVER_ID.to_owned(),
            server_start: started.rfc2822(),
            server_start_iso8601: started.iso8601(),
        };
        let source = (!self.options.disabled).then(|| self.source(request, started));
        let body = status_json(&server, source.as_slice());
        Answer::document("application/json; charset=UTF-8", body)
    }

    fn source(&self, request: &Request, started: Date) -> SourceStatus {
        let base = base_url(request, self.options.hostname.as_deref(), self.local);
        let mut source = SourceStatus::new(&self.options.stream, self.audio());
        source.listener_peak = self.listeners.peak();
        source.listeners = self.listeners.count();
        source.listenurl = format!("{base}{}", self.mounts.main());
        source.stream_start = started.rfc2822();
        source.stream_start_iso8601 = started.iso8601();
        source.title = self.relay.newest_title().to_string();
        source
    }

    fn host_name(&self) -> String {
        let host = own_host(self.options.hostname.as_deref(), self.local);
        host.rsplit_once(':').map_or(host.clone(), |(name, _)| name.to_owned())
    }

    /// What the audio is, measured over the burst: a variable bitrate has no other.
    fn audio(&self) -> Option<AudioInfo> {
        let header = self.relay.newest_header()?;
        let recent = self.relay.burst(Burst::of(self.options.burst).stream_time());
        let frames = self.relay.next_frame().saturating_sub(recent.frame());
        Some(AudioInfo::measured(header, recent.backlog(), frames))
    }
}
