//! The deck: opens songs ahead of time and keeps their next frames ready in memory.
//!
//! Each open song is read by a thread of its own, named `deck`, into a bounded buffer of about ten
//! seconds: a disk that sleeps never stalls the clock, and one that hangs never holds up the next
//! song. Dropping a [`Track`] ends its thread.

mod chunk;
mod reader;
mod track;

pub use chunk::Chunk;
pub use reader::Deck;
pub use track::{Hunger, Item, Next, Track};

use crate::song::Song;

/// Opens songs; the station's seam to the disk.
pub trait Opener {
    /// Begins to read `song` at its frame number `from` (0 is the first) and returns at once.
    fn open(&mut self, song: &Song, from: u64) -> Track;
}
