//! A player: plays PCM that comes from elsewhere; the device's clock is everybody's.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    Ending, open,
    outlet::{Clock, Outlet},
    pcm::Frame,
};
use crate::{config::SinkSpec, status::SinkState};

/// Plays at one sink what it is given.
pub struct Player {
    outlet: Outlet,
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
    pub fn end(&self, ending: Ending) {
        self.outlet.end(ending);
    }

    /// It takes nothing any more: it was ended, or its sink will never work.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.outlet.ring().has_ended()
    }

    /// Waits until all is heard that was to be, for `patience` at most; whether it is.
    #[must_use]
    pub fn has_ended_within(&self, patience: Duration) -> bool {
        self.outlet.has_ended_within(patience)
    }

    /// Ends a call of the sink that takes too long.
    pub fn cut(&self) {
        self.outlet.cut();
    }
}
