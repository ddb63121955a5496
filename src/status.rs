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

/// What the embedded server has done since its start, for monitoring.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerFigures {
    /// Listeners that were let in.
    pub accepted: u64,
    /// Listeners that were refused because there were too many.
    pub refused: u64,
    /// How often a listener was so slow that it was moved forward.
    pub moved_forward: u64,
    /// Listeners that were dropped because they took nothing or too little.
    pub dropped_slow: u64,
    /// Bytes that listeners took, of all mounts that there ever were.
    pub bytes_sent: u64,
    /// Listeners that may be there at once.
    pub max_listeners: usize,
    /// Milliseconds from one flush of a listener to the next.
    pub flush_ms: u64,
    /// Bytes of the past that are kept for the listeners of each mount.
    pub ring_bytes: usize,
    /// The mounts that are there now, the station's own first.
    pub mounts: Vec<MountFigures>,
}

/// What one mount has done since it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MountFigures {
    /// With its slash.
    pub name: String,
    /// Who listens now.
    pub listeners: usize,
    /// The most that listened at once.
    pub peak: usize,
    /// Listeners that were dropped because they took nothing or too little.
    pub slow: usize,
    /// Bytes that its listeners took.
    pub bytes_sent: u64,
    /// Bytes that its source clients sent.
    pub bytes_read: u64,
    /// A source client feeds it now.
    pub has_source: bool,
}

/// The local monitor: the sound that goes out, decoded and played on this machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MonitorState {
    /// Its sinks are given silence.
    pub is_muted: bool,
    /// How loud the sound is that goes out, over the last third of a second or so.
    pub level: Level,
    /// Frames that could not be decoded and were played as silence.
    pub failed_frames: u64,
    /// Each place where it is played.
    pub sinks: Vec<SinkState>,
}

/// How loud two channels are, left and right; 1 is full scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// The loudest sample.
    pub peak: [f32; 2],
    /// The root of the mean square.
    pub rms: [f32; 2],
}

/// One place where the monitor plays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkState {
    /// As the configuration has it, of a command its first word alone.
    pub name: String,
    /// It takes sound.
    pub is_open: bool,
    /// Why it does not, in one sentence.
    pub reason: Option<String>,
    /// Milliseconds of sound that wait for it.
    pub buffered_ms: u32,
    /// How often it had nothing to play.
    pub underruns: u64,
    /// Moments of sound (44,100 a second) that it did not take in time while it was open.
    pub dropped: u64,
    /// Moments that were left out or played twice because its clock is not the stream's.
    pub slipped: u64,
    /// How often it was lost or could not be opened.
    pub faults: u64,
}
