//! What a follower must know after it was killed: a fold of its journal.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{IssueNumber, RepositoryName, RunId, Timestamp};
use journal::{FoldError, Journal, Kind, Record};
use serde::{Deserialize, Serialize};

use crate::assemble::{Error, Home, Surroundings};

/// The one kind of record in a follower's journal.
const FOLLOWED: Kind = Kind(1);

const VERSION: u16 = 1;

/// The issue of a repository.
pub(super) type IssueKey = (RepositoryName, IssueNumber);

/// What was said on a forge: a comment by its id, or a label by its name and when it was given.
pub(super) type Saying = String;

#[derive(Debug, Serialize, Deserialize)]
struct FollowedRecord {
    v: u16,
    what: What,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
enum What {
    /// The n-th status comment of an issue is about to be made.
    Commenting {
        repository: RepositoryName,
        issue: IssueNumber,
        n: u32,
    },
    /// It was made.
    Commented {
        repository: RepositoryName,
        issue: IssueNumber,
        id: u64,
    },
    /// A run is about to be told what somebody has said; its inbox holds so many messages before.
    Hearing {
        repository: RepositoryName,
        saying: Saying,
        run: RunId,
        n_messages: usize,
    },
    /// Nothing is left to be done about what somebody has said.
    Heard {
        repository: RepositoryName,
        saying: Saying,
    },
    /// A run was seen to be asked for, when its issue had a text of this hash.
    Asked { run: RunId, text: String },
    /// The status comment shows what a run waits for, since a time of the forge's.
    Shown {
        run: RunId,
        pin: String,
        at: Timestamp,
    },
    /// Nothing more is to be shown of a run.
    Settled { run: RunId },
}

/// The status comment of an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StatusComment {
    /// Which one, from 1: a person may have deleted those before it.
    pub(super) n: u32,
    /// `None` where it is not known whether it was made.
    pub(super) id: Option<u64>,
}

/// The run that is told what somebody has said, and how many messages its inbox held before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hearing {
    pub(super) run: RunId,
    pub(super) n_messages: usize,
}

#[derive(Debug, Default)]
struct State {
    comments: BTreeMap<IssueKey, StatusComment>,
    hearing: BTreeMap<(RepositoryName, Saying), Hearing>,
    heard: BTreeSet<(RepositoryName, Saying)>,
    asked: BTreeMap<RunId, String>,
    shown: BTreeMap<RunId, (String, Timestamp)>,
    settled: BTreeSet<RunId>,
}

impl State {
    fn apply(&mut self, what: What) {
        match what {
            What::Commenting {
                repository,
                issue,
                n,
            } => {
                let comment = StatusComment { n, id: None };
                self.comments.insert((repository, issue), comment);
            }
            What::Commented {
                repository,
                issue,
                id,
            } => {
                if let Some(comment) = self.comments.get_mut(&(repository, issue)) {
                    comment.id = Some(id);
                }
            }
            What::Hearing {
                repository,
                saying,
                run,
                n_messages,
            } => {
                let hearing = Hearing { run, n_messages };
                self.hearing.insert((repository, saying), hearing);
            }
            What::Heard { repository, saying } => {
                self.hearing.remove(&(repository.clone(), saying.clone()));
                self.heard.insert((repository, saying));
            }
            What::Asked { run, text } => {
                self.asked.entry(run).or_insert(text);
            }
            What::Shown { run, pin, at } => {
                self.shown.insert(run, (pin, at));
            }
            What::Settled { run } => {
                self.asked.remove(&run);
                self.shown.remove(&run);
                self.settled.insert(run);
            }
        }
    }
}

/// What a follower has done so far. One process has it at a time.
#[derive(Debug)]
pub(super) struct Memory {
    journal: Journal,
    state: State,
}

