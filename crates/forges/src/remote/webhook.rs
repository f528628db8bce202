//! Who sent a delivery: the signatures of webhooks, each forge in its way.
//!
//! A signature is made with a secret that the forge and we share, over the body as it came. It is compared
//! in constant time, before anything in the body is looked at.
//!
//! ```
//! use forges::remote::{Secret, webhook::{Delivery, Sender}};
//!
//! let secret = Secret::new("It's a Secret to Everybody".into());
//! let headers = [(
//!     "X-Hub-Signature-256",
//!     "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
//! )];
//! let delivery = Delivery::new(&headers, b"Hello, World!");
//! assert!(Sender::GitHub.is_signed(&delivery, &secret, 0));
//! assert!(!Sender::Gitea.is_signed(&delivery, &secret, 0));
//! ```
//!
//! # Limits
//!
//! Only GitLab's newer signatures hold a time. What else was recorded on its way may be sent again:
//! [`Sender::marks`] tells such a one from a new one.

use ring::hmac::{HMAC_SHA256, Key, sign, verify};

use super::{Secret, base64};

/// How old a signature may be, and how far a forge's clock may be ahead of ours.
const MAX_AGE_S: u64 = 300;

/// A request by which a forge tells that something has happened.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    headers: &'a [(&'a str, &'a str)],
    body: &'a [u8],
}

/// Which kind of forge sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sender {
    /// Gitea or Forgejo.
    Gitea,
    /// GitHub, or GitHub Enterprise Server.
    GitHub,
    /// GitLab.
    GitLab,
}

impl<'a> Delivery<'a> {
    /// A request with these headers and this body, byte for byte as it came.
    #[must_use]
    pub const fn new(headers: &'a [(&'a str, &'a str)], body: &'a [u8]) -> Self {
        Self { headers, body }
    }

    /// The value of a header that came once; one that came twice says nothing.
    fn header(&self, name: &str) -> Option<&'a str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(it, _)| it.eq_ignore_ascii_case(name));
        match (found.next(), found.next()) {
            (Some((_, value)), None) => Some(value.trim()),
            _ => None,
        }
    }
}

impl Sender {
    /// The kind of that name, as in the configuration.
    #[must_use]
    pub fn of_kind(kind: &str) -> Option<Self> {
        match kind {
            "gitea" => Some(Self::Gitea),
            "github" => Some(Self::GitHub),
            "gitlab" => Some(Self::GitLab),
            _ => None,
        }
    }

    /// Whether whoever sent it knows the secret. `now` is in seconds since 1970. What is not signed is not.
    #[must_use]
    pub fn is_signed(self, delivery: &Delivery<'_>, secret: &Secret, now: u64) -> bool {
        let secret = secret.expose().as_bytes();
        // With an empty key everybody can sign.
        if secret.is_empty() {
            return false;
        }
        match self {
            Self::Gitea => {
                // Forgejo sends both, and means its own.
                let own = delivery.header("X-Forgejo-Signature");
                let signature = own.or_else(|| delivery.header("X-Gitea-Signature"));
                signature.is_some_and(|it| is_hex_signature(it, secret, delivery.body))
            }
            Self::GitHub => delivery
                .header("X-Hub-Signature-256")
                .and_then(|it| it.strip_prefix("sha256="))
                .is_some_and(|it| is_hex_signature(it, secret, delivery.body)),
            Self::GitLab => match delivery.header("webhook-signature") {
                Some(signatures) => is_standard(delivery, signatures, secret, now),
                None => delivery
                    .header("X-Gitlab-Token")
                    .is_some_and(|token| is_same(token.as_bytes(), secret)),
            },
        }
    }

    /// What tells a delivery that was sent again: its id, and what it was signed with, since an id is no part
    /// of what is signed.
    #[must_use]
    pub fn marks(self, delivery: &Delivery<'_>) -> Vec<String> {
        let names: &[&str] = match self {
            Self::Gitea => &[
                "X-Forgejo-Delivery",
                "X-Gitea-Delivery",
                "X-Forgejo-Signature",
                "X-Gitea-Signature",
            ],
            Self::GitHub => &["X-GitHub-Delivery", "X-Hub-Signature-256"],
            Self::GitLab => &["webhook-id", "X-Gitlab-Event-UUID", "webhook-signature"],
        };
        let found = names
            .iter()
            .filter_map(|name| Some(format!("{name}={}", delivery.header(name)?)));
        found.collect()
    }
}

fn is_hex_signature(signature: &str, secret: &[u8], body: &[u8]) -> bool {
    let Some(tag) = from_hex(signature) else {
        return false;
    };
    verify(&Key::new(HMAC_SHA256, secret), body, &tag).is_ok()
}

