//! The sound device of Windows, through waveOut: blocks of PCM that its driver plays one after another.
//!
//! ```text
//!  write ─► filling ─► queued, 4 × 50 ms ─► done ─► taken back
//!              ▲       memory is winmm's    the event wakes │
//!              └────────────────────────────────────────────┘
//! ```
//!
//! From waveOutPrepareHeader to waveOutUnprepareHeader a block's memory is winmm's: its type says so
//! (`block.rs`), and what winmm does not give back is never freed. Whoever waits sleeps on the event
//! that the driver signals; nothing polls.
//!
//! This is the one room with `unsafe` in it. The system's calls stand behind a trait (`winmm.rs`), so
//! that the player runs, and is tested, wherever the crate is built. `tests/windows` runs it on a
//! real winmm, and under a memory checker.

#![expect(unsafe_code, reason = "winmm takes raw pointers and keeps them while it plays")]
#![warn(clippy::undocumented_unsafe_blocks)]

mod block;
mod code;
mod layout;
mod player;
mod shape;
mod winmm;

#[cfg(windows)]
mod system;

#[cfg(all(test, windows))]
mod captured;
#[cfg(test)]
mod fake;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod noise;
#[cfg(test)]
mod tests;

pub use player::left_behind;
pub use shape::Shape;

#[cfg(windows)]
use crate::monitor::{Fault, Sink};

/// Opens the playback device that Windows has as its default, for PCM of 16 bits, two channels and
/// 44.1 kHz, with a queue of [`Shape::default`]. The device follows when another becomes the default.
///
/// # Errors
/// [`Fault::Unavailable`]: there is none, it is in use, or the system is short of something: try
/// again later. [`Fault::Unusable`]: it does not take such PCM.
#[cfg(windows)]
pub fn open() -> Result<Box<dyn Sink>, Fault> {
    open_with(Shape::default())
}

/// As [`open`], with a queue of another shape.
///
/// # Errors
/// As [`open`].
#[cfg(windows)]
pub fn open_with(shape: Shape) -> Result<Box<dyn Sink>, Fault> {
    Ok(Box::new(player::Player::open(system::System::default(), shape)?))
}
