//! What the library knew before a scan: enough to tell an unchanged file without opening it.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
};

use super::Library;
use crate::{
    db::{DbError, path_from_bytes, path_to_bytes},
    ids::SongId,
};

/// Size, time and id by a hash of the path: 64 bits with a random key, so that two of a million
/// paths meet once in ten million scans, and even then size and time would have to agree too.
pub(super) struct Known {
    songs: HashMap<u64, KnownSong>,
    hasher: RandomState,
}

/// One row, as far as a scan needs it.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownSong {
    pub(super) id: SongId,
    pub(super) size: u64,
    pub(super) mtime_ns: i64,
    pub(super) vanished: bool,
    pub(super) unplayable: bool,
}

/// The paths met in this scan, as hashes.
#[derive(Debug, Default)]
pub(super) struct Seen(HashSet<u64>);

impl Seen {
    /// `false` where it was met before: roots may overlap.
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        self.0.insert(hash)
    }
}

impl Known {
    /// Reads the whole table once.
    pub(super) fn load(library: &Library) -> Result<Self, DbError> {
        let hasher = RandomState::new();
        let songs = library.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT path, id, size, mtime_ns, vanished_at IS NOT NULL, \
                 unplayable_reason IS NOT NULL FROM songs",
            )?;
            let mut rows = statement.query([])?;
            let mut songs = HashMap::new();
            while let Some(row) = rows.next()? {
                let path = row.get_ref(0)?.as_blob()?;
                let song = KnownSong {
                    id: SongId(row.get(1)?),
                    size: row.get::<_, i64>(2)?.unsigned_abs(),
                    mtime_ns: row.get(3)?,
                    vanished: row.get(4)?,
                    unplayable: row.get(5)?,
                };
                songs.insert(hasher.hash_one(path), song);
            }
            Ok(songs)
        })?;
        Ok(Self { songs, hasher })
    }

    pub(super) fn hash(&self, path: &Path) -> u64 {
        self.hasher.hash_one(path_to_bytes(path).as_slice())
    }

    pub(super) fn get(&self, hash: u64) -> Option<KnownSong> {
        self.songs.get(&hash).copied()
    }

    /// Those below one of `roots` that were not met and lie below none of `blocked`, the places that
    /// could not be read; and the empty folders, each of which may be where a drive is not mounted:
    /// what lay below them has not gone.
    pub(super) fn vanished(
        &self,
        library: &Library,
        seen: &Seen,
        roots: &[&Path],
        blocked: &[&Path],
    ) -> Result<(Vec<SongId>, Vec<PathBuf>), DbError> {
        let gone = |(hash, song): (&u64, &KnownSong)| {
            (!song.vanished && !seen.0.contains(hash)).then_some(song.id)
        };
        let mut ids: Vec<SongId> = self.songs.iter().filter_map(gone).collect();
        ids.sort_unstable();
        library.read(|connection| {
            let mut statement = connection.prepare("SELECT path FROM songs WHERE id = ?1")?;
            let (mut vanished, mut empty) = (Vec::new(), Vec::new());
            for id in ids {
                let path = path_from_bytes(statement.query_row([id.0], |row| row.get(0))?);
                let below = |place: &&Path| path.starts_with(place);
                if !roots.iter().any(below) || blocked.iter().any(below) {
                    continue;
                }
                if empty.iter().any(|folder| path.starts_with(folder)) {
                    continue;
                }
                match empty_above(&path).filter(|folder| !roots.contains(&folder.as_path())) {
                    Some(folder) => empty.push(folder),
                    None => vanished.push(id),
                }
            }
            Ok((vanished, empty))
        })
    }
}

/// The nearest folder above a file that has gone, where that folder is there and empty.
fn empty_above(path: &Path) -> Option<PathBuf> {
    let folder = path.ancestors().skip(1).find(|folder| folder.is_dir())?;
    let is_empty = folder.read_dir().is_ok_and(|mut items| items.next().is_none());
    is_empty.then(|| folder.to_path_buf())
}
