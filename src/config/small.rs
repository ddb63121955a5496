//! `[tracker]`, `[monitor]`, `[debug]`: the tables of one to three keys.

use serde::{Deserialize, Serialize};

use super::SinkSpec;

/// Which songs were played one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tracker {
    /// After so many minutes without a song the next one follows none.
    pub cuttime_minutes: u32,
    /// Random songs count too.
    pub track_random: bool,
}

impl Default for Tracker {
    fn default() -> Self {
        Self { cuttime_minutes: 30, track_random: false }
    }
}

/// Where the stream is played locally.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Monitor {
    /// `waveout`, `alsa[:DEVICE]`, `exec:COMMAND`, `wav:FILE` or `tcp:HOST:PORT`.
    pub sinks: Vec<SinkSpec>,
}

/// Parts that can be switched off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Debug {
    /// Nothing is streamed: mounts answer 404, no source connection is made, API and page stay.
    pub disable_icecast: bool,
    /// No song gets a new time of last playing.
    pub disable_stats: bool,
    /// Nothing is remembered of which song followed which.
    pub disable_tracker: bool,
}
