//! Where the repositories of a run stand towards each other, as a fold of its events.

use core_types::{Member, MemberState, RepositoryName, Scope};
use engine_workflow::Settings;
use monitoring::fold::RunView;
use serde::Serialize;

/// A repository of a run as any process can see it.
#[derive(Debug, Clone, Serialize)]
pub struct RepositoryStanding {
    /// Which repository.
    pub repository: RepositoryName,
    /// Where it stands.
    pub state: MemberState,
    /// Whether its integration head passed its tests; `None` before.
    pub tested: Option<bool>,
}

/// One repair of a run, as it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// What was repaired: a task, or a repository's tests.
    pub scope: Option<Scope>,
    /// The strategy's name.
    pub strategy: String,
    /// `repaired`, `retry`, `park`, `refused`, `failed` or `handed_off`.
    pub outcome: String,
    /// Why, in one line; may be empty.
    pub reason: String,
}

/// Where each repository stands, in the order of the settings.
pub(crate) fn repositories(settings: &Settings, shown: &RunView) -> Vec<RepositoryStanding> {
    let standing = |name: &RepositoryName| {
        let row = shown.repositories.iter().find(|it| it.repository == *name);
        let change_set = settings.change_set.as_ref();
        let member = change_set.and_then(|change_set| change_set.member(name));
        RepositoryStanding {
            repository: name.clone(),
            // Before there is a plan it waits for all that it waits for.
            state: row.map_or_else(
                || MemberState::Waiting {
                    on: member.into_iter().flat_map(Member::waits).collect(),
                },
                |row| row.state.clone(),
            ),
            tested: row
                .filter(|row| row.is_tested)
                .map(|row| row.tested != Some(false)),
        }
    };
    let names = settings.repositories.iter().map(|it| &it.name);
    names.map(standing).collect()
}

/// The repairs that have ended, in that order.
pub(crate) fn repairs(shown: &RunView) -> Vec<Repair> {
    let ended = shown.recoveries.iter().filter(|row| row.ended.is_some());
    let mut ended: Vec<_> = ended.collect();
    ended.sort_by_key(|row| row.ended);
    ended
        .into_iter()
        .map(|row| Repair {
            scope: row.scope.clone(),
            strategy: row.strategy.clone(),
            outcome: row.outcome.clone(),
            reason: row.reason.clone(),
        })
        .collect()
}
