//! Opens connections: TCP, and TLS where the base URL says so.

use std::{io, sync::Arc, time::Duration};

use rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Error, Phase, base::Base, connection::Connection};

/// What a connection is made of; one more pointer is nothing beside a system call.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The configuration of TLS: ring, TLS 1.2 and 1.3, the web's authorities and those given.
pub(super) fn tls_config(authorities: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for authority in authorities {
        roots.add(authority).map_err(Error::InvalidAuthority)?;
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Error::InvalidAuthority)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// A new connection to the base's server.
pub(super) async fn connect(
    base: &Base,
    tls: &Arc<ClientConfig>,
    limit: Duration,
) -> Result<Connection, Error> {
    let opening = timeout(limit, async {
        let stream = open(base, tls).await?;
        Connection::new(stream)
            .await
            .map_err(|source| Error::Exchange {
                origin: base.origin.to_string(),
                may_have_acted: false,
                source,
            })
    });
    opening.await.unwrap_or_else(|_| {
        Err(Error::TimedOut {
            origin: base.origin.to_string(),
            phase: Phase::Connecting,
            limit,
            may_have_acted: false,
        })
    })
}

async fn open(base: &Base, tls: &Arc<ClientConfig>) -> Result<Box<dyn Stream>, Error> {
    let unreachable = |source| Error::Connect {
        origin: base.origin.to_string(),
        source,
    };
    let tcp = TcpStream::connect((base.host.as_str(), base.port))
        .await
        .map_err(unreachable)?;
    // A request is one small write; waiting for more only delays it.
    tcp.set_nodelay(true).map_err(unreachable)?;
    let Some(name) = &base.tls_name else {
        return Ok(Box::new(tcp));
    };
    let connector = TlsConnector::from(Arc::clone(tls));
    match connector.connect(name.clone(), tcp).await {
        Ok(stream) => Ok(Box::new(stream)),
        // rustls reports what it refuses as invalid data; all else is the network.
        Err(source) if source.kind() == io::ErrorKind::InvalidData => Err(Error::Untrusted {
            origin: base.origin.to_string(),
            source,
        }),
        Err(source) => Err(unreachable(source)),
    }
}
