//! A simulated forge behind its address.

use std::{
    collections::BTreeMap,
    io,
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming, header};
use serde_json::Value;

use super::{
    Call, Dialect, Faults,
    exchange::{self, Reply, decode, pairs, reply},
    faults::{Chance, Fate},
    gitea, github, gitlab, limits,
    state::Repository,
};

pub(super) type Answer = Response<Full<Bytes>>;

#[derive(Debug)]
pub(super) struct World {
    pub(super) dialect: Dialect,
    pub(super) url: String,
    pub(super) folder: PathBuf,
    pub(super) state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) repositories: BTreeMap<(String, String), Repository>,
    /// Repositories that were renamed, with where they lead to.
    pub(super) moved: BTreeMap<(String, String), String>,
    /// Tokens, and whose they are.
    pub(super) accounts: BTreeMap<String, String>,
    /// What tokens may do.
    pub(super) scopes: Vec<String>,
    pub(super) faults: Faults,
    pub(super) chance: Chance,
    /// How many calls were refused for load.
    pub(super) n_refused: usize,
    pub(super) calls: Vec<Call>,
}

impl World {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn serve(&self, request: Request<Incoming>) -> io::Result<Answer> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        if head.uri.path().starts_with(self.dialect.api()) || public_api(&head.uri).is_some() {
            return self.api(&head, &body);
        }
        self.git(&head, body).await
    }

    fn api(&self, head: &hyper::http::request::Parts, body: &Bytes) -> io::Result<Answer> {
        let path = head.uri.path().trim_start_matches(self.dialect.api());
        let query = head.uri.query().unwrap_or_default();
        let own = || format!("{}{}", self.url, self.dialect.api());
        let api = public_api(&head.uri).unwrap_or_else(own);
        let sent: Option<Value> = match body.is_empty() {
            true => None,
            false => Some(serde_json::from_slice(body).unwrap_or(Value::Null)),
        };
        let mut state = self.state();
        let faults = state.faults;
        let fate = state.chance.fate(&faults);
        let lag = match state.chance.happens(faults.late) {
            true => faults.lag,
            false => Duration::ZERO,
        };
        let is_busy = state.chance.happens(faults.busy);
        let is_slow = state.chance.happens(faults.slow_heads);
        let mut call = Call {
            method: head.method.to_string(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: sent.clone(),
            status: 0,
            is_limit: false,
            answer: None,
        };
        match fate {
            Fate::Refused => {
                let (status, answer, said) = limits::refusal(self.dialect, state.n_refused);
                state.n_refused += 1;
                (call.status, call.is_limit) = (status, true);
                state.calls.push(call);
                let text = said.map(|said| said.to_string()).unwrap_or_default();
                return Ok(finished(answer, text.into()));
            }
            Fate::DownBefore => {
                call.status = 502;
                state.calls.push(call);
                return Ok(finished(Response::builder().status(502), Bytes::new()));
            }
            Fate::Well | Fate::DownAfter | Fate::Lost => {}
        }
        let text = |name: &str| head.headers.get(name).and_then(|it| it.to_str().ok());
        let private = text("private-token").filter(|_| self.dialect == Dialect::GitLab);
        let authorization = text("authorization");
        let mut schemes = self.dialect.schemes().iter();
        let token = || schemes.find_map(|scheme| authorization?.strip_prefix(scheme));
        let token = private.or_else(token);
        let login = token.and_then(|token| state.accounts.get(token)).cloned();
        if let Some(at) = state.moved_to(path) {
            // Who sends something is told to send it again.
            call.status = if head.method == "GET" { 301 } else { 307 };
            let query = head.uri.query().map(|it| format!("?{it}"));
            let location = format!("{at}{}", query.unwrap_or_default());
            let location = match location.starts_with('/') {
                true => format!("{api}{location}"),
                false => location,
            };
            let answer = Response::builder().status(call.status);
            state.calls.push(call);
            return Ok(finished(
                answer.header(header::LOCATION, location),
                Bytes::new(),
            ));
        }
        let answered = match login {
            Some(login) => {
                let request = exchange::Request {
                    method: head.method.as_str(),
                    parts: path
                        .trim_start_matches('/')
                        .split('/')
                        .map(decode)
                        .collect(),
                    query: pairs(query),
                    body: sent.unwrap_or(Value::Null),
                    login: &login,
                    url: &self.url,
                    api: &api,
                    target: (path, query),
                    scopes: state.scopes.clone(),
                    lag,
                    is_slow,
                    is_busy,
                };
                let mut answered = answered(self.dialect, &mut state, &request);
                if let (Dialect::GitHub, Some(body)) = (self.dialect, &mut answered.body) {
                    github::at(&api, body);
                }
                answered
            }
            None => reply(401, serde_json::json!({"message": "user does not exist"})),
        };
        if fate == Fate::Lost {
            state.calls.push(call);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        call.status = match fate {
            Fate::DownAfter => 500,
            _ => answered.status,
        };
        call.answer = answered.body.clone().filter(|_| fate == Fate::Well);
        let text = match &answered.body {
            Some(body) if fate == Fate::Well => body.to_string(),
            _ => String::new(),
        };
        let mut answer = Response::builder().status(call.status);
        if let Some(link) = answered.link {
            answer = answer.header(header::LINK, link);
        }
        if let Some(total) = answered.total {
            answer = answer.header("x-total-count", total);
        }
        if let Some(next) = answered.next_page {
            answer = answer.header("x-next-page", next);
        }
        if self.dialect == Dialect::GitHub && call.status < 400 {
            answer = answer.header("x-oauth-scopes", state.scopes.join(", "));
        }
        if !text.is_empty() {
            answer = answer.header(header::CONTENT_TYPE, "application/json");
        }
        if head.method == "GET" && call.status == 200 {
            let tag = format!("\"{:016x}\"", fingerprint(&text));
            let asked = head.headers.get(header::IF_NONE_MATCH);
            answer = answer.header(header::ETAG, &tag);
            if asked.is_some_and(|asked| asked.as_bytes() == tag.as_bytes()) {
                call.status = 304;
                call.answer = None;
                state.calls.push(call);
                return Ok(finished(answer.status(304), Bytes::new()));
            }
        }
        state.calls.push(call);
        Ok(finished(answer, text.into()))
    }
}

impl State {
    /// Where a path below a repository that was renamed is now.
    fn moved_to(&self, path: &str) -> Option<String> {
        let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
        let (key, n_named) = match &parts[..] {
            ["repos", owner, name, ..] => ((decode(owner), decode(name)), 3),
            ["projects", whole, ..] => {
                let whole = decode(whole);
                let (owner, name) = whole.rsplit_once('/')?;
                ((owner.to_owned(), name.to_owned()), 2)
            }
            _ => return None,
        };
        let to = self.moved.get(&key)?;
        let rest: String = parts[n_named..].iter().map(|it| format!("/{it}")).collect();
        Some(format!("{to}{rest}"))
    }
}

/// The address of an API that has a host of its own, as `api.github.com` has: of requests that come by us as a
/// proxy.
fn public_api(uri: &hyper::Uri) -> Option<String> {
    let host = uri.authority().filter(|it| it.host().starts_with("api."))?;
    Some(format!("http://{host}"))
}

fn answered(dialect: Dialect, state: &mut State, request: &exchange::Request<'_>) -> Reply {
    let of_server = match dialect {
        Dialect::Gitea => gitea::of_server(request),
        Dialect::GitHub => github::of_server(request),
        Dialect::GitLab => gitlab::of_server(request),
    };
    if let Some(reply) = of_server {
        return reply;
    }
    if let (Dialect::Gitea, "GET", [orgs, owner, labels]) =
        (dialect, request.method, &request.parts[..])
        && orgs == "orgs"
        && labels == "labels"
    {
        let of_it = state.repositories.iter().filter(|(key, _)| key.0 == *owner);
        return gitea::shared_labels(of_it.map(|(_, it)| it), request);
    }
    if let (Dialect::Gitea, "GET", [teams, id, members, login]) =
        (dialect, request.method, &request.parts[..])
        && teams == "teams"
        && members == "members"
    {
        return gitea::team_member(state.repositories.values(), (id, login));
    }
    let key = match &request.parts[..] {
        [repos, owner, name, ..] if repos == "repos" => (owner.clone(), name.clone()),
        // One part holds the whole name, or the id.
        [projects, whole, ..] if projects == "projects" => {
            let id = whole.parse::<u64>().ok();
            let by_id = state.repositories.iter();
            let mut by_id = by_id
                .filter(|(_, it)| Some(it.id) == id)
                .map(|(key, _)| key);
            let (owner, name) = whole.rsplit_once('/').unwrap_or(("", whole));
            let by_name = (owner.to_owned(), name.to_owned());
            by_id.next().cloned().unwrap_or(by_name)
        }
        _ => (String::new(), String::new()),
    };
    match state.repositories.get_mut(&key) {
        Some(repository) => match dialect {
            Dialect::Gitea => gitea::of_repository(repository, request),
            Dialect::GitHub => github::of_repository(repository, request),
            Dialect::GitLab => gitlab::of_repository(repository, request),
        },
        None => reply(
            404,
            serde_json::json!({"message": "The target couldn't be found."}),
        ),
    }
}

pub(super) fn finished(answer: hyper::http::response::Builder, body: Bytes) -> Answer {
    answer.body(Full::new(body)).expect("its parts are valid")
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |print, byte| {
        (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
