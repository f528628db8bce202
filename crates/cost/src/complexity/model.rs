//! The weights, and the score that they give.

use std::sync::{Arc, LazyLock};

use config::models::Factors;
use core_types::format_duration;
use serde::{Deserialize, Serialize};

use super::{
    explanation::{Contribution, Explanation, Factor},
    features::{FITTED, Features, Subject},
    wording::Wording,
};
use crate::Error;

const WEIGHTS: &str = include_str!("../../data/complexity.json");
const WORDING: &[u8] = include_bytes!("../../data/wording.bin");

/// Set by hand: no labeled issue says how many tasks, files or hours it takes. Twice as many
/// dependencies or files, or twice the time, are about a fifth of the way from the median issue to
/// the upper quartile's.
const DEPENDENCIES: f64 = 0.10;
const FILES: f64 = 0.15;
const ESTIMATE: f64 = 0.15;

/// A model of complexity. [`ComplexityModel::bundled`] is the one that comes with the crate.
#[derive(Debug, Clone, PartialEq)]
pub struct ComplexityModel {
    weights: Weights,
    wording: Wording,
}

/// What the file of weights says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Weights {
    /// The version of the features that they are for.
    v: u16,
    /// What they are from, for people.
    fitted_on: String,
    /// Of [`Features::fitted`].
    fitted: [f64; FITTED],
    /// What a typical issue has of each.
    typical: [f64; FITTED],
    /// The sum at the median issue.
    center: f64,
    /// How far the sum goes for the score to go from 0.5 to 0.73.
    scale: f64,
}

const VERSION: u16 = 1;

impl ComplexityModel {
    /// The model that comes with this version of the crate.
    ///
    /// # Panics
    ///
    /// Never: a test reads the files.
    #[must_use]
    pub fn bundled() -> Arc<Self> {
        static MODEL: LazyLock<Arc<ComplexityModel>> = LazyLock::new(|| {
            let model = ComplexityModel::from_files(WEIGHTS, WORDING);
            Arc::new(model.expect("the bundled weights are sound, as a test shows"))
        });
        Arc::clone(&MODEL)
    }

    /// Reads the two files of weights.
    ///
    /// # Errors
    ///
    /// [`Error::BadWeights`] where they are not in the expected form or for other features.
    pub fn from_files(weights: &str, wording: &[u8]) -> Result<Self, Error> {
        let bad = |what: String| Error::BadWeights { what };
        let weights: Weights =
            serde_json::from_str(weights).map_err(|error| bad(error.to_string()))?;
        if weights.v != VERSION || weights.scale.is_nan() || weights.scale <= 0.0 {
            return Err(bad(format!(
                "version {} with scale {}",
                weights.v, weights.scale
            )));
        }
        let wording = Wording::from_bytes(wording)?;
        Ok(Self { weights, wording })
    }

    /// A model from what a fit has found; [`ComplexityModel::calibrated`] then sets its scale.
    #[must_use]
    pub fn fitted(
        fitted_on: String,
        fitted: [f64; FITTED],
        typical: [f64; FITTED],
        wording: Wording,
    ) -> Self {
        Self {
            weights: Weights {
                v: VERSION,
                fitted_on,
                fitted,
                typical,
                center: 0.0,
                scale: 1.0,
            },
            wording,
        }
    }

    /// The same with the scale on which the quartiles of these sums are 0.25, 0.5 and 0.75.
    #[must_use]
    pub fn calibrated(mut self, mut sums: Vec<f64>) -> Self {
        sums.sort_by(f64::total_cmp);
        let quantile = |share: f64| {
            let at = (sums.len().saturating_sub(1)) as f64 * share;
            sums.get(at.round() as usize).copied().unwrap_or_default()
        };
        let round = |number: f64| (number * 1e4).round() / 1e4;
        self.weights.center = round(quantile(0.5));
        // The logistic function is 0.75 at the logarithm of three.
        let width = (quantile(0.75) - quantile(0.25)) / (2.0 * 3.0_f64.ln());
        self.weights.scale = round(width).max(1e-3);
        self
    }

    /// The contents of the two files of weights.
    ///
    /// # Errors
    ///
    /// [`Error::BadWeights`] for weights that are no numbers.
    pub fn to_files(&self) -> Result<(String, Vec<u8>), Error> {
        let weights = serde_json::to_string_pretty(&self.weights);
        let weights = weights.map_err(|error| Error::BadWeights {
            what: error.to_string(),
        })?;
        Ok((format!("{weights}\n"), self.wording.to_bytes()))
    }

    /// The sum of all contributions, each as fitted: what issues are ranked by.
    #[must_use]
    pub fn sum(&self, features: &Features) -> f64 {
        let amounts = self.amounts(features);
        amounts.iter().sum()
    }

    /// How complex a piece of work is, with each factor counted as often as `factors` say.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>, factors: &Factors) -> Explanation {
        let features = Features::of(subject);
        let shares = [
            factors.description_length,
            factors.keywords,
            factors.dependencies,
            factors.file_count,
            factors.estimated_changes,
            factors.security,
            factors.performance,
            factors.wording,
        ];
        let contributions: Vec<Contribution> = Factor::ALL
            .into_iter()
            .zip(self.amounts(&features))
            .zip(shares)
            .map(|((factor, amount), share)| Contribution {
                factor,
                amount: amount * share,
                seen: seen(factor, &features),
            })
            .collect();
        let sum: f64 = contributions.iter().map(|c| c.amount).sum();
        let apart = (sum - self.weights.center) / self.weights.scale;
        Explanation {
            score: 1.0 / (1.0 + (-apart).exp()),
            contributions,
        }
    }

    /// In the order of [`Factor::ALL`].
    fn amounts(&self, features: &Features) -> [f64; 8] {
        let of = |idx: usize| {
            self.weights.fitted[idx] * (features.fitted[idx] - self.weights.typical[idx])
        };
        [
            of(0) + of(1),
            of(2) + of(3),
            DEPENDENCIES * features.dependencies,
            FILES * features.files,
            of(4) + of(5) + ESTIMATE * features.estimate,
            of(6),
            of(7),
            self.wording.score(&features.bag),
        ]
    }
}

fn seen(factor: Factor, features: &Features) -> String {
    let (dependencies, files, estimate) = features.subject;
    let list = |words: &[String]| {
        if words.is_empty() {
            "none".to_owned()
        } else {
            words.join(", ")
        }
    };
    match factor {
        Factor::DescriptionLength => format!("{} words", features.n_words),
        Factor::Keywords => format!(
            "difficult: {}; simple: {}",
            list(&features.difficult),
            list(&features.simple)
        ),
        Factor::Dependencies => format!("{dependencies} tasks"),
        Factor::FileCount if files == 0 => "files not known".to_owned(),
        Factor::FileCount => format!("{files} files"),
        Factor::EstimatedChanges => {
            let estimate = match estimate {
                Some(estimate) => format!("estimate {}", format_duration(estimate)),
                None => "no estimate".to_owned(),
            };
            let (items, requests) = (features.n_items, features.n_requests);
            format!("{estimate}, {items} list items, {requests} words that ask for more")
        }
        Factor::Security => list(&features.security),
        Factor::Performance => list(&features.performance),
        Factor::Wording => "all other words".to_owned(),
    }
}
