//! A crowd at the TLS port: 200 who shake hands at once behind a key that is costly to sign with, more
//! than there is room for, and 1,000 who never get to it; what those wait who have nothing to do with
//! it, and how even the sound of a listener comes.

#![cfg(unix)]

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::Command,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use musicdb_stream::server::ServerOptions;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustls::pki_types::{CertificateDer, pem::PemObject};

use crate::support::{
    certificates::{Issued, TlsStream, to_the_end},
    home::Home,
    radio::{PATIENCE, Radio, head, options, wait_until},
    served::Served,
    tools::free_address,
};

const CROWD: usize = 200;
/// More than the port has room for; the last of them wait some seconds for their signatures.
const STORM: usize = 1500;
const SLOW: usize = 1000;
/// The longest that anyone else may wait meanwhile. One by one on the server's own thread, 200
/// signatures with 4,096 bits would take a second.
const LONGEST: Duration = Duration::from_millis(250);

/// A certificate of the costliest kind that is in use.
fn costly(folder: &Path) -> Issued {
    let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:4096", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args([&"-keyout", &key.to_str().unwrap(), &"-out", &certificate.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let pem = fs::read(&certificate).unwrap();
    let der = CertificateDer::from_pem_slice(&pem).unwrap();
    Issued { certificate, key, der }
}

/// A crowd of `count` listen there at the same moment, while the caller does `beside`, which is told
/// whether they are still busy.
fn crowd(
    issued: &Issued,
    address: SocketAddr,
    count: usize,
    beside: impl FnOnce(&dyn Fn() -> bool),
) -> Vec<TlsStream> {
    let (done, start) = (AtomicUsize::new(0), Barrier::new(count + 1));
    thread::scope(|scope| {
        let come = || {
            start.wait();
            let stream = issued.send(address, "GET /stream HTTP/1.1\r\nHost: radio\r\n\r\n");
            done.fetch_add(1, Relaxed);
            stream
        };
        let guests: Vec<_> = (0..count).map(|_| scope.spawn(come)).collect();
        start.wait();
        beside(&|| done.load(Relaxed) < count);
        guests.into_iter().map(|guest| guest.join().unwrap()).collect()
    })
}

/// Each of a crowd is two files here.
fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// The longest of the waits for an answer at the plain port while `busy`.
fn longest_wait(radio: &Radio, busy: &dyn Fn() -> bool) -> (Duration, usize) {
    let (mut longest, mut asked) = (Duration::ZERO, 0);
    while busy() {
        let begun = Instant::now();
        assert!(radio.ask("GET", "/status-json.xsl").0.starts_with("HTTP/1.0 200 "));
        longest = longest.max(begun.elapsed());
        asked += 1;
    }
    (longest, asked)
}

#[test]
#[ignore = "needs openssl"]
fn two_hundred_handshakes_at_once_keep_nobody_else_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let issued = costly(folder.path());
    let mut radio = Radio::on_air(ServerOptions { tls: Some(issued.options()), ..options() }, 60);
    let address = radio.tls_address.unwrap();
    let guests = crowd(&issued, address, CROWD, |busy| {
        let begun = Instant::now();
        let (longest, asked) = longest_wait(&radio, busy);
        let took = begun.elapsed();
        println!(
            "{CROWD} handshakes in {took:?}; beside them {asked} requests, at most {longest:?}"
        );
        assert!(longest < LONGEST, "a request waited {longest:?}");
    });
    radio.wait_for_count(CROWD);
    radio.relay.close();
    for guest in guests {
        assert!(!to_the_end(guest).is_empty());
    }
    radio.stop();
}

