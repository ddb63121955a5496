//! The history: songs that were played to their end, once each.

use rusqlite::{Connection, params};

use super::song_queue::Placed;
use crate::ids::EntryId;

/// Writes the row. `ended`: milliseconds since 1970-01-01 UTC.
pub(super) fn add(connection: &Connection, entry: &Placed, ended: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO history (song_id, entry_id, played_at, is_random, outcome) \
             VALUES (?1, ?2, ?3, ?4, 'played')",
        )?
        .execute(params![entry.song_id.0, entry.entry_id.to_bytes(), ended, entry.is_random])
        .map(|_| ())
}

/// The row was written.
pub(super) fn holds(connection: &Connection, entry_id: EntryId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM history WHERE entry_id = ?1")?
        .exists([entry_id.to_bytes()])
}

/// Notes when the song was last played: this one column, so that nothing else is overwritten.
pub(super) fn stamp(connection: &Connection, entry: &Placed, ended: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE songs SET last_played = ?2 WHERE id = ?1")?
        .execute(params![entry.song_id.0, ended])
        .map(|_| ())
}
