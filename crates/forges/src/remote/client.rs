//! One account on one forge: its connections, its limits, its token, and what it has read.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use core_types::{Clock, ErrorClass, Timestamp, without_user};
use perf_utils::{
    AsyncCache, CacheOptions, HttpConnectionPool,
    governor::{CallKind, Limits, RateGovernor},
    http::{Method, Response},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::{Reads, Secret, dialect::Pages};
use crate::{Error, Refusal};

/// How many answers are kept for conditional requests.
const KEPT_ANSWERS: u64 = 500;
/// A larger one is not kept.
const KEPT_BYTES: usize = 256 << 10;
/// How long a list is taken as it was read that seldom changes, and that is read anew where something is not on it.
const LATELY: Duration = Duration::from_secs(300);
/// How many of those are kept: one a repository.
const KEPT_LISTS: u64 = 100;
/// How many items of a list are asked for at a time: what Gitea gives at most by default.
const PAGE: usize = 50;
/// More pages than this are no list but a server that turns in a circle.
const MAX_PAGES: usize = 10_000;
/// So often a read is led on: a repository that was renamed may have been before.
const MAX_MOVES: usize = 3;
/// What GitHub says of something that was just made, where another of its servers does not know it yet.
const UNKNOWN_NODE: &str = "Could not resolve to a node";
/// How much of a refusal's message is shown.
const MESSAGE_CHARS: usize = 300;

pub(super) struct Client {
    pool: HttpConnectionPool,
    pages: Pages,
    governor: RateGovernor,
    secret: Secret,
    reads: Reads,
    /// By path: what is asked for again is asked for by its tag.
    kept: AsyncCache<String, Kept>,
    /// By path, the pages of what seldom changes.
    lately: AsyncCache<String, Arc<[Answer]>>,
    clock: Arc<dyn Clock>,
    /// By how many milliseconds the forge's clock is ahead of ours.
    ahead: AtomicI64,
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
    pub(super) timeout: Duration,
    pub(super) reads: Reads,
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
    /// How many items all pages have, where it says so.
    n_all: Option<usize>,
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
        let clock = Arc::clone(&means.clock);
        let governor = RateGovernor::with_clock(pool.origin(), means.limits, means.clock)?;
        let options = |ttl, max_size| CacheOptions {
            ttl,
            max_size,
            negative_ttl: None,
        };
        // Each is asked for again; it goes when others need its place.
        let kept = options(Duration::from_secs(24 * 3600), KEPT_ANSWERS);
        let lately = options(LATELY, KEPT_LISTS);
        Ok(Self {
            pool,
            governor,
            pages: means.pages,
            secret,
            reads: means.reads,
            kept: AsyncCache::new(kept).expect("neither option is zero"),
            lately: AsyncCache::new(lately).expect("neither option is zero"),
            clock,
            ahead: AtomicI64::new(0),
        })
    }

    pub(super) fn saves_reads(&self) -> bool {
        self.reads == Reads::Saved
    }

    pub(super) fn is_of(&self, token: &Secret) -> bool {
        self.secret.expose() == token.expose()
    }

    /// The time by the forge's clock, as far as its answers have told it.
    pub(super) fn forge_time(&self) -> Timestamp {
        let ahead = self.ahead.load(Ordering::Relaxed);
        Timestamp(self.clock.now().0.saturating_add_signed(ahead))
    }

    fn note_time(&self, response: &Response) {
        if let Some(ahead) = response.clock_ahead_millis() {
            self.ahead.store(ahead, Ordering::Relaxed);
        }
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
        let response = self.follow(path, None).await?;
        self.check(&Method::GET, path, &response)?;
        Ok(response.header(name).map(str::to_owned))
    }

    /// Reads all pages of a list. An item that moves while it is read may come twice.
    pub(super) async fn list<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Error> {
        let pages = self.pages(path).await?;
        self.items(&pages)
    }

    /// The same of a list that says nothing true of its length: page by page until one is empty.
    pub(super) async fn list_to_its_end<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        for page in 1..=MAX_PAGES {
            let size = self.pages.size;
            let page = format!("{path}?page={page}&{size}={PAGE}");
            let items: Option<Vec<T>> = self.decode(&self.read(&page).await?)?;
            let items = items.unwrap_or_default();
            if items.is_empty() {
                break;
            }
            all.extend(items);
        }
        Ok(all)
    }

    /// The same of a list that seldom changes: as it was lately, where reads are saved.
    pub(super) async fn list_lately<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Vec<T>, Error> {
        let pages = match self.lately.get(path).filter(|_| self.saves_reads()) {
            Some(pages) => pages,
            None => {
                let pages: Arc<[_]> = self.pages(path).await?.into();
                self.lately.set(path.to_owned(), Arc::clone(&pages));
                pages
            }
        };
        self.items(&pages)
    }

    /// What the list was lately, counts no more.
    pub(super) fn forget_list(&self, path: &str) {
        self.lately.delete(path);
    }

    fn items<T: DeserializeOwned>(&self, pages: &[Answer]) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        for page in pages {
            // Go writes an empty list as null at times.
            let items: Option<Vec<T>> = self.decode(page)?;
            all.extend(items.unwrap_or_default());
        }
        Ok(all)
    }

    async fn pages(&self, path: &str) -> Result<Vec<Answer>, Error> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let (mut pages, mut n_all) = (Vec::new(), 0);
        for page in 1..=MAX_PAGES {
            let size = self.pages.size;
            let answer = self
                .read(&format!("{path}{joint}page={page}&{size}={PAGE}"))
                .await?;
            let items: Option<Vec<IgnoredAny>> = self.decode(&answer)?;
            let n_items = items.map_or(0, |items| items.len());
            n_all += n_items;
            // A tag is one of a page's items: a full one is the same when another page has come since.
            let may_have_grown = answer.is_kept && n_items >= PAGE;
            // Who says nothing of a next page may give fewer at a time than it was asked for.
            let is_whole = answer.n_all.is_some_and(|all| n_all >= all);
            let may_go_on = !self.pages.says_next && !is_whole;
            let has_next = answer.has_next.unwrap_or(may_go_on);
            pages.push(answer);
            if n_items == 0 || !(has_next || may_have_grown) {
                break;
            }
        }
        Ok(pages)
    }

    async fn read(&self, path: &str) -> Result<Answer, Error> {
        let kept = self.kept.get(path).filter(|_| self.saves_reads());
        let response = self.follow(path, kept.as_ref()).await?;
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
            n_all: response
                .header("x-total-count")
                .and_then(|it| it.trim().parse().ok()),
            is_kept: false,
        };
        if let Some(tag) = response.header("etag")
            && self.saves_reads()
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

    /// Asks for what is at a path, or where the forge says that it is now, as long as that is on this server.
    async fn follow(&self, path: &str, kept: Option<&Kept>) -> Result<Response, Error> {
        let mut at = path.to_owned();
        let mut n_moves = 0;
        loop {
            let mut request = self.pool.request(Method::GET, &at);
            if let Some(kept) = kept {
                request = request.header("if-none-match", &kept.tag);
            }
            let permit = self.governor.acquire(CallKind::Read).await?;
            let response = request.send().await?;
            permit.report(response.observation());
            self.note_time(&response);
            let location = moved_to(&response).filter(|_| n_moves < MAX_MOVES);
            let Some(moved) = location.and_then(|it| self.pool.path_of(it)) else {
                return Ok(response);
            };
            (at, n_moves) = (moved, n_moves + 1);
        }
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
        self.note_time(&response);
        self.check(&method, path, &response)?;
        Ok(response)
    }

    fn check(&self, method: &Method, path: &str, response: &Response) -> Result<(), Error> {
        let Some(mut class) = response.class() else {
            return Ok(());
        };
        let message = match moved_to(response) {
            Some(location) => format!(
                "it has moved to {}: name its new owner and repository in the configuration",
                self.line(location)
            ),
            None => self.message(response),
        };
        if response.status().as_u16() == 422 && message.contains(UNKNOWN_NODE) {
            class = ErrorClass::NotFound;
        }
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        Err(Error::Refused(Box::new(Refusal {
            origin: self.origin().to_owned(),
            method: method.to_string(),
            path: path.to_owned(),
            status: response.status().as_u16(),
            message,
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
        match self.line(&said).trim() {
            "" => "it gives no reason".to_owned(),
            line => line.to_owned(),
        }
    }

    /// A text of the forge in one line, not too long and without our token.
    fn line(&self, said: &str) -> String {
        self.secret
            .redact(said)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .take(MESSAGE_CHARS)
            .collect()
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
    Err(Error::Plain {
        url: without_user(url).into_owned(),
    })
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

/// Where an answer says that something is now.
fn moved_to(response: &Response) -> Option<&str> {
    let is_moved = matches!(response.status().as_u16(), 301 | 307 | 308);
    response.header("location").filter(|_| is_moved)
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
