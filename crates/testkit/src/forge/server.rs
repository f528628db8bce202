use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use core_types::CommitId;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, body::Bytes, body::Incoming, header, server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{io::AsyncWriteExt as _, net::TcpListener, task::JoinSet};

use super::{
    Faults, Shown,
    faults::{Chance, Fate},
    git::{Bare, copy},
    gitea::{self, Reply, touch},
    github,
    state::{Comment, Late, Repository, now},
};
use crate::git::Fixture;

type Answer = Response<Full<Bytes>>;

/// The simulated forge; it ends when it is dropped. See the [module](super).
#[derive(Debug)]
pub struct SimulatedForge {
    url: String,
    world: Arc<World>,
    _tasks: JoinSet<()>,
}

/// Which forge is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Gitea, below `/api/v1`.
    Gitea,
    /// GitHub Enterprise Server, below `/api/v3`.
    GitHub,
}

impl Dialect {
    const fn api(self) -> &'static str {
        match self {
            Self::Gitea => "/api/v1",
            Self::GitHub => "/api/v3",
        }
    }

    /// What stands before a token in its header.
    const fn scheme(self) -> &'static str {
        match self {
            Self::Gitea => "token ",
            Self::GitHub => "Bearer ",
        }
    }
}

/// A request that the forge got, and what it answered.
#[derive(Debug, Clone)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path below that of the API.
    pub path: String,
    /// Without its `?`.
    pub query: String,
    /// The JSON that was sent.
    pub body: Option<Value>,
    /// The status that was answered; 0 where the connection was closed instead.
    pub status: u16,
    /// The JSON that was answered.
    pub answer: Option<Value>,
}

#[derive(Debug)]
struct World {
    dialect: Dialect,
    url: String,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    repositories: BTreeMap<(String, String), Repository>,
    /// Tokens, and whose they are.
    accounts: BTreeMap<String, String>,
    faults: Faults,
    chance: Chance,
    calls: Vec<Call>,
}

