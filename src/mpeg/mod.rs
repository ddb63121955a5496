//! MPEG Layer III framing: headers, tags, exact durations, forged silence and what it carries; it never decodes.

mod bounds;
mod carriers;
pub mod content;
mod extent;
mod file;
pub mod header;
mod info;
mod lock;
mod mute;
mod other;
pub mod reservoir;
mod scan;
mod search;
mod sieve;
mod silence;
mod source;
mod tag;
mod tail;
pub mod time;
mod trim;
mod unplayable;
mod walk;

pub use bounds::Bounds;
pub use carriers::{CARRIERS_LIMIT, Carriers, is_silent_forgery};
pub use extent::Extent;
pub use file::open;
pub use header::{ChannelMode, Header, HeaderError, Version};
pub use info::{InfoFrame, InfoKind};
pub use mute::{crc, mute};
pub use reservoir::main_data_begin;
pub use scan::{Scanner, Step};
pub use sieve::Sieve;
pub use silence::Silence;
pub use source::FrameSource;
pub use tag::{Tag, TagKind};
pub use tail::Tail;
pub use time::StreamTime;
pub use trim::{DECODER_DELAY, Gap, MAX_TRIM, Trim};
pub use unplayable::Unplayable;
pub use walk::{Format, Splice, SpliceKind, Summary, walk};

/// How many bytes in a row may be no audio before a file is given up.
pub const MAX_JUNK: u64 = 64 * 1024;
