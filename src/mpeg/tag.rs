//! Tags: the blocks of text and pictures that stand between, before and behind audio frames.

/// What kind of block it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TagKind {
    /// ID3v2, at the start, inside (joined files) or at the end with its footer.
    Id3v2,
    /// ID3v1: the last 128 bytes.
    Id3v1,
    /// The 227 bytes `TAG+` that some programs put before an ID3v1 tag.
    Id3v1Enhanced,
    /// APE version 1 or 2.
    Ape,
    /// Lyrics3 version 1 or 2.
    Lyrics3,
}

impl TagKind {
    /// Its usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Id3v2 => "ID3v2",
            Self::Id3v1 => "ID3v1",
            Self::Id3v1Enhanced => "ID3v1 enhanced",
            Self::Ape => "APE",
            Self::Lyrics3 => "Lyrics3",
        }
    }
}

/// One tag in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    /// What it is.
    pub kind: TagKind,
    /// Where it begins, in bytes from the file's start.
    pub at: u64,
    /// Bytes with header and footer.
    pub len: u64,
}

/// Bytes of an ID3v2 header, and of its footer.
pub(super) const ID3V2_HEADER: u64 = 10;
/// Bytes of an APE header, and of its footer.
pub(super) const APE_HEADER: u64 = 32;
/// The same as a length of memory.
pub(super) const APE_HEADER_LEN: usize = 32;
/// Bytes of an ID3v1 tag.
pub(super) const ID3V1: u64 = 128;

/// What an ID3v2 header says of its tag's length, with header and footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id3v2Len {
    /// As the standard has it: seven bits a byte. Nothing where a byte has its eighth bit set.
    pub syncsafe: Option<u64>,
    /// As some writers have it, against the standard: eight bits a byte.
    pub plain: u64,
}

/// Reads an ID3v2 header (or, with `3DI` in front, a footer); nothing where it is none.
pub(super) fn id3v2_len(bytes: &[u8], magic: [u8; 3]) -> Option<Id3v2Len> {
    let &[a, b, c, version, revision, flags, s0, s1, s2, s3] = bytes.first_chunk()?;
    if [a, b, c] != magic || version == 0xFF || revision == 0xFF || flags & 0x0F != 0 {
        return None;
    }
    let around = ID3V2_HEADER * if flags & 0x10 != 0 { 2 } else { 1 };
    let size = [s0, s1, s2, s3];
    let sum = |bits: u32| size.iter().fold(0u64, |sum, &byte| sum << bits | u64::from(byte));
    let syncsafe = size.iter().all(|byte| byte & 0x80 == 0).then(|| sum(7) + around);
    Some(Id3v2Len { syncsafe, plain: sum(8) + around })
}

/// What an APE header or footer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ape {
    /// Items and footer, without the header: bytes.
    pub size: u64,
    /// These 32 bytes are the header and not the footer.
    pub is_header: bool,
}

/// Reads the 32 bytes of an APE header or footer; nothing where they are none.
pub(super) fn ape(bytes: &[u8]) -> Option<Ape> {
    let rest = bytes.strip_prefix(b"APETAGEX")?;
    let word = |at: usize| {
        let four = rest.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*four))
    };
    rest.get(..24)?;
    let size = u64::from(word(4)?);
    let flags = word(12)?;
    Some(Ape { size, is_header: flags & (1 << 29) != 0 })
}

/// The tag that begins at the start of `view`, with its length, if one does and if it ends within
/// the `rest` bytes that are left: a tag that claims more is not believed.
///
/// `view` holds at least 132 bytes, or all that is left.
pub(super) fn tag_at(view: &[u8], rest: u64) -> Option<(TagKind, u64)> {
    let found = match view.first()? {
        b'I' => (TagKind::Id3v2, id3v2_len(view, *b"ID3")?.syncsafe?),
        b'A' => {
            let ape = ape(view)?;
            (TagKind::Ape, if ape.is_header { ape.size + APE_HEADER } else { APE_HEADER })
        }
        b'T' if view.starts_with(b"TAG") && ends_well(view, rest) => (TagKind::Id3v1, ID3V1),
        _ => return None,
    };
    (found.1 <= rest).then_some(found)
}

/// Three letters are weak evidence of an ID3v1 tag; what comes behind it must be known too.
fn ends_well(view: &[u8], rest: u64) -> bool {
    match view.get(128..) {
        Some([]) => rest == ID3V1,
        Some([0xFF, second, ..]) => second & 0xE0 == 0xE0,
        Some(behind) => behind.starts_with(b"ID3") || behind.starts_with(b"APETAGEX"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id3v2_length_is_syncsafe_and_counts_header_and_footer() {
        let len = id3v2_len(b"ID3\x04\x00\x10\x00\x00\x02\x01", *b"ID3").unwrap();
        assert_eq!(len.syncsafe, Some(257 + 20));
        assert_eq!(len.plain, 513 + 20);
        let bad = id3v2_len(b"ID3\x03\x00\x00\x00\x00\x02\x80", *b"ID3").unwrap();
        assert_eq!(bad, Id3v2Len { syncsafe: None, plain: 640 + 10 });
        assert_eq!(id3v2_len(b"ID3\xFF\x00\x00\x00\x00\x02\x01", *b"ID3"), None);
        assert_eq!(id3v2_len(b"ID3\x03\x00\x00", *b"ID3"), None);
    }

    #[test]
    fn a_tag_that_claims_more_than_there_is_is_not_believed() {
        let header = b"ID3\x04\x00\x00\x00\x00\x02\x01";
        assert_eq!(tag_at(header, 267), Some((TagKind::Id3v2, 267)));
        assert_eq!(tag_at(header, 266), None);
    }

    #[test]
    fn the_letters_tag_alone_are_no_tag() {
        let mut block = [b' '; 132];
        block[..3].copy_from_slice(b"TAG");
        assert_eq!(tag_at(&block, 132), None);
        block[128..130].copy_from_slice(&[0xFF, 0xFB]);
        assert_eq!(tag_at(&block, 132), Some((TagKind::Id3v1, 128)));
        assert_eq!(tag_at(&block[..128], 128), Some((TagKind::Id3v1, 128)));
    }

    #[test]
    fn ape_headers_and_footers_are_told_apart() {
        let mut block =
            *b"APETAGEX\xD0\x07\x00\x00\x64\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\xA0........";
        assert_eq!(tag_at(&block, 1000), Some((TagKind::Ape, 132)));
        block[23] = 0x80;
        assert_eq!(tag_at(&block, 1000), Some((TagKind::Ape, 32)));
        assert_eq!(ape(&block[..31]), None);
    }
}
