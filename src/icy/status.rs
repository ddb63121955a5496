//! `status-json.xsl`: Icecast's public status in the shapes that its readers expect.
//!
//! No source: no key `source`. One: an object. Several: an array. Unlike Icecast's, a title that
//! looks like a number stays text, and the document is valid JSON whatever the titles are.

use serde::Serialize;
use serde_json::Number;

use super::{audio::Sound, head::StreamInfo};

/// What is said about the server itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServerFacts {
    /// Whom to write to.
    pub admin: String,
    /// The server's name in the net.
    pub host: String,
    /// Where it stands.
    pub location: String,
    /// Program and version.
    pub server_id: String,
    /// `Tue, 02 Jan 2024 03:04:05 +0000`.
    pub server_start: String,
    /// `2024-01-02T03:04:05+0000`.
    pub server_start_iso8601: String,
}

/// What is said about one mount; keys in Icecast's order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct SourceStatus {
    /// As in `ice-audio-info`.
    #[serde(skip_serializing_if = "Option::is_none")]
    audio_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bitrate: Option<u32>,
    /// As its source said it, as `quality` and `samplerate` below.
    #[serde(skip_serializing_if = "Option::is_none")]
    channels: Option<Number>,
    genre: String,
    #[serde(rename = "ice-bitrate", skip_serializing_if = "Option::is_none")]
    ice_bitrate: Option<u32>,
    #[serde(rename = "ice-channels", skip_serializing_if = "Option::is_none")]
    ice_channels: Option<u8>,
    #[serde(rename = "ice-samplerate", skip_serializing_if = "Option::is_none")]
    ice_samplerate: Option<u32>,
    /// Most listeners at once since the start.
    pub listener_peak: usize,
    /// Listeners now.
    pub listeners: usize,
    /// The stream's whole address.
    pub listenurl: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    samplerate: Option<Number>,
    server_description: String,
    server_name: String,
    server_type: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    server_url: String,
    /// `Tue, 02 Jan 2024 03:04:05 +0000`.
    pub stream_start: String,
    /// `2024-01-02T03:04:05+0000`.
    pub stream_start_iso8601: String,
    /// What plays; like Icecast's, there is none before the first one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Icecast ends each source so.
    dummy: (),
}

impl SourceStatus {
    /// A mount with no listeners yet; the caller fills in the public fields.
    #[must_use]
    pub fn new(content_type: &str, info: &StreamInfo, sound: &Sound) -> Self {
        let audio = sound.known;
        Self {
            audio_info: sound.audio_info(),
            bitrate: audio.map(|audio| audio.bitrate),
            channels: sound.said_number("channels"),
            genre: or(&info.genre, "various"),
            ice_bitrate: audio.map(|audio| audio.bitrate),
            ice_channels: audio.map(|audio| audio.channels),
            ice_samplerate: audio.map(|audio| audio.sample_rate),
            quality: sound.said_number("quality"),
            samplerate: sound.said_number("samplerate"),
            server_description: or(&info.description, "Unspecified description"),
            server_name: or(&info.name, "Unspecified name"),
            server_type: content_type.to_owned(),
            server_url: info.url.clone(),
            ..Self::default()
        }
    }
}

/// The whole document.
#[must_use]
pub fn status_json(server: &ServerFacts, sources: &[SourceStatus]) -> String {
    #[derive(Serialize)]
    struct Root<'a> {
        icestats: Stats<'a>,
    }
    #[derive(Serialize)]
    struct Stats<'a> {
        #[serde(flatten)]
        server: &'a ServerFacts,
        #[serde(flatten)]
        sources: Sources<'a>,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Sources<'a> {
        None { dummy: () },
        One { source: &'a SourceStatus },
        Many { source: &'a [SourceStatus] },
    }
    let sources = match sources {
        [] => Sources::None { dummy: () },
        [source] => Sources::One { source },
        source => Sources::Many { source },
    };
    let root = Root { icestats: Stats { server, sources } };
    // Strings and numbers under string keys: writing them cannot fail.
    serde_json::to_string(&root).unwrap_or_default()
}

fn or(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::icy::AudioInfo;

    fn server() -> ServerFacts {
        ServerFacts {
            admin: "a".into(),
            host: "h".into(),
            location: "l".into(),
            server_id: "i".into(),
            server_start: "s".into(),
            server_start_iso8601: "z".into(),
        }
    }

    fn source(title: &str) -> SourceStatus {
        SourceStatus {
            title: title.into(),
            ..SourceStatus::new("audio/mpeg", &StreamInfo::default(), &Sound::default())
        }
    }

    fn parsed(sources: &[SourceStatus]) -> Value {
        let json = status_json(&server(), sources);
        serde_json::from_str::<Value>(&json).unwrap()["icestats"].clone()
    }

    #[test]
    fn no_source_is_no_key() {
        assert_eq!(
            status_json(&server(), &[]),
            r#"{"icestats":{"admin":"a","host":"h","location":"l","server_id":"i","server_start":"s","server_start_iso8601":"z","dummy":null}}"#
        );
    }

    #[test]
    fn one_source_is_an_object_and_two_are_an_array() {
        assert!(parsed(&[source("t")])["source"].is_object());
        assert_eq!(parsed(&[source("t"), source("u")])["source"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn numbers_are_numbers() {
        let audio = AudioInfo { bitrate: 128, sample_rate: 44_100, channels: 2 };
        let sound = Sound { known: Some(audio), said: "samplerate=48000;listeners=9".into() };
        let source = SourceStatus::new("audio/mpeg", &StreamInfo::default(), &sound);
        let parsed = parsed(&[source]);
        assert_eq!(parsed["source"]["bitrate"], 128);
        assert_eq!(parsed["source"]["ice-samplerate"], 44_100);
        assert_eq!(parsed["source"]["samplerate"], 48_000);
        assert_eq!(parsed["source"]["listeners"], 0, "a source says nothing of its listeners");
    }

    #[test]
    fn text_that_looks_like_something_else_stays_text() {
        for title in ["12", "-", "true", "null", "1e5", "\"", "\\"] {
            assert_eq!(parsed(&[source(title)])["source"]["title"], title);
        }
        assert!(parsed(&[source("")])["source"].get("title").is_none());
    }

    proptest! {
        #[test]
        fn any_title_comes_back_as_it_was(title in ".+") {
            prop_assert_eq!(&parsed(&[source(&title)])["source"]["title"], &title);
        }
    }
}
