//! A block: one header, the sound that it points to, and whose they are.
//!
//! [`Free`] is ours: ordinary boxes. [`Queued`] is winmm's: nothing but pointers, which nobody but
//! winmm follows, apart from a look at the flags. Dropping it frees nothing. The way from one to the
//! other is `prepare`, and the way back a successful `take_back`.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{
    code::Code,
    layout::{DONE, Header, IN_QUEUE},
    winmm::Winmm,
};
use crate::monitor::pcm::{FRAME_BYTES, Frame};

/// A block that is ours.
pub(super) struct Free {
    header: Box<Header>,
    frames: Box<[Frame]>,
    /// Frames at the beginning that were put in.
    filled: usize,
}

impl Free {
    /// An empty one with room for so many frames.
    pub(super) fn new(frames: usize) -> Self {
        Self {
            header: Box::new(Header::BLANK),
            frames: vec![[0, 0]; frames].into_boxed_slice(),
            filled: 0,
        }
    }

    /// Puts in what there is room for; the rest.
    pub(super) fn put<'a>(&mut self, frames: &'a [Frame]) -> &'a [Frame] {
        let room = &mut self.frames[self.filled..];
        let (taken, rest) = frames.split_at(frames.len().min(room.len()));
        room[..taken.len()].copy_from_slice(taken);
        self.filled += taken.len();
        rest
    }

    /// Fills the rest with silence.
    pub(super) fn pad(&mut self) {
        self.frames[self.filled..].fill([0, 0]);
        self.filled = self.frames.len();
    }

    pub(super) fn is_full(&self) -> bool {
        self.filled == self.frames.len()
    }

    /// Hands all of it to winmm, not yet to be played.
    ///
    /// # Errors
    /// winmm does not want it, and it is freed.
    pub(super) fn prepare(self, winmm: &mut impl Winmm) -> Result<Queued, Code> {
        let Self { mut header, frames, .. } = self;
        // The documentation wants flags of 0, and what is left in the other fields is the driver's.
        *header = Header::BLANK;
        let frames = Box::into_raw(frames);
        header.data = frames.cast();
        // A second of sound at most, see `Shape`.
        #[expect(clippy::cast_possible_truncation, reason = "176,400 at most")]
        let bytes = (frames.len() * FRAME_BYTES) as u32;
        header.bytes = bytes;
        let block = Queued { header: Box::into_raw(header), frames };
        // SAFETY: both come from a box, so nobody else has them, and none but `free` ends them.
        match unsafe { winmm.prepare(block.header) } {
            Ok(()) => Ok(block),
            Err(code) => {
                // SAFETY: winmm refused it, so that it has neither.
                drop(unsafe { block.free() });
                Err(code)
            }
        }
    }
}

/// A block that is winmm's. Its memory is leaked where it is dropped.
pub(super) struct Queued {
    header: *mut Header,
    frames: *mut [Frame],
}

// SAFETY: the memory is of no thread, and winmm takes calls about it from any.
unsafe impl Send for Queued {}

impl Queued {
    /// Has it played behind what is in the queue. Whatever comes of it, the block stays winmm's.
    pub(super) fn write(&self, winmm: &mut impl Winmm) -> Result<(), Code> {
        // SAFETY: a block is made by `prepare`, and written once, by the player.
        unsafe { winmm.write(self.header) }
    }

    fn flags(&self) -> u32 {
        // SAFETY: the header lives as long as the block.
        let flags = unsafe { &raw mut (*self.header).flags };
        // SAFETY: aligned as in C, and no one writes the flags but winmm, whole.
        unsafe { AtomicU32::from_ptr(flags) }.load(Ordering::Acquire)
    }

    /// The driver has played it or given it up.
    pub(super) fn is_done(&self) -> bool {
        self.flags() & DONE != 0
    }

    /// Takes it back from winmm, empty.
    ///
    /// # Errors
    /// winmm keeps it, and why.
    pub(super) fn take_back(self, winmm: &mut impl Winmm) -> Result<Free, (Self, Code)> {
        // SAFETY: a block is made by `prepare` and ends here.
        let outcome = unsafe { winmm.unprepare(self.header) };
        match outcome {
            Ok(()) if self.flags() & IN_QUEUE != 0 => Err((self, Code::STILL_PLAYING)),
            // SAFETY: it was unprepared and is in no queue, so winmm is done with both.
            Ok(()) => Ok(unsafe { self.free() }),
            Err(code) => Err((self, code)),
        }
    }

    /// Makes boxes of it again.
    ///
    /// # Safety
    /// winmm does not use the memory any more.
    unsafe fn free(self) -> Free {
        // SAFETY: from `Box::into_raw` in `prepare`, and winmm is done with it.
        let header = unsafe { Box::from_raw(self.header) };
        // SAFETY: the same.
        let frames = unsafe { Box::from_raw(self.frames) };
        Free { header, frames, filled: 0 }
    }

    /// The fault that the player must not have, for the proof that the tests would see it.
    #[cfg(planted_fault)]
    pub(super) fn free_although_it_is_held(self) {
        // SAFETY: none. This is the fault.
        drop(unsafe { self.free() });
    }
}
