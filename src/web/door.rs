//! The door: connections that the front door handed on, as axum wants to accept them.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::{Semaphore, mpsc},
    time::timeout,
};

use super::{Site, connection::Connection};

/// Connections at once, most of which follow the events: nothing else stays.
const MAX_CONNECTIONS: usize = 512;
/// What those beyond them are told.
const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n\
    Content-Length: 90\r\nConnection: close\r\n\r\n\
    {\"error\":{\"code\":\"busy\",\"message\":\"too many connections are open; try again in a moment\"}}";
/// For them to take it. It fits the buffer of any socket, so that nobody waits so long.
const BUSY_LIMIT: Duration = Duration::from_millis(100);

/// A source of connections that are already open.
#[derive(Debug)]
pub struct Door<Handed, Io> {
    handed: mpsc::Receiver<Handed>,
    open: fn(Handed) -> (Io, SocketAddr),
    local: SocketAddr,
    places: Arc<Semaphore>,
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
        Self { handed, open, local, places: Arc::new(Semaphore::new(MAX_CONNECTIONS)) }
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
        while let Some(handed) = self.handed.recv().await {
            let (io, peer) = (self.open)(handed);
            match Arc::clone(&self.places).try_acquire_owned() {
                Ok(place) => return (Connection::new(io, place), peer),
                Err(_) => refuse(io).await,
            }
        }
        // The front door has closed: no connection will come any more.
        std::future::pending().await
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.local)
    }
}

async fn refuse(mut io: impl AsyncWrite + Unpin) {
    let telling = async {
        io.write_all(BUSY.as_bytes()).await?;
        io.shutdown().await
    };
    // A peer that does not hear it is gone all the same.
    let _ = timeout(BUSY_LIMIT, telling).await;
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

#[cfg(test)]
mod tests {
    use axum::{
        Router, middleware,
        routing::{get, post},
    };
    use tokio::{
        io::{AsyncReadExt, DuplexStream, duplex},
        time::{Instant, sleep},
    };

    use super::*;
    use crate::web::{body, connection::STALL_LIMIT};

    /// Bytes between the two ends of a connection.
    const PIPE: usize = 256;
    const LONG: usize = 1 << 20;

    /// A door to a site of our own; what is sent to it is a connection.
    fn open_door() -> mpsc::Sender<DuplexStream> {
        let (hand_over, handed) = mpsc::channel(1);
        let local = SocketAddr::from(([127, 0, 0, 1], 8000));
        let door = Door::new(handed, |io| (io, SocketAddr::from(([127, 0, 0, 1], 9))), local);
        let site = Router::new()
            .route("/", post(async |body: String| body))
            .route_layer(middleware::from_fn(body::take_whole))
            .route("/never", get(std::future::pending::<()>))
            .route("/long", get(async || "x".repeat(LONG)));
        tokio::spawn(door.serve(Site(site)));
        hand_over
    }

    async fn sent(door: &mpsc::Sender<DuplexStream>, request: &str) -> DuplexStream {
        let (mut ours, theirs) = duplex(PIPE);
        door.send(theirs).await.unwrap();
        ours.write_all(request.as_bytes()).await.unwrap();
        ours
    }

    async fn rest(mut io: DuplexStream) -> String {
        let mut answer = String::new();
        io.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_half_way_is_not_waited_for() {
        let (door, began) = (open_door(), Instant::now());
        let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf";
        let answer = rest(sent(&door, request).await).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert!(answer.contains("late_body"), "{answer}");
        assert!(began.elapsed() >= body::BODY_LIMIT, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_of_an_answer_is_left() {
        let door = open_door();
        let request = "GET /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let stalled = sent(&door, request).await;
        let mut slow = sent(&door, request).await;
        for _ in 0..3 {
            sleep(STALL_LIMIT * 2 / 3).await;
            slow.read_exact(&mut [0; PIPE]).await.unwrap();
        }
        assert!(rest(stalled).await.len() <= PIPE);
        assert!(rest(slow).await.len() > LONG - 3 * PIPE);
    }

    #[tokio::test]
    async fn connections_beyond_the_most_are_told_so_at_once() {
        let door = open_door();
        let mut open = Vec::new();
        for _ in 0..MAX_CONNECTIONS {
            open.push(sent(&door, "GET /never HTTP/1.1\r\nHost: x\r\n\r\n").await);
        }
        let hello = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
            Content-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello";
        let answer = rest(sent(&door, hello).await).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
        assert!(serde_json::from_str::<serde_json::Value>(body).is_ok(), "{body}");
        drop(open);
        while rest(sent(&door, hello).await).await.starts_with("HTTP/1.1 503 ") {
            tokio::task::yield_now().await;
        }
    }
}
