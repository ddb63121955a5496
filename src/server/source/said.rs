//! What a source client says about its stream, in the names that clients have for it.

use std::time::SystemTime;

use crate::{
    icy::{AudioInfo, StreamInfo},
    server::{mount::About, request::Request},
};

/// Longest text that is kept of a header: characters.
const MAX_TEXT: usize = 500;
/// Prefixes of the same header, the most usual one first.
const PREFIXES: [&str; 3] = ["ice-", "icy-", "x-audiocast-"];
const PUBLIC: [&str; 4] = ["ice-public", "icy-pub", "x-audiocast-public", "icy-public"];
const BITRATE: [&str; 3] = ["ice-bitrate", "icy-br", "x-audiocast-bitrate"];

/// All that is said, about a stream of this type that begins now.
pub(super) fn about(request: &Request, content_type: String) -> About {
    let is_public = first(request, &PUBLIC).is_some_and(|said| said.trim() == "1");
    let stream = StreamInfo {
        name: text(request, "name"),
        description: text(request, "description"),
        genre: text(request, "genre"),
        url: text(request, "url"),
        public: is_public,
    };
    About {
        stream,
        content_type: clean(&content_type),
        audio: audio(request),
        since: SystemTime::now(),
    }
}

/// `ice-audio-info` as it came; empty where there is none.
pub(super) fn audio_info(request: &Request) -> String {
    clean(request.header("ice-audio-info").unwrap_or_default())
}

/// What the audio is, where all of it is said.
fn audio(request: &Request) -> Option<AudioInfo> {
    let info = audio_info(request);
    let pair = |names: [&str; 2]| {
        let mut pairs = info.split(';').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| names.contains(&name.trim())).map(|pair| pair.1.trim().to_owned())
    };
    let said = first(request, &BITRATE).map(str::to_owned);
    let bitrate = said.or_else(|| pair(["ice-bitrate", "bitrate"]))?;
    Some(AudioInfo {
        bitrate: bitrate.trim().parse().ok()?,
        sample_rate: pair(["ice-samplerate", "samplerate"])?.parse().ok()?,
        channels: pair(["ice-channels", "channels"])?.parse().ok()?,
    })
}

/// The first of several names for the same thing that is there.
fn first<'a>(request: &'a Request, names: &[&str]) -> Option<&'a str> {
    names.iter().find_map(|name| request.header(name))
}

/// A text under one of its prefixes. Old clients do not write UTF-8.
fn text(request: &Request, name: &str) -> String {
    let value = PREFIXES.iter().find_map(|prefix| {
        let is_it = |key: &str| key.strip_prefix(prefix) == Some(name);
        request.headers.iter().find(|header| is_it(&header.0)).map(|header| &header.1)
    });
    value.map_or_else(String::new, |value| clean(&decoded(value)))
}

/// UTF-8, or else Latin-1, of which every byte is a character.
pub(super) fn decoded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// Without control characters, and no longer than is useful.
pub(super) fn clean(text: &str) -> String {
    let harmless = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    harmless.take(MAX_TEXT).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::request::{Head, read_head};

    fn said(headers: &[u8]) -> About {
        let head = [b"SOURCE /live HTTP/1.0\r\n", headers, b"\r\n"].concat();
        let Ok(Head::Whole(request)) = read_head(&head, 0) else { panic!() };
        about(&request, "audio/mpeg".into())
    }

    #[test]
    fn every_clients_names_are_known_and_the_usual_ones_win() {
        let modern = said(b"Ice-Name: A\r\nicy-name: B\r\nice-public: 1\r\nice-url: http://x\r\n");
        assert_eq!((modern.stream.name.as_str(), modern.stream.public), ("A", true));
        assert_eq!(modern.stream.url, "http://x");
        let old = said(
            b"x-audiocast-name: C\r\nx-audiocast-genre: G\r\nicy-pub: 1\r\nicy-description: D\r\n",
        );
        let stream = old.stream;
        assert_eq!(
            (stream.name, stream.genre, stream.description),
            ("C".into(), "G".into(), "D".into())
        );
        assert!(stream.public);
        assert_eq!(said(b"").stream, StreamInfo::default());
    }

    #[test]
    fn a_name_that_is_no_utf_8_is_latin_1() {
        assert_eq!(said(b"ice-name: K\xE4se\r\n").stream.name, "Käse");
        assert_eq!(said("ice-name: Käse\r\n".as_bytes()).stream.name, "Käse");
    }

    #[test]
    fn the_audio_is_known_where_all_of_it_is_said() {
        let all = b"ice-bitrate: 96\r\nice-audio-info: samplerate=48000;channels=2;bitrate=128\r\n";
        assert_eq!(
            said(all).audio,
            Some(AudioInfo { bitrate: 96, sample_rate: 48_000, channels: 2 })
        );
        let ezstream =
            b"ice-audio-info: ice-samplerate=44100;ice-bitrate=128;ice-channels=1;quality=4\r\n";
        assert_eq!(
            said(ezstream).audio,
            Some(AudioInfo { bitrate: 128, sample_rate: 44_100, channels: 1 })
        );
        assert_eq!(said(b"ice-bitrate: 96\r\n").audio, None);
        assert_eq!(
            said(b"ice-bitrate: Quality 2\r\nice-audio-info: channels=2;samplerate=1\r\n").audio,
            None
        );
    }
}
