//! The driver of one listener: a task that flushes it, and sleeps between flushes.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::{io::AsyncWriteExt, net::TcpStream, sync::watch, time::timeout};

use super::{
    listener::{Flushed, Listener},
    registry::Place,
};

/// When the server stops, its listeners have so long to take what is there.
pub const DRAIN_LIMIT: Duration = Duration::from_millis(300);
/// Bytes that a listener may send behind its request before it is dropped: there is nothing to say.
const MAX_CHATTER: usize = 64 * 1024;

/// Why a listener ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It closed its side.
    Left,
    /// Its connection broke.
    Broken(io::ErrorKind),
    /// It took no byte for too long.
    Stalled,
    /// It took too little to ever catch up.
    TooSlow,
    /// The stream ended, or the server stops.
    Finished,
}

/// Serves `listener` on `stream` until one of both ends. `stop` turns true when the server stops.
pub(super) async fn drive(
    mut listener: Listener,
    mut stream: TcpStream,
    place: Place,
    flush_every: Duration,
    stop: watch::Receiver<bool>,
) {
    let end = serve(&mut listener, &stream, &place, flush_every, stop).await;
    if matches!(end, End::Stalled | End::TooSlow) {
        place.note_dropped_slow();
    }
    tracing::debug!(?end, sent = listener.sent(), moves = listener.moves(), "listener ended");
    // Nothing unread may be left: the kernel would reset the connection and with it the last frames.
    let _ = hear(&stream, &mut 0);
    let _ = stream.shutdown().await;
}

async fn serve(
    listener: &mut Listener,
    stream: &TcpStream,
    place: &Place,
    flush_every: Duration,
    mut stop: watch::Receiver<bool>,
) -> End {
    let stopping = async {
        // The sender outlives every listener; if it did not, the server is gone: stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
    };
    tokio::pin!(stopping);
    let mut heard = 0;
    loop {
        let flushed_at = Instant::now();
        let flushed = match flush(listener, stream, place, flushed_at) {
            Ok(flushed) => flushed,
            Err(error) => return End::Broken(error.kind()),
        };
        match flushed {
            Flushed::All => tokio::select! {
                () = &mut stopping => return drain(listener, stream, place).await,
                end = gone(stream, &mut heard) => return end,
                () = due(listener, flushed_at, flush_every) => {}
            },
            Flushed::Short => tokio::select! {
                () = &mut stopping => return drain(listener, stream, place).await,
                end = gone(stream, &mut heard) => return end,
                _ = stream.writable() => {}
                () = tokio::time::sleep_until(listener.stalled_at().into()) => return End::Stalled,
            },
            Flushed::Ended => return End::Finished,
            Flushed::TooSlow => return End::TooSlow,
        }
    }
}

/// Waits until the next flush is due and there is something to send; the first sound that there is
/// goes at once.
async fn due(listener: &mut Listener, flushed_at: Instant, flush_every: Duration) {
    if !listener.hears_nothing_yet() {
        tokio::time::sleep_until((flushed_at + flush_every).into()).await;
    }
    listener.ready().await;
}

/// Sends what is there to the last frame, for as long as [`DRAIN_LIMIT`] allows.
async fn drain(listener: &mut Listener, stream: &TcpStream, place: &Place) -> End {
    let all = async {
        while let Ok(Flushed::Short) = flush(listener, stream, place, Instant::now()) {
            if stream.writable().await.is_err() {
                break;
            }
        }
    };
    let _ = timeout(DRAIN_LIMIT, all).await;
    End::Finished
}

fn flush(
    listener: &mut Listener,
    stream: &TcpStream,
    place: &Place,
    now: Instant,
) -> io::Result<Flushed> {
    let (sent, moves) = (listener.sent(), listener.moves());
    let flushed = listener.flush(now, &mut Vec::new(), |bytes| stream.try_write(bytes));
    place.note_sent(listener.sent() - sent);
    place.note_moves(listener.moves() - moves);
    flushed
}

/// Waits until the peer has closed or broken the connection, or talks too much.
async fn gone(stream: &TcpStream, heard: &mut usize) -> End {
    loop {
        if let Err(error) = stream.readable().await {
            return End::Broken(error.kind());
        }
        if let Err(end) = hear(stream, heard) {
            return end;
        }
    }
}

/// Takes what the peer says and forgets it.
fn hear(stream: &TcpStream, heard: &mut usize) -> Result<(), End> {
    let mut buffer = [0; 512];
    loop {
        match stream.try_read(&mut buffer) {
            Ok(0) => return Err(End::Left),
            Ok(len) => *heard += len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(End::Broken(error.kind())),
        }
        if *heard > MAX_CHATTER {
            return Err(End::Left);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::{
        icy::Burst,
        relay::Relay,
        server::{Listeners, STALL_LIMIT},
    };

    async fn pair() -> (TcpStream, TcpStream) {
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(port.local_addr().unwrap()).await.unwrap();
        (port.accept().await.unwrap().0, client)
    }

    #[tokio::test(start_paused = true)]
    async fn a_listener_that_takes_nothing_is_dropped_and_counted() {
        let (stream, client) = pair().await;
        let listeners = Listeners::new(1, 0);
        let address = IpAddr::from([127, 0, 0, 1]);
        let place = listeners.admit(address, None, "/stream".into(), Instant::now()).unwrap();
        // More than the kernel takes for a client that does not read.
        let head = vec![0; 64 << 20];
        let burst = Burst::of(Duration::ZERO);
        let listener = Listener::new(&Relay::new(), head, None, burst, Instant::now());
        let (_stop, stopped) = watch::channel(false);
        let flush_every = Duration::from_millis(250);
        let begun = tokio::time::Instant::now();
        drive(listener, stream, place, flush_every, stopped).await;
        assert!(begun.elapsed() >= STALL_LIMIT - Duration::from_secs(1));
        assert_eq!((listeners.count(), listeners.totals().dropped_slow), (0, 1));
        drop(client);
    }
}
