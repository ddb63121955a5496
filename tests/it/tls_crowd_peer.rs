//! A crowd at the TLS port: 200 who shake hands at once behind a key that is costly to sign with, and
//! 1,000 who never get to it.

use std::{
    fs,
    io::Write,
    net::TcpStream,
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
    certificates::{Issued, to_the_end},
    radio::{Radio, options},
};

const CROWD: usize = 200;
const SLOW: usize = 1000;
/// The longest that anyone else may wait meanwhile. One by one on the server's own thread, 200
/// signatures with 4,096 bits would take a second.
const LONGEST: Duration = Duration::from_millis(250);

/// A certificate of the costliest kind that is in use.
fn costly(folder: &std::path::Path) -> Issued {
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

/// The longest of the waits for an answer at the plain port while `busy`.
fn longest_wait(radio: &Radio, mut busy: impl FnMut() -> bool) -> (Duration, usize) {
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
    let (done, start) = (AtomicUsize::new(0), Barrier::new(CROWD + 1));
    thread::scope(|scope| {
        let crowd: Vec<_> = (0..CROWD)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    let request = "GET /stream HTTP/1.1\r\nHost: radio\r\n\r\n";
                    let stream = issued.send(address, request);
                    done.fetch_add(1, Relaxed);
                    stream
                })
            })
            .collect();
        start.wait();
        let begun = Instant::now();
        let (longest, asked) = longest_wait(&radio, || done.load(Relaxed) < CROWD);
        println!(
            "{CROWD} handshakes in {:?}; {asked} requests beside them, the slowest {longest:?}",
            begun.elapsed()
        );
        assert!(longest < LONGEST, "a request waited {longest:?}");
        let crowd: Vec<_> = crowd.into_iter().map(|guest| guest.join().unwrap()).collect();
        radio.wait_for_count(CROWD);
        radio.relay.close();
        for stream in crowd {
            assert!(!to_the_end(stream).is_empty());
        }
    });
    radio.stop();
}

#[test]
#[ignore = "needs openssl"]
fn a_thousand_who_never_shake_hands_keep_nobody_else_waiting() {
    // Each of them is two files here.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
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
    let (longest, asked) = longest_wait(&radio, || Instant::now() < end);
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
