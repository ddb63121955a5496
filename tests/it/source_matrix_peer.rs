//! The same source clients at a real Icecast 2.4.4 and at our own server: they and their listeners
//! must be told the same, but for what [`of_sources`] has.

#![cfg(unix)]

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use musicdb_stream::mpeg::Header;
use serde_json::Value;

use crate::support::{
    differences::{Facts, assert_same, of_sources},
    matrix::{Shelf, known, wait_until},
    players::{PATIENCE, Player, behind, lines_with},
    radio::{head, take_apart},
    served::Served,
    source_clients::{Kind, Sender, Sending},
    tools::{Icecast, SOURCE_PASSWORD},
};

const MOUNT: &str = "/live";
/// Four seconds of sound.
const HEARD: usize = 64_000;

/// Two servers without a source on `/live`.
struct Studio {
    hosts: [String; 2],
    shelf: Shelf,
    _icecast: Icecast,
    _served: Served,
}

impl Studio {
    /// Nothing where our server takes no sources.
    fn open() -> Self {
        let charset =
            "<mount type=\"normal\"><mount-name>/live</mount-name><charset>UTF-8</charset></mount>";
        let (shelf, icecast) = (Shelf::new(), Icecast::with(charset));
        let table = format!("[server]\nsource_password = \"{SOURCE_PASSWORD}\"\n");
        let served = shelf.serve("127.0.0.1:0", &table);
        let hosts = [icecast.address.to_string(), served.address.to_string()];
        let studio = Self { hosts, shelf, _icecast: icecast, _served: served };
        // A source that says nothing more: one that is taken is told so at once.
        let mut socket = TcpStream::connect(&studio.hosts[1]).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let login = BASE64_STANDARD.encode(format!("source:{SOURCE_PASSWORD}"));
        let kind = "Content-Type: audio/mpeg";
        let probe =
            format!("SOURCE /probe HTTP/1.0\r\nAuthorization: Basic {login}\r\n{kind}\r\n\r\n");
        socket.write_all(probe.as_bytes()).unwrap();
        let said = head(&mut socket);
        assert!(said.contains(" 200 "), "{said}");
        studio
    }

    fn start(&self, kind: Kind, host: &str, password: &str) -> Sender {
        kind.start(Sending { host, mount: MOUNT, password, songs: &self.shelf.files() })
    }

    /// Lets a client send to both at the same time.
    fn both(&self, look: impl Fn(&str) -> Facts + Sync) -> [Facts; 2] {
        thread::scope(|scope| {
            let looks = self.hosts.each_ref().map(|host| scope.spawn(|| look(host)));
            looks.map(|look| look.join().unwrap())
        })
    }
}

fn get(host: &str, path: &str, lines: &str) -> (String, TcpStream) {
    let mut socket = TcpStream::connect(host).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(socket, "GET {path} HTTP/1.0\r\nHost: {host}\r\n{lines}\r\n").unwrap();
    (head(&mut socket), socket)
}

/// What the status page tells of `/live`.
fn live(host: &str) -> Option<Value> {
    let mut body = String::new();
    get(host, "/status-json.xsl", "").1.read_to_string(&mut body).ok()?;
    let status: Value = serde_json::from_str(&body).ok()?;
    let sources = &status["icestats"]["source"];
    let all = sources.as_array().cloned().unwrap_or_else(|| vec![sources.clone()]);
    let is_live =
        |source: &Value| source["listenurl"].as_str().is_some_and(|url| url.ends_with(MOUNT));
    all.into_iter().find(is_live)
}

/// Notes what a listener of `/live` is told and hears.
fn listen(host: &str, facts: &mut Facts) {
    // Who comes before the first frame is told less: so one goes ahead, and hears some sound.
    get(host, MOUNT, "").1.read_exact(&mut [0; 4000]).unwrap();
    let (head, mut socket) = get(host, MOUNT, "Icy-MetaData: 1\r\n");
    for line in
        head.lines().filter(|line| line.starts_with("ic") || line.starts_with("Content-Type"))
    {
        let (name, value) = line.split_once(':').unwrap();
        facts.note(&format!("listener: {}", name.to_lowercase()), value.trim());
    }
    let mut body = vec![0; HEARD];
    socket.read_exact(&mut body).unwrap();
    let (sound, titles) = take_apart(&body, 16_000);
    let titles: Vec<_> = titles.iter().filter(|(_, title)| !title.is_empty()).collect();
    let all_known = titles.iter().all(|(_, title)| known(title) == "a song's title");
    facts.note(
        "listener: titles",
        if titles.is_empty() {
            "none"
        } else if all_known {
            "the songs'"
        } else {
            "others"
        },
    );
    facts.yes("listener: whole frames", whole_frames(&sound) * 10 > sound.len() * 9);
}

