//! The forge: MP3 bytes for tests, frame by frame, with tags, Info frames and junk around them.

#![allow(clippy::expect_used, clippy::cast_possible_truncation, reason = "tests may")]

use std::io::Cursor;

use musicdb_stream::mpeg::{FrameSource, Header, Unplayable};

/// The shape of forged frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// 3 MPEG-1, 2 MPEG-2, 0 MPEG-2.5, as in the header.
    pub version: u8,
    /// 1 to 14.
    pub bitrate_index: u8,
    /// 0 to 2.
    pub rate_index: u8,
    /// 0 stereo, 1 joint, 2 dual, 3 mono.
    pub mode: u8,
    /// Two bytes of CRC behind the header.
    pub crc: bool,
    /// One byte more.
    pub padded: bool,
}

impl Default for Shape {
    /// MPEG-1, 128 kbit/s, 44.1 kHz, joint stereo: 417 bytes.
    fn default() -> Self {
        Self { version: 3, bitrate_index: 9, rate_index: 0, mode: 1, crc: false, padded: false }
    }
}

impl Shape {
    /// Every version with every rate: nine streams.
    pub fn streams() -> impl Iterator<Item = Self> {
        [3, 2, 0].into_iter().flat_map(|version| {
            (0..3).map(move |rate_index| Self { version, rate_index, ..Self::default() })
        })
    }

    /// Its header.
    pub fn header(self) -> Header {
        let bits = 0xFFE2_0000
            | u32::from(self.version) << 19
            | u32::from(!self.crc) << 16
            | u32::from(self.bitrate_index) << 12
            | u32::from(self.rate_index) << 10
            | u32::from(self.padded) << 9
            | u32::from(self.mode) << 6;
        Header::parse(bits.to_be_bytes()).expect("a forged header is valid")
    }

    /// Frame number `n`: valid header and length, a payload that tells `n`, has no byte above
    /// 0x7F and so no sync word, and is never all zero. It is no music: decoders complain.
    pub fn frame(self, n: u32) -> Vec<u8> {
        let header = self.header();
        let mut frame = header.to_bytes().to_vec();
        let mut state = n.wrapping_mul(2_654_435_761) | 1;
        while frame.len() < header.frame_len() {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            frame.push((state & 0x3F) as u8 + 0x01);
        }
        for (place, shift) in frame[4..8].iter_mut().zip([21, 14, 7, 0]) {
            *place = ((n >> shift) & 0x7F) as u8;
        }
        frame[8] |= 0x40;
        frame
    }

    /// A frame that is sound MP3 and silent: every byte behind the header is zero.
    pub fn silent_frame(self) -> Vec<u8> {
        let header = Self { crc: false, ..self }.header();
        let mut frame = header.to_bytes().to_vec();
        frame.resize(header.frame_len(), 0);
        frame
    }

    /// An `Info` or `Xing` frame with LAME's delay and padding, as large as it must be.
    pub fn info_frame(self, marker: &[u8; 4], frames: u32, bytes: u32) -> Vec<u8> {
        let mut shape = self;
        let side = self.header().side_info_len();
        while shape.header().frame_len() < 4 + side + 8 + 120 + 24 + 2 && shape.bitrate_index < 14 {
            shape.bitrate_index += 1;
        }
        let header = shape.header();
        let mut frame = header.to_bytes().to_vec();
        frame.resize(4 + side + if self.crc { 2 } else { 0 }, 0);
        frame.extend_from_slice(marker);
        frame.extend(0x0Fu32.to_be_bytes());
        frame.extend(frames.to_be_bytes());
        frame.extend(bytes.to_be_bytes());
        frame.extend([0x11; 104]);
        frame.extend_from_slice(b"LAME3.100\0\0\0\0\0\0\0\0\0\0\0\0");
        frame.extend([0x24, 0x04, 0x50]);
        frame.resize(header.frame_len(), 0);
        frame
    }

    /// A `VBRI` frame.
    pub fn vbri_frame(self, frames: u32, bytes: u32) -> Vec<u8> {
        let mut frame = Self { bitrate_index: 12, ..self }.silent_frame();
        let body = frame.get_mut(36..).expect("long enough");
        body[..10].copy_from_slice(b"VBRI\0\x01\x02\x40\0\x4B");
        body[10..14].copy_from_slice(&bytes.to_be_bytes());
        body[14..18].copy_from_slice(&frames.to_be_bytes());
        frame
    }
}

