//! A run as its issue is told of it.

use core_types::{Gate, Message, Plan, RunId, Scope, Usd};
use engine_workflow::{EndStatus, RepositoryEnd, RepositoryState, RunEnd};
use monitoring::fold::RepositoryRow;
use sha2::{Digest as _, Sha256};

use super::comment::is_showable;
use crate::assemble::{
    Error, Home, RunRecord, RunStatus, Surroundings, plan_from_file, plan_to_yaml, record::view,
};

/// A run as any process can see it, with all that its issue is told.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) status: RunStatus,
    pub(super) record: RunRecord,
    pub(super) repositories: Vec<RepositoryRow>,
    pub(super) spent: Usd,
    pub(super) limit: Option<Usd>,
    pub(super) awaited: Option<Awaited>,
}

/// What a run waits for a person to approve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Awaited {
    /// What names exactly this, so that what was shown is what is approved.
    pub(super) pin: String,
    /// What the run is told.
    pub(super) message: Message,
    /// What a person reads who approves it: a plan, or what lands or acts.
    pub(super) shown: String,
}

impl Awaited {
    /// Whether it is about moving target branches.
    pub(super) fn lands(&self) -> bool {
        matches!(
            self.message,
            Message::Land { .. }
                | Message::Approve {
                    gate: Gate::Landing,
                    ..
                }
        )
    }

    /// Whether all of it is in the status comment. What is not cannot be approved there.
    pub(super) fn is_shown(&self) -> bool {
        is_showable(&self.shown)
    }
}

impl Seen {
    pub(super) fn read(
        home: &Home,
        run: &RunId,
        surroundings: &Surroundings,
    ) -> Result<Self, Error> {
        let view = view(home, run, surroundings)?;
        let record = RunRecord::of(&view)?;
        let (status, shown) = RunStatus::seen(&view, surroundings)?;
        let awaited = awaited(home, &record, &status)?;
        Ok(Self {
            status,
            record,
            repositories: shown.repositories,
            spent: shown.spend.spent,
            limit: shown.spend.limit,
            awaited,
        })
    }
}

/// What the run waits for, with a mark over all that it is about.
fn awaited(home: &Home, record: &RunRecord, status: &RunStatus) -> Result<Option<Awaited>, Error> {
    let Some(end) = &status.end else {
        return Ok(None);
    };
    let run = status.run.as_str();
    if let Some(key) = &end.waits_for {
        let shown = format!(
            "step: {key}\nwhy: nobody can tell whether it has acted\nthen: it acts once more\n"
        );
        return Ok(Some(Awaited {
            pin: pin(&["consent", run, &key.to_string()]),
            message: Message::Consent { key: key.clone() },
            shown,
        }));
    }
    let heads = end.repositories.iter();
    let heads: Vec<_> = heads
        .map(|it| format!("{} {}", it.repository, it.head))
        .collect();
    let heads = heads.join("\n");
    let landing: String = end
        .repositories
        .iter()
        .filter(could_land)
        .map(row)
        .collect();
    let approve = |gate, plan| Message::Approve { gate, plan };
    Ok(match end.status {
        EndStatus::AtGate(Gate::Plan) => {
            let plan = plan_at_gate(home, record)?;
            let text = plan_to_yaml(&plan);
            Some(Awaited {
                pin: pin(&["plan", run, &text]),
                message: approve(Gate::Plan, Some(plan)),
                shown: text,
            })
        }
        EndStatus::AtGate(gate) => Some(Awaited {
            pin: pin(&[gate.as_str(), run, &heads, &landing]),
            message: approve(gate, None),
            shown: landing,
        }),
        EndStatus::Done | EndStatus::Partial | EndStatus::NeedsPerson if can_land(end) => {
            Some(Awaited {
                pin: pin(&["land", run, &heads, &landing]),
                message: Message::Land {
                    update_checkout: false,
                    allow_unverified: false,
                },
                shown: landing,
            })
        }
        EndStatus::Done
        | EndStatus::Failed
        | EndStatus::Partial
        | EndStatus::Aborted
        | EndStatus::NeedsPerson => None,
    })
}

/// Whether something has not landed that could.
fn can_land(end: &RunEnd) -> bool {
    end.repositories.iter().any(|it| could_land(&it))
}

fn could_land(it: &&RepositoryEnd) -> bool {
    matches!(
        it.state,
        RepositoryState::Published
            | RepositoryState::Ready { .. }
            | RepositoryState::Blocked { .. }
    )
}

/// What is approved of a repository whose change lands.
fn row(it: &RepositoryEnd) -> String {
    let tests = match it.tested {
        Some(true) => "passed",
        Some(false) => "failed",
        None => "not verified",
    };
    let review = it.review.as_ref().map(|it| it.approved);
    let review = match review {
        Some(true) => "approved",
        Some(false) => "not approved",
        None => "not reviewed",
    };
    let mut row = format!(
        "{}:\n  commit: {}\n  tests: {tests}\n  review: {review}\n",
        it.repository, it.head
    );
    if let RepositoryState::Ready { reason, .. } | RepositoryState::Blocked { reason, .. } =
        &it.state
    {
        // One line, whatever names of files are in it.
        let words: Vec<_> = reason.split_whitespace().collect();
        row.push_str(&format!("  waits: {}\n", words.join(" ")));
    }
    row
}

/// The plan that waits: a run writes it before it stops at the gate.
fn plan_at_gate(home: &Home, record: &RunRecord) -> Result<Plan, Error> {
    let settings = &record.settings;
    let names: Vec<_> = settings
        .repositories
        .iter()
        .map(|it| it.name.clone())
        .collect();
    let file = home.run_folder(&settings.run).join("plan.yaml");
    plan_from_file(&file, &settings.plan_id, &names)
}

/// The first 48 bits of a hash: whoever may approve does not look for a second plan of the same mark.
fn pin(parts: &[&str]) -> String {
    let hash = Sha256::digest(parts.join("\n"));
    hash.iter().take(6).map(|it| format!("{it:02x}")).collect()
}

/// What failed and can be tried again.
pub(super) fn failed(status: &RunStatus) -> Vec<Scope> {
    let tasks = status.tasks.iter();
    let tasks = tasks.filter(|it| it.status.has_failed());
    let mut scopes: Vec<_> = tasks.map(|it| Scope::Task(it.task.clone())).collect();
    if scopes.is_empty() {
        let tests = status.repositories.iter();
        let tests = tests.filter(|it| it.tested == Some(false));
        scopes.extend(tests.map(|it| Scope::Repository(it.repository.clone())));
    }
    scopes
}
