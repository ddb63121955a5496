//! Why the database cannot be used, and what helps.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::ErrorCode;

/// A failure of the database file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// Some other file has this name: choose another data directory, or move the file away.
    #[error("{} is no database of this program; move it away or choose another data directory", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of the program has written it: use that version, or go back to the copy that
    /// it made.
    #[error("{} was written by a newer version of this program (schema {found}, known here: {known}); use that version, or put back the copy made before it, {}.before-{found}", .path.display(), .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// The file is damaged: restore a backup.
    #[error("{} is damaged ({reason}); put back a copy made with `backup`", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        reason: String,
    },
    /// It cannot be opened or created: check the folder and its rights.
    #[error("{} cannot be opened: {reason}; check that the folder exists and may be written", .path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: String,
    },
    /// It can be read and not written: check the rights of file and folder.
    #[error("{} cannot be written; check the rights of the file and of its folder", .path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// No room is left: free some, and try again. What was committed before is kept.
    #[error("the disk that holds {} is full; free some space and try again", .path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Another program holds a lock on it: close that program, or try again.
    #[error("{} is locked by another program; close it or try again", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// A backup never overwrites: choose another name.
    #[error("{} exists already; choose another name", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The disk failed to read or write: look at the system's log.
    #[error("{} could not be read or written: {reason}; check the disk", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: String,
    },
    /// Anything else that SQLite reports: most likely a fault of this program.
    #[error("{}: {source}; if this comes again, report it", .path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

impl DbError {
    /// What this failure means for the database at `path`.
    pub(crate) fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let reason = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotOurs { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, reason },
            Some(ErrorCode::CannotOpen) => {
                let reason = why_not(&path).unwrap_or(reason);
                Self::CannotOpen { path, reason }
            }
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly { path },
            Some(ErrorCode::DiskFull) => Self::DiskFull { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::SystemIoFailure) => Self::Disk { path, reason },
            _ => Self::Other { path, source: error },
        }
    }

    /// The same for a failure of the file system.
    pub(crate) fn of_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            io::ErrorKind::AlreadyExists => Self::Exists { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path }
            }
            _ => Self::CannotOpen { path, reason: error.to_string() },
        }
    }

    /// Trying again later may help, without anything else being done.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::DiskFull { .. } | Self::Busy { .. } | Self::Disk { .. })
    }
}

/// SQLite says only that it cannot open a file; the operating system knows the reason.
fn why_not(path: &Path) -> Option<String> {
    if path.is_dir() {
        return Some("it is a folder".to_owned());
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && let Err(error) = fs::read_dir(folder)
    {
        return Some(format!("{}: {error}", folder.display()));
    }
    fs::OpenOptions::new().append(true).open(path).err().map(|error| match error.kind() {
        io::ErrorKind::NotFound => "its folder may not be written".to_owned(),
        _ => error.to_string(),
    })
}
