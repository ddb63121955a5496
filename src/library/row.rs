//! A song as the database holds it.

use rusqlite::Row;

use crate::{db::path_from_bytes, ids::SongId, mpeg::StreamTime, song::Song};

/// The columns that [`song_from_row`] reads, of the table `songs` under the name `s`.
pub(crate) const SONG_COLUMNS: &str = "s.id, s.path, s.title, s.artist, s.album, s.duration, \
     s.frames, s.audio_bytes, s.unplayable_reason IS NULL AND s.vanished_at IS NULL";

/// Reads [`SONG_COLUMNS`], of which the first is column `at`.
pub(crate) fn song_from_row(row: &Row<'_>, at: usize) -> rusqlite::Result<Song> {
    Ok(Song {
        id: SongId(row.get(at)?),
        path: path_from_bytes(row.get(at + 1)?),
        title: row.get(at + 2)?,
        artist: row.get(at + 3)?,
        album: row.get(at + 4)?,
        duration_seconds: StreamTime::from_units(unsigned(row, at + 5)?).as_seconds(),
        frames: unsigned(row, at + 6)?,
        audio_bytes: unsigned(row, at + 7)?,
        playable: row.get(at + 8)?,
    })
}

fn unsigned(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(at)?;
    u64::try_from(value).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(at, value))
}
