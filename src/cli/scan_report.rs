//! What a scan found, in words: what is wrong with single files first, one summary line last.

use std::fmt::Write;

use super::{
    layout::{count, safe},
    wire::{FormatCount, ScanReport},
};

/// The lines, each with its end.
pub(super) fn text(report: &ScanReport) -> String {
    let mut text = String::new();
    for (file, reason) in &report.unplayable {
        let _ = writeln!(text, "cannot be streamed: {}: {}", safe(file), safe(reason));
    }
    for (root, reason) in &report.roots_left_alone {
        let _ = writeln!(text, "left alone: {}: {}", safe(root), safe(reason));
    }
    for other in &report.other_formats {
        let files = count(other.files, "file");
        let _ = writeln!(
            text,
            "not yet playable: {files} .{}: {}",
            safe(&other.extension),
            safe(&other.reason)
        );
    }
    if report.formats.len() > 1 {
        let formats = report.formats.iter().map(|format| {
            let FormatCount { sample_rate, channels, songs } = *format;
            let sides = if channels == 1 { "mono" } else { "stereo" };
            format!("{} of {sample_rate} Hz {sides}", count(songs, "song"))
        });
        let formats = formats.collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "mixed formats: {formats}; stream.mixed decides on them");
    }
    let _ = write!(text, "{}: {} new", count(report.found, "MP3 file"), report.added);
    for (number, what) in [
        (report.changed, "changed"),
        (report.unchanged, "as before"),
        (report.returned, "back again"),
        (report.vanished, "gone"),
        (report.unplayable.len() as u64, "cannot be streamed"),
    ] {
        if number > 0 {
            let _ = write!(text, ", {number} {what}");
        }
    }
    text.push_str(if report.cancelled { "; stopped before its end\n" } else { "\n" });
    text
}

/// Why not one of the folders could be read; nothing where one was, or where the scan was stopped.
pub(super) fn nothing_read(report: &ScanReport) -> Option<String> {
    if report.found > 0 || report.cancelled || report.roots_left_alone.is_empty() {
        return None;
    }
    let roots = report.roots_left_alone.iter().map(|(root, reason)| {
        let root = if root.is_empty() { "the music folder" } else { root };
        format!("{root} was left alone: {reason}")
    });
    let roots = roots.collect::<Vec<_>>().join("; ");
    Some(format!("{roots}; the library is as before; name a folder with MP3 files"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::wire::OtherFormat;

    #[test]
    fn one_line_where_all_is_well() {
        let report = ScanReport { found: 12, added: 12, ..ScanReport::default() };
        assert_eq!(text(&report), "12 MP3 files: 12 new\n");
        assert_eq!(text(&ScanReport::default()), "0 MP3 files: 0 new\n");
    }

    #[test]
    fn formats_are_told_where_they_are_mixed() {
        let format = |sample_rate, channels, songs| FormatCount { sample_rate, channels, songs };
        let mut formats = vec![format(44_100, 2, 40)];
        let report = ScanReport { formats: formats.clone(), ..ScanReport::default() };
        assert_eq!(text(&report), "0 MP3 files: 0 new\n");
        formats.push(format(22_050, 1, 1));
        assert_eq!(
            text(&ScanReport { formats, ..report }),
            "mixed formats: 40 songs of 44100 Hz stereo, 1 song of 22050 Hz mono; stream.mixed \
             decides on them\n0 MP3 files: 0 new\n"
        );
    }

    #[test]
    fn a_scan_that_read_no_folder_failed() {
        let lost = ("/usb".to_owned(), "it is missing".to_owned());
        let report = ScanReport { roots_left_alone: vec![lost], ..ScanReport::default() };
        assert_eq!(
            nothing_read(&report).unwrap(),
            "/usb was left alone: it is missing; the library is as before; name a folder with MP3 files"
        );
        assert_eq!(nothing_read(&ScanReport { found: 1, ..report.clone() }), None);
        assert_eq!(nothing_read(&ScanReport { cancelled: true, ..report }), None);
    }

    #[test]
    fn every_bad_file_comes_with_its_reason() {
        let report = ScanReport {
            found: 5,
            added: 1,
            unchanged: 3,
            vanished: 2,
            unplayable: vec![("/m/a\n.mp3".into(), "no frames".into())],
            roots_left_alone: vec![("/usb".into(), "it is missing".into())],
            other_formats: vec![OtherFormat {
                extension: "flac".into(),
                files: 1,
                reason: "r".into(),
            }],
            cancelled: true,
            ..ScanReport::default()
        };
        assert_eq!(
            text(&report),
            "cannot be streamed: /m/a .mp3: no frames\n\
             left alone: /usb: it is missing\n\
             not yet playable: 1 file .flac: r\n\
             5 MP3 files: 1 new, 3 as before, 2 gone, 1 cannot be streamed; stopped before its end\n"
        );
    }
}
