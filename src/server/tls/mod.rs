//! TLS for those who come: the handshake, with the certificate that is the newest good one.
//!
//! The files are looked at when somebody comes, at most once a second: so a renewal needs no signal
//! and no thread that waits for it. Those who are connected keep what they have.

mod certificate;

use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rustls::ServerConfig;
use tokio::{net::TcpStream, task::spawn_blocking, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub use certificate::CertificateError;
use certificate::{Pair, Stamp};

/// From the connection to the end of the handshake.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// The files are looked at again after so long at the earliest.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Whoever has them looked at waits so long for the disk; after that the certificate of before will
/// do.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

/// The server's side of TLS.
#[derive(Debug)]
pub(super) struct Tls {
    pair: Pair,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    current: Arc<ServerConfig>,
    /// The files when they were last read, whether or not they were good.
    stamp: Stamp,
    looked: Instant,
    /// Someone looks now: on a disk that hangs it is one who waits, not everybody.
    is_looking: bool,
}

impl Tls {
    /// Reads certificate chain and key. Waits for the disk.
    ///
    /// # Errors
    /// The files are not there or not good: the message says what to do.
    pub(super) fn load(
        certificate: PathBuf,
        key: PathBuf,
        now: Instant,
    ) -> Result<Self, CertificateError> {
        let pair = Pair { certificate, key };
        // The stamp first: what changes while the files are read is seen by the next look.
        let stamp = pair.stamp();
        let current = Arc::new(pair.load()?);
        let state = Mutex::new(State { current, stamp, looked: now, is_looking: false });
        Ok(Self { pair, state })
    }

    /// Shakes hands with whoever has come.
    ///
    /// # Errors
    /// It speaks no TLS, none that we do, or not in time.
    pub(super) async fn accept(
        self: &Arc<Self>,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        if self.has_to_look(Instant::now()) {
            let tls = Arc::clone(self);
            let _ = timeout(LOOK_LIMIT, spawn_blocking(move || tls.look())).await;
        }
        let current = Arc::clone(&self.lock().current);
        timeout(HANDSHAKE_LIMIT, TlsAcceptor::from(current).accept(stream)).await?
    }

    /// Whether the files are to be looked at now; whoever is told so must look.
    fn has_to_look(&self, now: Instant) -> bool {
        let mut state = self.lock();
        let is_due = now.saturating_duration_since(state.looked) >= LOOK_EVERY;
        if !is_due || state.is_looking {
            return false;
        }
        state.looked = now;
        state.is_looking = true;
        true
    }

    /// Takes the files if they have changed and are good. Waits for the disk.
    fn look(&self) {
        let stamp = self.pair.stamp();
        let has_changed = self.lock().stamp != stamp;
        let loaded = has_changed.then(|| self.pair.load());
        let mut state = self.lock();
        state.is_looking = false;
        state.stamp = stamp;
        match loaded {
            None => {}
            Some(Ok(config)) => {
                state.current = Arc::new(config);
                tracing::info!(
                    "the TLS certificate was renewed; whoever comes from now on gets it"
                );
            }
            // Once for each state of the files: they are not read again before they change.
            Some(Err(error)) => {
                tracing::warn!(%error, "the new TLS certificate cannot be used; the one before stays");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn issue(pair: &Pair) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        fs::write(&pair.certificate, made.cert.pem()).unwrap();
        fs::write(&pair.key, made.signing_key.serialize_pem()).unwrap();
    }

    #[test]
    fn files_are_looked_at_once_a_second_and_a_bad_pair_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let pair = Pair { certificate: folder.path().join("crt"), key: folder.path().join("key") };
        issue(&pair);
        let begun = Instant::now();
        let tls = Tls::load(pair.certificate.clone(), pair.key.clone(), begun).unwrap();
        let first = Arc::clone(&tls.lock().current);
        let is_first = || Arc::ptr_eq(&tls.lock().current, &first);
        assert!(!tls.has_to_look(begun + LOOK_EVERY / 2));
        assert!(tls.has_to_look(begun + LOOK_EVERY));
        assert!(!tls.has_to_look(begun + LOOK_EVERY * 3), "while another looks");
        tls.look();
        assert!(is_first(), "nothing has changed");
        fs::write(&pair.key, "no key").unwrap();
        assert!(tls.has_to_look(begun + LOOK_EVERY * 3));
        tls.look();
        assert!(is_first(), "a bad pair was taken");
        fs::remove_file(&pair.certificate).unwrap();
        tls.look();
        assert!(is_first(), "a missing one was taken");
        issue(&pair);
        tls.look();
        assert!(!is_first());
        assert!(!tls.has_to_look(begun + LOOK_EVERY * 3));
        assert!(tls.has_to_look(begun + LOOK_EVERY * 4));
    }
}
