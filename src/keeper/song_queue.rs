//! The queue's operations, inside the transaction that the keeper opened. Index 0 is the current
//! song; no operation here touches it, the station's report alone does.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{QueueError, QueuePosition, error::Refusal};
use crate::{
    ids::{EntryId, SongId},
    library::{SONG_COLUMNS, song_from_row},
    song::Entry,
};

/// Room between the ranks of neighbours, for 32 insertions at the same spot before a renumbering.
const GAP: i64 = 1 << 32;
/// The queue refills to this where it can: the current song and the next.
pub(super) const AT_LEAST: usize = 2;

/// An entry and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) entry_id: EntryId,
    pub(super) song_id: SongId,
    pub(super) is_random: bool,
    rank: i64,
}

impl Placed {
    /// An entry that stands in no queue.
    pub(super) fn nowhere(entry: &Entry) -> Self {
        let Entry { entry_id, song_id, is_random, .. } = *entry;
        Self { entry_id, song_id, is_random, rank: 0 }
    }
}

/// An entry that is not in the queue yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fresh {
    pub(super) entry_id: EntryId,
    pub(super) song_id: SongId,
    pub(super) is_random: bool,
}

impl Fresh {
    pub(super) fn new(song_id: SongId, is_random: bool) -> Self {
        Self { entry_id: EntryId::random(), song_id, is_random }
    }
}

/// All entries with their songs, in order.
pub(super) fn entries(connection: &Connection) -> rusqlite::Result<Vec<Entry>> {
    listed(connection, -1)
}

/// The current entry and the next, as far as there are any.
pub(super) fn head(connection: &Connection) -> rusqlite::Result<Vec<Entry>> {
    listed(connection, 2)
}

/// The first entries, at most `limit`; -1: all.
fn listed(connection: &Connection, limit: i64) -> rusqlite::Result<Vec<Entry>> {
    let sql = format!(
        "SELECT q.entry_id, q.song_id, q.is_random, {SONG_COLUMNS} FROM queue q \
         LEFT JOIN songs s ON s.id = q.song_id ORDER BY q.rank LIMIT ?1"
    );
    connection.prepare_cached(&sql)?.query_map([limit], entry)?.collect()
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let song: Option<i64> = row.get(3)?;
    Ok(Entry {
        entry_id: EntryId::from_bytes(row.get(0)?),
        song_id: SongId(row.get(1)?),
        is_random: row.get(2)?,
        song: song.map(|_| song_from_row(row, 3)).transpose()?.map(Arc::new),
    })
}

