//! The lessons that a run finds by itself: hypotheses, to be tried like any other.
//!
//! What the run's journal says is their only source, and the files for agents at the commits that it started from.
//! Words of agents and reviews stay foreign; of recoveries and commands only our own words and those of the
//! configuration are said.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{
    CommitId, ErrorClass, Event, Plan, RepositoryName, Review, Scope, StepKey, StepRef, TaskId,
    step::StepState,
};
use engine_checkpoint::RunView;
use engine_workflow::{RepositoryPorts, RepositorySettings};
use learning::{FeedbackLoop, LessonKind, NewLesson, Source, guidance};

use super::{Error, RunRecord};

/// The files that people write for agents.
const GUIDANCE: [&str; 2] = ["AGENTS.md", "CLAUDE.md"];

/// How much of such a file is read, and how many of its rules are taken.
const GUIDANCE_BYTES: usize = 64 << 10;
const MAX_RULES: usize = 50;

/// How many remarks of one review are taken, the most severe ones, and how much of each.
const MAX_REMARKS: usize = 5;
const REMARK_BYTES: usize = 400;

/// What the journal of a run says that might help the next ones.
pub(crate) fn of_run(view: &RunView, plan: Option<&Plan>, record: &RunRecord) -> Vec<NewLesson> {
    let mut seen = Seen::default();
    for (_, event) in view.events() {
        seen.apply(event.step.as_ref(), &event.event);
    }
    let run = &record.settings.run;
    let mut lessons = Vec::new();
    for settings in &record.settings.repositories {
        let name = &settings.name;
        for purpose in ["test", "setup"] {
            if seen.passed.contains(&(name.clone(), purpose.to_owned())) {
                let lesson = verified(settings, purpose);
                lessons.extend(lesson.map(|it| it.found_in(run.clone())));
            }
        }
    }
    for repaired in &seen.repaired {
        let (repository, task) = match &repaired.scope {
            Scope::Repository(repository) => (Some(repository), None),
            Scope::Task(task) => (repository_of(plan, task), Some(task)),
            Scope::Run => (None, None),
        };
        let settings = repository.and_then(|name| record.settings.repository(name));
        if let Some(settings) = settings {
            let lesson = repaired.lesson(settings);
            lessons.push(match task {
                Some(task) => lesson.learnt_at(run.clone(), task.clone()),
                None => lesson.found_in(run.clone()),
            });
        }
    }
    for (repository, review) in &seen.reviews {
        for remark in remarks(review) {
            let lesson = NewLesson::new(LessonKind::Warning, remark, Source::Review);
            let place = format!("a review of {repository} by {}", record.agent.name);
            let lesson = lesson.repository(repository.clone()).place(place);
            lessons.push(lesson.found_in(run.clone()));
        }
    }
    lessons
}

/// Tells the feedback what the files for agents said when the run began: agents read them anyway, so that
/// nothing of it is tried or watched in those repositories. Returns the rules that people gave in them. What
/// cannot be read is none.
pub(crate) async fn priors(
    feedback: &FeedbackLoop,
    view: &RunView,
    repositories: &BTreeMap<RepositoryName, RepositoryPorts>,
) -> Result<Vec<NewLesson>, Error> {
    let mut lessons = Vec::new();
    for (name, ports) in repositories {
        let Some(base) = base_of(view, name) else {
            continue;
        };
        let mut texts = Vec::new();
        for (file, text) in files(ports, &base).await {
            let place = format!("{file} of {name} at {}", base.short());
            let rules = guidance(&place, &text).into_iter().take(MAX_RULES);
            lessons.extend(rules.map(|rule| rule.repository(name.clone())));
            texts.push(text);
        }
        feedback.note_guidance(name, &texts.join("\n")).await?;
    }
    Ok(lessons)
}

