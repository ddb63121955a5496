//! The door: connections that the front door handed on, as axum wants to accept them.

use std::net::SocketAddr;

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

use super::{Site, connection::Connection};

/// A source of connections that are already open.
#[derive(Debug)]
pub struct Door<Handed, Io> {
    handed: mpsc::Receiver<Handed>,
    open: fn(Handed) -> (Io, SocketAddr),
    local: SocketAddr,
}

impl<Handed, Io> Door<Handed, Io>
where
    Handed: Send + 'static,
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// Takes connections to `local` from `handed`; `open` tells each one's stream and peer.
    #[must_use]
    pub fn new(
        handed: mpsc::Receiver<Handed>,
        open: fn(Handed) -> (Io, SocketAddr),
        local: SocketAddr,
    ) -> Self {
        Self { handed, open, local }
    }

    /// Answers requests until it is dropped.
    pub async fn serve(self, site: Site) {
        let service = site.0.into_make_service_with_connect_info::<Peer>();
        if let Err(error) = axum::serve(self, service).await {
            tracing::error!(%error, "the web server ended");
        }
    }
}

impl<Handed, Io> Listener for Door<Handed, Io>
where
    Handed: Send + 'static,
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Io = Connection<Io>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection<Io>, SocketAddr) {
        let Some(handed) = self.handed.recv().await else {
            // The front door has closed: no connection will come any more.
            return std::future::pending().await;
        };
        let (io, peer) = (self.open)(handed);
        (Connection::new(io), peer)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.local)
    }
}

/// Who is on the other side of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

impl<Handed, Io> Connected<IncomingStream<'_, Door<Handed, Io>>> for Peer
where
    Handed: Send + 'static,
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn connect_info(stream: IncomingStream<'_, Door<Handed, Io>>) -> Self {
        Self(*stream.remote_addr())
    }
}
