//! MPEG audio that is recognised only to be named: Layers I and II, and free format.

use super::{
    header::{Header, HeaderError},
    lock::bits_at,
    unplayable::Unplayable,
};

/// kbit/s by index, Layer I of MPEG-1: ISO 11172-3, 2.4.2.3.
const LAYER1_MPEG1: [u32; 15] =
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448];
/// kbit/s by index, Layer I of MPEG-2: ISO 13818-3, 2.4.2.3.
const LAYER1_MPEG2: [u32; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256];
/// kbit/s by index, Layer II of MPEG-1.
const LAYER2_MPEG1: [u32; 15] = [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
/// kbit/s by index, Layers II and III of MPEG-2.
const LAYER2_MPEG2: [u32; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
/// The bits that two frames of one stream share: sync, version, layer, rate.
const FIXED: u32 = 0xFFFE_0C00;
/// The shortest distance between two free format headers that is looked at: bytes.
const FREE_MIN: usize = 24;
/// The longest: 640 kbit/s at 32 kHz with padding.
const FREE_MAX: usize = 2881;

/// How many headers in a row make a free format stream.
const FREE_RUN: usize = 4;

/// Audio of another kind.
pub(super) struct Other {
    /// Its name.
    pub reason: Unplayable,
    /// Bytes of its first frame.
    pub len: usize,
}

/// The frame of another kind that begins at `at`, where a second one (free format: three
/// more) follows at the right distance.
pub(super) fn at(view: &[u8], at: usize, rest: u64) -> Option<Other> {
    let bits = bits_at(view, at)?;
    let (reason, len) = match Header::parse(bits.to_be_bytes()) {
        Err(HeaderError::LayerOne) => (Unplayable::LayerOne, layer_one_len(bits)?),
        Err(HeaderError::LayerTwo) => (Unplayable::LayerTwo, layer_two_len(bits)?),
        Err(HeaderError::FreeFormat) => (Unplayable::FreeFormat, free_len(view, at, bits)?),
        _ => return None,
    };
    let next = at + len;
    let ends = next as u64 == rest;
    let follows = bits_at(view, next).is_some_and(|next| next & FIXED == bits & FIXED);
    (ends || follows).then_some(Other { reason, len })
}

fn is_mpeg1(bits: u32) -> bool {
    bits >> 19 & 3 == 3
}

fn rate(bits: u32) -> Option<u32> {
    let base = *[44_100, 48_000, 32_000].get((bits >> 10 & 3) as usize)?;
    Some(match bits >> 19 & 3 {
        3 => base,
        2 => base / 2,
        _ => base / 4,
    })
}

fn kbit(bits: u32, mpeg1: &[u32; 15], mpeg2: &[u32; 15]) -> Option<u32> {
    let table = if is_mpeg1(bits) { mpeg1 } else { mpeg2 };
    table.get((bits >> 12 & 15) as usize).copied().filter(|&kbit| kbit > 0)
}

/// 384 samples in slots of four bytes: ISO 11172-3, 2.4.3.1.
fn layer_one_len(bits: u32) -> Option<usize> {
    let slots = 12_000 * kbit(bits, &LAYER1_MPEG1, &LAYER1_MPEG2)? / rate(bits)?;
    Some((slots + (bits >> 9 & 1)) as usize * 4)
}

/// 1,152 samples, in MPEG-2 too.
fn layer_two_len(bits: u32) -> Option<usize> {
    let slots = 144_000 * kbit(bits, &LAYER2_MPEG1, &LAYER2_MPEG2)? / rate(bits)?;
    Some((slots + (bits >> 9 & 1)) as usize)
}

/// A free format frame's length is the distance to the next header, give or take the padding; one
/// distance is chance, so more headers must stand where the first two say.
fn free_len(view: &[u8], at: usize, bits: u32) -> Option<usize> {
    const SHARED: u32 = FIXED | 0xF000;
    let same = |at: usize| bits_at(view, at).filter(|next| next & SHARED == bits & SHARED);
    let padding = |bits: u32| (bits >> 9 & 1) as usize;
    (FREE_MIN..=FREE_MAX).find(|&len| {
        let bare = len - padding(bits);
        let mut next = at + len;
        (1..FREE_RUN).all(|_| {
            let here = same(next);
            next += bare + here.map_or(0, padding);
            here.is_some()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_the_other_layers() {
        assert_eq!(layer_one_len(0xFFFE_C804), Some(576), "384 kbit/s at 32 kHz");
        assert_eq!(layer_two_len(0xFFFC_A800), Some(864), "192 kbit/s at 32 kHz");
        assert_eq!(layer_two_len(0xFFF5_C400), Some(768), "128 kbit/s at 24 kHz");
    }

    #[test]
    fn one_header_alone_is_no_evidence() {
        let mut view = vec![0; 2000];
        view[..4].copy_from_slice(&[0xFF, 0xFC, 0xA8, 0x00]);
        assert!(at(&view, 0, 9000).is_none());
        view[864..868].copy_from_slice(&[0xFF, 0xFC, 0xA8, 0x00]);
        assert!(at(&view, 0, 9000).is_some_and(|other| other.reason == Unplayable::LayerTwo));
        assert!(at(&view, 0, 864).is_some(), "it ends with the audio");
    }
}
