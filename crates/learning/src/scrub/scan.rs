use std::borrow::Cow;

use super::patterns::{HARMLESS, KEYS, TOKENS};

/// A text without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrubbed<'a> {
    /// The text; each secret is replaced by `[scrubbed:KIND]`.
    pub text: Cow<'a, str>,
    /// How many secrets there were.
    pub secrets: usize,
}

/// What is replaced: from, to, kind.
type Found = (usize, usize, &'static str);

/// Takes out what looks like a secret: tokens of known shape, JSON web tokens, private keys, credentials in
/// URLs and in `Authorization` headers, and values whose key says that they are secret.
///
/// It errs towards taking out too much. A secret without any sign of it, such as a bare word, stays.
///
/// ```
/// let scrubbed = learning::scrub("run with DB_PASSWORD=hunter2-long and https://me:pw@host/");
/// assert_eq!(
///     scrubbed.text,
///     "run with DB_PASSWORD=[scrubbed:value] and https://[scrubbed:credentials]@host/"
/// );
/// ```
#[must_use]
pub fn scrub(text: &str) -> Scrubbed<'_> {
    let mut result = String::new();
    let (mut kept_to, mut secrets, mut at) = (0, 0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let Some((from, to, kind)) = find_at(text, at) else {
            at += 1;
            continue;
        };
        result.push_str(&text[kept_to..from]);
        result.push_str("[scrubbed:");
        result.push_str(kind);
        result.push(']');
        secrets += 1;
        kept_to = to;
        at = to.max(at + 1);
    }
    if secrets == 0 {
        return Scrubbed {
            text: Cow::Borrowed(text),
            secrets,
        };
    }
    result.push_str(&text[kept_to..]);
    Scrubbed {
        text: Cow::Owned(result),
        secrets,
    }
}

/// The secret that shows itself at this byte. Everything looked for begins with an ASCII character, so that
/// a place inside a longer character never matches.
fn find_at(text: &str, at: usize) -> Option<Found> {
    let bytes = text.as_bytes();
    match bytes[at] {
        b'-' => private_key(text, at),
        b':' => url_credentials(text, at).or_else(|| keyed_value(text, at)),
        b'=' => keyed_value(text, at),
        b' ' => option_value(text, at),
        byte if byte.is_ascii_alphabetic() && is_boundary(bytes, at) => {
            json_web_token(text, at).or_else(|| token(text, at))
        }
        _ => None,
    }
}

fn is_boundary(bytes: &[u8], at: usize) -> bool {
    at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn run_length(bytes: &[u8], is_part: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| is_part(**byte)).count()
}

fn token(text: &str, at: usize) -> Option<Found> {
    let rest = &text.as_bytes()[at..];
    let token = TOKENS.iter().find(|token| {
        rest.starts_with(token.prefix.as_bytes())
            && run_length(&rest[token.prefix.len()..], is_token_byte) >= token.at_least
    })?;
    let mut length = token.prefix.len() + run_length(&rest[token.prefix.len()..], is_token_byte);
    // The end of a sentence is none of it.
    while rest[length - 1] == b'.' {
        length -= 1;
    }
    let secret = &rest[token.prefix.len()..length];
    // What is written out, such as a long file name, has no digit.
    secret
        .iter()
        .any(u8::is_ascii_digit)
        .then_some((at, at + length, token.kind))
}

fn json_web_token(text: &str, at: usize) -> Option<Found> {
    let rest = &text.as_bytes()[at..];
    if !rest.starts_with(b"eyJ") {
        return None;
    }
    let length = run_length(rest, is_token_byte);
    let parts: Vec<&[u8]> = rest[..length].split(|byte| *byte == b'.').collect();
    let is_token = parts.len() >= 3 && parts[1].starts_with(b"eyJ") && parts[0].len() >= 12;
    is_token.then_some((at, at + length, "json-web-token"))
}

/// From `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the text where it is cut off.
fn private_key(text: &str, at: usize) -> Option<Found> {
    let rest = &text[at..];
    let title = rest.strip_prefix("-----BEGIN ")?;
    let title = &title[..title.find("-----")?];
    if title.len() > 40 || !title.contains("PRIVATE KEY") {
        return None;
    }
    let end = format!("-----END {title}-----");
    let to = rest
        .find(&end)
        .map_or(text.len(), |found| at + found + end.len());
    Some((at, to, "private-key"))
}

