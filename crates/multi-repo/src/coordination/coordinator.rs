//! What may start, and what never will: events in, actions out.

use std::collections::{BTreeMap, HashMap};

use core_types::{
    ChangeSet, Coordination, Member, MemberState, RepositoryName, TriggerWhen, Wait, WaitReason,
};

/// What has happened to a member that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// All its tasks have succeeded.
    Succeeded(RepositoryName),
    /// Its integration head has passed Testing.
    Completed(RepositoryName),
    /// A task of it, or its Testing, has failed.
    Failed {
        /// Which.
        repository: RepositoryName,
        /// One line for people.
        reason: String,
    },
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Start a member.
    Start(RepositoryName),
    /// It will never start.
    Skip {
        /// Which.
        repository: RepositoryName,
        /// The one that did not succeed.
        because: RepositoryName,
    },
}

/// The course of a change set, without a driver: no clock, no IO.
///
/// Each member is started or skipped exactly once, never before all it waits
/// for. Events that come twice, too late or for nobody change nothing, so that
/// what is recorded can be told again after a crash.
///
/// ```
/// use multi_repo::{Action, Coordinator, Event, Selection, change_set};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let text = include_str!("../../../../config/repositories.yaml");
/// let repositories = config::load_repositories("config/repositories.yaml", text, &|_| None)?;
/// let full_stack = Selection::Workflow("full-stack-feature");
/// let change_set = change_set(&repositories, full_stack, "run-1".parse()?, Default::default())?;
///
/// let (mut coordinator, first) = Coordinator::new(&change_set);
/// assert_eq!(first, [Action::Start("backend".parse()?)]);
/// let next = coordinator.handle(Event::Succeeded("backend".parse()?));
/// assert_eq!(next, [Action::Start("frontend".parse()?)]);
/// coordinator.handle(Event::Completed("backend".parse()?));
/// // Both have triggered it, once.
/// let last = coordinator.handle(Event::Completed("frontend".parse()?));
/// assert_eq!(last, [Action::Start("infrastructure".parse()?)]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Coordinator {
    coordination: Coordination,
    members: Vec<Member>,
    states: Vec<MemberState>,
    index: HashMap<RepositoryName, usize>,
}

/// How another member's state looks to one that waits for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outlook {
    Met,
    Open,
    Vain,
}

impl Coordinator {
    /// The course of a change set, and what is to be done at its start.
    #[must_use]
    pub fn new(change_set: &ChangeSet) -> (Self, Vec<Action>) {
        let members = change_set.members.clone();
        let index = members
            .iter()
            .enumerate()
            .map(|(idx, member)| (member.repository.clone(), idx))
            .collect();
        let waiting = |member: &Member| MemberState::Waiting {
            on: member.waits().collect(),
        };
        let mut coordinator = Self {
            coordination: change_set.coordination,
            states: members.iter().map(waiting).collect(),
            members,
            index,
        };
        let actions = coordinator.settle();
        (coordinator, actions)
    }

    /// Takes what has happened, and says what is to be done.
    pub fn handle(&mut self, event: Event) -> Vec<Action> {
        let (name, next) = match event {
            Event::Succeeded(name) => (name, MemberState::Succeeded),
            Event::Completed(name) => (name, MemberState::Completed),
            Event::Failed { repository, reason } => (repository, MemberState::Failed { reason }),
        };
        let Some(&idx) = self.index.get(&name) else {
            return Vec::new();
        };
        let is_due = match self.states[idx] {
            MemberState::Running => true,
            MemberState::Succeeded => next != MemberState::Succeeded,
            _ => false,
        };
        if !is_due {
            return Vec::new();
        }
        self.states[idx] = next;
        self.settle()
    }

    /// Where each member stands; one that waits names what is still missing.
    #[must_use]
    pub fn states(&self) -> BTreeMap<RepositoryName, MemberState> {
        let names = self.members.iter().map(|member| member.repository.clone());
        names.zip(self.states.iter().cloned()).collect()
    }

