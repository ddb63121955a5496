//! The walk: every frame of a file counted, which makes its duration exact.

use std::{
    fmt,
    io::{Read, Seek},
};

use super::{
    header::{Header, Version},
    info::InfoFrame,
    lock::Lock,
    scan::Step,
    source::Feed,
    tag::Tag,
    time::StreamTime,
    unplayable::Unplayable,
};

/// How many places and tags a summary names; it counts the others.
const MAX_NAMED: usize = 256;

/// What must stay the same for decoders to play on without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Format {
    /// The MPEG version.
    pub version: Version,
    /// Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
}

impl Format {
    /// The format of the frame behind `header`.
    #[must_use]
    pub fn of(header: Header) -> Self {
        Self {
            version: header.version(),
            sample_rate: header.sample_rate(),
            channels: header.channels(),
        }
    }
}

impl fmt::Display for Format {
    /// `44100 Hz stereo`: the rate tells the version.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sides = if self.channels == 1 { "mono" } else { "stereo" };
        write!(f, "{} Hz {sides}", self.sample_rate)
    }
}

/// Why frames that come one behind the other do not stand so in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpliceKind {
    /// Bytes that are nothing.
    Junk,
    /// A tag inside the audio.
    Tag,
    /// The Xing, Info or VBRI frame of another file.
    Info,
    /// From here on another version or rate.
    Format,
}

/// A place inside the audio where files were joined or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Splice {
    /// What is there.
    pub kind: SpliceKind,
    /// How many frames come before it.
    pub frame: u64,
    /// Where, in bytes from the file's start.
    pub at: u64,
    /// Bytes left out there.
    pub len: u64,
}

/// What a file holds, exactly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The first frame's header.
    pub first: Header,
    /// Every format of its frames, in the order of their first frames.
    pub formats: Vec<Format>,
    /// Frames, without Xing, Info and VBRI frames.
    pub frames: u64,
    /// Bytes of these frames.
    pub audio_bytes: u64,
    /// How long they sound.
    pub duration: StreamTime,
    /// The lowest bitrate of a frame: kbit/s.
    pub min_bitrate: u16,
    /// The highest bitrate of a frame: kbit/s.
    pub max_bitrate: u16,
    /// The Xing, Info or VBRI frame before the first frame.
    pub info: Option<InfoFrame>,
    /// Xing, Info and VBRI frames in the whole file.
    pub info_frames: u64,
    /// The tags, in the order in which they were found: both ends, then the inside; 256 at most.
    pub tags: Vec<Tag>,
    /// The places where files were joined or damaged; 256 at most.
    pub splices: Vec<Splice>,
    /// Bytes that are neither frame nor tag.
    pub junk_bytes: u64,
    /// How many runs they are.
    pub junk_spots: u64,
    /// Bytes of the last frame, where its end is missing; it is not counted.
    pub truncated_tail: u64,
}

impl Summary {
    /// The mean bitrate, from bytes and duration: kbit/s, rounded.
    #[must_use]
    pub fn mean_bitrate(&self) -> u64 {
        let bits = u128::from(self.audio_bytes) * 8 * u128::from(super::time::UNITS_PER_SECOND);
        let units = u128::from(self.duration.units().max(1)) * 1000;
        u64::try_from((bits + units / 2) / units).unwrap_or(u64::MAX)
    }
}

/// Walks a whole file.
///
/// # Errors
/// Why the file, or the rest of it behind good frames, cannot be streamed.
pub fn walk<R: Read + Seek>(reader: R) -> Result<Summary, Unplayable> {
    let mut feed = Feed::open(reader)?;
    let mut notes = Notes { tags: feed.tags().to_vec(), ..Notes::default() };
    let mut tally = Tally::default();
    let mut latest: Option<Header> = None;
    loop {
        if notes.first.is_some() {
            let before = tally.frames;
            feed.hop(&mut tally);
            notes.junk_run &= tally.frames == before;
        }
        let at = feed.at();
        let frames = notes.frames + tally.frames;
        let (step, bytes) = feed.step()?;
        if let Step::Frame(header) | Step::Info(header) = step {
            if latest.is_some_and(|before| !header.continues(before)) {
                notes.settle(latest, &mut tally);
                notes.splice(SpliceKind::Format, frames, at, 0);
            }
            latest = Some(header);
            notes.junk_run = false;
        }
        match step {
            Step::Frame(header) => {
                notes.first = notes.first.or(Some(header));
                tally.count(u32::from_be_bytes(header.to_bytes()));
            }
            Step::Info(header) => {
                if frames == 0 {
                    notes.info = notes.info.or_else(|| InfoFrame::read(header, bytes));
                } else {
                    notes.splice(SpliceKind::Info, frames, at, header.frame_len() as u64);
                }
                notes.info_frames += 1;
            }
            Step::Tag(kind, len) => {
                if notes.tags.len() < MAX_NAMED {
                    notes.tags.push(Tag { kind, at, len });
                }
                if frames > 0 {
                    notes.splice(SpliceKind::Tag, frames, at, len);
                }
                notes.junk_run = false;
            }
            Step::Junk(len) => notes.junk(frames, at, len),
            Step::Truncated(len) => notes.truncated_tail = len,
            Step::Padding(_) | Step::More(_) => {}
            Step::End => break,
            Step::GiveUp(reason) => return Err(reason),
        }
    }
    notes.settle(latest, &mut tally);
    notes.summary()
}

