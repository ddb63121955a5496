//! One connection of the web: how long its peer may leave it waiting, and how it is closed.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::OwnedSemaphorePermit,
    time::{Sleep, sleep},
};

/// A peer that takes no byte of its answer for so long has left.
pub(super) const STALL_LIMIT: Duration = Duration::from_secs(30);
/// For the peer to close too, once it has its answer.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// Bytes of an unwanted body, or of another request, that are taken meanwhile.
const MAX_UNWANTED: usize = 256 * 1024;

/// A connection that ends without losing its last answer: closing with bytes unread would reset it
/// before the peer has read the answer. So the peer is told first that this is the end, and heard
/// until it closes too.
#[derive(Debug)]
pub struct Connection<Io> {
    io: Io,
    /// Runs while the peer lets us wait.
    waiting: Option<Pin<Box<Sleep>>>,
    /// The peer was told that this is the end.
    is_ending: bool,
    /// Bytes that came after that.
    unwanted: usize,
    /// Its place among all connections.
    _place: OwnedSemaphorePermit,
}

impl<Io> Connection<Io> {
    pub(super) fn new(io: Io, place: OwnedSemaphorePermit) -> Self {
        Self { io, waiting: None, is_ending: false, unwanted: 0, _place: place }
    }

    /// The peer has let us wait for longer than `limit`, counted from the first time this is asked.
    fn is_late(&mut self, limit: Duration, cx: &mut Context<'_>) -> bool {
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(limit)));
        waiting.as_mut().poll(cx).is_ready()
    }

    /// What came of writing, where the peer has not let us wait for too long.
    fn in_time(
        &mut self,
        written: Poll<io::Result<usize>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.waiting = None;
        } else if self.is_late(STALL_LIMIT, cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Connection<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.in_time(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.in_time(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if !this.is_ending {
            ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
            this.is_ending = true;
            this.waiting = None;
        }
        while this.unwanted < MAX_UNWANTED {
            let mut bytes = [0; 2048];
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut this.io).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    this.unwanted += buffer.filled().len();
                }
                // It has closed, in whatever way.
                Poll::Ready(_) => break,
                Poll::Pending if this.is_late(CLOSE_LIMIT, cx) => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }
}
