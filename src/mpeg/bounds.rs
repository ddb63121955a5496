//! The bounds of the audio in a file: behind the tags at its start, before the tags at its end.

use std::io::{self, Read, Seek, SeekFrom};

use super::tag::{APE_HEADER, APE_HEADER_LEN, ID3V1, ID3V2_HEADER, Tag, TagKind, ape, id3v2_len};

/// How many tags are taken off each end; a file with more is odd, and the scanner deals with it.
const MAX_TAGS: usize = 64;
/// The bytes before the end that tell the last tag.
const TAIL: usize = 384;
/// Bytes of the enhanced tag before an ID3v1 tag.
const ENHANCED: u64 = 227;
/// The longest Lyrics3 version 1 text with its marks.
const LYRICS1_MAX: usize = 5100 + 20;

/// Where the audio of a file lies, as far as tags tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The first byte behind the tags at the start.
    pub start: u64,
    /// The first byte of the tags at the end.
    pub end: u64,
    /// The tags of both ends, in the order of the file.
    pub tags: Vec<Tag>,
}

impl Bounds {
    /// Looks at both ends of a file. Any bytes will do; a few hundred of them are held at a time.
    ///
    /// # Errors
    /// What reading said.
    pub fn find<R: Read + Seek>(reader: &mut R) -> io::Result<Self> {
        let len = reader.seek(SeekFrom::End(0))?;
        let mut bounds = Self { start: 0, end: len, tags: Vec::new() };
        for _ in 0..MAX_TAGS {
            let Some((kind, len)) = bounds.leading(reader)? else { break };
            bounds.tags.push(Tag { kind, at: bounds.start, len });
            bounds.start += len;
        }
        let leading = bounds.tags.len();
        for _ in 0..MAX_TAGS {
            let Some((kind, len)) = bounds.trailing(reader)? else { break };
            bounds.end -= len;
            bounds.tags.push(Tag { kind, at: bounds.end, len });
        }
        bounds.tags.get_mut(leading..).unwrap_or_default().reverse();
        Ok(bounds)
    }

    fn room(&self) -> u64 {
        self.end - self.start
    }

    fn leading<R: Read + Seek>(&self, reader: &mut R) -> io::Result<Option<(TagKind, u64)>> {
        let mut head = [0; APE_HEADER_LEN];
        let head = read_at(reader, self.start, self.room(), &mut head)?;
        if let Some(ape) = ape(head) {
            let len = if ape.is_header { ape.size + APE_HEADER } else { APE_HEADER };
            return Ok((len <= self.room()).then_some((TagKind::Ape, len)));
        }
        let Some(claim) = id3v2_len(head, *b"ID3") else { return Ok(None) };
        let plain = Some(claim.plain).filter(|&len| len <= self.room());
        let len = match (claim.syncsafe.filter(|&len| len <= self.room()), plain) {
            (Some(syncsafe), Some(plain)) if syncsafe != plain => {
                let wrong = !self.audio_at(reader, syncsafe)? && self.audio_at(reader, plain)?;
                Some(if wrong { plain } else { syncsafe })
            }
            (syncsafe, plain) => syncsafe.or(plain),
        };
        // A tag longer than the file hides nothing: only its header is passed over.
        Ok(Some((TagKind::Id3v2, len.unwrap_or(ID3V2_HEADER))))
    }

    /// Something that may follow a tag stands `behind` bytes from the start: a frame, another
    /// tag, padding, or the end.
    fn audio_at<R: Read + Seek>(&self, reader: &mut R, behind: u64) -> io::Result<bool> {
        let mut head = [0; 8];
        let head = read_at(reader, self.start + behind, self.room() - behind, &mut head)?;
        Ok(match head {
            [] | [0, 0, ..] => true,
            [0xFF, second, ..] => second & 0xE0 == 0xE0,
            _ => head.starts_with(b"ID3") || head.starts_with(b"APETAGEX"),
        })
    }

