//! TLS for those who come: the handshake, with the certificate that is the newest good one.
//!
//! The files are looked at when somebody comes, at most once a second: so a renewal needs no signal
//! and no thread that waits for it. Those who are connected keep what they have.
//!
//! The one costly step of a handshake, the signature, is made on other threads, a few at once: a
//! crowd behind a certificate with a large RSA key (5 ms each) keeps the server's own thread free.
//! Whoever waits for its signature waits for us and keeps its place for that time; whoever has left
//! meanwhile is not signed for.

mod certificate;

use std::{
    future::poll_fn,
    io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use rustls::{ServerConfig, server::Acceptor};
use tokio::{io::ReadBuf, net::TcpStream, sync::Semaphore, task::spawn_blocking, time::timeout};
use tokio_rustls::{Accept, LazyConfigAcceptor, StartHandshake, server::TlsStream};

pub use certificate::CertificateError;
use certificate::{Pair, Stamp};

use crate::server::pending::Turn;

/// For the peer's part of the handshake: so long for its first words, and once more for the rest.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// For our part, most of it the wait for those who came before: with an RSA key that takes 5 ms all
/// who find room at the port are signed in a few seconds. A client waits no longer.
const SIGNED_LIMIT: Duration = Duration::from_secs(30);
/// Signatures that are made at once; the others wait for their turn, within [`SIGNED_LIMIT`].
const SIGNATURES_AT_ONCE: usize = 2;
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
    /// Room for those whose signature is made.
    signing: Arc<Semaphore>,
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
        let signing = Arc::new(Semaphore::new(SIGNATURES_AT_ONCE));
        Ok(Self { pair, state, signing })
    }

    /// Shakes hands with whoever has come.
    ///
    /// # Errors
    /// It speaks no TLS, none that we do, or not in time.
    pub(super) async fn accept(
        self: &Arc<Self>,
        stream: TcpStream,
        turn: &Turn,
    ) -> io::Result<TlsStream<TcpStream>> {
        if self.has_to_look(Instant::now()) {
            let tls = Arc::clone(self);
            let _ = timeout(LOOK_LIMIT, spawn_blocking(move || tls.look())).await;
        }
        // Whoever is slow with its first words takes no room of those who sign.
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream);
        let hello = timeout(HANDSHAKE_LIMIT, hello).await??;
        let ours = turn.ours();
        let signed = timeout(SIGNED_LIMIT, self.sign(hello)).await??;
        drop(ours);
        timeout(HANDSHAKE_LIMIT, signed).await?
    }

    /// Answers a peer's first words once its turn has come.
    async fn sign(&self, hello: StartHandshake<TcpStream>) -> io::Result<Accept<TcpStream>> {
        let room = Arc::clone(&self.signing).acquire_owned().await.map_err(io::Error::other)?;
        if has_left(&hello.io).await {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        let current = Arc::clone(&self.lock().current);
        let signed = spawn_blocking(move || {
            let _room = room;
            hello.into_stream(current)
        });
        signed.await.map_err(io::Error::other)
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

/// The peer has closed its side, or the connection is broken.
async fn has_left(stream: &TcpStream) -> bool {
    poll_fn(|cx| {
        let mut byte = [0];
        let peeked = stream.poll_peek(cx, &mut ReadBuf::new(&mut byte));
        Poll::Ready(matches!(peeked, Poll::Ready(Ok(0) | Err(_))))
    })
    .await
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

    /// The first words of a client that knows TLS 1.2 and 1.3.
    fn hello() -> Vec<u8> {
        let trust = crate::net::tls::plain_only().unwrap();
        let name = "localhost".try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(trust), name).unwrap();
        let mut words = Vec::new();
        client.write_tls(&mut words).unwrap();
        words
    }

    fn issued(folder: &tempfile::TempDir) -> Arc<Tls> {
        let pair = Pair { certificate: folder.path().join("crt"), key: folder.path().join("key") };
        issue(&pair);
        Arc::new(Tls::load(pair.certificate, pair.key, Instant::now()).unwrap())
    }

    #[tokio::test]
    async fn so_many_signatures_are_made_at_once_and_the_others_wait() {
        let folder = tempfile::tempdir().unwrap();
        let tls = issued(&folder);
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(port.local_addr().unwrap()).await.unwrap();
        let (stream, _) = port.accept().await.unwrap();
        let most = u32::try_from(SIGNATURES_AT_ONCE).unwrap();
        let busy = Arc::clone(&tls.signing).acquire_many_owned(most).await.unwrap();
        let shaking = Arc::clone(&tls);
        let mut shaking = Box::pin(async move { shaking.accept(stream, &Turn::of_peer()).await });
        tokio::io::AsyncWriteExt::write_all(&mut peer, &hello()).await.unwrap();
        let mut answer = [0; 1];
        let waited = timeout(Duration::from_millis(100), &mut shaking).await;
        assert!(waited.is_err(), "it did not wait for its turn");
        assert!(peer.try_read(&mut answer).is_err(), "it was answered out of turn");
        drop(busy);
        tokio::select! {
            _ = &mut shaking => panic!("it cannot have ended yet"),
            readable = peer.readable() => readable.unwrap(),
        }
        // 22: a record of the handshake.
        assert_eq!((peer.try_read(&mut answer).unwrap(), answer), (1, [22]));
        assert_eq!(tls.signing.available_permits(), SIGNATURES_AT_ONCE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_end_its_handshake_in_time_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let tls = issued(&folder);
        let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let whole = hello();
        for words in [&whole[..0], &whole[..9], &whole[..]] {
            let mut peer = TcpStream::connect(port.local_addr().unwrap()).await.unwrap();
            let (stream, _) = port.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut peer, words).await.unwrap();
            let begun = tokio::time::Instant::now();
            let ended =
                timeout(Duration::from_secs(60), tls.accept(stream, &Turn::of_peer())).await;
            assert_eq!(ended.expect("it ends").unwrap_err().kind(), io::ErrorKind::TimedOut);
            assert_eq!(begun.elapsed().as_secs(), 10);
            assert_eq!(tls.signing.available_permits(), SIGNATURES_AT_ONCE);
        }
    }
}
