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
    Handed, Listeners, ServerError, ServerOptions,
    document::Documents,
    door::{Door, Guest},
    fan::Fan,
    guest_list::GuestList,
    mounts::Mounts,
    pending::PendingHeads,
    relays::Relays,
    socket::{open_port, tune},
    tick::Epoch,
};
use crate::relay::{LinkReporter, Relay};

/// When the system has no room for another connection, the next attempt waits so long: some end
/// meanwhile, and the kernel holds those who come.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// When the server stops, its listeners have so long to take what is there.
pub const DRAIN_LIMIT: Duration = Duration::from_millis(300);
/// Beyond [`DRAIN_LIMIT`], for the tasks themselves to end.
const END_LIMIT: Duration = Duration::from_millis(200);

/// The embedded server, its port open.
#[derive(Debug)]
pub struct Server {
    port: std::net::TcpListener,
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
    /// The address is taken, forbidden or none of this machine's: the message says what to do.
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
        let documents = Documents {
            mounts: Arc::new(Mounts::of(&options, relay)),
            listeners: Listeners::new(options.max_listeners, options.max_per_address),
            relays: Relays::of(&options.relays),
            guests: GuestList::of(&options),
            options,
            local,
            started: SystemTime::now(),
            epoch: Epoch::new(Instant::now()),
        };
        Ok(Self { port, documents: Arc::new(documents), link, handed })
    }

    /// Where it listens: the port that the system chose where 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.documents.local
    }

    /// Who listens; stays valid while and after the server runs.
    #[must_use]
    pub fn listeners(&self) -> Listeners {
        self.documents.listeners.clone()
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
        let port = TcpListener::from_std(self.port)
            .map_err(|source| ServerError::Unusable { address, source })?;
        if self.documents.options.disabled {
            self.link.still_down("the mounts are switched off by debug.disable_icecast".to_owned());
        } else {
            self.link.up(relay.next_frame());
        }
        let (alive, mut all_ended) = mpsc::channel(1);
        let documents = &self.documents;
        let fan = Fan::start(documents.options.flush, &documents.mounts, documents.epoch, &alive)
            .map_err(|source| ServerError::Workers { source })?;
        let beside = self.documents.options.max_beside.max(2);
        let door = Door {
            documents: self.documents,
            handed: self.handed,
            pages: Arc::new(Semaphore::new(beside / 2)),
            asking: Arc::new(Semaphore::new((beside / 4).max(1))),
            fan: Arc::new(fan),
            alive,
        };
        let mut heads = PendingHeads::new(beside);
        tokio::select! {
            () = stop => {}
            () = accept_all(&port, &door, &mut heads) => {}
        }
        drop(port);
        self.link.down("the server has stopped".to_owned(), relay.next_frame());
        heads.abort_all();
        drop(door);
        // Nothing is ever sent: this waits until nobody is left who could.
        if timeout(DRAIN_LIMIT + END_LIMIT, all_ended.recv()).await.is_err() {
            tracing::debug!("connections were left behind when the server stopped");
        }
        Ok(())
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
                tune(&stream);
                let task = tokio::spawn(door.clone().attend(Guest { stream, room }, peer));
                heads.add(task.abort_handle());
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
