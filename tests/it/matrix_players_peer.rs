//! More of the matrix: clients that keep running, and what they pass on. See `matrix_peer.rs`.

#![cfg(unix)]

use std::{collections::BTreeSet, fs};

use musicdb_stream::mpeg::Header;

use crate::support::{
    browser::Browser,
    differences::{Facts, assert_alike, joined},
    matrix::{Broadcast, known, titles, wait_until, wav_seconds},
    players::{Mpd, Player, behind, lines_with},
    tools::Icecast,
};

#[test]
#[ignore = "needs icecast2, lame, mpd and mpc"]
fn mpd_is_told_the_same() {
    let mut broadcast = Broadcast::start();
    let daemons = broadcast.both(|host| {
        let mpd = Mpd::start();
        let socket = mpd.player.home().join("socket");
        let url = format!("http://{host}/stream");
        for words in [&["add", &url][..], &["play"]] {
            let mpc = ["--host", socket.to_str().unwrap()];
            let (said, code) = Player::run("mpc", &[&mpc[..], words].concat());
            assert_eq!(code, 0, "{said}");
        }
        mpd
    });
    let facts = daemons.each_ref().map(|mpd| {
        let mut facts = Facts::default();
        let seconds = |value: Option<&str>| value.and_then(|text| text.parse::<f64>().ok());
        mpd.wait_value("elapsed", |value| seconds(value).is_some_and(|elapsed| elapsed > 3.0));
        for key in ["state", "bitrate", "audio", "Name"] {
            facts.note(key, mpd.value(key).unwrap_or_else(|| "nothing".to_owned()));
        }
        facts.note(
            "title",
            mpd.wait_value("Title", |title| title.is_some())
                .map_or("none".into(), |title| known(&title)),
        );
        facts
    });
    broadcast.end();
    let ends = daemons.each_ref().map(|mpd| {
        let mut facts = Facts::default();
        let state = mpd.wait_value("state", |state| state != Some("play"));
        facts.note("state at the stream's end", state.unwrap_or_else(|| "nothing".to_owned()));
        facts
            .note("error at the stream's end", mpd.value("error").unwrap_or_else(|| "none".into()));
        facts
    });
    assert_alike("mpd", &joined(facts, ends), &[("title", "a song's title"), ("state", "play")]);
}

/// Plays into a WAV file, and says everything.
fn vlc(host: &str) -> Player {
    let file = "#transcode{acodec=s16l,channels=2,samplerate=44100}:std{access=file,mux=wav,dst=sound.wav}";
    let url = format!("http://{host}/stream");
    Player::start(
        "cvlc",
        &["-vv", "--no-color", "--no-dbus", "-I", "dummy", "--sout", file, &url, "vlc://quit"],
    )
}

#[test]
#[ignore = "needs icecast2, lame and vlc (cvlc)"]
fn vlc_is_told_the_same() {
    let mut broadcast = Broadcast::start();
    let players = broadcast.both(|host| {
        let player = vlc(host);
        let file = player.home().join("sound.wav");
        wait_until("vlc decodes five seconds", || wav_seconds(&file) > 5.0);
        player
    });
    let facts = players.each_ref().map(|player| {
        let mut facts = Facts::default();
        let said = player.said();
        for (name, opening) in [
            ("name", "http stream debug: Icy-Name: "),
            ("genre", "http stream debug: Icy-Genre: "),
            ("interval", "http stream debug: Icy-MetaInt: "),
            ("url", "Meta-Info: icy-url: "),
        ] {
            facts.note(name, behind(&said, opening).unwrap_or("nothing"));
        }
        let rates = said.lines().filter_map(|line| line.split_once("Meta-Info: icy-br: "));
        facts.note("bitrate", rates.map(|(_, rate)| rate).collect::<Vec<_>>().join(", "));
        let shown = said.lines().filter_map(|line| line.split_once("New Icy-Title="));
        let shown: BTreeSet<_> = shown.map(|(_, title)| known(title.trim())).collect();
        facts.note("titles", shown.into_iter().collect::<Vec<_>>().join(", "));
        let of_sound = |line: &&str| line.contains(" decoder ") || line.contains(" packetizer ");
        let of_sound = said.lines().filter(of_sound).collect::<Vec<_>>().join("\n");
        facts.note("complains", lines_with(&of_sound, &[" error:", " warning:"]).join("; "));
        facts
    });
    broadcast.end();
    let ends = players.map(|mut player| {
        let mut facts = Facts::default();
        facts.note("at the stream's end", format!("ends with {}", player.wait()));
        facts
    });
    assert_alike("vlc", &joined(facts, ends), &[("titles", "a song's title"), ("complains", "")]);
}

