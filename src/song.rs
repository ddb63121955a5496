//! A song: one playable file of the library with what is known about it.

use std::path::PathBuf;

use serde::Serialize;

use crate::ids::{EntryId, SongId};

/// A row of the library.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Song {
    /// Its id.
    pub id: SongId,
    /// Where the file is. Never shown to clients of the API.
    #[serde(skip)]
    pub path: PathBuf,
    /// Title tag, or the file's stem where there is none.
    pub title: String,
    /// Artist tag; empty where there is none.
    pub artist: String,
    /// Album tag, or the folder's name where there is none.
    pub album: String,
    /// Exact duration, from the frames: seconds.
    pub duration_seconds: f64,
    /// Audio frames in the file, without the Xing, Info or VBRI frame.
    #[serde(skip)]
    pub frames: u64,
    /// Bytes of those frames.
    #[serde(skip)]
    pub audio_bytes: u64,
    /// The file was there and could be streamed when it was last looked at.
    pub playable: bool,
}

/// An entry of the queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Its id: the same song may stand in the queue several times.
    pub entry_id: EntryId,
    /// Which song; its row may have gone since.
    pub song_id: SongId,
    /// It was put there by Randy, not by a person.
    pub is_random: bool,
    /// The song, or nothing where its row has gone.
    pub song: Option<std::sync::Arc<Song>>,
}
