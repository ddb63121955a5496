//! A sink: a place that plays PCM or keeps it.

use std::sync::Arc;

use super::{Fault, pcm::Frame};

/// Ends a sink from another thread, whatever that waits for.
pub type Cut = Arc<dyn Fn() + Send + Sync>;

/// One device, file, command or peer that takes PCM; a thread of its own owns it.
pub trait Sink: Send {
    /// How it takes what it is given.
    fn pace(&self) -> Pace;

    /// Hands all of `frames` over, in order. Where the device's queue is full it waits for room, for a
    /// bounded time.
    ///
    /// # Errors
    /// [`Fault`] says whether opening it anew may help; the sink takes nothing after one.
    fn write(&mut self, frames: &[Frame]) -> Result<(), Fault>;

    /// How often the device had nothing left to play because the next block came too late.
    fn underruns(&self) -> u64 {
        0
    }

    /// Lets everything that was handed over be heard or kept, within a bounded time, and ends.
    ///
    /// # Errors
    /// Some of it may be lost.
    fn finish(&mut self) -> Result<(), Fault>;

    /// How a call of it that takes too long is ended; nothing where each is bounded by itself.
    fn cut(&self) -> Option<Cut> {
        None
    }
}

/// How a sink takes PCM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As it comes: it has no clock of its own.
    Free,
    /// By the clock of a device.
    Device {
        /// Frames that are handed over at once.
        block: usize,
        /// Frames that the device queues; it begins to play when so many are there.
        queue: usize,
    },
}
