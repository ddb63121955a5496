//! The listener's protocol as bytes: inline titles, response heads, playlists and status; no socket, no clock.

mod audio;
mod burst;
pub mod date;
mod head;
mod interleave;
mod metadata;
mod playlist;
mod status;

pub use audio::AudioInfo;
pub use burst::{Burst, MAX_BURST};
pub use head::{ANSWER_HEADERS, Answer, EXPOSED_HEADERS, StreamInfo, head_text, stream_head};
pub use interleave::{Interleaver, METAINT};
pub use metadata::{MAX_BLOCK, write_block};
pub use playlist::Playlist;
pub use status::{ServerFacts, SourceStatus, status_json};
