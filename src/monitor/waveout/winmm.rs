//! What the player asks of the system: one waveOut device and the event that it signals.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    code::Code,
    layout::{Format, Header},
};

/// One device and its event, both of which may be missing: calls then say so.
///
/// # Safety
/// Memory is freed on its word. It must touch a header only from [`prepare`](Self::prepare) on, and
/// the sound that the header points to only from [`write`](Self::write) on; and neither any more
/// when [`unprepare`](Self::unprepare) has returned `Ok` and left no
/// [`IN_QUEUE`](super::layout::IN_QUEUE) in the flags. It writes the flags of a header whole, as an
/// atomic would, and only for a header that it has.
pub(super) unsafe trait Winmm: Send {
    /// Makes the event: it resets itself, and is not signalled.
    ///
    /// # Errors
    /// What the system says.
    fn create_event(&mut self) -> io::Result<()>;

    /// Closes the event. Nobody may signal it afterwards.
    fn close_event(&mut self);

    /// Opens the default device for sound of this format; it signals the event when a block is
    /// done, and at other times.
    fn open(&mut self, format: &Format) -> Result<(), Code>;

    /// Has the header looked at before it is written.
    ///
    /// # Safety
    /// `header` points to a header whose `data` points to `bytes` bytes, and whose flags are 0. Both
    /// are nobody else's, and stay there until it was unprepared with success: for ever, if need be.
    unsafe fn prepare(&mut self, header: *mut Header) -> Result<(), Code>;

    /// Puts the block at the end of the queue.
    ///
    /// # Safety
    /// `header` was prepared, and not written since.
    unsafe fn write(&mut self, header: *mut Header) -> Result<(), Code>;

    /// Takes the block back.
    ///
    /// # Safety
    /// `header` was prepared, and not unprepared since.
    unsafe fn unprepare(&mut self, header: *mut Header) -> Result<(), Code>;

    /// Holds the queue.
    fn pause(&mut self) -> Result<(), Code>;

    /// Plays the queue on.
    fn restart(&mut self) -> Result<(), Code>;

    /// Ends every block in the queue at once.
    fn reset(&mut self) -> Result<(), Code>;

    /// Closes the device.
    fn close(&mut self) -> Result<(), Code>;

    /// Waits until the event is signalled, at most for `limit`.
    ///
    /// # Errors
    /// It cannot be waited for; what the system says.
    fn wait(&mut self, limit: Duration) -> io::Result<()>;

    /// The time by which `wait` waits.
    fn now(&self) -> Instant;

    /// What the system says of a code, in its language.
    fn text(&self, code: Code) -> Option<String>;
}