impl SimulatedForge {
    /// Starts a forge whose repositories are made in this folder. It has the account `robot` with
    /// the token `robots-token`.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start(folder: &Path) -> Self {
        Self::start_as(Dialect::Gitea, folder).await
    }

    /// The same for a forge of another kind.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn start_as(dialect: Dialect, folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let address: SocketAddr = listener.local_addr().expect("it is bound");
        let url = format!("http://{address}");
        let accounts = [("robots-token".to_owned(), "robot".to_owned())];
        let world = Arc::new(World {
            dialect,
            url: url.clone(),
            folder: folder.to_owned(),
            state: Mutex::new(State {
                repositories: BTreeMap::new(),
                accounts: accounts.into(),
                faults: Faults::default(),
                chance: Chance::new(0),
                calls: Vec::new(),
            }),
        });
        let mut tasks = JoinSet::new();
        let served = Arc::clone(&world);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    continue;
                };
                let world = Arc::clone(&served);
                let service = service_fn(move |request| {
                    let world = Arc::clone(&world);
                    async move { world.serve(request).await }
                });
                connections.spawn(async move {
                    let stream = TokioIo::new(stream);
                    // A connection that a fault has cut is no failure here.
                    drop(
                        http1::Builder::new()
                            .serve_connection(stream, service)
                            .await,
                    );
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Self {
            url,
            world,
            _tasks: tasks,
        }
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Lets another account in.
    pub fn add_account(&self, login: &str, token: &str) {
        let mut state = self.world.state();
        state.accounts.insert(token.to_owned(), login.to_owned());
    }

    /// Makes a repository with a first commit on `main`, and branches with one commit each, which
    /// adds the named file. The same arguments give the same commits.
    ///
    /// # Panics
    ///
    /// When the folder cannot be used, or git fails.
    pub fn add_repository(&self, owner: &str, name: &str, branches: &[(&str, &str)]) {
        let template = self
            .world
            .folder
            .join("template")
            .join(format!("{branches:?}").replace('/', "_"));
        if !template.exists() {
            let folder = template.with_extension("work");
            let work = Fixture::new(&folder);
            work.file("README.md", "A repository.\n").commit("First");
            for (branch, file) in branches {
                work.git(&["switch", "--quiet", "--create", branch, "main"]);
                work.file(file, "A change.\n").commit("A change");
            }
            let (from, to) = (folder.display().to_string(), template.display().to_string());
            work.git(&["switch", "--quiet", "main"]);
            work.git(&["clone", "--quiet", "--bare", "--template=", &from, &to]);
        }
        let dir = self.git_dir(owner, name);
        copy(&template, &dir);
        self.take_repository(owner, name, dir);
    }

    /// Makes a repository of all branches of an existing one.
    ///
    /// # Panics
    ///
    /// When the folder cannot be used, or git fails.
    pub fn add_copy(&self, owner: &str, name: &str, of: &Fixture) {
        let dir = self.git_dir(owner, name);
        std::fs::create_dir_all(&dir).expect("the folder can be made");
        let from = of.dir().display().to_string();
        let to = dir.display().to_string();
        of.git(&["clone", "--quiet", "--bare", "--template=", &from, &to]);
        self.take_repository(owner, name, dir);
    }

    fn take_repository(&self, owner: &str, name: &str, dir: PathBuf) {
        let key = (owner.to_owned(), name.to_owned());
        let repository = Repository::new(Bare { dir });
        self.world.state().repositories.insert(key, repository);
    }

    /// The bare repository behind one of its repositories.
    #[must_use]
    pub fn git_dir(&self, owner: &str, name: &str) -> PathBuf {
        self.world.folder.join(owner).join(format!("{name}.git"))
    }

    /// The commit of a branch.
    ///
    /// # Panics
    ///
    /// When the branch holds no commit.
    #[must_use]
    pub fn branch(&self, owner: &str, name: &str, branch: &str) -> Option<CommitId> {
        let dir = self.git_dir(owner, name);
        let found = Bare { dir }.branch(branch)?;
        Some(found.parse().expect("git has whole object ids"))
    }

    /// Moves a branch, as a push by somebody does.
    ///
    /// # Panics
    ///
    /// When the commit is not there.
    pub fn push(&self, owner: &str, name: &str, branch: &str, commit: &CommitId) {
        let dir = self.git_dir(owner, name);
        let moved = Bare { dir }.set_branch(branch, commit.as_str(), None);
        assert!(moved, "the commit {commit} is there");
    }

    /// Somebody writes an issue by hand.
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    pub fn write_issue(
        &self,
        owner: &str,
        name: &str,
        author: &str,
        title: &str,
        body: &str,
    ) -> u64 {
        self.with(owner, name, |it| it.add(title, body, author, None))
    }

    /// Somebody writes a comment by hand, and its id is returned.
    ///
    /// # Panics
    ///
    /// When the repository or the issue is not there.
    pub fn write_comment(
        &self,
        owner: &str,
        name: &str,
        issue: u64,
        author: &str,
        body: &str,
    ) -> u64 {
        self.with(owner, name, |it| {
            assert!(it.items.contains_key(&issue), "the issue is there");
            let id = it.comments.len() as u64 + 1;
            let made = Comment {
                id,
                issue,
                body: body.to_owned(),
                author: author.to_owned(),
                created: now(),
                updated: now(),
            };
            it.comments.insert(id, Late::new(made));
            touch(it, issue);
            id
        })
    }

    /// Somebody gives an issue a label by hand, or takes it away with `-` before its name.
    ///
    /// # Panics
    ///
    /// When the repository or the issue is not there.
    pub fn write_label(&self, owner: &str, name: &str, issue: u64, author: &str, label: &str) {
        self.with(owner, name, |it| {
            let mut labels = it.items[&issue].now.labels.clone();
            match label.strip_prefix('-') {
                Some(label) => {
                    let id = it.label(label);
                    labels.retain(|known| *known != id);
                }
                None => labels.push(it.label(label)),
            }
            it.relabel(issue, author, labels);
        });
    }

    /// Somebody squashes and merges a pull request: its base gets another commit, which is not made here.
    ///
    /// # Panics
    ///
    /// When the repository is not there, or it is no pull request.
    pub fn squash(&self, owner: &str, name: &str, number: u64) {
        self.with(owner, name, |it| {
            it.follow_heads();
            let item = it.items.get_mut(&number).expect("it is there");
            item.change(|it| {
                it.pull.as_mut().expect("it is a pull request").is_merged = true;
                (it.is_open, it.updated) = (false, now());
            });
        });
    }

    /// The labels of an issue as they are, sorted.
    ///
    /// # Panics
    ///
    /// When the repository or the issue is not there.
    #[must_use]
    pub fn labels(&self, owner: &str, name: &str, issue: u64) -> Vec<String> {
        self.with(owner, name, |it| {
            let labels = it.items[&issue].now.labels.iter();
            let mut names: Vec<_> = labels.map(|id| it.label_name(*id).to_owned()).collect();
            names.sort();
            names
        })
    }

    /// Whether the token's account may push, and whether merges by fast-forward are allowed.
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    pub fn set_rights(&self, owner: &str, name: &str, may_write: bool, allows_fast_forward: bool) {
        self.with(owner, name, |it| {
            (it.may_write, it.allows_fast_forward) = (may_write, allows_fast_forward);
        });
    }

    /// Pull requests may be marked as merged where their base holds them; at first they may not.
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    pub fn allow_merges_by_hand(&self, owner: &str, name: &str) {
        self.with(owner, name, |it| it.allows_by_hand = true);
    }

    /// What somebody may do: `read`, `write`, `admin`.
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    pub fn set_permission(&self, owner: &str, name: &str, login: &str, permission: &str) {
        self.with(owner, name, |it| {
            it.permissions
                .insert(login.to_owned(), permission.to_owned());
        });
    }

    /// All issues, comments and pull requests of a repository as they are, without any lag.
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    #[must_use]
    pub fn truth(&self, owner: &str, name: &str) -> Vec<Shown> {
        self.with(owner, name, |it| {
            let items = it.items.values().map(|it| Shown {
                kind: if it.now.pull.is_some() {
                    "pull"
                } else {
                    "issue"
                },
                number: it.now.number,
                body: it.now.body.clone(),
            });
            let comments = it.comments.values().map(|it| Shown {
                kind: "comment",
                number: it.now.id,
                body: it.now.body.clone(),
            });
            items.chain(comments).collect()
        })
    }

    fn with<T>(&self, owner: &str, name: &str, act: impl FnOnce(&mut Repository) -> T) -> T {
        let key = (owner.to_owned(), name.to_owned());
        let mut state = self.world.state();
        act(state
            .repositories
            .get_mut(&key)
            .expect("the repository is there"))
    }

    /// From now on it fails so, by chance from this seed.
    pub fn set_faults(&self, faults: Faults, seed: u64) {
        let mut state = self.world.state();
        (state.faults, state.chance) = (faults, Chance::new(seed));
    }

    /// All calls of its API so far, or since this was last asked.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.world.state().calls)
    }
}

