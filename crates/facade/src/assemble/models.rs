//! Which model a run's requests are given.

use std::collections::BTreeMap;

use agents::{Program, api::Interface, gateway::Provider};
use config::models::{Factors, Models, Thresholds, Tier, Tiers};
use core_types::{ModelChoice, ModelSelector, Task};
use cost::{CostOptimizer, ModelTier};
use serde::{Deserialize, Serialize};

use super::{
    Error, Home, RunRecord, Surroundings,
    spending::{models, prices},
};

/// How a run chooses models, as its journal keeps it: what `config/models.yaml` said when it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelsRecord {
    /// Whether a task's complexity chooses its tier.
    pub optimize: bool,
    /// The tier of planning and review, and of all tasks where `optimize` is off.
    pub default_tier: String,
    /// The model of each tier.
    pub tiers: BTreeMap<String, String>,
    /// Where BALANCED and ADVANCED begin.
    pub thresholds: BTreeMap<String, f64>,
    /// How much each factor of the complexity counts.
    pub factors: BTreeMap<String, f64>,
}

impl From<&Models> for ModelsRecord {
    fn from(models: &Models) -> Self {
        let (tiers, thresholds, factors) = (&models.tiers, &models.thresholds, &models.complexity);
        let named = |pairs: &[(&str, f64)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect()
        };
        Self {
            optimize: models.optimize,
            default_tier: ModelTier::from(models.default_tier).as_str().to_owned(),
            tiers: [
                (ModelTier::Fast, &tiers.fast),
                (ModelTier::Balanced, &tiers.balanced),
                (ModelTier::Advanced, &tiers.advanced),
            ]
            .map(|(tier, model)| (tier.as_str().to_owned(), model.clone()))
            .into(),
            thresholds: named(&[
                ("BALANCED", thresholds.balanced),
                ("ADVANCED", thresholds.advanced),
            ]),
            factors: named(&[
                ("description_length", factors.description_length),
                ("keywords", factors.keywords),
                ("dependencies", factors.dependencies),
                ("file_count", factors.file_count),
                ("estimated_changes", factors.estimated_changes),
                ("security", factors.security),
                ("performance", factors.performance),
                ("wording", factors.wording),
            ]),
        }
    }
}

impl ModelsRecord {
    /// The configuration as it is now, with what the run has recorded. What a record does not tell is as it is now.
    fn applied_to(&self, now: Models) -> Models {
        let tier = |tier: ModelTier, model: &str| {
            let recorded = self.tiers.get(tier.as_str());
            recorded.map_or_else(|| model.to_owned(), Clone::clone)
        };
        let threshold = |name, value| self.thresholds.get(name).copied().unwrap_or(value);
        let factor = |name, value| self.factors.get(name).copied().unwrap_or(value);
        let Factors {
            description_length,
            keywords,
            dependencies,
            file_count,
            estimated_changes,
            security,
            performance,
            wording,
        } = now.complexity;
        Models {
            optimize: self.optimize,
            default_tier: match self.default_tier.as_str() {
                "FAST" => Tier::Fast,
                "ADVANCED" => Tier::Advanced,
                _ => Tier::Balanced,
            },
            tiers: Tiers {
                fast: tier(ModelTier::Fast, &now.tiers.fast),
                balanced: tier(ModelTier::Balanced, &now.tiers.balanced),
                advanced: tier(ModelTier::Advanced, &now.tiers.advanced),
                marks: now.tiers.marks,
            },
            thresholds: Thresholds {
                balanced: threshold("BALANCED", now.thresholds.balanced),
                advanced: threshold("ADVANCED", now.thresholds.advanced),
            },
            complexity: Factors {
                description_length: factor("description_length", description_length),
                keywords: factor("keywords", keywords),
                dependencies: factor("dependencies", dependencies),
                file_count: factor("file_count", file_count),
                estimated_changes: factor("estimated_changes", estimated_changes),
                security: factor("security", security),
                performance: factor("performance", performance),
                wording: factor("wording", wording),
            },
            ..now
        }
    }
}

/// The models of a run: as it has recorded them, and where its agent's model is fixed that one for everything.
pub(crate) fn models_of(
    home: &Home,
    surroundings: &Surroundings,
    record: &RunRecord,
) -> Result<Models, Error> {
    let now = models(home, surroundings)?;
    let mut models = match &record.models {
        Some(recorded) => recorded.applied_to(now),
        // A run of before models were chosen.
        None => now,
    };
    let fixed = &record.agent.model;
    if !fixed.is_empty() {
        models.tiers.fast.clone_from(fixed);
        models.tiers.balanced.clone_from(fixed);
        models.tiers.advanced.clone_from(fixed);
    }
    Ok(models)
}

