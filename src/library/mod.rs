//! The library: which songs there are, how they are found, and how folders are read into it.

mod clean;
mod formats;
mod history;
mod known;
mod progress;
mod read;
mod report;
mod resolve;
mod row;
mod scan;
mod sink;
mod tags;
mod walk;
mod work;

pub use formats::FormatCount;
pub use history::Played;
pub use progress::{ScanProgress, ScanView};
pub use read::Library;
pub use report::{OtherFormat, ScanReport};
pub use resolve::ResolveError;
pub(crate) use row::{SONG_COLUMNS, song_from_row};
pub use scan::{ScanError, import, scan};
pub use sink::{Album, Audio, Batch, FoundSong, Sink, SinkError, Tags};

pub(crate) use clean::fold;

/// The condition under which the station may be given a song.
pub(crate) const PLAYABLE: &str =
    "unplayable_reason IS NULL AND vanished_at IS NULL AND disabled = 0";