/// Frames of a file of songs by LAME at 128 kbit/s, without its tag: their bytes.
fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut at = bytes.windows(4).position(|four| four.starts_with(&[0xFF, 0xFB])).unwrap_or(0);
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let Ok(header) = Header::parse(*head) else { break };
        let Some(frame) = bytes.get(at..at + header.frame_len()) else { break };
        frames.push(frame);
        at += header.frame_len();
    }
    frames
}

#[test]
#[ignore = "needs icecast2, lame and streamripper"]
fn streamripper_is_told_the_same_and_cuts_where_the_songs_begin() {
    let broadcast = Broadcast::start();
    let songs: Vec<Vec<u8>> =
        broadcast.shelf.files().iter().map(|file| fs::read(file).unwrap()).collect();
    let facts = broadcast.both(|host| {
        let mut facts = Facts::default();
        let url = format!("http://{host}/stream");
        let utf8 = ["metadata", "filesys", "id3"].map(|what| format!("--codeset-{what}=UTF-8"));
        let utf8 = utf8.each_ref().map(String::as_str);
        let words = [&url, "-d", "ripped", "-s", "-i", "--xs-none"];
        let mut ripper = Player::start("streamripper", &[&words[..], &utf8].concat());
        let folder = ripper.home().join("ripped");
        let ripped = || -> Vec<_> {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect()
        };
        wait_until("a song is ripped", || !ripped().is_empty());
        facts.note("interrupted", format!("ends with {}", ripper.interrupt()));
        let said = ripper.said();
        facts.note("stream", behind(&said, "stream: ").unwrap_or("nothing"));
        facts.note("interval", behind(&said, "meta interval: ").unwrap_or("nothing"));
        facts.note("bitrate", behind(&said, "declared bitrate: ").unwrap_or("nothing"));
        let path = ripped().remove(0);
        let title = path.file_stem().unwrap().to_string_lossy().into_owned();
        facts.note("a song's file", known(&title));
        let of_title = titles().iter().position(|known| *known == title);
        let song = of_title.map(|n| frames(&songs[n])).unwrap_or_default();
        let bytes = fs::read(&path).unwrap();
        let cut = frames(&bytes);
        let of_song = cut.iter().filter(|frame| song.contains(frame)).count();
        // A title stands behind 16,000 bytes of sound, which are 38 frames: the file begins as late
        // as that, and ends so.
        println!("{host}: {title}: {of_song} of {} frames, the song has {}", cut.len(), song.len());
        facts.yes("cut within an interval", !cut.is_empty() && of_song + 40 > cut.len());
        facts.yes("whole but for two intervals", of_song + 80 > song.len());
        facts
    });
    assert_alike(
        "streamripper",
        &facts,
        &[
            ("a song's file", "a song's title"),
            ("cut within an interval", "yes"),
            ("whole but for two intervals", "yes"),
        ],
    );
}

