//! One account on one forge: its connections, its limits, its token, and what it has read.

use std::{fmt, sync::Arc};

use core_types::{Clock, ErrorClass};
use perf_utils::{
    AsyncCache, CacheOptions, HttpConnectionPool,
    governor::{CallKind, Limits, RateGovernor},
    http::{Method, Response},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Secret, dialect::Pages};
use crate::{Error, Refusal};

/// How many answers are kept for conditional requests.
const KEPT_ANSWERS: u64 = 500;
/// A larger one is not kept.
const KEPT_BYTES: usize = 256 << 10;
/// How many items of a list are asked for at a time: what Gitea gives at most by default.
const PAGE: usize = 50;
/// More pages than this are no list but a server that turns in a circle.
const MAX_PAGES: usize = 10_000;
/// How much of a refusal's message is shown.
const MESSAGE_CHARS: usize = 300;

pub(super) struct Client {
    pool: HttpConnectionPool,
    pages: Pages,
    governor: RateGovernor,
    secret: Secret,
    /// By path: what is asked for again is asked for by its tag.
    kept: AsyncCache<String, Kept>,
}

/// How a client is made.
pub(super) struct Means<'a> {
    /// The base URL with the path of the API.
    pub(super) base: &'a str,
    /// The header that carries the token, and what stands before it there.
    pub(super) authorization: (&'static str, &'static str),
    /// Other headers of every request.
    pub(super) headers: &'a [(&'static str, &'static str)],
    pub(super) limits: Limits,
    pub(super) pages: Pages,
    pub(super) authority: Option<Vec<u8>>,
    pub(super) timeout: std::time::Duration,
    pub(super) clock: Arc<dyn Clock>,
}

#[derive(Clone)]
struct Kept {
    tag: String,
    answer: Answer,
}

/// A success.
#[derive(Clone)]
pub(super) struct Answer {
    body: Arc<[u8]>,
    has_next: Option<bool>,
    /// It was read before, and is the same now.
    is_kept: bool,
}

