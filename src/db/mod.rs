//! The one SQLite file: opening, settings, schema and copies of it.

mod backup;
mod error;
mod migrations;
mod path_bytes;

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

pub use error::DbError;
pub use path_bytes::{path_from_bytes, path_to_bytes};

/// How long a connection waits for a lock that somebody else holds.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// Memory for pages, per writing connection: KiB. The rest is the operating system's cache.
const WRITER_CACHE_KIB: i64 = 1024;
/// Memory for pages, per reading connection: KiB.
const READER_CACHE_KIB: i64 = 512;
/// The write-ahead log is cut back to this once a checkpoint has emptied it: bytes.
const JOURNAL_LIMIT: i64 = 4 * 1024 * 1024;
/// Prepared statements kept per connection.
const STATEMENTS: usize = 48;
/// What every database file begins with: SQLite's file format, section 1.2.1.
const HEAD: &[u8] = b"SQLite format 3\0";

/// The database file, known to exist and to have this program's newest schema. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Database {
    path: Arc<PathBuf>,
}

impl Database {
    /// Opens the file, or creates it; brings an older schema up to date after copying the file to
    /// `NAME.before-VERSION` beside it.
    ///
    /// # Errors
    /// The file cannot be used, and why: see [`DbError`].
    pub fn open(path: &Path) -> Result<Self, DbError> {
        refuse_foreign(path)?;
        let mut connection = connect(path, OpenFlags::SQLITE_OPEN_CREATE)?;
        let classify = |error| DbError::of(path, error);
        // Read first: a file that is no database must be told as such and not be written to.
        let version = migrations::version(&connection).map_err(classify)?;
        migrations::check(&connection, path, version)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(classify)?;
        migrations::run(&mut connection, path, version, migrations::ALL)?;
        Ok(Self { path: Arc::new(path.to_path_buf()) })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connection that may write. The keeper has the only one while the program runs.
    ///
    /// # Errors
    /// The file cannot be opened any more.
    pub fn writer(&self) -> Result<Connection, DbError> {
        let connection = connect(&self.path, OpenFlags::empty())?;
        settle(&connection, WRITER_CACHE_KIB).map_err(|error| self.classify(error))?;
        connection
            .pragma_update(None, "journal_size_limit", JOURNAL_LIMIT)
            .map_err(|error| self.classify(error))?;
        Ok(connection)
    }

    /// A connection that can only read; it sees what was committed, while others write.
    ///
    /// # Errors
    /// The file cannot be opened any more.
    pub fn reader(&self) -> Result<Connection, DbError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.path.as_path(), flags)
            .map_err(|error| self.classify(error))?;
        settle(&connection, READER_CACHE_KIB).map_err(|error| self.classify(error))?;
        connection.pragma_update(None, "query_only", true).map_err(|error| self.classify(error))?;
        Ok(connection)
    }

    /// What this failure of SQLite means for this file.
    #[must_use]
    pub fn classify(&self, error: rusqlite::Error) -> DbError {
        DbError::of(&self.path, error)
    }

    /// Copies the database to `destination` while it is in use, and verifies the copy.
    ///
    /// # Errors
    /// [`DbError::Exists`] where there is such a file already; else what went wrong with either file.
    pub fn backup(&self, destination: &Path) -> Result<(), DbError> {
        backup::copy(&self.reader()?, &self.path, destination)
    }
}

/// Refuses a file that has other beginnings than SQLite's, before SQLite sees it: with a log of the
/// file that stood here before, it would write that log's pages into it.
fn refuse_foreign(path: &Path) -> Result<(), DbError> {
    let mut head = Vec::new();
    // What cannot be read, or is no file, is told when it is opened.
    let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
    if let (true, Ok(file)) = (is_file, File::open(path))
        && file.take(HEAD.len() as u64).read_to_end(&mut head).is_ok()
        && !head.is_empty()
        && head != HEAD
    {
        return Err(DbError::NotOurs { path: path.to_path_buf() });
    }
    Ok(())
}

/// Opens without `SQLITE_OPEN_URI`: a file whose name begins with `file:` is just a file.
fn connect(path: &Path, more: OpenFlags) -> Result<Connection, DbError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | more;
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| DbError::of(path, error))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(|error| DbError::of(path, error))?;
    if connection.is_readonly("main").map_err(|error| DbError::of(path, error))? {
        return Err(DbError::ReadOnly { path: path.to_path_buf() });
    }
    Ok(connection)
}

fn settle(connection: &Connection, cache_kib: i64) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_have_wal_foreign_keys_and_small_caches() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db")).unwrap();
        let writer = database.writer().unwrap();
        let text: String =
            writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(text, "wal");
        for connection in [&writer, &database.reader().unwrap()] {
            let on: bool =
                connection.pragma_query_value(None, "foreign_keys", |row| row.get(0)).unwrap();
            assert!(on);
            let cache: i64 =
                connection.pragma_query_value(None, "cache_size", |row| row.get(0)).unwrap();
            assert!((-2048..0).contains(&cache), "{cache}");
        }
    }

    #[test]
    fn a_reader_cannot_write() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("a.db")).unwrap();
        let error =
            database.reader().unwrap().execute("UPDATE station SET frame = 1", []).unwrap_err();
        assert!(matches!(database.classify(error), DbError::ReadOnly { .. }));
    }
}
