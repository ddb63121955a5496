//! What the scan's workers do with one file: exact duration, tags, or the reason why not.

use std::{
    io::{self, BufReader, Read, Seek, SeekFrom},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use super::{Audio, FoundSong, ScanProgress, Tags, tags};
use crate::mpeg::{self, StreamTime, Unplayable, content, time::UNITS_PER_SECOND};

/// Buffer for reading tags: bytes.
const TAG_BUFFER: usize = 16 * 1024;
/// Bytes that are read for the tags of one file at most: several large covers. Searching for tags
/// in what is no MP3 at all would read all of it.
const TAG_BYTES: u64 = 64 * 1024 * 1024;

/// A file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) path: PathBuf,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    /// The library has it already, as it was before.
    pub(super) known: bool,
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// To be written, playable or not.
    Song { song: FoundSong, known: bool },
    /// It could not be read this time: nothing is written, so that the next scan tries again.
    Unreadable { path: PathBuf, reason: String },
    /// The scan was stopped.
    Cancelled,
}

/// Reads one file.
pub(super) fn examine(job: Job, progress: &ScanProgress) -> Outcome {
    // The parsers meet files from anywhere; should one of them panic, that file is told as bad.
    let read = catch_unwind(AssertUnwindSafe(|| read(&job.path, progress)));
    if progress.is_cancelled() {
        return Outcome::Cancelled;
    }
    let (tags, audio) = match read {
        Ok((_, Err(reason @ (Unplayable::Io(..) | Unplayable::Away)))) => {
            return Outcome::Unreadable { path: job.path, reason: reason.to_string() };
        }
        Ok((tags, audio)) => (tags, audio.map_err(|error| error.to_string())),
        Err(_) => (
            tags::of_path(&job.path),
            Err("reading it failed with a fault of this program; report the file".to_owned()),
        ),
    };
    let Job { path, size, mtime_ns, known } = job;
    Outcome::Song { song: FoundSong { path, size, mtime_ns, tags, audio }, known }
}

fn read(path: &Path, progress: &ScanProgress) -> (Tags, Result<Audio, Unplayable>) {
    let mut file = match mpeg::open(path) {
        Ok(file) => Watched { inner: file, progress, left: u64::MAX },
        Err(error) => return (tags::of_path(path), Err(error)),
    };
    let audio = frames(&mut file).map_err(|found| content::reason(found, &mut file));
    if let Err(error) = file.seek(SeekFrom::Start(0)) {
        return (Tags::default(), Err(error.into()));
    }
    file.left = TAG_BYTES;
    (tags::read(BufReader::with_capacity(TAG_BUFFER, file), path), audio)
}

/// A reader that fails once the scan is stopped (a file may be hours long), or once it has read what
/// it may.
struct Watched<'a, R> {
    inner: R,
    progress: &'a ScanProgress,
    left: u64,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.progress.is_cancelled() || self.left == 0 {
            return Err(io::ErrorKind::Other.into());
        }
        let len = self.inner.read(buffer)?;
        self.left = self.left.saturating_sub(len as u64);
        Ok(len)
    }
}

impl<R: Seek> Seek for Watched<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// The exact figures of the file's frames.
fn frames<R: Read + Seek>(reader: R) -> Result<Audio, Unplayable> {
    let summary = mpeg::walk(reader)?;
    Ok(Audio {
        duration: summary.duration,
        frames: summary.frames,
        audio_bytes: summary.audio_bytes,
        sample_rate: summary.first.sample_rate(),
        channels: summary.first.channels(),
        bitrate: mean_bitrate(summary.audio_bytes, summary.duration),
    })
}

/// kbit/s, rounded.
fn mean_bitrate(bytes: u64, duration: StreamTime) -> u32 {
    let units = u128::from(duration.units().max(1));
    let bits = u128::from(bytes) * 8 * u128::from(UNITS_PER_SECOND);
    u32::try_from((bits + units * 500) / (units * 1000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_bitrate_is_that_of_the_frames() {
        // 1,000 frames of 128 kbit/s at 44.1 kHz: 417 and 418 bytes in turn.
        let bytes = 417_959;
        assert_eq!(mean_bitrate(bytes, StreamTime::of_samples(1_152_000, 44_100)), 128);
        assert_eq!(mean_bitrate(0, StreamTime::ZERO), 0);
    }
}