    /// Whether nothing can happen any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        use MemberState::{Running, Succeeded, Waiting};
        !self
            .states
            .iter()
            .any(|state| matches!(state, Waiting { .. } | Running | Succeeded))
    }

    /// Decides about all that wait. One pass is enough, since whatever is waited for stands before.
    fn settle(&mut self) -> Vec<Action> {
        let mut actions = Vec::new();
        for idx in 0..self.members.len() {
            if !matches!(self.states[idx], MemberState::Waiting { .. }) {
                continue;
            }
            let member = &self.members[idx];
            let repository = member.repository.clone();
            if let Some(because) = self.vain(member) {
                self.states[idx] = MemberState::Skipped {
                    because: because.clone(),
                };
                actions.push(Action::Skip {
                    repository,
                    because,
                });
                continue;
            }
            let on = self.missing(member);
            if on.is_empty() {
                self.states[idx] = MemberState::Running;
                actions.push(Action::Start(repository));
            } else {
                self.states[idx] = MemberState::Waiting { on };
            }
        }
        actions
    }

    /// The member because of which this one can never start.
    fn vain(&self, member: &Member) -> Option<RepositoryName> {
        if self.coordination == Coordination::Sequential {
            let failed = |state: &MemberState| matches!(state, MemberState::Failed { .. });
            if let Some(idx) = self.states.iter().position(failed) {
                return Some(self.members[idx].repository.clone());
            }
        }
        let is_vain = |wait: &Wait| self.outlook(wait) == Outlook::Vain;
        let after = member.after.iter().find(|wait| is_vain(wait));
        if let Some(wait) = after {
            return Some(wait.repository.clone());
        }
        let trigger = member.trigger.as_ref()?;
        let mut vain = trigger
            .on
            .iter()
            .filter(|on| self.trigger_outlook(on) == Outlook::Vain);
        match trigger.when {
            TriggerWhen::All => vain.next().cloned(),
            TriggerWhen::Any => {
                let last = vain.clone().next_back().cloned();
                (vain.count() == trigger.on.len()).then_some(last).flatten()
            }
        }
    }

    /// What this member still waits for.
    fn missing(&self, member: &Member) -> Vec<Wait> {
        let is_open = |wait: &&Wait| self.outlook(wait) != Outlook::Met;
        let mut missing: Vec<Wait> = member.after.iter().filter(is_open).cloned().collect();
        if let Some(trigger) = &member.trigger {
            let is_open = |on: &&RepositoryName| self.trigger_outlook(on) != Outlook::Met;
            let open: Vec<_> = trigger.on.iter().filter(is_open).collect();
            let is_met = match trigger.when {
                TriggerWhen::All => open.is_empty(),
                TriggerWhen::Any => open.len() < trigger.on.len(),
            };
            if !is_met {
                missing.extend(open.into_iter().map(|on| Wait {
                    repository: on.clone(),
                    reason: WaitReason::Trigger,
                }));
            }
        }
        missing
    }

    fn outlook(&self, wait: &Wait) -> Outlook {
        match (wait.reason, self.state(&wait.repository)) {
            (WaitReason::Trigger, _) => self.trigger_outlook(&wait.repository),
            (_, Some(MemberState::Failed { .. } | MemberState::Skipped { .. }) | None) => {
                Outlook::Vain
            }
            (_, Some(MemberState::Waiting { .. } | MemberState::Running)) => Outlook::Open,
            (_, Some(_)) => Outlook::Met,
        }
    }

    fn trigger_outlook(&self, on: &RepositoryName) -> Outlook {
        match self.state(on) {
            Some(MemberState::Failed { .. } | MemberState::Skipped { .. }) | None => Outlook::Vain,
            Some(MemberState::Waiting { .. } | MemberState::Running | MemberState::Succeeded) => {
                Outlook::Open
            }
            Some(_) => Outlook::Met,
        }
    }

    fn state(&self, name: &RepositoryName) -> Option<&MemberState> {
        self.index.get(name).map(|idx| &self.states[*idx])
    }
}
