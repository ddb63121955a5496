//! Tests of the fan with real sockets and a clock of their own where time matters.

use std::{
    io::Read,
    net::{IpAddr, TcpListener, TcpStream},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

use super::{End, Fan, Seat};
use crate::{
    config::MountSettings,
    icy::{Burst, StreamInfo},
    mpeg::Header,
    relay::{FrameKind, Group, Relay},
    server::{
        Listeners, STALL_LIMIT, ServerOptions,
        listener::Listener,
        mount::{About, Mount},
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

fn fan(mounts: &Arc<Mounts>, alive: &mpsc::Sender<()>) -> Fan {
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
    let (alive, _ended) = mpsc::channel(1);
    let mounts = mounts(&relay);
    let fan = fan(&mounts, &alive);
    let (seat, mut client) = seat(&mounts, &listeners, b"head".to_vec());
    fan.take(seat).unwrap();
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
    let (alive, mut ended) = mpsc::channel(1);
    push(&relay, 10);
    let mounts = mounts(&relay);
    let fan = fan(&mounts, &alive);
    let (seats, clients): (Vec<_>, Vec<_>) =
        (0..5).map(|_| seat(&mounts, &listeners, Vec::new())).unzip();
    for seat in seats {
        fan.take(seat).unwrap();
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
    let (alive, _ended) = mpsc::channel(1);
    let mounts = mounts(&relay);
    let fan = fan(&mounts, &alive);
    let (seat, client) = seat(&mounts, &listeners, b"head".to_vec());
    fan.take(seat).unwrap();
    drop(client);
    let begun = Instant::now();
    while listeners.count() > 0 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::yield_now();
    }
}

#[test]
fn a_listener_ends_when_its_time_is_up_and_not_before() {
    let listeners = Listeners::new(1, 0);
    let (mut seat, _client) = seat(&mounts(&Relay::new()), &listeners, b"head".to_vec());
    let (limit, mut stage) = (Duration::from_secs(60), Vec::new());
    seat.end_at(tick(Duration::ZERO).after(limit));
    assert_eq!(seat.turn(tick(limit - Duration::from_millis(1)), &mut stage), Ok(()));
    assert_eq!(seat.turn(tick(limit), &mut stage), Err(End::TimeUp));
}

/// A server's mounts of which `/live` falls back to the main one.
fn falling_back(relay: &Relay, flush: Duration) -> (Arc<Mounts>, Fan, mpsc::Receiver<()>) {
    let live = MountSettings {
        name: "/live".into(),
        fallback: Some("/stream".into()),
        fallback_override: true,
        ..MountSettings::default()
    };
    let options = ServerOptions { mounts: vec![live], ..ServerOptions::default() };
    let mounts = Arc::new(Mounts::of(&options, relay.clone()));
    let (alive, ended) = mpsc::channel(1);
    let fan = Fan::start(flush, &mounts, Epoch::new(Instant::now()), &alive).unwrap();
    (mounts, fan, ended)
}

fn live(mounts: &Mounts, fan: &Fan) -> Arc<Mount> {
    let mount = Mount::new("/live", Relay::new(), About::mp3(StreamInfo::default()));
    mounts.open(&mount).unwrap();
    fan.follow(&mount.relay());
    mount
}

#[test]
fn listeners_of_a_source_that_ends_hear_the_fallback_and_come_back_with_it() {
    let (relay, listeners) = (Relay::new(), Listeners::new(10, 0));
    let (mounts, fan, _ended) = falling_back(&relay, Duration::from_millis(5));
    push(&relay, 50);
    let first = live(&mounts, &fan);
    push(&first.relay(), 10);
    let (server, mut client) = pair();
    let place = listeners.admit([127, 0, 0, 1].into(), Visitor::default(), &first, Instant::now());
    let burst = Burst::of(Duration::from_secs(1));
    let listener = Listener::new(&first, Vec::new(), None, burst, tick(Duration::ZERO));
    fan.take(Seat::new(server, listener, place.unwrap())).unwrap();
    let mut frames = |count: usize| {
        let mut sound = vec![0; count * 417];
        client.read_exact(&mut sound).unwrap();
        assert!(sound.chunks(417).all(|frame| frame.starts_with(&[0xFF, 0xFB])));
    };
    frames(10);
    mounts.close(&first);
    wait_until(|| mounts.main().counts.listeners.load(Relaxed) == 1);
    assert_eq!(first.counts.listeners.load(Relaxed), 0);
    wait_until(|| {
        push(&relay, 1);
        listeners.totals().bytes_sent > 10 * 417
    });
    let second = live(&mounts, &fan);
    let back = mounts.returned(&second).unwrap();
    assert!(fan.move_all(&back, &second));
    wait_until(|| second.counts.listeners.load(Relaxed) == 1);
    let before = second.counts.bytes_sent.load(Relaxed);
    wait_until(|| {
        push(&second.relay(), 1);
        second.counts.bytes_sent.load(Relaxed) > before
    });
    assert_eq!(mounts.main().counts.listeners.load(Relaxed), 0);
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(2));
    }
}
