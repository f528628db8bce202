use std::sync::Arc;

use core_types::{Clock, SystemClock};

use crate::{Exploration, KeepPrompts, LookPlan};

/// How feedback is kept and used.
#[derive(Debug, Clone)]
pub struct Options {
    /// How its journal is opened.
    pub journal: journal::Options,
    /// The time of day, for the age of records; default: the system's.
    pub clock: Arc<dyn Clock>,
    /// What is kept of prompts; default: their scrubbed text.
    pub keep_prompts: KeepPrompts,
    /// What trials may cost.
    pub exploration: Exploration,
    /// When a round of trials is looked at. A round that has begun keeps the plan that it began with.
    pub plan: LookPlan,
    /// What draws follow from, together with the names of run and task; default 0. The first round keeps it for
    /// all later ones, so that all processes of a home draw alike. A secret number keeps outsiders from
    /// knowing draws beforehand.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            journal: journal::Options::default(),
            clock: Arc::new(SystemClock),
            keep_prompts: KeepPrompts::default(),
            exploration: Exploration::default(),
            plan: LookPlan::default(),
            seed: 0,
        }
    }
}
