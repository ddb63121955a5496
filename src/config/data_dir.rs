//! The data directory: made where it is missing, and held by one server at a time.
//!
//! `server.lock` is locked for as long as its owner lives, so that a killed server leaves nothing
//! to clean up; what it contains is the URL under which that owner answers.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// How often a held lock is tried again, [`LOCK_RETRY_EVERY`] apart, where it names a server: who
/// only looks whether that server still runs holds it for a moment.
const LOCK_RETRIES: u32 = 20;
/// The same where it names none: commands that work on the database directly hold it until what
/// they changed is on disk, and a server that is starting will name itself.
const BUSY_RETRIES: u32 = 300;
/// The time between two tries.
const LOCK_RETRY_EVERY: Duration = Duration::from_millis(10);
/// A URL is shorter than this; more in the lock file is not ours.
const LOCK_BYTES: u64 = 4096;

/// What is wrong with a data directory.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// It cannot be made: choose another with `--data`, or make it and give it to this user.
    #[error("the data directory {} cannot be made: {reason}; choose another with --data DIR", .path.display())]
    Create {
        /// Which directory.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// It cannot be written to: give it to this user, or choose another.
    #[error("the data directory {} cannot be written to: {reason}; give it to this user, or choose another with --data DIR", .path.display())]
    NotWritable {
        /// Which directory.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A server runs on it: talk to that one, or choose another directory.
    #[error("a server already runs on {} at {url}; stop it first, or choose another data directory with --data DIR", .path.display())]
    Running {
        /// Which directory.
        path: PathBuf,
        /// Where that server answers.
        url: String,
    },
    /// Another command works on it, or a server on it is only starting: try again.
    #[error("another musicdb-stream is working on {}; try again in a moment", .path.display())]
    Busy {
        /// Which directory.
        path: PathBuf,
    },
    /// The lock failed for another reason, such as a file system that has none.
    #[error("{} cannot be locked: {reason}; choose a data directory on a local disk with --data DIR", .path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
}

/// A data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    path: PathBuf,
}

/// The lock on a data directory: held until it is dropped or its process ends.
#[derive(Debug)]
pub struct ServerLock {
    file: File,
    path: PathBuf,
}

impl DataDir {
    /// Makes the directory where it is missing, for its owner alone.
    ///
    /// # Errors
    /// [`DataDirError::Create`] where that is not possible.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(path)
            .map_err(|reason| DataDirError::Create { path: path.to_owned(), reason })?;
        Ok(Self { path: path.to_owned() })
    }

    /// The directory at this path, whether it is there or not: to look, not to write.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database file in it.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("musicdb-stream.db")
    }

    /// Takes the lock: for serving, or for working on the database while nobody serves.
    ///
    /// # Errors
    /// [`DataDirError::Running`] names the server that has it.
    pub fn lock(&self) -> Result<ServerLock, DataDirError> {
        let path = self.lock_path();
        let mut file = open_lock(OpenOptions::new().read(true).write(true).create(true), &path)
            .map_err(|reason| DataDirError::NotWritable { path: self.path.clone(), reason })?;
        for tried in 0..BUSY_RETRIES {
            match file.try_lock() {
                Ok(()) => {
                    let mut lock = ServerLock { file, path };
                    lock.announce("")?;
                    return Ok(lock);
                }
                Err(TryLockError::Error(reason)) => {
                    return Err(DataDirError::Lock { path, reason });
                }
                Err(TryLockError::WouldBlock) => {}
            }
            if tried >= LOCK_RETRIES
                && let Some(url) = read_url(&mut file)
            {
                return Err(DataDirError::Running { path: self.path.clone(), url });
            }
            thread::sleep(LOCK_RETRY_EVERY);
        }
        Err(DataDirError::Busy { path: self.path.clone() })
    }

    /// The URL of the server that holds the lock now, or nothing where nobody serves.
    #[must_use]
    pub fn running(&self) -> Option<String> {
        let mut file = File::open(self.lock_path()).ok()?;
        // An empty file is the usual case and needs no look at the lock.
        let url = read_url(&mut file)?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(url),
            _ => None,
        }
    }

    fn lock_path(&self) -> PathBuf {
        self.path.join("server.lock")
    }
}

impl ServerLock {
    /// Writes where this server answers, once it does.
    ///
    /// # Errors
    /// [`DataDirError::NotWritable`], such as on a full disk.
    pub fn announce(&mut self, url: &str) -> Result<(), DataDirError> {
        self.write(url)
            .map_err(|reason| DataDirError::NotWritable { path: self.path.clone(), reason })
    }

    fn write(&mut self, url: &str) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        if !url.is_empty() {
            self.file.write_all(format!("{url}\n").as_bytes())?;
        }
        Ok(())
    }
}

impl Drop for ServerLock {
    fn drop(&mut self) {
        // The lock goes with the file; a stale URL behind a free lock is known as stale.
        if let Err(error) = self.write("") {
            tracing::debug!(%error, "the lock file could not be emptied");
        }
    }
}

/// The URL under which this machine itself reaches a server that listens on `address`.
#[must_use]
pub fn local_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

fn open_lock(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options.open(path)
}

fn read_url(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(LOCK_BYTES).read_to_string(&mut text).ok()?;
    let url = text.trim();
    (!url.is_empty()).then(|| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_on_the_same_directory_is_told_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&folder.path().join("a/b")).unwrap();
        assert_eq!(data.running(), None);
        let mut lock = data.lock().unwrap();
        assert!(matches!(data.lock(), Err(DataDirError::Busy { .. })));
        assert_eq!(data.running(), None);
        lock.announce("http://127.0.0.1:8000").unwrap();
        assert_eq!(data.running().as_deref(), Some("http://127.0.0.1:8000"));
        let error = data.lock().unwrap_err().to_string();
        assert!(
            error.contains("already runs on") && error.contains("http://127.0.0.1:8000"),
            "{error}"
        );
        drop(lock);
        assert_eq!(data.running(), None);
        data.lock().unwrap();
    }

    #[test]
    fn the_url_of_a_killed_server_is_known_as_stale() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        fs::write(folder.path().join("server.lock"), "http://127.0.0.1:1\n").unwrap();
        assert_eq!(data.running(), None);
        data.lock().unwrap();
    }

    #[test]
    fn a_lock_that_is_held_for_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let lock = data.lock().unwrap();
        let other = data.clone();
        let waiting = thread::spawn(move || other.lock().map(drop));
        thread::sleep(LOCK_RETRY_EVERY);
        drop(lock);
        waiting.join().unwrap().unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let path = file.join("data");
        let error = DataDir::open(&path).unwrap_err().to_string();
        let named = format!("{} cannot be made", path.display());
        assert!(error.contains(&named) && error.contains("--data"), "{error}");
    }

    #[test]
    fn local_urls_never_hold_the_unspecified_address() {
        let url = |address: &str| local_url(address.parse().unwrap());
        assert_eq!(url("0.0.0.0:8000"), "http://127.0.0.1:8000");
        assert_eq!(url("[::]:8000"), "http://[::1]:8000");
        assert_eq!(url("192.0.2.7:80"), "http://192.0.2.7:80");
    }
}
