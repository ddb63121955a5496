//! Sockets: the port, and what is asked of the kernel for each connection.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::net::TcpStream;

use super::tls::CertificateError;

/// Connections that the kernel may hold for us until we accept them; it takes less where
/// `net.core.somaxconn` says so.
const BACKLOG: i32 = 4096;
/// Bytes that the kernel may hold of what a connection has not taken; Linux counts its own book-keeping
/// in and allows twice as many for that. What a slow listener has not got lies in the ring, once for
/// all: left to itself the kernel takes megabytes for each, and a listener that never reads goes
/// on costing a send in every interval. It is enough for 2 Mbit/s over 300 ms of distance.
const SEND_BUFFER: usize = 64 * 1024;
/// A connection that is silent for so long is probed.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(10);
/// And again so often.
const KEEPALIVE_EVERY: Duration = Duration::from_secs(5);
/// Until so many probes were lost. 10 s and 3 times 5 s: gone within 25 s.
#[cfg(target_os = "linux")]
const KEEPALIVE_PROBES: u32 = 3;
/// Bytes that were sent and not acknowledged for so long end the connection.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED_LIMIT: Duration = Duration::from_secs(20);

/// Why the server cannot start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Another program has the port: stop it or choose another port.
    #[error("{address} is in use by another program. Choose another port with --listen, as in --listen {}:{}", .address.ip(), next_port(.address.port()))]
    AddressInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The system keeps this port from us: choose one above 1023 or ask for the right to it.
    #[error("this user may not listen on {address}. Choose a port above 1023 with --listen, as in --listen {}:8000", .address.ip())]
    PermissionDenied {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address is none of this machine's, or the system refuses it for another reason.
    #[error(
        "cannot listen on {address}: {source}. Choose an address of this machine with --listen, such as 127.0.0.1:8000 or 0.0.0.0:8000"
    )]
    Unusable {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The certificate or its key cannot be used: correct what the message names.
    #[error("no TLS on {address}: {source}")]
    Certificate {
        /// The address that was asked for.
        address: SocketAddr,
        /// What is wrong.
        source: CertificateError,
    },
    /// The system gives no more threads or epoll sets: raise this user's limits.
    #[error(
        "the threads that serve listeners cannot be started: {source}. Raise this user's limits of processes (ulimit -u) and open files (ulimit -n)"
    )]
    Workers {
        /// What the system says.
        source: io::Error,
    },
}

fn next_port(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(8000)
}

/// Opens the port; connections can come from now on.
pub(super) fn open_port(address: SocketAddr) -> Result<TcpListener, ServerError> {
    bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ServerError::AddressInUse { address },
        io::ErrorKind::PermissionDenied => ServerError::PermissionDenied { address },
        _ => ServerError::Unusable { address, source },
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // On Unix this lets us have the port while connections of an earlier run fade away. On Windows
    // it would let two programs have it at once.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // `[::]` means every address, IPv4 ones too. Where the system cannot do both, IPv6 it is.
        let _ = socket.set_only_v6(false);
    }
    tune(&SockRef::from(&socket));
    // Those who are accepted have it from the port. Where it is refused, they have the system's own.
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What the port does not hand down to its connections. Linux does hand it down, which saves five
/// calls for each listener that comes.
pub(super) fn tune_accepted(stream: &TcpStream) {
    #[cfg(not(target_os = "linux"))]
    tune(&SockRef::from(stream));
    #[cfg(target_os = "linux")]
    let _ = stream;
}

/// Asks the kernel to notice when the peer has vanished, and not to hold the end of a group back.
/// Where it cannot, connections work all the same.
fn tune(socket: &SockRef<'_>) {
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_EVERY);
    #[cfg(target_os = "linux")]
    let keepalive = keepalive.with_retries(KEEPALIVE_PROBES);
    let asked = [
        socket.set_tcp_nodelay(true),
        socket.set_tcp_keepalive(&keepalive),
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED_LIMIT)),
    ];
    for error in asked.into_iter().filter_map(Result::err) {
        tracing::debug!(%error, "a socket option was refused");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_the_remedy() {
        let first = open_port(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = first.local_addr().unwrap();
        let error = open_port(address).unwrap_err();
        assert!(matches!(error, ServerError::AddressInUse { .. }), "{error:?}");
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        assert!(error.to_string().contains("--listen"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_connection_is_tuned_as_its_port_is() {
        let port = open_port(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let port = tokio::net::TcpListener::from_std(port).unwrap();
        let _peer = std::net::TcpStream::connect(port.local_addr().unwrap()).unwrap();
        let stream = port.accept().await.unwrap().0;
        tune_accepted(&stream);
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap() && socket.tcp_nodelay().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_AFTER);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE_EVERY);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), KEEPALIVE_PROBES);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNACKNOWLEDGED_LIMIT));
    }

    #[test]
    fn the_kernel_holds_little_for_a_connection_that_takes_nothing() {
        let port = open_port(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let _client = std::net::TcpStream::connect(port.local_addr().unwrap()).unwrap();
        port.set_nonblocking(false).unwrap();
        let accepted = port.accept().unwrap().0;
        let size = SockRef::from(&accepted).send_buffer_size().unwrap();
        assert!((SEND_BUFFER..=2 * SEND_BUFFER).contains(&size), "{size}");
    }

    #[test]
    fn an_address_of_another_machine_is_refused() {
        let error = open_port("192.0.2.1:0".parse().unwrap()).unwrap_err();
        assert!(matches!(error, ServerError::Unusable { .. }), "{error:?}");
    }
}
