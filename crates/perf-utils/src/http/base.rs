//! The base URL, which pins scheme, host and port, and the paths below it.

use std::sync::Arc;

use core_types::without_user;
use http::{HeaderValue, Uri, uri::PathAndQuery};
use rustls::pki_types::ServerName;

use super::Error;

#[derive(Debug)]
pub(super) struct Base {
    /// For messages: `https://host:port`.
    pub(super) origin: Arc<str>,
    /// A name or an address, without the brackets of IPv6.
    pub(super) host: String,
    pub(super) port: u16,
    /// For the header `Host`: with the port where the URL has one.
    pub(super) authority: HeaderValue,
    /// The name that the certificate must show; `None` without TLS.
    pub(super) tls_name: Option<ServerName<'static>>,
    /// The path of the base URL without a slash at its end; often empty.
    prefix: String,
}

impl Base {
    pub(super) fn parse(url: &str) -> Result<Self, Error> {
        let refuse = |why| Error::InvalidBase {
            url: without_user(url).into_owned(),
            why,
        };
        let uri: Uri = url.parse().map_err(|_| refuse("expected a URL"))?;
        let with_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refuse("expected `https://` or `http://`")),
        };
        let authority = uri.authority().ok_or_else(|| refuse("expected a host"))?;
        if authority.as_str().contains('@') {
            return Err(refuse(
                "expected no user; give credentials as a secret header",
            ));
        }
        if url.contains(['?', '#']) {
            return Err(refuse("expected no query and no fragment"));
        }
        let port = match authority.port() {
            Some(port) => port.as_u16(),
            // The parser takes a colon without a number, or with too large a one.
            None if authority.as_str().len() > authority.host().len() => {
                return Err(refuse("expected a port from 1 to 65535"));
            }
            None if with_tls => 443,
            None => 80,
        };
        let host = authority
            .host()
            .trim_matches(['[', ']'])
            .to_ascii_lowercase();
        if host.is_empty() || port == 0 {
            return Err(refuse("expected a host, and no port 0"));
        }
        let tls_name = with_tls
            .then(|| ServerName::try_from(host.clone()))
            .transpose()
            .map_err(|_| refuse("expected a host name or address"))?;
        let prefix = uri.path().trim_end_matches('/').to_owned();
        if let Some(why) = wrong_in(&prefix) {
            return Err(refuse(why));
        }
        let scheme = if with_tls { "https" } else { "http" };
        let shown_host = authority.host().to_ascii_lowercase();
        Ok(Self {
            origin: format!("{scheme}://{shown_host}:{port}").into(),
            authority: HeaderValue::from_str(&authority.as_str().to_ascii_lowercase())
                .map_err(|_| refuse("expected a host name or address"))?,
            host,
            port,
            tls_name,
            prefix,
        })
    }

    /// The path below the base, with its query, of where an answer says that something is; `None` for another server,
    /// and for what is not below the base.
    pub(super) fn path_of(&self, location: &str) -> Option<String> {
        let uri: Uri = location.parse().ok()?;
        if let Some(authority) = uri.authority() {
            let scheme = uri.scheme_str()?;
            let default = if scheme == "https" { 443 } else { 80 };
            let is_here = (scheme == "https") == self.tls_name.is_some()
                && authority
                    .host()
                    .trim_matches(['[', ']'])
                    .eq_ignore_ascii_case(&self.host)
                && authority.port_u16().unwrap_or(default) == self.port
                && !authority.as_str().contains('@');
            if !is_here {
                return None;
            }
        }
        let path = uri.path_and_query()?.as_str().strip_prefix(&self.prefix)?;
        path.starts_with('/').then(|| path.to_owned())
    }

    /// The target of a request: the path, with its query, below the base's own.
    pub(super) fn target(&self, path: &str) -> Result<PathAndQuery, Error> {
        let refuse = |why| Error::InvalidPath {
            path: path.to_owned(),
            why,
        };
        if !path.starts_with('/') {
            return Err(refuse("expected a `/` at its beginning"));
        }
        if path.starts_with("//") {
            return Err(refuse("expected one `/` at its beginning"));
        }
        if !path.bytes().all(|byte| byte.is_ascii_graphic()) || path.contains(['\\', '#']) {
            return Err(refuse(
                "expected visible ASCII without `\\` and `#`; encode others with %",
            ));
        }
        let (only_path, _) = path.split_once('?').unwrap_or((path, ""));
        if let Some(why) = wrong_in(only_path) {
            return Err(refuse(why));
        }
        PathAndQuery::try_from(format!("{}{path}", self.prefix))
            .map_err(|_| refuse("expected a path with an optional query"))
    }
}

/// Servers and proxies resolve `..` before or after they decode, so both are looked at. An encoded
/// slash alone is fine: GitLab's project paths need it.
fn wrong_in(path: &str) -> Option<&'static str> {
    if !path.contains(['.', '%']) {
        return None;
    }
    let decoded = path.to_ascii_lowercase().replace("%2e", ".");
    let decoded = decoded.replace("%2f", "/").replace("%5c", "/");
    let mut segments = decoded.split('/');
    segments
        .any(|segment| matches!(segment, "." | ".."))
        .then_some("expected no `.` or `..` as a segment")
}

/// Whether nobody can read on the way what is sent to a URL: it is encrypted, or stays on this machine.
#[must_use]
pub fn keeps_secrets(url: &str) -> bool {
    const PLAIN: &str = "http://";
    let is_plain = url.get(..PLAIN.len());
    if !is_plain.is_some_and(|start| start.eq_ignore_ascii_case(PLAIN)) {
        // What else is wrong with it, a pool says.
        return true;
    }
    let authority = url[PLAIN.len()..].split(['/', '?', '#']).next();
    let authority = authority.unwrap_or_default();
    // What stands before an `@` is no host.
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_out_encrypted_or_stay_here() {
        for url in [
            "https://example.com",
            "http://localhost:8080/v1",
            "http://127.0.0.1",
            "http://[::1]:80/",
        ] {
            assert!(keeps_secrets(url), "{url}");
        }
        for url in [
            "http://example.com",
            "HTTP://example.com/",
            "hTTp://10.0.0.1",
            "http://localhost:8080@example.com/",
            "http://example.com?@localhost",
            "http://localhost.example.com",
        ] {
            assert!(!keeps_secrets(url), "{url}");
        }
    }
}
