//! Real source clients, each sending the matrix's songs to a mount.

#![cfg(unix)]

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use super::players::{Mpd, Player};

/// A program that sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `icecast://`, which is PUT with Expect.
    Ffmpeg,
    /// The same with SOURCE.
    FfmpegLegacy,
    /// By libshout, with its probes before.
    Ezstream,
    /// By its own client.
    Liquidsoap,
    /// By libshout, encoded by LAME.
    Mpd,
}

/// Where to, and what is sent.
#[derive(Debug, Clone, Copy)]
pub struct Sending<'a> {
    pub host: &'a str,
    pub mount: &'a str,
    pub password: &'a str,
    pub songs: &'a [PathBuf],
}

/// A running one.
pub enum Sender {
    Plain(Player),
    Daemon(Mpd),
}

/// What each of them says of its stream.
pub const LIVE_NAME: &str = "Käse Live";

impl Kind {
    pub fn start(self, sending: Sending<'_>) -> Sender {
        let Sending { host, mount, password, songs } = sending;
        let (server, port) = host.split_once(':').unwrap();
        let home = tempfile::tempdir().unwrap();
        let at = |name: &str| home.path().join(name).display().to_string();
        match self {
            Self::Ffmpeg | Self::FfmpegLegacy => {
                let song = songs[0].to_str().unwrap();
                let url = format!("icecast://source:{password}@{host}{mount}");
                let legacy = if self == Self::Ffmpeg { "0" } else { "1" };
                let input = ["-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i", song];
                let output = ["-c", "copy", "-f", "mp3", "-content_type", "audio/mpeg"];
                let words = [
                    ["-ice_name", LIVE_NAME],
                    ["-ice_genre", "Test"],
                    ["-ice_description", "by hand"],
                    ["-ice_url", "http://live.example/"],
                    ["-legacy_icecast", legacy],
                ];
                let words = [&input[..], &output, words.as_flattened(), &[&url]].concat();
                Sender::Plain(Player::start_in(home, "ffmpeg", &words))
            }
            Self::Ezstream => {
                fs::write(at("list.m3u"), list(songs)).unwrap();
                let list = at("list.m3u");
                let text = format!(
                    "<ezstream><servers><server><hostname>{server}</hostname><port>{port}</port>\
                     <password>{password}</password><tls>none</tls>\
                     <reconnect_attempts>1</reconnect_attempts></server></servers>\
                     <streams><stream><mountpoint>{mount}</mountpoint><format>MP3</format>\
                     <stream_name>{LIVE_NAME}</stream_name><stream_genre>Test</stream_genre>\
                     <stream_url>http://live.example/</stream_url>\
                     <stream_description>by hand</stream_description>\
                     <stream_bitrate>128</stream_bitrate></stream></streams>\
                     <intakes><intake><type>playlist</type><filename>{list}</filename>\
                     </intake></intakes></ezstream>"
                );
                fs::write(at("ezstream.xml"), text).unwrap();
                Sender::Plain(Player::start_in(home, "ezstream", &["-c", "ezstream.xml"]))
            }
            Self::Liquidsoap => {
                fs::write(at("list.m3u"), list(songs)).unwrap();
                let (list, mount) = (at("list.m3u"), mount.trim_start_matches('/'));
                let text = format!(
                    "set(\"log.stdout\", true)\nset(\"log.file\", false)\n\
                     s = mksafe(playlist(mode=\"normal\", \"{list}\"))\n\
                     output.icecast(%mp3(bitrate=128, samplerate=44100), host=\"{server}\", port={port}, \
                     password=\"{password}\", mount=\"{mount}\", name=\"{LIVE_NAME}\", genre=\"Test\", \
                     description=\"by hand\", url=\"http://live.example/\", s)\n"
                );
                fs::write(at("live.liq"), text).unwrap();
                Sender::Plain(Player::start_in(home, "liquidsoap", &["live.liq"]))
            }
            Self::Mpd => daemon(home, sending),
        }
    }
}

/// An MPD that takes the songs from their folder.
fn daemon(home: TempDir, sending: Sending<'_>) -> Sender {
    let Sending { host, mount, password, songs } = sending;
    let (server, port) = host.split_once(':').unwrap();
    let music = home.path().join("music");
    fs::create_dir(&music).unwrap();
    for song in songs {
        fs::copy(song, music.join(song.file_name().unwrap())).unwrap();
    }
    let music = music.display();
    let output = format!(
        "music_directory \"{music}\"\naudio_output {{\n type \"shout\"\n name \"{LIVE_NAME}\"\n \
         host \"{server}\"\n port \"{port}\"\n mount \"{mount}\"\n password \"{password}\"\n \
         encoder \"lame\"\n bitrate \"128\"\n format \"44100:16:2\"\n genre \"Test\"\n \
         description \"by hand\"\n url \"http://live.example/\"\n}}\n"
    );
    let mpd = Mpd::with(home, &output);
    mpd.ask("update");
    // It knows nothing before it has looked.
    super::matrix::wait_until("mpd knows its songs", || {
        mpd.ask("stats").contains(&("songs".to_owned(), songs.len().to_string()))
    });
    let adds = songs.iter().map(|song| format!("add \"{}\"", song.file_name().unwrap().display()));
    mpd.ask(&adds.chain(["repeat 1".to_owned(), "play".to_owned()]).collect::<Vec<_>>().join("\n"));
    Sender::Daemon(mpd)
}

impl Sender {
    fn player(&mut self) -> &mut Player {
        match self {
            Self::Plain(player) => player,
            Self::Daemon(mpd) => &mut mpd.player,
        }
    }

    /// What it has said, and mpd in its log.
    pub fn said(&mut self) -> String {
        let log = fs::read_to_string(self.player().home().join("log")).unwrap_or_default();
        format!("{}{log}", self.player().said())
    }

    /// Ends it as an operator does.
    pub fn end(mut self) {
        self.player().interrupt();
    }

    /// How it ends by itself; nothing where it goes on.
    pub fn wait_for(&mut self, patience: std::time::Duration) -> Option<i32> {
        self.player().wait_for(patience)
    }
}

fn list(songs: &[PathBuf]) -> String {
    songs.iter().map(|song| format!("{}\n", song.display())).collect()
}
