//! The receiver: a raw audio socket, which takes PCM over TCP from one client at a time.
//!
//! The protocol has nothing but samples: 16 bits, two channels, 44.1 kHz, the lower byte first
//! (RawAudioSocket, TCP port 44100). Whoever is slow to take them slows the sender down.

use std::{
    io::{self, Read},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};

use super::pcm::{FRAME_BYTES, Frame, RATE, Unpacker};

/// A client that sends nothing for so long is idle: what it sent is played to its end, and the device
/// is free for others until it sends more.
pub const IDLE_AFTER: Duration = Duration::from_secs(2);
/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;
/// Bytes that the kernel may hold of what was not read: a tenth of a second. More would sound on for
/// as much longer when the sender stops.
const RECEIVE_BUFFER: usize = (RATE as usize * FRAME_BYTES) / 10;
/// A client that is silent for so long is probed, and again after as long: one whose machine has
/// vanished must not keep others out for ever.
const PROBE_AFTER: Duration = Duration::from_secs(10);
/// When the system has no room for another connection, the next attempt waits so long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A wake of our own accepting thread, over the loopback.
const WAKE_LIMIT: Duration = Duration::from_secs(1);

/// Why the port cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiverError {
    /// Somebody has the port: end that program, or choose another port. It lies among those that
    /// systems give to outgoing connections, so it may be free in a moment.
    #[error(
        "{address} is in use: another monitor plays, or a connection of some program happens to have that number. Try again, or choose another port with --listen"
    )]
    InUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address is none of this machine's, or may not be used.
    #[error(
        "cannot listen on {address}: {source}. Choose an address of this machine with --listen, such as 127.0.0.1:44100"
    )]
    Unusable {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// What becomes of a client that comes while another one sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Second {
    /// It is closed at once.
    Refuse,
    /// It takes the place of the other one.
    Replace,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'a> {
    /// A client, from there.
    Client(SocketAddr),
    /// Frames of it, whole ones.
    Sound(&'a [Frame]),
    /// It has sent nothing for [`IDLE_AFTER`].
    Idle,
    /// It has left. So many bytes of a frame that never was whole were thrown away.
    Left {
        /// 0 to 3.
        odd: usize,
    },
}

/// An open port.
#[derive(Debug)]
pub struct Receiver {
    port: TcpListener,
    address: SocketAddr,
    lobby: Arc<Lobby>,
}

/// Ends a receiver from another thread.
#[derive(Debug, Clone)]
pub struct Stop {
    lobby: Arc<Lobby>,
    address: SocketAddr,
}

/// Where a client waits until it is heard.
#[derive(Debug, Default)]
struct Lobby {
    guests: Mutex<Guests>,
    came: Condvar,
}

#[derive(Debug, Default)]
struct Guests {
    /// The one that is heard.
    current: Option<TcpStream>,
    next: Option<(TcpStream, SocketAddr)>,
    has_to_stop: bool,
}

impl Receiver {
    /// Opens the port.
    ///
    /// # Errors
    /// [`ReceiverError`] says what to do.
    pub fn open(address: SocketAddr) -> Result<Self, ReceiverError> {
        let port = TcpListener::bind(address).map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => ReceiverError::InUse { address },
            _ => ReceiverError::Unusable { address, source },
        })?;
        let address =
            port.local_addr().map_err(|source| ReceiverError::Unusable { address, source })?;
        Ok(Self { port, address, lobby: Arc::default() })
    }

    /// Where it listens: the port that the system chose where 0 was asked for.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The way to end it.
    #[must_use]
    pub fn stop(&self) -> Stop {
        Stop { lobby: Arc::clone(&self.lobby), address: self.address }
    }

    /// Hears one client after the other and tells `hear` what comes, until it is stopped. While `hear`
    /// works, the sender waits; where it answers false, that client is heard no more.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn run(self, second: Second, hear: &mut dyn FnMut(Received<'_>) -> bool) -> io::Result<()> {
        let Self { port, lobby, .. } = self;
        let door = Arc::clone(&lobby);
        let accepting = thread::Builder::new()
            .name("receiver".into())
            .spawn(move || accept_all(&port, &door, second))?;
        while let Some((mut stream, address)) = lobby.next() {
            hear(Received::Client(address));
            let odd = listen(&mut stream, hear);
            // While what it sent is played to its end, the next one may wait for its turn.
            lobby.lock().current = None;
            drop(stream);
            hear(Received::Left { odd });
        }
        // It was woken, and ends with the port.
        let _ = accepting.join();
        Ok(())
    }
}

