//! Faults: why a sink takes nothing, or nothing more.

use std::io;

/// What is wrong with a sink. The stream goes on whatever it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It cannot be opened now: try again later, as the monitor does by itself. Connect the device,
    /// start the peer or correct what the message names.
    #[error("{what} cannot be opened: {reason}")]
    Unavailable {
        /// The device, command, file or peer.
        what: String,
        /// What the system says, and what to do.
        reason: String,
    },
    /// It was there and is gone: open it anew.
    #[error("{what} was lost: {reason}")]
    Lost {
        /// The device, command, file or peer.
        what: String,
        /// What the system says.
        reason: String,
    },
    /// It will never work as it is asked for: correct `monitor.sinks` and start again.
    #[error("{what} cannot be used: {reason}")]
    Unusable {
        /// The device, command, file or peer.
        what: String,
        /// What to correct.
        reason: String,
    },
}

impl Fault {
    /// It cannot be opened because of `error`.
    #[must_use]
    pub fn unavailable(what: &str, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::TimedOut => {
                ". Start what is to take the sound there, or correct the address"
            }
            io::ErrorKind::NotFound => ". Correct its name, or make what is missing",
            io::ErrorKind::PermissionDenied => ". Give this user the right to it",
            io::ErrorKind::StorageFull => ". Make room",
            _ => "",
        };
        Self::Unavailable { what: what.to_owned(), reason: format!("{error}{remedy}") }
    }

    /// It was lost because of `error`.
    #[must_use]
    pub fn lost(what: &str, error: &io::Error) -> Self {
        Self::Lost { what: what.to_owned(), reason: error.to_string() }
    }

    /// Opening it anew may help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::Unusable { .. })
    }
}
