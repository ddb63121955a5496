//! The same clients at a real Icecast 2.4.4 and at our own server, at the same time on the same
//! station: they must be told the same, but for what [`OF_LISTENERS`] has.

#![cfg(unix)]

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use crate::support::{
    differences::{Difference, Facts, OF_LISTENERS, assert_alike, joined, of_sources},
    matrix::{Broadcast, known, wait_until, wav_seconds},
    players::{Player, behind, lines_with},
};

/// Starts a player at both, waits until it has said that it plays, ends the stream, and notes with
/// which code each ends.
fn ends(
    broadcast: &mut Broadcast,
    start: impl Fn(&str) -> Player + Sync,
    plays: impl Fn(&Player, &str) -> bool + Sync,
) -> [Facts; 2] {
    let players = broadcast.both(|host| {
        let mut player = start(host);
        wait_until("the player plays", || {
            let said = player.said();
            assert!(player.wait_for(Duration::ZERO).is_none(), "it ended before: {said}");
            plays(&player, &said)
        });
        player
    });
    broadcast.end();
    players.map(|mut player| {
        let mut facts = Facts::default();
        facts.note("at the stream's end", format!("ends with {}", player.wait()));
        facts
    })
}

#[test]
fn the_clients_document_has_every_difference_with_its_reason() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients.md");
    let document = fs::read_to_string(path).unwrap();
    let rows: BTreeSet<&str> = document.lines().collect();
    let of_sources = of_sources();
    let all = || OF_LISTENERS.iter().chain(&of_sources);
    for Difference { client, fact, icecast, ours, reason, .. } in all() {
        let (icecast, ours) = (icecast.trim(), ours.trim());
        let row = format!("| {client} | {fact} | {icecast} | {ours} | {reason} |");
        assert!(rows.contains(row.as_str()), "docs/clients.md lacks\n{row}");
    }
    let shown = rows.iter().filter(|row| row.matches(" | ").count() == 4).filter(|row| {
        all().any(|difference| row.starts_with(&format!("| {} | ", difference.client)))
    });
    assert_eq!(shown.count(), all().count(), "docs/clients.md has a row that no test knows");
}

/// A request's status, type, and headers, as curl saw them in at most two seconds.
fn curl(host: &str, path: &str, arguments: &[&str]) -> (String, Vec<(String, String)>) {
    let url = format!("http://{host}{path}");
    let told = ["-s", "-o", "body", "-D", "-", "-w", "\n= %{http_code} %{content_type}"];
    let arguments = [&told[..], &["--max-time", "2"], arguments, &[&url]].concat();
    let (said, _) = Player::run("curl", &arguments);
    let answer = behind(&said, "= ").unwrap_or_default();
    let headers = said.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_lowercase(), value.trim().to_owned()))
    });
    let status = answer.split(' ').next().unwrap_or_default();
    let kind = answer.strip_prefix(status).unwrap_or_default().trim();
    (format!("{status} {kind}"), headers.collect())
}

#[test]
#[ignore = "needs icecast2, lame and curl"]
fn curl_is_told_the_same() {
    let mut broadcast = Broadcast::start();
    let facts = broadcast.both(|host| {
        let mut facts = Facts::default();
        let (answer, headers) = curl(host, "/stream", &["-H", "Icy-MetaData: 1"]);
        facts.note("GET", answer);
        for (name, value) in headers {
            if ["date", "server"].contains(&name.as_str()) {
                continue;
            }
            let name = format!("header {name}");
            let value = match facts.0.get(&name) {
                Some(before) => format!("{before}, {value}"),
                None if name.contains("expose") => "there".to_owned(),
                None => value,
            };
            facts.note(&name, value);
        }
        let without_titles = curl(host, "/stream", &[]).1;
        facts.yes("titles unasked", without_titles.iter().any(|(name, _)| name == "icy-metaint"));
        for (name, path, arguments) in [
            ("GET with HTTP/1.0", "/stream", &["-0"][..]),
            ("HEAD", "/stream", &["-I"]),
            ("OPTIONS", "/stream", &["-X", "OPTIONS"]),
            ("Range: bytes=0-", "/stream", &["-r", "0-"]),
            ("Range: bytes=0-1", "/stream", &["-r", "0-1"]),
            ("Range: bytes=100-", "/stream", &["-r", "100-"]),
            ("a query", "/stream?from=page", &[]),
            ("an unknown mount", "/elsewhere", &["-w", "\n= %{http_code} "]),
            ("/stream.m3u", "/stream.m3u", &[]),
            ("/stream.xspf", "/stream.xspf", &[]),
            ("/stream.pls", "/stream.pls", &[]),
            ("/stream.mp3", "/stream.mp3", &[]),
            ("/status-json.xsl", "/status-json.xsl", &[]),
        ] {
            facts.note(name, curl(host, path, arguments).0);
        }
        let mut player = Player::start(
            "curl",
            &["-sS", "--max-time", "4", "-o", "sound", &format!("http://{host}/stream")],
        );
        facts.note("after --max-time", format!("ends with {}", player.wait()));
        let sound = fs::read(player.home().join("sound")).unwrap();
        facts.yes("begins with a frame", sound.starts_with(&[0xFF, 0xFB]));
        // 128 kbit/s for four seconds, and the burst.
        facts.yes("six seconds of sound", sound.len() > 6 * 16_000);
        facts
    });
    let start = |host: &str| {
        Player::start("curl", &["-sS", "-o", "sound", &format!("http://{host}/stream")])
    };
    let heard = |player: &Player| fs::metadata(player.home().join("sound")).map_or(0, |m| m.len());
    let ends = ends(&mut broadcast, start, |player, _| heard(player) > 32_000);
    assert_alike(
        "curl",
        &joined(facts, ends),
        &[
            ("GET", "200 audio/mpeg"),
            ("header icy-metaint", "16000"),
            ("six seconds of sound", "yes"),
        ],
    );
}

