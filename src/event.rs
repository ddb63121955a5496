//! Events: what the station tells everyone who listens to it.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{EntryId, SongId},
    status::Level,
};

/// Something that happened. MusicDB's names and meanings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event")]
#[non_exhaustive]
pub enum Event {
    /// The connection or the play state changed.
    StatusChanged {
        /// The place where the stream goes has accepted us.
        is_connected: bool,
        /// Song frames are going out now.
        is_playing: bool,
    },
    /// The position in the current song, about once a second in every state and at each song's start.
    TimeChanged {
        /// Seconds of the current song that have been sent.
        seconds: f64,
    },
    /// How loud the sound is that goes out, about three times a second while a monitor plays. It is not told
    /// again to those who come back.
    LevelChanged {
        /// Left and right, since it was told last.
        level: Level,
    },
    /// Another queue entry became the current one.
    SongChanged {
        /// The entry, or nothing where the queue is empty.
        entry_id: Option<EntryId>,
        /// The song of that entry.
        song_id: Option<SongId>,
    },
    /// The queue is another than before.
    SongQueueChanged {
        /// Grows with every change and survives restarts.
        revision: u64,
    },
    /// A song could not be played and was passed over; it does not count as played.
    SongUnplayable {
        /// The entry that was passed over.
        entry_id: EntryId,
        /// Its song.
        song_id: SongId,
        /// Why, in one sentence.
        reason: String,
    },
    /// A song of another format plays next: its first frame leaves after this.
    FormatChanged {
        /// `MPEG-1`, `MPEG-2` or `MPEG-2.5`.
        version: String,
        /// Hz.
        sample_rate: u32,
        /// 1 or 2.
        channels: u8,
    },
    /// The library holds other songs than before.
    LibraryChanged {
        /// Songs that could be played now.
        songs: u64,
    },
    /// This subscriber was too slow: events were left out; read the state again.
    Lagged {
        /// How many were left out.
        missed: u64,
    },
}

impl Event {
    /// It says how something is at this moment: whoever is too slow for it loses nothing, for the next
    /// one follows soon.
    #[must_use]
    pub fn is_fleeting(&self) -> bool {
        matches!(self, Self::TimeChanged { .. } | Self::LevelChanged { .. })
    }
}

/// An event with its place in the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Counts up by one for every event of a run.
    pub seq: u64,
    /// When it happened, in milliseconds since 1970-01-01 UTC.
    pub at_ms: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}
