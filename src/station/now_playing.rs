//! Now playing: the station's newest word on what it does, for everyone to read at any time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{ids::EntryId, song::Song, status::StreamState};

/// What the station does right now.
#[derive(Debug, Clone, Default)]
pub struct NowPlaying {
    /// Connection, play state and outputs.
    pub state: StreamState,
    /// Seconds of the current song that have been sent.
    pub position_seconds: f64,
    /// The current entry.
    pub entry_id: Option<EntryId>,
    /// Its song.
    pub song: Option<Arc<Song>>,
    /// How often the clock was begun anew after the machine or the process had been stopped.
    pub stalls: u64,
}

/// Where the station writes it and others read it.
#[derive(Debug, Clone, Default)]
pub(super) struct Board(Arc<Mutex<NowPlaying>>);

impl Board {
    pub(super) fn read(&self) -> NowPlaying {
        self.lock().clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, NowPlaying> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
