//! The reading side of the library: a song by id, by path, by search; what was played.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, Row, ToSql, params_from_iter};

use super::{PLAYABLE, Played, SONG_COLUMNS, fold, song_from_row};
use crate::{
    db::{Database, DbError, path_from_bytes, path_to_bytes},
    ids::{EntryId, SongId},
    song::Song,
};

/// Words of a search text that count; the rest is ignored.
const MAX_WORDS: usize = 16;

/// What is in the library. Clones share one read-only connection; nothing here waits for the keeper.
#[derive(Debug, Clone)]
pub struct Library {
    database: Database,
    reader: Arc<Mutex<Connection>>,
}

impl Library {
    /// The library in this database.
    ///
    /// # Errors
    /// The database cannot be opened any more.
    pub fn open(database: &Database) -> Result<Self, DbError> {
        let reader = Arc::new(Mutex::new(database.reader()?));
        Ok(Self { database: database.clone(), reader })
    }

    /// A song by its id, playable or not; nothing where there is none.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn song(&self, id: SongId) -> Result<Option<Song>, DbError> {
        self.one("s.id = ?1", &id.0)
    }

    /// The song in this file; the path must be written as it was found by the scan.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn find_path(&self, path: &Path) -> Result<Option<Song>, DbError> {
        self.one("s.path = ?1", &path_to_bytes(path))
    }

    /// The songs that have every word of `text` in title, artist or album, whatever the case, in the
    /// order of artist, album, disc, track, title: how many there are, and those from `offset` on.
    /// An empty text finds all. Songs that cannot be played are among them, and say so.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn search(&self, text: &str, limit: u64, offset: u64) -> Result<(u64, Vec<Song>), DbError> {
        let words: Vec<String> = text.split_whitespace().take(MAX_WORDS).map(fold).collect();
        let mut condition = String::from("1");
        for index in 1..=words.len() {
            condition.push_str(&format!(" AND instr(s.search, ?{index}) > 0"));
        }
        let count = format!("SELECT count(*) FROM songs s WHERE {condition}");
        let list = format!(
            "SELECT {SONG_COLUMNS} FROM songs s WHERE {condition} ORDER BY s.artist COLLATE NOCASE, \
             s.album COLLATE NOCASE, s.disc, s.track, s.title COLLATE NOCASE, s.id \
             LIMIT {limit} OFFSET {offset}",
            limit = i64::try_from(limit).unwrap_or(i64::MAX),
            offset = i64::try_from(offset).unwrap_or(i64::MAX),
        );
        self.read(|connection| {
            let view = connection.unchecked_transaction()?;
            let total: i64 = view
                .prepare_cached(&count)?
                .query_row(params_from_iter(&words), |row| row.get(0))?;
            let songs = view
                .prepare(&list)?
                .query_map(params_from_iter(&words), |row| song_from_row(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            Ok((total.unsigned_abs(), songs))
        })
    }

    /// How many songs can be played now.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn playable(&self) -> Result<u64, DbError> {
        self.count(&format!("SELECT count(*) FROM songs WHERE {PLAYABLE}"))
    }

    /// How many songs are known, playable or not.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn total(&self) -> Result<u64, DbError> {
        self.count("SELECT count(*) FROM songs")
    }

    /// Why a song cannot be played; nothing where it can, or is unknown.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn unplayable_reason(&self, id: SongId) -> Result<Option<String>, DbError> {
        let sql = "SELECT unplayable_reason, vanished_at IS NOT NULL FROM songs WHERE id = ?1";
        self.read(|connection| {
            let found: Option<(Option<String>, bool)> = connection
                .prepare_cached(sql)?
                .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            Ok(found.and_then(|(reason, vanished)| match vanished {
                true => Some("the file has gone".to_owned()),
                false => reason,
            }))
        })
    }

    /// The files of these songs, each with the reason for which it cannot be streamed.
    pub(super) fn unplayable(&self, songs: &[SongId]) -> Result<Vec<(PathBuf, String)>, DbError> {
        let sql = "SELECT path, unplayable_reason FROM songs WHERE id = ?1 AND unplayable_reason IS NOT NULL";
        self.read(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut found = Vec::new();
            for song in songs {
                let file = statement
                    .query_row([song.0], |row| Ok((path_from_bytes(row.get(0)?), row.get(1)?)));
                found.extend(file.optional()?);
            }
            Ok(found)
        })
    }

    /// What was played, the newest first: how much there is, and what is from `offset` on.
    ///
    /// # Errors
    /// The database could not be read.
    pub fn history(&self, limit: u64, offset: u64) -> Result<(u64, Vec<Played>), DbError> {
        let list = format!(
            "SELECT h.played_at, h.song_id, h.entry_id, h.is_random, {SONG_COLUMNS} FROM history h \
             LEFT JOIN songs s ON s.id = h.song_id ORDER BY h.id DESC LIMIT ?1 OFFSET ?2"
        );
        let bound = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        self.read(|connection| {
            let view = connection.unchecked_transaction()?;
            let total: i64 =
                view.query_row("SELECT count(*) FROM history", [], |row| row.get(0))?;
            let played = view
                .prepare_cached(&list)?
                .query_map([bound(limit), bound(offset)], played)?
                .collect::<rusqlite::Result<_>>()?;
            Ok((total.unsigned_abs(), played))
        })
    }

    /// Runs a query on the shared connection.
    pub(crate) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, DbError> {
        // A panic while it was held leaves a connection that is still good.
        let connection = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        query(&connection).map_err(|error| self.database.classify(error))
    }

    fn one(&self, condition: &str, value: &dyn ToSql) -> Result<Option<Song>, DbError> {
        let sql = format!("SELECT {SONG_COLUMNS} FROM songs s WHERE {condition}");
        self.read(|connection| {
            connection
                .prepare_cached(&sql)?
                .query_row([value], |row| song_from_row(row, 0))
                .optional()
        })
    }

    fn count(&self, sql: &str) -> Result<u64, DbError> {
        self.read(|connection| {
            let count: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        })
    }
}

fn played(row: &Row<'_>) -> rusqlite::Result<Played> {
    let song: Option<i64> = row.get(4)?;
    Ok(Played {
        played_at_ms: row.get(0)?,
        song_id: SongId(row.get(1)?),
        entry_id: EntryId::from_bytes(row.get(2)?),
        is_random: row.get(3)?,
        song: song.map(|_| song_from_row(row, 4)).transpose()?,
    })
}