/// How many entries there are.
pub(super) fn length(connection: &Connection) -> rusqlite::Result<usize> {
    let count: i64 =
        connection.prepare_cached("SELECT count(*) FROM queue")?.query_row([], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// The entry with this id.
pub(super) fn find(connection: &Connection, id: EntryId) -> rusqlite::Result<Option<Placed>> {
    connection
        .prepare_cached("SELECT entry_id, song_id, is_random, rank FROM queue WHERE entry_id = ?1")?
        .query_row([id.to_bytes()], placed)
        .optional()
}

/// The current entry.
pub(super) fn first(connection: &Connection) -> rusqlite::Result<Option<Placed>> {
    connection
        .prepare_cached(
            "SELECT entry_id, song_id, is_random, rank FROM queue ORDER BY rank LIMIT 1",
        )?
        .query_row([], placed)
        .optional()
}

/// The entry at the end.
pub(super) fn last(connection: &Connection) -> rusqlite::Result<Option<Placed>> {
    connection
        .prepare_cached(
            "SELECT entry_id, song_id, is_random, rank FROM queue ORDER BY rank DESC LIMIT 1",
        )?
        .query_row([], placed)
        .optional()
}

fn placed(row: &Row<'_>) -> rusqlite::Result<Placed> {
    Ok(Placed {
        entry_id: EntryId::from_bytes(row.get(0)?),
        song_id: SongId(row.get(1)?),
        is_random: row.get(2)?,
        rank: row.get(3)?,
    })
}

/// Puts an entry at a position; an unknown `After` changes nothing.
pub(super) fn add(
    connection: &Connection,
    fresh: Fresh,
    position: QueuePosition,
    now: i64,
) -> Result<(), Refusal> {
    let rank = match position {
        QueuePosition::Last => last(connection)?.map_or(0, |last| last.rank + GAP),
        QueuePosition::Next => match first(connection)? {
            Some(first) => rank_behind(connection, first.entry_id)?,
            None => 0,
        },
        QueuePosition::After(entry_id) => rank_behind(connection, entry_id)?,
    };
    Ok(insert(connection, fresh, rank, now)?)
}

/// Puts an entry in front of all others: it is the one that sounds.
pub(super) fn add_first(connection: &Connection, fresh: Fresh, now: i64) -> rusqlite::Result<()> {
    let rank = first(connection)?.map_or(0, |first| first.rank - GAP);
    insert(connection, fresh, rank, now)
}

fn insert(connection: &Connection, fresh: Fresh, rank: i64, now: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO queue (entry_id, rank, song_id, is_random, added_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            fresh.entry_id.to_bytes(),
            rank,
            fresh.song_id.0,
            fresh.is_random,
            now
        ])
        .map(|_| ())
}

/// Takes an entry out, whichever it is.
pub(super) fn take(connection: &Connection, id: EntryId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM queue WHERE entry_id = ?1")?
        .execute([id.to_bytes()])
        .map(|_| ())
}

/// Removes an entry that is not the current one.
pub(super) fn remove(connection: &Connection, id: EntryId) -> Result<(), Refusal> {
    editable(connection, id)?;
    Ok(take(connection, id)?)
}

/// Moves an entry directly behind another; `false` where it stands there already.
pub(super) fn move_behind(
    connection: &Connection,
    id: EntryId,
    after: EntryId,
) -> Result<bool, Refusal> {
    editable(connection, id)?;
    if id == after {
        return Err(QueueError::BehindItself.into());
    }
    let target = find(connection, after)?.ok_or(QueueError::UnknownEntry)?;
    if following(connection, target.rank)?.is_some_and(|next| next.entry_id == id) {
        return Ok(false);
    }
    let rank = rank_behind(connection, after)?;
    set_rank(connection, id, rank)?;
    Ok(true)
}

/// Makes an entry the current one.
pub(super) fn move_first(connection: &Connection, entry: &Placed) -> rusqlite::Result<()> {
    match first(connection)? {
        Some(first) if first.entry_id != entry.entry_id => {
            set_rank(connection, entry.entry_id, first.rank - GAP)
        }
        _ => Ok(()),
    }
}

/// Removes all but the current entry: how many.
pub(super) fn clear(connection: &Connection) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM queue WHERE rank > (SELECT min(rank) FROM queue)", [])
}

fn editable(connection: &Connection, id: EntryId) -> Result<(), Refusal> {
    find(connection, id)?.ok_or(QueueError::UnknownEntry)?;
    match first(connection)? {
        Some(first) if first.entry_id == id => Err(QueueError::CurrentSong.into()),
        _ => Ok(()),
    }
}

/// A free rank directly behind an entry.
fn rank_behind(connection: &Connection, id: EntryId) -> Result<i64, Refusal> {
    for _ in 0..2 {
        let entry = find(connection, id)?.ok_or(QueueError::UnknownEntry)?;
        let Some(next) = following(connection, entry.rank)? else { return Ok(entry.rank + GAP) };
        let middle = entry.rank + (next.rank - entry.rank) / 2;
        if middle > entry.rank {
            return Ok(middle);
        }
        renumber(connection)?;
    }
    Err(QueueError::Fault.into())
}

fn following(connection: &Connection, rank: i64) -> rusqlite::Result<Option<Placed>> {
    connection
        .prepare_cached(
            "SELECT entry_id, song_id, is_random, rank FROM queue WHERE rank > ?1 ORDER BY rank LIMIT 1",
        )?
        .query_row([rank], placed)
        .optional()
}

fn set_rank(connection: &Connection, id: EntryId, rank: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE queue SET rank = ?2 WHERE entry_id = ?1")?
        .execute(params![id.to_bytes(), rank])
        .map(|_| ())
}

/// Opens the gaps again. Ranks are unique at every moment: all move below zero first, out of the
/// way of those that they had and of those that they get.
fn renumber(connection: &Connection) -> rusqlite::Result<()> {
    let order: Vec<Vec<u8>> = connection
        .prepare("SELECT entry_id FROM queue ORDER BY rank")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let down: i64 = connection.query_row(
        "SELECT max(max(rank) - min(rank), max(rank)) + 1 FROM queue",
        [],
        |row| row.get(0),
    )?;
    connection.execute("UPDATE queue SET rank = rank - ?1", [down])?;
    let mut update = connection.prepare_cached("UPDATE queue SET rank = ?2 WHERE entry_id = ?1")?;
    for (index, id) in (0_i64..).zip(order) {
        update.execute(params![id, index * GAP])?;
    }
    Ok(())
}
