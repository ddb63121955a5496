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
    time::{Duration, SystemTime},
};

use argon2::{Argon2, Params, PasswordHash, PasswordVerifier};
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use tokio::{sync::Semaphore, time::timeout};

use super::Verdict;
use crate::server::login::Login;

/// Bytes of a file at most: some fifty thousand users.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// Passwords that are looked at at once: Argon2 takes 20 MiB and 20 ms for each.
const AT_ONCE: usize = 4;
/// For one's turn, as a server that is asked has it for its answer.
const TURN_LIMIT: Duration = Duration::from_secs(15);
/// KiB that Argon2 may take for one password. A hash that asks for more lets nobody in: it would have
/// the program ended by the system. RFC 9106 recommends 64 MiB where memory is short.
const MOST_MEMORY: u32 = 128 * 1024;
/// KiB that it may go through in all its passes.
const MOST_WORK: u64 = 8 * MOST_MEMORY as u64;

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
    users: Arc<Users>,
    /// That it cannot be read was told.
    is_told: bool,
}

/// Those of one state of the file.
#[derive(Debug, Default)]
struct Users {
    hashes: HashMap<String, String>,
    /// A costly hash, if there is one: whoever is not known is held to it.
    decoy: String,
}

impl PasswordFile {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path, kept: Mutex::default(), room: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Name and password stand in it. The disk and the hash are waited for on another thread.
    ///
    /// # Errors
    /// It was not looked at: its turn did not come in time, or by then it might not.
    pub(super) async fn knows(
        self: Arc<Self>,
        login: Login,
        may: impl FnOnce() -> bool,
    ) -> Result<bool, Verdict> {
        let turn = timeout(TURN_LIMIT, Arc::clone(&self.room).acquire_owned()).await;
        let Ok(Ok(permit)) = turn else { return Err(Verdict::Unknown) };
        if !may() {
            return Err(Verdict::LockedOut);
        }
        let looked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            self.has(&login)
        });
        Ok(looked.await.unwrap_or(false))
    }

    fn has(&self, login: &Login) -> bool {
        let users = self.users();
        let hash = users.hashes.get(login.user());
        // One whom nobody knows takes as long as one with a wrong password.
        is_hash(hash.unwrap_or(&users.decoy), login.password()) && hash.is_some()
    }

    /// The users as the file has them now. While it cannot be read there are none.
    fn users(&self) -> Arc<Users> {
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

    fn read(&self) -> io::Result<Users> {
        let mut text = String::new();
        File::open(&self.path)?.take(MAX_FILE + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MAX_FILE {
            return Err(io::Error::other("it is longer than 4 MiB"));
        }
        let pairs = text.lines().filter_map(|line| line.trim().split_once(':'));
        let hashes: HashMap<_, _> =
            pairs.map(|(user, hash)| (user.to_owned(), hash.to_owned())).collect();
        let is_costly = |hash: &str| hash.starts_with('$');
        let mut bad = hashes.iter().filter(|(_, hash)| is_costly(hash) && bounded(hash).is_none());
        if let Some((user, _)) = bad.next() {
            let (file, others) = (self.path.display(), bad.count());
            tracing::warn!(%file, user, others, "this listener cannot log in, nor can so many others: the hash in the file of mount.listener_file is none of Argon2, or asks for more than 128 MiB or 1 GiB in all passes. Make another one");
        }
        let decoy = hashes.values().find(|hash| is_costly(hash) && bounded(hash).is_some());
        let decoy = decoy.cloned().unwrap_or_default();
        Ok(Users { hashes, decoy })
    }
}

/// `password` has this hash.
fn is_hash(hash: &str, password: &str) -> bool {
    if hash.starts_with('$') {
        return bounded(hash).is_some_and(|hash| {
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        });
    }
    let digest = Md5::digest(password.as_bytes());
    let own: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    bool::from(own.as_bytes().ct_eq(hash.to_ascii_lowercase().as_bytes()))
}

/// A hash of Argon2 that can be had at a cost that no listener notices.
fn bounded(hash: &str) -> Option<PasswordHash<'_>> {
    let hash = PasswordHash::new(hash).ok()?;
    let params = Params::try_from(&hash).ok()?;
    let work = u64::from(params.m_cost()) * u64::from(params.t_cost());
    (params.m_cost() <= MOST_MEMORY && work <= MOST_WORK).then_some(hash)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

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
        use argon2::{PasswordHasher, password_hash::SaltString};
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

    /// Of "hackme" at this cost; computed only where that is small.
    fn argon2(memory: u32, passes: u32) -> String {
        format!("$argon2id$v=19$m={memory},t={passes},p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA")
    }

    #[test]
    fn a_hash_that_costs_too_much_lets_nobody_in_and_is_not_computed() {
        assert!(bounded(&argon2(MOST_MEMORY, 8)).is_some());
        let begun = std::time::Instant::now();
        for hash in [argon2(MOST_MEMORY + 1, 1), argon2(u32::MAX, 1), argon2(1024, u32::MAX)] {
            assert!(bounded(&hash).is_none() && !is_hash(&hash, "hackme"), "{hash}");
        }
        assert!(begun.elapsed() < Duration::from_secs(1));
    }

    #[test]
    fn one_whom_nobody_knows_is_held_to_a_hash_of_the_same_kind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("listeners");
        let text = format!("ann:{}\nbob:{}\n", md5_of("a"), argon2(64, 1));
        std::fs::write(&path, text).unwrap();
        let file = PasswordFile::at(path);
        assert_eq!(file.users().decoy, argon2(64, 1));
        assert!(!file.has(&login("nobody", "x")));
    }

    #[tokio::test]
    async fn so_many_passwords_are_looked_at_at_once_and_the_others_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("listeners");
        std::fs::write(&path, format!("ann:{}\n", md5_of("a"))).unwrap();
        let file = Arc::new(PasswordFile::at(path));
        let most = u32::try_from(AT_ONCE).unwrap();
        let busy = Arc::clone(&file.room).acquire_many_owned(most).await.unwrap();
        let mut knows = std::pin::pin!(Arc::clone(&file).knows(login("ann", "a"), || true));
        assert!(timeout(Duration::from_millis(50), &mut knows).await.is_err());
        drop(busy);
        assert!(knows.await.unwrap());
    }
}
