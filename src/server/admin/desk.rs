//! The desk: does what an administrator asks for.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Instant, SystemTime},
};

use super::{
    arguments::Arguments,
    command::Command,
    gate::Who,
    reply::{Refusal, Reply},
};
use crate::{
    icy::{Answer, Element, ServerCounts, SourceStats, stats_xml},
    net::percent::{encode, encode_path},
    server::{document::Documents, fan::Fan, mount::Mount, request::Request},
};

/// One request with all that it may touch.
pub(super) struct Desk<'a> {
    pub(super) documents: &'a Documents,
    pub(super) fan: &'a Fan,
    pub(super) request: &'a Request,
    pub(super) arguments: &'a Arguments,
    pub(super) peer: IpAddr,
    pub(super) who: Who,
    pub(super) now: Instant,
}

impl Desk<'_> {
    /// Does it.
    ///
    /// # Errors
    /// Why nothing was done.
    pub(super) fn serve(&self, command: Command) -> Result<Reply, Refusal> {
        match command {
            Command::Stats => self.stats(),
            Command::ListMounts => Ok(self.list_mounts(|_| true)),
            // A relay would offer what is hidden here to everyone.
            Command::StreamList => {
                Ok(self.list_mounts(|mount| self.who == Who::Admin || !mount.is_hidden()))
            }
            Command::StreamListText => Ok(self.stream_list()),
            Command::ListClients => self.list_clients(&self.mount()?),
            Command::KillClient => self.kill_client(&self.mount()?),
            Command::KillSource => kill_source(&*self.mount()?),
            Command::MoveClients => self.move_clients(&self.mount()?),
            Command::Fallbacks => self.set_fallback(&*self.mount()?),
            Command::Metadata => self.set_title(&*self.mount()?),
            Command::UpdateMetadata => Ok(title_form(&*self.mount()?)),
            Command::BuildM3u => self.playlist(),
        }
    }

    /// The mount that the request names.
    fn mount(&self) -> Result<Arc<Mount>, Refusal> {
        let name = self.arguments.get("mount").ok_or(Refusal::NoMount)?;
        self.find(name).ok_or(Refusal::NoSource)
    }

    fn find(&self, name: &[u8]) -> Option<Arc<Mount>> {
        self.documents.mounts.find(name).filter(|_| !self.documents.options.disabled)
    }

    fn stats(&self) -> Result<Reply, Refusal> {
        let mounts = match self.arguments.get("mount") {
            Some(_) => vec![self.mount()?],
            None => self.documents.shown_mounts(),
        };
        let sources: Vec<_> = mounts.iter().map(|mount| self.source(mount)).collect();
        Ok(Reply::Xml(stats_xml(&self.documents.facts(), &self.counts(), &sources)))
    }

    fn counts(&self) -> ServerCounts {
        let Documents { listeners, connections, .. } = self.documents;
        let here = listeners.count();
        let sources = connections.sources();
        ServerCounts {
            client_connections: connections.requests(),
            clients: (here + connections.beside()) as u64,
            connections: connections.all(),
            file_connections: connections.pages(),
            listener_connections: listeners.totals().accepted,
            listeners: here as u64,
            source_client_connections: sources,
            source_relay_connections: 0,
            source_total_connections: sources,
            sources: self.documents.shown_mounts().len() as u64,
            stats: 0,
            stats_connections: 0,
        }
    }

    fn source(&self, mount: &Mount) -> SourceStats {
        let feeder = mount.feeder();
        let feeder = feeder.as_deref();
        SourceStats {
            status: self.documents.source(mount, self.request),
            mount: mount.name().to_owned(),
            max_listeners: match mount.rules().max_listeners {
                0 => "unlimited".to_owned(),
                most => most.to_string(),
            },
            public: mount.about().stream.public.into(),
            slow_listeners: mount.counts.slow.load(Relaxed),
            source_ip: feeder.map(|feeder| feeder.address.to_string()).unwrap_or_default(),
            total_bytes_read: mount.counts.bytes_read.load(Relaxed),
            total_bytes_sent: mount.counts.bytes_sent.load(Relaxed),
            user_agent: feeder.map(|feeder| feeder.user_agent.clone()).unwrap_or_default(),
        }
    }

    fn list_mounts(&self, shows: impl Fn(&Mount) -> bool) -> Reply {
        let mounts = self.documents.shown_mounts();
        let mounts = mounts.iter().filter(|mount| shows(mount)).map(|mount| summary(mount));
        Reply::Xml(Element::new("icestats").with_all(mounts))
    }

    fn stream_list(&self) -> Reply {
        let mounts = self.documents.shown_mounts();
        let shown = mounts.iter().filter(|mount| !mount.is_hidden());
        let lines = shown.map(|mount| format!("{}\r\n", mount.name())).collect();
        Reply::Plain(Answer::document("text/plain; charset=utf-8", lines))
    }

    fn list_clients(&self, mount: &Arc<Mount>) -> Result<Reply, Refusal> {
        let here = self.documents.listeners.of_mount(mount, self.now);
        let count = Element::text("Listeners", here.len().to_string());
        let listeners = here.into_iter().map(|(info, user)| {
            let listener = Element::new("listener").with(Element::text("IP", info.address));
            let agent = info.user_agent.map(|agent| Element::text("UserAgent", agent));
            let seconds = Element::text("Connected", info.connected_seconds.to_string());
            let id = Element::text("ID", info.id.to_string());
            let user = (!user.is_empty()).then(|| Element::text("username", user));
            listener.with_all(agent).with(seconds).with(id).with_all(user)
        });
        let source = Element::new("source").attribute("mount", mount.name());
        let source = source.with(count).with_all(listeners);
        Ok(Reply::Xml(Element::new("icestats").with(source)))
    }

    fn kill_client(&self, mount: &Arc<Mount>) -> Result<Reply, Refusal> {
        let id = self.arguments.text("id").ok_or(Refusal::Missing)?;
        // What is no number is nobody's, as in Icecast.
        let id: u32 = id.trim().parse().unwrap_or(0);
        let here = self.documents.listeners.of_mount(mount, self.now);
        if !here.iter().any(|(info, _)| info.id == u64::from(id)) {
            return Ok(Reply::Done(format!("Client {id} not found"), false));
        }
        if !self.fan.kill(id) {
            return Err(Refusal::Busy);
        }
        Ok(Reply::Done(format!("Client {id} removed"), true))
    }

    fn move_clients(&self, from: &Arc<Mount>) -> Result<Reply, Refusal> {
        let Some(to) = self.arguments.get("destination") else {
            return Ok(self.destinations(from));
        };
        let to = self.find(to).ok_or(Refusal::NoDestination)?;
        if Arc::ptr_eq(from, &to) {
            return Err(Refusal::SameMount);
        }
        if !from.sounds_like(&to) {
            return Err(Refusal::OtherType);
        }
        if !self.fan.move_all(from, &to) {
            return Err(Refusal::Busy);
        }
        let message = format!("Clients moved from {} to {}", from.name(), to.name());
        Ok(Reply::Done(message, true))
    }

    /// Where the listeners of a mount may be moved to.
    fn destinations(&self, from: &Arc<Mount>) -> Reply {
        let mounts = self.documents.shown_mounts();
        let others = mounts.iter().filter(|mount| !Arc::ptr_eq(mount, from));
        let others = others.filter(|mount| mount.sounds_like(from)).map(|mount| summary(mount));
        let root = Element::new("icestats").with(Element::text("current_source", from.name()));
        Reply::Xml(root.with_all(others))
    }

    fn set_fallback(&self, mount: &Mount) -> Result<Reply, Refusal> {
        let fallback = self.arguments.text("fallback").ok_or(Refusal::Missing)?;
        mount.set_fallback(Some(fallback).filter(|name| !name.is_empty()));
        let body = "<html><head><title>Admin request successful</title></head><body><p>Fallback configured</p></body></html>";
        Ok(Reply::Plain(Answer::document("text/html; charset=utf-8", body.to_owned())))
    }

    fn set_title(&self, mount: &Mount) -> Result<Reply, Refusal> {
        let mode = self.arguments.get("mode").ok_or(Refusal::Missing)?;
        if mode != b"updinfo" {
            return Ok(Reply::Done("No such action".to_owned(), false));
        }
        // A source sets the title of what it sends itself, and from where it sends it.
        let address = mount.feeder().map(|feeder| feeder.address.to_canonical());
        if self.who != Who::Admin && address != Some(self.peer.to_canonical()) {
            let message = "Mountpoint will not accept URL updates";
            return Ok(Reply::Done(message.to_owned(), true));
        }
        if let Some(song) = self.arguments.song(mount.rules().charset) {
            mount.set_title(&song);
        }
        Ok(Reply::Done("Metadata update successful".to_owned(), true))
    }

    fn playlist(&self) -> Result<Reply, Refusal> {
        let text = |key| self.arguments.text(key).ok_or(Refusal::Missing);
        let (mount, user, password) = (text("mount")?, text("username")?, text("password")?);
        let documents = self.documents;
        let base = documents.base(self.request);
        let (scheme, host) = base.split_once("://").unwrap_or(("http", &base));
        let (user, password, mount) = (encode(&user), encode(&password), encode_path(&mount));
        let slash = if mount.starts_with('/') { "" } else { "/" };
        let body = format!("{scheme}://{user}:{password}@{host}{slash}{mount}\r\n");
        Ok(Reply::Plain(Answer::document("audio/x-mpegurl", body)))
    }
}

/// What a list says of a mount.
fn summary(mount: &Mount) -> Element {
    let about = mount.about();
    // A clock that was set back makes it new.
    let connected = SystemTime::now().duration_since(about.since).unwrap_or_default();
    let listeners = mount.counts.listeners.load(Relaxed);
    Element::new("source")
        .attribute("mount", mount.name())
        .with(Element::text("fallback", mount.fallback().unwrap_or_default()))
        .with(Element::text("listeners", listeners.to_string()))
        .with(Element::text("Connected", connected.as_secs().to_string()))
        .with(Element::text("content-type", about.content_type.clone()))
}

fn kill_source(mount: &Mount) -> Result<Reply, Refusal> {
    let feeder = mount.feeder().ok_or(Refusal::OwnMount)?;
    feeder.end.notify_one();
    Ok(Reply::Done("Source Removed".to_owned(), true))
}

fn title_form(mount: &Mount) -> Reply {
    let source = Element::new("source").attribute("mount", mount.name());
    Reply::TitleForm(Element::new("icestats").with(source), mount.name().to_owned())
}
