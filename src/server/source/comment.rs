//! The comment: artist and title as the header pages of a Vorbis or Opus stream have them.
//!
//! ```text
//! "\x03vorbis" or "OpusTags" | length:4 | vendor | count:4 | length:4 | NAME=value ...
//! ```
//! Lengths are little-endian: the Vorbis comment header specification; RFC 7845 section 5.2.

use super::said::clean;

const MARKS: [&[u8]; 2] = [b"\x03vorbis", b"OpusTags"];
/// Comments that are looked at.
const MAX_COMMENTS: u32 = 100;

/// `Artist - Title`, or what there is of them; nothing where there is none, or where it stands
/// behind more than fits on one page.
pub(super) fn title_of(heading: &[u8]) -> Option<String> {
    let begin = MARKS
        .iter()
        .find_map(|mark| memchr::memmem::find(heading, mark).map(|found| found + mark.len()))?;
    let mut rest = heading.get(begin..)?;
    field(&mut rest)?;
    let count = number(&mut rest)?;
    let (mut artist, mut title) = (None, None);
    for _ in 0..count.min(MAX_COMMENTS) {
        let Some(comment) = field(&mut rest) else { break };
        let Some((name, value)) = std::str::from_utf8(comment).ok().and_then(|c| c.split_once('='))
        else {
            continue;
        };
        if name.eq_ignore_ascii_case("artist") {
            artist.get_or_insert_with(|| clean(value));
        } else if name.eq_ignore_ascii_case("title") {
            title.get_or_insert_with(|| clean(value));
        }
    }
    match (artist, title) {
        (Some(artist), Some(title)) => Some(format!("{artist} - {title}")),
        (one, other) => one.or(other),
    }
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(number(rest)?).ok()?;
    let (field, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heading(mark: &[u8], comments: &[&str]) -> Vec<u8> {
        let mut heading = [b"OggS....", mark].concat();
        let field = |text: &str, heading: &mut Vec<u8>| {
            heading.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            heading.extend(text.bytes());
        };
        field("vendor", &mut heading);
        heading.extend(u32::try_from(comments.len()).unwrap().to_le_bytes());
        comments.iter().for_each(|comment| field(comment, &mut heading));
        heading
    }

    #[test]
    fn artist_and_title_are_found_in_both_codecs() {
        let comments = ["ENCODER=x", "Title=Lied", "artist=Käthe", "ARTIST=other"];
        for mark in MARKS {
            assert_eq!(title_of(&heading(mark, &comments)).as_deref(), Some("Käthe - Lied"));
            assert_eq!(title_of(&heading(mark, &comments[..2])).as_deref(), Some("Lied"));
            assert_eq!(title_of(&heading(mark, &comments[..1])), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = title_of(&[MARKS[1], &bytes].concat());
        }
    }
}
