//! A player: plays PCM that comes from elsewhere; the device's clock is everybody's.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    open,
    outlet::{Clock, Outlet},
    pcm::Frame,
    ring::Ending,
};
use crate::{config::SinkSpec, status::SinkState};

/// Plays at one sink what it is given.
pub struct Player {
    outlet: Outlet,
}

/// What becomes of the sound that was not heard yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is played.
    PlayOut,
    /// It is not.
    AtOnce,
}

impl Player {
    /// Opens `spec`, on a thread of its own.
    ///
    /// # Errors
    /// The system gives no thread. A sink that cannot be opened is tried again; [`state`](Self::state)
    /// says why.
    pub fn start(spec: &SinkSpec) -> io::Result<Self> {
        let wanted = spec.clone();
        let open = Box::new(move || open(&wanted));
        Ok(Self { outlet: Outlet::start(&spec.name(), open, Clock::OfDevice)? })
    }

    /// Hands `frames` over as the sink takes them, until `deadline`; how many were taken.
    #[must_use]
    pub fn play(&self, frames: &[Frame], deadline: Instant) -> usize {
        self.outlet.ring().offer(frames, deadline)
    }

    /// How the sink is.
    #[must_use]
    pub fn state(&self) -> SinkState {
        self.outlet.state()
    }

    /// No more will come.
    pub fn end(&self, end: End) {
        self.outlet.end(match end {
            End::PlayOut => Ending::PlayOut,
            End::AtOnce => Ending::AtOnce,
        });
    }

    /// Waits until all is heard that was to be, for `patience` at most; whether it is.
    #[must_use]
    pub fn has_ended_within(&self, patience: Duration) -> bool {
        self.outlet.has_ended_within(patience)
    }

    /// Leaves it, within `patience`; false: the sink does not end.
    #[must_use]
    pub fn leave(self, patience: Duration) -> bool {
        self.outlet.end(Ending::AtOnce);
        self.outlet.join(Instant::now() + patience)
    }
}
