//! What secrets look like.

/// A token that shows what it is: how it begins, and what follows.
pub(super) struct Token {
    pub(super) prefix: &'static str,
    /// How many characters of a token at least follow the prefix.
    pub(super) at_least: usize,
    pub(super) kind: &'static str,
}

const fn token(prefix: &'static str, at_least: usize, kind: &'static str) -> Token {
    Token {
        prefix,
        at_least,
        kind,
    }
}

/// As their issuers document them. A longer prefix stands before its own beginning.
pub(super) const TOKENS: &[Token] = &[
    token("ghp_", 30, "github-token"),
    token("gho_", 30, "github-token"),
    token("ghu_", 30, "github-token"),
    token("ghs_", 30, "github-token"),
    token("ghr_", 30, "github-token"),
    token("github_pat_", 22, "github-token"),
    token("glpat-", 20, "gitlab-token"),
    token("gldt-", 20, "gitlab-token"),
    token("glrt-", 20, "gitlab-token"),
    token("AKIA", 16, "aws-key"),
    token("ASIA", 16, "aws-key"),
    token("AIza", 35, "google-key"),
    token("ya29.", 20, "google-token"),
    token("GOCSPX-", 20, "google-secret"),
    token("sk-ant-", 20, "anthropic-key"),
    token("sk-proj-", 20, "openai-key"),
    token("sk-", 32, "api-key"),
    token("sk_live_", 16, "stripe-key"),
    token("sk_test_", 16, "stripe-key"),
    token("rk_live_", 16, "stripe-key"),
    token("xoxb-", 20, "slack-token"),
    token("xoxp-", 20, "slack-token"),
    token("xoxa-", 20, "slack-token"),
    token("xoxr-", 20, "slack-token"),
    token("xoxs-", 20, "slack-token"),
    token("xapp-", 20, "slack-token"),
    token("npm_", 36, "npm-token"),
    token("pypi-", 40, "pypi-token"),
    token("hf_", 30, "huggingface-token"),
    token("SG.", 40, "sendgrid-key"),
    token("dop_v1_", 40, "digitalocean-token"),
    token("shpat_", 30, "shopify-token"),
    token("hvs.", 24, "vault-token"),
    token("AGE-SECRET-KEY-1", 50, "age-key"),
    token("dckr_pat_", 20, "docker-token"),
    token("lin_api_", 30, "linear-key"),
    token("tskey-", 20, "tailscale-key"),
    token("cio", 32, "crates-io-token"),
];

/// A word of a key that makes its value a secret: `DB_PASSWORD=`, `api-key:`, `"token": "…"`.
pub(super) const KEYS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "accesskey",
    "access_key",
    "privatekey",
    "private_key",
    "secretkey",
    "secret_key",
    "credential",
    "credentials",
    "connectionstring",
    "connection_string",
    "auth",
    "authorization",
];

/// Values that stand for a secret and are none.
pub(super) const HARMLESS: &[&str] = &[
    "true",
    "false",
    "none",
    "null",
    "nil",
    "yes",
    "no",
    "required",
    "optional",
    "string",
    "str",
    "self",
    "undefined",
    "bearer",
    "basic",
];
