//! PCM: sound as every sink takes it, 16 bits, two channels, 44.1 kHz.
//!
//! As bytes a frame is four: left then right, each with its lower byte first, as the raw audio socket
//! and WAV have it.

use std::collections::VecDeque;

/// Frames in a second.
pub const RATE: u32 = 44_100;
/// Bytes of one frame.
pub const FRAME_BYTES: usize = 4;

/// One moment of sound: left and right.
pub type Frame = [i16; 2];

/// The step of a 16-bit sample that lies nearest to `sample`, whose full scale is 1. What is louder
/// than that is cut off, and what is no number is silence: a decoder may make both of a bad frame.
#[must_use]
pub fn quantize(sample: f32) -> i16 {
    /// Beside it a step is the last place of a float, so that adding it rounds, and the step stands in
    /// the lowest bits: several samples at once, where a call that rounds takes them one by one.
    const ROUNDS: f32 = 12_582_912.0;
    let scaled = sample * 32_768.0;
    let scaled = if scaled.is_nan() { 0.0 } else { scaled.clamp(-32_768.0, 32_767.0) };
    #[expect(clippy::cast_possible_truncation, reason = "the bits above are those of the constant")]
    let step = (scaled + ROUNDS).to_bits() as i16;
    step
}

/// Appends the bytes of `frames`.
pub fn put_bytes(frames: &[Frame], bytes: &mut Vec<u8>) {
    bytes.reserve(frames.len() * FRAME_BYTES);
    for [left, right] in frames {
        let ([a, b], [c, d]) = (left.to_le_bytes(), right.to_le_bytes());
        bytes.extend_from_slice(&[a, b, c, d]);
    }
}

/// Moves the first `count` frames of `from`, or as many as there are, to the end of `to`.
pub(super) fn move_frames(from: &mut VecDeque<Frame>, count: usize, to: &mut Vec<Frame>) {
    let count = count.min(from.len());
    let (first, second) = from.as_slices();
    let of_first = first.get(..count).unwrap_or(first);
    to.extend_from_slice(of_first);
    to.extend_from_slice(second.get(..count - of_first.len()).unwrap_or_default());
    from.drain(..count);
}

/// Frames of bytes that come in pieces, which may end anywhere.
#[derive(Debug, Default)]
pub struct Unpacker {
    /// The beginning of a frame whose rest has not come.
    rest: Vec<u8>,
}

impl Unpacker {
    /// Appends to `frames` all that are whole with `bytes`, and keeps what is left.
    pub fn put(&mut self, mut bytes: &[u8], frames: &mut Vec<Frame>) {
        while !self.rest.is_empty() && !bytes.is_empty() {
            let (first, behind) = bytes.split_at(1);
            self.rest.extend_from_slice(first);
            bytes = behind;
            if let Some(whole) = self.rest.first_chunk() {
                frames.push(frame(*whole));
                self.rest.clear();
            }
        }
        let (whole, rest) = bytes.as_chunks();
        frames.extend(whole.iter().map(|bytes| frame(*bytes)));
        self.rest.extend_from_slice(rest);
    }

    /// Bytes that wait for the rest of their frame: 0 to 3.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.rest.len()
    }
}

fn frame([a, b, c, d]: [u8; FRAME_BYTES]) -> Frame {
    [i16::from_le_bytes([a, b]), i16::from_le_bytes([c, d])]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_step_has_its_value_and_the_rest_is_cut_off_or_silent() {
        for step in i16::MIN..=i16::MAX {
            assert_eq!(quantize(f32::from(step) / 32_768.0), step);
        }
        for (sample, step) in [
            (1.0, i16::MAX),
            (240.0, i16::MAX),
            (f32::INFINITY, i16::MAX),
            (-1.1, i16::MIN),
            (f32::NEG_INFINITY, i16::MIN),
            (f32::NAN, 0),
            (-f32::NAN, 0),
            (0.6 / 32_768.0, 1),
            (-0.6 / 32_768.0, -1),
            (0.4 / 32_768.0, 0),
        ] {
            assert_eq!(quantize(sample), step, "{sample}");
        }
    }

    #[test]
    fn frames_are_moved_in_order_over_the_seam_of_their_queue() {
        let mut from: VecDeque<Frame> = (0..8).map(|n| [n, n]).collect();
        let mut to = Vec::new();
        for (count, more) in [(5, 5), (0, 0), (6, 0), (9, 0)] {
            move_frames(&mut from, count, &mut to);
            let next = i16::try_from(to.len() + from.len()).unwrap();
            from.extend((next..next + more).map(|n| [n, n]));
        }
        assert_eq!((to, from.len()), ((0..13).map(|n| [n, n]).collect(), 0));
    }

    proptest! {
        #[test]
        fn frames_survive_pieces_of_any_length(
            frames in prop::collection::vec(any::<Frame>(), 0..200),
            cuts in prop::collection::vec(1_usize..9, 1..400),
            odd in 0_usize..4,
        ) {
            let mut bytes = Vec::new();
            put_bytes(&frames, &mut bytes);
            bytes.extend(std::iter::repeat_n(7, odd));
            let (mut unpacker, mut heard, mut rest) = (Unpacker::default(), Vec::new(), &bytes[..]);
            for cut in cuts.iter().cycle().take(300) {
                let (piece, behind) = rest.split_at((*cut).min(rest.len()));
                unpacker.put(piece, &mut heard);
                rest = behind;
            }
            unpacker.put(rest, &mut heard);
            prop_assert_eq!(heard, frames);
            prop_assert_eq!(unpacker.waiting(), odd);
        }
    }
}
