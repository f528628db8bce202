//! What a reviewing agent answers.

use serde::{Deserialize, Serialize};

/// A review of one repository's change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// Whether the reviewer would merge it.
    pub approved: bool,
    /// What the reviewer says, in Markdown; may be empty.
    pub comments: String,
    /// What the reviewer found, most severe first as the agent gave them.
    pub issues_found: Vec<ReviewIssue>,
    /// How sure the reviewer is, from 0 to 1.
    pub confidence: f64,
}

/// One finding of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewIssue {
    /// How much it matters.
    pub severity: Severity,
    /// The path it is about, where there is one.
    #[serde(default)]
    pub file: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A matter of taste.
    Low,
    /// Should be mended.
    Medium,
    /// Must be mended before landing.
    High,
}
