//! TLS: listeners and everything else behind the second port, and certificates that change meanwhile.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use musicdb_stream::{
    bell::Bell,
    icy::METAINT,
    relay::{Links, Relay},
    server::{Server, ServerOptions},
};
use tempfile::TempDir;
use tokio::{io::AsyncReadExt, sync::mpsc};

use crate::support::{
    certificates::{Issued, TlsStream, to_the_end},
    mp3::{Shape, frames},
    radio::{PATIENCE, Radio, head, options, take_apart, wait_until},
    source::{LOGIN, PASSWORD},
};

/// A radio with a TLS port, and the certificate there.
struct Behind {
    radio: Radio,
    issued: Issued,
    address: SocketAddr,
    folder: TempDir,
}

impl Behind {
    fn start(options: ServerOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let issued = Issued::make(folder.path());
        let radio = Radio::on_air(ServerOptions { tls: Some(issued.options()), ..options }, 60);
        let address = radio.tls_address.unwrap();
        Self { radio, issued, address, folder }
    }

    /// A listener whose head has come.
    fn listen(&self, headers: &str) -> (String, TlsStream) {
        let request = format!("GET /stream HTTP/1.1\r\nHost: radio\r\n{headers}\r\n");
        let mut stream = self.issued.send(self.address, &request);
        (tls_head(&mut stream), stream)
    }

    /// The whole answer to `METHOD path`.
    fn ask(&self, method: &str, path: &str, headers: &str) -> String {
        let request = format!("{method} {path} HTTP/1.1\r\n{headers}\r\n");
        String::from_utf8(to_the_end(self.issued.send(self.address, &request))).unwrap()
    }
}

