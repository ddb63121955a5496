//! `serve --demo`: three pieces of this project's own music, in a data directory of their own.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::config::{DataDir, Flags, Places};

/// Made by `tests/demo/make.py`.
const PIECES: [(&str, &[u8]); 3] = [
    ("1-harbour-at-dawn.mp3", include_bytes!("../../config/demo/1-harbour-at-dawn.mp3")),
    ("2-paper-waltz.mp3", include_bytes!("../../config/demo/2-paper-waltz.mp3")),
    ("3-pixel-parade.mp3", include_bytes!("../../config/demo/3-pixel-parade.mp3")),
];

/// Writes the pieces where they are not there yet, and changes the flags so that they are what is
/// played: own data directory (or the one given), own music folder, no minimum length.
pub(super) fn prepare(places: &Places, flags: &mut Flags) -> Result<()> {
    let data = flags.data.clone().unwrap_or_else(|| beside(&places.data));
    // The directory holds passwords: it is made for its owner alone before anything is in it.
    DataDir::open(&data)?;
    let music = data.join("music");
    write_pieces(&music).with_context(|| {
        format!(
            "the demo cannot be written to {}; choose a folder with --data DIR",
            music.display()
        )
    })?;
    flags.data = Some(data);
    flags.music = Some(music);
    flags.min_song_length = Some(0);
    Ok(())
}

fn beside(data: &Path) -> PathBuf {
    let mut name = data.file_name().unwrap_or_default().to_owned();
    name.push("-demo");
    data.with_file_name(name)
}

fn write_pieces(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, bytes) in PIECES {
        let file = folder.join(name);
        if fs::read(&file).is_ok_and(|there| there == bytes) {
            continue;
        }
        // Renamed into place: a running demo never reads half a piece.
        let half = file.with_extension("part");
        fs::write(&half, bytes)?;
        fs::rename(&half, &file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check;

    #[test]
    fn the_demo_has_its_own_directory_and_takes_short_songs() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places { data: folder.path().join("musicdb-stream"), ..Places::default() };
        let mut flags = Flags::default();
        prepare(&places, &mut flags).unwrap();
        assert_eq!(
            flags.data.as_deref(),
            Some(folder.path().join("musicdb-stream-demo").as_path())
        );
        assert_eq!(flags.min_song_length, Some(0));
        let mut given = Flags { data: Some(folder.path().join("x")), ..Flags::default() };
        prepare(&places, &mut given).unwrap();
        assert_eq!(given.music, Some(folder.path().join("x/music")));
    }

    #[test]
    fn pieces_are_written_once_and_mended() {
        let folder = tempfile::tempdir().unwrap();
        write_pieces(folder.path()).unwrap();
        let first = folder.path().join(PIECES[0].0);
        let written = fs::metadata(&first).unwrap().modified().unwrap();
        write_pieces(folder.path()).unwrap();
        assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), written);
        fs::write(&first, "damaged").unwrap();
        write_pieces(folder.path()).unwrap();
        assert_eq!(fs::read(&first).unwrap(), PIECES[0].1);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), PIECES.len());
    }

    #[test]
    fn every_piece_is_whole_short_and_of_one_format() {
        let folder = tempfile::tempdir().unwrap();
        write_pieces(folder.path()).unwrap();
        assert!(PIECES.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() < 400_000);
        for (name, _) in PIECES {
            let report = check::check(&folder.path().join(name)).unwrap();
            assert!((12.0..25.0).contains(&report.duration_seconds), "{name}");
            assert_eq!((report.bitrate.min, report.bitrate.max), (64, 64), "{name}");
            let formats: Vec<_> =
                report.formats.iter().map(|f| (f.sample_rate, f.channels)).collect();
            assert_eq!(formats, [(44_100, 2)], "{name}");
            assert_eq!((report.junk_bytes, report.truncated_tail), (0, 0), "{name}");
        }
    }
}
