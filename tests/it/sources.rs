//! Source clients on mounts of their own, by raw sockets: the handshake, the bodies, the endings.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use musicdb_stream::{
    bell::Bell,
    config::Live,
    relay::{Links, Relay},
    server::{Server, ServerOptions},
};
use tokio::sync::mpsc;

use crate::support::{
    mp3::{Shape, frames, id3v2, junk},
    radio::{PATIENCE, Radio, options, rest, run_on_paused_time, take_apart, wait_until},
    source::{LOGIN, PASSWORD, Source},
};

/// A radio that lets source clients in.
fn radio(live: Live) -> Radio {
    let source_password = PASSWORD.to_owned().into();
    Radio::start(ServerOptions { source_password, live, ..options() })
}

fn refusal(radio: &Radio, line: &str, headers: &str) -> String {
    let (head, mut stream) = Source::ask(radio.address, line, headers);
    let mut body = String::new();
    stream.read_to_string(&mut body).unwrap();
    format!("{head}{body}")
}

/// A listener on `path`, once that is there.
fn listen(radio: &Radio, path: &str) -> TcpStream {
    listen_with(radio, path, "").1
}

fn listen_with(radio: &Radio, path: &str, headers: &str) -> (String, TcpStream) {
    let begun = Instant::now();
    loop {
        let (head, stream) = radio.listen(path, headers);
        if head.starts_with("HTTP/1.0 200 ") {
            return (head, stream);
        }
        assert!(begun.elapsed() < PATIENCE, "{path}: {head}");
    }
}

fn read(stream: &mut TcpStream, len: usize) -> Vec<u8> {
    let mut heard = vec![0; len];
    stream.read_exact(&mut heard).unwrap();
    heard
}

/// Pages that only look like Ogg: the headers of a stream, and its sound.
fn ogg(name: u8, pages: u8) -> (Vec<u8>, Vec<Vec<u8>>) {
    let page = |flags: u8, granule: i64, body: u8| {
        let mut page = [b"OggS\0", &[flags][..], &granule.to_le_bytes(), &[name; 12]].concat();
        page.extend([2, 255, 100]);
        page.extend([body; 355]);
        page
    };
    let heading = [page(2, 0, name), page(0, 0, name)].concat();
    let sound = (1..=pages).map(|n| page(0, i64::from(n) * 960, n)).collect();
    (heading, sound)
}

