//! The sound device of Windows, through waveOut: blocks of PCM that its driver plays one after another.
//!
//! ```text
//!  write ─► filling ─► queued, 4 × 50 ms ─────────────► DONE ─► taken back ─┐
//!              ▲        header and frames are winmm's         the event wakes │
//!              └────────────────────────────────────────────────────────────┘
//! ```
//!
//! From waveOutPrepareHeader to waveOutUnprepareHeader a block's memory is winmm's: its type says so
//! ([`block`]), and what winmm does not give back is never freed. Whoever waits sleeps on the event
//! that the driver signals; nothing polls.
//!
//! This is the one room with `unsafe` in it. Calls of the system stand behind [`winmm::Winmm`], so
//! that the player runs, and is tested, wherever the crate is built.

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

/// Opens the playback device that Windows has as its default, for PCM of 16 bits, two channels and
/// 44.1 kHz, with a queue of [`Shape::default`]. The device follows when another becomes the default.
///
/// # Errors
/// [`Fault::Unavailable`](super::Fault::Unavailable): there is none, it is in use, or the system is
/// short of something: try again later. [`Fault::Unusable`](super::Fault::Unusable): it does not
/// take such PCM.
#[cfg(windows)]
pub fn open() -> Result<Box<dyn super::Sink>, super::Fault> {
    open_with(Shape::default())
}

/// As [`open`], with a queue of another shape.
///
/// # Errors
/// As [`open`].
#[cfg(windows)]
pub fn open_with(shape: Shape) -> Result<Box<dyn super::Sink>, super::Fault> {
    Ok(Box::new(player::Player::open(system::System::default(), shape)?))
}