#[test]
#[ignore = "needs openssl"]
fn a_crowd_larger_than_the_room_is_let_in_to_the_last() {
    raise_open_files();
    let folder = tempfile::tempdir().unwrap();
    let issued = costly(folder.path());
    let mut radio = Radio::on_air(ServerOptions { tls: Some(issued.options()), ..options() }, 60);
    let address = radio.tls_address.unwrap();
    let begun = Instant::now();
    let guests = crowd(&issued, address, STORM, |_| {});
    radio.wait_for_count(STORM);
    println!("{STORM} handshakes in {:?}", begun.elapsed());
    radio.relay.close();
    for guest in guests {
        assert!(!to_the_end(guest).is_empty());
    }
    radio.stop();
}

#[test]
#[ignore = "needs openssl"]
fn the_station_keeps_its_pace_beside_two_hundred_handshakes() {
    let home = Home::new();
    let (issued, tls) = (costly(home.root()), free_address());
    let text = format!(
        "[server]\nflush_ms = 250\ntls_listen = \"{tls}\"\ntls_certificate = {:?}\ntls_key = {:?}\n",
        issued.certificate, issued.key
    );
    let config = home.file("tls.toml", text.as_bytes());
    let global = ["--config", config.to_str().unwrap()];
    let served = Served::start(&home.path("data"), &["--demo"], &global);
    wait_until("a song is on the air", || served.state()["is_playing"] == true);
    let mut listener = TcpStream::connect(served.address).unwrap();
    listener.set_read_timeout(Some(PATIENCE)).unwrap();
    listener.write_all(b"GET /stream HTTP/1.0\r\n\r\n").unwrap();
    head(&mut listener);
    let mut gap_while = |busy: &dyn Fn() -> bool| {
        let (mut longest, mut last) = (Duration::ZERO, Instant::now());
        while busy() {
            assert!(listener.read(&mut [0; 16_384]).unwrap() > 0);
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        longest
    };
    let end = Instant::now() + Duration::from_secs(2);
    let before = gap_while(&|| Instant::now() < end);
    let guests = crowd(&issued, tls, CROWD, |busy| {
        // And for as long behind the last of them as a delay could still be heard.
        let busy_until = std::cell::Cell::new(Instant::now());
        let gap = gap_while(&|| {
            if busy() {
                busy_until.set(Instant::now() + Duration::from_secs(1));
            }
            Instant::now() < busy_until.get()
        });
        println!("longest gap of a listener {gap:?}, without the crowd {before:?}");
        // Twice the interval of flushes, as for every other trouble.
        assert!(gap < Duration::from_millis(500), "{gap:?}, {before:?} before");
    });
    drop(guests);
}

#[test]
#[ignore = "needs openssl"]
fn a_thousand_who_never_shake_hands_keep_nobody_else_waiting() {
    raise_open_files();
    let folder = tempfile::tempdir().unwrap();
    let issued = costly(folder.path());
    let mut radio = Radio::on_air(ServerOptions { tls: Some(issued.options()), ..options() }, 60);
    let address = radio.tls_address.unwrap();
    let slow: Vec<TcpStream> = (0..SLOW)
        .map(|n| {
            let mut socket = TcpStream::connect(address).unwrap();
            // Some say nothing, some the beginning of the first record.
            socket.write_all(&[0x16, 3, 1, 2][..n % 5]).unwrap();
            socket
        })
        .collect();
    let end = Instant::now() + Duration::from_secs(1);
    let (longest, asked) = longest_wait(&radio, &|| Instant::now() < end);
    let begun = Instant::now();
    let listener = issued.send(address, "GET /stream HTTP/1.1\r\nHost: radio\r\n\r\n");
    radio.wait_for_count(1);
    let joined = begun.elapsed();
    println!(
        "{asked} requests beside {SLOW} that are slow, the slowest {longest:?}; a handshake {joined:?}"
    );
    assert!(longest < LONGEST, "a request waited {longest:?}");
    // The listener's own handshake and the look at the files are in it.
    assert!(joined < 2 * LONGEST, "a listener behind TLS waited {joined:?}");
    drop(slow);
    radio.relay.close();
    assert!(!to_the_end(listener).is_empty());
    radio.stop();
}
