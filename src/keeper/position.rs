//! The station's row: position, wanted, and the queue's revision.

use rusqlite::{Connection, OptionalExtension, params};

use super::Position;
use crate::ids::EntryId;

/// Stores how far the station has come. Runs once a second: one statement, prepared once.
pub(super) fn store(connection: &Connection, position: Position) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE station SET entry_id = ?1, frame = ?2 WHERE id = 1")?
        .execute(params![
            position.entry_id.to_bytes(),
            i64::try_from(position.frame).unwrap_or(i64::MAX)
        ])
        .map(|_| ())
}

/// What is stored; nothing before the first song.
pub(super) fn stored(connection: &Connection) -> rusqlite::Result<Option<Position>> {
    connection
        .query_row("SELECT entry_id, frame FROM station WHERE entry_id IS NOT NULL", [], |row| {
            let frame: i64 = row.get(1)?;
            Ok(Position { entry_id: EntryId::from_bytes(row.get(0)?), frame: frame.unsigned_abs() })
        })
        .optional()
}

/// Stores what is wanted: play or pause.
pub(super) fn store_wanted(connection: &Connection, play: bool) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE station SET wanted = ?1 WHERE id = 1")?
        .execute([play])
        .map(|_| ())
}

/// What is wanted; nothing where nobody ever asked.
pub(super) fn wanted(connection: &Connection) -> rusqlite::Result<Option<bool>> {
    connection
        .prepare_cached("SELECT wanted FROM station WHERE id = 1")?
        .query_row([], |row| row.get(0))
}

/// The queue's revision.
pub(super) fn revision(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT revision FROM station WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .map(i64::unsigned_abs)
}

/// The queue is another one.
pub(super) fn raise_revision(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE station SET revision = revision + 1 WHERE id = 1")?
        .execute([])
        .map(|_| ())
}
