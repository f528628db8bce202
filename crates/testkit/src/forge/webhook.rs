use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use ring::hmac::{HMAC_SHA256, Key, sign};

use super::Dialect;

/// A delivery that a forge sends, or somebody in its name.
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// The kind of forge.
    pub dialect: Dialect,
    /// Its id.
    pub delivery: &'a str,
    /// What it says.
    pub body: &'a str,
    /// By what it is signed.
    pub signature: Signature<'a>,
}

/// By what a delivery is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signature<'a> {
    /// This secret.
    By(&'a str),
    /// Nothing.
    None,
}

impl Webhook<'_> {
    /// Sends it to `host:port` and returns the status of the answer, or 0 where the connection ends without one.
    ///
    /// # Panics
    ///
    /// When nobody listens there.
    #[must_use]
    pub fn send(&self, address: &str) -> u16 {
        let (path, id, signature) = match self.dialect {
            Dialect::Gitea => ("gitea", "X-Gitea-Delivery", "X-Gitea-Signature: "),
            Dialect::GitHub => (
                "github",
                "X-GitHub-Delivery",
                "X-Hub-Signature-256: sha256=",
            ),
            Dialect::GitLab => ("gitlab", "X-Gitlab-Event-UUID", "X-Gitlab-Token: "),
        };
        let mut head = format!(
            "POST /webhooks/{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n{id}: {}\r\n",
            self.body.len(),
            self.delivery
        );
        if let Signature::By(secret) = self.signature {
            let tag = sign(
                &Key::new(HMAC_SHA256, secret.as_bytes()),
                self.body.as_bytes(),
            );
            let tag: String = match self.dialect {
                // It sends the secret itself.
                Dialect::GitLab => secret.to_owned(),
                _ => tag.as_ref().iter().map(|it| format!("{it:02x}")).collect(),
            };
            head.push_str(&format!("{signature}{tag}\r\n"));
        }
        let mut stream = TcpStream::connect(address).expect("somebody listens there");
        let patience = Some(Duration::from_secs(30));
        stream.set_read_timeout(patience).expect("it can be set");
        let request = format!("{head}\r\n{}", self.body);
        // Who has read enough may close before all is sent.
        drop(stream.write_all(request.as_bytes()));
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer));
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1);
        status.and_then(|it| it.parse().ok()).unwrap_or(0)
    }
}
