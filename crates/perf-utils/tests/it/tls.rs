//! Servers with a certificate of a company's own authority.

use std::sync::Arc;

use core_types::ErrorClass;
use perf_utils::{HttpConnectionPool, http::Error};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio_rustls::TlsAcceptor;

use crate::server::{Server, ok};

/// A server whose certificate names these hosts, and the authority behind it.
async fn server(hosts: &[&str]) -> (Server, Vec<u8>) {
    let authority_key = KeyPair::generate().expect("it works in a test");
    let mut authority = CertificateParams::new(Vec::new()).expect("it works in a test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_der = authority
        .self_signed(&authority_key)
        .expect("it works in a test")
        .der()
        .to_vec();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().expect("it works in a test");
    let names: Vec<String> = hosts.iter().map(ToString::to_string).collect();
    let certificate = CertificateParams::new(names)
        .expect("it works in a test")
        .signed_by(&key, &issuer)
        .expect("it works in a test");

    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("it works in a test")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(certificate.der().to_vec())],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .expect("it works in a test");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let accept = move |stream| {
        let acceptor = acceptor.clone();
        async move { acceptor.accept(stream).await.ok() }
    };
    let server = Server::start_over(accept, async |_| ok(r#""safe""#)).await;
    (server, authority_der)
}

#[tokio::test]
async fn a_trusted_server_is_spoken_with() {
    let (server, authority) = server(&["localhost", "127.0.0.1"]).await;
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{}", server.address.port());
        let pool = HttpConnectionPool::builder(&url)
            .authority(authority.clone())
            .build()
            .expect("it works in a test");
        for _ in 0..3 {
            let said: String = pool
                .get("/")
                .await
                .expect("it works in a test")
                .json()
                .expect("it works in a test");
            assert_eq!(said, "safe");
        }
        assert_eq!((pool.stats().opened, pool.stats().reused), (1, 2));
    }
}

#[tokio::test]
async fn another_server_is_not() {
    let (trusted, authority) = server(&["other.example"]).await;
    let url = format!("https://localhost:{}", trusted.address.port());
    let wrong_name = HttpConnectionPool::builder(&url)
        .authority(authority)
        .build()
        .expect("it works in a test");
    let unknown_authority = HttpConnectionPool::builder(&url)
        .build()
        .expect("it works in a test");
    for pool in [wrong_name, unknown_authority] {
        let error = pool.get("/").await.unwrap_err();
        assert!(matches!(error, Error::Untrusted { .. }), "{error:?}");
        assert_eq!(
            error.class(),
            ErrorClass::Validation,
            "trying again is of no use"
        );
    }
    assert_eq!(trusted.requests(), 0);
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_with_in_the_clear() {
    let server = Server::start(async |_| ok("{}")).await;
    let url = format!("https://localhost:{}", server.address.port());
    let pool = HttpConnectionPool::builder(&url)
        .secret_header("x", "y")
        .build()
        .expect("it works in a test");
    assert!(pool.get("/").await.is_err());
    assert_eq!(server.requests(), 0);
}

#[test]
fn an_authority_that_is_none_is_refused() {
    let pool = HttpConnectionPool::builder("https://example.com")
        .authority(vec![1, 2, 3])
        .build();
    assert!(matches!(pool, Err(Error::InvalidAuthority(_))));
}
