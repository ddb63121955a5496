//! Which song is meant: a library id, a file, or words that one song alone has.

use std::{ffi::OsStr, io::Write, path::Path};

use anyhow::{Result, bail};

use super::{
    desk::{Desk, is_refused},
    setting::absolute,
    songs::list,
    wire::Position,
};
use crate::ids::{EntryId, SongId};

/// So many songs are listed where words stand for several.
const CANDIDATES: u64 = 20;

/// Puts the song that a text stands for into the queue. Where several are meant, they are listed.
pub(super) fn add(
    text: &OsStr,
    position: Position,
    desk: &dyn Desk,
    screen: &mut dyn Write,
) -> Result<EntryId> {
    if let Some(Ok(id)) = text.to_str().map(str::parse) {
        match desk.add(SongId(id), position) {
            // A number may be a title, too.
            Err(error) if is_refused(&error, "unknown_song") => {}
            outcome => return outcome,
        }
    }
    let file = Path::new(text);
    let song = if file.is_file() {
        desk.import(&absolute(file)?)?
    } else {
        search(&text.to_string_lossy(), desk, screen)?
    };
    desk.add(song, position)
}

fn search(text: &str, desk: &dyn Desk, screen: &mut dyn Write) -> Result<SongId> {
    if text.trim().is_empty() {
        bail!("an empty text stands for no song; give an id, a file, or words of its title");
    }
    let found = desk.songs(text, CANDIDATES, 0)?;
    match (found.total, found.songs.first()) {
        (1, Some(song)) => Ok(song.id),
        (0, _) | (_, None) => bail!(
            "{text:?} is no song's id, no file, and not found in title, artist or album; try other words"
        ),
        (total, _) => {
            screen.write_all(list(&found.songs).as_bytes())?;
            bail!("{text:?} stands for {total} songs; add words, or give the id of one")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::desk::tests::FakeDesk;

    fn add_to(desk: &FakeDesk, text: &str) -> Result<String, (String, String)> {
        let mut screen = Vec::new();
        let outcome = add(text.as_ref(), Position::Last, desk, &mut screen);
        match outcome {
            Ok(_) => Ok(desk.titles().pop().unwrap()),
            Err(error) => Err((error.to_string(), String::from_utf8(screen).unwrap())),
        }
    }

    #[test]
    fn a_song_is_an_id_or_words_that_it_alone_has() {
        let desk = FakeDesk::playing(&[]);
        assert_eq!(add_to(&desk, "2").unwrap(), "Blue Sky");
        assert_eq!(add_to(&desk, "blue sea").unwrap(), "Blue Sea");
        let (error, _) = add_to(&desk, "99").unwrap_err();
        assert!(error.contains("\"99\" is no song's id, no file"), "{error}");
        let (error, _) = add_to(&desk, " ").unwrap_err();
        assert!(error.contains("empty text"), "{error}");
    }

    #[test]
    fn words_that_stand_for_several_songs_list_them() {
        let (error, screen) = add_to(&FakeDesk::playing(&[]), "blue").unwrap_err();
        assert!(error.contains("stands for 2 songs"), "{error}");
        assert!(
            screen.contains("1   Ann     Blue Sea") && screen.contains("2   Ann     Blue Sky"),
            "{screen}"
        );
    }

    #[test]
    fn a_file_is_taken_into_the_library_by_its_whole_path() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let desk = FakeDesk::playing(&[]);
        assert_eq!(add_to(&desk, file.path().to_str().unwrap()).unwrap(), "New");
        assert_eq!(*desk.imported.borrow(), [file.path()]);
    }
}
