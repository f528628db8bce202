//! What a person might change to spend less, or to fail less.

use std::fmt;

use core_types::{Plan, RunId, TaskId, Timestamp, Usd};

use super::{
    estimate::Costs,
    select::{CostOptimizer, ModelTier},
};
use crate::{
    Error,
    ledger::{Limit, Limits},
};

/// Something worth a look before a plan runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recommendation {
    /// The plan may well cost more than a run may spend.
    LimitTooLow {
        /// What it may cost.
        high: Usd,
        /// What a run may spend.
        limit: Usd,
        /// The run, once it has begun with its limit.
        run: Option<RunId>,
    },
    /// One task is more than half of the cost.
    SplitTask {
        /// Which.
        task: TaskId,
        /// What it is expected to cost.
        expected: Usd,
    },
    /// With the choice of models off, the same plan costs more.
    EnableOptimization {
        /// What would be saved.
        saves: Usd,
    },
    /// A model will not be served any more.
    Deprecated {
        /// Of which tier.
        tier: ModelTier,
        /// Which model.
        model: String,
        /// From which day on.
        date: String,
    },
    /// The prices are old.
    OldPrices {
        /// Their day.
        date: String,
    },
}

impl fmt::Display for Recommendation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LimitTooLow { high, limit, run } => {
                write!(
                    f,
                    "the plan may cost {high:.2} USD, and a run may spend {limit}: raise budget.run in config/automation.yaml"
                )?;
                let Some(run) = run else { return Ok(()) };
                let line = Limit::Run { run: run.clone() }.raise_line(high.rounded_up());
                write!(f, ", and for this run: {line}")
            }
            Self::SplitTask { task, expected } => write!(
                f,
                "task {task} is more than half of the cost ({expected} USD): split it in the plan"
            ),
            Self::EnableOptimization { saves } => write!(
                f,
                "choosing models by complexity would save {saves} USD: optimize: true in config/models.yaml"
            ),
            Self::Deprecated { tier, model, date } => write!(
                f,
                "{model} is not served from {date} on: choose another for tiers.{tier} in config/models.yaml"
            ),
            Self::OldPrices { date } => write!(f, "the prices are of {date}: renew prices.file"),
        }
    }
}

impl CostOptimizer {
    /// What is worth a look before a plan runs, most urgent first; often nothing.
    ///
    /// # Errors
    ///
    /// As [`CostOptimizer::estimate_cost`].
    pub fn recommendations(
        &self,
        plan: &Plan,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Vec<Recommendation>, Error> {
        let costs = self.estimate_cost(plan)?;
        let mut found = Vec::new();
        if let Some(limit) = limits.run.filter(|limit| costs.total.high > *limit) {
            let high = costs.total.high;
            let run = None;
            found.push(Recommendation::LimitTooLow { high, limit, run });
        }
        for tier in ModelTier::ALL {
            let model = self.model(tier);
            let date = &self.prices.find(model)?.rates.deprecation_date;
            // Dates in this form compare as texts do.
            if let Some(date) = date.as_ref().filter(|date| **date <= now.to_string()) {
                found.push(Recommendation::Deprecated {
                    tier,
                    model: model.to_owned(),
                    date: date.clone(),
                });
            }
        }
        found.extend(self.split(&costs));
        if !self.models.optimize {
            let mut optimizing = self.clone();
            optimizing.models.optimize = true;
            let better = optimizing.estimate_cost(plan)?.total.expected;
            let saves = costs.total.expected.saturating_sub(better);
            if saves > Usd::ZERO {
                found.push(Recommendation::EnableOptimization { saves });
            }
        }
        let old = self.models.prices.max_age.zip(self.prices.age(now));
        if old.is_some_and(|(most, age)| age > most) {
            let date = self.prices.date().to_owned();
            found.push(Recommendation::OldPrices { date });
        }
        Ok(found)
    }

    fn split(&self, costs: &Costs) -> Option<Recommendation> {
        let all = costs.implementation.expected.pico();
        let (task, _, estimate) = costs
            .tasks
            .iter()
            .find(|(_, _, estimate)| costs.tasks.len() > 2 && estimate.expected.pico() > all / 2)?;
        Some(Recommendation::SplitTask {
            task: task.clone(),
            expected: estimate.expected,
        })
    }
}
