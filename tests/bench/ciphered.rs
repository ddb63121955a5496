//! TLS for the crowd: a certificate for this machine, and the client's side of a session.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use mio::net::TcpStream;
use musicdb_stream::net::tls::provider;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore,
    pki_types::{CertificateDer, ServerName},
};

/// A certificate in the two files that the server reads.
pub(crate) struct Issued {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    der: CertificateDer<'static>,
}

impl Issued {
    pub(crate) fn make(folder: &Path) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.join("server.crt"), folder.join("server.key"));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        Self { certificate, key, der: made.cert.der().clone() }
    }

    /// A client that trusts it and nobody else.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}

/// One session; what it says and hears goes over a socket that does not block.
pub(crate) struct Ciphered(ClientConnection);

impl Ciphered {
    /// A session that will say `request` behind its handshake.
    pub(crate) fn new(config: &Arc<ClientConfig>, request: &str) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        let mut session = ClientConnection::new(Arc::clone(config), name).unwrap();
        session.writer().write_all(request.as_bytes()).unwrap();
        Self(session)
    }

    /// Sends what it has to and hands on what has come; false: that was its end.
    pub(crate) fn exchange(
        &mut self,
        stream: &mut TcpStream,
        scratch: &mut [u8],
        mut take: impl FnMut(&[u8]),
    ) -> bool {
        let Self(session) = self;
        loop {
            while session.wants_write() {
                match session.write_tls(stream) {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => return false,
                }
            }
            match session.read_tls(stream) {
                Ok(0) => return false,
                Ok(_) => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
            if session.process_new_packets().is_err() {
                return false;
            }
            while let Ok(got @ 1..) = session.reader().read(scratch) {
                take(&scratch[..got]);
            }
        }
    }
}
