//! The password file: lines of `user:hash`, as Icecast 2.4's htpasswd authentication has them.
//!
//! The hash is the MD5 of the password in hex, without a salt, which is all that Icecast 2.4 knows;
//! or Argon2 in the form `$argon2id$v=19$m=...,t=...,p=...$salt$hash`.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use argon2::{Argon2, PasswordHash, PasswordVerifier};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use crate::server::login::Login;

/// Bytes of a file at most: some fifty thousand users.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// Passwords that are looked at at once: Argon2 takes 20 MiB and 20 ms for each.
const AT_ONCE: usize = 4;

/// A file of users, read again when it has changed.
#[derive(Debug)]
pub(in crate::server) struct PasswordFile {
    path: PathBuf,
    kept: Mutex<Kept>,
    room: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Of when and how long the file was that was read; nothing where it could not be.
    stamp: Option<(SystemTime, u64)>,
    users: Arc<HashMap<String, String>>,
    /// That it cannot be read was told.
    is_told: bool,
}

impl PasswordFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, kept: Mutex::default(), room: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Name and password stand in it. The disk and the hash are waited for on another thread.
    pub(super) async fn knows(self: Arc<Self>, login: Login) -> bool {
        // The semaphore is never closed.
        let Ok(permit) = Arc::clone(&self.room).acquire_owned().await else { return false };
        let looked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            self.has(&login)
        });
        looked.await.unwrap_or(false)
    }

    fn has(&self, login: &Login) -> bool {
        let users = self.users();
        let hash = users.get(login.user());
        // One whom nobody knows takes as long as one with a wrong password: another one's is tried.
        let tried = hash.or_else(|| users.values().next()).map(String::as_str);
        is_hash(tried.unwrap_or_default(), login.password()) && hash.is_some()
    }

    /// The users as the file has them now. While it cannot be read there are none.
    fn users(&self) -> Arc<HashMap<String, String>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match self.stamp() {
            Ok(stamp) if kept.stamp == Some(stamp) => {}
            Ok(stamp) => match self.read() {
                Ok(users) => {
                    *kept = Kept { stamp: Some(stamp), users: Arc::new(users), is_told: false };
                }
                Err(error) => self.lose(&mut kept, &error),
            },
            Err(error) => self.lose(&mut kept, &error),
        }
        Arc::clone(&kept.users)
    }

    fn lose(&self, kept: &mut Kept, error: &io::Error) {
        if !kept.is_told {
            let file = self.path.display();
            tracing::warn!(%file, %error, "listeners cannot log in: the file of mount.listener_file cannot be read");
        }
        *kept = Kept { is_told: true, ..Kept::default() };
    }

    fn stamp(&self) -> io::Result<(SystemTime, u64)> {
        let metadata = self.path.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        Ok((metadata.modified()?, metadata.len()))
    }

    fn read(&self) -> io::Result<HashMap<String, String>> {
        let mut text = String::new();
        File::open(&self.path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            return Err(io::Error::other("it is longer than 4 MiB"));
        }
        let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
        Ok(pairs.map(|(user, hash)| (user.to_owned(), hash.to_owned())).collect())
    }
}

/// `password` has this hash.
fn is_hash(hash: &str, password: &str) -> bool {
    if hash.starts_with('$') {
        let hash = PasswordHash::new(hash);
        return hash.is_ok_and(|hash| {
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        });
    }
    let digest = Md5::digest(password.as_bytes());
    let own: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    bool::from(own.as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn md5_of(password: &str) -> String {
        Md5::digest(password).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn login(user: &str, password: &str) -> Login {
        Login::new(user, password)
    }

    #[test]
    fn md5_is_the_one_of_rfc_1321() {
        assert_eq!(md5_of("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        assert!(is_hash("F96B697D7CB7938D525A2F31AAF161D0", "message digest"));
        assert!(!is_hash("f96b697d7cb7938d525a2f31aaf161d1", "message digest") && !is_hash("", ""));
    }

    #[test]
    fn argon2_in_its_usual_form_is_known() {
        use argon2::{Params, PasswordHasher, password_hash::SaltString};
        let salt = SaltString::from_b64("c29tZXNhbHQ").unwrap();
        let cheap = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let hash = cheap.hash_password(b"hackme", &salt).unwrap().to_string();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(
            is_hash(&hash, "hackme") && !is_hash(&hash, "hackmf") && !is_hash("$argon2id$", "")
        );
    }

    #[test]
    fn the_file_is_read_again_when_it_changes_and_lets_nobody_in_when_it_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("listeners");
        let file = PasswordFile::at(path.clone());
        assert!(!file.has(&login("ann", "a")), "there is none yet");
        std::fs::write(&path, format!("ann:{}\r\n\nno user\n", md5_of("a"))).unwrap();
        assert!(file.has(&login("ann", "a")) && !file.has(&login("ann", "b")));
        assert!(!file.has(&login("bob", "b")) && !file.has(&login("", "")));
        std::fs::write(&path, format!("ann:{}\nbob:{}", md5_of("a"), md5_of("b"))).unwrap();
        assert!(file.has(&login("bob", "b")));
        std::fs::remove_file(&path).unwrap();
        assert!(!file.has(&login("ann", "a")));
    }
}
