//! The same clients at a real Icecast 2.4.4 and at our own server, at the same time on the same
//! station: they must be told the same, but for what [`DIFFERENCES`] has.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use crate::support::{
    browser::Browser,
    matrix::{
        Broadcast, Difference, Facts, NAME, SONGS, assert_same, known, titles, wait_until,
        wav_seconds,
    },
    players::{Mpd, PATIENCE, Player},
    tools::Icecast,
};

/// What one client is told otherwise, by both servers' words, and why. `docs/clients.md` has it too.
pub(super) const DIFFERENCES: &[Difference] = &[
    Difference {
        client: "curl",
        fact: "HEAD",
        icecast: "400 text/html; charset=utf-8",
        ours: "200 audio/mpeg",
        at_times: false,
        reason: "Icecast 2.4 knows no HEAD; browsers, Sonos and monitors send it",
    },
    Difference {
        client: "curl",
        fact: "OPTIONS",
        icecast: "000 ",
        ours: "204 ",
        at_times: false,
        reason: "Icecast 2.4 closes without an answer; a browser asks so before it asks for titles",
    },
    Difference {
        client: "curl",
        fact: "header access-control-expose-headers",
        icecast: "nothing",
        ours: "there",
        at_times: false,
        reason: "without it a web page cannot read icy-metaint",
    },
    Difference {
        client: "curl",
        fact: "header icy-br",
        icecast: "128, 128",
        ours: "128",
        at_times: false,
        reason: "Icecast 2.4 sends it twice where the source tells the bitrate in two headers",
    },
    Difference {
        client: "curl",
        fact: "/stream.pls",
        icecast: "404 text/html; charset=utf-8",
        ours: "200 audio/x-scpls",
        at_times: false,
        reason: "Icecast 2.4 has no such playlist; many players want one",
    },
    Difference {
        client: "curl",
        fact: "/stream.mp3",
        icecast: "404 text/html; charset=utf-8",
        ours: "200 audio/mpeg",
        at_times: false,
        reason: "a second name of the mount, for devices that want an extension",
    },
    Difference {
        client: "curl",
        fact: "begins with a frame",
        icecast: "no",
        ours: "yes",
        at_times: true,
        reason: "Icecast's burst begins at any byte, ours at a frame that decodes at once",
    },
    Difference {
        client: "ffmpeg",
        fact: "skips junk",
        icecast: "yes",
        ours: "no",
        at_times: true,
        reason: "Icecast's burst begins at any byte, ours at a frame that decodes at once",
    },
    Difference {
        client: "mpg123",
        fact: "complains",
        icecast: "yes",
        ours: "no",
        at_times: true,
        reason: "Icecast's burst begins at any byte, ours at a frame that decodes at once",
    },
    Difference {
        client: "vlc",
        fact: "bitrate",
        icecast: "128, 128",
        ours: "128",
        at_times: false,
        reason: "Icecast 2.4 sends it twice where the source tells the bitrate in two headers",
    },
    Difference {
        client: "chromium",
        fact: "fetch with titles",
        icecast: "TypeError",
        ours: "200 audio/mpeg, icy-metaint 16000",
        at_times: false,
        reason: "Icecast 2.4 does not answer the OPTIONS that the browser sends before",
    },
];

/// Compares what one client tells of both servers.
fn assert_alike(client: &str, facts: &[Facts; 2]) {
    assert_same(client, facts, DIFFERENCES);
}

/// Joins what a client told while the stream was there with how it ended.
fn join([icecast, ours]: [Facts; 2], [icecast_end, ours_end]: [Facts; 2]) -> [Facts; 2] {
    [icecast.with(icecast_end), ours.with(ours_end)]
}

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

/// Lines of `said` with one of these words in them, in any case.
fn lines_with<'a>(said: &'a str, words: &[&str]) -> Vec<&'a str> {
    let complains = |line: &&str| {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word))
    };
    said.lines().filter(complains).collect()
}

/// What stands behind `opening` in the first line that has it.
fn behind<'a>(said: &'a str, opening: &str) -> Option<&'a str> {
    said.lines().find_map(|line| Some(line.split_once(opening)?.1.trim()))
}

#[test]
fn the_clients_document_has_every_difference_with_its_reason() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients.md");
    let document = fs::read_to_string(path).unwrap();
    let rows: BTreeSet<&str> = document.lines().collect();
    for Difference { client, fact, icecast, ours, reason, .. } in DIFFERENCES {
        let row =
            format!("| {client} | {fact} | {} | {} | {reason} |", icecast.trim(), ours.trim());
        assert!(rows.contains(row.as_str()), "docs/clients.md lacks\n{row}");
    }
    let known = DIFFERENCES.len();
    let shown = document.lines().filter(|line| line.starts_with("| ")).filter(|line| {
        DIFFERENCES.iter().any(|row| line.starts_with(&format!("| {} | ", row.client)))
            && line.matches(" | ").count() == 4
    });
    assert_eq!(shown.count(), known, "docs/clients.md has a difference that no test knows");
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
    assert_alike("curl", &join(facts, ends));
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
    assert_alike("ffmpeg", &join(facts, ends));
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
    assert_alike("mpg123", &join(facts, ends));
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
    assert_alike("mpv", &join(facts, ends));
}

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
    assert_alike("mpd", &join(facts, ends));
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
    assert_alike("vlc", &join(facts, ends));
}

/// Frames of a file of songs by LAME at 128 kbit/s, without its tag: their bytes.
fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    let mut frames = Vec::new();
    let mut at = bytes.windows(4).position(|four| four.starts_with(&[0xFF, 0xFB])).unwrap_or(0);
    while let Some(head) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let Ok(header) = musicdb_stream::mpeg::Header::parse(*head) else { break };
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
    assert_alike("streamripper", &facts);
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
    assert_alike("chromium", &join(facts, ends));
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
    assert_alike("icecast2 as relay", &join(facts, ends));
}

/// Nothing of the table is about a client that no test runs, and the songs' names are what they are for.
#[test]
fn the_table_knows_only_clients_that_are_run() {
    let clients = [
        "curl",
        "ffmpeg",
        "mpg123",
        "mpv",
        "mpd",
        "vlc",
        "streamripper",
        "chromium",
        "icecast2 as relay",
    ];
    for row in DIFFERENCES {
        assert!(clients.contains(&row.client), "{row:?}");
    }
    assert_eq!(titles().len(), SONGS.len());
    assert!(NAME.contains('ä') && PATIENCE > Duration::from_secs(10));
}
