//! Carriers: silent frames that bring to a decoder what the next frame points back to.
//!
//! ```text
//! ... frame k | silent | carrier 0        | carrier 1            | frame k+1
//!                        claims 0           claims what 0 holds    claims B
//!                        [zeros][B bytes:   oldest ..... newest]
//! ```
//!
//! A silent frame's sound has no length, so its main data area is free. Decoders throw away what
//! the next frame does not claim: each carrier claims all that those before it hold.

use std::collections::VecDeque;

use super::{
    header::Header,
    reservoir::{claim, main_data_at, main_data_begin, side_info_at},
    silence::Silence,
    tail::Tail,
};

/// The most carriers before one frame.
pub const CARRIERS_LIMIT: usize = 8;

/// The silent frames that stand before a frame whose own past does not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carriers {
    frames: Vec<(Header, Vec<u8>)>,
}

impl Carriers {
    /// The carriers for `frame`, before which its song had `tail`.
    ///
    /// None where the frame misses its tail, so that nothing could bring back its sound: it has to
    /// be muted. Empty where it points back to nothing. The carriers are the next frames of
    /// `silence`, so that the bytes a second stay as they are; where [`CARRIERS_LIMIT`] of these
    /// hold too little, frames of the smallest larger bitrate at which they hold enough stand in
    /// for them. `silence` counts them as its own, unless it is of another stream.
    #[must_use]
    pub fn before(
        header: Header,
        frame: &[u8],
        tail: &Tail,
        silence: &mut Silence,
    ) -> Option<Self> {
        let wanted = tail.last(main_data_begin(header, frame)?)?;
        let beside = silence.header();
        if beside.continues(header) && beside.channels() == header.channels() {
            Self::carry(wanted, silence)
        } else {
            Self::carry(wanted, &mut Silence::beside(header, 0, 0))
        }
    }

    /// The carriers in their order, each a whole frame.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = (Header, &[u8])> {
        self.frames.iter().map(|(header, frame)| (*header, frame.as_slice()))
    }

    /// The carriers in their order, to be kept.
    #[must_use]
    pub fn into_frames(self) -> VecDeque<(Header, Vec<u8>)> {
        self.frames.into()
    }

    /// How many there are: at most [`CARRIERS_LIMIT`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// The frame points back to nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn carry(wanted: &[u8], silence: &mut Silence) -> Option<Self> {
        let mut ahead = silence.clone();
        let next = std::iter::repeat_with(|| ahead.next_shape());
        let shapes = enough(wanted.len(), next).or_else(|| {
            // One frame of the highest bitrate holds all that can be claimed, in every stream.
            let low = silence.header();
            (low.bitrate_index() + 1..=14)
                .map(|index| low.reshaped(index, false))
                .find_map(|shape| enough(wanted.len(), std::iter::repeat(shape)))
        })?;
        for shape in &shapes {
            silence.book(*shape);
        }
        Some(Self::filled(wanted, &shapes))
    }

    /// Frames of these shapes, whose areas end with `wanted`.
    fn filled(wanted: &[u8], shapes: &[Header]) -> Self {
        let free: usize = shapes.iter().copied().map(area).sum();
        let mut bytes =
            std::iter::repeat_n(0, free.saturating_sub(wanted.len())).chain(wanted.iter().copied());
        let mut held = 0;
        let frames = shapes.iter().map(|&shape| {
            let mut frame = Vec::with_capacity(shape.frame_len());
            frame.extend_from_slice(&shape.to_bytes());
            frame.extend_from_slice(&claim(shape, held));
            frame.resize(main_data_at(shape), 0);
            frame.extend(bytes.by_ref().take(area(shape)));
            held += area(shape);
            (shape, frame)
        });
        Self { frames: frames.collect() }
    }
}

/// The first of `shapes` that hold `count` bytes together, if [`CARRIERS_LIMIT`] of them do.
fn enough(count: usize, shapes: impl Iterator<Item = Header>) -> Option<Vec<Header>> {
    let (mut held, mut taken) = (0, Vec::new());
    let mut shapes = shapes.take(CARRIERS_LIMIT);
    while held < count {
        let shape = shapes.next()?;
        held += area(shape);
        taken.push(shape);
    }
    Some(taken)
}

/// Bytes of main data in a frame of this shape.
fn area(shape: Header) -> usize {
    shape.frame_len().saturating_sub(main_data_at(shape))
}