#[test]
#[ignore = "needs icecast2, lame and chromium"]
fn chromium_is_told_the_same() {
    let mut broadcast = Broadcast::start();
    let browsers = broadcast.both(|host| Browser::open(&format!("http://{host}/stream")));
    let facts = browsers.each_ref().map(|browser| {
        let mut facts = Facts::default();
        let told = browser.report("playing");
        facts.yes("plays three seconds", told["time"].as_f64() > Some(3.0));
        for key in ["duration", "error", "seekable", "refused"] {
            facts.note(key, &told[key]);
        }
        for (name, key) in [("fetch", "plain"), ("fetch with titles", "titles")] {
            let told = &told[key];
            let text = |key: &str| told[key].as_str().unwrap_or("none").to_owned();
            facts.note(
                name,
                match told["error"].as_str() {
                    Some(error) => error.to_owned(),
                    None if key == "plain" => format!("{} {}", told["status"], text("type")),
                    None => format!(
                        "{} {}, icy-metaint {}",
                        told["status"],
                        text("type"),
                        text("metaint")
                    ),
                },
            );
        }
        facts
    });
    broadcast.end();
    let ends = browsers.each_ref().map(|browser| {
        let mut facts = Facts::default();
        let told = browser.report("over");
        facts.note(
            "at the stream's end",
            format!("ended {}, error {}", told["ended"], told["error"]),
        );
        facts
    });
    assert_alike(
        "chromium",
        &joined(facts, ends),
        &[("plays three seconds", "yes"), ("error", "null")],
    );
}

#[test]
#[ignore = "needs icecast2 and lame"]
fn icecast_as_a_relay_is_told_the_same() {
    let mut broadcast = Broadcast::start();
    let of = |name: &str, host: &str| {
        let (server, port) = host.split_once(':').unwrap();
        format!(
            "<relay><server>{server}</server><port>{port}</port><mount>/stream</mount>\
             <local-mount>/{name}</local-mount><on-demand>0</on-demand>\
             <relay-shoutcast-metadata>1</relay-shoutcast-metadata></relay>\
             <mount type=\"normal\"><mount-name>/{name}</mount-name><charset>UTF-8</charset></mount>"
        )
    };
    let names = ["icecast", "ours"];
    let elements = [of(names[0], &broadcast.hosts[0]), of(names[1], &broadcast.hosts[1])].concat();
    let relay = Icecast::with(&elements);
    let source = |name: &str| {
        let status = relay.wait_status(|_| true);
        let status: serde_json::Value = serde_json::from_str(&status).unwrap_or_default();
        let sources = &status["icestats"]["source"];
        let all = sources.as_array().cloned().unwrap_or_else(|| vec![sources.clone()]);
        let is_it = |source: &&serde_json::Value| {
            source["listenurl"].as_str().is_some_and(|url| url.ends_with(&format!("/{name}")))
        };
        all.iter().find(is_it).cloned()
    };
    let has_title = |name| source(name).is_some_and(|source| source["title"].is_string());
    let facts = names.map(|name| {
        wait_until("the relay has a title", || has_title(name));
        let source = source(name).unwrap();
        let mut facts = Facts::default();
        for key in
            ["server_name", "server_description", "server_type", "server_url", "genre", "bitrate"]
        {
            facts.note(key, &source[key]);
        }
        facts.note("title", known(source["title"].as_str().unwrap()));
        let url = format!("http://{}/{name}", relay.address);
        let (said, code) = Player::run(
            "ffmpeg",
            &["-nostdin", "-v", "error", "-i", &url, "-t", "5", "-f", "null", "-"],
        );
        facts.note("a listener behind it", format!("ends with {code}{said}"));
        facts
    });
    broadcast.end();
    let ends = names.map(|name| {
        wait_until("the relay's mount goes", || source(name).is_none());
        let mut facts = Facts::default();
        facts.note("at the stream's end", "the relay's mount goes");
        facts
    });
    assert_alike(
        "icecast2 as relay",
        &joined(facts, ends),
        &[("title", "a song's title"), ("a listener behind it", "ends with 0")],
    );
}
