//! Text in columns, times, and one JSON document: how answers look on a terminal.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

/// No column but the last is wider than this; longer texts end in `…`.
const WIDEST: usize = 60;

/// Rows under a head, each column as wide as its widest text.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|title| width(title)).collect();
    for row in rows {
        for (cell, most) in row.iter().zip(&mut widths) {
            *most = (*most).max(width(cell).min(WIDEST));
        }
    }
    let head: Vec<String> = head.iter().map(|title| (*title).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&head).chain(rows) {
        let cells = row.iter().zip(&widths).map(|(cell, width)| fit(cell, *width));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Prints one JSON document.
pub(super) fn json(value: &impl Serialize, screen: &mut dyn Write) -> Result<()> {
    // As what it is when the screen failed: a reader that has seen enough is no failure.
    serde_json::to_writer_pretty(&mut *screen, value).map_err(io::Error::from)?;
    Ok(writeln!(screen)?)
}

/// `3:05`, or `1:02:03` from an hour on.
pub(super) fn clock(seconds: f64) -> String {
    // Negative and odd values do not come from songs; the cast makes 0 of them.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let whole = seconds as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// `-6.0 dB` of full scale, or that there is none.
pub(super) fn decibels(value: f64) -> String {
    if value > 0.0 { format!("{:.1} dB", 20.0 * value.log10()) } else { "silence".to_owned() }
}

/// `12 s`, `3 min`, `5 h 2 min`, `2 d 3 h`.
pub(super) fn span(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// `1 song`, `5 songs`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// A text from a file's tags, made safe for a terminal: no control character gets through.
pub(super) fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn fit(text: &str, most: usize) -> String {
    let text = safe(text);
    if width(&text) > most {
        let kept: String = text.chars().take(most.saturating_sub(1)).collect();
        return format!("{kept}…");
    }
    format!("{text:<most$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_are_gone() {
        let rows = [
            vec!["1".to_owned(), "Émile\x1b[2J".to_owned()],
            vec!["10".to_owned(), "B".to_owned()],
        ];
        assert_eq!(table(&["#", "name"], &rows), "#   name\n1   Émile [2J\n10  B\n");
        let long = table(&["name", "x"], &[vec!["a".repeat(80), "y".to_owned()]]);
        assert!(long.contains("…  y"), "{long}");
    }

    #[test]
    fn times_read_as_people_write_them() {
        assert_eq!(clock(185.9), "3:05");
        assert_eq!(clock(3723.0), "1:02:03");
        assert_eq!(clock(f64::NAN), "0:00");
        assert_eq!(span(12), "12 s");
        assert_eq!(span(200), "3 min");
        assert_eq!(span(18_120), "5 h 2 min");
        assert_eq!(span(190_000), "2 d 4 h");
        assert_eq!(count(1, "song"), "1 song");
    }
}
