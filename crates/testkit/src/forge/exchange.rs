//! Requests as routes see them, and what they answer.

use std::time::Duration;

use serde_json::Value;

/// A request as a route sees it: decoded parts of the path, and the query.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) parts: Vec<String>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Value,
    pub(super) login: &'a str,
    /// Of the server's pages.
    pub(super) url: &'a str,
    /// Where its API is, as the client reached it.
    pub(super) api: &'a str,
    /// Path and query below it, as they came.
    pub(super) target: (&'a str, &'a str),
    /// What the token may do.
    pub(super) scopes: Vec<String>,
    /// How late lists are.
    pub(super) lag: Duration,
    /// Whether pull requests do not know yet where their branches are.
    pub(super) is_slow: bool,
    /// Whether it still looks what a merge would do.
    pub(super) is_busy: bool,
}

/// An answer.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Option<Value>,
    /// Page and whether another follows, of a list with pages.
    pub(super) link: Option<String>,
    pub(super) total: Option<usize>,
    /// The number of the page that follows, or nothing, of a list that says so.
    pub(super) next_page: Option<String>,
}

impl Request<'_> {
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.body.get(key)?.as_str().map(str::to_owned)
    }

    pub(super) fn asked(&self, key: &str) -> Option<&str> {
        let found = self.query.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Another page of the list, as the header `Link` names it.
    pub(super) fn link(&self, page: usize, relation: &str) -> String {
        let (path, query) = self.target;
        let kept = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("page="));
        let page = format!("page={page}");
        let query: Vec<_> = kept.chain([page.as_str()]).collect();
        format!(
            "<{}{path}?{}>; rel=\"{relation}\"",
            self.api,
            query.join("&")
        )
    }
}

pub(super) fn reply(status: u16, body: Value) -> Reply {
    Reply {
        status,
        body: Some(body),
        link: None,
        total: None,
        next_page: None,
    }
}

pub(super) fn empty(status: u16) -> Reply {
    Reply {
        status,
        body: None,
        link: None,
        total: None,
        next_page: None,
    }
}

/// A number in a path; what is none is the number of nothing.
pub(super) fn number_of(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let split = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    pairs.map(split).collect()
}

pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let byte = digits.and_then(|it| u8::from_str_radix(it, 16).ok());
        match byte {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| chunk.get(index).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            if index <= chunk.len() {
                let digit = bits >> (18 - 6 * index) & 63;
                text.push(char::from(DIGITS[digit as usize]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

pub(super) fn unbase64(text: &str) -> Option<String> {
    let (mut bits, mut n_bits) = (0_u32, 0);
    let mut bytes = Vec::new();
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        n_bits += 6;
        if n_bits >= 8 {
            n_bits -= 8;
            bytes.push((bits >> n_bits & 0xff) as u8);
        }
    }
    String::from_utf8(bytes).ok()
}
