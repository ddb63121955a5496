//! MPEG Layer III framing: headers, tags, exact durations and forged silence; it never decodes.

mod bounds;
mod file;
pub mod header;
mod info;
mod lock;
mod mute;
mod other;
pub mod reservoir;
mod scan;
mod search;
mod silence;
mod source;
mod tag;
pub mod time;
mod unplayable;
mod walk;

pub use bounds::Bounds;
pub use file::open;
pub use header::{ChannelMode, Header, HeaderError, Version};
pub use info::{InfoFrame, InfoKind};
pub use mute::{crc, mute};
pub use reservoir::{Reservoir, main_data_begin};
pub use scan::{Scanner, Step};
pub use silence::{Silence, is_silent_forgery};
pub use source::FrameSource;
pub use tag::{Tag, TagKind};
pub use time::StreamTime;
pub use unplayable::Unplayable;
pub use walk::{Format, Splice, SpliceKind, Summary, walk};

/// How many bytes in a row may be no audio before a file is given up.
pub const MAX_JUNK: u64 = 64 * 1024;
