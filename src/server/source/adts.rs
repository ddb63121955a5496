//! AAC from a source client: whole frames with ADTS headers.
//!
//! ```text
//! AAAAAAAA AAAABCCD EEFFFFGH HHIJKLMM MMMMMMMM MMMOOOOO OOOOOOPP     ISO 13818-7 section 6.2
//! A sync   C layer 00   E profile   F rate   H channels   M length with head   P blocks - 1
//! ```

use std::time::Instant;

use super::intake::Unusable;
use crate::{mpeg::StreamTime, relay::Relay};

const HEAD: usize = 7;
/// Bits of the first four bytes that are the same in all frames of a stream.
const FIXED: u32 = 0xFFF6_FDC0;
/// Hz by rate index.
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Samples of a block.
const BLOCK: u64 = 1024;
/// Bytes in a row that are no frame, after which a source is given up.
const MAX_JUNK: usize = 64 * 1024;

/// The frame cutter.
#[derive(Debug, Default)]
pub(super) struct Adts {
    /// Less than two frames, and one read.
    buffer: Vec<u8>,
    /// What the last frame's head has in common with the next one's.
    lock: Option<u32>,
    junk: usize,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    fixed: u32,
    len: usize,
    duration: StreamTime,
}

impl Adts {
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        relay: &Relay,
        now: Instant,
    ) -> Result<(), Unusable> {
        self.buffer.extend_from_slice(bytes);
        self.cut(false, relay, now)
    }

    /// The last frame has no next one behind it.
    pub(super) fn end(&mut self, relay: &Relay, now: Instant) {
        // It ends: that there is nothing more is no fault.
        let _ = self.cut(true, relay, now);
    }

    fn cut(&mut self, is_end: bool, relay: &Relay, now: Instant) -> Result<(), Unusable> {
        let mut at = 0;
        while let Some(rest) = self.buffer.get(at..).filter(|rest| rest.len() >= HEAD) {
            let Some(head) = Head::read(rest) else {
                at += 1;
                self.junk += 1;
                self.lock = None;
                if self.junk > MAX_JUNK {
                    break;
                }
                continue;
            };
            // A frame of the stream that is followed needs no next one to be known.
            let is_known = self.lock == Some(head.fixed);
            if !is_known && !is_end {
                let Some(behind) = rest.get(head.len..).filter(|rest| rest.len() >= HEAD) else {
                    break;
                };
                if Head::read(behind).is_none_or(|next| next.fixed != head.fixed) {
                    at += 1;
                    self.junk += 1;
                    continue;
                }
            }
            let Some(frame) = rest.get(..head.len).filter(|_| is_known || !is_end) else { break };
            relay.push_piece(frame, head.duration, now);
            at += frame.len();
            (self.lock, self.junk) = (Some(head.fixed), 0);
        }
        self.buffer.drain(..at);
        if self.junk > MAX_JUNK {
            Err(Unusable::NotAsSaid("AAC with ADTS headers"))
        } else {
            Ok(())
        }
    }
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, d, e, f, g] = *bytes.first_chunk::<HEAD>()?;
        let first = u32::from_be_bytes([a, b, c, d]);
        if first >> 20 != 0xFFF || first >> 17 & 3 != 0 {
            return None;
        }
        let rate = RATES.get((first >> 10 & 15) as usize)?;
        let len = usize::from(d & 3) << 11 | usize::from(e) << 3 | usize::from(f >> 5);
        let blocks = u64::from(g & 3) + 1;
        let duration = StreamTime::of_samples(BLOCK * blocks, *rate);
        (len > HEAD).then_some(Self { fixed: first & FIXED, len, duration })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::relay::{Read, Spot};

    /// AAC LC, 44.1 kHz, stereo.
    fn frame(len: usize, fill: u8) -> Vec<u8> {
        let [high, low] = u16::try_from(len << 3).unwrap().to_be_bytes();
        // 13 bits of length behind 2 bits of channels, and 11 ones of fullness behind them.
        let mut frame = vec![0xFF, 0xF1, 0x50, 0x80 | high >> 6, high << 2 | low >> 6];
        frame.extend([low << 2 | 0x1F, 0xFC]);
        frame.resize(len, fill);
        frame
    }

    fn heard(relay: &Relay) -> Vec<u8> {
        let (mut heard, mut spot) = (Vec::new(), Spot::at(0));
        while let Read::Taken(_) = spot.read(relay, usize::MAX, |bytes| {
            heard.extend_from_slice(bytes);
            bytes.len()
        }) {}
        heard
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

        #[test]
        fn whole_frames_go_on_and_nothing_else(
            lens in prop::collection::vec(8_usize..2000, 2..20), junk in 0_usize..500, cut in 1_usize..7,
            piece in prop::sample::select(vec![1, 100, 1460, 16_384]),
        ) {
            let (relay, now, mut adts) = (Relay::new(), Instant::now(), Adts::default());
            let frames: Vec<u8> = lens.iter().flat_map(|len| frame(*len, 0x21)).collect();
            let stream = [vec![0x33; junk], frames.clone(), vec![0x33; junk], frames.clone(), frame(50, 1)[..cut].to_vec()];
            for piece in stream.concat().chunks(piece) {
                adts.take(piece, &relay, now).unwrap();
            }
            adts.end(&relay, now);
            prop_assert_eq!(heard(&relay), [frames.clone(), frames].concat());
        }
    }

    #[test]
    fn a_frame_lasts_as_long_as_its_samples() {
        let head = Head::read(&frame(100, 0)).unwrap();
        assert_eq!((head.len, head.duration), (100, StreamTime::of_samples(1024, 44_100)));
    }

    #[test]
    fn what_is_no_aac_is_told() {
        let (relay, now, mut adts) = (Relay::new(), Instant::now(), Adts::default());
        let result = (0..100).try_for_each(|_| adts.take(&[0xFF; 1000], &relay, now));
        assert!(result.is_err());
    }
}