impl Stop {
    /// Closes the port and ends the client that is heard; what it has sent is heard.
    pub fn stop(&self) {
        let mut guests = self.lobby.lock();
        guests.has_to_stop = true;
        guests.next = None;
        if let Some(current) = &guests.current {
            // A client that has left needs no end.
            let _ = current.shutdown(Shutdown::Read);
        }
        drop(guests);
        self.lobby.came.notify_all();
        // Nothing else ends a wait for a connection.
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        let _ = TcpStream::connect_timeout(&address, WAKE_LIMIT);
    }
}

impl Lobby {
    /// The next client; nothing once it has to stop.
    fn next(&self) -> Option<(TcpStream, SocketAddr)> {
        let mut guests = self.lock();
        loop {
            if guests.has_to_stop {
                return None;
            }
            if let Some(next) = guests.next.take()
                && let Ok(current) = next.0.try_clone()
            {
                guests.current = Some(current);
                return Some(next);
            }
            guests = self.came.wait(guests).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Lets a client wait for its turn; false: it has to stop.
    fn admit(&self, stream: TcpStream, address: SocketAddr, second: Second) -> bool {
        let mut guests = self.lock();
        if guests.has_to_stop {
            return false;
        }
        let is_busy = guests.current.is_some() || guests.next.is_some();
        if is_busy && second == Second::Refuse {
            tracing::warn!(%address, "a second client was refused: one plays already. With --replace the newest one plays");
            return true;
        }
        if let Some(current) = &guests.current {
            tracing::info!(%address, "a new client takes the place of the one before");
            let _ = current.shutdown(Shutdown::Both);
        }
        guests.next = Some((stream, address));
        drop(guests);
        self.came.notify_all();
        true
    }

    fn lock(&self) -> MutexGuard<'_, Guests> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn accept_all(port: &TcpListener, lobby: &Lobby, second: Second) {
    loop {
        match port.accept() {
            Ok((stream, address)) => {
                let socket = SockRef::from(&stream);
                // Where they fail, more is held than need be, and one that has vanished stays.
                let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
                let keepalive =
                    TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_AFTER);
                let _ = socket.set_tcp_keepalive(&keepalive);
                if !lobby.admit(stream, address, second) {
                    return;
                }
            }
            Err(error) => {
                tracing::debug!(%error, "a connection could not be accepted");
                if lobby.lock().has_to_stop {
                    return;
                }
                thread::sleep(ACCEPT_PAUSE);
            }
        }
    }
}

/// Hears one client to its end; bytes that were left over.
fn listen(stream: &mut TcpStream, hear: &mut dyn FnMut(Received<'_>) -> bool) -> usize {
    let (mut unpacker, mut frames, mut piece) = (Unpacker::default(), Vec::new(), vec![0; PIECE]);
    // Without it an idle client would keep the device.
    let _ = stream.set_read_timeout(Some(IDLE_AFTER));
    let mut is_idle = true;
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(len) => {
                frames.clear();
                unpacker.put(piece.get(..len).unwrap_or_default(), &mut frames);
                is_idle = false;
                if !hear(Received::Sound(&frames)) {
                    break;
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                    if !is_idle {
                        is_idle = true;
                        hear(Received::Idle);
                    }
                }
                io::ErrorKind::Interrupted => {}
                _ => break,
            },
        }
    }
    unpacker.waiting()
}

#[cfg(test)]
mod tests;
