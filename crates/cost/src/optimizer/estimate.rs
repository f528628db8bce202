//! What a plan will cost.

use std::collections::BTreeSet;

use core_types::{Plan, TaskId, Usd};

use super::{
    effort::Effort,
    history::{Correction, Spread},
    select::{CostOptimizer, Selection},
};
use crate::{
    Error,
    prices::{Rate, ServiceTier},
};

/// The 90 % interval of a normal distribution, in standard deviations.
const NINETY: f64 = 1.645;

/// An amount that is expected, and bounds around it: those of a lognormal distribution, within which
/// it ends in nine of ten cases if the assumed or past spread holds. How often it does is measured by
/// `cargo xtask eval complexity`, for estimates that a history corrects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// The mean.
    pub expected: Usd,
    /// Less is taken to be one case of twenty.
    pub low: Usd,
    /// More is taken to be one case of twenty.
    pub high: Usd,
}

/// What a plan will cost, by stages.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs {
    /// Making the plan.
    pub planning: Estimate,
    /// Working on the tasks, each once.
    pub implementation: Estimate,
    /// Reviewing each repository's change.
    pub review: Estimate,
    /// All of it.
    pub total: Estimate,
    /// Each task in the plan's order, with its model.
    pub tasks: Vec<(TaskId, Selection, Estimate)>,
    /// The day of the prices.
    pub prices_date: String,
    /// From how many past tasks the estimate is corrected; 0 where it rests on assumptions alone.
    pub n_past_tasks: usize,
}

/// A sum of uncertain amounts in dollars. What they share is added once the sum is known.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    mean: f64,
    /// Of what each has for itself.
    variance: f64,
}

impl Sum {
    fn of(mean: f64, spread: Spread) -> Self {
        Self {
            mean,
            variance: mean.powi(2) * spread.own.powi(2).exp_m1(),
        }
    }

    fn add(&mut self, other: Self) {
        self.mean += other.mean;
        self.variance += other.variance;
    }

    /// The interval of the lognormal distribution with this mean, and the variance of a sum all of
    /// which is multiplied by one common error.
    fn estimate(self, spread: Spread) -> Estimate {
        if self.mean <= 0.0 {
            return Estimate::default();
        }
        let own = (self.variance / self.mean.powi(2)).ln_1p();
        let log_variance = own + spread.common.powi(2);
        let middle = self.mean.ln() - log_variance / 2.0;
        let reach = NINETY * log_variance.sqrt();
        let usd = |dollars: f64| Usd::from_pico((dollars * 1e12).round() as u64);
        Estimate {
            expected: usd(self.mean),
            low: usd((middle - reach).exp()),
            high: usd((middle + reach).exp()),
        }
    }
}

impl CostOptimizer {
    /// What a plan will cost: the planning that made it, each task once with the model chosen for it,
    /// and a review of each repository. Tasks that are repeated cost again.
    ///
    /// ```
    /// use cost::CostOptimizer;
    /// # use core_types::{Plan, RepositoryName, Task};
    /// # let task = Task {
    /// #     id: "login".parse()?, title: "Add a login page".to_owned(), description: String::new(),
    /// #     repository: RepositoryName::new("app")?, dependencies: vec![], files: vec![], estimate: None,
    /// # };
    /// # let plan = Plan { id: "plan-1".parse()?, title: String::new(), tasks: vec![task] };
    /// let optimizer = CostOptimizer::new(true);
    /// let costs = optimizer.estimate_cost(&plan)?;
    ///
    /// println!("Planning: ${:.4}", costs.planning.expected);
    /// println!("Implementation: ${:.4}", costs.implementation.expected);
    /// println!("Review: ${:.4}", costs.review.expected);
    /// println!("Total: ${:.4}", costs.total.expected);
    /// assert!(costs.total.low < costs.total.expected && costs.total.expected < costs.total.high);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`] where the model of a tier has no price.
    pub fn estimate_cost(&self, plan: &Plan) -> Result<Costs, Error> {
        let assumed = Spread::from(&self.effort);
        let correction = self.history.correction(assumed);
        let Correction { factor, spread } = correction.unwrap_or(Correction {
            factor: 1.0,
            spread: assumed,
        });
        let sum = |model: &str, effort: &Effort| -> Result<Sum, Error> {
            let mean = self.price(model, effort)?.pico() as f64 / 1e12 * factor;
            Ok(Sum::of(mean, spread))
        };
        let default = self.model(self.models.default_tier.into());
        let planning = sum(default, &self.effort.planning(plan.tasks.len()))?;
        let mut implementation = Sum::default();
        let mut tasks = Vec::with_capacity(plan.tasks.len());
        for task in &plan.tasks {
            let selection = self.select(task);
            let effort = self.effort.task(selection.explanation.score);
            let of_task = sum(&selection.model, &effort)?;
            implementation.add(of_task);
            tasks.push((task.id.clone(), selection, of_task.estimate(spread)));
        }
        let mut review = Sum::default();
        let repositories: BTreeSet<_> = plan.tasks.iter().map(|task| &task.repository).collect();
        for repository in repositories {
            let of_it = plan
                .tasks
                .iter()
                .filter(|task| task.repository == *repository);
            review.add(sum(default, &self.effort.review(of_it.count()))?);
        }
        let mut total = planning;
        total.add(implementation);
        total.add(review);
        Ok(Costs {
            planning: planning.estimate(spread),
            implementation: implementation.estimate(spread),
            review: review.estimate(spread),
            total: total.estimate(spread),
            tasks,
            prices_date: self.prices.date().to_owned(),
            n_past_tasks: correction.map_or(0, |_| self.history.len()),
        })
    }

    /// What a request to an agent with this model is expected to cost. A model with dearer long
    /// prompts has its price at the mean length of them. One that has no price for writing its cache
    /// takes what is new as plain input.
    pub(super) fn price(&self, model: &str, effort: &Effort) -> Result<Usd, Error> {
        let rates = self.prices.find(model)?.rates;
        let prompt = effort.longest_prompt / 2;
        let rates = rates.rates(prompt, ServiceTier::Standard);
        let mut usage = effort.usage;
        if rates.cache_write_5m == Rate::default() {
            usage.input += std::mem::take(&mut usage.cache_write_5m);
        }
        Ok(rates
            .input_cost(&usage)
            .saturating_add(rates.output_cost(&usage)))
    }
}
