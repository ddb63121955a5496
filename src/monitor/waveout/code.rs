//! Codes: what a call of waveOut returns when it fails, and what that means for the sink.

use std::{fmt, io};

use crate::monitor::Fault;

/// What every message calls the device.
pub(super) const DEVICE: &str = "the sound device of Windows";

/// A call of winmm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Call {
    Open,
    Prepare,
    Write,
    Unprepare,
    Pause,
    Restart,
    Reset,
    Close,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "waveOutOpen",
            Self::Prepare => "waveOutPrepareHeader",
            Self::Write => "waveOutWrite",
            Self::Unprepare => "waveOutUnprepareHeader",
            Self::Pause => "waveOutPause",
            Self::Restart => "waveOutRestart",
            Self::Reset => "waveOutReset",
            Self::Close => "waveOutClose",
        })
    }
}

/// An MMRESULT that is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Code(pub(super) u32);

impl Code {
    pub(super) const ALLOCATED: Self = Self(4);
    pub(super) const BAD_DEVICE: Self = Self(2);
    pub(super) const BAD_FORMAT: Self = Self(32);
    pub(super) const NO_DRIVER: Self = Self(6);
    pub(super) const NO_MEMORY: Self = Self(7);
    pub(super) const STILL_PLAYING: Self = Self(33);
    pub(super) const SYNC: Self = Self(35);

    /// As mmsystem.h has it, without MMSYSERR_ or WAVERR_.
    fn name(self) -> &'static str {
        match self.0 {
            1 => "ERROR",
            2 => "BADDEVICEID",
            3 => "NOTENABLED",
            4 => "ALLOCATED",
            5 => "INVALHANDLE",
            6 => "NODRIVER",
            7 => "NOMEM",
            8 => "NOTSUPPORTED",
            10 => "INVALFLAG",
            11 => "INVALPARAM",
            32 => "BADFORMAT",
            33 => "STILLPLAYING",
            34 => "UNPREPARED",
            35 => "SYNC",
            _ => "not in mmsystem.h",
        }
    }

    /// What to do about it where the device could not be opened.
    fn remedy(self) -> &'static str {
        match self {
            Self::BAD_DEVICE => {
                "Connect a sound device, or enable one in the sound settings of Windows"
            }
            Self::ALLOCATED => {
                "Close the program that has it, or take exclusive control from programs in the \
                 device's properties"
            }
            Self::NO_DRIVER => "Install its driver, or choose another default device",
            Self::NO_MEMORY => "Close other programs",
            Self::BAD_FORMAT | Self::SYNC => {
                "It takes no PCM of 16 bits, two channels and 44.1 kHz: choose another default \
                 device, or take waveOut out of monitor.sinks"
            }
            _ => "Start the service Windows Audio again, or choose another default device",
        }
    }

    /// What it means that `call` ended with it while the device was opened. `text`: what the system
    /// says of it.
    pub(super) fn at_opening(self, call: Call, text: Option<&str>) -> Fault {
        let reason = format!("{}. {}", self.told(call, text), self.remedy());
        let what = DEVICE.to_owned();
        match self {
            Self::BAD_FORMAT | Self::SYNC => Fault::Unusable { what, reason },
            _ => Fault::Unavailable { what, reason },
        }
    }

    /// What it means that `call` ended with it behind that.
    pub(super) fn at_playing(self, call: Call, text: Option<&str>) -> Fault {
        lost(&self.told(call, text))
    }

    fn told(self, call: Call, text: Option<&str>) -> String {
        let (number, name) = (self.0, self.name());
        match text.map(|text| text.trim().trim_end_matches('.')).filter(|text| !text.is_empty()) {
            Some(text) => format!("{call} says {number} ({name}): {text}"),
            None => format!("{call} says {number} ({name})"),
        }
    }
}

/// The device was there and is gone.
pub(super) fn lost(reason: &str) -> Fault {
    let remedy = "Connect it again or choose another default device, then open it anew";
    Fault::Lost { what: DEVICE.to_owned(), reason: format!("{reason}. {remedy}") }
}

/// The system has no event to wait on.
pub(super) fn no_event(error: &io::Error) -> Fault {
    let reason = format!("CreateEventW says: {error}. Close other programs");
    Fault::Unavailable { what: DEVICE.to_owned(), reason }
}
