//! The wire: a listener's socket, plain or with TLS around what goes over it; it never blocks.
//!
//! TLS is sent a record at a time, and the next one is made only when the socket has taken the last:
//! so what the listener was sent and the kernel has not taken is one record at most. While one is
//! left, the socket is full like any other.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
};

use mio::{Interest, Registry, Token, net::TcpStream};
use rustls::ServerConnection;

use super::End;

/// Sound in one record, in bytes: a quarter of a second at 256 kbit/s. TLS adds about 22 to each.
const RECORD: usize = 8 * 1024;
/// How often a listener may say something behind its request before it is dropped: there is nothing
/// to say. Each time it is heard for [`HEARING`] bytes at most.
const MAX_CHATTER: u8 = 128;
/// Bytes that are read at once of what nobody will look at.
const HEARING: usize = 512;

/// The socket of a seat. As small as can be: a plain listener has nothing but the socket here.
#[derive(Debug)]
pub(in crate::server) struct Wire {
    stream: TcpStream,
    /// How often it said something.
    heard: u8,
    /// It took less than it was shown.
    is_full: bool,
    /// The slot of its flushes; it stands here because here it takes no room.
    pub(super) slot: u16,
    session: Option<Box<ServerConnection>>,
}

impl From<std::net::TcpStream> for Wire {
    /// A plain one; the stream does not block.
    fn from(stream: std::net::TcpStream) -> Self {
        let stream = TcpStream::from_std(stream);
        Self { stream, heard: 0, is_full: false, slot: 0, session: None }
    }
}

impl Wire {
    /// One whose TLS handshake is done; the stream does not block.
    pub(in crate::server) fn through_tls(
        stream: std::net::TcpStream,
        session: ServerConnection,
    ) -> Self {
        Self { session: Some(Box::new(session)), ..stream.into() }
    }

    /// Has `registry` tell of everything that comes from the socket, and of room after it was full.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// It took less than it was shown, and has not told of room since.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// It took less than it was shown, or everything.
    pub(super) fn set_full(&mut self, is_full: bool) {
        self.is_full = is_full;
    }

