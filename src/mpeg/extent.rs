//! The extent of a frame's main data: where it ends, and whether the next frame's begins there.
//!
//! ```text
//! MPEG-1: begin:9 private:5|3 scfsi:4 a channel, then for 2 granules and each channel 59 bits
//! else:   begin:8 private:1|2                    then for 1 granule  and each channel 63 bits
//!         of which the first 12 are part2_3_length, the bits of main data of that part
//! ```
//! ISO 11172-3 and 13818-3, 2.4.1.7.

use super::{
    header::{Header, Version},
    reservoir::{main_data, main_data_at, main_data_begin, max_back, side_info_at},
};

/// Where the main data of a frame ends, for the frame behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Bytes from the end of its main data to the end of its main data area.
    left: usize,
}

impl Extent {
    /// Reads a frame; nothing where it is too short, or claims more main data than it can have.
    #[must_use]
    pub fn of(header: Header, frame: &[u8]) -> Option<Self> {
        let side = frame.get(side_info_at(header)..main_data_at(header))?;
        let channels = usize::from(header.channels());
        let (granules, first, part) = match (header.version(), channels) {
            (Version::Mpeg1, 1) => (2, 9 + 5 + 4, 59),
            (Version::Mpeg1, _) => (2, 9 + 3 + 8, 59),
            (_, 1) => (1, 8 + 1, 63),
            (_, _) => (1, 8 + 2, 63),
        };
        let lengths = (0..granules * channels).map(|index| twelve_bits(side, first + index * part));
        let bits: usize = lengths.sum();
        let held = main_data_begin(header, frame)? + main_data(header, frame).len();
        Some(Self { left: held.checked_sub(bits.div_ceil(8))? })
    }

    /// The main data of `next` begins where this one's ends, as encoders lay it.
    ///
    /// They may leave bytes out between the two, but seldom do. By chance, behind frames that are
    /// missing, it is so once in some hundred times.
    #[must_use]
    pub fn meets(self, header: Header, next: &[u8]) -> bool {
        main_data_begin(header, next) == Some(self.left.min(max_back(header)))
    }
}

/// The twelve bits from bit `at` on.
fn twelve_bits(bytes: &[u8], at: usize) -> usize {
    let byte = |index: usize| usize::from(bytes.get(index).copied().unwrap_or(0));
    let first = at / 8;
    let word = byte(first) << 16 | byte(first + 1) << 8 | byte(first + 2);
    word >> (12 - at % 8) & 0xFFF
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame whose side info holds `begin` and these lengths.
    fn frame(bytes: [u8; 4], begin: usize, lengths: &[usize]) -> (Header, Vec<u8>) {
        let header = Header::parse(bytes).unwrap();
        let mut bits = vec![false; header.side_info_len() * 8];
        let mut put = |at: usize, len: usize, value: usize| {
            (0..len).for_each(|bit| bits[at + bit] = value >> (len - 1 - bit) & 1 == 1);
        };
        let mpeg1 = header.version() == Version::Mpeg1;
        put(0, if mpeg1 { 9 } else { 8 }, begin);
        let (first, part) = match (mpeg1, header.channels()) {
            (true, 1) => (18, 59),
            (true, _) => (20, 59),
            (false, 1) => (9, 63),
            (false, _) => (10, 63),
        };
        for (index, length) in lengths.iter().enumerate() {
            put(first + index * part, 12, *length);
        }
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        let mut frame = bytes.to_vec();
        frame.resize(side_info_at(header), 0);
        frame.extend(bits.chunks(8).map(byte));
        frame.resize(header.frame_len(), 0);
        (header, frame)
    }

    #[test]
    fn the_end_of_the_main_data_is_the_sum_of_its_parts_in_every_layout() {
        for (bytes, parts) in [
            ([0xFF, 0xFB, 0x90, 0x64], 4),
            ([0xFF, 0xFA, 0x90, 0xC4], 2),
            ([0xFF, 0xF3, 0x90, 0x64], 2),
            ([0xFF, 0xE3, 0x40, 0xC4], 1),
        ] {
            let (header, full) = frame(bytes, 100, &vec![101; parts]);
            let area = full.len() - main_data_at(header);
            let left = 100 + area - (101 * parts).div_ceil(8);
            assert_eq!(Extent::of(header, &full), Some(Extent { left }), "{bytes:?}");
            let (_, next) = frame(bytes, left.min(max_back(header)), &[]);
            assert!(Extent { left }.meets(header, &next));
            assert!(!Extent { left: 7 }.meets(header, &next));
        }
    }

    #[test]
    fn a_frame_that_claims_more_than_there_is_has_no_end() {
        let (header, frame) = frame([0xFF, 0xFB, 0x90, 0x64], 0, &[4095; 4]);
        assert_eq!(Extent::of(header, &frame), None);
        assert_eq!(Extent::of(header, &frame[..20]), None);
    }
}