/// The files for agents in a repository at a commit, each with its name.
async fn files(ports: &RepositoryPorts, base: &CommitId) -> Vec<(&'static str, String)> {
    let mut files = Vec::new();
    for file in GUIDANCE {
        let read = ports.repository.read(base, file, GUIDANCE_BYTES).await;
        if let Ok(Some(bytes)) = read {
            files.push((file, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    files
}

/// The commit that a run started from in a repository.
fn base_of(view: &RunView, repository: &RepositoryName) -> Option<CommitId> {
    let key = StepKey::new(Scope::Repository(repository.clone()), 1, "start");
    match view.steps().get(&key).map(|step| &step.state) {
        Some(StepState::Finished { result, .. }) => serde_json::from_value(result.clone()).ok(),
        _ => None,
    }
}

fn repository_of<'a>(plan: Option<&'a Plan>, task: &TaskId) -> Option<&'a RepositoryName> {
    let task = plan?.tasks.iter().find(|it| it.id == *task)?;
    Some(&task.repository)
}

/// What events say.
#[derive(Debug, Default)]
struct Seen {
    /// Commands that passed, by their purpose.
    passed: BTreeSet<(RepositoryName, String)>,
    repaired: Vec<Repaired>,
    /// Reviews that asked for changes.
    reviews: Vec<(RepositoryName, Review)>,
    /// The class of what a strategy began to repair, until it ends.
    begun: BTreeMap<(Failing, String), ErrorClass>,
}

/// A failure is known by what failed and in which attempt.
type Failing = (Scope, u32);

/// A failure that a strategy has repaired.
#[derive(Debug)]
struct Repaired {
    scope: Scope,
    strategy: String,
    class: ErrorClass,
}

impl Seen {
    fn apply(&mut self, step: Option<&StepRef>, event: &Event) {
        match event {
            Event::CommandEnded {
                repository,
                purpose,
                passed: true,
                ..
            } => {
                self.passed.insert((repository.clone(), purpose.clone()));
            }
            Event::RepositoryReviewed {
                repository,
                review: Some(review),
            } if !review.approved => self.reviews.push((repository.clone(), review.clone())),
            Event::RecoveryStarted {
                strategy, class, ..
            } => {
                if let Some(step) = step {
                    let failure = (step.key.scope.clone(), step.key.attempt);
                    self.begun.insert((failure, strategy.clone()), *class);
                }
            }
            Event::RecoveryEnded {
                strategy, outcome, ..
            } if outcome == "repaired" => {
                let Some(step) = step else {
                    return;
                };
                let scope = step.key.scope.clone();
                let began = ((scope.clone(), step.key.attempt), strategy.clone());
                if let Some(class) = self.begun.remove(&began) {
                    self.repaired.push(Repaired {
                        scope,
                        strategy: strategy.clone(),
                        class,
                    });
                }
            }
            _ => {}
        }
    }
}

/// A command that the engine ran and that passed.
fn verified(settings: &RepositorySettings, purpose: &str) -> Option<NewLesson> {
    let text = match purpose {
        "test" => {
            let command = settings.test_command.as_ref()?;
            format!("Run `{command}` before you end: a result counts only where it passes.")
        }
        _ => {
            let command = settings.setup_command.as_ref()?;
            format!("`{command}` prepares this repository, and was run before you began.")
        }
    };
    let lesson = NewLesson::new(LessonKind::Command, text, Source::VerifiedCommand);
    let place = format!("the {purpose} command of {}", settings.name);
    Some(lesson.repository(settings.name.clone()).place(place))
}

impl Repaired {
    /// What would have kept it from happening.
    fn lesson(&self, settings: &RepositorySettings) -> NewLesson {
        let text = match (self.strategy.as_str(), &settings.test_command) {
            ("test_fix", Some(command)) => format!(
                "Results here have failed `{command}` and were repaired by changing the code, not the tests: see \
                 it pass before you end."
            ),
            ("conflict_resolution", _) => {
                "Results here have conflicted with those of other tasks: change only the lines that your task \
                 needs, and leave all others as they are."
                    .to_owned()
            }
            (strategy, _) => format!(
                "Work here has failed with {} and was repaired by {strategy}: check for it before you end.",
                self.class
            ),
        };
        let place = format!("{} after {}", self.strategy, self.class);
        NewLesson::new(LessonKind::Warning, text, Source::Recovery)
            .repository(settings.name.clone())
            .place(place)
    }
}

/// What a reviewer wants changed: the findings, else the comment as a whole.
fn remarks(review: &Review) -> Vec<String> {
    let mut issues: Vec<_> = review.issues_found.iter().collect();
    // The reviewer's order stays among equals.
    issues.sort_by_key(|issue| std::cmp::Reverse(issue.severity));
    let mut remarks: Vec<_> = issues
        .into_iter()
        .take(MAX_REMARKS)
        .map(|issue| match &issue.file {
            Some(file) => format!("{file}: {}", issue.message),
            None => issue.message.clone(),
        })
        .collect();
    if remarks.is_empty() {
        remarks.push(review.comments.clone());
    }
    for remark in &mut remarks {
        // Secrets are looked for before anything is cut in two.
        let clean = learning::scrub(remark).text;
        let line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
        *remark = learning::truncate(&line, REMARK_BYTES).to_owned();
    }
    remarks.retain(|remark| !remark.is_empty());
    remarks
}
