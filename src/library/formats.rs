//! The formats in the library: how many songs of which.

use serde::Serialize;

use super::{Library, PLAYABLE};
use crate::db::DbError;

/// Songs of one format, by their first frames. The rate tells the MPEG version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FormatCount {
    /// Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// Songs that can be played.
    pub songs: u64,
}

impl Library {
    /// How many songs can be played of each format, the most frequent first.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn formats(&self) -> Result<Vec<FormatCount>, DbError> {
        let sql = format!(
            "SELECT sample_rate, channels, count(*) FROM songs WHERE {PLAYABLE} \
             GROUP BY sample_rate, channels ORDER BY count(*) DESC, sample_rate DESC, channels DESC"
        );
        self.read(|connection| {
            connection
                .prepare_cached(&sql)?
                .query_map([], |row| {
                    let songs: i64 = row.get(2)?;
                    Ok(FormatCount {
                        sample_rate: row.get(0)?,
                        channels: row.get(1)?,
                        songs: songs.unsigned_abs(),
                    })
                })?
                .collect()
        })
    }
}
