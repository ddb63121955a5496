//! Metadata blocks: the title as it stands between the audio bytes.
//!
//! ```text
//! L | StreamTitle='Artist - Title'; | NUL ...      1 + 16 x L bytes; L = 0: nothing changed
//! ```
//!
//! Nothing in the protocol escapes an apostrophe: clients cut the title at the first `';`.

/// The longest block without its length byte: 255 units of 16 bytes.
pub const MAX_BLOCK: usize = 255 * UNIT;

/// What a block's length is counted in.
const UNIT: usize = 16;
const OPENING: &[u8] = b"StreamTitle='";
const CLOSING: &[u8] = b"';";

/// Appends one block that carries `title`, or the single byte that says "unchanged" for `None`.
///
/// Control characters become spaces, `';` becomes `' ;`, and a title that is too long is cut at the
/// edge of a character. At least one NUL ends the block, because some clients read it as a C string.
pub fn write_block(title: Option<&str>, out: &mut Vec<u8>) {
    let Some(title) = title else {
        out.push(0);
        return;
    };
    let length_at = out.len();
    out.push(0);
    let block_at = out.len();
    out.extend_from_slice(OPENING);
    write_title(title, MAX_BLOCK - OPENING.len() - CLOSING.len() - 1, out);
    out.extend_from_slice(CLOSING);
    let units = (out.len() - block_at) / UNIT + 1;
    out.resize(block_at + units * UNIT, 0);
    if let Some(length) = out.get_mut(length_at) {
        *length = u8::try_from(units).unwrap_or(u8::MAX);
    }
}

/// Appends the title's characters, made harmless, in at most `room` bytes.
fn write_title(title: &str, room: usize, out: &mut Vec<u8>) {
    let end = out.len() + room;
    let mut encoded = [0; 4];
    for character in title.chars() {
        let character = if character.is_control() { ' ' } else { character };
        let splits = character == ';' && out.last() == Some(&b'\'');
        let text = character.encode_utf8(&mut encoded).as_bytes();
        if out.len() + text.len() + usize::from(splits) > end {
            return;
        }
        if splits {
            out.push(b' ');
        }
        out.extend_from_slice(text);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn block(title: &str) -> Vec<u8> {
        let mut out = Vec::new();
        write_block(Some(title), &mut out);
        out
    }

    /// The title as a client reads it: up to the first `';`.
    fn read(block: &[u8]) -> String {
        let text = String::from_utf8(block[1..].to_vec()).unwrap();
        let text = text.strip_prefix("StreamTitle='").unwrap();
        text[..text.find("';").unwrap()].to_owned()
    }

    #[test]
    fn an_unchanged_title_is_one_zero_byte() {
        let mut out = Vec::new();
        write_block(None, &mut out);
        assert_eq!(out, [0]);
    }

    #[test]
    fn an_empty_title_is_the_block_that_icecast_sends() {
        assert_eq!(block(""), b"\x01StreamTitle='';\0");
    }

    #[test]
    fn sixteen_bytes_of_text_leave_room_for_a_nul() {
        let block = block("A");
        assert_eq!(block[0], 2);
        assert_eq!(block.len(), 33);
        assert_eq!(&block[1..18], b"StreamTitle='A';\0");
    }

    #[test]
    fn a_title_that_would_end_the_text_early_is_made_harmless() {
        assert_eq!(read(&block("Rock 'n';Roll';StreamUrl='x")), "Rock 'n' ;Roll' ;StreamUrl='x");
        assert_eq!(read(&block(";'")), " ;'");
    }

    #[test]
    fn line_ends_and_nul_become_spaces() {
        assert_eq!(read(&block("a\r\nb\0c\u{85}d")), "a  b c d");
    }

    #[test]
    fn a_long_title_is_cut_between_characters() {
        for lead in 0..4 {
            let title = format!("{}{}", "x".repeat(lead), "€𝄞".repeat(2000));
            let block = block(&title);
            assert_eq!(block.len(), 1 + MAX_BLOCK);
            assert_eq!(block[0], 255);
            assert!(title.starts_with(&read(&block)));
            assert!(read(&block).len() > MAX_BLOCK - 24);
        }
    }

    proptest! {
        #[test]
        fn any_title_makes_a_whole_block(title in ".*", repeat in 1_usize..200) {
            let block = block(&title.repeat(repeat));
            prop_assert_eq!(block.len(), 1 + usize::from(block[0]) * UNIT);
            prop_assert_eq!(block.last(), Some(&0));
            let text = String::from_utf8(block[1..].to_vec()).unwrap();
            let text = text.trim_end_matches('\0');
            prop_assert!(!text.contains('\0'));
            prop_assert!(text.ends_with("';"));
            prop_assert_eq!(text.matches("';").count(), 1);
        }
    }
}
