//! Status: how the stream is right now, as plain data.

use serde::{Deserialize, Serialize};

/// The state of the stream, as [`stream_state`](crate::AudioStreamManager::stream_state) gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamState {
    /// With `[icecast] enabled`: that server has accepted us. Otherwise: the embedded mount is open.
    pub is_connected: bool,
    /// Song frames are going out now.
    pub is_playing: bool,
    /// What was last asked for: play (`true`) or pause.
    pub wanted: bool,
    /// Each place that the stream goes to.
    pub outputs: Vec<OutputState>,
}

/// One place that the stream goes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputState {
    /// `mount` for the embedded server, `icecast` for a real one.
    pub name: String,
    /// It takes our frames.
    pub connected: bool,
    /// Why it does not, in one sentence.
    pub reason: Option<String>,
}

/// One listener of the embedded server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerInfo {
    /// Counts up within a run.
    pub id: u64,
    /// The peer's address, without the port.
    pub address: String,
    /// Its `User-Agent`, or nothing.
    pub user_agent: Option<String>,
    /// The mount it listens to.
    pub mount: String,
    /// Seconds since it came.
    pub connected_seconds: u64,
}
