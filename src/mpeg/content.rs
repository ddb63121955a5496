//! What a file is that is no MP3, by its first bytes, whatever its name says.

use std::io::{self, Read, Seek, SeekFrom};

use super::Unplayable;

/// Marks at the beginning of files: where, which bytes, what it is.
const MARKS: [(usize, &[u8], &str); 12] = [
    (0, b"fLaC", "FLAC"),
    (28, b"OpusHead", "Opus"),
    (0, b"OggS", "Ogg"),
    (8, b"WAVE", "WAV"),
    (8, b"AIFF", "AIFF"),
    (8, b"AIFC", "AIFF"),
    (4, b"ftyp", "MP4 (AAC or ALAC)"),
    (0, b"\x30\x26\xB2\x75\x8E\x66\xCF\x11", "WMA"),
    (0, b"ADIF", "AAC"),
    (0, b"wvpk", "WavPack"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"MPCK", "Musepack"),
];
/// Bytes that tell.
const HEAD: u64 = 64;

/// The reason why a file cannot be streamed, with what it is instead of an MP3 where that is the
/// reason and the first bytes tell.
pub fn reason<R: Read + Seek>(found: Unplayable, reader: &mut R) -> Unplayable {
    match found {
        Unplayable::NoFrames => match name(reader) {
            Ok(Some(is)) => Unplayable::NoMp3 { is },
            _ => Unplayable::NoFrames,
        },
        other => other,
    }
}

/// What the file is, where its first bytes tell.
fn name<R: Read + Seek>(reader: &mut R) -> io::Result<Option<&'static str>> {
    reader.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    reader.take(HEAD).read_to_end(&mut head)?;
    let is = |at: usize, mark: &[u8]| head.get(at..).is_some_and(|from| from.starts_with(mark));
    let known = MARKS.iter().find(|(at, mark, _)| is(*at, mark)).map(|(_, _, name)| *name);
    // ADTS: twelve ones and layer 00, which no MPEG audio has.
    let adts = matches!(head.as_slice(), [0xFF, second, ..] if second & 0xF6 == 0xF0);
    Ok(known.or(adts.then_some("AAC")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn files_are_known_by_their_first_bytes() {
        let ogg = [&b"OggS"[..], &[0; 24], b"OpusHead"].concat();
        for (bytes, is) in [
            (&b"fLaC\0\0"[..], Some("FLAC")),
            (&ogg, Some("Opus")),
            (&ogg[..20], Some("Ogg")),
            (b"RIFF\0\0\0\0WAVEfmt ", Some("WAV")),
            (b"FORM\0\0\0\0AIFFCOMM", Some("AIFF")),
            (b"\0\0\0\x20ftypM4A ", Some("MP4 (AAC or ALAC)")),
            (b"\xFF\xF1\x50\x80", Some("AAC")),
            (b"\xFF\xFB\x90\x64", None),
            (b"text", None),
            (b"", None),
        ] {
            assert_eq!(name(&mut Cursor::new(bytes)).unwrap(), is, "{bytes:?}");
        }
    }
}