/// `count` frames one behind the other, numbered from 0, padded so that the bitrate is exact.
pub fn song(shape: Shape, count: u32) -> Vec<u8> {
    frames(shape, count).concat()
}

/// The frames of [`song`] one by one.
pub fn frames(shape: Shape, count: u32) -> Vec<Vec<u8>> {
    let header = shape.header();
    let slots = u64::from(header.samples()) / 8 * u64::from(header.bitrate()) * 1000;
    let rate = u64::from(header.sample_rate());
    let end = |n: u64| slots * n / rate;
    (0..count)
        .map(|n| {
            let len = end(u64::from(n) + 1) - end(u64::from(n));
            let bare = Shape { padded: false, ..shape }.header().frame_len() as u64;
            Shape { padded: len > bare, ..shape }.frame(n)
        })
        .collect()
}

/// An ID3v2 tag of `body` bytes behind its header, filled with `fill`.
pub fn id3v2(body: usize, fill: u8, footer: bool) -> Vec<u8> {
    let mut tag = id3v2_header(b"ID3", body, footer).to_vec();
    tag.resize(10 + body, fill);
    if footer {
        tag.extend(id3v2_header(b"3DI", body, true));
    }
    tag
}

fn id3v2_header(magic: &[u8; 3], body: usize, footer: bool) -> [u8; 10] {
    let byte = |shift: usize| (body >> shift & 0x7F) as u8;
    let flags = if footer { 0x10 } else { 0 };
    let [a, b, c] = *magic;
    [a, b, c, 4, 0, flags, byte(21), byte(14), byte(7), byte(0)]
}

/// An ID3v1 tag.
pub fn id3v1() -> Vec<u8> {
    let mut tag = b"TAG".to_vec();
    tag.resize(128, b' ');
    tag
}

/// The 227 bytes before an ID3v1 tag.
pub fn id3v1_enhanced() -> Vec<u8> {
    let mut tag = b"TAG+".to_vec();
    tag.resize(227, b' ');
    tag
}

/// An APE tag of `body` bytes of items: version 2 with its header, or version 1 without.
pub fn ape(body: usize, with_header: bool) -> Vec<u8> {
    let mark = |flags: u32| {
        let mut mark = b"APETAGEX".to_vec();
        let version: u32 = if with_header { 2000 } else { 1000 };
        for word in [version, body as u32 + 32, 0, flags, 0, 0] {
            mark.extend(word.to_le_bytes());
        }
        mark
    };
    let flags = if with_header { 1 << 31 } else { 0 };
    let mut tag = if with_header { mark(flags | 1 << 29) } else { Vec::new() };
    tag.resize(tag.len() + body, b'a');
    tag.extend(mark(flags));
    tag
}

/// A Lyrics3 version 2 tag.
pub fn lyrics2(body: usize) -> Vec<u8> {
    let mut tag = b"LYRICSBEGIN".to_vec();
    tag.resize(11 + body, b'l');
    let len = tag.len();
    tag.extend(format!("{len:06}LYRICS200").bytes());
    tag
}

/// A Lyrics3 version 1 tag, at most 5,100 bytes of text.
pub fn lyrics1(body: usize) -> Vec<u8> {
    let mut tag = b"LYRICSBEGIN".to_vec();
    tag.resize(11 + body, b'l');
    tag.extend(b"LYRICSEND");
    tag
}

/// Bytes that no frame and no tag can begin in: no 0xFF, no letters.
pub fn junk(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 25) as u8 & 0x3F
        })
        .collect()
}

/// All frames that come out, and the error that ended them.
pub fn frames_of(bytes: &[u8]) -> (Vec<Vec<u8>>, Option<Unplayable>) {
    let mut out = Vec::new();
    let mut source = match FrameSource::open(Cursor::new(bytes)) {
        Ok(source) => source,
        Err(error) => return (out, Some(error)),
    };
    loop {
        match source.next_frame() {
            Ok(Some((header, frame))) => {
                assert_eq!(frame.len(), header.frame_len());
                assert_eq!(frame[..4], header.to_bytes());
                out.push(frame.to_vec());
            }
            Ok(None) => return (out, None),
            Err(error) => return (out, Some(error)),
        }
    }
}