/// Standard Webhooks, as GitLab signs: over id, time and body, with a secret that may be written as base64.
fn is_standard(delivery: &Delivery<'_>, signatures: &str, secret: &[u8], now: u64) -> bool {
    let (Some(id), Some(time)) = (
        delivery.header("webhook-id"),
        delivery.header("webhook-timestamp"),
    ) else {
        return false;
    };
    let is_recent = |sent: u64| sent.abs_diff(now) <= MAX_AGE_S;
    if !time.parse().is_ok_and(is_recent) {
        return false;
    }
    let encoded = secret
        .strip_prefix(b"whsec_")
        .and_then(|it| base64::decode(std::str::from_utf8(it).ok()?));
    let key = Key::new(HMAC_SHA256, encoded.as_deref().unwrap_or(secret));
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", delivery.body].concat();
    // One for each secret that is in force.
    signatures.split_ascii_whitespace().any(|signature| {
        let tag = signature.strip_prefix("v1,").and_then(base64::decode);
        tag.is_some_and(|tag| verify(&key, &signed, &tag).is_ok())
    })
}

/// Whether both are the same, in a time that does not tell where they differ.
fn is_same(given: &[u8], expected: &[u8]) -> bool {
    let key = Key::new(HMAC_SHA256, expected);
    verify(&key, given, sign(&key, expected).as_ref()).is_ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.as_bytes().chunks_exact(2);
    pairs
        .map(|pair| {
            let [high, low] = [pair[0], pair[1]].map(|digit| char::from(digit).to_digit(16));
            u8::try_from(high? * 16 + low?).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of GitHub's page on validating deliveries.
    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const HEX: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn is_signed(
        sender: Sender,
        secret: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        now: u64,
    ) -> bool {
        let secret = Secret::new(secret.to_owned());
        sender.is_signed(&Delivery::new(headers, body), &secret, now)
    }

    #[test]
    fn githubs_own_example() {
        let prefixed = format!("sha256={HEX}");
        let check = |secret: &str, value: &str, body: &[u8]| {
            let headers = [("X-Hub-Signature-256", value)];
            is_signed(Sender::GitHub, secret, &headers, body, 0)
        };
        assert!(check(SECRET, &prefixed, BODY));
        assert!(check(
            SECRET,
            &format!("sha256={}", HEX.to_uppercase()),
            BODY
        ));
        assert!(!check("another", &prefixed, BODY));
        assert!(!check("", &prefixed, BODY));
        assert!(!check(SECRET, &prefixed, b"Hello, World"));
        assert!(!check(SECRET, HEX, BODY), "without its prefix");
        assert!(!check(SECRET, &format!("sha1={HEX}"), BODY));
        for cut in 0..prefixed.len() {
            assert!(!check(SECRET, &prefixed[..cut], BODY), "its first {cut}");
        }
        assert!(!check(SECRET, &format!("sha256=zz{}", &HEX[2..]), BODY));
        assert!(!is_signed(Sender::GitHub, SECRET, &[], BODY, 0), "unsigned");
        let twice = [
            ("x-hub-signature-256", &*prefixed),
            ("X-Hub-Signature-256", &*prefixed),
        ];
        assert!(!is_signed(Sender::GitHub, SECRET, &twice, BODY, 0));
    }

    #[test]
    fn gitea_and_forgejo() {
        let check = |headers: &[(&str, &str)]| is_signed(Sender::Gitea, SECRET, headers, BODY, 0);
        assert!(check(&[("x-gitea-signature", HEX)]));
        assert!(check(&[("X-Forgejo-Signature", HEX)]));
        assert!(
            !check(&[("X-Forgejo-Signature", "00"), ("X-Gitea-Signature", HEX)]),
            "a wrong one is not saved by a right one"
        );
        assert!(!check(&[("X-Hub-Signature-256", HEX)]));
    }

    #[test]
    fn gitlab_by_token() {
        let check = |token: &str| {
            let headers = [("X-Gitlab-Token", token)];
            is_signed(Sender::GitLab, SECRET, &headers, BODY, 0)
        };
        assert!(check(SECRET));
        assert!(!check("It's a Secret to Everybod"));
        assert!(!check(""));
    }

    /// The example of the specification of Standard Webhooks.
    #[test]
    fn gitlab_by_signature() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        let check = |signature: &str, time: &str, token: &str, now: u64| {
            let headers = [
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
                ("webhook-timestamp", time),
                ("webhook-signature", signature),
                ("X-Gitlab-Token", token),
            ];
            is_signed(Sender::GitLab, secret, &headers, body, now)
        };
        let time = "1614265330";
        assert!(check(right, time, "", 1_614_265_330));
        assert!(check(&format!("v1,AAAA {right}"), time, "", 1_614_265_600));
        assert!(!check(right, time, "", 1_614_265_631), "too old");
        assert!(!check(right, "1614265331", "", 1_614_265_330));
        assert!(
            !check("v1,AAAA", time, secret, 1_614_265_330),
            "a token does not save a wrong signature"
        );
    }

    #[test]
    fn a_delivery_is_known_by_its_id_and_by_its_signature() {
        let headers = [
            ("X-GitHub-Delivery", "7"),
            ("X-Hub-Signature-256", "sha256=a"),
        ];
        assert_eq!(
            Sender::GitHub.marks(&Delivery::new(&headers, b"")),
            ["X-GitHub-Delivery=7", "X-Hub-Signature-256=sha256=a"]
        );
    }
}
