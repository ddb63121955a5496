//! The schema's versions, applied in order at start.

use std::{ffi::OsString, fs, path::Path};

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::{DbError, backup};

/// Every version of the schema, the oldest first; a file's `user_version` counts those it has.
pub(super) const ALL: &[&str] = &[include_str!("../../migrations/0001_init.sql")];

/// "MDBS": marks the file as this program's (the first migration sets it).
const APPLICATION_ID: i64 = 0x4D44_4253;

/// How many migrations the file has.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Refuses what other programs, or newer versions of this one, have written.
pub(super) fn check(connection: &Connection, path: &Path, found: u32) -> Result<(), DbError> {
    let classify = |error| DbError::of(path, error);
    let id: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(classify)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(classify)?;
    if tables > 0 && id != APPLICATION_ID {
        return Err(DbError::NotOurs { path: path.to_path_buf() });
    }
    let known = u32::try_from(ALL.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(DbError::Newer { path: path.to_path_buf(), found, known });
    }
    Ok(())
}

/// Brings the schema from `found` up to the last of `steps`.
pub(super) fn run(
    connection: &mut Connection,
    path: &Path,
    found: u32,
    steps: &[&'static str],
) -> Result<(), DbError> {
    let target = steps.len();
    if found as usize >= target {
        return Ok(());
    }
    if found > 0 {
        let mut name = OsString::from(path);
        name.push(format!(".before-{target}"));
        // A copy that an interrupted start left behind is of the same old schema: made anew.
        if let Err(error) = fs::remove_file(&name)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(DbError::of_io(Path::new(&name), &error));
        }
        backup::copy(connection, path, Path::new(&name))?;
    }
    let migrations = Migrations::new(steps.iter().copied().map(M::up).collect());
    migrations.to_latest(connection).map_err(|error| match error {
        rusqlite_migration::Error::RusqliteError { err, .. } => DbError::of(path, err),
        other => DbError::Damaged { path: path.to_path_buf(), reason: other.to_string() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Database;

    #[test]
    fn an_older_database_is_copied_before_it_is_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let mut connection = Database::open(&path).unwrap().writer().unwrap();
        let steps = [ALL[0], "CREATE TABLE later (id INTEGER) STRICT;"];
        run(&mut connection, &path, 1, &steps).unwrap();
        assert_eq!(version(&connection).unwrap(), 2);
        let copy = Connection::open(folder.path().join("a.db.before-2")).unwrap();
        assert_eq!(version(&copy).unwrap(), 1);
        let tables: i64 = copy
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'later'", [], |r| r.get(0))
            .unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn a_newer_schema_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let writer = Database::open(&path).unwrap().writer().unwrap();
        writer.pragma_update(None, "user_version", 99).unwrap();
        drop(writer);
        let error = Database::open(&path).unwrap_err();
        assert!(matches!(error, DbError::Newer { found: 99, known: 1, .. }), "{error}");
        assert_eq!(version(&Connection::open(&path).unwrap()).unwrap(), 99);
    }

    #[test]
    fn files_that_are_not_ours_are_refused_and_left_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(
            &path,
            "no database at all, but long enough to have a header of its own".repeat(9),
        )
        .unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(Database::open(&path), Err(DbError::NotOurs { .. })));
        assert_eq!(fs::read(&path).unwrap(), before);
        let foreign = folder.path().join("b.db");
        Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(Database::open(&foreign), Err(DbError::NotOurs { .. })));
    }

    #[test]
    fn a_folder_that_is_not_there_or_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/a.db");
        let error = Database::open(&path).unwrap_err();
        assert!(matches!(error, DbError::CannotOpen { .. }), "{error}");
        let reason = fs::metadata(&path).unwrap_err().to_string();
        assert!(error.to_string().contains(&reason), "{error}");
        assert!(matches!(Database::open(folder.path()), Err(DbError::CannotOpen { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_without_the_right_to_write_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let result = Database::open(&path);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        match result {
            Ok(_) => eprintln!("left out: this user may write to every folder"),
            Err(error) => {
                assert!(matches!(error, DbError::CannotOpen { .. }), "{error}");
                assert!(error.to_string().contains("denied"), "{error}");
            }
        }
    }
}
