//! A connection that is not for a mount, handed on with the bytes that were read of it.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
};

use super::transport::Transport;

/// What is given to the handler of the page and the API. It answers one request and closes: a later
/// one might be for a mount, of which it knows nothing.
#[derive(Debug)]
pub struct Handed {
    /// The connection, from its first byte on.
    pub io: Prefixed<Transport>,
    /// Who asks: the client at the other end, or behind the trusted proxy that is there.
    pub peer: SocketAddr,
}

/// A connection that replays the bytes that were read of it before it reads on.
#[derive(Debug)]
pub struct Prefixed<T> {
    prefix: Vec<u8>,
    replayed: usize,
    inner: T,
    /// Its room at the server, given back when the connection ends.
    _room: Vec<OwnedSemaphorePermit>,
}

impl<T> Prefixed<T> {
    /// `prefix` was read from `inner` already.
    #[must_use]
    pub fn new(prefix: Vec<u8>, inner: T) -> Self {
        Self::keeping(prefix, inner, Vec::new())
    }

    /// The same for a connection that takes room.
    pub(super) fn keeping(prefix: Vec<u8>, inner: T, room: Vec<OwnedSemaphorePermit>) -> Self {
        Self { prefix, replayed: 0, inner, _room: room }
    }

    /// The connection alone; bytes that were not replayed are lost.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Prefixed<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let rest = this.prefix.get(this.replayed..).unwrap_or(&[]);
        if rest.is_empty() {
            return Pin::new(&mut this.inner).poll_read(cx, buf);
        }
        let now = rest.get(..buf.remaining()).unwrap_or(rest);
        buf.put_slice(now);
        this.replayed += now.len();
        if this.replayed == this.prefix.len() {
            this.prefix = Vec::new();
            this.replayed = 0;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Prefixed<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn the_bytes_read_before_come_first_whatever_the_pieces() {
        for piece in 1..12 {
            let mut io = Prefixed::new(b"GET / ".to_vec(), &b"HTTP/1.1"[..]);
            let mut got = Vec::new();
            let mut buffer = vec![0; piece];
            loop {
                let len = io.read(&mut buffer).await.unwrap();
                if len == 0 {
                    break;
                }
                got.extend_from_slice(&buffer[..len]);
            }
            assert_eq!(got, b"GET / HTTP/1.1");
        }
    }
}