/// The bytes are one whole silent frame as [`Silence`] and [`Carriers`] make them: a header, no
/// CRC, a side info that claims main data at most and is zero beyond that, and any main data.
///
/// A song's own frame without CRC looks the same where it was [muted](super::mute()).
#[must_use]
pub fn is_silent_forgery(frame: &[u8]) -> bool {
    let Some(Ok(header)) = frame.first_chunk().map(|head| Header::parse(*head)) else {
        return false;
    };
    let Some(side) = frame.get(side_info_at(header)..main_data_at(header)) else { return false };
    let claimed = claim(header, main_data_begin(header, frame).unwrap_or(0));
    !header.has_crc()
        && header.frame_len() == frame.len()
        && side.starts_with(&claimed)
        && side.iter().skip(claimed.len()).all(|&byte| byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpeg::reservoir::{MAX_BACK, max_back};

    /// Tail and frame of a stream: the frame claims `back` bytes of what came before.
    fn song(bytes: [u8; 4], back: usize) -> (Header, Vec<u8>, Tail) {
        let header = Header::parse(bytes).unwrap();
        let mut frame = bytes.to_vec();
        frame.resize(side_info_at(header), 0x55);
        frame.extend(claim(header, back));
        frame.resize(header.frame_len(), 0xAB);
        let mut tail = Tail::default();
        for n in 1..=200 {
            let mut before = vec![n; header.frame_len()];
            before[..4].copy_from_slice(&bytes);
            tail.push(header, &before);
        }
        (header, frame, tail)
    }

    #[test]
    fn every_stream_can_be_carried_with_one_frame_of_its_highest_bitrate() {
        for bits in (0xFFE0_0000..=0xFFFF_FFFFu32).step_by(0x40) {
            let Ok(header) = Header::parse(bits.to_be_bytes()) else { continue };
            assert!(area(header.reshaped(14, false)) >= max_back(header), "{header:?}");
            assert!(header.frame_len() >= main_data_at(header), "{header:?}");
        }
    }

    #[test]
    fn the_last_bytes_are_the_tail_and_each_carrier_claims_those_before_it() {
        let (header, frame, tail) = song([0xFF, 0xFA, 0x90, 0x64], 511);
        let mut silence = Silence::beside(header, 0, 0);
        let carriers = Carriers::before(header, &frame, &tail, &mut silence).unwrap();
        assert_eq!(carriers.len(), 2);
        let areas: Vec<&[u8]> = carriers.frames().map(|(h, f)| &f[main_data_at(h)..]).collect();
        let claims: Vec<_> = carriers.frames().map(|(h, f)| main_data_begin(h, f)).collect();
        assert_eq!(claims, [Some(0), Some(areas[0].len())]);
        let free = areas.concat();
        let (zeros, carried) = free.split_at(free.len() - MAX_BACK);
        assert!(zeros.iter().all(|&byte| byte == 0));
        assert_eq!(carried, tail.bytes());
        for (header, frame) in carriers.frames() {
            assert!(!header.has_crc() && header.bitrate() == 128 && is_silent_forgery(frame));
        }
    }

    #[test]
    fn frames_that_hold_too_little_give_way_to_the_smallest_that_hold_enough() {
        // 8 kbit/s at 24 kHz, stereo: 3 bytes are free in a frame; 24 kbit/s: 51; 32: 75; 64: 171.
        let (header, frame, tail) = song([0xFF, 0xF3, 0x14, 0x04], 255);
        let mut silence = Silence::beside(header, 0, 0);
        let carriers = Carriers::before(header, &frame, &tail, &mut silence).unwrap();
        assert!(carriers.frames().all(|(header, _)| header.bitrate() == 24));
        assert_eq!(carriers.len(), 5);
        // 32 kbit/s at 48 kHz, stereo: eight frames hold 480 bytes, and 84 are free at 40.
        for (back, len, bitrate) in [(480, 8, 32), (481, 6, 40), (0, 0, 32)] {
            let (header, frame, tail) = song([0xFF, 0xFB, 0x14, 0x04], back);
            let mut silence = Silence::beside(header, 0, 0);
            let carriers = Carriers::before(header, &frame, &tail, &mut silence).unwrap();
            assert_eq!(carriers.len(), len);
            assert!(carriers.frames().all(|(header, _)| header.bitrate() == bitrate));
        }
    }

    #[test]
    fn a_frame_that_misses_its_tail_cannot_be_carried() {
        let (header, frame, mut tail) = song([0xFF, 0xFB, 0x90, 0x64], 1);
        let mut silence = Silence::beside(header, 0, 0);
        assert!(Carriers::before(header, &frame[..30], &tail, &mut silence).is_none());
        tail.clear();
        assert!(Carriers::before(header, &frame, &tail, &mut silence).is_none());
    }

    #[test]
    fn silence_of_another_stream_lends_no_shapes() {
        let (header, frame, tail) = song([0xFF, 0xFB, 0x90, 0x64], 511);
        for other in [[0xFF, 0xFB, 0x90, 0xC4], [0xFF, 0xFB, 0x94, 0x64], [0xFF, 0xF3, 0x90, 0x64]]
        {
            let mut silence = Silence::beside(Header::parse(other).unwrap(), 0, 0);
            let mut as_before = silence.clone();
            let carriers = Carriers::before(header, &frame, &tail, &mut silence).unwrap();
            assert!(carriers.frames().all(|(made, _)| made.continues(header)));
            assert!(carriers.frames().all(|(made, _)| made.mode() == header.mode()));
            let next = |silence: &mut Silence| (0..50).map(|_| silence.next_shape()).collect();
            let (now, then): (Vec<_>, Vec<_>) = (next(&mut silence), next(&mut as_before));
            assert_eq!(now, then);
        }
    }

    #[test]
    fn a_frame_with_sound_or_crc_is_no_silence() {
        for bytes in [[0xFF, 0xFB, 0x90, 0x64], [0xFF, 0xF3, 0x90, 0x64], [0xFF, 0xE3, 0x40, 0xC4]]
        {
            let (header, frame, _) = song(bytes, 200);
            assert!(!is_silent_forgery(&frame), "side info is not zero");
            let mut silent = frame[..4].to_vec();
            silent.extend(claim(header, 255));
            silent.resize(main_data_at(header), 0);
            silent.resize(header.frame_len(), 0xAB);
            assert!(is_silent_forgery(&silent));
            assert!(!is_silent_forgery(&silent[..silent.len() - 1]));
            for at in 5..main_data_at(header) {
                let mut loud = silent.clone();
                loud[at] ^= if at == 5 { 0x40 } else { 1 };
                assert!(!is_silent_forgery(&loud), "byte {at}");
            }
            silent[1] &= !1;
            assert!(!is_silent_forgery(&silent), "a CRC");
        }
        assert!(!is_silent_forgery(&[]));
    }
}
