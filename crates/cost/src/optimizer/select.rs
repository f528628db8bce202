//! The optimizer, and how it chooses a model.

use std::{fmt, sync::Arc};

use config::{
    Findings,
    models::{Models, Tier},
};
use core_types::Task;

use super::{effort::EffortModel, history::History};
use crate::{
    complexity::{ComplexityModel, Explanation, Subject},
    prices::PriceTable,
};

/// A class of models, by what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelTier {
    /// For simple work, such as typos and documentation.
    Fast,
    /// For most work, such as features.
    Balanced,
    /// For complex work, such as architecture and security.
    Advanced,
}

impl ModelTier {
    /// All of them, cheapest first.
    pub const ALL: [Self; 3] = [Self::Fast, Self::Balanced, Self::Advanced];

    /// Its name, as in `config/models.yaml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "FAST",
            Self::Balanced => "BALANCED",
            Self::Advanced => "ADVANCED",
        }
    }
}

impl fmt::Display for ModelTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<Tier> for ModelTier {
    fn from(tier: Tier) -> Self {
        match tier {
            Tier::Fast => Self::Fast,
            Tier::Balanced => Self::Balanced,
            Tier::Advanced => Self::Advanced,
        }
    }
}

/// A task's model, and why it has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// Its tier.
    pub tier: ModelTier,
    /// The tier's model, as `config/models.yaml` names it.
    pub model: String,
    /// Its complexity, by factors; also where it did not choose the tier.
    pub explanation: Explanation,
}

/// Chooses models by the complexity of tasks, and says before a run what it will cost.
///
/// ```
/// use cost::{CostOptimizer, ModelTier};
/// # use core_types::{RepositoryName, Task};
/// # fn task(title: &str, description: &str) -> Result<Task, core_types::InvalidName> {
/// #     Ok(Task {
/// #         id: "t".parse()?, title: title.to_owned(), description: description.to_owned(),
/// #         repository: RepositoryName::new("app")?, dependencies: vec![], files: vec![], estimate: None,
/// #     })
/// # }
/// let optimizer = CostOptimizer::new(true);
///
/// let simple = task("Fix typo in the README", "It says teh.")?;
/// assert_eq!(optimizer.select_model_for_task(&simple), ModelTier::Fast);
/// let complex = task(
///     "Redesign the authentication architecture",
///     "Migrate the distributed session service to a new protocol, with encrypted tokens and no \
///      downtime, and add integration tests for each client.",
/// )?;
/// assert_eq!(optimizer.select_model_for_task(&complex), ModelTier::Advanced);
/// # Ok::<(), core_types::InvalidName>(())
/// ```
#[derive(Debug, Clone)]
pub struct CostOptimizer {
    pub(super) models: Models,
    pub(super) prices: Arc<PriceTable>,
    pub(super) effort: EffortModel,
    pub(super) history: History,
    complexity: Arc<ComplexityModel>,
}

impl CostOptimizer {
    /// With the defaults of `config/models.yaml` and the bundled prices. Without optimization all
    /// work has the tier BALANCED.
    #[must_use]
    pub fn new(enable_optimization: bool) -> Self {
        let models = Models {
            optimize: enable_optimization,
            ..Models::default()
        };
        Self {
            models,
            prices: PriceTable::bundled(),
            effort: EffortModel::default(),
            history: History::default(),
            complexity: ComplexityModel::bundled(),
        }
    }

    /// With `config/models.yaml` and a table of prices, to which its aliases and prices are added.
    ///
    /// # Errors
    ///
    /// A finding for each alias and each tier whose model has no price.
    pub fn with_models(models: Models, prices: &PriceTable) -> Result<Self, Findings> {
        let prices = Arc::new(prices.clone().with_models(&models)?);
        Ok(Self {
            models,
            prices,
            ..Self::new(true)
        })
    }

    /// The same with other assumptions about how much a task takes.
    #[must_use]
    pub fn with_effort(mut self, effort: EffortModel) -> Self {
        self.effort = effort;
        self
    }

    /// The same with another model of complexity than the one that the crate brings.
    #[must_use]
    pub fn with_complexity(mut self, complexity: ComplexityModel) -> Self {
        self.complexity = Arc::new(complexity);
        self
    }

    /// The same with what past tasks have cost, which corrects estimates.
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.history = history;
        self
    }

    /// The prices, with aliases and overrides.
    #[must_use]
    pub fn prices(&self) -> &Arc<PriceTable> {
        &self.prices
    }

    /// The model of a tier.
    #[must_use]
    pub fn model(&self, tier: ModelTier) -> &str {
        let tiers = &self.models.tiers;
        match tier {
            ModelTier::Fast => &tiers.fast,
            ModelTier::Balanced => &tiers.balanced,
            ModelTier::Advanced => &tiers.advanced,
        }
    }

    /// The tier of planning and review, and of all tasks without optimization.
    #[must_use]
    pub fn default_tier(&self) -> ModelTier {
        self.models.default_tier.into()
    }

    /// The tier of a task.
    #[must_use]
    pub fn select_model_for_task(&self, task: &Task) -> ModelTier {
        self.select(task).tier
    }

    /// The tier and model of a task, with its complexity by factors.
    #[must_use]
    pub fn select(&self, task: &Task) -> Selection {
        let factors = &self.models.complexity;
        let explanation = self.complexity.explain(&Subject::from(task), factors);
        let thresholds = self.models.thresholds;
        let tier = if !self.models.optimize {
            self.models.default_tier.into()
        } else if explanation.score >= thresholds.advanced {
            ModelTier::Advanced
        } else if explanation.score >= thresholds.balanced {
            ModelTier::Balanced
        } else {
            ModelTier::Fast
        };
        Selection {
            tier,
            model: self.model(tier).to_owned(),
            explanation,
        }
    }
}
