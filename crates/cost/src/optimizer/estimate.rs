//! What a plan will cost.

use std::collections::{BTreeMap, BTreeSet};

use core_types::{Plan, TaskId, Usd};

use super::{
    effort::Effort,
    select::{CostOptimizer, Selection},
};
use crate::{Error, ledger::Spending, prices::ServiceTier};

/// The 90 % interval of a normal distribution, in standard deviations.
const NINETY: f64 = 1.645;

/// Fewer past tasks than this say nothing.
const LEAST_TASKS: usize = 20;

/// An amount that is expected, and the bounds within which it ends in nine of ten cases, as far as
/// the assumptions hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Estimate {
    /// The mean.
    pub expected: Usd,
    /// It is less in one of twenty cases.
    pub low: Usd,
    /// It is more in one of twenty cases.
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

/// What past tasks have cost, held against what was estimated.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// Logarithms of actual over expected.
    ratios: Vec<f64>,
}

impl History {
    /// From pairs of the expected and the actual cost of past tasks. What cost nothing says nothing.
    #[must_use]
    pub fn of_pairs(pairs: &[(Usd, Usd)]) -> Self {
        let told = pairs
            .iter()
            .filter(|(expected, actual)| *expected > Usd::ZERO && *actual > Usd::ZERO);
        let ratio =
            |(expected, actual): &(Usd, Usd)| (actual.pico() as f64 / expected.pico() as f64).ln();
        Self {
            ratios: told.map(ratio).collect(),
        }
    }

    /// From a ledger, and the costs that were estimated for the plans of some of its runs.
    #[must_use]
    pub fn of_spending(spending: &Spending, estimated: &[(core_types::RunId, &Costs)]) -> Self {
        let mut pairs = Vec::new();
        for (run, costs) in estimated {
            let mut actual: BTreeMap<&TaskId, Usd> = BTreeMap::new();
            for row in spending.rows.iter().filter(|row| row.scope.run == *run) {
                if let Some(task) = &row.scope.task {
                    let sum = actual.entry(task).or_default();
                    *sum = sum.saturating_add(row.spent);
                }
            }
            for (task, _, estimate) in &costs.tasks {
                if let Some(actual) = actual.get(task) {
                    pairs.push((estimate.expected, *actual));
                }
            }
        }
        Self::of_pairs(&pairs)
    }

    /// How many past tasks it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ratios.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ratios.is_empty()
    }

    /// The factor by which estimates are corrected, and the spread of the logarithm around it;
    /// nothing with too few tasks.
    fn correction(&self) -> Option<(f64, f64)> {
        if self.ratios.len() < LEAST_TASKS {
            return None;
        }
        let n = self.ratios.len() as f64;
        let mean = self.ratios.iter().sum::<f64>() / n;
        let squares: f64 = self.ratios.iter().map(|ratio| (ratio - mean).powi(2)).sum();
        // The mean of the ratios themselves: that of their logarithms would underestimate sums.
        let factor = self.ratios.iter().map(|ratio| ratio.exp()).sum::<f64>() / n;
        Some((factor, (squares / (n - 1.0)).sqrt()))
    }
}

/// A sum of uncertain amounts, as mean and variance in dollars.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    mean: f64,
    variance: f64,
}

impl Sum {
    fn add(&mut self, other: Self) {
        self.mean += other.mean;
        self.variance += other.variance;
    }

    /// The interval of the lognormal distribution with this mean and variance.
    fn estimate(self) -> Estimate {
        if self.mean <= 0.0 {
            return Estimate::default();
        }
        let log_variance = (1.0 + self.variance / self.mean.powi(2)).ln();
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
        let (factor, spread) = self
            .history
            .correction()
            .unwrap_or((1.0, self.effort.spread));
        let sum = |model: &str, effort: &Effort| -> Result<Sum, Error> {
            let mean = self.price(model, effort)?.pico() as f64 / 1e12 * factor;
            let variance = mean.powi(2) * (spread.powi(2).exp() - 1.0);
            Ok(Sum { mean, variance })
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
            tasks.push((task.id.clone(), selection, of_task.estimate()));
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
            planning: planning.estimate(),
            implementation: implementation.estimate(),
            review: review.estimate(),
            total: total.estimate(),
            tasks,
            prices_date: self.prices.date().to_owned(),
            n_past_tasks: match self.history.correction() {
                Some(_) => self.history.len(),
                None => 0,
            },
        })
    }

    /// What a request to an agent with this model is expected to cost. A model with dearer long
    /// prompts has its price at the mean length of them.
    pub(super) fn price(&self, model: &str, effort: &Effort) -> Result<Usd, Error> {
        let rates = self.prices.find(model)?.rates;
        let prompt = effort.longest_prompt / 2;
        let rates = rates.rates(prompt, ServiceTier::Standard);
        let usage = &effort.usage;
        Ok(rates
            .input_cost(usage)
            .saturating_add(rates.output_cost(usage)))
    }
}
