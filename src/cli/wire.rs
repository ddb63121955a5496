//! The shapes of the HTTP API, as this program's client reads and prints them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub(super) use crate::keeper::QueuePosition as Position;

use crate::{
    command::Effect,
    ids::{EntryId, SongId},
    library, song,
    status::{MonitorState, OutputState},
};

/// A song.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Song {
    pub(super) id: SongId,
    pub(super) title: String,
    pub(super) artist: String,
    pub(super) album: String,
    pub(super) duration_seconds: f64,
    pub(super) playable: bool,
}

/// An entry of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) entry_id: EntryId,
    pub(super) is_random: bool,
    pub(super) song: Option<Song>,
}

/// `GET /api/v1/queue`: the current song first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Queue {
    pub(super) revision: u64,
    pub(super) entries: Vec<Entry>,
}

/// `GET /api/v1/songs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Songs {
    pub(super) total: u64,
    pub(super) offset: u64,
    pub(super) songs: Vec<Song>,
}

/// What an edit that adds an entry answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Added {
    pub(super) entry_id: EntryId,
}

/// What play, pause and next answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Accepted {
    // Said so as to be required: what leaves it out is no answer of ours.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) effect: Option<Effect>,
}

/// `GET /api/v1/state`, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct State {
    pub(super) is_playing: bool,
    pub(super) wanted: bool,
    pub(super) outputs: Vec<OutputState>,
    pub(super) position_seconds: f64,
    pub(super) song: Option<Song>,
    pub(super) queue_length: u64,
    pub(super) listeners: u64,
    pub(super) mount: String,
    pub(super) uptime_seconds: u64,
    #[serde(default)]
    pub(super) monitor: MonitorState,
}

/// `GET /api/v1/scan`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct ScanView {
    pub(super) running: bool,
    pub(super) found: u64,
    pub(super) walked: bool,
    pub(super) done: u64,
    pub(super) report: Option<ScanReport>,
    pub(super) error: Option<String>,
}

/// What a scan did. Paths are for reading only: what is not UTF-8 in them is replaced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ScanReport {
    pub(super) found: u64,
    pub(super) added: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
    pub(super) vanished: u64,
    pub(super) returned: u64,
    pub(super) unplayable: Vec<(String, String)>,
    pub(super) other_formats: Vec<OtherFormat>,
    #[serde(default)]
    pub(super) formats: Vec<FormatCount>,
    pub(super) roots_left_alone: Vec<(String, String)>,
    pub(super) cancelled: bool,
}

/// Songs of one format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FormatCount {
    pub(super) sample_rate: u32,
    pub(super) channels: u8,
    pub(super) songs: u64,
}

/// Audio files of a kind that is not played.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct OtherFormat {
    pub(super) extension: String,
    pub(super) files: u64,
    pub(super) reason: String,
}

impl From<&song::Song> for Song {
    fn from(song: &song::Song) -> Self {
        Self {
            id: song.id,
            title: song.title.clone(),
            artist: song.artist.clone(),
            album: song.album.clone(),
            duration_seconds: song.duration_seconds,
            playable: song.playable,
        }
    }
}

impl From<&song::Entry> for Entry {
    fn from(entry: &song::Entry) -> Self {
        Self {
            entry_id: entry.entry_id,
            is_random: entry.is_random,
            song: entry.song.as_deref().map(Song::from),
        }
    }
}

impl From<library::ScanReport> for ScanReport {
    fn from(report: library::ScanReport) -> Self {
        let readable = |list: Vec<(PathBuf, String)>| {
            list.into_iter().map(|(path, reason)| (path.display().to_string(), reason)).collect()
        };
        let other = report.other_formats.into_iter().map(|other| OtherFormat {
            extension: other.extension,
            files: other.files,
            reason: other.reason,
        });
        let formats = report.formats.into_iter().map(|format| FormatCount {
            sample_rate: format.sample_rate,
            channels: format.channels,
            songs: format.songs,
        });
        Self {
            formats: formats.collect(),
            found: report.found,
            added: report.added,
            changed: report.changed,
            unchanged: report.unchanged,
            vanished: report.vanished,
            returned: report.returned,
            unplayable: readable(report.unplayable),
            other_formats: other.collect(),
            roots_left_alone: readable(report.roots_left_alone),
            cancelled: report.cancelled,
        }
    }
}

impl Song {
    /// `Artist – Title`, or what there is of it.
    pub(super) fn name(&self) -> String {
        let parts = [self.artist.as_str(), self.title.as_str()];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { format!("song {}", self.id) } else { parts.join(" – ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_have_the_shape_of_the_api() {
        let shape = |position| serde_json::to_value(position).unwrap();
        assert_eq!(shape(Position::Next), serde_json::json!("next"));
        assert_eq!(shape(Position::Last), serde_json::json!("last"));
        assert_eq!(shape(Position::After(EntryId(7))), serde_json::json!({ "after": "7" }));
    }
}
