//! The listener's protocol as bytes: inline titles, response heads, playlists and status; no socket, no clock.

mod access_line;
mod audio;
mod burst;
pub mod date;
mod head;
mod interleave;
mod metadata;
mod page;
mod playlist;
mod stats;
mod status;
mod xml;

pub use access_line::{AccessLine, MAX_LOGGED, logged_request};
pub use audio::{AudioInfo, Sound};
pub use burst::{Burst, MAX_BURST};
pub use head::{ANSWER_HEADERS, Answer, EXPOSED_HEADERS, StreamInfo, head_text, stream_head};
pub use interleave::{Interleaver, METAINT};
pub use metadata::{MAX_BLOCK, write_block};
pub use page::{PAGE_TYPE, page, title_form};
pub use playlist::Playlist;
pub use stats::{ServerCounts, SourceStats, stats_xml};
pub use status::{ServerFacts, SourceStatus, status_json};
pub use xml::Element;
