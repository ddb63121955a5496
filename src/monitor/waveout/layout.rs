//! Memory as winmm reads it: the header of a block and the format of the sound.

use std::{mem::offset_of, ptr};

use crate::monitor::pcm::{FRAME_BYTES, RATE};

/// The driver is done with the block (WHDR_DONE).
pub(super) const DONE: u32 = 1;
/// The block is in the driver's queue (WHDR_INQUEUE).
pub(super) const IN_QUEUE: u32 = 16;

/// WAVEHDR. Aligned as C aligns it, so that `flags` can be read as an atomic; the definition in
/// windows-sys promises no alignment.
#[repr(C)]
pub(super) struct Header {
    /// lpData: the first byte of sound.
    pub(super) data: *mut u8,
    /// dwBufferLength: bytes of sound, whole frames.
    pub(super) bytes: u32,
    /// dwBytesRecorded: for input alone.
    recorded: u32,
    /// dwUser: ours, and not used.
    user: usize,
    /// dwFlags: [`DONE`], [`IN_QUEUE`] and others; the driver writes them while it has the block.
    pub(super) flags: u32,
    /// dwLoops.
    loops: u32,
    /// lpNext: the driver's.
    next: *mut Self,
    /// The driver's.
    reserved: usize,
}

// SAFETY: what it points to is of no thread, and it follows none of its pointers itself.
unsafe impl Send for Header {}

impl Header {
    /// One that winmm has not seen; all of it is zero.
    pub(super) const BLANK: Self = Self {
        data: ptr::null_mut(),
        bytes: 0,
        recorded: 0,
        user: 0,
        flags: 0,
        loops: 0,
        next: ptr::null_mut(),
        reserved: 0,
    };
}

/// WAVEFORMATEX, packed to the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C, packed)]
pub(super) struct Format {
    /// wFormatTag.
    tag: u16,
    /// nChannels.
    channels: u16,
    /// nSamplesPerSec.
    rate: u32,
    /// nAvgBytesPerSec.
    bytes_per_second: u32,
    /// nBlockAlign: bytes of a frame.
    frame_bytes: u16,
    /// wBitsPerSample.
    bits: u16,
    /// cbSize: bytes behind this structure.
    extra: u16,
}

impl Format {
    /// PCM as every sink takes it; the tag is WAVE_FORMAT_PCM.
    #[expect(clippy::cast_possible_truncation, reason = "4, and 176,400")]
    pub(super) const PCM: Self = Self {
        tag: 1,
        channels: 2,
        rate: RATE,
        bytes_per_second: RATE * FRAME_BYTES as u32,
        frame_bytes: FRAME_BYTES as u16,
        bits: 16,
        extra: 0,
    };
}

// Where a field lay elsewhere no call would complain: the size can be right all the same, and every
// block would look free while it plays.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<Header>() == 48 && align_of::<Header>() == 8);
    assert!(offset_of!(Header, data) == 0);
    assert!(offset_of!(Header, bytes) == 8);
    assert!(offset_of!(Header, user) == 16);
    assert!(offset_of!(Header, flags) == 24);
    assert!(offset_of!(Header, loops) == 28);
    assert!(offset_of!(Header, next) == 32);
    assert!(offset_of!(Header, reserved) == 40);
};

const _: () = {
    assert!(size_of::<Format>() == 18 && align_of::<Format>() == 1);
    assert!(offset_of!(Format, rate) == 4);
    assert!(offset_of!(Format, bytes_per_second) == 8);
    assert!(offset_of!(Format, frame_bytes) == 12);
    assert!(offset_of!(Format, bits) == 14);
    assert!(offset_of!(Format, extra) == 16);
};

#[cfg(windows)]
const _: () = {
    use windows_sys::Win32::Media::Audio::{WAVEFORMATEX, WAVEHDR, WHDR_DONE, WHDR_INQUEUE};
    assert!(DONE == WHDR_DONE && IN_QUEUE == WHDR_INQUEUE);
    assert!(size_of::<Header>() == size_of::<WAVEHDR>());
    assert!(offset_of!(Header, bytes) == offset_of!(WAVEHDR, dwBufferLength));
    assert!(offset_of!(Header, user) == offset_of!(WAVEHDR, dwUser));
    assert!(offset_of!(Header, flags) == offset_of!(WAVEHDR, dwFlags));
    assert!(offset_of!(Header, loops) == offset_of!(WAVEHDR, dwLoops));
    assert!(offset_of!(Header, next) == offset_of!(WAVEHDR, lpNext));
    assert!(size_of::<Format>() == size_of::<WAVEFORMATEX>());
    assert!(offset_of!(Format, rate) == offset_of!(WAVEFORMATEX, nSamplesPerSec));
    assert!(offset_of!(Format, bits) == offset_of!(WAVEFORMATEX, wBitsPerSample));
};
