//! Arguments behind the question mark, decoded; their text may be in any charset.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::{config::Charset, server::request::percent_decoded};

/// Keys and values in their order; there are as many as a head has room for.
#[derive(Debug, Default)]
pub(super) struct Arguments {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Arguments {
    /// Decodes a query: `+` is a space, `%2B` a plus.
    pub(super) fn of(query: &str) -> Self {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let decoded = |text: &str| percent_decoded(text.replace('+', " ").as_bytes());
        Self { pairs: pairs.map(|(key, value)| (decoded(key), decoded(value))).collect() }
    }

    /// The bytes of the first argument with this key.
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        let found = self.pairs.iter().find(|(found, _)| found == key.as_bytes());
        found.map(|(_, value)| value.as_slice())
    }

    /// The same as UTF-8.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// The title that these say: `song`, or `artist` and `title`, in `charset`, else in the mount's.
    /// Control characters become spaces. Nothing where they say none.
    pub(super) fn song(&self, of_mount: Charset) -> Option<String> {
        let otherwise = (of_mount == Charset::Latin1).then_some(WINDOWS_1252);
        let charset = self.get("charset").map_or(otherwise, Encoding::for_label);
        let text = |key| self.get(key).map(|bytes| clean(&decoded(bytes, charset)));
        if let Some(song) = text("song") {
            return Some(song);
        }
        match (text("artist"), text("title")) {
            (Some(artist), Some(title)) => Some(format!("{artist} - {title}")),
            (artist, title) => artist.or(title),
        }
    }
}

/// Without a charset, or with one that nobody knows: UTF-8 where the bytes are that, else
/// ISO-8859-1. The same where they are said to be UTF-8 and are not.
fn decoded(bytes: &[u8], charset: Option<&'static Encoding>) -> String {
    let charset = charset.unwrap_or(UTF_8);
    if charset == UTF_8 {
        let text = UTF_8.decode_without_bom_handling_and_without_replacement(bytes);
        // Windows-1252 is ISO-8859-1 with letters in place of control characters.
        let text = text.unwrap_or_else(|| WINDOWS_1252.decode_without_bom_handling(bytes).0);
        return text.into_owned();
    }
    charset.decode_without_bom_handling(bytes).0.into_owned()
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn song(query: &str) -> Option<String> {
        Arguments::of(query).song(Charset::Auto)
    }

    #[test]
    fn a_plus_is_a_space_and_an_escaped_plus_is_a_plus() {
        let arguments = Arguments::of("mount=%2Fa%20b&x=1+%2B+1&x=2&empty=&none");
        assert_eq!(arguments.get("mount"), Some(&b"/a b"[..]));
        assert_eq!(arguments.text("x").as_deref(), Some("1 + 1"));
        assert_eq!(arguments.get("empty"), Some(&b""[..]));
        assert_eq!(arguments.get("none"), None);
    }

    #[test]
    fn a_mount_of_utf_8_takes_titles_as_one_that_says_nothing_does() {
        for (title, read) in [("%C3%84", "Ä"), ("%C4", "Ä"), ("%C4%C3%84", "ÄÃ„")] {
            for charset in [Charset::Auto, Charset::Utf8] {
                let title = format!("song={title}");
                assert_eq!(
                    Arguments::of(&title).song(charset).as_deref(),
                    Some(read),
                    "{charset:?}"
                );
            }
        }
        assert_eq!(Arguments::of("song=%C3%84").song(Charset::Latin1).as_deref(), Some("Ã„"));
    }

    #[test]
    fn a_title_comes_in_any_charset() {
        assert_eq!(song("song=%C3%84rger").unwrap(), "Ärger");
        assert_eq!(song("song=%C4rger").unwrap(), "Ärger");
        assert_eq!(song("song=%C3%84&charset=ISO-8859-1").unwrap(), "Ã„");
        assert_eq!(song("song=%C4&charset=UTF-8").unwrap(), "Ä");
        assert_eq!(song("song=%CF%F0%E8&charset=windows-1251").unwrap(), "При");
        assert_eq!(song("song=%83%65%83%58&charset=Shift_JIS").unwrap(), "テス");
        assert_eq!(song("song=%C3%84&charset=nonsense").unwrap(), "Ä");
    }

    #[test]
    fn artist_and_title_are_one_song_and_line_ends_become_spaces() {
        assert_eq!(song("artist=A&title=T").unwrap(), "A - T");
        assert_eq!(song("title=T").unwrap(), "T");
        assert_eq!(song("artist=A").unwrap(), "A");
        assert_eq!(song("song=S&artist=A&title=T").unwrap(), "S");
        assert_eq!(song("song=a%0D%0Ab%00%C2%85c").unwrap(), "a  b  c");
        assert_eq!(song("mode=updinfo"), None);
    }

    proptest! {
        #[test]
        fn any_query_and_charset_give_a_clean_title(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            charset in "[a-zA-Z0-9_-]{0,12}|utf-16|gbk|big5|iso-2022-jp",
        ) {
            let escaped: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
            let song = song(&format!("charset={charset}&song={escaped}")).unwrap();
            prop_assert!(!song.contains(char::is_control));
        }
    }
}