#[test]
fn each_way_of_asking_is_welcomed_as_it_must_be() {
    let radio = radio(Live::Takeover);
    let mpeg = "Content-Type: audio/mpeg\r\n";
    let ok = "HTTP/1.0 200 OK\r\n\r\n";
    for line in ["SOURCE /live HTTP/1.0", "SOURCE /live ICE/1.0", "PUT /live HTTP/1.1"] {
        assert_eq!(Source::ask(radio.address, line, mpeg).0, ok, "{line}");
    }
    let headers = format!("{mpeg}Expect: 100-continue\r\n");
    let (first, mut stream) = Source::ask(radio.address, "PUT /live HTTP/1.1", &headers);
    assert_eq!(first, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_eq!(read(&mut stream, ok.len()), ok.as_bytes());
    assert_eq!(Source::ask(radio.address, "SOURCE /old HTTP/1.0", "").0, ok);
}

#[test]
fn who_may_not_is_told_why() {
    let radio = radio(Live::Deny);
    for line in ["SOURCE /live HTTP/1.0", "PUT /live HTTP/1.1", "SOURCE live HTTP/1.0"] {
        // libshout asks so first, and wants to be asked for its login.
        let headers = "Content-Length: 0\r\nConnection: Keep-Alive\r\n";
        let (head, _) = Source::ask_with(radio.address, line, headers);
        assert!(head.starts_with("HTTP/1.0 401 "), "{head}");
        assert!(head.contains("WWW-Authenticate: Basic realm=\"Icecast2 Server\"\r\n"), "{head}");
        assert!(head.contains("Content-Length: "), "{head}");
        let wrong = "Authorization: Basic c291cmNlOndyb25n\r\nContent-Type: audio/mpeg\r\n";
        assert!(Source::ask_with(radio.address, line, wrong).0.starts_with("HTTP/1.0 401 "));
    }
    let mpeg = "Content-Type: audio/mpeg\r\n";
    assert!(refusal(&radio, "SOURCE live HTTP/1.0", mpeg).starts_with("HTTP/1.0 401 "));
    let _source = Source::mp3(radio.address, "/live");
    for (line, headers, why) in [
        ("PUT /other HTTP/1.1", "", "No Content-type given"),
        ("SOURCE /live HTTP/1.0", mpeg, "Mountpoint in use"),
        ("PUT /stream HTTP/1.1", mpeg, "Mountpoint in use"),
        ("SOURCE /stream.mp3 HTTP/1.0", mpeg, "Mountpoint in use"),
        ("SOURCE /stream HTTP/1.0", "Content-Type: audio/ogg\r\n", "MP3"),
        ("PUT / HTTP/1.1", mpeg, "This name cannot be a mount"),
    ] {
        let answer = refusal(&radio, line, headers);
        assert!(answer.starts_with("HTTP/1.0 403 ") && answer.contains(why), "{line}: {answer}");
    }
    let allowed = radio.ask("OPTIONS", "*").0;
    assert!(allowed.contains("\r\nAllow: GET, HEAD, OPTIONS, PUT, SOURCE\r\n"), "{allowed}");
    let without = Radio::start(options());
    assert!(refusal(&without, "SOURCE /live HTTP/1.0", mpeg).starts_with("HTTP/1.0 401 "));
    let disabled =
        ServerOptions { disabled: true, source_password: PASSWORD.to_owned().into(), ..options() };
    let disabled = Radio::start(disabled);
    assert!(refusal(&disabled, "SOURCE /live HTTP/1.0", mpeg).starts_with("HTTP/1.0 404 "));
}

#[test]
fn a_head_may_end_its_lines_in_every_way_that_icecast_takes() {
    let radio = radio(Live::Takeover);
    let all = frames(Shape::default(), 60).concat();
    for end in ["\r\n", "\n", "\r\r\n"] {
        let login = LOGIN.trim_end();
        let head = format!("SOURCE /live HTTP/1.0{end}{login}{end}ice-name: ends{end}{end}");
        let mut stream = radio.connect();
        // What comes behind the head in the same packet is the stream's beginning.
        stream.write_all(&[head.as_bytes(), &all].concat()).unwrap();
        assert_eq!(crate::support::radio::head(&mut stream), "HTTP/1.0 200 OK\r\n\r\n", "{end:?}");
        let mut asked = radio.connect();
        let request = format!("GET /live?burst=60 HTTP/1.0{end}Icy-MetaData: 1{end}{end}");
        asked.write_all(request.as_bytes()).unwrap();
        let answer = crate::support::radio::head(&mut asked);
        assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{end:?}: {answer}");
        assert!(answer.contains("icy-metaint:") && answer.contains("icy-name:ends"), "{answer}");
        assert!(read(&mut asked, 8000) == all[..8000], "{end:?}");
        drop(stream);
        wait_until("the mount is gone", || {
            !radio.ask("GET", "/status-json.xsl").1.contains("/live")
        });
    }
}

#[test]
fn a_source_that_falls_silent_is_gone_after_icecasts_ten_seconds() {
    let source_password = PASSWORD.to_owned().into();
    let options = ServerOptions { source_password, ..options() };
    let (handed, _kept) = mpsc::channel(1);
    let link = Links::new(Bell::new()).reporter("mount");
    let server = Server::bind(options, Relay::new(), link, handed).unwrap();
    let mut source = TcpStream::connect(server.local_addr()).unwrap();
    source.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!("SOURCE /live HTTP/1.0\r\n{LOGIN}Content-Type: audio/mpeg\r\n\r\n");
    let sound = frames(Shape::default(), 4).concat();
    source.write_all(&[head.as_bytes(), &sound].concat()).unwrap();
    let (stop, running) = run_on_paused_time(server);
    assert_eq!(rest(source), b"HTTP/1.0 200 OK\r\n\r\n");
    drop(stop);
    // Stopping may take half a second.
    let passed = running.join().unwrap();
    assert!((10.0..11.0).contains(&passed.as_secs_f64()), "{passed:?}");
}

#[test]
fn listeners_get_whole_frames_and_nothing_that_stands_between_them() {
    let radio = radio(Live::Takeover);
    let mut source = Source::mp3(radio.address, "/live");
    let mut listener = listen(&radio, "/live");
    let all = frames(Shape::default(), 300);
    let (mut sent, mut whole) = (junk(300, 1), Vec::new());
    for (n, run) in (0..).zip(all.chunks(60)) {
        sent.extend(Shape::default().info_frame(b"Info", 60, 60_000).iter().filter(|_| n == 0));
        sent.extend(run.concat());
        whole.extend(run.concat());
        sent.extend(if n % 2 == 0 { junk(700, n + 7) } else { id3v2(900, 0x33, false) });
    }
    for piece in sent.chunks(1000) {
        source.send(piece);
    }
    source.end();
    // The connection ends behind the last frame.
    let mut heard = Vec::new();
    listener.read_to_end(&mut heard).unwrap();
    assert!(heard == whole, "{} of {}", heard.len(), whole.len());
    wait_until("the mount is gone", || !radio.ask("GET", "/status-json.xsl").1.contains("/live"));
}

#[test]
fn chunks_and_a_sources_own_titles_are_taken_out() {
    let mut radio = radio(Live::Takeover);
    let all = frames(Shape::default(), 200).concat();
    // Every 5,000 bytes a block: the first tells a title, in Latin-1, the others tell nothing.
    let mut inlaid = Vec::new();
    for (n, part) in all.chunks(5000).enumerate() {
        inlaid.extend_from_slice(part);
        if part.len() == 5000 {
            let block: &[u8] =
                if n == 0 { b"\x02StreamTitle='J\xFCrgen - X';\0\0\0\0\0\0\0" } else { b"\0" };
            inlaid.extend_from_slice(block);
        }
    }
    let headers = "Content-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\nicy-metaint: 5000\r\n";
    let (head, mut stream) = Source::ask(radio.address, "PUT /live HTTP/1.1", headers);
    assert_eq!(head, "HTTP/1.0 200 OK\r\n\r\n");
    let (head, listener) = listen_with(&radio, "/live", "Icy-MetaData: 1\r\n");
    assert!(head.contains("icy-metaint:16000\r\n"), "{head}");
    for chunk in inlaid.chunks(777) {
        stream.write_all(format!("{:X}\r\n", chunk.len()).as_bytes()).unwrap();
        stream.write_all(chunk).unwrap();
        stream.write_all(b"\r\n").unwrap();
    }
    // The last chunk is the end, though the connection stays.
    stream.write_all(b"0\r\n\r\n").unwrap();
    let (audio, titles) = take_apart(&rest(listener), 16_000);
    assert!(audio == all, "{} of {}", audio.len(), all.len());
    assert_eq!(titles, [(16_000, "Jürgen - X".to_owned())]);
    radio.stop();
}

#[test]
fn who_joins_an_ogg_stream_late_gets_its_headers_first_and_no_titles_between_the_pages() {
    let radio = radio(Live::Takeover);
    let mut source = Source::of(radio.address, "/live.ogg", "application/ogg", "");
    let (heading, sound) = ogg(1, 40);
    source.send(&[&heading, sound[..20].concat().as_slice()].concat());
    let mut early = listen(&radio, "/live.ogg?burst=60");
    let begun = [heading.clone(), sound[..20].concat()].concat();
    assert_eq!(read(&mut early, begun.len()), begun);
    let (head, mut late) = listen_with(&radio, "/live.ogg?burst=0", "Icy-MetaData: 1\r\n");
    assert!(head.contains("Content-Type: application/ogg\r\n") && !head.contains("icy-metaint:"));
    source.send(&sound[20..].concat());
    assert_eq!(read(&mut late, heading.len()), heading);
    assert_eq!(read(&mut late, sound[0].len() * 20), sound[20..].concat());
    // A chained stream: whoever comes now gets its headers, whoever is there gets all of it.
    let (heading, sound) = ogg(2, 3);
    source.send(&[&heading, sound.concat().as_slice()].concat());
    let chained = [heading.clone(), sound.concat()].concat();
    assert_eq!(read(&mut late, chained.len()), chained);
    let mut later = listen(&radio, "/live.ogg?burst=0");
    let next = ogg(2, 4).1.remove(3);
    source.send(&next);
    assert_eq!(read(&mut later, heading.len() + next.len()), [heading, next].concat());
}

#[test]
fn what_it_says_about_itself_is_told() {
    let radio = radio(Live::Takeover);
    let said = "ice-name: Käse\r\nice-genre: Rock\r\nice-url: http://x/\r\nice-description: D\r\n\
                ice-public: 1\r\nice-audio-info: ice-samplerate=48000;ice-bitrate=96;ice-channels=2\r\n";
    let mut source = Source::of(radio.address, "/live", "application/ogg", said);
    source.send(&ogg(1, 1).0);
    let head = listen_with(&radio, "/live", "").0;
    for line in ["icy-name:Käse", "icy-genre:Rock", "icy-url:http://x/", "icy-pub:1", "icy-br:96"]
    {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "{line}: {head}");
    }
    let status: serde_json::Value =
        serde_json::from_str(&radio.ask("GET", "/status-json.xsl").1).unwrap();
    let mounts = status["icestats"]["source"].as_array().unwrap();
    assert_eq!((mounts.len(), &mounts[1]["server_name"]), (2, &"Käse".into()));
    assert_eq!(mounts[1]["server_type"], "application/ogg");
}