impl Memory {
    pub(super) fn open(home: &Home, surroundings: &Surroundings) -> Result<Self, Error> {
        home.ensure()?;
        let folder = home.state().join("serve");
        let mut state = State::default();
        let replay = |record: &Record| -> Result<(), FoldError> {
            if record.kind != FOLLOWED {
                return Ok(());
            }
            let read: FollowedRecord = serde_json::from_slice(&record.payload)?;
            if read.v > VERSION {
                return Err(format!("version {} is newer than this program", read.v).into());
            }
            state.apply(read.what);
            Ok(())
        };
        let opened = Journal::create_or_open(&folder, surroundings.journal.clone(), replay);
        let journal = opened.map_err(|error| match error {
            journal::Error::Locked { .. } => Error::request(
                "another process follows the issues of this home",
                "end it first, or let it work",
            ),
            error => Error::Followed(error),
        })?;
        Ok(Self { journal, state })
    }

    async fn note(&mut self, what: What) -> Result<(), Error> {
        let record = FollowedRecord {
            v: VERSION,
            what: what.clone(),
        };
        let bytes = serde_json::to_vec(&record).expect("names and numbers are JSON");
        let appended = self.journal.append(FOLLOWED, bytes).await;
        appended.map_err(Error::Followed)?;
        self.state.apply(what);
        Ok(())
    }

    pub(super) fn comment(&self, issue: &IssueKey) -> Option<StatusComment> {
        self.state.comments.get(issue).copied()
    }

    pub(super) async fn commenting(&mut self, issue: &IssueKey, n: u32) -> Result<(), Error> {
        let (repository, issue) = issue.clone();
        self.note(What::Commenting {
            repository,
            issue,
            n,
        })
        .await
    }

    pub(super) async fn commented(&mut self, issue: &IssueKey, id: u64) -> Result<(), Error> {
        let (repository, issue) = issue.clone();
        self.note(What::Commented {
            repository,
            issue,
            id,
        })
        .await
    }

    pub(super) fn hearing(&self, of: &(RepositoryName, Saying)) -> Option<&Hearing> {
        self.state.hearing.get(of)
    }

    pub(super) fn has_heard(&self, of: &(RepositoryName, Saying)) -> bool {
        self.state.heard.contains(of)
    }

    pub(super) async fn hear(
        &mut self,
        of: &(RepositoryName, Saying),
        hearing: &Hearing,
    ) -> Result<(), Error> {
        let (repository, saying) = of.clone();
        let Hearing { run, n_messages } = hearing.clone();
        self.note(What::Hearing {
            repository,
            saying,
            run,
            n_messages,
        })
        .await
    }

    pub(super) async fn heard(&mut self, of: &(RepositoryName, Saying)) -> Result<(), Error> {
        let (repository, saying) = of.clone();
        self.note(What::Heard { repository, saying }).await
    }

    /// The hash of an issue's text when its run was first seen to be asked for.
    pub(super) fn asked(&self, run: &RunId) -> Option<&str> {
        self.state.asked.get(run).map(String::as_str)
    }

    pub(super) async fn ask(&mut self, run: &RunId, text: String) -> Result<(), Error> {
        let run = run.clone();
        self.note(What::Asked { run, text }).await
    }

    /// Since when the status comment shows what has this mark, if that is what it showed last; the
    /// empty mark is that of nothing.
    pub(super) fn shown_since(&self, run: &RunId, pin: &str) -> Option<Timestamp> {
        match self.state.shown.get(run) {
            Some((of, at)) => (of == pin).then_some(*at),
            None => pin.is_empty().then_some(Timestamp(0)),
        }
    }

    pub(super) async fn show(
        &mut self,
        run: &RunId,
        pin: &str,
        at: Timestamp,
    ) -> Result<(), Error> {
        let (run, pin) = (run.clone(), pin.to_owned());
        self.note(What::Shown { run, pin, at }).await
    }

    pub(super) fn is_settled(&self, run: &RunId) -> bool {
        self.state.settled.contains(run)
    }

    pub(super) async fn settle(&mut self, run: &RunId) -> Result<(), Error> {
        self.note(What::Settled { run: run.clone() }).await
    }
}
