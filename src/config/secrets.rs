//! Passwords and the control token that are made at the first start, each in a file of its own.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use rand::distr::{Alphanumeric, SampleString};

use super::{DataDir, Password, Server};

/// Characters of a password that we make: 32 of 62 kinds are 190 bits.
const LENGTH: usize = 32;
const SOURCE: &str = "source.password";
const ADMIN: &str = "admin.password";
const CONTROL: &str = "control.token";

/// Everything that somebody has to know in order to change something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secrets {
    /// For source clients.
    pub source: Password,
    /// For Icecast's administration.
    pub admin: Password,
    /// For the API.
    pub control: Password,
}

/// A password file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It could not be read: give it to this user.
    #[error("{} cannot be read: {reason}; give it to this user", .path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// It could not be written: make room, or give the directory to this user.
    #[error("{} cannot be written: {reason}; make room for it, or give its directory to this user", .path.display())]
    NotWritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// It holds more than one word: write one into it, or remove it and a new one is made.
    #[error("{} does not hold one word; write one into it, or remove it to have a new one made", .path.display())]
    NotOneWord {
        /// Which file.
        path: PathBuf,
    },
}

impl Secrets {
    /// What the configuration sets; else what the files hold; else new ones, written to files
    /// that only their owner can read. To be called by who holds the lock.
    ///
    /// # Errors
    /// The file that could not be read or written.
    pub fn load_or_make(data: &DataDir, server: &Server) -> Result<Self, SecretError> {
        let or_file = |set: &Password, name| {
            if set.is_empty() { read_or_make(&data.path().join(name)) } else { Ok(set.clone()) }
        };
        Ok(Self {
            source: or_file(&server.source_password, SOURCE)?,
            admin: or_file(&server.admin_password, ADMIN)?,
            control: or_file(&Password::default(), CONTROL)?,
        })
    }

    /// The control token that a server on this directory made, for those who talk to it.
    ///
    /// # Errors
    /// [`SecretError::Unreadable`] where there is none, or where it belongs to another user.
    pub fn control_token(data: &DataDir) -> Result<Password, SecretError> {
        let path = data.path().join(CONTROL);
        match read(&path)? {
            Some(token) => Ok(token),
            None => Err(SecretError::Unreadable { path, reason: io::ErrorKind::NotFound.into() }),
        }
    }
}

fn read_or_make(path: &Path) -> Result<Password, SecretError> {
    if let Some(password) = read(path)? {
        return Ok(password);
    }
    let password = Alphanumeric.sample_string(&mut rand::rng(), LENGTH);
    write(path, &password)
        .map_err(|reason| SecretError::NotWritable { path: path.to_owned(), reason })?;
    Ok(password.into())
}

/// The word in a file; nothing where the file is missing or empty.
fn read(path: &Path) -> Result<Option<Password>, SecretError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(reason) if reason.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(reason) => return Err(SecretError::Unreadable { path: path.to_owned(), reason }),
    };
    let word = text.trim();
    if word.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(SecretError::NotOneWord { path: path.to_owned() });
    }
    Ok((!word.is_empty()).then(|| word.into()))
}

/// Writes beside it and renames: a power cut leaves the old file or the new one, never half.
fn write(path: &Path, password: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(format!("{password}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data() -> (tempfile::TempDir, DataDir) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        (folder, data)
    }

    #[test]
    fn what_is_made_at_the_first_start_stays_and_differs() {
        let (_folder, data) = data();
        Secrets::control_token(&data).unwrap_err();
        let first = Secrets::load_or_make(&data, &Server::default()).unwrap();
        let again = Secrets::load_or_make(&data, &Server::default()).unwrap();
        assert_eq!(first, again);
        assert_ne!(first.source, first.admin);
        assert_eq!(Secrets::control_token(&data).unwrap(), first.control);
        for password in [&first.source, &first.admin, &first.control] {
            assert_eq!(password.reveal().len(), LENGTH);
            assert!(password.reveal().chars().all(|c| c.is_ascii_alphanumeric()));
        }
        assert!(!format!("{first:?}").contains(first.admin.reveal()));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, data) = data();
        Secrets::load_or_make(&data, &Server::default()).unwrap();
        for name in [SOURCE, ADMIN, CONTROL] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn a_password_that_is_set_is_not_written_to_disk() {
        let (folder, data) = data();
        let server = Server { source_password: "set".into(), ..Server::default() };
        let secrets = Secrets::load_or_make(&data, &server).unwrap();
        assert_eq!(secrets.source.reveal(), "set");
        assert!(!folder.path().join(SOURCE).exists());
    }

    #[test]
    fn an_empty_file_is_made_anew_and_several_words_are_refused() {
        let (folder, data) = data();
        fs::write(folder.path().join(ADMIN), "\n").unwrap();
        assert_eq!(
            Secrets::load_or_make(&data, &Server::default()).unwrap().admin.reveal().len(),
            LENGTH
        );
        fs::write(folder.path().join(ADMIN), "two words\n").unwrap();
        let error = Secrets::load_or_make(&data, &Server::default()).unwrap_err();
        assert!(error.to_string().contains("admin.password does not hold one word"), "{error}");
    }
}
