//! Percent-encoding: text as it stands in a path or a query of a URL.

use std::fmt::Write as _;

/// Encodes all of UTF-8 `text` but the unreserved characters of RFC 3986 section 2.3.
///
/// A space becomes `%20` and never `+`: both are read back as a space, but `+` only in a query.
#[must_use]
pub fn encode(text: &str) -> String {
    encode_but(text, &[])
}

/// As [`encode`], and keeps `/`.
#[must_use]
pub fn encode_path(path: &str) -> String {
    encode_but(path, b"/")
}

fn encode_but(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing into a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// What stands in a form's field or a query's value: `+` is a space, `%41` an `A`. What is no escape
/// stays as it is, and what is no UTF-8 becomes U+FFFD.
#[must_use]
pub fn decode_form(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match value.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                decoded.push(value);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(if byte == b'+' { b' ' } else { byte });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// The longest start of `text` that takes at most `most` bytes once encoded, cut between
/// characters.
#[must_use]
pub fn clip(text: &str, most: usize) -> &str {
    let mut length = 0;
    for (at, character) in text.char_indices() {
        let mut buffer = [0; 4];
        length += encode(character.encode_utf8(&mut buffer)).len();
        if length > most {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_means_something_in_a_query_is_encoded() {
        assert_eq!(encode("A & B = 100% + #1?"), "A%20%26%20B%20%3D%20100%25%20%2B%20%231%3F");
        assert_eq!(encode("Käßé"), "K%C3%A4%C3%9F%C3%A9");
        assert_eq!(encode("音楽"), "%E9%9F%B3%E6%A5%BD");
        assert_eq!(encode("a\r\nb"), "a%0D%0Ab");
        assert_eq!(encode_path("/a b/c?"), "/a%20b/c%3F");
    }

    #[test]
    fn a_forms_field_is_read_back() {
        for text in ["A & B = 100% + #1?", "Käßé", "音楽", ""] {
            assert_eq!(decode_form(&encode(text)), text);
        }
        assert_eq!(decode_form("a+b%2B%zz%4%+1%FF"), "a b+%zz%4% 1\u{FFFD}");
    }

    #[test]
    fn clipping_never_cuts_a_character() {
        assert_eq!(clip("aä音", 100), "aä音");
        assert_eq!(clip("aä音", 15), "aä");
        assert_eq!(clip("aä音", 6), "a");
        assert_eq!(clip("aä音", 0), "");
    }
}