#[test]
fn the_next_source_takes_the_mount_over_and_its_listeners_stay() {
    let radio = radio(Live::Takeover);
    let all = frames(Shape::default(), 200);
    let mut first = Source::mp3(radio.address, "/live");
    let mut listener = listen(&radio, "/live");
    first.send(&all[..100].concat());
    // The last frame waits for the next one.
    let heard = read(&mut listener, all[..99].concat().len());
    assert!(heard == all[..99].concat());
    let mut second = Source::mp3(radio.address, "/live");
    // The first one's connection is ended, behind the frame that it still owed.
    assert_eq!(first.stream.read(&mut [0]).unwrap_or(0), 0);
    second.send(&all[100..].concat());
    let heard = read(&mut listener, all[99..199].concat().len());
    assert!(heard == all[99..199].concat());
    second.end();
    assert_eq!(rest(listener), all[199]);
}

#[test]
fn where_it_is_denied_only_a_stale_source_gives_way() {
    let radio = radio(Live::Deny);
    let all = frames(Shape::default(), 100).concat();
    let mut first = Source::mp3(radio.address, "/live");
    first.send(&all);
    let request = || {
        let headers = "Content-Type: audio/mpeg\r\n";
        Source::ask(radio.address, "SOURCE /live HTTP/1.0", headers).0
    };
    assert!(request().starts_with("HTTP/1.0 403 "));
    let begun = Instant::now();
    while !request().starts_with("HTTP/1.0 200 ") {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(begun.elapsed() > Duration::from_millis(1500), "{:?}", begun.elapsed());
    assert_eq!(first.stream.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn what_is_not_what_it_says_is_sent_away() {
    let radio = radio(Live::Takeover);
    for kind in ["audio/mpeg", "application/ogg", "audio/aac"] {
        let mut source = Source::of(radio.address, "/live", kind, "");
        let listener = listen(&radio, "/live");
        // More than is looked through; the connection may end before all of it is taken.
        let _ = source.stream.write_all(&junk(400_000, 3));
        assert_eq!(rest(listener), b"", "{kind}");
    }
    let headers = "Content-Type: audio/mpeg\r\nTransfer-Encoding: chunked\r\n";
    let (_, mut stream) = Source::ask(radio.address, "PUT /live HTTP/1.1", headers);
    stream.write_all(b"no chunk\r\n").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn the_server_stops_with_its_sources() {
    let mut radio = radio(Live::Takeover);
    let all = frames(Shape::default(), 100);
    let mut source = Source::mp3(radio.address, "/live");
    let listener = listen(&radio, "/live");
    source.send(&all.concat());
    wait_until("it is heard", || radio.listeners.totals().bytes_sent > 30_000);
    assert!(radio.stop() < Duration::from_millis(600));
    assert!(rest(listener) == all.concat());
    assert_eq!(source.stream.read(&mut [0]).unwrap_or(0), 0);
}
