//! TLS, without which no other machine may reach the dashboard.

use std::{fmt, sync::Arc};

use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

use crate::dashboard::Error;

/// A certificate and its key.
#[derive(Clone)]
pub struct Tls(pub(super) TlsAcceptor);

impl Tls {
    /// Reads a chain of certificates, the server's first, and its private key, both as PEM.
    ///
    /// # Errors
    ///
    /// Validation, where one of them cannot be read or they do not belong together.
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, Error> {
        let refuse =
            |source: Box<dyn std::error::Error + Send + Sync>| Error::Certificate { source };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(certificates)
            .collect::<Result<_, _>>()
            .map_err(|error| refuse(error.into()))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| refuse(error.into()))?;
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| refuse(error.into()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| refuse(error.into()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}
