//! A real Icecast as a place the stream goes to: its source client and the titles beside it.
//!
//! [`run`] is the whole of it: it connects, hands on what the relay holds from the live edge on,
//! notices losses, and connects again.

mod answer;
mod error;
mod feed;
mod line;
mod output;
mod request;
mod socket;
mod source;
mod target;
mod title;

pub use error::SourceError;
#[cfg(test)]
pub(crate) use line::{Handed, Line, Wire};
pub use output::run;
pub use target::{Limits, Target, Tls};

/// How we name ourselves to servers.
pub(crate) const USER_AGENT: &str = concat!("musicdb-stream/", env!("CARGO_PKG_VERSION"));
