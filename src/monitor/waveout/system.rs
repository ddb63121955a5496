//! The real winmm.

use std::{
    io, ptr,
    time::{Duration, Instant},
};

use windows_sys::Win32::{
    Foundation::{CloseHandle, HANDLE, WAIT_FAILED},
    Media::Audio::{
        CALLBACK_EVENT, HWAVEOUT, WAVE_MAPPER, waveOutClose, waveOutGetErrorTextW, waveOutOpen,
        waveOutPause, waveOutPrepareHeader, waveOutReset, waveOutRestart, waveOutUnprepareHeader,
        waveOutWrite,
    },
    System::Threading::{CreateEventW, INFINITE, WaitForSingleObject},
};

use super::{
    code::Code,
    layout::{Format, Header},
    winmm::Winmm,
};

/// UTF-16 units of a text at most, with the zero behind it (MAXERRORLENGTH).
const TEXT: u32 = 256;

/// Bytes of a header, as the calls want to be told.
#[expect(clippy::cast_possible_truncation, reason = "48, or 32")]
const HEADER: u32 = size_of::<Header>() as u32;

/// One event and one device. A null handle is one that winmm refuses with INVALHANDLE.
#[derive(Debug)]
pub(super) struct System {
    event: HANDLE,
    device: HWAVEOUT,
}

impl Default for System {
    fn default() -> Self {
        Self { event: ptr::null_mut(), device: ptr::null_mut() }
    }
}

// SAFETY: both handles are of the process, and of no thread.
unsafe impl Send for System {}

fn outcome(code: u32) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(Code(code)) }
}

// SAFETY: winmm keeps headers and their sound from prepare to unprepare, as documented, and refuses
// to unprepare what is queued.
unsafe impl Winmm for System {
    fn create_event(&mut self) -> io::Result<()> {
        // SAFETY: no attributes and no name; it resets itself and is not signalled.
        let event = unsafe { CreateEventW(ptr::null(), 0, 0, ptr::null()) };
        // winmm takes no event without a word, and would never signal it.
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        self.event = event;
        Ok(())
    }

    fn close_event(&mut self) {
        // SAFETY: made in `create_event`, or null, which is refused.
        unsafe { CloseHandle(self.event) };
        self.event = ptr::null_mut();
    }

    fn open(&mut self, format: &Format) -> Result<(), Code> {
        let (device, format) = (&raw mut self.device, ptr::from_ref(format).cast());
        let event = self.event.expose_provenance();
        // SAFETY: a place for the handle, and a format that is copied; the event is closed only when
        // the device was closed.
        outcome(unsafe { waveOutOpen(device, WAVE_MAPPER, format, event, 0, CALLBACK_EVENT) })
    }

    unsafe fn prepare(&mut self, header: *mut Header) -> Result<(), Code> {
        // SAFETY: the caller's; laid out like WAVEHDR.
        outcome(unsafe { waveOutPrepareHeader(self.device, header.cast(), HEADER) })
    }

    unsafe fn write(&mut self, header: *mut Header) -> Result<(), Code> {
        // SAFETY: the caller's; laid out like WAVEHDR.
        outcome(unsafe { waveOutWrite(self.device, header.cast(), HEADER) })
    }

    unsafe fn unprepare(&mut self, header: *mut Header) -> Result<(), Code> {
        // SAFETY: the caller's; laid out like WAVEHDR.
        outcome(unsafe { waveOutUnprepareHeader(self.device, header.cast(), HEADER) })
    }

    fn pause(&mut self) -> Result<(), Code> {
        // SAFETY: no memory; winmm refuses a handle that is not open.
        outcome(unsafe { waveOutPause(self.device) })
    }

    fn restart(&mut self) -> Result<(), Code> {
        // SAFETY: as in `pause`.
        outcome(unsafe { waveOutRestart(self.device) })
    }

    fn reset(&mut self) -> Result<(), Code> {
        // SAFETY: as in `pause`.
        outcome(unsafe { waveOutReset(self.device) })
    }

    fn close(&mut self) -> Result<(), Code> {
        // SAFETY: as in `pause`.
        outcome(unsafe { waveOutClose(self.device) })
    }

    fn wait(&mut self, limit: Duration) -> io::Result<()> {
        // Rounded up, so that the time has passed when it returns.
        let millis = limit.as_nanos().div_ceil(1_000_000);
        let millis = u32::try_from(millis).unwrap_or(INFINITE).min(INFINITE - 1);
        // SAFETY: no memory; a handle that is not open is refused.
        match unsafe { WaitForSingleObject(self.event, millis) } {
            WAIT_FAILED => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn text(&self, Code(code): Code) -> Option<String> {
        let mut text = [0; TEXT as usize];
        // SAFETY: so many units are there.
        let outcome = unsafe { waveOutGetErrorTextW(code, text.as_mut_ptr(), TEXT) };
        let end = text.iter().position(|unit| *unit == 0)?;
        (outcome == 0).then(|| String::from_utf16_lossy(&text[..end]))
    }
}
