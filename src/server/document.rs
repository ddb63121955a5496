//! The documents beside the stream: heads, playlists and status, filled with what holds now.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::SystemTime,
};

use super::{
    access_log::AccessLog,
    address::{base_url, own_host},
    connections::Connections,
    guard::Guard,
    guest_list::GuestList,
    mount::{About, Mount},
    mounts::Mounts,
    options::ServerOptions,
    registry::Listeners,
    relays::Relays,
    request::Request,
    tick::Epoch,
};
use crate::icy::{
    Answer, AudioInfo, Burst, METAINT, Playlist, ServerFacts, Sound, SourceStatus, date::Date,
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
    /// Where TLS is listened for.
    pub(super) tls_local: Option<SocketAddr>,
    pub(super) started: SystemTime,
    pub(super) epoch: Epoch,
    /// Who sent wrong passwords.
    pub(super) guard: Guard,
    pub(super) connections: Connections,
    pub(super) access_log: AccessLog,
}

impl Documents {
    /// The head of a mount's stream, and the interval of its titles where they are wanted.
    pub(super) fn stream_head(&self, mount: &Mount, titles: bool) -> (Vec<u8>, Option<usize>) {
        let date = Date::of(SystemTime::now());
        let about = mount.about();
        let metaint = (titles && about.takes_titles()).then_some(METAINT);
        let sound = self.sound(mount, &about);
        (stream_head(&about.content_type, &about.stream, &sound, metaint, date), metaint)
    }

    /// A playlist with the address by which this client reached us.
    pub(super) fn playlist(
        &self,
        kind: Playlist,
        (name, mount): (&str, &Mount),
        request: &Request,
    ) -> Answer {
        let base = self.base(request);
        let title = mount.relay().newest_title();
        let body = kind.body(&format!("{base}{name}"), &title, &mount.about().stream);
        Answer::document(kind.content_type(), body)
    }

    /// `status-json.xsl`.
    pub(super) fn status(&self, request: &Request) -> Answer {
        let mounts = self.shown_mounts();
        let public = mounts.iter().filter(|mount| !mount.is_hidden());
        let sources: Vec<_> = public.map(|mount| self.source(mount, request)).collect();
        let body = status_json(&self.facts(), &sources);
        Answer::document("application/json; charset=UTF-8", body)
    }

    /// What is said about the server itself.
    pub(super) fn facts(&self) -> ServerFacts {
        let started = Date::of(self.started);
        ServerFacts {
            admin: "icemaster@localhost".to_owned(),
            host: self.host_name(),
            location: "Earth".to_owned(),
            server_id: SERVER_ID.to_owned(),
            server_start: started.rfc2822(),
            server_start_iso8601: started.iso8601(),
        }
    }

    /// The mounts that are there; none where they are switched off.
    pub(super) fn shown_mounts(&self) -> Vec<Arc<Mount>> {
        if self.options.disabled { Vec::new() } else { self.mounts.all() }
    }

    /// What everyone may know of a mount.
    pub(super) fn source(&self, mount: &Mount, request: &Request) -> SourceStatus {
        let base = self.base(request);
        let about = mount.about();
        let since = Date::of(about.since);
        let sound = self.sound(mount, &about);
        let mut source = SourceStatus::new(&about.content_type, &about.stream, &sound);
        source.listener_peak = mount.counts.peak.load(Relaxed);
        source.listeners = mount.counts.listeners.load(Relaxed);
        source.listenurl = format!("{base}{}", mount.name());
        source.stream_start = since.rfc2822();
        source.stream_start_iso8601 = since.iso8601();
        source.title = mount.relay().newest_title().to_string();
        source
    }

    /// The address by which this client reached us.
    pub(super) fn base(&self, request: &Request) -> String {
        let local = self.tls_local.filter(|_| request.is_tls).unwrap_or(self.local);
        base_url(request, self.options.hostname.as_deref(), local)
    }

    /// The name of this server, without its port.
    pub(super) fn host_name(&self) -> String {
        let host = own_host(self.options.hostname.as_deref(), self.local);
        host.rsplit_once(':').map_or(host.clone(), |(name, _)| name.to_owned())
    }

    /// What is told of a mount's sound.
    fn sound(&self, mount: &Mount, about: &About) -> Sound {
        let feeder = mount.feeder();
        let said = feeder.map_or_else(String::new, |feeder| feeder.audio_info.clone());
        Sound { known: self.audio(mount, about), said }
    }

    /// What the audio is, measured over the burst: a variable bitrate has no other.
    fn audio(&self, mount: &Mount, about: &About) -> Option<AudioInfo> {
        let relay = mount.relay();
        let Some(header) = relay.newest_header() else { return about.audio };
        let recent = relay.burst(Burst::of(self.options.burst).stream_time());
        let frames = relay.next_frame().saturating_sub(recent.frame());
        Some(AudioInfo::measured(header, recent.backlog(), frames))
    }
}
