//! TLS: the one provider and the client configurations that are made with it.

use std::sync::{Arc, Once};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::{CryptoProvider, ring},
    pki_types::CertificateDer,
};
use rustls_platform_verifier::Verifier;

/// Why a client configuration cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// This machine has no certificate store, or none that can be read: install one (on Debian the
    /// package `ca-certificates`), or turn TLS off.
    #[error("the certificates that this machine trusts cannot be read: {0}")]
    Roots(rustls::Error),
    /// The provider does not support the protocol versions that we ask for.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// The provider of all TLS in this program, made the process's default at the first call.
pub fn provider() -> Arc<CryptoProvider> {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // An embedding program that has chosen its own default keeps it; ours is passed explicitly.
        let _ = ring::default_provider().install_default();
    });
    Arc::new(ring::default_provider())
}

/// A client that trusts what this machine trusts, and the authorities in `extra`.
///
/// Reading the machine's certificates takes some milliseconds: do it once and only when needed.
///
/// # Errors
/// [`TlsError`] where there is nothing to trust.
pub fn client(extra: &[CertificateDer<'static>]) -> Result<ClientConfig, TlsError> {
    let provider = provider();
    let verifier = Verifier::new_with_extra_roots(extra.iter().cloned(), Arc::clone(&provider))
        .map_err(TlsError::Roots)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// A client that trusts nobody, for connections that are plain anyway: it reads no certificate.
///
/// # Errors
/// [`TlsError::Setup`].
pub fn plain_only() -> Result<ClientConfig, TlsError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(config)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_provider_can_be_asked_for_again_and_again() {
        provider();
        provider();
        assert!(CryptoProvider::get_default().is_some());
        plain_only().unwrap();
    }
}
