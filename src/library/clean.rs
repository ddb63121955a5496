//! Texts from tags and file names, made fit to be shown and searched.

/// Longer tags are cut: characters.
const MAX_LENGTH: usize = 1024;

/// Control characters and line breaks become spaces, spaces around it go.
pub(super) fn clean(text: &str) -> String {
    let spaced = |c: char| match c {
        '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    let text: String = text.trim_end_matches('\0').chars().take(MAX_LENGTH).map(spaced).collect();
    text.trim().to_owned()
}

/// The form in which texts are compared: lower case, in every alphabet.
pub(crate) fn fold(text: &str) -> String {
    text.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_spaces() {
        assert_eq!(clean(" a\r\nb\tc\u{2028}d\u{0}\0"), "a  b c d");
        assert_eq!(clean("\u{1}"), "");
        assert_eq!(clean(&"x".repeat(5000)).len(), MAX_LENGTH);
    }
}