    fn trailing<R: Read + Seek>(&self, reader: &mut R) -> io::Result<Option<(TagKind, u64)>> {
        let mut tail = [0; TAIL];
        let tail = read_before(reader, self, &mut tail)?;
        let back = |len: u64| {
            let from = tail.len().checked_sub(usize::try_from(len).ok()?)?;
            tail.get(from..)
        };
        let starts = |len: u64, magic: &[u8]| back(len).is_some_and(|b| b.starts_with(magic));
        // An APE tag's own mark holds these three letters.
        if starts(ID3V1, b"TAG") && !starts(ID3V1 + 3, b"APETAGEX") {
            return Ok(Some((TagKind::Id3v1, ID3V1)));
        }
        if starts(ENHANCED, b"TAG+") {
            return Ok(Some((TagKind::Id3v1Enhanced, ENHANCED)));
        }
        if let Some(ape) = back(APE_HEADER).and_then(ape) {
            return Ok(Some((TagKind::Ape, self.ape_len(reader, ape.size, ape.is_header)?)));
        }
        if let Some(claim) = back(ID3V2_HEADER).and_then(|footer| id3v2_len(footer, *b"3DI")) {
            // The footer's flag says that there is one, so header and footer are counted.
            let len = claim.syncsafe.filter(|&len| len <= self.room());
            return Ok(Some((TagKind::Id3v2, len.unwrap_or(ID3V2_HEADER))));
        }
        if let Some(mark) = back(15).filter(|mark| mark.ends_with(b"LYRICS200")) {
            let len = lyrics2_len(mark).filter(|&len| len <= self.room());
            return Ok(Some((TagKind::Lyrics3, len.unwrap_or(15))));
        }
        if back(9) == Some(b"LYRICSEND") {
            return self.lyrics1(reader);
        }
        Ok(None)
    }

    /// The length of the APE tag whose last 32 bytes say `size`; with its header where there is one.
    fn ape_len<R: Read + Seek>(
        &self,
        reader: &mut R,
        size: u64,
        is_header: bool,
    ) -> io::Result<u64> {
        // A header where the footer should be, or a size that cannot be: only these bytes go.
        if is_header || size < APE_HEADER || size > self.room() {
            return Ok(APE_HEADER);
        }
        let with_header = size + APE_HEADER;
        if with_header > self.room() {
            return Ok(size);
        }
        let mut head = [0; APE_HEADER_LEN];
        let head = read_at(reader, self.end - with_header, APE_HEADER, &mut head)?;
        Ok(if ape(head).is_some() { with_header } else { size })
    }

    /// Version 1 tells no length: its first mark is looked for.
    fn lyrics1<R: Read + Seek>(&self, reader: &mut R) -> io::Result<Option<(TagKind, u64)>> {
        let mut text = [0; LYRICS1_MAX];
        let text = read_before(reader, self, &mut text)?;
        let begin = memchr::memmem::rfind(text, b"LYRICSBEGIN");
        Ok(begin.map(|at| (TagKind::Lyrics3, (text.len() - at) as u64)))
    }
}

/// `nnnnnnLYRICS200`: six digits tell the length without themselves and the mark.
fn lyrics2_len(mark: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(mark.get(..6)?).ok()?;
    digits.parse::<u64>().ok().map(|len| len + 15)
}

/// The bytes before the end of `bounds`, as many as there are and as `buffer` holds.
fn read_before<'a, R: Read + Seek>(
    reader: &mut R,
    bounds: &Bounds,
    buffer: &'a mut [u8],
) -> io::Result<&'a [u8]> {
    let len = (buffer.len() as u64).min(bounds.room());
    read_at(reader, bounds.end - len, len, buffer)
}

/// At most `room` bytes from `at` on; fewer where the file is shorter than it said.
fn read_at<'a, R: Read + Seek>(
    reader: &mut R,
    at: u64,
    room: u64,
    buffer: &'a mut [u8],
) -> io::Result<&'a [u8]> {
    reader.seek(SeekFrom::Start(at))?;
    let wanted = usize::try_from(room).map_or(buffer.len(), |room| room.min(buffer.len()));
    let mut filled = 0;
    while let Some(free) = buffer.get_mut(filled..wanted).filter(|free| !free.is_empty()) {
        match reader.read(free) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}
