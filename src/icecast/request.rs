//! The request of a source client: all that an Icecast reads before the stream.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{SourceError, Target, USER_AGENT};
use crate::net::{
    head::{HeadError, RequestHead},
    percent::encode_path,
};

/// Bytes of a name, description, genre or URL that are sent at most.
const MAX_FIELD: usize = 500;

/// What the frames are, for the server's statistics.
#[derive(Debug, Clone, Copy)]
pub(super) struct AudioInfo {
    /// kbit/s.
    pub(super) bitrate: u16,
    /// Hz.
    pub(super) sample_rate: u32,
    /// 1 or 2.
    pub(super) channels: u8,
}

/// By which a server is asked for a mount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Method {
    #[default]
    /// As HTTP has it, which Icecast knows from 2.4 on.
    Put,
    /// As Icecast had it before.
    Source,
}

/// The whole request head.
pub(super) fn request(
    target: &Target,
    method: Method,
    audio: Option<AudioInfo>,
) -> Result<Vec<u8>, SourceError> {
    if target.user.contains(':') {
        let reason = "icecast.user has a colon, which would end it in the request".to_owned();
        return Err(SourceError::Setting { at: target.authority(), reason });
    }
    write_request(target, method, audio).map_err(|error| SourceError::request(target, &error))
}

fn write_request(
    target: &Target,
    method: Method,
    audio: Option<AudioInfo>,
) -> Result<Vec<u8>, HeadError> {
    let (verb, version) = match method {
        Method::Put => ("PUT", "HTTP/1.1"),
        Method::Source => ("SOURCE", "HTTP/1.0"),
    };
    let login = BASE64_STANDARD.encode(format!("{}:{}", target.user, target.password));
    let mut head = RequestHead::new(verb, &encode_path(&target.path()), version)?
        .header("Host", &target.authority())?
        .header("Authorization", &format!("Basic {login}"))?
        .header("User-Agent", USER_AGENT)?
        .header("Content-Type", "audio/mpeg")?
        .header("ice-public", if target.public { "1" } else { "0" })?;
    if method == Method::Put {
        head = head.header("Expect", "100-continue")?;
    }
    let fields = [
        ("ice-name", &target.name),
        ("ice-description", &target.description),
        ("ice-genre", &target.genre),
        ("ice-url", &target.url),
    ];
    for (name, value) in fields {
        let value = clean(value);
        if !value.is_empty() {
            head = head.header(name, &value)?;
        }
    }
    if let Some(audio) = audio {
        let AudioInfo { bitrate, sample_rate, channels } = audio;
        let info =
            format!("ice-samplerate={sample_rate};ice-bitrate={bitrate};ice-channels={channels}");
        head = head.header("ice-bitrate", &bitrate.to_string())?.header("ice-audio-info", &info)?;
    }
    head.finish()
}

/// One line of bounded length: control characters become spaces.
fn clean(text: &str) -> String {
    let mut line = String::new();
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        if line.len() + character.len_utf8() > MAX_FIELD {
            break;
        }
        line.push(character);
    }
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(target: &Target, method: Method) -> String {
        let audio = AudioInfo { bitrate: 128, sample_rate: 44_100, channels: 2 };
        String::from_utf8(request(target, method, Some(audio)).unwrap()).unwrap()
    }

    #[test]
    fn the_request_has_what_icecast_reads_and_nothing_of_http_bodies() {
        let target = Target {
            password: "hackme".to_owned(),
            mount: "live ö".to_owned(),
            name: "Käse & Co".to_owned(),
            genre: "various".to_owned(),
            public: true,
            ..Target::default()
        };
        let put = head_of(&target, Method::Put);
        assert!(
            put.starts_with("PUT /live%20%C3%B6 HTTP/1.1\r\nHost: localhost:8000\r\n"),
            "{put}"
        );
        for line in [
            "Authorization: Basic c291cmNlOmhhY2ttZQ==",
            "Content-Type: audio/mpeg",
            "Expect: 100-continue",
            "ice-public: 1",
            "ice-name: Käse & Co",
            "ice-genre: various",
            "ice-bitrate: 128",
            "ice-audio-info: ice-samplerate=44100;ice-bitrate=128;ice-channels=2",
        ] {
            assert!(put.contains(&format!("\r\n{line}\r\n")), "{line} is not in {put}");
        }
        assert!(!put.contains("Transfer-Encoding") && !put.contains("Content-Length"));
        assert!(!put.contains("ice-url"), "what is empty is not sent");
        let source = head_of(&target, Method::Source);
        assert!(source.starts_with("SOURCE /live%20%C3%B6 HTTP/1.0\r\n"), "{source}");
        assert!(!source.contains("Expect"));
    }

    #[test]
    fn no_setting_can_add_a_header() {
        let evil = "x\r\nice-evil: 1\r\n\r\nbody".to_owned();
        let target = Target {
            mount: evil.clone(),
            user: "u\r\nEvil".to_owned(),
            password: evil.clone(),
            name: evil.clone(),
            description: evil.clone(),
            genre: evil.clone(),
            url: evil.clone(),
            ..Target::default()
        };
        let head = head_of(&target, Method::Put);
        assert!(!head.contains("\nice-evil"), "{head}");
        assert_eq!(head.matches("\r\n\r\n").count(), 1);
        let target = Target { host: evil, ..Target::default() };
        assert!(matches!(request(&target, Method::Put, None), Err(SourceError::Setting { .. })));
        let target = Target { user: "a:b".to_owned(), ..Target::default() };
        assert!(matches!(
            request(&target, Method::Put, None),
            Err(SourceError::Setting { reason, .. }) if reason.contains("icecast.user")
        ));
    }

    #[test]
    fn the_longest_settings_still_fit_what_icecast_reads() {
        let long = "ö".repeat(5000);
        let target = Target {
            name: long.clone(),
            description: long.clone(),
            genre: long.clone(),
            url: long,
            ..Target::default()
        };
        let head = head_of(&target, Method::Put);
        assert!(head.len() < 4000, "{}", head.len());
    }
}
