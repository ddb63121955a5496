//! From what a person types to a song: an id, a file, or words that only one song has.

use std::path::Path;

use super::Library;
use crate::{db::DbError, ids::SongId, song::Song};

/// How many of the songs that match are named in the message.
const NAMED: u64 = 3;

/// Why a text stands for no song.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// No song matches: scan the folder it is in, or search with other words.
    #[error(
        "{text:?} is neither a song's id, nor a file of the library, nor found in title, artist or album"
    )]
    NotFound {
        /// What was typed.
        text: String,
    },
    /// Several songs match: add words, or give the id.
    #[error("{text:?} matches {total} songs, among them {examples}; add words or give the id")]
    Ambiguous {
        /// What was typed.
        text: String,
        /// How many match.
        total: u64,
        /// The first few, with their ids.
        examples: String,
    },
    /// The database could not be read.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl Library {
    /// The one song that `text` stands for: its id, its file, or words that it alone has. A file
    /// outside the library is not found here; [`import`](super::import) takes it in.
    ///
    /// # Errors
    /// None or several match, or the database could not be read.
    pub fn resolve(&self, text: &str) -> Result<Song, ResolveError> {
        if let Ok(id) = text.parse()
            && let Some(song) = self.song(SongId(id))?
        {
            return Ok(song);
        }
        if let Some(song) = self.file(Path::new(text))? {
            return Ok(song);
        }
        if text.trim().is_empty() {
            return Err(ResolveError::NotFound { text: text.to_owned() });
        }
        let (total, songs) = self.search(text, NAMED, 0)?;
        match (total, songs.first()) {
            (1, Some(song)) => Ok(song.clone()),
            (0, _) | (_, None) => Err(ResolveError::NotFound { text: text.to_owned() }),
            _ => {
                let name = |song: &Song| format!("{} ({} - {})", song.id, song.artist, song.title);
                let examples = songs.iter().map(name).collect::<Vec<_>>().join(", ");
                Err(ResolveError::Ambiguous { text: text.to_owned(), total, examples })
            }
        }
    }

    /// The song in a file, under the path as given, made absolute, or with its links resolved.
    fn file(&self, path: &Path) -> Result<Option<Song>, DbError> {
        let ways =
            [Some(path.to_path_buf()), std::path::absolute(path).ok(), path.canonicalize().ok()];
        for way in ways.into_iter().flatten() {
            if let Some(song) = self.find_path(&way)? {
                return Ok(Some(song));
            }
        }
        Ok(None)
    }
}
