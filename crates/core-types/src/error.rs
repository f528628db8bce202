//! Error classes: what recovery and exit codes branch on.

use std::{borrow::Cow, error::Error, fmt};

use serde::{Deserialize, Serialize};

use crate::{Spent, Timestamp};

/// What kind of error it was, so that a caller can decide without reading text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "class")]
#[non_exhaustive]
pub enum ErrorClass {
    /// The same call may succeed later.
    Transient,
    /// A limit of calls; `until` where the other side said when it ends.
    RateLimited {
        /// When the limit ends.
        until: Option<Timestamp>,
    },
    /// A quota window is used up; `until` where the other side said when it ends.
    QuotaExhausted {
        /// When the window ends.
        until: Option<Timestamp>,
    },
    /// Somebody else changed the same thing.
    Conflict,
    /// Tests ran and failed.
    TestFailure,
    /// A deadline passed.
    Timeout,
    /// The input is wrong; repeating it is useless.
    Validation,
    /// The credentials do not allow it.
    Unauthorized,
    /// The thing asked for is not there.
    NotFound,
    /// A limit of money would be passed.
    BudgetExceeded,
    /// Disk, memory or processes ran out, or a folder is read-only: the run pauses.
    ResourceExhausted,
    /// A person or a shutdown stopped it.
    Cancelled,
    /// It is not known whether the call acted.
    UnknownOutcome,
    /// A fault of ours, or one that has no other class.
    Internal,
}

impl ErrorClass {
    /// The class's name, as in the event stream.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::RateLimited { .. } => "rate_limited",
            Self::QuotaExhausted { .. } => "quota_exhausted",
            Self::Conflict => "conflict",
            Self::TestFailure => "test_failure",
            Self::Timeout => "timeout",
            Self::Validation => "validation",
            Self::Unauthorized => "unauthorized",
            Self::NotFound => "not_found",
            Self::BudgetExceeded => "budget_exceeded",
            Self::ResourceExhausted => "resource_exhausted",
            Self::Cancelled => "cancelled",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Internal => "internal",
        }
    }

    /// The names of all classes, as [`ErrorClass::from_name`] reads them.
    pub const NAMES: &'static [&'static str] = &[
        "transient",
        "rate_limited",
        "quota_exhausted",
        "conflict",
        "test_failure",
        "timeout",
        "validation",
        "unauthorized",
        "not_found",
        "budget_exceeded",
        "resource_exhausted",
        "cancelled",
        "unknown_outcome",
        "internal",
    ];

    /// The class of a name; `until` counts for the two that have an end.
    #[must_use]
    pub fn from_name(name: &str, until: Option<Timestamp>) -> Option<Self> {
        Some(match name {
            "transient" => Self::Transient,
            "rate_limited" => Self::RateLimited { until },
            "quota_exhausted" => Self::QuotaExhausted { until },
            "conflict" => Self::Conflict,
            "test_failure" => Self::TestFailure,
            "timeout" => Self::Timeout,
            "validation" => Self::Validation,
            "unauthorized" => Self::Unauthorized,
            "not_found" => Self::NotFound,
            "budget_exceeded" => Self::BudgetExceeded,
            "resource_exhausted" => Self::ResourceExhausted,
            "cancelled" => Self::Cancelled,
            "unknown_outcome" => Self::UnknownOutcome,
            "internal" => Self::Internal,
            _ => return None,
        })
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error that every port returns: its class, what was being done, and why it failed.
///
/// It reads `failed to <operation>` followed by its sources.
#[derive(Debug)]
pub struct PortError {
    class: ErrorClass,
    operation: Cow<'static, str>,
    /// Boxed, since the error travels in many results.
    cause: Box<Cause>,
}

#[derive(Debug, Default)]
struct Cause {
    source: Option<Box<dyn Error + Send + Sync>>,
    detail: String,
    is_of_child: bool,
    spent: Option<Spent>,
}

impl PortError {
    /// An error without a cause of its own; `operation` completes "failed to …".
    pub fn new(class: ErrorClass, operation: impl Into<Cow<'static, str>>) -> Self {
        Self {
            class,
            operation: operation.into(),
            cause: Box::default(),
        }
    }

    /// The same with its cause: an error, or a text that says why.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause.source = Some(source.into());
        self
    }

    /// The same with the end of some output, which becomes [`Failure::detail`](crate::Failure::detail).
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.cause.detail = detail.into();
        self
    }

    /// The same as the word of a child process on its own end: its class tells what became of
    /// the child. A child that the kernel ended for its memory, or that somebody stopped, is
    /// a failure of its work, and no reason to pause the run.
    #[must_use]
    pub fn of_child(mut self) -> Self {
        self.cause.is_of_child = true;
        self
    }

    /// Whether it is a child's word on its own end: see [`PortError::of_child`].
    #[must_use]
    pub fn is_of_child(&self) -> bool {
        self.cause.is_of_child
    }

    /// The same with what the work had spent when it failed; [`Spent::nothing`] where it had not begun.
    #[must_use]
    pub fn having_spent(mut self, spent: Spent) -> Self {
        self.cause.spent = Some(spent);
        self
    }

    /// What the work had spent when it failed; `None` where nobody knows.
    #[must_use]
    pub fn spent(&self) -> Option<&Spent> {
        self.cause.spent.as_ref()
    }

    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// The end of some output that says more; may be empty.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.cause.detail
    }

    /// What was being done; it completes "failed to …".
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The whole chain in one line, as a report shows it.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        line
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed to {}", self.operation)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source.as_deref().map(|source| source as _)
    }
}
