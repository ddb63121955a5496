//! Icecast's administration, ours and a real icecast2's side by side: status, type, and the elements in
//! their order. Whatever differs is listed here by name.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::JoinHandle,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use musicdb_stream::{icy::StreamInfo, server::ServerOptions};
use serde_json::Value;

use super::admin::admin_options;
use crate::support::{
    mp3::{Shape as Sound, song},
    radio::{PATIENCE, Radio, head, rest, wait_until},
    tools::{Icecast, SOURCE_PASSWORD},
};

const ADMIN: &str = "admin:admin-secret";
const SOURCE: &str = "source:source-secret";
const RELAY: &str = "relay:relay-secret";

/// What is asked of both: login and request.
const ASKED: [(&str, &str); 60] = [
    ("", "GET /admin/stats"),
    ("", "GET /admin/listmounts"),
    ("", "GET /admin/streamlist.txt"),
    ("", "GET /admin/listclients?mount=/stream"),
    ("", "GET /admin/killsource?mount=/stream"),
    ("", "GET /admin/metadata?mount=/stream&mode=updinfo&song=a"),
    ("", "GET /admin/!POKE"),
    ("", "GET /admin/"),
    ("", "GET /admin/buildm3u"),
    ("", "GET /admin/buildm3u?username=u&password=p&mount=/stream"),
    ("", "GET /admin/buildm3u?username=u&mount=/stream"),
    ("", "GET /status-json.xsl"),
    ("admin:wrong", "GET /admin/stats"),
    (ADMIN, "GET /admin/stats"),
    (ADMIN, "GET /admin/stats?mount=/stream"),
    (ADMIN, "GET /admin/stats?mount=/none"),
    (ADMIN, "GET /admin/listmounts"),
    (ADMIN, "GET /admin/streamlist"),
    (ADMIN, "GET /admin/streamlist.txt"),
    (RELAY, "GET /admin/streamlist.txt"),
    (RELAY, "GET /admin/streamlist"),
    (RELAY, "GET /admin/listmounts"),
    (SOURCE, "GET /admin/stats"),
    (SOURCE, "GET /admin/listclients?mount=/stream"),
    (ADMIN, "GET /admin/listclients"),
    (ADMIN, "GET /admin/listclients?mount=/none"),
    (ADMIN, "GET /admin/listclients?mount=/stream"),
    (ADMIN, "GET /admin/killclient?mount=/stream"),
    (ADMIN, "GET /admin/killclient?mount=/none&id=1"),
    (ADMIN, "GET /admin/killclient?mount=/stream&id=9999"),
    (ADMIN, "GET /admin/killclient?mount=/stream&id=abc"),
    (ADMIN, "GET /admin/moveclients"),
    (ADMIN, "GET /admin/moveclients?mount=/stream"),
    (ADMIN, "GET /admin/moveclients?mount=/stream&destination=/stream"),
    (ADMIN, "GET /admin/moveclients?mount=/stream&destination=/none"),
    (ADMIN, "GET /admin/moveclients?mount=/none&destination=/stream"),
    (ADMIN, "GET /admin/fallbacks?mount=/stream"),
    (ADMIN, "GET /admin/fallbacks?mount=/stream&fallback=/none"),
    (ADMIN, "GET /admin/fallbacks?mount=/none&fallback=/stream"),
    (ADMIN, "GET /admin/metadata"),
    (ADMIN, "GET /admin/metadata?mount=/stream"),
    (ADMIN, "GET /admin/metadata?mount=/stream&mode=x"),
    (ADMIN, "GET /admin/metadata?mount=/none&mode=updinfo&song=a"),
    (ADMIN, "GET /admin/metadata?mount=/stream&mode=updinfo&song=%C3%84+b"),
    (SOURCE, "GET /admin/metadata?mount=/stream&mode=updinfo&song=a"),
    (SOURCE, "GET /admin/metadata?mount=/none&mode=updinfo&song=a"),
    (ADMIN, "GET /admin/updatemetadata"),
    (ADMIN, "GET /admin/updatemetadata?mount=/stream"),
    (ADMIN, "GET /admin/manageauth?mount=/stream"),
    (ADMIN, "GET /admin/nothing"),
    (ADMIN, "GET /admin/stats.txt"),
    (ADMIN, "GET /admin/streamlist.xsl"),
    (ADMIN, "GET /admin/stats.xsl"),
    (ADMIN, "GET /admin/listclients.xsl?mount=/stream"),
    (ADMIN, "GET /admin/updatemetadata.xsl?mount=/stream"),
    (ADMIN, "GET /admin/killclient.xsl?mount=/stream&id=9999"),
    (ADMIN, "HEAD /admin/stats"),
    (ADMIN, "POST /admin/stats"),
    // These two last: they end what the others need.
    (ADMIN, "GET /admin/killclient?mount=/stream&id=LISTENER"),
    (ADMIN, "GET /admin/killsource?mount=/stream"),
];