/// Bytes of the longest row of frames in `sound`.
fn whole_frames(sound: &[u8]) -> usize {
    let row = |from: usize| {
        let mut at = from;
        while let Some(head) = sound.get(at..).and_then(|rest| rest.first_chunk()) {
            let Ok(header) = Header::parse(*head) else { break };
            at += header.frame_len();
        }
        at.min(sound.len()) - from
    };
    (0..sound.len().min(8192)).map(row).max().unwrap_or(0)
}

/// Sends to both, looks at both, ends.
fn compare(client: &str, kind: Kind) {
    let studio = Studio::open();
    let facts = studio.both(|host| {
        let mut facts = Facts::default();
        let mut sender = studio.start(kind, host, SOURCE_PASSWORD);
        let has_title = matches!(kind, Kind::Ezstream | Kind::Liquidsoap | Kind::Mpd);
        wait_until("the source is on the air", || {
            let end = sender.wait_for(Duration::ZERO);
            assert!(end.is_none(), "{client} ended with {end:?} at {host}: {}", sender.said());
            live(host).is_some_and(|live| !has_title || live["title"].is_string())
        });
        // Icecast reckons some of it from what has come.
        listen(host, &mut facts);
        let status = live(host).unwrap();
        for (key, value) in status.as_object().unwrap() {
            match key.as_str() {
                "title" => facts.note("status: title", known(value.as_str().unwrap_or_default())),
                // Somebody may be told of who has just left.
                "listenurl" | "dummy" | "listeners" | "listener_peak" => {}
                key if key.starts_with("stream_start") => {}
                key => facts.note(&format!("status: {key}"), value),
            }
        }
        sender.end();
        wait_until("the mount goes with its source", || live(host).is_none());
        facts.note("at the source's end", "the mount goes");
        let mut refused = studio.start(kind, host, "wrong-password");
        wait_until("a wrong password is noticed", || {
            let said = refused.said().to_lowercase();
            refused.wait_for(Duration::ZERO).is_some()
                || said.contains("401")
                || said.contains("login")
                || said.contains("auth")
        });
        facts.yes("with a wrong password: on the air", live(host).is_some());
        facts
            .note("with a wrong password: ends", format!("{:?}", refused.wait_for(Duration::ZERO)));
        facts
    });
    let must = [("listener: whole frames", "yes"), ("with a wrong password: on the air", "no")];
    assert_same(client, &facts, &of_sources(), &must);
}

#[test]
#[ignore = "needs icecast2, lame, ezstream and mpg123"]
fn mpg123_hears_a_sources_mount_the_same() {
    let studio = Studio::open();
    let facts = studio.both(|host| {
        let mut facts = Facts::default();
        let sender = studio.start(Kind::Ezstream, host, SOURCE_PASSWORD);
        wait_until("the source is on the air", || {
            live(host).is_some_and(|live| live["title"].is_string())
        });
        // 300 frames: 7.8 seconds.
        let url = format!("http://{host}{MOUNT}");
        let (said, code) = Player::run("mpg123", &["-v", "-t", "-n", "300", &url]);
        facts.note("300 frames", format!("ends with {code}"));
        facts.note("name", behind(&said, "ICY-NAME: ").unwrap_or("nothing"));
        facts.note("format", behind(&said, "MPEG 1.0 L III ").unwrap_or("nothing"));
        let shown = said.lines().filter_map(|line| line.split_once("StreamTitle='"));
        let mut shown = shown.map(|(_, rest)| rest.rsplit_once("';").map_or(rest, |(t, _)| t));
        facts.yes("titles", shown.clone().next().is_some());
        facts.yes("other titles", shown.any(|title| known(title) != "a song's title"));
        let words = ["error", "warning", "missing", "illegal", "resync", "skip", "junk", "big"];
        facts.yes("complains", !lines_with(&said, &words).is_empty());
        sender.end();
        facts
    });
    let must = [("300 frames", "ends with 0"), ("titles", "yes"), ("complains", "no")];
    assert_same("mpg123 at ezstream's mount", &facts, &of_sources(), &must);
}

#[test]
#[ignore = "needs icecast2, lame and ffmpeg"]
fn ffmpeg_as_a_source_is_told_the_same() {
    compare("ffmpeg as source", Kind::Ffmpeg);
}

#[test]
#[ignore = "needs icecast2, lame and ffmpeg"]
fn ffmpeg_with_the_old_verb_is_told_the_same() {
    compare("ffmpeg as source, SOURCE", Kind::FfmpegLegacy);
}

#[test]
#[ignore = "needs icecast2, lame and ezstream"]
fn ezstream_is_told_the_same() {
    compare("ezstream", Kind::Ezstream);
}

#[test]
#[ignore = "needs icecast2, lame and liquidsoap"]
fn liquidsoap_is_told_the_same() {
    compare("liquidsoap", Kind::Liquidsoap);
}

#[test]
#[ignore = "needs icecast2, lame and mpd"]
fn mpd_as_a_source_is_told_the_same() {
    compare("mpd as source", Kind::Mpd);
}
