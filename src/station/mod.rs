//! The station: the streaming thread and the manager that talks to it.
//!
//! It takes the current song from the keeper's snapshot, its frames from the deck, and sends them to
//! the relay in time; while there is nothing to play it sends silence. It touches neither a file nor
//! the database nor a socket.

mod ack;
mod answers;
mod callbacks;
mod deckside;
mod format;
mod manager;
mod now_playing;
mod options;
mod player;
mod program;
mod quiet;
#[cfg(test)]
mod rehearsal;
mod splice;
#[cfg(test)]
mod stepped;
mod thread;
mod title;

pub use ack::{Ack, WaitError};
pub use callbacks::CallbackId;
pub use manager::AudioStreamManager;
pub use now_playing::NowPlaying;
pub use options::PlayerOptions;
pub use player::{Player, Report};
#[cfg(test)]
pub(crate) use stepped::Stepped;
pub use thread::{Station, StationError};
pub use title::TitleForm;
