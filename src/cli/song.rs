//! Which song is meant: a library id, a file, or words that one song alone has.

use std::{io::Write, path::Path};

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
    text: &str,
    position: Position,
    desk: &dyn Desk,
    screen: &mut dyn Write,
) -> Result<EntryId> {
    if let Ok(id) = text.parse() {
        match desk.add(SongId(id), position) {
            // A number may be a title, too.
            Err(error) if is_refused(&error, "unknown_song") => {}
            outcome => return outcome,
        }
    }
    let file = Path::new(text);
    let song =
        if file.is_file() { desk.import(&absolute(file)?)? } else { search(text, desk, screen)? };
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
