//! Commands: what can be asked of the streaming thread, and what comes back.

use serde::{Deserialize, Serialize};

use crate::ids::FrameNumber;

/// What the streaming thread can be told to do. First come, first served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// Play (`true`) or pause (`false`): the state is forced, not toggled.
    Play(bool),
    /// End the current song now; where paused, only select the next one.
    PlayNextSong,
}

/// When a command was heard: the first frame that it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// The number of that frame, counted within this run of the program.
    pub frame: FrameNumber,
    /// Milliseconds from the command to the moment that frame left the streaming thread.
    pub in_ms: u64,
}

/// Why a command was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The streaming thread has ended: start a new [`AudioStream`](crate::AudioStream).
    #[error("the stream is not running; start it again")]
    NotRunning,
    /// Too many commands wait already: try again in a moment.
    #[error("the streaming thread has too many commands waiting; try again in a moment")]
    Busy,
    /// `debug.disable_icecast` is set: nothing can be played until it is removed.
    #[error("streaming is switched off by debug.disable_icecast; remove that setting to play")]
    Disabled,
}
