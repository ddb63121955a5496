//! The certificate and its key, as they lie in two PEM files.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustls::{
    Error, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use crate::net::tls::provider;

/// A PEM file is not larger: bytes. A chain of four certificates has some 8 KiB.
const MAX_PEM: u64 = 1 << 20;
/// What is spoken inside; others, such as `h2`, are refused in the handshake.
const PROTOCOLS: [&[u8]; 2] = [b"http/1.1", b"http/1.0"];

/// Where certificate and key lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::server) struct Pair {
    pub(in crate::server) certificate: PathBuf,
    pub(in crate::server) key: PathBuf,
}

/// Why a certificate cannot be used. The files have to be changed as the message says.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The file is not there, no file, or closed to this user: correct the path or its rights.
    #[error(
        "{setting} cannot be read from {path}: {source}. Correct the path, or let this user read it"
    )]
    Unreadable {
        /// Which setting names it.
        setting: &'static str,
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is readable and holds something else: put the right one there.
    #[error("{setting}: {path} holds {found}. {remedy}")]
    WrongContent {
        /// Which setting names it.
        setting: &'static str,
        /// Where it lies.
        path: PathBuf,
        /// What was found instead.
        found: &'static str,
        /// What has to be there.
        remedy: &'static str,
    },
    /// Each is whole, and they do not belong together: take both from the same issue.
    #[error(
        "the key in {key} does not belong to the first certificate in {certificate}. Set server.tls_certificate and server.tls_key to files of the same issue, the server's own certificate first"
    )]
    Mismatch {
        /// Where the certificate lies.
        certificate: PathBuf,
        /// Where the key lies.
        key: PathBuf,
    },
    /// The certificate or the key is of a kind that TLS cannot use: have another one issued.
    #[error(
        "the certificate in {certificate} cannot be used: {source}. Have one issued with an ECDSA, Ed25519 or RSA key"
    )]
    Unusable {
        /// Where it lies.
        certificate: PathBuf,
        /// What is wrong with it.
        source: Error,
    },
}

/// What tells one state of the two files from another, without reading them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp([Option<FileStamp>; 2]);

/// A file's identity, size and time of change. A file that is not there has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileStamp {
    modified: Option<SystemTime>,
    len: u64,
    /// Renamed into its place, as renewals do it, a file keeps its old time.
    inode: u64,
}

impl Pair {
    /// How the files are now. Waits for the disk.
    pub(super) fn stamp(&self) -> Stamp {
        let stamp = |path| fs::metadata(path).ok().map(|metadata| FileStamp::of(&metadata));
        Stamp([stamp(&self.certificate), stamp(&self.key)])
    }

    /// Reads both files and makes of them what a handshake needs: TLS 1.2 and 1.3, no certificate
    /// asked of the client. Waits for the disk.
    pub(super) fn load(&self) -> Result<ServerConfig, CertificateError> {
        let chain = self.chain()?;
        let key = self.key()?;
        let unusable =
            |source| CertificateError::Unusable { certificate: self.certificate.clone(), source };
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                Error::InconsistentKeys(_) => CertificateError::Mismatch {
                    certificate: self.certificate.clone(),
                    key: self.key.clone(),
                },
                source => unusable(source),
            })?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(config)
    }

    fn chain(&self) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
        let (setting, path) = ("server.tls_certificate", &self.certificate);
        let pem = read(setting, path)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        let wrong = |found| CertificateError::WrongContent {
            setting,
            path: path.clone(),
            found,
            remedy: "It has to hold the server's certificate and those between it and its authority, as PEM",
        };
        match chain {
            Ok(chain) if chain.is_empty() => Err(wrong("no certificate")),
            Ok(chain) => Ok(chain),
            Err(_) => Err(wrong("PEM that is damaged")),
        }
    }

    fn key(&self) -> Result<PrivateKeyDer<'static>, CertificateError> {
        let (setting, path) = ("server.tls_key", &self.key);
        let pem = read(setting, path)?;
        PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
            let is_locked = memchr::memmem::find(&pem, b"ENCRYPTED").is_some();
            let (found, remedy) = if is_locked {
                (
                    "a key that is locked with a password",
                    "Unlock it with `openssl pkey -in LOCKED -out OPEN`",
                )
            } else {
                ("no private key", "It has to hold the certificate's private key, as PEM")
            };
            CertificateError::WrongContent { setting, path: path.clone(), found, remedy }
        })
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, CertificateError> {
    let unreadable =
        |source| CertificateError::Unreadable { setting, path: path.to_owned(), source };
    // A pipe without a writer would never be opened.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "it is no file")));
    }
    let mut pem = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(MAX_PEM).read_to_end(&mut pem).map_err(unreadable)?;
    Ok(pem)
}

impl FileStamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let inode = 0;
        Self { modified: metadata.modified().ok(), len: metadata.len(), inode }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issue(folder: &Path, name: &str) -> Pair {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let pair = Pair {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        };
        fs::write(&pair.certificate, made.cert.pem()).unwrap();
        fs::write(&pair.key, made.signing_key.serialize_pem()).unwrap();
        pair
    }

    fn refused(pair: &Pair) -> String {
        pair.load().unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named_with_file_reason_and_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (issue(folder.path(), "one"), issue(folder.path(), "other"));
        one.load().unwrap();
        let missing = Pair { key: folder.path().join("none"), ..one.clone() };
        let said = refused(&missing);
        let reason = format!("none: {}", fs::read(&missing.key).unwrap_err());
        assert!(said.contains("server.tls_key") && said.contains(&reason), "{said}");
        let directory = Pair { certificate: folder.path().to_owned(), ..one.clone() };
        assert!(refused(&directory).contains("no file"), "{}", refused(&directory));
        let crossed = Pair { certificate: one.key.clone(), key: one.certificate.clone() };
        assert!(refused(&crossed).contains("holds no certificate"), "{}", refused(&crossed));
        let keyless = Pair { key: one.certificate.clone(), ..one.clone() };
        assert!(refused(&keyless).contains("holds no private key"), "{}", refused(&keyless));
        let mixed = Pair { key: other.key.clone(), ..one.clone() };
        assert!(matches!(mixed.load().unwrap_err(), CertificateError::Mismatch { .. }));
        let said = refused(&mixed);
        assert!(said.contains("other.key") && said.contains("one.crt"), "{said}");
    }

    #[test]
    fn damaged_and_locked_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let pair = issue(folder.path(), "a");
        let certificate = fs::read_to_string(&pair.certificate).unwrap();
        fs::write(&pair.certificate, certificate.replace("\nMII", "\n***")).unwrap();
        assert!(refused(&pair).contains("damaged"), "{}", refused(&pair));
        fs::write(&pair.certificate, certificate).unwrap();
        let locked =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
        fs::write(&pair.key, locked).unwrap();
        assert!(refused(&pair).contains("openssl pkey"), "{}", refused(&pair));
    }

    #[test]
    fn a_stamp_changes_with_every_way_to_replace_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (pair, other) = (issue(folder.path(), "a"), issue(folder.path(), "b"));
        let first = pair.stamp();
        assert_eq!(pair.stamp(), first);
        fs::rename(&other.key, &pair.key).unwrap();
        let second = pair.stamp();
        assert_ne!(second, first);
        fs::remove_file(&pair.certificate).unwrap();
        assert_ne!(pair.stamp(), second);
    }
}
