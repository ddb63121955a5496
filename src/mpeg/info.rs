//! The Xing, Info or VBRI frame: counts for players, no sound, so it never leaves the program.

use super::header::Header;

/// Which program family wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InfoKind {
    /// `Xing`: a variable bitrate file.
    Xing,
    /// `Info`: the same layout in a file of constant bitrate.
    Info,
    /// `VBRI`: Fraunhofer's encoder.
    Vbri,
}

/// What the frame claims; counts are claims of the encoder and are never relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InfoFrame {
    /// Its family.
    pub kind: InfoKind,
    /// Audio frames, without this one.
    pub frames: Option<u32>,
    /// Audio bytes, with this frame.
    pub bytes: Option<u32>,
    /// Samples that the encoder put before the sound.
    pub delay: Option<u16>,
    /// Samples that the encoder put behind the sound.
    pub padding: Option<u16>,
    /// The encoder's name and version, as it signs: at most nine characters.
    pub encoder: Option<String>,
}

/// VBRI stands behind 32 bytes of side info, whatever the channel mode says.
const VBRI_AT: usize = 36;
const CRC_LEN: usize = 2;

impl InfoFrame {
    /// Reads a frame that may be one; nothing where it is audio.
    #[must_use]
    pub fn read(header: Header, frame: &[u8]) -> Option<Self> {
        let (kind, at) = find(header, frame)?;
        let body = frame.get(at + 4..)?;
        Some(if kind == InfoKind::Vbri { vbri(body) } else { xing(kind, body) })
    }

    /// The frame is one, judged by its marker alone: enough for the first frame of a file.
    #[must_use]
    pub fn marks(header: Header, frame: &[u8]) -> bool {
        find(header, frame).is_some()
    }

    /// The frame has the marker and no sound: demanded inside a file, where another file was
    /// joined on, so that no audio frame is ever taken for one.
    #[must_use]
    pub fn marks_silent(header: Header, frame: &[u8]) -> bool {
        let side = Header::LEN + crc_len(header);
        let zero = frame.get(side..side + header.side_info_len());
        zero.is_some_and(|bytes| bytes.iter().all(|&byte| byte == 0)) && Self::marks(header, frame)
    }
}

fn crc_len(header: Header) -> usize {
    if header.has_crc() { CRC_LEN } else { 0 }
}

/// The marker's kind and place. Encoders disagree on whether a CRC moves it, so both are tried.
fn find(header: Header, frame: &[u8]) -> Option<(InfoKind, usize)> {
    let plain = Header::LEN + header.side_info_len();
    let crc = crc_len(header);
    let is = |at: usize, marker: &[u8]| frame.get(at..).is_some_and(|b| b.starts_with(marker));
    for (kind, marker, base) in [
        (InfoKind::Xing, b"Xing", plain),
        (InfoKind::Info, b"Info", plain),
        (InfoKind::Vbri, b"VBRI", VBRI_AT),
    ] {
        if let Some(at) = [base, base + crc].into_iter().find(|&at| is(at, marker)) {
            return Some((kind, at));
        }
    }
    None
}

/// ```text
/// flags:4  [frames:4]  [bytes:4]  [toc:100]  [quality:4]  encoder:9  ..12  delay:12 padding:12
/// ```
fn xing(kind: InfoKind, body: &[u8]) -> InfoFrame {
    let mut at = 4;
    let flags = word(body, 0).unwrap_or(0);
    let mut field = |bit: u32, len: usize| {
        let present = flags & bit != 0;
        let value = if present { word(body, at) } else { None };
        at += if present { len } else { 0 };
        value
    };
    let frames = field(1, 4);
    let bytes = field(2, 4);
    field(4, 100);
    field(8, 4);
    let lame = body.get(at..).unwrap_or_default();
    let encoder = lame.get(..9).and_then(name);
    let trim = match (&encoder, lame.get(21..24)) {
        (Some(_), Some(&[a, b, c])) => {
            Some((u16::from(a) << 4 | u16::from(b) >> 4, u16::from(b & 0x0F) << 8 | u16::from(c)))
        }
        _ => None,
    };
    InfoFrame {
        kind,
        frames,
        bytes,
        delay: trim.map(|(delay, _)| delay),
        padding: trim.map(|(_, padding)| padding),
        encoder,
    }
}

