//! Who may look: one secret, and what is derived from it.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::Error;

/// Enough that nobody guesses it: 128 bits as hexadecimal digits.
const LEAST_TOKEN: usize = 32;

/// 256 random bits that one start of a dashboard draws. They are never shown; links, cookie and
/// form token are digests of them.
pub struct Secret([u8; 32]);

impl Secret {
    /// A secret of bits that must come from the system's source of randomness.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn derive(&self, purpose: &str, number: u64) -> String {
        let mut digest = Sha256::new();
        digest.update(self.0);
        digest.update(number.to_be_bytes());
        digest.update(purpose.as_bytes());
        hex(&digest.finalize())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What lets a browser in: a link that works once and gives it the cookie, and the form token
/// that each command must carry besides.
pub struct Access {
    secret: Secret,
    cookie: String,
    form_token: String,
    bearer: String,
    /// What lets a monitoring system in, to metrics and health alone.
    metrics_token: Option<String>,
    /// How many links have been used.
    used: AtomicU64,
    on_use: Notify,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("used", &self.used)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// Access by digests of `secret`.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self {
            cookie: secret.derive("cookie", 0),
            form_token: secret.derive("form", 0),
            bearer: secret.derive("bearer", 0),
            metrics_token: None,
            secret,
            used: AtomicU64::new(0),
            on_use: Notify::new(),
        }
    }

    /// Lets whoever sends `token` as `Authorization: Bearer …` read `/metrics` and `/api/health`, and
    /// nothing else: one that stays the same from start to start, for a monitoring system elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::WeakToken`] for one of less than 32 characters, or with others than visible ASCII.
    pub fn with_metrics_token(mut self, token: &str) -> Result<Self, Error> {
        let is_visible = token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.len() < LEAST_TOKEN || !is_visible {
            return Err(Error::WeakToken);
        }
        self.metrics_token = Some(token.to_owned());
        Ok(self)
    }

    /// The code of the link that works now, 64 hexadecimal digits.
    #[must_use]
    pub fn link_code(&self) -> String {
        self.secret
            .derive("link", self.used.load(Ordering::Acquire))
    }

    /// What a program sends as `Authorization: Bearer …`; whoever has it may do all that the
    /// dashboard allows.
    #[must_use]
    pub fn bearer(&self) -> &str {
        &self.bearer
    }

    /// Waits until a link has been used, so that a program can print the next one.
    ///
    /// # Cancel safety
    ///
    /// A use that happens while nobody waits is reported to the next call, several as one.
    pub async fn link_used(&self) {
        self.on_use.notified().await;
    }

    /// Whether `code` is the link's; of several who ask at once with the same code, one is let in.
    pub(super) fn redeem(&self, code: &str) -> bool {
        let used = self.used.load(Ordering::Acquire);
        let is_right = same(code, &self.secret.derive("link", used));
        let is_first = is_right
            && self
                .used
                .compare_exchange(used, used + 1, Ordering::AcqRel, Ordering::Acquire)
                .is_ok();
        if is_first {
            self.on_use.notify_one();
        }
        is_first
    }

    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    pub(super) fn is_cookie(&self, value: &str) -> bool {
        same(value, &self.cookie)
    }

    pub(super) fn is_bearer(&self, value: &str) -> bool {
        same(value, &self.bearer)
    }

    pub(super) fn is_metrics_token(&self, value: &str) -> bool {
        self.metrics_token
            .as_deref()
            .is_some_and(|token| same(value, token))
    }

    pub(super) fn form_token(&self) -> &str {
        &self.form_token
    }

    pub(super) fn is_form_token(&self, value: &str) -> bool {
        same(value, &self.form_token)
    }
}

/// Compares in a time that depends on nothing but the lengths.
fn same(left: &str, right: &str) -> bool {
    let differences = left
        .bytes()
        .zip(right.bytes())
        .fold(0, |differences, (left, right)| {
            std::hint::black_box(differences | (left ^ right))
        });
    left.len() == right.len() && differences == 0
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
