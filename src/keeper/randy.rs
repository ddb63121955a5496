//! Randy: a random song out of those that can be played, each with the same chance.

use rand::{Rng, RngExt};
use rusqlite::{Connection, OptionalExtension, params};

use super::song_queue;
use crate::{ids::SongId, library::PLAYABLE};

/// Draws of an id before the candidates are counted instead.
const DRAWS: u32 = 64;

/// A song that is not the current one and, where there is another, not the last of the queue.
pub(super) fn pick(
    connection: &Connection,
    rng: &mut impl Rng,
    album: Option<i64>,
) -> rusqlite::Result<Option<SongId>> {
    let current = song_queue::first(connection)?.map(|entry| entry.song_id);
    let last = song_queue::last(connection)?.map(|entry| entry.song_id);
    for avoided in [[current, last], [current, None], [None, None]] {
        if let Some(song) = one(connection, rng, album, avoided)? {
            return Ok(Some(song));
        }
    }
    Ok(None)
}

fn one(
    connection: &Connection,
    rng: &mut impl Rng,
    album: Option<i64>,
    avoided: [Option<SongId>; 2],
) -> rusqlite::Result<Option<SongId>> {
    if album.is_none()
        && let Some(song) = drawn(connection, rng, avoided)?
    {
        return Ok(Some(song));
    }
    counted(connection, rng, album, avoided)
}

/// Draws ids until one can be played: fast whatever the library's size, and fair, since every id
/// has the same chance in every draw.
fn drawn(
    connection: &Connection,
    rng: &mut impl Rng,
    avoided: [Option<SongId>; 2],
) -> rusqlite::Result<Option<SongId>> {
    let mut bounds = [0_i64; 2];
    for (bound, end) in bounds.iter_mut().zip(["min", "max"]) {
        let sql = format!("SELECT {end}(id) FROM songs WHERE {PLAYABLE}");
        let found: Option<i64> =
            connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        let Some(found) = found else { return Ok(None) };
        *bound = found;
    }
    let sql = format!("SELECT 1 FROM songs WHERE id = ?1 AND {PLAYABLE}");
    let mut playable = connection.prepare_cached(&sql)?;
    for _ in 0..DRAWS {
        let id = SongId(rng.random_range(bounds[0]..=bounds[1]));
        if !avoided.contains(&Some(id)) && playable.exists([id.0])? {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Counts the candidates and takes one by its number: where few of the ids can be played, and
/// within an album.
fn counted(
    connection: &Connection,
    rng: &mut impl Rng,
    album: Option<i64>,
    avoided: [Option<SongId>; 2],
) -> rusqlite::Result<Option<SongId>> {
    let [first, second] = avoided.map(|song| song.map_or(-1, |song| song.0));
    let album_too = if album.is_some() { "album_id = ?3" } else { "?3 IS NULL" };
    let which = format!("FROM songs WHERE {PLAYABLE} AND id NOT IN (?1, ?2) AND {album_too}");
    let count: i64 = connection
        .prepare_cached(&format!("SELECT count(*) {which}"))?
        .query_row(params![first, second, album], |row| row.get(0))?;
    if count == 0 {
        return Ok(None);
    }
    connection
        .prepare_cached(&format!("SELECT id {which} LIMIT 1 OFFSET ?4"))?
        .query_row(params![first, second, album, rng.random_range(0..count)], |row| row.get(0))
        .optional()
        .map(|id| id.map(SongId))
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;
    use crate::db::Database;

    /// Songs with these ids, of which the odd ones can be played.
    fn library(folder: &tempfile::TempDir, ids: &[i64]) -> Connection {
        let connection = Database::open(&folder.path().join("a.db")).unwrap().writer().unwrap();
        connection
            .execute("INSERT INTO albums (id, key, name) VALUES (1, x'00', 'a')", [])
            .unwrap();
        let sql = "INSERT INTO songs (id, path, size, mtime_ns, title, artist, album, album_id, \
             search, added_at, disabled) VALUES (?1, ?2, 0, 0, '', '', '', 1, '', 0, ?3)";
        for id in ids {
            connection.execute(sql, params![id, id.to_be_bytes(), id % 2 == 0]).unwrap();
        }
        connection
    }

    #[test]
    fn every_song_that_can_be_played_has_the_same_chance() {
        // Close together, and so far apart that counting takes over from drawing.
        for ids in [[1, 2, 3, 4, 7, 8], [1, 2, 5, 40_000, 70_001, 900_001]] {
            let folder = tempfile::tempdir().unwrap();
            let connection = library(&folder, &ids);
            let mut rng = StdRng::seed_from_u64(1);
            let odd: Vec<i64> = ids.into_iter().filter(|id| id % 2 == 1).collect();
            let mut counts = vec![0_i32; odd.len()];
            let expected = 1000;
            for _ in 0..expected * i32::try_from(odd.len()).unwrap() {
                let song = pick(&connection, &mut rng, None).unwrap().unwrap();
                counts[odd.iter().position(|id| *id == song.0).unwrap()] += 1;
            }
            // Five standard deviations of a binomial.
            assert!(counts.iter().all(|count| (count - expected).abs() < 150), "{counts:?}");
        }
    }
}
