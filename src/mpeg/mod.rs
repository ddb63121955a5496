//! MPEG Layer III framing: headers, tags, exact durations and forged silence; it never decodes.

pub mod header;
pub mod time;
mod unplayable;

pub use header::{ChannelMode, Header, HeaderError, Version};
pub use time::StreamTime;
pub use unplayable::Unplayable;

/// How many bytes in a row may be no audio before a file is given up.
pub const MAX_JUNK: u64 = 64 * 1024;
