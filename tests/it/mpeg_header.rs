//! The header tables against every code there is.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "tests may")]

use std::io::Cursor;

use musicdb_stream::mpeg::{FrameSource, Header, HeaderError, Version};

use crate::support::mp3::{self, Shape};

const BITRATES: [[u16; 14]; 2] = [
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
const RATES: [[u32; 3]; 3] =
    [[44_100, 48_000, 32_000], [22_050, 24_000, 16_000], [11_025, 12_000, 8_000]];

#[test]
fn item_15_every_header_code_has_a_value_or_an_error() {
    for bits in 0..=0xFFFFu32 {
        for low in [0x00, 0x40, 0x80, 0xC4, 0xFF] {
            check((0xFFE0_0000 | bits << 5 & 0x1F_FF00 | low).to_be_bytes());
            check((bits << 16 | 0x9000 | low).to_be_bytes());
        }
    }
}

fn check(bytes: [u8; 4]) {
    let bits = u32::from_be_bytes(bytes);
    let (version, layer) = (bits >> 19 & 3, bits >> 17 & 3);
    let (bitrate, rate) = ((bits >> 12 & 15) as usize, (bits >> 10 & 3) as usize);
    let found = Header::parse(bytes);
    let error = if bits >> 21 != 0x7FF {
        HeaderError::NoSync
    } else if version == 1 {
        HeaderError::ReservedVersion
    } else if layer == 0 {
        HeaderError::ReservedLayer
    } else if layer > 1 && bitrate != 15 && rate != 3 {
        if layer == 3 { HeaderError::LayerOne } else { HeaderError::LayerTwo }
    } else if bitrate == 15 {
        HeaderError::BadBitrate
    } else if rate == 3 {
        HeaderError::ReservedRate
    } else if bitrate == 0 {
        HeaderError::FreeFormat
    } else {
        let header = found.unwrap();
        let (row, name) = match version {
            3 => (0, Version::Mpeg1),
            2 => (1, Version::Mpeg2),
            _ => (2, Version::Mpeg25),
        };
        assert_eq!(header.version(), name);
        assert_eq!(header.sample_rate(), RATES[row][rate]);
        assert_eq!(header.bitrate(), BITRATES[row.min(1)][bitrate - 1]);
        assert_eq!(header.samples(), if row == 0 { 1152 } else { 576 });
        assert_eq!(header.is_padded(), bits & 0x200 != 0);
        assert_eq!(header.has_crc(), bits & 0x1_0000 == 0);
        assert_eq!(header.channels(), if bits & 0xC0 == 0xC0 { 1 } else { 2 });
        let exact = u64::from(header.samples()) * u64::from(header.bitrate()) * 125;
        let len = exact / u64::from(header.sample_rate()) + u64::from(header.is_padded());
        assert_eq!(header.frame_len() as u64, len);
        assert!(header.frame_len() <= Header::MAX_FRAME_LEN);
        assert_eq!(header.to_bytes(), bytes);
        return;
    };
    assert_eq!(found, Err(error), "{bytes:02X?}");
}

#[test]
fn item_15_frame_lengths_and_times_of_known_headers() {
    for (bytes, len) in [
        ([0xFF, 0xFB, 0xE0, 0x00], 1044),
        ([0xFF, 0xFB, 0x92, 0x00], 418),
        ([0xFF, 0xF3, 0x90, 0x00], 261),
    ] {
        let header = Header::parse(bytes).unwrap();
        assert_eq!(header.frame_len(), len);
        assert_eq!(header.duration().as_duration().as_nanos(), 26_122_448);
    }
}

#[test]
fn item_15_tags_and_the_xing_frame_are_skipped_and_garbage_is_resynced() {
    let frames = mp3::frames(Shape::default(), 20);
    let bytes = [
        mp3::id3v2(5000, 0xFF, false),
        Shape::default().info_frame(b"Xing", 20, 8359),
        frames[..10].concat(),
        mp3::junk(1000, 9),
        frames[10..].concat(),
        mp3::id3v1(),
    ]
    .concat();
    let mut source = FrameSource::open(Cursor::new(bytes)).unwrap();
    for frame in &frames {
        assert_eq!(source.next_frame().unwrap().unwrap().1, frame);
    }
    assert_eq!(source.next_frame(), Ok(None));
}
