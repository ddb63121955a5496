//! The door: connections that the front door handed on, as axum wants to accept them.

use std::net::SocketAddr;

use axum::{Router, serve::Listener};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

/// A source of connections that are already open.
#[derive(Debug)]
pub struct Door<Io> {
    handed: mpsc::Receiver<(Io, SocketAddr)>,
    local: SocketAddr,
}

impl<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static> Door<Io> {
    /// Takes connections to `local` from `handed`.
    #[must_use]
    pub fn new(handed: mpsc::Receiver<(Io, SocketAddr)>, local: SocketAddr) -> Self {
        Self { handed, local }
    }

    /// Answers requests until it is dropped.
    pub async fn serve(self, router: Router) {
        let service = router.into_make_service_with_connect_info::<Peer>();
        if let Err(error) = axum::serve(self, service).await {
            tracing::error!(%error, "the web server ended");
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static> Listener for Door<Io> {
    type Io = Io;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Io, SocketAddr) {
        match self.handed.recv().await {
            Some(handed) => handed,
            // The front door has closed: no connection will come any more.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.local)
    }
}

/// Who is on the other side of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

impl<Io: AsyncRead + AsyncWrite + Unpin + Send + 'static>
    axum::extract::connect_info::Connected<axum::serve::IncomingStream<'_, Door<Io>>> for Peer
{
    fn connect_info(stream: axum::serve::IncomingStream<'_, Door<Io>>) -> Self {
        Self(*stream.remote_addr())
    }
}
