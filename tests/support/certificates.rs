//! Certificates for this machine, made for one test, and a client that trusts just them.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
};

use musicdb_stream::{net::tls::provider, server::TlsOptions};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName},
};

use super::radio::PATIENCE;

/// A connection to the server through TLS.
pub type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// A certificate in the two files that the server reads.
#[derive(Debug, Clone)]
pub struct Issued {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub der: CertificateDer<'static>,
}

impl Issued {
    /// Makes one for this machine; its files are overwritten where they are there.
    pub fn make(folder: &Path) -> Self {
        let names = ["localhost", "127.0.0.1"].map(str::to_owned).to_vec();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let issued = Self {
            certificate: folder.join("server.crt"),
            key: folder.join("server.key"),
            der: made.cert.der().clone(),
        };
        fs::write(&issued.certificate, made.cert.pem()).unwrap();
        fs::write(&issued.key, made.signing_key.serialize_pem()).unwrap();
        issued
    }

    /// A TLS port of the server with it.
    pub fn options(&self) -> TlsOptions {
        TlsOptions {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }

    /// Connects and shakes hands, trusting this certificate alone.
    pub fn connect(&self, address: SocketAddr) -> std::io::Result<TlsStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let socket = TcpStream::connect(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut stream = StreamOwned::new(session, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }

    /// The same, with a request behind it.
    pub fn send(&self, address: SocketAddr, request: &str) -> TlsStream {
        let mut stream = self.connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }
}

/// All that comes; the end has to be told, or a listener could not know it from a cut.
pub fn to_the_end(mut stream: TlsStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).expect("the end of the stream was told");
    all
}
