//! Dialling: from a host name to a connected TCP socket, over whichever of its addresses answers.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::{sleep, timeout},
};

use super::own::{bare, is_local, is_self, is_self_address};

/// Addresses of one name that are tried at most.
pub const MAX_ADDRESSES: usize = 16;
/// How long an address is tried alone before the next one is tried beside it: RFC 8305 section 5.
pub const STAGGER: Duration = Duration::from_millis(250);
/// Silence of the peer after which the system asks whether it is still there, how long it waits
/// for data to be acknowledged, and thus how soon a dead peer is noticed.
pub const DEAD_PEER: Duration = Duration::from_secs(10);
/// Wait between such questions.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(3);

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The target is this program's own listener: choose another target or listen elsewhere.
    #[error("it is this program's own listener")]
    Own,
    /// The name has no address: check its spelling and the network; worth a retry.
    #[error("its name cannot be resolved: {0}")]
    Unresolvable(io::Error),
    /// Nobody listens there: the server is down or the port is wrong; worth a retry.
    #[error("nobody listens there")]
    Refused,
    /// No address answered in time: worth a retry.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The network refused: worth a retry.
    #[error("{0}")]
    Network(io::Error),
}

/// How long each step of dialling may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Resolving the name.
    pub resolve: Duration,
    /// Connecting to one of its addresses, all in all.
    pub connect: Duration,
}

/// Connects to `host` (a name, or an address with or without brackets).
///
/// Every address is tried, a quarter of a second after the one before it or as soon as that has
/// failed; the first that connects wins. `own` are the listeners that must not be dialled: they are
/// looked for before and after resolving.
///
/// # Errors
/// [`DialError`]; where several addresses failed, the reason of the last.
pub async fn dial(
    host: &str,
    port: u16,
    own: &[SocketAddr],
    patience: Patience,
) -> Result<TcpStream, DialError> {
    if own.iter().any(|own| is_self(host, port, *own)) {
        return Err(DialError::Own);
    }
    let addresses = match timeout(patience.resolve, lookup_host((bare(host), port))).await {
        Ok(Ok(found)) => found.take(MAX_ADDRESSES).collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(DialError::Unresolvable(error)),
        Err(_) => return Err(DialError::Unresolvable(io::ErrorKind::TimedOut.into())),
    };
    let leads_to =
        |own: &SocketAddr| addresses.iter().any(|at| is_self_address(*at, *own, is_local));
    if own.iter().any(leads_to) {
        return Err(DialError::Own);
    }
    match timeout(patience.connect, race(&addresses)).await {
        Ok(Ok(stream)) => {
            settle(&stream).map_err(DialError::Network)?;
            Ok(stream)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(DialError::Refused)
        }
        Ok(Err(error)) => Err(DialError::Network(error)),
        Err(_) => Err(DialError::TimedOut(patience.connect)),
    }
}

async fn race(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter().copied();
    let mut running = JoinSet::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        if let Some(address) = waiting.next() {
            running.spawn(connect(address));
        } else if running.is_empty() {
            return Err(last_error);
        }
        tokio::select! {
            Some(joined) = running.join_next() => match joined {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last_error = error,
                Err(error) => last_error = io::Error::other(error),
            },
            () = sleep(STAGGER), if waiting.len() > 0 => {}
        }
    }
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    // A port of this machine that nobody listens on can be given to the connecting socket itself,
    // which then talks to itself (RFC 9293 section 3.5, simultaneous open).
    if stream.local_addr()? == stream.peer_addr()? {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(stream)
}

/// No waiting for fuller packets, and a dead peer is noticed.
fn settle(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(DEAD_PEER).with_interval(KEEPALIVE_INTERVAL);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_user_timeout(Some(DEAD_PEER))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { resolve: Duration::from_secs(5), connect: Duration::from_secs(5) };

    fn run<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn our_own_listener_is_refused_before_and_after_resolving() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let own = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        // "127.1" is no literal address, but the resolver makes 127.0.0.1 of it.
        for host in ["localhost", "127.0.0.1", "127.1"] {
            let dialled = run(dial(host, own.port(), &[own], PATIENCE));
            assert!(matches!(dialled, Err(DialError::Own)), "{host}: {dialled:?}");
        }
        assert!(listener.accept().is_err(), "nobody may have connected");
        run(dial("127.1", own.port(), &[], PATIENCE)).unwrap();
    }

    #[test]
    fn an_address_that_refuses_does_not_hide_one_that_accepts() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let bad = SocketAddr::new("127.0.0.2".parse().unwrap(), good.port());
        let stream = run(race(&[bad, good])).unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
    }

    #[test]
    fn failures_are_told_apart() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let free = listener.local_addr().unwrap();
        drop(listener);
        let refused = run(dial("127.0.0.1", free.port(), &[], PATIENCE));
        assert!(matches!(refused, Err(DialError::Refused)), "{refused:?}");
        let unknown = run(dial("no-such-host.invalid", 8000, &[], PATIENCE));
        assert!(matches!(unknown, Err(DialError::Unresolvable(_))), "{unknown:?}");
    }

    #[test]
    fn the_socket_does_not_delay_and_notices_a_dead_peer() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = run(async {
            let port = listener.local_addr().unwrap().port();
            dial("127.0.0.1", port, &[], PATIENCE).await.unwrap().into_std().unwrap()
        });
        assert!(stream.nodelay().unwrap());
        assert!(SockRef::from(&stream).keepalive().unwrap());
        #[cfg(target_os = "linux")]
        assert_eq!(SockRef::from(&stream).tcp_user_timeout().unwrap(), Some(DEAD_PEER));
    }
}
