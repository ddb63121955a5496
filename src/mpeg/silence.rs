//! Silence: frames without sound, forged so that they fit between the frames of a song.

use super::header::Header;

/// An endless run of silent frames with the version, rate and channel mode of a song and with its
/// mean number of bytes a frame.
///
/// Every field of a silent frame's side info is zero: no main data, no reservoir, no coefficients,
/// which decodes to exact zeros once the filter bank has faded. The bytes of n frames differ from
/// n times the mean by at most half a step between two frame lengths: half a byte beside a constant
/// bitrate (padding makes the difference), half the distance of two neighbouring bitrates beside a
/// mean between them. Over two seconds that is under 1 %, except where a neighbouring bitrate
/// changes a single frame by more than 1 % of two seconds (means under 29 kbit/s at 8 kHz).
#[derive(Debug, Clone)]
pub struct Silence {
    /// The shape of the frames: the lower of the bitrates in turn.
    header: Header,
    /// The mean bytes a frame are `bytes / frames`.
    bytes: u64,
    frames: u64,
    /// What the frames so far are short of the mean, in bytes times `frames`; negative where they
    /// are more.
    owed: i128,
    /// The frames in turn, shortest first, with their lengths.
    shapes: [Header; 4],
}

impl Silence {
    /// Silence beside a frame of a song that has `audio_bytes` in `frames` frames.
    ///
    /// No frames means: the exact bitrate of `header`. A mean beyond the table of bitrates is
    /// brought to its end.
    #[must_use]
    pub fn beside(header: Header, audio_bytes: u64, frames: u64) -> Self {
        let exact = (
            u64::from(header.samples()) / 8 * u64::from(header.bitrate()) * 1000,
            u64::from(header.sample_rate()),
        );
        let (bytes, frames) = if frames == 0 { exact } else { (audio_bytes, frames) };
        let len = |index: u8| header.reshaped(index, false).frame_len() as u64;
        let (shortest, longest) = (len(1), len(14) + 1);
        let bytes = bytes.clamp(shortest.saturating_mul(frames), longest.saturating_mul(frames));
        let low = (1..=14).rev().find(|&index| len(index) * frames <= bytes).unwrap_or(1);
        // Padding alone reaches one byte further; beyond that the next bitrate takes turns.
        let reached = bytes <= (len(low) + 1) * frames;
        let high = if reached { low } else { (low + 1).min(14) };
        let shapes = [(low, false), (low, true), (high, false), (high, true)]
            .map(|(index, padded)| header.reshaped(index, padded));
        Self { header: header.reshaped(low, false), bytes, frames, owed: 0, shapes }
    }

    /// The header of these frames, with the lower of the bitrates in turn.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// Appends one frame and returns its header; nothing is allocated but what `out` grows.
    pub fn append_frame(&mut self, out: &mut Vec<u8>) -> Header {
        let shape = self.next_shape();
        let end = out.len() + shape.frame_len();
        out.extend_from_slice(&shape.to_bytes());
        out.resize(end, 0);
        shape
    }

    /// The header of the next frame, which counts as handed out.
    pub(super) fn next_shape(&mut self) -> Header {
        let frames = i128::from(self.frames);
        let due = self.owed + i128::from(self.bytes);
        let short = |shape: &Header| (due - shape.frame_len() as i128 * frames).abs();
        let shape = self.shapes.into_iter().min_by_key(short).unwrap_or(self.header);
        self.book(shape);
        shape
    }

    /// Counts a frame of any shape that goes out in place of the next one; the frames after it
    /// make up for what it is longer or shorter.
    pub(super) fn book(&mut self, shape: Header) {
        let len = shape.frame_len() as i128 * i128::from(self.frames);
        self.owed += i128::from(self.bytes) - len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpeg::is_silent_forgery;

    fn lens(silence: &mut Silence, n: usize) -> Vec<usize> {
        let mut out = Vec::new();
        (0..n).map(|_| silence.append_frame(&mut out).frame_len()).collect()
    }

    #[test]
    fn constant_bitrate_is_kept_by_padding_alone() {
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
        let mut silence = Silence::beside(header, 0, 0);
        let lens = lens(&mut silence, 441_000 / 1152 * 49);
        assert!(lens.iter().all(|&len| len == 417 || len == 418));
        let sum: usize = lens.iter().sum();
        let exact = lens.len() * 144 * 128_000;
        assert!((sum * 44_100).abs_diff(exact) <= 44_100 / 2);
    }

    #[test]
    fn unpadded_files_get_unpadded_silence() {
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
        let mut silence = Silence::beside(header, 417 * 1000, 1000);
        assert!(lens(&mut silence, 100).iter().all(|&len| len == 417));
    }

    #[test]
    fn what_stood_in_for_silence_is_made_up_for() {
        // A mean of 430 bytes lies between 128 and 160 kbit/s.
        let header = Header::parse([0xFF, 0xFB, 0x90, 0x64]).unwrap();
        let mut silence = Silence::beside(header, 430 * 100, 100);
        let stand_in = header.reshaped(14, false);
        silence.book(stand_in);
        let after: usize = lens(&mut silence, 200).iter().sum();
        let all = after + stand_in.frame_len();
        assert!(all.abs_diff(430 * 201) <= 105 / 2 + 1, "{all}");
    }

    #[test]
    fn a_frame_that_silence_made_is_told_as_such() {
        let header = Header::parse([0xFF, 0xFA, 0x90, 0x64]).unwrap();
        let mut out = Vec::new();
        let made = Silence::beside(header, 0, 0).append_frame(&mut out);
        assert!(!made.has_crc() && is_silent_forgery(&out));
        assert!(!is_silent_forgery(&out[1..]) && !is_silent_forgery(&out[..out.len() - 1]));
    }
}