fn tls_head(stream: &mut TlsStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

#[test]
fn a_listener_behind_tls_gets_every_byte_and_is_told_the_end() {
    let mut behind = Behind::start(options());
    let (head, plain) = behind.listen("");
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    let (head, titled) = behind.listen("Icy-MetaData: 1\r\n");
    assert!(head.contains("icy-metaint:16000"), "{head}");
    behind.radio.wait_for_count(2);
    // Far more than a record.
    for n in 0..10 {
        behind.radio.push(100, Some(&format!("title {n}")));
    }
    behind.radio.relay.close();
    assert!(to_the_end(plain) == behind.radio.pushed, "the body differs");
    let (audio, titles) = take_apart(&to_the_end(titled), METAINT);
    assert!(audio == behind.radio.pushed, "the audio differs");
    assert!(titles.iter().any(|title| title.1 == "title 9"), "{titles:?}");
    let sent = behind.radio.listeners.totals().bytes_sent;
    assert!(sent >= 2 * behind.radio.pushed.len() as u64, "{sent}");
}

#[test]
fn a_source_behind_tls_is_heard_by_everybody() {
    let source_password = PASSWORD.into();
    let behind = Behind::start(ServerOptions { source_password, ..options() });
    let request = format!("PUT /live HTTP/1.1\r\nContent-Type: audio/mpeg\r\n{LOGIN}\r\n");
    let mut source = behind.issued.send(behind.address, &request);
    assert_eq!(tls_head(&mut source), "HTTP/1.0 200 OK\r\n\r\n");
    let (head, mut plain) = behind.radio.listen("/live?burst=60", "");
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    let sound = frames(Shape::default(), 40).concat();
    source.write_all(&sound).unwrap();
    let mut heard = vec![0; 10_000];
    plain.read_exact(&mut heard).unwrap();
    assert!(heard == sound[..10_000], "the sound differs");
}

#[test]
fn documents_behind_tls_lead_back_through_tls() {
    let behind = Behind::start(options());
    let m3u = behind.ask("GET", "/stream.m3u", "Host: radio:8443\r\n");
    assert!(m3u.ends_with("\r\n\r\nhttps://radio:8443/stream\r\n"), "{m3u}");
    // Without a name it is the TLS port, not the plain one.
    let pls = behind.ask("GET", "/stream.pls", "");
    assert!(pls.contains(&format!("File1=https://{}/stream\r\n", behind.address)), "{pls}");
    let status = behind.ask("GET", "/status-json.xsl", "Host: radio:8443\r\n");
    assert!(status.contains("\"https://radio:8443/stream\""), "{status}");
    let plain = behind.radio.ask("GET", "/stream.m3u").1;
    assert_eq!(plain, "http://radio:1/stream\r\n");
    let head = behind.ask("HEAD", "/stream", "");
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn pages_behind_tls_are_handed_over_with_every_byte() {
    let mut behind = Behind::start(options());
    let request = "POST /api/v1/play HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
    let mut stream = behind.issued.send(behind.address, request);
    let mut handed = behind.radio.handed.blocking_recv().unwrap();
    assert_eq!(handed.peer, stream.sock.local_addr().unwrap());
    stream.write_all(b"true").unwrap();
    let mut got = vec![0; request.len() + 4];
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { handed.io.read_exact(&mut got).await.unwrap() });
    assert_eq!(String::from_utf8(got).unwrap(), format!("{request}true"));
}

#[test]
fn a_renewed_certificate_is_for_those_who_come_and_a_bad_one_for_nobody() {
    let mut behind = Behind::start(options());
    let (_, listener) = behind.listen("");
    behind.radio.wait_for_count(1);
    fs::write(&behind.issued.key, "half written").unwrap();
    // Looked at when somebody comes, at most once a second: the old pair serves on.
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(1300) {
        behind.issued.connect(behind.address).unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    let old = behind.issued.clone();
    behind.issued = Issued::make(behind.folder.path());
    wait_until("whoever comes gets the new certificate", || {
        behind.issued.connect(behind.address).is_ok()
    });
    old.connect(behind.address).unwrap_err();
    // And it plays on for the one who was there.
    behind.radio.push(200, None);
    let (_, new) = behind.listen("");
    behind.radio.wait_for_count(2);
    behind.radio.relay.close();
    assert!(to_the_end(listener) == behind.radio.pushed, "the body differs");
    assert!(!to_the_end(new).is_empty());
}

#[test]
fn those_who_never_shake_hands_keep_nobody_out() {
    let mut behind = Behind::start(ServerOptions { max_beside: 16, ..options() });
    // A quarter of the room is TLS's: four at once.
    let silent: Vec<TcpStream> =
        (0..12).map(|_| TcpStream::connect(behind.address).unwrap()).collect();
    let mut half = TcpStream::connect(behind.address).unwrap();
    half.write_all(&[0x16, 3, 1, 2]).unwrap();
    let began = Instant::now();
    assert!(behind.radio.listen("/stream", "").0.starts_with("HTTP/1.0 200"));
    assert!(began.elapsed() < Duration::from_millis(500), "the plain port has room of its own");
    let (head, _stream) = behind.listen("");
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    assert!(began.elapsed() < PATIENCE);
    drop((silent, half));
    assert!(behind.radio.stop() < Duration::from_millis(600));
}

#[test]
fn what_is_no_tls_is_closed_and_the_port_serves_on() {
    let behind = Behind::start(options());
    for words in ["GET /stream HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\0\u{1}x", ""] {
        let mut stream = TcpStream::connect(behind.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(words.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        // A reset is a close, too; an alert of seven bytes may come before it.
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.len() <= 7, "{answer:?}");
    }
    assert!(behind.listen("").0.starts_with("HTTP/1.0 200 OK\r\n"));
    // And TLS is nothing for the plain port.
    behind.issued.connect(behind.radio.address).unwrap_err();
    let mut plain = behind.radio.send("GET /stream HTTP/1.0\r\n\r\n");
    assert!(head(&mut plain).starts_with("HTTP/1.0 200 OK\r\n"));
}

#[test]
fn who_leaves_without_a_word_is_gone_at_once() {
    let behind = Behind::start(options());
    let (_, polite) = behind.listen("");
    let (_, rude) = behind.listen("");
    behind.radio.wait_for_count(2);
    let mut polite = polite;
    polite.conn.send_close_notify();
    polite.conn.complete_io(&mut polite.sock).unwrap();
    behind.radio.wait_for_count(1);
    drop(rude);
    behind.radio.wait_for_count(0);
    // What is no record ends the connection of who sent it, and no other.
    let (_, kept) = behind.listen("");
    let (_, mut garbled) = behind.listen("");
    behind.radio.wait_for_count(2);
    garbled.sock.write_all(&[0xFF; 1000]).unwrap();
    behind.radio.wait_for_count(1);
    behind.radio.relay.close();
    assert!(to_the_end(kept) == behind.radio.pushed);
}

#[test]
fn stopping_gives_listeners_behind_tls_the_last_frame_and_the_end() {
    let mut behind = Behind::start(ServerOptions { flush: Duration::from_secs(3600), ..options() });
    let (_, listener) = behind.listen("");
    behind.radio.wait_for_count(1);
    // Not due for an hour: only the stop can bring them.
    behind.radio.push(60, None);
    let took = behind.radio.stop();
    assert!(took < Duration::from_millis(600), "{took:?}");
    assert!(to_the_end(listener) == behind.radio.pushed);
}

#[test]
fn a_start_without_a_good_certificate_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let issued = Issued::make(folder.path());
    let refused = |tls| {
        let options = ServerOptions { tls: Some(tls), ..options() };
        let (handed, _kept) = mpsc::channel(1);
        let link = Links::new(Bell::new()).reporter("mount");
        Server::bind(options, Relay::new(), link, handed).unwrap_err().to_string()
    };
    let mut tls = issued.options();
    tls.certificate = folder.path().join("missing.crt");
    let said = refused(tls);
    assert!(said.contains("server.tls_certificate") && said.contains("missing.crt"), "{said}");
    fs::write(&issued.key, "nonsense").unwrap();
    let said = refused(issued.options());
    assert!(said.contains("server.tls_key") && said.contains("no private key"), "{said}");
}
