//! A storm: many who never read and many half-open requests beside those who just listen.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::Duration,
};

use musicdb_stream::{
    bell::Bell,
    relay::{Links, Relay},
    server::{Server, ServerOptions},
};
use socket2::{Domain, Socket, Type};
use tokio::sync::mpsc;

use crate::support::radio::{PATIENCE, Radio, options, rest, run_on_paused_time};

const HEALTHY: usize = 20;
const STALLED: usize = 200;
const HALF_OPEN: usize = 500;
const HALF: &str = "GET /stream HTTP/1.1\r\nHost: sto";
const WHOLE: &str = "GET /stream HTTP/1.1\r\nHost: storm\r\n\r\n";
/// Bytes of the answer's head, and what the kernel may hold of a stream that nobody reads.
const A_HEAD: usize = 1_000;
const IN_THE_KERNEL: usize = 192 * 1024;

/// Connections that say this and read nothing, with as little room for it as the kernel allows.
fn silent(server: SocketAddr, count: usize, request: &str) -> Vec<TcpStream> {
    let open = |_| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.connect(&server.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    (0..count).map(open).collect()
}

#[test]
fn beside_a_storm_nobody_misses_a_frame_and_the_limit_holds() {
    let options = ServerOptions { max_listeners: HEALTHY + STALLED, ..options() };
    let mut radio = Radio::on_air(options, 100);
    let half_open = silent(radio.address, HALF_OPEN, HALF);
    let stalled = silent(radio.address, STALLED, WHOLE);
    let healthy: Vec<_> = (0..HEALTHY).map(|_| radio.listen("/stream?burst=0", "").1).collect();
    radio.wait_for_count(HEALTHY + STALLED);
    let heard: Vec<_> = healthy.into_iter().map(|s| thread::spawn(move || rest(s))).collect();
    assert!(radio.ask("GET", "/stream").0.starts_with("HTTP/1.0 403 "), "one too many was let in");
    // All of it stays in the ring, so that a slow machine costs nobody a frame.
    for _ in 0..200 {
        radio.push(10, None);
        thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(radio.listeners.count(), HEALTHY + STALLED);
    radio.relay.close();
    let from = radio.edges[100];
    for heard in heard {
        let heard = heard.join().unwrap();
        assert!(heard == radio.pushed[from..], "a frame is missing or cut");
    }
    let of_healthy = HEALTHY * (radio.pushed.len() - from + A_HEAD);
    let totals = radio.listeners.totals();
    assert!(
        totals.bytes_sent <= (of_healthy + STALLED * IN_THE_KERNEL) as u64,
        "the kernel holds too much for those who never read: {totals:?}"
    );
    assert_eq!((totals.refused, totals.dropped_slow), (1, 0));
    drop(stalled);
    radio.wait_for_count(0);
    drop(half_open);
}

#[test]
fn half_requests_are_told_408_at_their_limit_and_leave_no_trace() {
    // As many as any kernel holds for a port that nobody accepts from yet.
    const WAITING: usize = 100;
    let (relay, (handed, _kept)) = (Relay::new(), mpsc::channel(1));
    let links = Links::new(Bell::new());
    let server = Server::bind(options(), relay, links.reporter("mount"), handed).unwrap();
    let address = server.local_addr();
    let half_open = silent(address, WAITING, HALF);
    let (stop, running) = run_on_paused_time(server);
    for stream in half_open {
        let answer = String::from_utf8(rest(stream)).unwrap();
        assert!(answer.starts_with("HTTP/1.0 408 "), "{answer}");
    }
    // Whoever comes then finds room. Time may jump between a connection and its request: that one is
    // closed, and the next one comes.
    let is_welcome = (0..100).any(|_| {
        let mut answer = [0; 13];
        let said = silent(address, 1, WHOLE).remove(0).read_exact(&mut answer);
        said.is_ok() && answer == *b"HTTP/1.0 200 "
    });
    assert!(is_welcome);
    drop(stop);
    running.join().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_storm_stays_within_the_memory_that_is_documented() {
    use std::time::Instant;

    use crate::support::{home::Home, served::Served};

    // What docs/operating.md allows of memory over the idle process: a plain listener, a connection
    // that has not said what it wants, and what an allocator takes in advance.
    const A_LISTENER: u64 = 1_024;
    const A_GUEST: u64 = 1_024;
    const IN_ADVANCE: u64 = 1 << 20;

    let home = Home::new();
    let served = Served::start(&home.path("data"), &["--demo"], &[]);
    served.wait_for(PATIENCE, |state| state["is_playing"] == true);
    let idle = served.cost().1;
    let mut storm = silent(served.address, HALF_OPEN, HALF);
    storm.extend(silent(served.address, STALLED + HEALTHY, WHOLE));
    served.wait_for(PATIENCE, |state| state["listeners"] == STALLED + HEALTHY);
    let (begun, mut most) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(2) {
        most = most.max(served.cost().1);
        thread::sleep(Duration::from_millis(50));
    }
    let grown = most.saturating_sub(idle);
    let bound = (STALLED + HEALTHY) as u64 * A_LISTENER + HALF_OPEN as u64 * A_GUEST + IN_ADVANCE;
    println!("a storm took {} KiB, {} are allowed", grown / 1024, bound / 1024);
    assert!(grown < bound, "{grown} bytes");
    drop(storm);
    served.wait_for(Duration::from_secs(60), |state| state["listeners"] == 0);
}
