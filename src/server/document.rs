//! The documents beside the stream: heads, playlists and status, filled with what holds now.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::SystemTime,
};

use super::{
    address::{base_url, own_host},
    guest_list::GuestList,
    mount::Mount,
    mounts::Mounts,
    options::ServerOptions,
    registry::Listeners,
    relays::Relays,
    request::Request,
    tick::Epoch,
};
use crate::icy::{
    Answer, AudioInfo, Burst, METAINT, Playlist, ServerFacts, SourceStatus, date::Date,
    status_json, stream_head,
};

const SERVER_ID: &str = concat!("musicdb-stream ", env!("CARGO_PKG_VERSION"));

/// What the documents are made from.
#[derive(Debug)]
pub(super) struct Documents {
    pub(super) options: ServerOptions,
    pub(super) mounts: Arc<Mounts>,
    pub(super) listeners: Listeners,
    /// Where listeners go while there is no room.
    pub(super) relays: Relays,
    /// Who may come.
    pub(super) guests: GuestList,
    pub(super) local: SocketAddr,
    pub(super) started: SystemTime,
    pub(super) epoch: Epoch,
}

impl Documents {
    /// The head of a mount's stream, and the interval of its titles where they are wanted.
    pub(super) fn stream_head(&self, mount: &Mount, titles: bool) -> (Vec<u8>, Option<usize>) {
        let metaint = titles.then_some(METAINT);
        let date = Date::of(SystemTime::now());
        let about = mount.about();
        let audio = self.audio(mount);
        (stream_head(&about.content_type, &about.stream, audio, metaint, date), metaint)
    }

    /// A playlist with the address by which this client reached us.
    pub(super) fn playlist(
        &self,
        kind: Playlist,
        (name, mount): (&str, &Mount),
        request: &Request,
    ) -> Answer {
        let base = base_url(request, self.options.hostname.as_deref(), self.local);
        let title = mount.relay().newest_title();
        let body = kind.body(&format!("{base}{name}"), &title, &mount.about().stream);
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
        let mounts = if self.options.disabled { Vec::new() } else { self.mounts.all() };
        let sources: Vec<_> = mounts.iter().map(|mount| self.source(mount, request)).collect();
        let body = status_json(&server, &sources);
        Answer::document("application/json; charset=UTF-8", body)
    }

    fn source(&self, mount: &Mount, request: &Request) -> SourceStatus {
        let base = base_url(request, self.options.hostname.as_deref(), self.local);
        let about = mount.about();
        let since = Date::of(about.since);
        let mut source = SourceStatus::new(&about.content_type, &about.stream, self.audio(mount));
        source.listener_peak = mount.counts.peak.load(Relaxed);
        source.listeners = mount.counts.listeners.load(Relaxed);
        source.listenurl = format!("{base}{}", mount.name());
        source.stream_start = since.rfc2822();
        source.stream_start_iso8601 = since.iso8601();
        source.title = mount.relay().newest_title().to_string();
        source
    }

    /// The name of this server, without its port.
    pub(super) fn host_name(&self) -> String {
        let host = own_host(self.options.hostname.as_deref(), self.local);
        host.rsplit_once(':').map_or(host.clone(), |(name, _)| name.to_owned())
    }

    /// What the audio is, measured over the burst: a variable bitrate has no other.
    fn audio(&self, mount: &Mount) -> Option<AudioInfo> {
        let relay = mount.relay();
        let Some(header) = relay.newest_header() else { return mount.about().audio };
        let recent = relay.burst(Burst::of(self.options.burst).stream_time());
        let frames = relay.next_frame().saturating_sub(recent.frame());
        Some(AudioInfo::measured(header, recent.backlog(), frames))
    }
}
