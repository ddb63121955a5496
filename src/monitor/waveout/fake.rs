//! A driver for tests: it does with headers and sound what a real one may do, on a made-up clock.

mod device;

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

pub(super) use device::{Device, Habits};

use super::{
    code::{Call, Code},
    layout::{Format, Header},
    player::Player,
    shape::Shape,
    winmm::Winmm,
};
use crate::monitor::Fault;

/// A device and its clock, as a test sees them. It outlives the player, as a real device does, and
/// looks once more at all that it still has when it ends.
pub(super) struct Bench(Arc<Mutex<Device>>);

impl Bench {
    pub(super) fn new(habits: Habits) -> Self {
        Self(Arc::new(Mutex::new(Device::new(habits))))
    }

    /// What is wired to the device.
    pub(super) fn driver(&self) -> Fake {
        Fake(Arc::clone(&self.0))
    }

    /// A player of this device.
    pub(super) fn player(&self, shape: Shape) -> Result<Player<Fake>, Fault> {
        Player::open(self.driver(), shape)
    }

    /// The device itself.
    pub(super) fn device(&self) -> MutexGuard<'_, Device> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever makes the sound does nothing for so long.
    pub(super) fn stall(&self, time: Duration) {
        let mut device = self.device();
        let end = device.now() + time;
        device.run(end);
    }

    /// How long `work` takes on the made-up clock, and what it returns.
    pub(super) fn time<T>(&self, work: impl FnOnce() -> T) -> (Duration, T) {
        let begun = self.device().now();
        let done = work();
        (self.device().now() - begun, done)
    }
}

/// The driver of a [`Bench`].
pub(super) struct Fake(Arc<Mutex<Device>>);

impl Fake {
    fn device(&self) -> MutexGuard<'_, Device> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// SAFETY: the device touches a header from prepare on and its sound from write on, and refuses to
// unprepare what is in its queue.
unsafe impl Winmm for Fake {
    fn create_event(&mut self) -> io::Result<()> {
        self.device().create_event()
    }

    fn close_event(&mut self) {
        self.device().close_event();
    }

    fn open(&mut self, format: &Format) -> Result<(), Code> {
        assert_eq!(*format, Format::PCM);
        self.device().open()
    }

    unsafe fn prepare(&mut self, header: *mut Header) -> Result<(), Code> {
        self.device().prepare(header)
    }

    unsafe fn write(&mut self, header: *mut Header) -> Result<(), Code> {
        self.device().write(header)
    }

    unsafe fn unprepare(&mut self, header: *mut Header) -> Result<(), Code> {
        self.device().unprepare(header)
    }

    fn pause(&mut self) -> Result<(), Code> {
        self.device().pause()
    }

    fn restart(&mut self) -> Result<(), Code> {
        self.device().restart()
    }

    fn reset(&mut self) -> Result<(), Code> {
        self.device().reset()
    }

    fn close(&mut self) -> Result<(), Code> {
        self.device().close()
    }

    fn wait(&mut self, limit: Duration) -> io::Result<()> {
        self.device().wait(limit)
    }

    fn now(&self) -> Instant {
        self.device().instant()
    }

    fn text(&self, code: Code) -> Option<String> {
        (code.0 != 5).then(|| format!("Text {}.\r\n", code.0))
    }
}

/// `call` fails with `code` when it has succeeded so often, and from then on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failing {
    pub(super) call: Call,
    pub(super) after: usize,
    pub(super) code: u32,
}
