//! git over HTTP.

use std::{io, process::Stdio};

use hyper::{Response, body::Bytes, header};
use tokio::io::AsyncWriteExt as _;

use super::{
    exchange::unbase64,
    world::{Answer, World, finished},
};

impl World {
    /// git over HTTP, by git's own program for it.
    #[expect(
        clippy::disallowed_methods,
        reason = "fixtures must not depend on the crate whose tests they serve"
    )]
    pub(super) async fn git(
        &self,
        head: &hyper::http::request::Parts,
        body: Bytes,
    ) -> io::Result<Answer> {
        let text = |name: header::HeaderName| {
            let value = head.headers.get(name);
            value.and_then(|it| it.to_str().ok()).unwrap_or_default()
        };
        let authorization = text(header::AUTHORIZATION);
        let login = self.login_of(authorization);
        let Some(login) = login else {
            let answer = Response::builder().status(401);
            let answer = answer.header(header::WWW_AUTHENTICATE, "Basic realm=\"Gitea\"");
            return Ok(finished(answer, Bytes::new()));
        };
        let mut child = tokio::process::Command::new("git")
            .arg("http-backend")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_PROJECT_ROOT", &self.folder)
            .env("GIT_HTTP_EXPORT_ALL", "1")
            .env("PATH_INFO", head.uri.path())
            .env("QUERY_STRING", head.uri.query().unwrap_or_default())
            .env("REQUEST_METHOD", head.method.as_str())
            .env("CONTENT_TYPE", text(header::CONTENT_TYPE))
            .env("CONTENT_LENGTH", body.len().to_string())
            .env("HTTP_CONTENT_ENCODING", text(header::CONTENT_ENCODING))
            .env(
                "GIT_PROTOCOL",
                text(header::HeaderName::from_static("git-protocol")),
            )
            .env("REMOTE_USER", &login)
            .env("REMOTE_ADDR", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut input = child.stdin.take().expect("it is piped");
        let writing = async move {
            // What it does not want to read, its answer explains.
            drop(input.write_all(&body).await);
        };
        let (output, ()) = tokio::join!(child.wait_with_output(), writing);
        let output = output?.stdout;
        let end = output
            .windows(4)
            .position(|it| it == b"\r\n\r\n")
            .unwrap_or(0);
        let mut answer = Response::builder();
        for line in String::from_utf8_lossy(&output[..end]).lines() {
            let Some((name, value)) = line.split_once(": ") else {
                continue;
            };
            answer = match name {
                "Status" => answer.status(value.get(..3).unwrap_or("500")),
                _ => answer.header(name, value),
            };
        }
        let body = output.get(end + 4..).unwrap_or_default().to_vec();
        Ok(finished(answer, body.into()))
    }

    /// Who a password that is a token belongs to.
    fn login_of(&self, authorization: &str) -> Option<String> {
        let basic = authorization.strip_prefix("Basic ")?;
        let state = self.state();
        let found = state.accounts.iter().find(|(token, _)| {
            // The user's name counts for nothing, as in the real one.
            unbase64(basic)
                .is_some_and(|pair| pair.split_once(':').is_some_and(|it| it.1 == **token))
        });
        found.map(|(_, login)| login.clone())
    }
}
