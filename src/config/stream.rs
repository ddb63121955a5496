//! `[stream]`: the stream itself, how it starts and what it says of itself.

use serde::{Deserialize, Serialize};

/// The stream itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stream {
    /// Sound leaves in groups of whole frames of about this many milliseconds.
    pub tick_ms: u64,
    /// Whether it plays after a start.
    pub start: Start,
    /// What happens to a song whose format differs from the stream's.
    pub mixed: Mixed,
    /// How a title is made of `{artist}`, `{title}` and `{album}`; an empty field drops with its
    /// separator.
    pub title: String,
    /// Name of the stream.
    pub name: String,
    /// One sentence on what is played.
    pub description: String,
    /// Genre of the stream.
    pub genre: String,
    /// Home page of the stream.
    pub url: String,
    /// A directory may list it.
    pub public: bool,
}

/// Whether the stream plays after a start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// As it was wanted last; playing where nothing is stored.
    #[default]
    Resume,
    /// Playing.
    Playing,
    /// Paused.
    Paused,
}

/// What happens to a song whose format differs from the stream's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mixed {
    /// It is played as it is; most players follow.
    #[default]
    Play,
    /// It is passed over.
    Skip,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            tick_ms: 100,
            start: Start::default(),
            mixed: Mixed::default(),
            title: "{artist} - {title}".to_owned(),
            name: "musicdb-stream".to_owned(),
            description: String::new(),
            genre: String::new(),
            url: String::new(),
            public: false,
        }
    }
}
