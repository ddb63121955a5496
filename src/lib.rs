//! musicdb-stream: a music streaming server with a song queue.
//!
//! ```text
//!            words                                     sound
//!  cli  ─┐                            library   what there is
//!  web  ─┼─ manager ── command ──┐    keeper    what is next, what was played
//!  Rust ─┘     ▲                 ▼      │ snapshot: current, next
//!              └──── event ─── station ◄┤
//!                                ▲      └── deck   file → ready frames, 10 s ahead
//!                        Link    │ frames
//!                                │   ▼
//!                               relay   ring of numbered frames: the one door out
//!                         ┌──────┴──────┐
//!                      icecast        server
//! ```
//!
//! Start with [`AudioStream`]; it builds the whole from a [`config::Config`] and hands out
//! [`AudioStreamManager`]s. `docs/architecture.md` has the plan of the house.

pub mod bell;
pub mod command;
pub mod config;
pub mod db;
pub mod deck;
pub mod event;
pub mod icecast;
pub mod icy;
pub mod ids;
pub mod keeper;
pub mod library;
pub mod monitor;
pub mod mpeg;
pub mod net;
pub mod pace;
pub mod relay;
pub mod server;
#[cfg(test)]
mod simulation;
pub mod song;
pub mod station;
pub mod status;
pub mod stream;
pub mod subscribers;
pub mod web;

pub mod cli;

pub use command::{Command, CommandError, Effect};
pub use event::{Envelope, Event};
pub use keeper::{QueuePosition, SongQueue};
pub use station::{Ack, AudioStreamManager};
pub use status::StreamState;
pub use stream::AudioStream;
