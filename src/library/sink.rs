//! What a scan hands over, in batches, to the one who may write.

use std::path::PathBuf;

use crate::{ids::SongId, mpeg::StreamTime};

/// Songs in a batch at most: one transaction each.
pub(super) const BATCH: usize = 256;

/// Takes what a scan found. The keeper's is the only one outside tests.
pub trait Sink {
    /// Writes one batch, whole or not at all.
    ///
    /// # Errors
    /// It was not written: the scan ends, and what was written before stays.
    fn write(&mut self, batch: Batch) -> Result<(), SinkError>;
}

/// Why a batch was not written, in one sentence that names the remedy.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct SinkError(pub String);

/// Changes of the library that belong into one transaction.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Batch {
    /// New and changed songs; a path that is known keeps its id.
    pub found: Vec<FoundSong>,
    /// Songs whose unchanged files are there again.
    pub returned: Vec<SongId>,
    /// Songs whose files are there no more.
    pub vanished: Vec<SongId>,
}

impl Batch {
    /// How many rows it touches.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len() + self.returned.len() + self.vanished.len()
    }

    /// It holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One file, as the scan saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundSong {
    /// Absolute, as walked from the root.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// When it was last changed: nanoseconds since 1970-01-01 UTC.
    pub mtime_ns: i64,
    /// What its tags say.
    pub tags: Tags,
    /// Its audio, or why it cannot be streamed.
    pub audio: Result<Audio, String>,
}

/// What the frames of a file say, exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Audio {
    /// The sum of its frames' durations.
    pub duration: StreamTime,
    /// Audio frames, without the Xing, Info or VBRI frame.
    pub frames: u64,
    /// Bytes of those frames.
    pub audio_bytes: u64,
    /// Hz, of the first frame.
    pub sample_rate: u32,
    /// 1 or 2, of the first frame.
    pub channels: u8,
    /// kbit/s: the mean over all frames, rounded.
    pub bitrate: u32,
}

/// Tags, with what stands in for missing ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Title, or the file's stem.
    pub title: String,
    /// Artist; empty where there is none.
    pub artist: String,
    /// The album.
    pub album: Album,
    /// Track number.
    pub track: Option<u32>,
    /// Disc number.
    pub disc: Option<u32>,
    /// Genre; empty where there is none.
    pub genre: String,
    /// Year.
    pub year: Option<u32>,
}

/// Which album a song belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Album {
    /// As shown: the album tag, or the folder's name.
    pub name: String,
    /// What makes it one: the tag with the album artist's, or the folder's whole path.
    pub key: Vec<u8>,
}
