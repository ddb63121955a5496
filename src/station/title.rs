//! Titles: what listeners read while a song plays.

use crate::song::Song;

/// How a title is made: `{artist}`, `{title}` and `{album}` in the text that the user configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TitleForm {
    form: String,
}

impl TitleForm {
    /// A form such as `{artist} - {title}`.
    #[must_use]
    pub fn new(form: &str) -> Self {
        Self { form: form.to_owned() }
    }

    /// The title of `song`: an empty field drops together with the text between it and the field
    /// before it (or behind it, where it is the first); text before the first field and behind the
    /// last one stays; control characters become spaces.
    #[must_use]
    pub fn title(&self, song: &Song) -> String {
        let lead = next_field(&self.form).map_or("", |(text, ..)| text);
        let mut out = lead.to_owned();
        let mut separator = String::new();
        let mut some_field = false;
        let mut rest = self.form.get(lead.len()..).unwrap_or_default();
        while let Some((text, field, after)) = next_field(rest) {
            separator.push_str(text);
            let value = match field {
                "artist" => song.artist.trim(),
                "album" => song.album.trim(),
                _ => song.title.trim(),
            };
            rest = after;
            if value.is_empty() {
                separator.clear();
                if !some_field {
                    rest = skip_text(rest);
                }
                continue;
            }
            out.push_str(&separator);
            separator.clear();
            out.push_str(value);
            some_field = true;
        }
        if some_field {
            out.push_str(rest);
        } else {
            out = song.title.clone();
        }
        out.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>()
            .trim()
            .to_owned()
    }
}

/// The text before the next field, the field's name, and what follows it.
fn next_field(form: &str) -> Option<(&str, &str, &str)> {
    let names = ["artist", "title", "album"];
    let found = names.iter().filter_map(|name| {
        let at = form.find(&format!("{{{name}}}"))?;
        Some((at, *name))
    });
    let (at, name) = found.min()?;
    Some((form.get(..at)?, name, form.get(at + name.len() + 2..)?))
}

/// What follows the separator that belonged to an empty first field.
fn skip_text(form: &str) -> &str {
    next_field(form).map_or("", |(text, ..)| form.get(text.len()..).unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::ids::SongId;

    fn song(artist: &str, title: &str, album: &str) -> Song {
        Song {
            id: SongId(1),
            path: PathBuf::new(),
            title: title.into(),
            artist: artist.into(),
            album: album.into(),
            duration_seconds: 0.0,
            frames: 0,
            audio_bytes: 0,
            playable: true,
        }
    }

    #[test]
    fn empty_fields_drop_with_their_separator() {
        let form = TitleForm::new("{artist} - {title}");
        assert_eq!(form.title(&song("Mono", "Ashes", "x")), "Mono - Ashes");
        assert_eq!(form.title(&song("", "Ashes", "x")), "Ashes");
        assert_eq!(form.title(&song("Mono", "", "x")), "Mono");
        let form = TitleForm::new("{artist} - {album} - {title} (live)");
        assert_eq!(form.title(&song("A", "T", "")), "A - T (live)");
        assert_eq!(form.title(&song("", "T", "B")), "B - T (live)");
        assert_eq!(form.title(&song("", "T", "")), "T (live)");
    }

    #[test]
    fn text_before_the_first_field_stays_whatever_is_empty() {
        let form = TitleForm::new("On air: {artist} - {title}");
        assert_eq!(form.title(&song("Mono", "Ashes", "")), "On air: Mono - Ashes");
        assert_eq!(form.title(&song("", "Ashes", "")), "On air: Ashes");
        assert_eq!(form.title(&song("Mono", "", "")), "On air: Mono");
        let form = TitleForm::new("Now: {artist} - {album} - {title}");
        assert_eq!(form.title(&song("", "Ashes", "")), "Now: Ashes");
    }

    #[test]
    fn control_characters_become_spaces() {
        let form = TitleForm::new("{title}");
        assert_eq!(form.title(&song("", "a\r\nb\u{7}c", "")), "a  b c");
    }
}