/// ```text
/// version:2  delay:2  quality:2  bytes:4  frames:4
/// ```
fn vbri(body: &[u8]) -> InfoFrame {
    let delay = body.get(2..4).and_then(|two| two.first_chunk().copied()).map(u16::from_be_bytes);
    InfoFrame {
        kind: InfoKind::Vbri,
        frames: word(body, 10),
        bytes: word(body, 6),
        delay,
        padding: None,
        encoder: None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_be_bytes(*four))
}

/// An encoder's signature: printable, beginning with a letter; anything else is audio or nothing.
fn name(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    let text = std::str::from_utf8(bytes.get(..end)?).ok()?.trim_end();
    let printable = text.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    let signed = text.len() >= 4 && text.starts_with(|c: char| c.is_ascii_alphabetic());
    (printable && signed).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(bytes: [u8; 4], at: usize, body: &[u8]) -> (Header, Vec<u8>) {
        let header = Header::parse(bytes).unwrap();
        let mut frame = vec![0; header.frame_len()];
        frame[..4].copy_from_slice(&bytes);
        frame[at..at + body.len()].copy_from_slice(body);
        (header, frame)
    }

    fn lame() -> Vec<u8> {
        let mut body = b"Info\x00\x00\x00\x0F".to_vec();
        body.extend(1234u32.to_be_bytes());
        body.extend(567_890u32.to_be_bytes());
        body.extend([7; 104]);
        body.extend(b"LAME3.100");
        body.extend([0; 12]);
        body.extend([0x24, 0x03, 0xE8]);
        body
    }

    #[test]
    fn lame_tells_its_delay_and_padding() {
        let (header, frame) = frame([0xFF, 0xFB, 0x90, 0x64], 36, &lame());
        let info = InfoFrame::read(header, &frame).unwrap();
        assert_eq!((info.frames, info.bytes), (Some(1234), Some(567_890)));
        assert_eq!((info.delay, info.padding), (Some(576), Some(1000)));
        assert_eq!(info.encoder.as_deref(), Some("LAME3.100"));
        assert!(InfoFrame::marks_silent(header, &frame));
    }

    #[test]
    fn a_crc_may_move_the_marker_or_not() {
        for at in [36, 38] {
            let (header, frame) = frame([0xFF, 0xFA, 0x90, 0x64], at, &lame());
            assert_eq!(InfoFrame::read(header, &frame).unwrap().frames, Some(1234), "{at}");
        }
    }

    #[test]
    fn every_side_info_length_has_its_place() {
        for (bytes, at) in [
            ([0xFF, 0xFB, 0x90, 0xC0], 21),
            ([0xFF, 0xF3, 0x90, 0x00], 21),
            ([0xFF, 0xF3, 0x90, 0xC0], 13),
        ] {
            let (header, frame) = frame(bytes, at, b"Xing\0\0\0\0");
            let info = InfoFrame::read(header, &frame).unwrap();
            assert_eq!((info.kind, info.frames, info.encoder), (InfoKind::Xing, None, None));
        }
    }

    #[test]
    fn vbri_is_read_and_sound_is_not_taken_for_it() {
        let body = b"VBRI\x00\x01\x09\x31\x00\x4B\x00\x00\x10\x00\x00\x00\x00\x2A";
        let (header, mut frame) = frame([0xFF, 0xFB, 0x90, 0x64], 36, body);
        let info = InfoFrame::read(header, &frame).unwrap();
        assert_eq!((info.kind, info.frames, info.bytes), (InfoKind::Vbri, Some(42), Some(4096)));
        assert_eq!(info.delay, Some(0x0931));
        frame[20] = 1;
        assert!(InfoFrame::marks(header, &frame) && !InfoFrame::marks_silent(header, &frame));
    }
}
