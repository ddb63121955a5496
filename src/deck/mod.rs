//! The deck: opens songs ahead of time and keeps their next frames ready in memory.
//!
//! Each open song is read by a thread of its own, named `deck`, into a bounded buffer of about ten
//! seconds: a disk that sleeps never stalls the clock, and one that hangs never holds up the next
//! song. Dropping a [`Track`] ends its thread.

mod chunk;
mod reader;
mod song_frames;
mod track;

pub use chunk::Chunk;
pub use reader::Deck;
pub use song_frames::SongFrames;
pub use track::{Hunger, Item, Next, Track};

use crate::song::Song;

/// Opens songs; the station's seam to the disk.
pub trait Opener {
    /// Begins to read `song` at its frame number `from` and returns at once. Frames are counted as
    /// they are played: 0 is the first that is not left out.
    fn open(&mut self, song: &Song, from: u64) -> Track;
}