/// What chooses the models of a run and estimates its costs.
pub(crate) fn optimizer_of(
    home: &Home,
    surroundings: &Surroundings,
    record: &RunRecord,
) -> Result<CostOptimizer, Error> {
    let models = models_of(home, surroundings, record)?;
    let prices = prices(home, &models)?;
    Ok(CostOptimizer::with_models(models, &prices)?)
}

/// Chooses the models of a run's requests.
#[derive(Debug)]
pub(crate) struct RunModels {
    optimizer: CostOptimizer,
    is_fixed: bool,
    /// The only one whose models its agent knows.
    provider: Option<&'static str>,
}

/// The provider whose models agents of a kind work with, as tables of prices call it; `None` where they
/// may work with any.
pub(crate) fn provider(kind: &str) -> Option<&'static str> {
    let of_program = Program::of_kind(kind).map(Program::provider);
    let of_api = || Interface::of_kind(kind).map(Interface::provider);
    Some(match of_program.or_else(of_api)? {
        Provider::Anthropic => "anthropic",
        Provider::OpenAi => "openai",
    })
}

impl RunModels {
    pub(crate) fn new(
        home: &Home,
        surroundings: &Surroundings,
        record: &RunRecord,
    ) -> Result<Self, Error> {
        Ok(Self {
            optimizer: optimizer_of(home, surroundings, record)?,
            is_fixed: !record.agent.model.is_empty(),
            provider: provider(&record.agent.kind),
        })
    }

    /// Whether the run's agent can work with a model: some know those of one provider alone. A model
    /// whose provider no table names, such as a proxy's, a person has configured.
    fn suits(&self, model: &str) -> bool {
        let Some(provider) = self.provider.filter(|_| !self.is_fixed) else {
            return true;
        };
        let priced = self.optimizer.prices().find(model);
        priced.is_ok_and(|it| ["", provider].contains(&it.rates.provider.as_str()))
    }
}

impl ModelSelector for RunModels {
    fn select(&self, task: Option<&Task>) -> Option<ModelChoice> {
        let optimizer = &self.optimizer;
        let tier = match task {
            Some(task) => optimizer.select_model_for_task(task),
            None => optimizer.default_tier(),
        };
        let tier_name = match self.is_fixed {
            true => "",
            false => tier.as_str(),
        };
        let model = optimizer.model(tier);
        self.suits(model).then(|| ModelChoice {
            model: model.to_owned(),
            tier: tier_name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_what_it_was_made_of() {
        let text = "optimize: false\ndefault_tier: ADVANCED\ntiers: {FAST: a, BALANCED: b, ADVANCED: c}\n\
                    thresholds: {BALANCED: 0.1, ADVANCED: 0.9}\ncomplexity: {security: 2, wording: 0}\n";
        let models = config::load_models("f", text, &|_| None).expect("sound");
        let record = ModelsRecord::from(&models);
        let stored = serde_json::to_string(&record).expect("JSON");
        let record: ModelsRecord = serde_json::from_str(&stored).expect("JSON");
        let applied = record.applied_to(Models::default());
        assert_eq!(ModelsRecord::from(&applied), record);
        assert_eq!(
            (applied.optimize, applied.complexity.security),
            (false, 2.0)
        );
        assert_eq!(applied.tiers.advanced, "c");
        // What a later version does not say any more is as it is configured.
        let empty = ModelsRecord {
            tiers: BTreeMap::new(),
            thresholds: BTreeMap::new(),
            factors: BTreeMap::new(),
            ..record
        };
        assert_eq!(empty.applied_to(models.clone()), models);
    }

    #[test]
    fn a_selector_keeps_the_ports_contract() {
        for is_fixed in [false, true] {
            let models = RunModels {
                optimizer: CostOptimizer::new(true),
                is_fixed,
                provider: None,
            };
            testkit::neutral::model_selector(&models);
            let choice = models.select(None).expect("a model");
            assert_eq!(choice.tier.is_empty(), is_fixed);
        }
    }

    #[test]
    fn a_program_is_given_a_model_that_it_knows() {
        for (kind, is_fixed, suits) in [
            ("claude-code", false, true),
            ("anthropic", false, true),
            ("codex", false, false),
            ("openai", true, true),
            ("openai-responses", false, false),
            ("command", false, true),
        ] {
            let models = RunModels {
                optimizer: CostOptimizer::new(true),
                is_fixed,
                provider: provider(kind),
            };
            assert_eq!(models.select(None).is_some(), suits, "{kind}");
        }
    }
}