/// `://user:secret@` or `://token@`.
fn url_credentials(text: &str, at: usize) -> Option<Found> {
    let rest = text[at..].strip_prefix("://")?;
    let has_scheme = at > 0 && text.as_bytes()[at - 1].is_ascii_alphanumeric();
    let end = rest.find(|c: char| c.is_whitespace() || "/?#\"'<>`".contains(c));
    let authority = &rest[..end.unwrap_or(rest.len())];
    let credentials = &authority[..authority.rfind('@')?];
    // `ssh://git@host` names nobody's secret.
    let is_secret = credentials.contains(':') || credentials.len() >= 16;
    (has_scheme && is_secret).then_some((at + 3, at + 3 + credentials.len(), "credentials"))
}

/// The value after `:` or `=`, if its key is one of a secret.
fn keyed_value(text: &str, at: usize) -> Option<Found> {
    let key = key_before(text, at)?;
    if !is_secret_key(key) {
        return None;
    }
    let mut from = at + 1;
    let bytes = text.as_bytes();
    // `:=`, `=>` and `==` are one sign; a comparison is none of a secret.
    if bytes.get(from) == Some(&b'=') && bytes[at] == b'=' {
        return None;
    }
    while from < bytes.len() && matches!(bytes[from], b' ' | b'=' | b'>') && from < at + 4 {
        from += 1;
    }
    value(text, from)
}

/// The value after `--password ` and the like.
fn option_value(text: &str, at: usize) -> Option<Found> {
    let start = text[..at]
        .rfind(char::is_whitespace)
        .map_or(0, |space| space + 1);
    let key = text[start..at].strip_prefix("--")?;
    is_secret_key(key).then(|| value(text, at + 1)).flatten()
}

fn value(text: &str, mut from: usize) -> Option<Found> {
    for scheme in ["Bearer ", "bearer ", "Basic ", "basic ", "token "] {
        if text
            .get(from..)
            .is_some_and(|rest| rest.starts_with(scheme))
        {
            from += scheme.len();
        }
    }
    let rest = text.get(from..)?;
    let quote = rest
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'' | '`'));
    let (from, end) = match quote {
        Some(quote) => (from + 1, rest[1..].find([quote, '\n'])),
        None => {
            let is_end = |c: char| c.is_whitespace() || ",;&\"'`<>(){}[]".contains(c);
            (from, rest.find(is_end))
        }
    };
    let value = &text[from..end.map_or(text.len(), |end| from + end)];
    // References, calls, examples and prose are none, and neither is what is already taken out.
    let is_call = quote.is_none() && text[from + value.len()..].starts_with('(');
    let is_reference = value.starts_with(['$', '<', '{', '%', '*']);
    let is_harmless = HARMLESS.contains(&value.to_ascii_lowercase().as_str());
    let is_word = quote.is_none() && value.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_too_short = value.len() < if is_word { 12 } else { 5 };
    (!is_reference && !is_call && !is_harmless && !is_too_short).then_some((
        from,
        from + value.len(),
        "value",
    ))
}

/// The word before `at`, without quotes and spaces.
fn key_before(text: &str, at: usize) -> Option<&str> {
    let before = text[..at].trim_end_matches([' ', '"', '\'', '`', ':']);
    if at - before.len() > 3 {
        return None;
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = before.bytes().rev().take_while(is_part).count();
    (length > 0).then(|| &before[before.len() - length..])
}

/// Whether one of the key's words, or two together, stand for a secret.
fn is_secret_key(key: &str) -> bool {
    let mut words = String::new();
    let mut was_lower = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && was_lower {
            words.push('_');
        }
        was_lower = c.is_ascii_lowercase();
        words.push(if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '_'
        });
    }
    KEYS.iter().any(|secret| {
        words == *secret
            || words.ends_with(&format!("_{secret}"))
            || words.starts_with(&format!("{secret}_"))
            || words.contains(&format!("_{secret}_"))
    }) && !words.ends_with("_count")
        && !words.ends_with("_tokens")
        && !words.ends_with("_id")
}
