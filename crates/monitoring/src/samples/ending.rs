//! How made-up runs end.

use core_types::{BranchName, Event, Review, Scope, Stage, StepKey, Timestamp};

use super::course::{Ends, Maker, name};

const WHY: &str = "a task of this change has failed";

impl Maker<'_> {
    /// Testing, review and landing; returns when it is over.
    pub(super) fn finish(&mut self, at: u64, has_failed: bool) -> Timestamp {
        let sample = self.sample;
        if self.sample.ends == Ends::Killed || self.sample.ends == Ends::Not {
            return Timestamp(u64::MAX);
        }
        if has_failed {
            let mut repositories = Vec::new();
            for (repository, _) in &sample.waits {
                repositories.push(repository.as_str());
                let event = Event::RepositoryNotLanded {
                    repository: repository.clone(),
                    reason: WHY.to_owned(),
                };
                self.say(at, None, event);
            }
            let event = Event::RunEnded {
                exit_code: 1,
                summary: format!("nothing landed: {}: {WHY}", repositories.join(", ")),
                class: None,
            };
            self.say(at + 300, None, event);
            return Timestamp(at + 300);
        }
        self.say(
            at,
            None,
            Event::StageStarted {
                stage: Stage::Testing,
            },
        );
        let mut at = at;
        for (repository, _) in &sample.waits {
            at += 21_000;
            let event = Event::RepositoryTested {
                repository: repository.clone(),
                commit: self.commit(),
                passed: Some(true),
            };
            self.say(at, None, event);
        }
        self.say(
            at,
            None,
            Event::StageStarted {
                stage: Stage::Review,
            },
        );
        for (repository, _) in &sample.waits {
            let key = StepKey::new(Scope::Repository(repository.clone()), 1, "review");
            at = self.work(at + 100, &key, 2, 24);
            let event = Event::RepositoryReviewed {
                repository: repository.clone(),
                review: Some(Review {
                    approved: true,
                    comments: String::new(),
                    issues_found: Vec::new(),
                    confidence: 0.9,
                }),
            };
            self.say(at, None, event);
        }
        self.say(
            at,
            None,
            Event::StageStarted {
                stage: Stage::Landing,
            },
        );
        for (index, (repository, _)) in sample.waits.iter().enumerate() {
            let event = Event::BranchPublished {
                repository: repository.clone(),
                branch: BranchName::new(format!("automation/{}/change", sample.run))
                    .expect("a run's name is part of a branch's"),
                commit: self.commit(),
            };
            self.say(at + 300, None, event);
            let event = Event::PullRequestOpened {
                repository: repository.clone(),
                number: 40 + index as u64,
            };
            self.say(at + 900, None, event);
        }
        if sample.ends == Ends::AtGate {
            let gate = "landing".to_owned();
            self.say(at + 1_000, None, Event::GateReached { gate });
            let event = Event::RunPaused {
                reason: "waits at the gate \"landing\"".to_owned(),
                class: None,
            };
            self.say(at + 1_000, None, event);
            return Timestamp(at + 1_000);
        }
        for (repository, _) in &sample.waits {
            let event = Event::RepositoryLanded {
                repository: repository.clone(),
                branch: name("main"),
                commit: self.commit(),
            };
            self.say(at + 1_500, None, event);
        }
        let event = Event::RunEnded {
            exit_code: 0,
            summary: "done".to_owned(),
            class: None,
        };
        self.say(at + 2_000, None, event);
        Timestamp(at + 2_000)
    }
}
