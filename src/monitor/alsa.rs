//! ALSA: the sound of Linux, by blocks of 50 ms.

use std::{cell::RefCell, rc::Rc, time::Duration};

use alsa::{
    Direction, Output, PCM, ValueOr,
    pcm::{Access, Format, Frames, HwParams, State},
};

use super::{
    Fault, Pace, Sink,
    pcm::{Frame, RATE},
};

/// Frames of one block: 50 ms.
const BLOCK: Frames = RATE as Frames / 20;
/// Blocks that the device queues.
const BLOCKS: Frames = 4;
/// Beyond what the device queues it may take so long to have room; then it is taken for gone.
const ROOM_LIMIT: Duration = Duration::from_secs(1);
/// Silence at the end, a tenth of a second, so that what is cut off at a close is none of the sound.
const LAST_SILENCE: usize = RATE as usize / 10;
/// `EPIPE`: it had nothing to play.
const EMPTY: i32 = 32;
/// `ESTRPIPE`: the machine was asleep.
const ASLEEP: i32 = 86;

/// An open device.
pub(super) struct Alsa {
    pcm: PCM,
    name: String,
    queue: usize,
    underruns: u64,
    samples: Vec<i16>,
}

/// For as long as it is there, ALSA says to us what it would print on standard error: two dozen lines
/// for a device that is missing.
struct Hushed(Option<Rc<RefCell<Output>>>);

impl Hushed {
    fn new() -> Self {
        Self(Output::local_error_handler().ok())
    }

    /// The first thing that it said.
    fn first_line(&self) -> Option<String> {
        let said = self
            .0
            .as_ref()?
            .borrow()
            .buffer_string(|text| String::from_utf8_lossy(text).into_owned());
        // `ALSA lib pcm.c:2664:(snd_pcm_open_noupdate) Unknown PCM nosuch`
        let line = said.lines().next()?;
        Some(line.rsplit_once(") ").map_or(line, |(_, words)| words).trim().to_owned())
    }
}

impl Alsa {
    /// Opens `device`.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] with ALSA's own words.
    pub(super) fn open(device: &str) -> Result<Self, Fault> {
        let hushed = Hushed::new();
        let name = format!("the ALSA device {device:?}");
        Self::prepare(device, &name).map_err(|error| {
            let said = hushed.first_line().map(|line| format!(" ({line})")).unwrap_or_default();
            let reason = format!("{error}{said}. aplay -L lists the devices that there are");
            Fault::Unavailable { what: name, reason }
        })
    }

    fn prepare(device: &str, name: &str) -> alsa::Result<Self> {
        let pcm = PCM::new(device, Direction::Playback, false)?;
        let hardware = HwParams::any(&pcm)?;
        hardware.set_access(Access::RWInterleaved)?;
        hardware.set_format(Format::S16LE)?;
        hardware.set_channels(2)?;
        hardware.set_rate(RATE, ValueOr::Nearest)?;
        hardware.set_period_size_near(BLOCK, ValueOr::Nearest)?;
        let queue = hardware.set_buffer_size_near(BLOCK * BLOCKS)?;
        pcm.hw_params(&hardware)?;
        drop(hardware);
        let software = pcm.sw_params_current()?;
        // It begins to play when it is full, after an underrun too.
        software.set_start_threshold(queue)?;
        software.set_avail_min(BLOCK.min(queue))?;
        pcm.sw_params(&software)?;
        drop(software);
        let queue = usize::try_from(queue).unwrap_or(0);
        Ok(Self { pcm, name: name.to_owned(), queue, underruns: 0, samples: Vec::new() })
    }

    /// Waits until the device has room; for how many frames.
    fn room(&self) -> alsa::Result<Option<usize>> {
        let queue = Duration::from_secs_f64(self.queue as f64 / f64::from(RATE));
        let limit = u32::try_from((queue + ROOM_LIMIT).as_millis()).unwrap_or(u32::MAX);
        // Before it plays a wait would be for a whole block of room: what is missing to its start may
        // be less.
        if self.pcm.state() != State::Prepared && !self.pcm.wait(Some(limit))? {
            return Ok(None);
        }
        Ok(Some(usize::try_from(self.pcm.avail_update()?).unwrap_or(0)))
    }

    /// Hands over what there is room for; how many frames, or nothing where there is none in time.
    fn write_some(&self, samples: &[i16]) -> alsa::Result<Option<usize>> {
        let Some(room) = self.room()? else { return Ok(None) };
        let piece = samples.get(..room * 2).unwrap_or(samples);
        Ok(Some(self.pcm.io_i16()?.writei(piece)?))
    }

    fn lost(&self, reason: String) -> Fault {
        Fault::Lost { what: self.name.clone(), reason }
    }

    fn write_all(&mut self, samples: &[i16]) -> Result<(), Fault> {
        let mut at = 0;
        while let Some(rest) = samples.get(at..).filter(|rest| !rest.is_empty()) {
            match self.write_some(rest) {
                Ok(Some(frames)) => at += frames * 2,
                Ok(None) => return Err(self.lost("it plays nothing any more".to_owned())),
                Err(error) if [EMPTY, ASLEEP].contains(&error.errno()) => {
                    self.underruns += u64::from(error.errno() == EMPTY);
                    self.pcm.prepare().map_err(|error| self.lost(error.to_string()))?;
                }
                Err(error) => return Err(self.lost(error.to_string())),
            }
        }
        Ok(())
    }
}

impl Sink for Alsa {
    fn pace(&self) -> Pace {
        Pace::Device { block: (RATE / 20) as usize, queue: self.queue }
    }

    fn write(&mut self, frames: &[Frame]) -> Result<(), Fault> {
        let _hushed = Hushed::new();
        let mut samples = std::mem::take(&mut self.samples);
        samples.clear();
        samples.extend(frames.iter().flatten());
        let written = self.write_all(&samples);
        self.samples = samples;
        written
    }

    fn underruns(&self) -> u64 {
        self.underruns
    }

    fn finish(&mut self) -> Result<(), Fault> {
        let _hushed = Hushed::new();
        self.write_all(&[0; 2 * LAST_SILENCE])?;
        match self.pcm.state() {
            // Plays what it has, and waits for that.
            State::Running | State::Prepared => {
                self.pcm.drain().map_err(|error| self.lost(error.to_string()))
            }
            _ => Ok(()),
        }
    }
}
