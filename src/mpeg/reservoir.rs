//! The bit reservoir: how far a frame's sound points back into the frames before it.
//!
//! ```text
//! header:4 [crc:2] side info:9..32 | main data area of this frame
//!                    ^ main_data_begin (9 bits in MPEG-1, else 8): the sound begins so many
//!                      bytes before the area, counted in the areas of the frames before it
//! ```

use super::header::{Header, Version};

/// The most that a frame of MPEG-1 can point back: bytes.
pub const MAX_BACK: usize = 511;

/// Bytes of a CRC behind the header.
pub(super) const CRC_LEN: usize = 2;

/// Where the side info of a frame begins: 4, or 6 behind a CRC.
#[must_use]
pub fn side_info_at(header: Header) -> usize {
    Header::LEN + if header.has_crc() { CRC_LEN } else { 0 }
}

/// Where the main data area of a frame begins.
#[must_use]
pub fn main_data_at(header: Header) -> usize {
    side_info_at(header) + header.side_info_len()
}

/// The most that a frame of this version can point back: bytes.
#[must_use]
pub fn max_back(header: Header) -> usize {
    if header.version() == Version::Mpeg1 { MAX_BACK } else { 255 }
}

/// How many bytes of main data from before `frame` its sound begins with.
///
/// Nothing where the frame is too short for its own side info: it can hold no sound.
#[must_use]
pub fn main_data_begin(header: Header, frame: &[u8]) -> Option<usize> {
    let side = frame.get(side_info_at(header)..main_data_at(header))?;
    let &[first, second, ..] = side else { return None };
    Some(if header.version() == Version::Mpeg1 {
        usize::from(first) << 1 | usize::from(second >> 7)
    } else {
        usize::from(first)
    })
}

/// The first two bytes of a side info that claims `back` bytes (at most what its
/// version can say) and tells nothing else.
#[must_use]
pub fn claim(header: Header, back: usize) -> [u8; 2] {
    let back = back.min(max_back(header));
    let bits = if header.version() == Version::Mpeg1 { back << 7 } else { back << 8 };
    u16::try_from(bits).unwrap_or(0).to_be_bytes()
}

/// The main data area of a frame; empty where the frame is too short for its side info.
#[must_use]
pub fn main_data(header: Header, frame: &[u8]) -> &[u8] {
    frame.get(main_data_at(header)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: [u8; 4], side: &[u8]) -> (Header, Vec<u8>) {
        let header = Header::parse(bytes).unwrap();
        let mut frame = bytes.to_vec();
        frame.resize(side_info_at(header), 0);
        frame.extend(side);
        frame.resize(header.frame_len(), 0);
        (header, frame)
    }

    #[test]
    fn nine_bits_in_mpeg_1_and_eight_in_the_others() {
        for (bytes, back) in [
            ([0xFF, 0xFB, 0x90, 0x64], 0x1FF),
            ([0xFF, 0xFA, 0x90, 0x64], 0x1FF),
            ([0xFF, 0xF3, 0x90, 0x64], 0xFF),
            ([0xFF, 0xE2, 0x90, 0xC4], 0xFF),
        ] {
            let (header, frame) = frame(bytes, &[0xFF, 0x80]);
            assert_eq!(main_data_begin(header, &frame), Some(back));
            assert_eq!(max_back(header), back);
            assert_eq!(main_data_begin(header, &frame[..7]), None);
        }
        let (header, frame) = frame([0xFF, 0xFB, 0x90, 0x64], &[0x12, 0x7F]);
        assert_eq!(main_data_begin(header, &frame), Some(0x24));
    }
}
