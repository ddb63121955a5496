//! `stream.title`, checked: its fields are there, and every brace has its other one.

use super::{CheckError, fields::nearest};

/// What stands in braces in `stream.title`.
pub const TITLE_FIELDS: [&str; 3] = ["artist", "title", "album"];

/// What a check says of the fields that there are.
pub(super) const FIELDS_THERE_ARE: &str = "the fields are {artist}, {title} and {album}";

/// Refuses a field that there is not, and a brace that is alone.
pub(super) fn check(form: &str) -> Result<(), CheckError> {
    let mut rest = form;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        let Some(inside) = from.strip_prefix('{') else {
            let name = last_word(before);
            return Err(CheckError::TitleBrace {
                found: format!("{name}}}"),
                nearest: field(name),
            });
        };
        match inside.find(['{', '}']).and_then(|end| inside.split_at_checked(end)) {
            Some((name, after)) if after.starts_with('}') => {
                if !TITLE_FIELDS.contains(&name) {
                    let found = format!("{{{name}}}");
                    return Err(CheckError::TitleField { found, nearest: field(name) });
                }
                rest = after.get(1..).unwrap_or("");
            }
            _ => {
                let name = first_word(inside);
                let found = format!("{{{name}");
                return Err(CheckError::TitleBrace { found, nearest: field(name) });
            }
        }
    }
    Ok(())
}

/// The field that was probably meant, in its braces.
fn field(name: &str) -> String {
    format!("{{{}}}", nearest(name.trim(), TITLE_FIELDS).unwrap_or_default())
}

fn first_word(text: &str) -> &str {
    text.split(|c: char| !is_of_name(c)).next().unwrap_or_default()
}

fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| !is_of_name(c)).next().unwrap_or_default()
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(form: &str) -> String {
        check(form).unwrap_err().to_string()
    }

    #[test]
    fn every_text_with_known_fields_is_a_title() {
        for form in ["{artist} - {title}", "{title}", "", "Live!", "{artist}{album}", "é{title}é"]
        {
            assert_eq!(check(form), Ok(()), "{form}");
        }
    }

    #[test]
    fn a_field_that_there_is_not_is_told_with_the_nearest() {
        assert_eq!(
            said("{artst} - {title"),
            "stream.title has {artst}, which is no field; the nearest is {artist}; \
             the fields are {artist}, {title} and {album}"
        );
        for (form, nearest) in [("{Title}", "{title}"), ("{ album }", "{album}"), ("{}", "{")] {
            assert!(said(form).contains(&format!("the nearest is {nearest}")), "{form}");
        }
    }

    #[test]
    fn a_brace_that_is_alone_is_told_with_what_was_meant() {
        assert_eq!(
            said("{artist} - {title"),
            "stream.title has `{title` with one brace alone; write {title}; \
             the fields are {artist}, {title} and {album}"
        );
        for (form, found, meant) in [
            ("{artist - {title}", "`{artist`", "{artist}"),
            ("{{title}}", "`{`", "{"),
            ("{album} artist} - x", "`artist}`", "{artist}"),
            ("x}", "`x}`", "{"),
            ("{", "`{`", "{"),
            ("ü{", "`{`", "{"),
        ] {
            let said = said(form);
            assert!(said.contains(&format!("has {found} with")), "{form}: {said}");
            assert!(said.contains(&format!("write {meant}")), "{form}: {said}");
        }
    }

    #[test]
    fn the_sentence_names_all_fields() {
        for field in TITLE_FIELDS {
            assert!(FIELDS_THERE_ARE.contains(&format!("{{{field}}}")));
        }
    }
}