impl World {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(&self, request: Request<Incoming>) -> io::Result<Answer> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        if head.uri.path().starts_with(self.dialect.api()) {
            return self.api(&head, &body);
        }
        self.git(&head, body).await
    }

    fn api(&self, head: &hyper::http::request::Parts, body: &Bytes) -> io::Result<Answer> {
        let path = head.uri.path().trim_start_matches(self.dialect.api());
        let query = head.uri.query().unwrap_or_default();
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
        let mut call = Call {
            method: head.method.to_string(),
            path: path.to_owned(),
            query: query.to_owned(),
            body: sent.clone(),
            status: 0,
            answer: None,
        };
        let before = match fate {
            Fate::Refused => Some(429),
            Fate::DownBefore => Some(502),
            Fate::Well | Fate::DownAfter | Fate::Lost => None,
        };
        if let Some(status) = before {
            call.status = status;
            state.calls.push(call);
            let answer = Response::builder().status(status);
            let answer = match fate {
                Fate::Refused => answer.header(header::RETRY_AFTER, "0"),
                _ => answer,
            };
            return Ok(finished(answer, Bytes::new()));
        }
        let authorization = head.headers.get(header::AUTHORIZATION);
        let token = authorization
            .and_then(|value| value.to_str().ok()?.strip_prefix(self.dialect.scheme()));
        let login = token.and_then(|token| state.accounts.get(token)).cloned();
        let reply = match login {
            Some(login) => {
                let request = gitea::Request {
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
                    lag,
                    is_busy,
                };
                answered(self.dialect, &mut state, &request)
            }
            None => Reply {
                status: 401,
                body: Some(serde_json::json!({"message": "user does not exist"})),
                link: None,
                total: None,
            },
        };
        if fate == Fate::Lost {
            state.calls.push(call);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        call.status = match fate {
            Fate::DownAfter => 500,
            _ => reply.status,
        };
        call.answer = reply.body.clone().filter(|_| fate == Fate::Well);
        let text = match &reply.body {
            Some(body) if fate == Fate::Well => body.to_string(),
            _ => String::new(),
        };
        let mut answer = Response::builder().status(call.status);
        if let Some(link) = reply.link {
            answer = answer.header(header::LINK, link);
        }
        if let Some(total) = reply.total {
            answer = answer.header("x-total-count", total);
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

    /// git over HTTP, by git's own program for it.
    #[expect(
        clippy::disallowed_methods,
        reason = "fixtures must not depend on the crate whose tests they serve"
    )]
    async fn git(&self, head: &hyper::http::request::Parts, body: Bytes) -> io::Result<Answer> {
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

fn answered(dialect: Dialect, state: &mut State, request: &gitea::Request<'_>) -> Reply {
    let of_server = match dialect {
        Dialect::Gitea => gitea::of_server(request),
        Dialect::GitHub => github::of_server(request),
    };
    if let Some(reply) = of_server {
        return reply;
    }
    let key = match &request.parts[..] {
        [repos, owner, name, ..] if repos == "repos" => (owner.clone(), name.clone()),
        _ => (String::new(), String::new()),
    };
    match state.repositories.get_mut(&key) {
        Some(repository) => match dialect {
            Dialect::Gitea => gitea::of_repository(repository, request),
            Dialect::GitHub => github::of_repository(repository, request),
        },
        None => Reply {
            status: 404,
            body: Some(serde_json::json!({"message": "The target couldn't be found."})),
            link: None,
            total: None,
        },
    }
}

fn finished(answer: hyper::http::response::Builder, body: Bytes) -> Answer {
    answer.body(Full::new(body)).expect("its parts are valid")
}

/// FNV-1a.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |print, byte| {
        (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn pairs(query: &str) -> Vec<(String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let split = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    };
    pairs.map(split).collect()
}

fn decode(text: &str) -> String {
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

fn unbase64(text: &str) -> Option<String> {
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
