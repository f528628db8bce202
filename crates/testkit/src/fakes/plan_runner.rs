use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Mutex,
};

use async_trait::async_trait;
use core_types::{
    ChangeSet, ChangeSetEnd, Coordination, ErrorClass, MemberState, OperationId, PlanOutcome,
    PlanRequest, PlanRunner, PortError, RepositoryName, TriggerWhen,
};

use super::lock;

/// A plan runner without agents: every member ends at once, well but for those it was told.
#[derive(Debug, Default)]
pub struct MemoryPlanRunner {
    failing: BTreeSet<RepositoryName>,
    ended: Mutex<HashMap<OperationId, (ChangeSet, PlanOutcome)>>,
}

impl MemoryPlanRunner {
    /// One in which these repositories fail.
    #[must_use]
    pub fn failing(failing: impl IntoIterator<Item = RepositoryName>) -> Self {
        Self {
            failing: failing.into_iter().collect(),
            ended: Mutex::default(),
        }
    }

    /// How many change sets were carried out.
    #[must_use]
    pub fn n_carried_out(&self) -> usize {
        lock(&self.ended).len()
    }

    fn carry_out(&self, change_set: &ChangeSet) -> PlanOutcome {
        let mut members: BTreeMap<RepositoryName, MemberState> = BTreeMap::new();
        let mut first_failed = None;
        // Whatever is waited for stands before, so that its end is known.
        for member in &change_set.members {
            let bad = |name: &&RepositoryName| {
                let state = members.get(*name);
                !matches!(state, Some(MemberState::Completed))
            };
            let after = member.after.iter().map(|wait| &wait.repository);
            let triggers = member.trigger.as_ref();
            let triggers = triggers.and_then(|trigger| {
                let mut on = trigger.on.iter().filter(bad);
                match trigger.when {
                    TriggerWhen::All => on.next(),
                    TriggerWhen::Any => on.nth(trigger.on.len() - 1),
                }
            });
            let is_sequential = change_set.coordination == Coordination::Sequential;
            let stopped = first_failed.as_ref().filter(|_| is_sequential);
            let mut after = after;
            let because = stopped.or_else(|| after.find(bad)).or(triggers).cloned();
            let name = member.repository.clone();
            let state = if let Some(because) = because {
                MemberState::Skipped { because }
            } else if self.failing.contains(&name) {
                first_failed = first_failed.or(Some(name.clone()));
                let reason = "it was told to fail".to_owned();
                MemberState::Failed { reason }
            } else {
                MemberState::Completed
            };
            members.insert(name, state);
        }
        let end = if members
            .values()
            .all(|state| *state == MemberState::Completed)
        {
            for state in members.values_mut() {
                *state = MemberState::Landed;
            }
            ChangeSetEnd::All
        } else {
            let failed = members.iter().filter_map(|(name, state)| match state {
                MemberState::Failed { reason } => Some(format!("{name}: {reason}")),
                _ => None,
            });
            ChangeSetEnd::None {
                reasons: failed.collect(),
            }
        };
        PlanOutcome { members, end }
    }
}

#[async_trait]
impl PlanRunner for MemoryPlanRunner {
    async fn run_plan(&self, request: PlanRequest) -> Result<PlanOutcome, PortError> {
        let change_set = request.change_set;
        let mut ended = lock(&self.ended);
        if let Some((known, outcome)) = ended.get(&change_set.id) {
            if *known != change_set {
                let error = PortError::new(ErrorClass::Conflict, "run a change set");
                return Err(error.because("its id belongs to another one"));
            }
            return Ok(outcome.clone());
        }
        let outcome = self.carry_out(&change_set);
        ended.insert(change_set.id.clone(), (change_set, outcome.clone()));
        Ok(outcome)
    }

    async fn member_states(
        &self,
        change_set: &OperationId,
    ) -> Result<Option<BTreeMap<RepositoryName, MemberState>>, PortError> {
        let ended = lock(&self.ended);
        Ok(ended
            .get(change_set)
            .map(|(_, outcome)| outcome.members.clone()))
    }
}