/// All that differs, and why.
const DIFFERENCES: [(&str, &str, &str); 11] = [
    ("", "GET /admin/!POKE", "ours asks for the login first; libshout takes both"),
    (
        "",
        "GET /admin/buildm3u?username=u&password=p&mount=/stream",
        "ours names the host that was asked, Icecast the configured one",
    ),
    (ADMIN, "GET /admin/stats", "the station feeds the mount: no source_ip and no user_agent"),
    (ADMIN, "GET /admin/stats?mount=/stream", "the same"),
    (ADMIN, "GET /admin/streamlist.txt", "Icecast takes the relay's login alone"),
    (RELAY, "GET /admin/streamlist", "Icecast takes the administrator's login alone"),
    (
        SOURCE,
        "GET /admin/listclients?mount=/stream",
        "there the source's login opens all of its mount",
    ),
    (
        SOURCE,
        "GET /admin/metadata?mount=/stream&mode=updinfo&song=a",
        "the station, and no source, feeds the mount",
    ),
    (ADMIN, "GET /admin/manageauth?mount=/stream", "ours has no such command"),
    (
        ADMIN,
        "HEAD /admin/stats",
        "an answer to HEAD has no body (RFC 9110 section 9.3.2); Icecast's has",
    ),
    (
        ADMIN,
        "GET /admin/killsource?mount=/stream",
        "the station is no source: it is paused, not ended",
    ),
];

/// One of the two.
struct Side {
    address: SocketAddr,
    /// The number of the listener that may be killed.
    listener: String,
}

/// What is compared of an answer.
#[derive(Debug, PartialEq)]
struct Shape {
    status: String,
    content_type: Option<String>,
    challenge: Option<String>,
    /// The elements in their order, the whole text where it is short and no XML.
    body: Vec<String>,
}

impl Side {
    fn ask(&self, login: &str, request: &str) -> (String, String) {
        let (method, path) = request.split_once(' ').unwrap();
        let path = path.replace("LISTENER", &self.listener);
        let login = match login {
            "" => String::new(),
            login => format!("Authorization: Basic {}\r\n", STANDARD.encode(login)),
        };
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "{method} {path} HTTP/1.0\r\nHost: radio:1\r\n{login}\r\n").unwrap();
        let head = head(&mut stream);
        (head, String::from_utf8(rest(stream)).unwrap())
    }

    fn shape(&self, login: &str, request: &str) -> Shape {
        let (head, body) = self.ask(login, request);
        let header =
            |name: &str| head.lines().find_map(|line| Some(line.strip_prefix(name)?.to_owned()));
        let content_type = header("Content-Type: ");
        let is = |kind: &str| content_type.as_deref().is_some_and(|found| found == kind);
        let body = if is("text/xml; charset=utf-8") {
            let messages =
                body.split_once("<message>").map(|(_, rest)| rest.split('<').next().unwrap());
            elements(&body).into_iter().chain(messages.map(|message| self.plain(message))).collect()
        } else if is("text/xml; charset=UTF-8") {
            // A page for people: how it looks is each server's own affair.
            vec![format!("a page: {}", body.contains("<html xmlns="))]
        } else if is("application/json; charset=UTF-8") {
            let json: Value = serde_json::from_str(&body).unwrap();
            let keys =
                |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            [keys(&json["icestats"]), keys(&json["icestats"]["source"])].concat()
        } else {
            vec![body]
        };
        Shape {
            status: head.lines().next().unwrap().to_owned(),
            content_type,
            challenge: header("WWW-Authenticate: "),
            body,
        }
    }

    /// A message without the number of this side's listener.
    fn plain(&self, message: &str) -> String {
        message.replace(&format!("Client {} ", self.listener), "Client LISTENER ")
    }
}

