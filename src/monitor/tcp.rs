//! The peer: raw PCM over TCP, as a raw audio socket, PulseAudio or Snapcast takes it.

use std::{
    io::{self, Write},
    net::{Shutdown, SocketAddr, TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use socket2::SockRef;

use super::{
    Fault, Pace, Sink,
    pcm::{FRAME_BYTES, Frame, RATE, put_bytes},
    sink::Cut,
};

/// For one address to accept.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// A peer that takes nothing for so long is given up.
const WRITE_LIMIT: Duration = Duration::from_secs(2);
/// Bytes that the kernel may hold of what the peer has not taken, a fifth of a second; left to itself it
/// takes megabytes, and a peer that hangs would be noticed after half a minute.
const SEND_BUFFER: usize = RATE as usize * FRAME_BYTES / 5;
/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 4;
/// Silence at the end, a tenth of a second: players lose what is shorter than their own blocks.
const LAST_SILENCE: usize = RATE as usize / 10;

/// A connected peer.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    name: String,
    bytes: Vec<u8>,
}

impl Tcp {
    /// Connects to the first address of `host` that accepts.
    ///
    /// # Errors
    /// [`Fault::Unavailable`]: nobody does.
    pub(super) fn open(host: &str, port: u16) -> Result<Self, Fault> {
        let name = format!("{host}:{port}");
        let addresses =
            (host, port).to_socket_addrs().map_err(|error| Fault::unavailable(&name, &error))?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        for address in addresses.take(MOST_ADDRESSES) {
            match connect(address) {
                Ok(stream) => return Ok(Self { stream, name, bytes: Vec::new() }),
                Err(error) => last = error,
            }
        }
        Err(Fault::unavailable(&name, &last))
    }

    fn send(&mut self) -> Result<(), Fault> {
        self.stream.write_all(&self.bytes).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                let seconds = WRITE_LIMIT.as_secs();
                let reason = format!("it took nothing for {seconds} s");
                Fault::Lost { what: self.name.clone(), reason }
            }
            _ => Fault::lost(&self.name, &error),
        })
    }
}

fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT)?;
    refuse_itself(&stream)?;
    stream.set_nodelay(true)?;
    SockRef::from(&stream).set_send_buffer_size(SEND_BUFFER)?;
    stream.set_write_timeout(Some(WRITE_LIMIT))?;
    Ok(stream)
}

fn refuse_itself(stream: &TcpStream) -> io::Result<()> {
    // Where nobody listens at a port from which the system also gives out numbers, a connection may be
    // given that very number: it would hear itself.
    if stream.local_addr()? == stream.peer_addr()? {
        let reason = "nobody listens there; the system connected the socket to itself";
        return Err(io::Error::new(io::ErrorKind::ConnectionRefused, reason));
    }
    Ok(())
}

impl Sink for Tcp {
    fn pace(&self) -> Pace {
        Pace::Free
    }

    fn write(&mut self, frames: &[Frame]) -> Result<(), Fault> {
        self.bytes.clear();
        put_bytes(frames, &mut self.bytes);
        self.send()
    }

    fn cut(&self) -> Option<Cut> {
        let stream = self.stream.try_clone().ok()?;
        // A connection that is broken already needs no end.
        Some(Arc::new(move || drop(stream.shutdown(Shutdown::Both))))
    }

    fn finish(&mut self) -> Result<(), Fault> {
        self.write(&[[0, 0]; LAST_SILENCE])?;
        self.stream.shutdown(Shutdown::Write).map_err(|error| Fault::lost(&self.name, &error))
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read, net::TcpListener, thread, time::Instant};

    use socket2::{Domain, Protocol, Socket, Type};

    use super::*;

    fn pcm(count: i16) -> Vec<Frame> {
        (0..count).map(|n| [n, -n]).collect()
    }

    #[test]
    fn a_peer_gets_every_frame_then_a_tenth_of_a_second_of_silence_and_the_end() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap();
        let peer = thread::spawn(move || {
            let mut heard = Vec::new();
            port.accept().unwrap().0.read_to_end(&mut heard).unwrap();
            heard
        });
        let mut tcp = Tcp::open("127.0.0.1", address.port()).unwrap();
        tcp.write(&pcm(30_000)).unwrap();
        tcp.finish().unwrap();
        let mut bytes = Vec::new();
        put_bytes(&pcm(30_000), &mut bytes);
        bytes.resize(bytes.len() + 4410 * 4, 0);
        assert!(peer.join().unwrap() == bytes);
    }

    #[test]
    fn a_peer_that_takes_nothing_is_given_up_in_time() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut tcp = Tcp::open("127.0.0.1", port.local_addr().unwrap().port()).unwrap();
        tcp.stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
        let begun = Instant::now();
        let fault = loop {
            if let Err(fault) = tcp.write(&pcm(30_000)) {
                break fault;
            }
            assert!(begun.elapsed() < Duration::from_secs(20));
        };
        assert!(fault.to_string().contains("took nothing for 2 s"), "{fault}");
    }

    #[test]
    fn a_connection_to_itself_is_none() {
        // A socket that is bound to the very port it connects to meets itself at once.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap();
        socket.connect(&address).unwrap();
        let error = refuse_itself(&TcpStream::from(socket)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(port.local_addr().unwrap()).unwrap();
        refuse_itself(&stream).unwrap();
    }
}
