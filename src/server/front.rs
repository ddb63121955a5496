//! The front: opens the port, lets connections in and ends them all.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use tokio::{
    net::TcpListener,
    sync::{Semaphore, mpsc},
    time::{sleep, timeout},
};

use super::{
    Figures, Handed, Listeners, ServerError, ServerOptions, TlsOptions,
    access_log::AccessLog,
    connections::Connections,
    document::Documents,
    door::Door,
    fan::Fan,
    guard::Guard,
    guest_list::GuestList,
    mounts::Mounts,
    pending::{PendingHeads, Turn},
    relays::Relays,
    socket::{open_port, tune_accepted},
    source::Sources,
    tick::Epoch,
    tls::Tls,
};
use crate::relay::{LinkReporter, Relay};

/// When the system has no room for another connection, the next attempt waits so long: some end
/// meanwhile, and the kernel holds those who come.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// When the server stops, its listeners have so long to take what is there.
pub const DRAIN_LIMIT: Duration = Duration::from_millis(300);
/// For the last lines of the access log to be written.
const LOG_LIMIT: Duration = Duration::from_millis(50);
/// Beyond [`DRAIN_LIMIT`], for the tasks themselves to end.
const END_LIMIT: Duration = Duration::from_millis(200);

/// Of the room beside the listeners, the TLS port has one in so many: a connection that has not
/// said what it wants takes some 30 KB there.
const TLS_SHARE: usize = 4;

/// The embedded server, its ports open.
#[derive(Debug)]
pub struct Server {
    port: std::net::TcpListener,
    tls: Option<(std::net::TcpListener, Arc<Tls>)>,
    documents: Arc<Documents>,
    link: LinkReporter,
    handed: mpsc::Sender<Handed>,
}

impl Server {
    /// Opens the port; needs no runtime. Connections wait in it until [`run`](Self::run).
    ///
    /// `relay` is what the mount sends, `link` tells the station that it is open, and `handed` gets
    /// every connection that is not for us; where its queue is full they are answered 503.
    ///
    /// # Errors
    /// An address is taken, forbidden or none of this machine's, or the certificate for TLS cannot be
    /// used: the message says what to do.
    pub fn bind(
        options: ServerOptions,
        relay: Relay,
        link: LinkReporter,
        handed: mpsc::Sender<Handed>,
    ) -> Result<Self, ServerError> {
        let address = options.listen;
        let port = open_port(address)?;
        let local =
            port.local_addr().map_err(|source| ServerError::Unusable { address, source })?;
        let tls = options.tls.as_ref().map(open_tls).transpose()?;
        let tls_local = tls.as_ref().and_then(|(port, _)| port.local_addr().ok());
        let access_log = options.access_log.as_deref().map(AccessLog::start).unwrap_or_default();
        let documents = Documents {
            mounts: Arc::new(Mounts::of(&options, relay)),
            listeners: Listeners::new(options.max_listeners, options.max_per_address),
            relays: Relays::of(&options.relays),
            guests: GuestList::of(&options),
            options,
            local,
            tls_local,
            started: SystemTime::now(),
            epoch: Epoch::new(Instant::now()),
            guard: Guard::default(),
            connections: Connections::default(),
            access_log,
        };
        documents.listeners.log_to(documents.access_log.clone());
        Ok(Self { port, tls, documents: Arc::new(documents), link, handed })
    }