/// The names of all elements, and of their attributes, in their order.
fn elements(xml: &str) -> Vec<String> {
    let tags = xml.split('<').skip(1).filter(|tag| !tag.starts_with(['/', '?']));
    tags.map(|tag| tag.split('>').next().unwrap().trim_end_matches('/').to_owned()).collect()
}

/// A source client of the real one, until it is dropped.
struct Source {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Source {
    fn start(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        let login = STANDARD.encode(format!("source:{SOURCE_PASSWORD}"));
        write!(
            stream,
            "SOURCE /stream HTTP/1.0\r\nAuthorization: Basic {login}\r\nContent-Type: audio/mpeg\r\n\
             User-Agent: studio\r\nice-name: N\r\nice-genre: G\r\nice-description: D\r\nice-url: http://u/\r\n\
             ice-public: 0\r\nice-bitrate: 128\r\nice-audio-info: ice-samplerate=44100;ice-bitrate=128;ice-channels=2\r\n\r\n"
        )
        .unwrap();
        assert!(head(&mut stream).starts_with("HTTP/1.0 200 OK"));
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let sound = song(Sound::default(), 8);
            while !stopped.load(Relaxed) && stream.write_all(&sound).is_ok() {
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A listener of `address`, who has heard something.
fn listener(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /stream HTTP/1.0\r\nUser-Agent: player\r\n\r\n").unwrap();
    assert!(head(&mut stream).starts_with("HTTP/1.0 200 OK"));
    stream.read_exact(&mut [0; 64]).unwrap();
    stream
}

#[test]
#[ignore = "needs icecast2"]
fn the_administration_answers_as_a_real_icecast_does_but_for_what_is_listed() {
    let icecast = Icecast::start();
    let _source = Source::start(icecast.address);
    let stream = StreamInfo {
        name: "N".into(),
        genre: "G".into(),
        description: "D".into(),
        url: "http://u/".into(),
        public: false,
    };
    let mut radio = Radio::start(ServerOptions { stream, ..admin_options() });
    radio.push(200, Some("a - b"));
    let mut sides =
        [icecast.address, radio.address].map(|address| Side { address, listener: String::new() });
    let _listeners = sides.each_ref().map(|side| listener(side.address));
    for side in &mut sides {
        side.ask(ADMIN, "GET /admin/metadata?mount=/stream&mode=updinfo&song=a+-+b");
        wait_until("the listener is listed", || {
            let list = side.ask(ADMIN, "GET /admin/listclients?mount=/stream").1;
            let id = list.split_once("<ID>").and_then(|(_, rest)| rest.split('<').next());
            side.listener = id.unwrap_or_default().to_owned();
            id.is_some()
        });
        // Icecast gathers these every few seconds only.
        wait_until("the statistics are whole", || {
            let stats = side.ask(ADMIN, "GET /admin/stats").1;
            stats.contains("<title>") && stats.contains("<total_bytes_sent>")
        });
    }
    let mut found = Vec::new();
    let mut unlisted = String::new();
    for (login, request) in ASKED {
        let [theirs, ours] = sides.each_ref().map(|side| side.shape(login, request));
        if theirs == ours {
            continue;
        }
        found.push((login, request));
        match DIFFERENCES.iter().find(|listed| (listed.0, listed.1) == (login, request)) {
            Some((.., reason)) => println!("differs: {login} {request}: {reason}"),
            None => unlisted
                .push_str(&format!("{login} {request}\ntheirs {theirs:#?}\nours {ours:#?}\n")),
        }
    }
    assert!(unlisted.is_empty(), "{unlisted}");
    for (login, request, _) in DIFFERENCES {
        assert!(found.contains(&(login, request)), "{login} {request} does not differ any more");
    }
}
