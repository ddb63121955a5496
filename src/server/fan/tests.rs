//! Tests of the fan with real sockets and a clock of their own where time matters.

use std::{
    io::Read,
    net::{IpAddr, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{End, Fan, Seat};
use crate::{
    icy::Burst,
    mpeg::Header,
    relay::{FrameKind, Group, Relay},
    server::{
        Listeners, STALL_LIMIT, ServerOptions,
        listener::Listener,
        mounts::Mounts,
        registry::Visitor,
        tick::{Epoch, Tick},
    },
};

/// How long something may take that comes at once.
const PATIENCE: Duration = Duration::from_secs(20);

fn pair() -> (TcpStream, TcpStream) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(port.local_addr().unwrap()).unwrap();
    let server = port.accept().unwrap().0;
    server.set_nonblocking(true).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    (server, client)
}

fn mounts(relay: &Relay) -> Arc<Mounts> {
    Arc::new(Mounts::of(&ServerOptions::default(), relay.clone()))
}

fn fan(mounts: &Arc<Mounts>, alive: &tokio::sync::mpsc::Sender<()>) -> Fan {
    // A slot comes round in an hour.
    Fan::start(Duration::from_secs(3600), mounts, Epoch::new(Instant::now()), alive).unwrap()
}

fn tick(after: Duration) -> Tick {
    let begun = Instant::now();
    Epoch::new(begun).tick(begun + after)
}

fn seat(mounts: &Mounts, listeners: &Listeners, head: Vec<u8>) -> (Seat, TcpStream) {
    let (server, client) = pair();
    let address = IpAddr::from([127, 0, 0, 1]);
    let mount = mounts.main();
    let place = listeners.admit(address, Visitor::default(), mount, Instant::now()).unwrap();
    let burst = Burst::of(Duration::from_secs(1));
    let listener = Listener::new(mount, head, None, burst, tick(Duration::ZERO));
    (Seat::new(server, listener, place), client)
}

fn push(relay: &Relay, frames: u64) {
    let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
    let mut group = Group::new();
    for _ in 0..frames {
        let mut frame = header.to_bytes().to_vec();
        frame.resize(header.frame_len(), 0);
        group.push(header, &frame, FrameKind::Song);
    }
    relay.push(&group, Instant::now());
}

#[test]
fn a_listener_that_takes_nothing_is_dropped_and_counted() {
    let listeners = Listeners::new(1, 0);
    // More than the kernel takes for a client that does not read.
    let (mut seat, _client) = seat(&mounts(&Relay::new()), &listeners, vec![0; 64 << 20]);
    let mut stage = Vec::new();
    assert_eq!(seat.turn(tick(Duration::ZERO), &mut stage), Ok(()));
    assert!(seat.is_full());
    assert_eq!(seat.turn(tick(STALL_LIMIT / 2), &mut stage), Ok(()));
    let late = tick(STALL_LIMIT + Duration::from_secs(1));
    let end = seat.turn(late, &mut stage).unwrap_err();
    assert_eq!(end, End::Stalled);
    seat.end(end);
    assert_eq!((listeners.count(), listeners.totals().dropped_slow), (0, 1));
}

#[test]
fn the_first_sound_goes_at_once_to_whoever_waits_for_it() {
    let (relay, listeners) = (Relay::new(), Listeners::new(10, 0));
    let (alive, _ended) = tokio::sync::mpsc::channel(1);
    let mounts = mounts(&relay);
    let fan = fan(&mounts, &alive);
    let (seat, mut client) = seat(&mounts, &listeners, b"head".to_vec());
    assert!(fan.take(seat));
    let mut head = [0; 4];
    client.read_exact(&mut head).unwrap();
    // The worker may look once more before it waits: only what is pushed after that wakes it.
    while !fan.is_expectant() {
        std::thread::yield_now();
    }
    push(&relay, 10);
    let mut sound = [0; 4170];
    client.read_exact(&mut sound).unwrap();
}

#[test]
fn the_end_gives_everyone_the_rest_and_an_orderly_end() {
    let (relay, listeners) = (Relay::new(), Listeners::new(10, 0));
    let (alive, mut ended) = tokio::sync::mpsc::channel(1);
    push(&relay, 10);
    let mounts = mounts(&relay);
    let fan = fan(&mounts, &alive);
    let (seats, clients): (Vec<_>, Vec<_>) =
        (0..5).map(|_| seat(&mounts, &listeners, Vec::new())).unzip();
    for seat in seats {
        assert!(fan.take(seat));
    }
    push(&relay, 20);
    drop((fan, alive));
    for mut client in clients {
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).unwrap();
        assert_eq!(heard.len(), 30 * 417);
    }
    assert_eq!(ended.blocking_recv(), None, "every thread has ended");
    assert_eq!(listeners.count(), 0);
}

#[test]
fn who_leaves_is_noticed_between_two_flushes() {
    let (relay, listeners) = (Relay::new(), Listeners::new(10, 0));
    let (alive, _ended) = tokio::sync::mpsc::channel(1);
    let mounts = mounts(&relay);
    let fan = fan(&mounts, &alive);
    let (seat, client) = seat(&mounts, &listeners, b"head".to_vec());
    assert!(fan.take(seat));
    drop(client);
    let begun = Instant::now();
    while listeners.count() > 0 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
}
