//! A journal: a file that only grows, and is begun anew where it was moved away.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

/// How often it is looked whether the file was moved away, and said that it cannot be written.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const TELL_EVERY: Duration = Duration::from_secs(5);

/// The file, open or to be opened.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: Option<File>,
    looked: Option<Instant>,
    told: Option<Instant>,
    /// The last write ended within a line.
    is_torn: bool,
}

impl Journal {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, looked: None, told: None, is_torn: false }
    }

    /// Appends whole lines; where that fails they are lost, which is said now and then.
    pub(super) fn write(&mut self, lines: &[u8], now: Instant) {
        if let Err(error) = self.try_write(lines, now) {
            let is_new = self.told.is_none_or(|told| has_passed(told, now, TELL_EVERY));
            if is_new {
                self.told = Some(now);
                let path = self.path.display();
                tracing::warn!(
                    "the access log {path} cannot be written: {error}; make room, give its folder to this user, or change server.access_log"
                );
            }
        }
    }

    fn try_write(&mut self, lines: &[u8], now: Instant) -> io::Result<()> {
        if self.looked.is_none_or(|looked| has_passed(looked, now, LOOK_EVERY)) {
            self.looked = Some(now);
            if !self.file.as_ref().is_some_and(|file| self.is_in_place(file)) {
                self.file = None;
                self.file = Some(self.open()?);
                self.is_torn = false;
            }
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        if self.is_torn {
            file.write_all(b"\n")?;
        }
        self.is_torn = true;
        file.write_all(lines)?;
        self.is_torn = false;
        Ok(())
    }

    /// For its owner alone: it tells who listens to what.
    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }

    /// The path still leads to it.
    #[cfg(unix)]
    fn is_in_place(&self, file: &File) -> bool {
        use std::os::unix::fs::MetadataExt;
        let same = |there: std::fs::Metadata| {
            let ours = file.metadata().ok()?;
            Some((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
        };
        std::fs::metadata(&self.path).ok().and_then(same).unwrap_or(false)
    }

    /// Elsewhere an open file cannot be moved away.
    #[cfg(not(unix))]
    fn is_in_place(&self, _file: &File) -> bool {
        true
    }
}

fn has_passed(since: Instant, now: Instant, span: Duration) -> bool {
    now.saturating_duration_since(since) >= span
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew_within_a_second() {
        let folder = tempfile::tempdir().unwrap();
        let (path, old) = (folder.path().join("access.log"), folder.path().join("access.log.1"));
        let (mut journal, now) = (Journal::new(path.clone()), Instant::now());
        journal.write(b"one\n", now);
        fs::rename(&path, &old).unwrap();
        journal.write(b"two\n", now + LOOK_EVERY / 2);
        journal.write(b"three\n", now + LOOK_EVERY);
        assert_eq!(fs::read_to_string(&old).unwrap(), "one\ntwo\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "three\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_there_stays_and_a_folder_may_come_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("later/access.log");
        let (mut journal, now) = (Journal::new(path.clone()), Instant::now());
        journal.write(b"lost\n", now);
        fs::create_dir(folder.path().join("later")).unwrap();
        fs::write(&path, "before\n").unwrap();
        journal.write(b"lost too\n", now);
        journal.write(b"kept\n", now + LOOK_EVERY);
        assert_eq!(fs::read_to_string(&path).unwrap(), "before\nkept\n");
    }
}