impl Client {
    pub(super) fn new(means: Means<'_>, secret: Secret) -> Result<Self, Error> {
        check_url(means.base)?;
        let token = secret.expose();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::InvalidToken);
        }
        let (header, before) = means.authorization;
        let mut pool = HttpConnectionPool::builder(means.base)
            .timeout(means.timeout)
            .clock(Arc::clone(&means.clock))
            .header("accept", "application/json")
            .secret_header(header, &format!("{before}{token}"));
        for (name, value) in means.headers {
            pool = pool.header(name, value);
        }
        if let Some(certificate) = means.authority {
            pool = pool.authority(certificate);
        }
        let pool = pool.build()?;
        let governor = RateGovernor::with_clock(pool.origin(), means.limits, means.clock)?;
        let options = CacheOptions {
            // Each is asked for again; it goes when others need its place.
            ttl: std::time::Duration::from_secs(24 * 3600),
            max_size: KEPT_ANSWERS,
            negative_ttl: None,
        };
        let kept = AsyncCache::new(options).expect("neither option is zero");
        Ok(Self {
            pool,
            governor,
            pages: means.pages,
            secret,
            kept,
        })
    }

    pub(super) fn origin(&self) -> &str {
        self.pool.origin()
    }

    /// Reads what is at a path.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let answer = self.read(path).await?;
        self.decode(&answer)
    }

    /// A header of the answer to a read; `None` where it has none.
    pub(super) async fn header(&self, path: &str, name: &str) -> Result<Option<String>, Error> {
        let permit = self.governor.acquire(CallKind::Read).await?;
        let response = self.pool.request(Method::GET, path).send().await?;
        permit.report(response.observation());
        self.check(&Method::GET, path, &response)?;
        Ok(response.header(name).map(str::to_owned))
    }

    /// Reads all pages of a list. An item that moves while it is read may come twice.
    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Error> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let answer = self
                .read(&format!(
                    "{path}{joint}page={page}&{}={PAGE}",
                    self.pages.size
                ))
                .await?;
            // Go writes an empty list as null at times.
            let items: Option<Vec<T>> = self.decode(&answer)?;
            let items = items.unwrap_or_default();
            let n_items = items.len();
            all.extend(items);
            // A tag is one of a page's items: a full one is the same when another page has come since.
            let may_have_grown = answer.is_kept && n_items >= PAGE;
            // Who says nothing of a next page may give fewer at a time than it was asked for.
            let has_next = answer.has_next.unwrap_or(!self.pages.says_next);
            if n_items == 0 || !(has_next || may_have_grown) {
                break;
            }
        }
        Ok(all)
    }

    async fn read(&self, path: &str) -> Result<Answer, Error> {
        let kept = self.kept.get(path);
        let mut request = self.pool.request(Method::GET, path);
        if let Some(kept) = &kept {
            request = request.header("if-none-match", &kept.tag);
        }
        let permit = self.governor.acquire(CallKind::Read).await?;
        let response = request.send().await?;
        permit.report(response.observation());
        if response.status().as_u16() == 304
            && let Some(kept) = kept
        {
            return Ok(Answer {
                is_kept: true,
                ..kept.answer
            });
        }
        self.check(&Method::GET, path, &response)?;
        let answer = Answer {
            body: response.bytes().as_ref().into(),
            has_next: has_next(&response),
            is_kept: false,
        };
        if let Some(tag) = response.header("etag")
            && answer.body.len() <= KEPT_BYTES
        {
            let kept = Kept {
                tag: tag.to_owned(),
                answer: answer.clone(),
            };
            self.kept.set(path.to_owned(), kept);
        }
        Ok(answer)
    }

    /// Sends a mutation and reads the answer's JSON, which may be empty.
    pub(super) async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<T, Error> {
        let response = self.mutate(method, path, Some(body)).await?;
        let read = serde_json::from_slice(response.bytes());
        // It has acted, and what came back does not say on what.
        read.map_err(|error| {
            Error::Refused(Box::new(Refusal {
                origin: self.origin().to_owned(),
                method: "a mutation".to_owned(),
                path: path.to_owned(),
                status: response.status().as_u16(),
                message: format!("its answer cannot be read: {error}"),
                class: ErrorClass::UnknownOutcome,
            }))
        })
    }

    /// Sends a mutation whose answer says nothing.
    pub(super) async fn act(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(), Error> {
        self.mutate(method, path, body).await.map(drop)
    }

    async fn mutate(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, Error> {
        let mut request = self.pool.request(method.clone(), path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let permit = self.governor.acquire(CallKind::Mutation).await?;
        let response = request.send().await?;
        permit.report(response.observation());
        self.check(&method, path, &response)?;
        Ok(response)
    }

    fn check(&self, method: &Method, path: &str, response: &Response) -> Result<(), Error> {
        let Some(class) = response.class() else {
            return Ok(());
        };
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        Err(Error::Refused(Box::new(Refusal {
            origin: self.origin().to_owned(),
            method: method.to_string(),
            path: path.to_owned(),
            status: response.status().as_u16(),
            message: self.message(response),
            class,
        })))
    }

    /// What a refusal says, in one line.
    fn message(&self, response: &Response) -> String {
        let said = serde_json::from_slice::<Value>(response.bytes()).ok();
        // GitHub says in a list of errors what the message only names.
        let errors = said
            .as_ref()
            .and_then(|said| said.get("errors")?.as_array());
        let errors = errors.into_iter().flatten();
        let details = errors.filter_map(|it| it.get("message")?.as_str());
        let details: String = details.map(|it| format!(": {it}")).collect();
        let said = said.as_ref().and_then(|said| {
            // GitLab has these where a token's scopes or a parameter are wrong.
            let keys = ["message", "error_description", "error"];
            keys.iter().find_map(|key| said.get(key))
        });
        let said = match said {
            Some(Value::String(message)) => format!("{message}{details}"),
            Some(other) => other.to_string(),
            None => response.text(),
        };
        let line: String = self
            .secret
            .redact(&said)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(MESSAGE_CHARS)
            .collect();
        match line.trim() {
            "" => "it gives no reason".to_owned(),
            line => line.to_owned(),
        }
    }

    fn decode<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, Error> {
        serde_json::from_slice(&answer.body).map_err(|source| {
            Error::Http(perf_utils::http::Error::Decode {
                origin: self.origin().to_owned(),
                source,
            })
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("origin", &self.origin())
            .finish_non_exhaustive()
    }
}

/// A token goes out in the clear to this machine alone.
fn check_url(url: &str) -> Result<(), Error> {
    if perf_utils::http::keeps_secrets(url) {
        return Ok(());
    }
    let url = match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    };
    Err(Error::Plain { url })
}

/// Whether a page follows; `None` where the answer does not say. Where the next page is, is
/// not followed: it might lead to another server.
fn has_next(response: &Response) -> Option<bool> {
    // GitLab names the next page also where a list is too long for its links.
    if let Some(next) = response.header("x-next-page") {
        return Some(!next.trim().is_empty());
    }
    let link = response.header("link")?;
    Some(link.contains("rel=\"next\"") || link.contains("rel=next"))
}

/// One part of a path.
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' | b'.' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
