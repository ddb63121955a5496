//! Copies of the database, made while it is in use.

use std::{fs::OpenOptions, path::Path, time::Duration};

use rusqlite::{Connection, backup::Backup};

use super::DbError;

/// Pages copied at a time: 4 MiB, so that writers get their turn in between.
const PAGES_A_STEP: i32 = 1024;
/// Pause between two steps that were not let in.
const PAUSE: Duration = Duration::from_millis(1);

/// Copies `source` (the file at `path`) to a new file and checks the copy through and through.
pub(super) fn copy(source: &Connection, path: &Path, destination: &Path) -> Result<(), DbError> {
    // Created here, so that nothing is ever overwritten, and so that only the owner can read it.
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(destination).map_err(|error| DbError::of_io(destination, &error))?;
    let result = fill(source, path, destination);
    if result.is_err() {
        // Half a copy is worse than none; that it cannot be removed changes nothing for the caller.
        let _ = std::fs::remove_file(destination);
    }
    result
}

fn fill(source: &Connection, path: &Path, destination: &Path) -> Result<(), DbError> {
    let at_destination = |error| DbError::of(destination, error);
    let mut target = Connection::open(destination).map_err(at_destination)?;
    // One view of the source from beginning to end: without it, every commit of the keeper would
    // make the copy begin again.
    let of_source = |error| DbError::of(path, error);
    let view = source.unchecked_transaction().map_err(of_source)?;
    view.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(of_source)?;
    Backup::new(source, &mut target)
        .and_then(|backup| backup.run_to_completion(PAGES_A_STEP, PAUSE, None))
        .map_err(|error| match DbError::of(destination, error) {
            DbError::Damaged { reason, .. } => {
                DbError::Damaged { path: path.to_path_buf(), reason }
            }
            other => other,
        })?;
    drop(view);
    // The copy is one file: it needs no log beside it until it is used.
    target.pragma_update(None, "journal_mode", "DELETE").map_err(at_destination)?;
    let found: String = target
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .map_err(at_destination)?;
    if found == "ok" {
        Ok(())
    } else {
        Err(DbError::Damaged { path: path.to_path_buf(), reason: found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Database;

    #[test]
    fn a_backup_holds_what_was_committed_and_never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db")).unwrap();
        let writer = database.writer().unwrap();
        writer.execute("UPDATE station SET frame = 77", []).unwrap();
        let copy = folder.path().join("copy.db");
        database.backup(&copy).unwrap();
        assert!(matches!(database.backup(&copy), Err(DbError::Exists { .. })));
        let restored = Database::open(&copy).unwrap();
        let frame: i64 = restored
            .reader()
            .unwrap()
            .query_row("SELECT frame FROM station", [], |row| row.get(0))
            .unwrap();
        assert_eq!(frame, 77);
    }
}
