//! A deck side: one queue entry with its open track and how far it has been played.

use std::sync::Arc;

use super::splice::Splice;
use crate::{
    deck::{Opener, Track},
    keeper::Position,
    mpeg::StreamTime,
    song::{Entry, Song},
};

/// The current song, or the next one that waits.
#[derive(Debug)]
pub(super) struct DeckSide {
    pub(super) entry: Entry,
    /// Nothing where the song's row has gone.
    pub(super) track: Option<Track>,
    /// Frames of the song that have been sent.
    pub(super) frames: u64,
    /// How long those sound.
    pub(super) time: StreamTime,
    /// How long it has sounded since it was opened.
    pub(super) sounded: StreamTime,
    /// Its file was opened once more when it was needed and could not be read.
    pub(super) retried: bool,
    /// How its next frame follows what left last.
    pub(super) splice: Splice,
}

impl DeckSide {
    /// Opens the entry's song at frame `from`.
    pub(super) fn open(opener: &mut dyn Opener, entry: Entry, from: u64) -> Self {
        let track = entry.song.as_deref().map(|song| opener.open(song, from));
        let time = entry.song.as_deref().map_or(StreamTime::ZERO, |song| time_at(song, from));
        let (sounded, splice) = (StreamTime::ZERO, Splice::Open);
        Self { entry, track, frames: from, time, sounded, retried: false, splice }
    }

    /// Opens the song once more where it stands: what could not be read may be there by now.
    pub(super) fn retry(&mut self, opener: &mut dyn Opener) {
        *self = Self::open(opener, self.entry.clone(), self.frames);
        self.retried = true;
    }

    /// Opens the song once more from its start.
    pub(super) fn rewind(&mut self, opener: &mut dyn Opener) {
        *self = Self::open(opener, self.entry.clone(), 0);
    }

    /// No frame was taken since it was opened.
    pub(super) fn begins(&self) -> bool {
        self.sounded == StreamTime::ZERO
    }

    pub(super) fn position(&self) -> Position {
        Position { entry_id: self.entry.entry_id, frame: self.frames }
    }

    pub(super) fn song(&self) -> Option<&Arc<Song>> {
        self.entry.song.as_ref()
    }
}

/// How long the first `frames` frames of a song sound: exact where all its frames are alike.
fn time_at(song: &Song, frames: u64) -> StreamTime {
    let units = u128::from(StreamTime::of_seconds(song.duration_seconds).units());
    let part = units * u128::from(frames) / u128::from(song.frames.max(1));
    StreamTime::from_units(u64::try_from(part).unwrap_or(0))
}
