//! What one report of the station does to the queue, inside a transaction.

use rusqlite::Connection;

use super::{
    KeeperOptions, Outcome, Position,
    handle::Reported,
    history,
    memory::Memory,
    position,
    song_queue::{self, Fresh, Placed},
};

/// Applies a report; `false` where it was applied before: `from` is gone, nothing is changed. A
/// `from` that was made up while the disk refused everything was never there, and counts all the same.
pub(super) fn apply(
    connection: &Connection,
    Reported { advanced, at_ms }: &Reported,
    memory: &Memory,
    options: &KeeperOptions,
) -> rusqlite::Result<bool> {
    let from = match song_queue::find(connection, advanced.from)? {
        Some(from) => from,
        None => match memory.airborne(advanced.from) {
            Some(entry) if !history::holds(connection, entry.entry_id)? => Placed::nowhere(entry),
            _ => return Ok(false),
        },
    };
    if advanced.outcome == Outcome::Played {
        if !options.disable_tracker {
            history::add(connection, &from, *at_ms)?;
        }
        if !options.disable_stats {
            history::stamp(connection, &from, *at_ms)?;
        }
    }
    song_queue::take(connection, from.entry_id)?;
    if let Some(to) = advanced.to {
        match song_queue::find(connection, to)? {
            // An edit may have come in between and moved it.
            Some(entry) => song_queue::move_first(connection, &entry)?,
            // Or removed it: what sounds is the current song all the same.
            None => {
                if let Some(entry) = memory.recall(to) {
                    let fresh =
                        Fresh { entry_id: to, song_id: entry.song_id, is_random: entry.is_random };
                    song_queue::add_first(connection, fresh, *at_ms)?;
                }
            }
        }
    }
    if let Some(current) = song_queue::first(connection)? {
        position::store(connection, Position { entry_id: current.entry_id, frame: 0 })?;
    }
    Ok(true)
}