    /// Where it listens: the port that the system chose where 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.documents.local
    }

    /// Where it listens for TLS.
    #[must_use]
    pub fn tls_addr(&self) -> Option<SocketAddr> {
        self.documents.tls_local
    }

    /// Who listens; stays valid while and after the server runs.
    #[must_use]
    pub fn listeners(&self) -> Listeners {
        self.documents.listeners.clone()
    }

    /// What monitoring is told; stays valid while and after the server runs.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures::of(&self.documents)
    }

    /// Serves until `stop` is ready; then closes the port, gives every listener what is there to the
    /// last whole frame, ends their connections and returns, in less than half a second. Where the
    /// relay is closed before, listeners end with its last frame by themselves.
    ///
    /// Must run in a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// The runtime cannot take the port over.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), ServerError> {
        let address = self.documents.local;
        let relay = self.documents.mounts.main().relay();
        let take = |port| {
            TcpListener::from_std(port).map_err(|source| ServerError::Unusable { address, source })
        };
        let port = take(self.port)?;
        let (tls_port, tls) = match self.tls {
            Some((port, tls)) => (Some(take(port)?), Some(tls)),
            None => (None, None),
        };
        if self.documents.options.disabled {
            self.link.still_down("the mounts are switched off by debug.disable_icecast".to_owned());
        } else {
            self.link.up(relay.next_frame());
        }
        let (alive, mut all_ended) = mpsc::channel(1);
        let documents = &self.documents;
        let fan = Fan::start(documents.options.flush, &documents.mounts, documents.epoch, &alive)
            .map_err(|source| ServerError::Workers { source })?;
        let options = &self.documents.options;
        let sources = Sources::new(&self.documents.mounts, self.link.clone(), options.live);
        let sources = Arc::new(sources);
        let beside = self.documents.options.max_beside;
        let tls_beside = if tls.is_some() { (beside / TLS_SHARE).max(2) } else { 0 };
        let beside = beside.saturating_sub(tls_beside).max(2);
        let door = Door {
            documents: self.documents,
            handed: self.handed,
            pages: Arc::new(Semaphore::new(beside / 2)),
            asking: Arc::new(Semaphore::new((beside / 4).max(1))),
            fan: Arc::new(fan),
            sources: Arc::clone(&sources),
            tls: None,
            alive,
        };
        let tls_pages = Arc::new(Semaphore::new(tls_beside / 2));
        let tls_door = Door { pages: tls_pages, tls, ..door.clone() };
        let mut heads = PendingHeads::new(beside);
        let mut tls_heads = PendingHeads::new(tls_beside);
        // Nothing is there before: it runs once.
        let _ = door.documents.connections.beside.set(heads.beside());
        let access_log = door.documents.access_log.clone();
        tokio::select! {
            () = stop => {}
            () = accept_all(&port, &door, &mut heads) => {}
            () = accept_all_tls(tls_port.as_ref(), &tls_door, &mut tls_heads) => {}
        }
        drop((port, tls_port));
        self.link.down("the server has stopped".to_owned(), relay.next_frame());
        heads.abort_all();
        tls_heads.abort_all();
        sources.end_all();
        drop((door, tls_door));
        // Nothing is ever sent: this waits until nobody is left who could.
        if timeout(DRAIN_LIMIT + END_LIMIT, all_ended.recv()).await.is_err() {
            tracing::debug!("connections were left behind when the server stopped");
        }
        // They have ended, and what is to be said of them has been.
        if let Some(written) = access_log.close() {
            let _ = timeout(LOG_LIMIT, written).await;
        }
        Ok(())
    }
}

fn open_tls(options: &TlsOptions) -> Result<(std::net::TcpListener, Arc<Tls>), ServerError> {
    let TlsOptions { listen, certificate, key } = options;
    let tls = Tls::load(certificate.clone(), key.clone(), Instant::now())
        .map_err(|source| ServerError::Certificate { address: *listen, source })?;
    Ok((open_port(*listen)?, Arc::new(tls)))
}

/// Where there is a TLS port.
async fn accept_all_tls(port: Option<&TcpListener>, door: &Door, heads: &mut PendingHeads) {
    match port {
        Some(port) => accept_all(port, door, heads).await,
        None => std::future::pending().await,
    }
}

/// Accepts without a pause for as long as connections are there; never returns.
async fn accept_all(port: &TcpListener, door: &Door, heads: &mut PendingHeads) {
    let mut is_full = false;
    loop {
        let room = heads.room().await;
        match port.accept().await {
            Ok((stream, peer)) => {
                is_full = false;
                tune_accepted(&stream);
                door.documents.connections.note_arrival();
                let turn = Turn::of_peer();
                let task = tokio::spawn(door.clone().welcome(stream, room, peer, turn.clone()));
                heads.add(task.abort_handle(), turn);
            }
            // The peer has left while it waited: the next one may be there.
            Err(error) if is_about_one_peer(&error) => {}
            Err(error) => {
                if !is_full {
                    tracing::warn!(%error, "no connection can be accepted for now. Raise the limit of open files (ulimit -n)");
                }
                is_full = true;
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_about_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}
