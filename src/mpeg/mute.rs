//! Muting: a frame keeps its length and its main data and loses its sound.
//!
//! A song may begin with frames whose sound points back to before the file. A decoder would make
//! noise of whatever it holds instead; muted, they are silent, and the frames after them still
//! find the main data that they point back to.

use super::{
    header::Header,
    reservoir::{claim, main_data_at, side_info_at},
};

/// Zeroes the side info of a whole frame and makes its CRC anew.
///
/// `back` is how far the muted frame itself claims main data before it (at most what its version
/// can say): decoders throw away what the next frame does not claim, so where several frames in a
/// row are muted, each must claim what those before it brought. Zero claims nothing.
///
/// Says whether it was done: not where `frame` is too short to have side info.
pub fn mute(header: Header, frame: &mut [u8], back: usize) -> bool {
    let (side_at, data_at) = (side_info_at(header), main_data_at(header));
    let Some(side) = frame.get_mut(side_at..data_at) else { return false };
    side.fill(0);
    if let Some(begin) = side.first_chunk_mut() {
        *begin = claim(header, back);
    }
    if header.has_crc()
        && let Some(crc) = crc(header, frame)
        && let Some(place) = frame.get_mut(Header::LEN..side_at)
    {
        place.copy_from_slice(&crc.to_be_bytes());
    }
    true
}

/// The CRC-16 of a frame: over the second half of the header and the side info, ISO 11172-3
/// 2.4.3.1 with the polynomial of its annex B (0x8005, begun with ones).
#[must_use]
pub fn crc(header: Header, frame: &[u8]) -> Option<u16> {
    let side = frame.get(side_info_at(header)..main_data_at(header))?;
    let head = frame.get(2..Header::LEN)?;
    let byte = |crc: u16, byte: &u8| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            crc << 1 ^ if crc & 0x8000 != 0 { 0x8005 } else { 0 }
        })
    };
    Some(head.iter().chain(side).fold(0xFFFF, byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mpeg::reservoir::{main_data_begin, max_back};

    #[test]
    fn the_crc_is_the_one_that_an_encoder_wrote() {
        const FRAME: [u8; 23] = [
            0xFF, 0xFA, 0x52, 0xC4, 0x7A, 0x09, 0x04, 0x83, 0x0A, 0x60, 0x21, 0x10, 0xBD, 0xF1,
            0x00, 0x01, 0x3B, 0x84, 0xA1, 0x85, 0xCF, 0xEC, 0x48,
        ];
        let header = Header::parse([0xFF, 0xFA, 0x52, 0xC4]).unwrap();
        assert_eq!(crc(header, &FRAME), Some(0x7A09));
    }

    #[test]
    fn a_muted_frame_keeps_its_length_and_main_data_and_its_crc_is_right() {
        for bytes in [[0xFF, 0xFA, 0x90, 0x64], [0xFF, 0xF3, 0x90, 0xC4], [0xFF, 0xE2, 0x40, 0xC4]]
        {
            let header = Header::parse(bytes).unwrap();
            let mut frame = bytes.to_vec();
            frame.resize(header.frame_len(), 0xAB);
            let before = frame.clone();
            assert!(mute(header, &mut frame, 300));
            let data = main_data_at(header);
            assert_eq!(frame[data..], before[data..]);
            assert_eq!(frame[..4], before[..4]);
            assert_eq!(main_data_begin(header, &frame), Some(max_back(header).min(300)));
            assert!(frame[side_info_at(header) + 2..data].iter().all(|&byte| byte == 0));
            if header.has_crc() {
                assert_eq!(frame[4..6], crc(header, &frame).unwrap().to_be_bytes());
            }
        }
    }

    #[test]
    fn a_frame_too_short_for_side_info_is_left_alone() {
        let header = Header::parse([0xFF, 0xF2, 0x10, 0x04]).unwrap();
        assert!(!mute(header, &mut [0xFF, 0xF2, 0x10, 0x04, 0, 0, 1, 2], 0));
    }
}