/// Frames of one version and rate, counted without looking anything up.
#[derive(Debug, Default)]
pub(super) struct Tally {
    frames: u64,
    by_slot: [u64; 32],
    by_mode: [u64; 4],
}

impl Tally {
    #[inline]
    pub(super) fn count(&mut self, bits: u32) {
        self.frames += 1;
        if let Some(count) = self.by_slot.get_mut(Lock::slot(bits)) {
            *count += 1;
        }
        if let Some(count) = self.by_mode.get_mut((bits >> 6 & 3) as usize) {
            *count += 1;
        }
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Notes {
    first: Option<Header>,
    formats: Vec<Format>,
    frames: u64,
    audio_bytes: u64,
    duration: StreamTime,
    bitrates: Option<(u16, u16)>,
    info: Option<InfoFrame>,
    info_frames: u64,
    tags: Vec<Tag>,
    splices: Vec<Splice>,
    junk_bytes: u64,
    junk_spots: u64,
    /// The last thing found was junk, so that more of it is the same spot.
    junk_run: bool,
    truncated_tail: u64,
}

impl Notes {
    /// Books the frames of one version and rate, which `latest` belongs to.
    fn settle(&mut self, latest: Option<Header>, tally: &mut Tally) {
        let tally = std::mem::take(tally);
        let Some(header) = latest else { return };
        for (slot, &count) in (0u8..).zip(&tally.by_slot).filter(|(_, count)| **count > 0) {
            let shaped = header.reshaped(slot >> 1, slot & 1 == 1);
            self.audio_bytes += shaped.frame_len() as u64 * count;
            let (low, high) = self.bitrates.unwrap_or((u16::MAX, 0));
            self.bitrates = Some((low.min(shaped.bitrate()), high.max(shaped.bitrate())));
        }
        self.frames += tally.frames;
        self.duration += header.duration().times(tally.frames);
        let [stereo, joint, dual, mono] = tally.by_mode;
        let mut channels = [(2, stereo + joint + dual), (1, mono)];
        if self.first.is_some_and(|first| first.channels() == 1) {
            channels.reverse();
        }
        for (channels, _) in channels.into_iter().filter(|(_, count)| *count > 0) {
            let format = Format { channels, ..Format::of(header) };
            if !self.formats.contains(&format) {
                self.formats.push(format);
            }
        }
    }

    fn splice(&mut self, kind: SpliceKind, frame: u64, at: u64, len: u64) {
        if self.splices.len() < MAX_NAMED {
            self.splices.push(Splice { kind, frame, at, len });
        }
    }

    fn junk(&mut self, frames: u64, at: u64, len: u64) {
        self.junk_bytes += len;
        if self.junk_run {
            if let Some(splice) = self.splices.last_mut().filter(|last| last.at + last.len == at) {
                splice.len += len;
            }
            return;
        }
        self.junk_run = true;
        self.junk_spots += 1;
        self.splice(SpliceKind::Junk, frames, at, len);
    }

    fn summary(self) -> Result<Summary, Unplayable> {
        let (first, (min_bitrate, max_bitrate)) =
            self.first.zip(self.bitrates).ok_or(Unplayable::NoFrames)?;
        Ok(Summary {
            first,
            formats: self.formats,
            frames: self.frames,
            audio_bytes: self.audio_bytes,
            duration: self.duration,
            min_bitrate,
            max_bitrate,
            info: self.info,
            info_frames: self.info_frames,
            tags: self.tags,
            splices: self.splices,
            junk_bytes: self.junk_bytes,
            junk_spots: self.junk_spots,
            truncated_tail: self.truncated_tail,
        })
    }
}
