//! Songs as the scan found them, written in one transaction a batch.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    db::path_to_bytes,
    ids::SongId,
    library::{Album, Batch, FoundSong, PLAYABLE, fold},
};

/// Writes a batch. `now`: milliseconds since 1970-01-01 UTC.
pub(super) fn write(connection: &Connection, batch: &Batch, now: i64) -> rusqlite::Result<()> {
    for song in &batch.found {
        write_song(connection, song, now)?;
    }
    let mut back =
        connection.prepare_cached("UPDATE songs SET vanished_at = NULL WHERE id = ?1")?;
    for id in &batch.returned {
        back.execute([id.0])?;
    }
    let mut gone = connection.prepare_cached(
        "UPDATE songs SET vanished_at = ?2 WHERE id = ?1 AND vanished_at IS NULL",
    )?;
    for id in &batch.vanished {
        gone.execute(params![id.0, now])?;
    }
    Ok(())
}

/// What was found when the song's file was last read: why it cannot be played, where it cannot;
/// nothing where there is no such song. A file that has gone may be there again in time.
pub(super) fn verdict(
    connection: &Connection,
    id: SongId,
) -> rusqlite::Result<Option<Result<(), String>>> {
    let reason: Option<Option<String>> = connection
        .prepare_cached("SELECT unplayable_reason FROM songs WHERE id = ?1")?
        .query_row([id.0], |row| row.get(0))
        .optional()?;
    Ok(reason.map(|reason| reason.map_or(Ok(()), Err)))
}

/// How many songs can be played.
pub(super) fn playable(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(&format!("SELECT count(*) FROM songs WHERE {PLAYABLE}"))?
        .query_row([], |row| row.get(0))
        .map(i64::unsigned_abs)
}

/// A path that is known keeps its id, and all that people said about the song.
fn write_song(connection: &Connection, song: &FoundSong, now: i64) -> rusqlite::Result<()> {
    let album_id = album(connection, &song.tags.album)?;
    // Without frames it cannot be played, and has no length.
    let audio = song.audio.as_ref().copied().unwrap_or_default();
    let tags = &song.tags;
    let search = fold(&format!("{}\n{}\n{}", tags.title, tags.artist, tags.album.name));
    connection
        .prepare_cached(
            "INSERT INTO songs (path, size, mtime_ns, title, artist, album, album_id, track, disc, \
             genre, year, search, duration, frames, audio_bytes, sample_rate, channels, bitrate, \
             unplayable_reason, added_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
             ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) \
             ON CONFLICT (path) DO UPDATE SET size = ?2, mtime_ns = ?3, title = ?4, artist = ?5, \
             album = ?6, album_id = ?7, track = ?8, disc = ?9, genre = ?10, year = ?11, \
             search = ?12, duration = ?13, frames = ?14, audio_bytes = ?15, sample_rate = ?16, \
             channels = ?17, bitrate = ?18, unplayable_reason = ?19, vanished_at = NULL",
        )?
        .execute(params![
            path_to_bytes(&song.path),
            stored(song.size),
            song.mtime_ns,
            tags.title,
            tags.artist,
            tags.album.name,
            album_id,
            tags.track,
            tags.disc,
            tags.genre,
            tags.year,
            search,
            stored(audio.duration.units()),
            stored(audio.frames),
            stored(audio.audio_bytes),
            audio.sample_rate,
            audio.channels,
            audio.bitrate,
            song.audio.as_ref().err(),
            now,
        ])
        .map(|_| ())
}

fn album(connection: &Connection, album: &Album) -> rusqlite::Result<i64> {
    let known: Option<i64> = connection
        .prepare_cached("SELECT id FROM albums WHERE key = ?1")?
        .query_row([&album.key], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    connection
        .prepare_cached("INSERT INTO albums (key, name) VALUES (?1, ?2)")?
        .insert(params![album.key, album.name])
}

fn stored(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
