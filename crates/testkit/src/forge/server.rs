use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use core_types::{APART, CommitId, Timestamp};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinSet};

use super::{
    Faults, Shown,
    faults::Chance,
    git::{Bare, copy},
    state::{Comment, Late, Pull, Repository, now, touch},
    world::{State, World},
};
use crate::git::Fixture;

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
    /// GitLab, below `/api/v4`.
    GitLab,
}

impl Dialect {
    pub(super) const fn api(self) -> &'static str {
        match self {
            Self::Gitea => "/api/v1",
            Self::GitHub => "/api/v3",
            Self::GitLab => "/api/v4",
        }
    }

    /// What may stand before a token in its header.
    pub(super) const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Gitea | Self::GitHub => &["token ", "Bearer "],
            Self::GitLab => &["Bearer "],
        }
    }

    /// What a token may do where nothing else was said.
    pub(super) const fn scope(self) -> &'static str {
        match self {
            Self::Gitea => "all",
            Self::GitHub => "repo",
            Self::GitLab => "api",
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
    /// It was refused for load, which no description tells of.
    pub is_limit: bool,
    /// The JSON that was answered.
    pub answer: Option<Value>,
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
                moved: BTreeMap::new(),
                accounts: accounts.into(),
                scopes: vec![dialect.scope().to_owned()],
                faults: Faults::default(),
                chance: Chance::new(0),
                n_refused: 0,
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

    /// What its tokens may do from now on, as far as the forge tells of it.
    pub fn set_scopes(&self, scopes: &[&str]) {
        let scopes = scopes.iter().map(|it| (*it).to_owned()).collect();
        self.world.state().scopes = scopes;
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
        let mut state = self.world.state();
        let id = state.repositories.len() as u64 + 1;
        let web = format!("{}/{owner}/{name}", self.url);
        let mut repository = Repository::new(Bare { dir }, id, web);
        if self.world.dialect == Dialect::GitLab {
            repository.next_apart = Some(APART);
        }
        state.repositories.insert(key, repository);
    }

    /// Somebody renames a repository: its old name leads to the new one.
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    pub fn rename(&self, owner: &str, name: &str, to: &str) {
        let path = match self.world.dialect {
            Dialect::Gitea | Dialect::GitHub => format!("/repos/{owner}/{to}"),
            Dialect::GitLab => format!("/projects/{owner}%2F{to}"),
        };
        let mut state = self.world.state();
        let repository = state
            .repositories
            .remove(&(owner.to_owned(), name.to_owned()));
        let repository = repository.expect("the repository is there");
        state
            .repositories
            .insert((owner.to_owned(), to.to_owned()), repository);
        state
            .moved
            .insert((owner.to_owned(), name.to_owned()), path);
    }

    /// What is below a repository leads to this address, on whatever server.
    pub fn lead_to(&self, owner: &str, name: &str, address: &str) {
        let key = (owner.to_owned(), name.to_owned());
        self.world.state().moved.insert(key, address.to_owned());
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

    /// Somebody opens a pull request for a branch into `main` by hand, and its number is returned.
    ///
    /// # Panics
    ///
    /// When the repository or the branch is not there.
    pub fn propose(&self, owner: &str, name: &str, author: &str, title: &str, head: &str) -> u64 {
        let head_commit = self.branch(owner, name, head).expect("the branch is there");
        let pull = Pull {
            head: head.to_owned(),
            base: "main".to_owned(),
            head_commit: head_commit.to_string(),
            is_merged: false,
        };
        self.with(owner, name, |it| it.add(title, "", author, Some(pull)))
    }

    /// Somebody closes an issue or a pull request by hand.
    ///
    /// # Panics
    ///
    /// When it is not there.
    pub fn close(&self, owner: &str, name: &str, number: u64) {
        self.with(owner, name, |it| {
            let item = it.items.get_mut(&number).expect("it is there");
            item.change(|item| item.is_open = false);
            touch(it, number);
        });
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
                is_system: false,
            };
            it.comments.insert(id, Late::new(made));
            touch(it, issue);
            id
        })
    }

    /// Somebody rewrites a comment by hand, at the earliest a second after it was written: times are whole
    /// seconds. Who did it, forges do not tell.
    ///
    /// # Panics
    ///
    /// When the repository or the comment is not there.
    pub fn edit_comment(&self, owner: &str, name: &str, id: u64, body: &str) {
        self.with(owner, name, |it| {
            let comment = it.comments.get_mut(&id).expect("the comment is there");
            comment.change(|it| {
                let next = Timestamp(it.created.0 + 1000);
                (it.body, it.updated) = (body.to_owned(), now().max(next));
            });
            let issue = comment.now.issue;
            touch(it, issue);
        });
    }

    /// Somebody deletes a comment by hand.
    ///
    /// # Panics
    ///
    /// When the repository or the comment is not there.
    pub fn delete_comment(&self, owner: &str, name: &str, id: u64) {
        self.with(owner, name, |it| {
            let comment = it.comments.remove(&id).expect("the comment is there");
            touch(it, comment.now.issue);
        });
    }

    /// Somebody rewrites an issue by hand.
    ///
    /// # Panics
    ///
    /// When the repository or the issue is not there.
    pub fn edit_issue(&self, owner: &str, name: &str, issue: u64, body: &str) {
        self.with(owner, name, |it| {
            let item = it.items.get_mut(&issue).expect("the issue is there");
            item.change(|it| (it.body, it.updated) = (body.to_owned(), now()));
        });
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

    /// The organization that owns a repository gets a team (Gitea) which may read all of it, and do this with its code.
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    pub fn add_team(&self, owner: &str, name: &str, code: &str, members: &[&str]) {
        let members = members.iter().map(|it| (*it).to_owned()).collect();
        self.with(owner, name, |it| it.teams.push((code.to_owned(), members)));
    }

    /// The organization that owns a repository gets a label (Gitea).
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    pub fn share_label(&self, owner: &str, name: &str, label: &str) {
        self.with(owner, name, |it| {
            let id = 1_000 + it.shared_labels.len() as i64;
            it.shared_labels.push((id, label.to_owned()));
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

    /// Whether the token's account is an administrator of the repository; at first it is.
    ///
    /// # Panics
    ///
    /// When the repository is not there.
    pub fn set_admin(&self, owner: &str, name: &str, is_admin: bool) {
        self.with(owner, name, |it| it.is_admin = is_admin);
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
            let comments = it.comments.values().filter(|it| !it.now.is_system);
            let comments = comments.map(|it| Shown {
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
