use std::{fmt, sync::Arc, time::Duration};

use core_types::{Clock, SystemClock};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use rustls::pki_types::CertificateDer;

use super::{
    Error, HttpConnectionPool,
    base::Base,
    connect::tls_config,
    pool::{Limits, Shared},
};

/// Sets a pool up; from [`HttpConnectionPool::builder`].
pub struct HttpConnectionPoolBuilder {
    url: String,
    max_connections: usize,
    max_keepalive_connections: usize,
    limits: Limits,
    idle_timeout: Duration,
    headers: Vec<(String, String, Secrecy)>,
    authorities: Vec<CertificateDer<'static>>,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Secrecy {
    Public,
    Secret,
}

impl HttpConnectionPoolBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            max_connections: 10,
            max_keepalive_connections: 5,
            limits: Limits {
                timeout: Duration::from_secs(30),
                connect_timeout: Duration::from_secs(10),
                max_body_bytes: 16 << 20,
            },
            idle_timeout: Duration::from_secs(60),
            headers: Vec::new(),
            authorities: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }

    /// How many connections are open at most, idle ones included; 10 by default. More requests wait.
    #[must_use]
    pub fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// How many connections stay open while nobody needs one; 5 by default. While requests wait, a
    /// connection that becomes free is theirs, whatever this number. With 0 none stays.
    #[must_use]
    pub fn max_keepalive_connections(mut self, max_keepalive_connections: usize) -> Self {
        self.max_keepalive_connections = max_keepalive_connections;
        self
    }

    /// How long a request may take in all: waiting for a connection, opening one, sending, reading
    /// the whole answer; 30 s by default.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// How long opening a connection may take of that, its TLS included; 10 s by default.
    #[must_use]
    pub fn connect_timeout(mut self, connect_timeout: Duration) -> Self {
        self.limits.connect_timeout = connect_timeout;
        self
    }

    /// How long a connection may be idle and still be used; 60 s by default, which is below what
    /// common servers allow.
    #[must_use]
    pub fn idle_timeout(mut self, idle_timeout: Duration) -> Self {
        self.idle_timeout = idle_timeout;
        self
    }

    /// How large an answer's body may be; 16 MiB by default.
    #[must_use]
    pub fn max_body_bytes(mut self, max_body_bytes: usize) -> Self {
        self.limits.max_body_bytes = max_body_bytes;
        self
    }

    /// A header of every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .push((name.to_owned(), value.to_owned(), Secrecy::Public));
        self
    }

    /// A header of every request whose value no debug output shows, such as `Authorization`.
    #[must_use]
    pub fn secret_header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .push((name.to_owned(), value.to_owned(), Secrecy::Secret));
        self
    }

    /// A certificate authority (DER) to trust beside the web's: a company's own.
    #[must_use]
    pub fn authority(mut self, certificate: Vec<u8>) -> Self {
        self.authorities.push(certificate.into());
        self
    }

    /// The clock by which a `Retry-After` in seconds becomes a time; the system's by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The pool. Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// A base URL, header or authority that is not valid, or a zero; class `Validation`.
    pub fn build(self) -> Result<HttpConnectionPool, Error> {
        let zeros = [
            ("max_connections", self.max_connections == 0),
            ("timeout", self.limits.timeout.is_zero()),
            ("connect_timeout", self.limits.connect_timeout.is_zero()),
            ("idle_timeout", self.idle_timeout.is_zero()),
            ("max_body_bytes", self.limits.max_body_bytes == 0),
        ];
        if let Some((option, _)) = zeros.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(Error::ZeroOption { option });
        }
        let base = Base::parse(&self.url)?;
        let mut headers = HeaderMap::new();
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static("automation-engine"),
        );
        for (name, value, secrecy) in self.headers {
            let invalid = || Error::InvalidHeader { name: name.clone() };
            let key = HeaderName::try_from(&name).map_err(|_| invalid())?;
            let mut value = HeaderValue::try_from(value).map_err(|_| invalid())?;
            // What frames a message is hyper's alone to say, and the host is pinned.
            if [
                header::HOST,
                header::CONTENT_LENGTH,
                header::TRANSFER_ENCODING,
            ]
            .contains(&key)
            {
                return Err(invalid());
            }
            let is_credential = [header::AUTHORIZATION, header::COOKIE].contains(&key);
            value.set_sensitive(is_credential || secrecy == Secrecy::Secret);
            headers.insert(key, value);
        }
        headers.insert(header::HOST, base.authority.clone());
        let tls = tls_config(self.authorities)?;
        Ok(HttpConnectionPool::new(Shared::new(
            base,
            headers,
            tls,
            self.limits,
            self.clock,
            (
                self.max_connections,
                self.max_keepalive_connections,
                self.idle_timeout,
            ),
        )))
    }
}

impl fmt::Debug for HttpConnectionPoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self
            .headers
            .iter()
            .map(|(name, ..)| name.as_str())
            .collect();
        f.debug_struct("HttpConnectionPoolBuilder")
            .field("max_connections", &self.max_connections)
            .field("max_keepalive_connections", &self.max_keepalive_connections)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}
