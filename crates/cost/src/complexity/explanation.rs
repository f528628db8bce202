//! Why a task is as complex as it is.

use std::fmt;

/// What makes a task complex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Factor {
    /// How long title and description are.
    DescriptionLength,
    /// Words that stand for difficult or for simple work.
    Keywords,
    /// How many tasks it depends on.
    Dependencies,
    /// How many files it names.
    FileCount,
    /// How much is asked for.
    EstimatedChanges,
    /// Words about security.
    Security,
    /// Words about performance and concurrency.
    Performance,
    /// All other words.
    Wording,
}

impl Factor {
    /// All of them: the seven of the first description in its order, then the wording.
    pub const ALL: [Self; 8] = [
        Self::DescriptionLength,
        Self::Keywords,
        Self::Dependencies,
        Self::FileCount,
        Self::EstimatedChanges,
        Self::Security,
        Self::Performance,
        Self::Wording,
    ];

    /// Its key in the section `complexity` of `config/models.yaml`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DescriptionLength => "description_length",
            Self::Keywords => "keywords",
            Self::Dependencies => "dependencies",
            Self::FileCount => "file_count",
            Self::EstimatedChanges => "estimated_changes",
            Self::Security => "security",
            Self::Performance => "performance",
            Self::Wording => "wording",
        }
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What one factor adds.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// Which.
    pub factor: Factor,
    /// How much more complex it makes the task than a typical issue is; below 0 for simpler.
    pub amount: f64,
    /// What it saw.
    pub seen: String,
}

/// A task's complexity, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// From 0 to 1; 0.5 is the median issue.
    pub score: f64,
    /// One for each factor, in the order of [`Factor::ALL`]; the score grows with their sum.
    pub contributions: Vec<Contribution>,
}

impl Explanation {
    /// What a factor adds.
    #[must_use]
    pub fn amount(&self, factor: Factor) -> f64 {
        let of_factor = self.contributions.iter().filter(|c| c.factor == factor);
        of_factor.map(|contribution| contribution.amount).sum()
    }
}

/// One line for the score, then one for each factor.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "complexity {:.2}", self.score)?;
        for contribution in &self.contributions {
            write!(
                f,
                "\n  {:<19} {:+.2}  {}",
                contribution.factor, contribution.amount, contribution.seen
            )?;
        }
        Ok(())
    }
}