#[test]
#[ignore = "needs icecast2, lame and ffmpeg"]
fn ffmpeg_is_told_the_same() {
    let mut broadcast = Broadcast::start();
    let facts = broadcast.both(|host| {
        let mut facts = Facts::default();
        let url = format!("http://{host}/stream");
        let (said, code) =
            Player::run("ffprobe", &["-v", "error", "-show_streams", "-show_format", &url]);
        facts.note("ffprobe", format!("ends with {code}"));
        for key in [
            "format_name=",
            "codec_name=",
            "sample_rate=",
            "channels=",
            "bit_rate=",
            "TAG:icy-name=",
            "TAG:icy-br=",
            "TAG:icy-genre=",
            "TAG:icy-description=",
            "TAG:icy-url=",
            "TAG:icy-pub=",
        ] {
            let value = behind(&said, key).unwrap_or("nothing").to_owned();
            facts.note(key.trim_end_matches('='), value);
        }
        facts.note("title", behind(&said, "TAG:StreamTitle=").map_or("none".into(), known));
        let (said, code) = Player::run(
            "ffmpeg",
            &["-nostdin", "-v", "warning", "-i", &url, "-t", "6", "-f", "wav", "sound.wav"],
        );
        facts.note("decoding", format!("ends with {code}"));
        facts.yes("skips junk", said.contains("Skipping"));
        let others = said.lines().filter(|line| !line.contains("Skipping") && !line.is_empty());
        facts.note("complains", others.collect::<Vec<_>>().join("; "));
        facts
    });
    let start = |host: &str| {
        let url = format!("http://{host}/stream");
        Player::start("ffmpeg", &["-nostdin", "-v", "error", "-i", &url, "-f", "wav", "sound.wav"])
    };
    let plays = |player: &Player, _: &str| wav_seconds(&player.home().join("sound.wav")) > 3.0;
    let ends = ends(&mut broadcast, start, plays);
    assert_alike(
        "ffmpeg",
        &joined(facts, ends),
        &[("title", "a song's title"), ("decoding", "ends with 0"), ("complains", "")],
    );
}

#[test]
#[ignore = "needs icecast2, lame and mpg123"]
fn mpg123_is_told_the_same() {
    let mut broadcast = Broadcast::start();
    let facts = broadcast.both(|host| {
        let mut facts = Facts::default();
        let url = format!("http://{host}/stream");
        // 300 frames: 7.8 seconds.
        let (said, code) = Player::run("mpg123", &["-v", "-t", "-n", "300", &url]);
        facts.note("300 frames", format!("ends with {code}"));
        facts.note("name", behind(&said, "ICY-NAME: ").unwrap_or("nothing"));
        facts.note("url", behind(&said, "ICY-URL: ").unwrap_or("nothing"));
        facts.note("format", behind(&said, "MPEG 1.0 L III ").unwrap_or("nothing"));
        let shown = said.lines().filter_map(|line| line.split_once("StreamTitle='"));
        let shown: BTreeSet<_> =
            shown.map(|(_, rest)| known(rest.rsplit_once("';").map_or(rest, |(t, _)| t))).collect();
        facts.note("titles", shown.into_iter().collect::<Vec<_>>().join(", "));
        let words = ["error", "warning", "missing", "illegal", "resync", "skip", "junk", "big"];
        facts.yes("complains", !lines_with(&said, &words).is_empty());
        facts
    });
    let start =
        |host: &str| Player::start("mpg123", &["-v", "-t", &format!("http://{host}/stream")]);
    let ends = ends(&mut broadcast, start, |_, said| said.contains("StreamTitle"));
    assert_alike(
        "mpg123",
        &joined(facts, ends),
        &[("titles", "a song's title"), ("300 frames", "ends with 0"), ("complains", "no")],
    );
}

const MPV: [&str; 4] = ["--no-config", "--ao=null", "--no-video", "--msg-level=all=info"];

#[test]
#[ignore = "needs icecast2, lame and mpv"]
fn mpv_is_told_the_same() {
    let mut broadcast = Broadcast::start();
    let facts = broadcast.both(|host| {
        let mut facts = Facts::default();
        let url = format!("http://{host}/stream");
        let (said, code) = Player::run("mpv", &[&MPV[..], &["--length=8", &url]].concat());
        facts.note("8 seconds", format!("ends with {code}"));
        facts.note("audio", behind(&said, "Audio ").unwrap_or("nothing"));
        facts.note("output", behind(&said, "AO: ").unwrap_or("nothing"));
        let shown = said.lines().filter_map(|line| line.split_once("icy-title: "));
        let shown: BTreeSet<_> = shown.map(|(_, title)| known(title.trim())).collect();
        facts.note("titles", shown.into_iter().collect::<Vec<_>>().join(", "));
        let words = ["error", "warning", "invalid", "illegal", "fail", "missing"];
        facts.note("complains", lines_with(&said, &words).join("; "));
        facts
    });
    let start = |host: &str| {
        Player::start("mpv", &[&MPV[..], &[&format!("http://{host}/stream")]].concat())
    };
    let ends = ends(&mut broadcast, start, |_, said| said.contains("icy-title"));
    assert_alike(
        "mpv",
        &joined(facts, ends),
        &[("titles", "a song's title"), ("8 seconds", "ends with 0"), ("complains", "")],
    );
}
