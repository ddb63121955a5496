//! The floor: a server that does nothing but send. What a listener costs here no server can save.
//!
//! It answers whatever it is asked with a head, then hands all connections the same bytes four times
//! a second, one behind the other. No frames, no titles, no limits, nobody who is slow.

use std::{
    io::{ErrorKind, Read, Write},
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, net::TcpListener, net::TcpStream};
use slab::Slab;
use socket2::{Domain, Socket, Type};

use crate::figures::is_asked;

/// Asks this program to be the floor.
pub(crate) const ARGUMENT: &str = "--floor";
/// All at once: spread over the interval, as ours are, they would cost a little more.
const FLUSH: Duration = Duration::from_millis(250);
/// A quarter of a second at 128 kbit/s.
const PIECE: [u8; 4_000] = [0x55; 4_000];
const HEAD: &[u8] = b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n";
const BACKLOG: i32 = 4096;
const PORT: Token = Token(usize::MAX);

/// This process was started to be the floor.
pub(crate) fn is_wanted() -> bool {
    is_asked(ARGUMENT)
}

/// Prints its address and serves until it is killed.
pub(crate) fn serve() {
    let port = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    port.set_nonblocking(true).unwrap();
    port.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    port.listen(BACKLOG).unwrap();
    let mut port = TcpListener::from_std(port.into());
    println!("{}", port.local_addr().unwrap());
    let (mut poll, mut events) = (Poll::new().unwrap(), Events::with_capacity(256));
    poll.registry().register(&mut port, PORT, Interest::READABLE).unwrap();
    let mut asking: Slab<TcpStream> = Slab::new();
    let mut listening: Vec<TcpStream> = Vec::new();
    let mut due = Instant::now() + FLUSH;
    loop {
        let wait = due.saturating_duration_since(Instant::now());
        poll.poll(&mut events, Some(wait)).unwrap();
        for event in &events {
            if event.token() == PORT {
                while let Ok((mut stream, _)) = port.accept() {
                    let entry = asking.vacant_entry();
                    let token = Token(entry.key());
                    poll.registry().register(&mut stream, token, Interest::READABLE).unwrap();
                    entry.insert(stream);
                }
            } else {
                let mut stream = asking.remove(event.token().0);
                poll.registry().deregister(&mut stream).unwrap();
                let asked = matches!(stream.read(&mut [0; 4096]), Ok(1..));
                if asked && stream.write(HEAD).is_ok() {
                    listening.push(stream);
                }
            }
        }
        while Instant::now() >= due {
            listening.retain_mut(|stream| match stream.write(&PIECE) {
                Ok(_) => true,
                Err(error) => error.kind() == ErrorKind::WouldBlock,
            });
            due += FLUSH;
        }
    }
}
