//! What an error means: a table from typed sources to [`ErrorClass`] and [`Remedy`].
//!
//! Each source has a table of its own. Text is looked at last, with word
//! boundaries, marked [`Confidence::Low`], and never answered by trying again.

mod agent;
mod date;
mod errno;
mod git;
mod http;
mod process;
#[cfg(test)]
mod tests;
mod text;

use core_types::{ErrorClass, Exit, Failure, Timestamp};
use serde::{Deserialize, Serialize};

pub use agent::AgentErrorKind;
pub use date::retry_after;
pub use git::GitOperation;
pub use process::Program;

/// What is known of an error, by where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "source", deny_unknown_fields)]
#[non_exhaustive]
pub enum Evidence {
    /// A child process ended.
    Exit {
        /// How.
        exit: Exit,
        /// Whose exit codes these are.
        #[serde(default)]
        program: Program,
    },
    /// A system call failed.
    Errno {
        /// The number, as Linux has it on most processors.
        errno: i32,
        /// What the call was part of.
        #[serde(default)]
        effect: Effect,
    },
    /// A host name could not be resolved.
    Resolver {
        /// What `getaddrinfo` answered, as glibc numbers it.
        code: i32,
    },
    /// A server answered.
    Http {
        /// The status.
        status: u16,
        /// The headers, names in any case.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// What the request was.
        #[serde(default)]
        effect: Effect,
        /// The error's code or type as the body names it, such as `already_exists` or
        /// `insufficient_quota`; empty where there is none.
        #[serde(default)]
        code: String,
    },
    /// git ended with an error.
    Git {
        /// What it was asked for.
        operation: GitOperation,
        /// Its exit code.
        code: i32,
        /// What it wrote, in the language of the C locale.
        #[serde(default)]
        output: String,
    },
    /// An agent ended with an error of its own words.
    Agent {
        /// Which kind.
        kind: AgentErrorKind,
        /// When it may be asked again, where it says so.
        #[serde(default)]
        until: Option<Timestamp>,
    },
    /// Nothing but text.
    Text {
        /// The text.
        text: String,
    },
}

/// Whether a failed call may have changed something outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It changes nothing.
    #[default]
    Read,
    /// It would have, but it was not sent.
    NotSent,
    /// It was sent, so it may have acted.
    Sent,
}

/// How sure a class is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Read from text that is meant for people.
    Low,
    /// Read from a number or a word that programs are meant to read.
    High,
}

/// What answers an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Remedy {
    /// Try again, within budgets.
    Retry,
    /// Try again once.
    RetryOnce,
    /// Try again once, with less going on beside it.
    RetryOnceWithLess,
    /// Park the run until the window ends.
    Park,
    /// Read again what somebody else changed, and merge.
    Reread,
    /// The thing is there already: take it, after checking that it is ours.
    Adopt,
    /// Fix what the tests show.
    Fix,
    /// Ask the world whether it acted, then decide.
    Reconcile,
    /// Pause the run until there is room again.
    Pause,
    /// End: a limit or a person said so.
    Stop,
    /// Tell a person.
    HandOff,
}

impl Remedy {
    /// What answers an error of which no more than the class is known.
    #[must_use]
    pub const fn of(class: ErrorClass) -> Self {
        match class {
            ErrorClass::Transient | ErrorClass::RateLimited { .. } => Self::Retry,
            ErrorClass::QuotaExhausted { .. } => Self::Park,
            ErrorClass::Conflict => Self::Reread,
            ErrorClass::TestFailure => Self::Fix,
            ErrorClass::Timeout => Self::RetryOnce,
            ErrorClass::UnknownOutcome => Self::Reconcile,
            ErrorClass::ResourceExhausted => Self::Pause,
            ErrorClass::BudgetExceeded | ErrorClass::Cancelled => Self::Stop,
            // Validation, Unauthorized, NotFound, Internal, and what is not known yet.
            _ => Self::HandOff,
        }
    }

    /// Whether the same call is made again because of it.
    #[must_use]
    pub const fn retries(self) -> bool {
        matches!(
            self,
            Self::Retry | Self::RetryOnce | Self::RetryOnceWithLess
        )
    }
}

/// What an error means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Classified {
    /// What callers branch on.
    pub class: ErrorClass,
    /// What answers it.
    pub remedy: Remedy,
    /// How sure that is.
    pub confidence: Confidence,
}

impl Classified {
    fn sure(class: ErrorClass) -> Self {
        Self {
            class,
            remedy: Remedy::of(class),
            confidence: Confidence::High,
        }
    }

    fn with(mut self, remedy: Remedy) -> Self {
        self.remedy = remedy;
        self
    }
}

/// Looks an error up; `now` turns waits into times.
///
/// ```
/// use core_types::{ErrorClass, Timestamp};
/// use engine_recovery::classify::{classify, Effect, Evidence};
///
/// let limited = Evidence::Http {
///     status: 429,
///     headers: vec![("Retry-After".to_owned(), "30".to_owned())],
///     effect: Effect::Sent,
///     code: String::new(),
/// };
/// let until = Some(Timestamp(31_000));
/// assert_eq!(classify(&limited, Timestamp(1_000)).class, ErrorClass::RateLimited { until });
///
/// // Text that looks transient is no reason to try again.
/// let text = Evidence::Text { text: "rapid prototyping failed: API timeout".to_owned() };
/// assert_eq!(classify(&text, Timestamp(0)).class, ErrorClass::Internal);
/// ```
#[must_use]
pub fn classify(evidence: &Evidence, now: Timestamp) -> Classified {
    match evidence {
        Evidence::Exit { exit, program } => process::classify(*exit, *program),
        Evidence::Errno { errno, effect } => errno::classify(*errno, *effect),
        Evidence::Resolver { code } => errno::classify_resolver(*code),
        Evidence::Http {
            status,
            headers,
            effect,
            code,
        } => http::classify(*status, headers, *effect, code, now),
        Evidence::Git {
            operation,
            code,
            output,
        } => git::classify(*operation, *code, output),
        Evidence::Agent { kind, until } => agent::classify(*kind, *until),
        Evidence::Text { text } => text::classify(text),
    }
}

/// What a failure means. Its class counts; only where that is `Internal`, its
/// message is looked at, as the last resort.
#[must_use]
pub fn classify_failure(failure: &Failure) -> Classified {
    if failure.class == ErrorClass::Internal {
        return text::classify(&failure.message);
    }
    Classified::sure(failure.class)
}