    /// Sends some of `bytes`, as many as are taken at once.
    ///
    /// # Errors
    /// `WouldBlock` where none are; anything else ends the connection.
    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(session) = &mut self.session else { return self.stream.write(bytes) };
        if !send_records(session, &mut self.stream)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut taken = 0;
        for record in bytes.chunks(RECORD) {
            taken += session.writer().write(record)?;
            if !send_records(session, &mut self.stream)? {
                break;
            }
        }
        Ok(taken)
    }

    /// Sends what is left of a record; false: there is still something left.
    ///
    /// # Errors
    /// The connection is broken.
    pub(super) fn send_rest(&mut self) -> io::Result<bool> {
        match &mut self.session {
            Some(session) => send_records(session, &mut self.stream),
            None => Ok(true),
        }
    }

    /// Something that counts as sent has not been taken by the socket yet.
    pub(super) fn has_rest(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.wants_write())
    }

    /// Takes what the peer says and forgets it.
    pub(super) fn hear(&mut self) -> Result<(), End> {
        let Self { stream, heard, session, .. } = self;
        loop {
            let len = match session {
                Some(session) => hear_records(session, stream),
                None => stream.read(&mut [0; HEARING]),
            };
            match len {
                Ok(0) => return Err(End::Left),
                Ok(_) => *heard = heard.saturating_add(1),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(End::Broken(error.kind())),
            }
            if *heard > MAX_CHATTER {
                return Err(End::Left);
            }
        }
    }

    /// Ends the connection behind the last byte that was sent.
    pub(super) fn close(mut self) {
        // Nothing unread may be left: the kernel would reset the connection and with it the last
        // frames.
        let _ = self.hear();
        if let Some(session) = &mut self.session {
            // Without this the listener could not tell the end from a connection that was cut.
            session.send_close_notify();
            let _ = send_records(session, &mut self.stream);
        }
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// Sends the records that are made; false: the socket did not take all of them.
fn send_records(session: &mut ServerConnection, stream: &mut TcpStream) -> io::Result<bool> {
    while session.wants_write() {
        match session.write_tls(stream) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Takes one piece of what comes; 0: the peer has closed its side.
fn hear_records(session: &mut ServerConnection, stream: &mut TcpStream) -> io::Result<usize> {
    // What was read together with the request, too: the session stops reading while it is full.
    while matches!(session.reader().read(&mut [0; HEARING]), Ok(1..)) {}
    let len = session.read_tls(&mut Read::take(&mut *stream, HEARING as u64))?;
    match session.process_new_packets() {
        Ok(state) if state.peer_has_closed() => return Ok(0),
        Ok(_) => {}
        Err(_) => {
            // It is told why; where it does not take that, it has heard enough.
            let _ = send_records(session, stream);
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    while matches!(session.reader().read(&mut [0; HEARING]), Ok(1..)) {}
    Ok(len)
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, TcpListener},
        sync::Arc,
        thread,
        time::{Duration, Instant},
    };

    use rustls::{
        ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned,
        pki_types::{PrivatePkcs8KeyDer, ServerName},
    };

    use super::*;
    use crate::{
        icy::Burst,
        net::tls::provider,
        relay::Relay,
        server::{
            Listeners, STALL_LIMIT, ServerOptions, fan::Seat, listener::Listener, mounts::Mounts,
            registry::Visitor, tick::Epoch,
        },
    };

    type Client = StreamOwned<ClientConnection, std::net::TcpStream>;

    /// A wire behind its handshake, and the listener at its other end.
    fn pair() -> (Wire, Client) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into());
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = port.local_addr().unwrap();
        let client = thread::spawn(move || {
            let config = ClientConfig::builder_with_provider(provider())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
            let name = ServerName::try_from("localhost").unwrap();
            let session = ClientConnection::new(Arc::new(config), name).unwrap();
            let stream = std::net::TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            let mut client = StreamOwned::new(session, stream);
            while client.conn.is_handshaking() {
                client.conn.complete_io(&mut client.sock).unwrap();
            }
            client
        });
        let mut session = ServerConnection::new(Arc::new(config.unwrap())).unwrap();
        let mut stream = port.accept().unwrap().0;
        while session.is_handshaking() {
            session.complete_io(&mut stream).unwrap();
        }
        stream.set_nonblocking(true).unwrap();
        (Wire::through_tls(stream, session), client.join().unwrap())
    }

    /// Sends until the socket takes no more; what counts as sent.
    fn fill(wire: &mut Wire) -> Vec<u8> {
        let sound: Vec<u8> = (0_u32..1 << 24).map(|n| n.to_le_bytes()[1]).collect();
        let sent = wire.send(&sound).unwrap();
        assert!(sent < sound.len(), "the kernel takes it all");
        sound[..sent].to_vec()
    }

    #[test]
    fn a_plain_wire_takes_no_more_room_than_a_pointer_beside_its_socket() {
        // A debug build's socket is larger.
        let pointer = size_of::<usize>();
        let least = (size_of::<TcpStream>() + 4).next_multiple_of(pointer) + pointer;
        assert_eq!(size_of::<Wire>(), least);
    }

    #[test]
    fn what_the_socket_does_not_take_is_one_record_and_comes_when_there_is_room() {
        let (mut wire, mut client) = pair();
        let mut sent = fill(&mut wire);
        assert!(wire.has_rest());
        assert_eq!(wire.send(b"more").unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut heard = vec![0; sent.len()];
        let reading = thread::spawn(move || {
            client.read_exact(&mut heard).unwrap();
            (client, heard)
        });
        let begun = Instant::now();
        while !wire.send_rest().unwrap() {
            assert!(begun.elapsed() < Duration::from_secs(20));
            thread::yield_now();
        }
        let (mut client, heard) = reading.join().unwrap();
        assert!(heard == sent, "the sound differs");
        assert!(!wire.has_rest());
        sent = b"the last words".to_vec();
        assert_eq!(wire.send(&sent).unwrap(), sent.len());
        wire.close();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).expect("the end is told");
        assert_eq!(rest, sent);
    }

    #[test]
    fn a_listener_behind_tls_that_takes_nothing_is_dropped_like_any_other() {
        let (wire, _client) = pair();
        let listeners = Listeners::new(1, 0);
        let mounts = Mounts::of(&ServerOptions::default(), Relay::new());
        let (begun, address) = (Instant::now(), IpAddr::from([127, 0, 0, 1]));
        let epoch = Epoch::new(begun);
        let mount = mounts.main();
        let place = listeners.admit(address, Visitor::default(), mount, begun).unwrap();
        let burst = Burst::of(Duration::from_secs(1));
        let listener = Listener::new(mount, vec![0; 64 << 20], None, burst, epoch.tick(begun));
        let mut seat = Seat::new(wire, listener, place);
        let mut stage = Vec::new();
        assert_eq!(seat.turn(epoch.tick(begun), &mut stage), Ok(()));
        assert!(seat.is_full());
        assert_eq!(seat.on_room(epoch.tick(begun), &mut stage), Ok(()));
        assert_eq!(seat.turn(epoch.tick(begun + STALL_LIMIT / 2), &mut stage), Ok(()));
        let late = epoch.tick(begun + STALL_LIMIT + Duration::from_secs(1));
        assert_eq!(seat.turn(late, &mut stage), Err(End::Stalled));
        seat.end(End::Stalled);
        assert_eq!((listeners.count(), listeners.totals().dropped_slow), (0, 1));
    }

    #[test]
    fn the_end_waits_for_the_rest_of_a_record() {
        let (mut wire, mut client) = pair();
        let (listeners, relay) = (Listeners::new(1, 0), Relay::new());
        let mounts = Mounts::of(&ServerOptions::default(), relay.clone());
        let (begun, mount) = (Instant::now(), mounts.main());
        let now = Epoch::new(begun).tick(begun);
        let address = IpAddr::from([127, 0, 0, 1]);
        let place = listeners.admit(address, Visitor::default(), mount, begun).unwrap();
        let listener = Listener::new(mount, Vec::new(), None, Burst::of(Duration::ZERO), now);
        let mut sent = fill(&mut wire).len();
        let mut seat = Seat::new(wire, listener, place);
        relay.close();
        let mut stage = Vec::new();
        assert_eq!(seat.turn(now, &mut stage), Ok(()), "all of it is not there yet");
        assert!(seat.is_full());
        let mut piece = vec![0; 1 << 16];
        let end = loop {
            sent -= client.read(&mut piece).unwrap();
            if let Err(end) = seat.on_room(now, &mut stage) {
                break end;
            }
        };
        assert_eq!(end, End::Finished);
        seat.end(end);
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).expect("the end is told");
        assert_eq!(rest.len(), sent);
    }

    #[test]
    fn what_a_listener_says_is_heard_within_bounds() {
        let (mut wire, mut client) = pair();
        client.write_all(b"hello").unwrap();
        let begun = Instant::now();
        while wire.heard == 0 {
            assert_eq!(wire.hear(), Ok(()));
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
        client.write_all(&[0; 1 << 17]).unwrap();
        while wire.hear() == Ok(()) {
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
        assert_eq!(wire.hear(), Err(End::Left));
    }
}
