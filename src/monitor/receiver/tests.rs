//! Tests of the receiver with clients over the loopback.

use std::{
    io::Write,
    sync::mpsc::{self, RecvTimeoutError},
    thread::JoinHandle,
};

use super::*;
use crate::monitor::pcm::put_bytes;

const PATIENCE: Duration = Duration::from_secs(20);

/// What came, as the test keeps it.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Client,
    Sound(Vec<Frame>),
    Idle,
    Left(usize),
}

struct Room {
    address: SocketAddr,
    stop: Stop,
    came: mpsc::Receiver<Came>,
    thread: JoinHandle<()>,
}

fn room(second: Second) -> Room {
    let receiver = Receiver::open("127.0.0.1:0".parse().unwrap()).unwrap();
    let (address, stop) = (receiver.local_addr(), receiver.stop());
    let (tell, came) = mpsc::channel();
    let thread = thread::spawn(move || {
        let mut hear = |received: Received<'_>| {
            let came = match received {
                Received::Client(_) => Came::Client,
                Received::Sound(frames) => Came::Sound(frames.to_vec()),
                Received::Idle => Came::Idle,
                Received::Left { odd } => Came::Left(odd),
            };
            tell.send(came).is_ok()
        };
        receiver.run(second, &mut hear).unwrap();
    });
    Room { address, stop, came, thread }
}

impl Room {
    fn next(&self) -> Came {
        self.came.recv_timeout(PATIENCE).unwrap()
    }

    /// All sound until something else comes, and that.
    fn sound(&self) -> (Vec<Frame>, Came) {
        let mut all = Vec::new();
        loop {
            match self.next() {
                Came::Sound(frames) => all.extend(frames),
                other => return (all, other),
            }
        }
    }

    fn end(self) {
        self.stop.stop();
        self.thread.join().unwrap();
        while self.came.try_recv().is_ok() {}
        assert!(TcpStream::connect(self.address).is_err(), "the port is still open");
    }
}

fn pcm(count: i16) -> (Vec<Frame>, Vec<u8>) {
    let frames: Vec<Frame> = (0..count).map(|n| [n, -n]).collect();
    let mut bytes = Vec::new();
    put_bytes(&frames, &mut bytes);
    (frames, bytes)
}

#[test]
fn pieces_of_any_length_keep_their_channels_and_an_odd_end_is_told() {
    let room = room(Second::Refuse);
    let (frames, bytes) = pcm(5000);
    for odd in [0, 1, 3] {
        let mut client = TcpStream::connect(room.address).unwrap();
        client.set_nodelay(true).unwrap();
        for piece in bytes.chunks(997) {
            client.write_all(piece).unwrap();
        }
        client.write_all(&vec![9; odd]).unwrap();
        drop(client);
        assert_eq!(room.next(), Came::Client);
        assert_eq!(room.sound(), (frames.clone(), Came::Left(odd)));
    }
    room.end();
}

#[test]
fn a_second_client_is_closed_at_once_and_the_first_one_is_heard_on() {
    let room = room(Second::Refuse);
    let (frames, bytes) = pcm(100);
    let mut first = TcpStream::connect(room.address).unwrap();
    assert_eq!(room.next(), Came::Client);
    let mut second = TcpStream::connect(room.address).unwrap();
    second.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(second.read(&mut [0]).unwrap_or(0), 0, "it was not closed");
    first.write_all(&bytes).unwrap();
    drop(first);
    assert_eq!(room.sound(), (frames, Came::Left(0)));
    room.end();
}

#[test]
fn the_newest_client_takes_over_where_that_is_wanted() {
    let room = room(Second::Replace);
    let mut first = TcpStream::connect(room.address).unwrap();
    assert_eq!(room.next(), Came::Client);
    first.write_all(&[1, 2]).unwrap();
    let mut second = TcpStream::connect(room.address).unwrap();
    first.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap_or(0), 0, "it was not closed");
    // Windows may let a read that waits end with its limit only.
    let left = (0..3).map(|_| room.next()).find(|came| matches!(came, Came::Left(0 | 2)));
    assert!(left.is_some());
    assert_eq!(room.next(), Came::Client);
    let (frames, bytes) = pcm(100);
    second.write_all(&bytes).unwrap();
    drop(second);
    assert_eq!(room.sound(), (frames, Came::Left(0)));
    room.end();
}

#[test]
fn a_client_that_is_silent_is_idle_once_and_heard_again_when_it_speaks() {
    let room = room(Second::Refuse);
    let (frames, bytes) = pcm(10);
    let mut client = TcpStream::connect(room.address).unwrap();
    assert_eq!(room.next(), Came::Client);
    client.write_all(&bytes).unwrap();
    assert_eq!(room.sound(), (frames.clone(), Came::Idle));
    assert_eq!(room.came.recv_timeout(2 * IDLE_AFTER), Err(RecvTimeoutError::Timeout));
    client.write_all(&bytes).unwrap();
    drop(client);
    assert_eq!(room.sound(), (frames, Came::Left(0)));
    room.end();
}

#[test]
fn a_stop_ends_a_client_that_is_heard_and_one_that_is_waited_for() {
    for is_there in [false, true] {
        let room = room(Second::Refuse);
        let client = is_there.then(|| TcpStream::connect(room.address).unwrap());
        if is_there {
            assert_eq!(room.next(), Came::Client);
        }
        room.end();
        drop(client);
    }
}

#[test]
fn a_port_that_is_taken_is_told_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let error = Receiver::open(taken.local_addr().unwrap()).unwrap_err();
    assert!(matches!(error, ReceiverError::InUse { .. }));
    assert!(error.to_string().contains("--listen"), "{error}");
}
