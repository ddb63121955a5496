//! `[randy]`: how random songs are chosen.

use serde::{Deserialize, Serialize};

/// How random songs are chosen. Where nothing fits, the rules relax until any playable file does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Randy {
    /// No song that was disabled.
    pub no_disabled: bool,
    /// No song that is hated.
    pub no_hated: bool,
    /// No song whose file is marked as bad.
    pub no_bad_file: bool,
    /// No live recording.
    pub no_live_music: bool,
    /// Shortest song, seconds, inclusive; 0 is no limit.
    pub min_song_length: u32,
    /// Longest song, seconds, inclusive; 0 is no limit.
    pub max_song_length: u32,
    /// So many songs are remembered and not chosen again.
    pub song_list_length: usize,
    /// So many albums are remembered and not chosen again.
    pub album_list_length: usize,
    /// So many artists are remembered and not chosen again.
    pub artist_list_length: usize,
    /// After so many hours they are forgotten.
    pub max_age_hours: u32,
    /// Only songs of these genres; empty is all.
    pub genres: Vec<String>,
}

impl Default for Randy {
    fn default() -> Self {
        Self {
            no_disabled: true,
            no_hated: true,
            no_bad_file: true,
            no_live_music: false,
            min_song_length: 120,
            max_song_length: 600,
            song_list_length: 5,
            album_list_length: 2,
            artist_list_length: 1,
            max_age_hours: 24,
            genres: Vec::new(),
        }
    }
}
