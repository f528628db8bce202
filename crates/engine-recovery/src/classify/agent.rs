//! What agents say of their own end.

use core_types::{ErrorClass, Timestamp};
use serde::{Deserialize, Serialize};

use super::Classified;

/// How an agent names its error. Adapters translate their agent's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgentErrorKind {
    /// The model's provider is overloaded.
    Overloaded,
    /// The provider failed, or could not be reached.
    ServerError,
    /// A limit of requests or tokens a minute.
    RateLimit,
    /// The window of a plan or a quota is used up.
    UsageLimit,
    /// The credentials are wrong or missing.
    Authentication,
    /// A tool or a folder was refused.
    PermissionDenied,
    /// There is no such model.
    ModelNotFound,
    /// The request is wrong.
    InvalidRequest,
    /// More text than the model takes.
    ContextLength,
    /// The model refuses to do it.
    Refused,
    /// It made as many turns as it may.
    MaxTurns,
    /// It spent what it may.
    MaxBudget,
    /// It was silent for too long, or took too long.
    TimedOut,
    /// It was ended from outside.
    Interrupted,
    /// Its answer cannot be read.
    Unreadable,
    /// It changed nothing where a change was required.
    NoChange,
    /// It broke.
    Crashed,
}

pub(super) fn classify(kind: AgentErrorKind, until: Option<Timestamp>) -> Classified {
    use AgentErrorKind as K;
    use ErrorClass as C;
    let class = match kind {
        K::Overloaded | K::ServerError if until.is_some() => C::RateLimited { until },
        K::Overloaded | K::ServerError => C::Transient,
        K::RateLimit => C::RateLimited { until },
        K::UsageLimit => C::QuotaExhausted { until },
        K::Authentication | K::PermissionDenied => C::Unauthorized,
        K::ModelNotFound => C::NotFound,
        K::InvalidRequest | K::ContextLength | K::Refused => C::Validation,
        K::MaxTurns | K::Unreadable | K::NoChange => C::Validation,
        K::MaxBudget => C::BudgetExceeded,
        K::TimedOut => C::Timeout,
        K::Interrupted => C::Cancelled,
        K::Crashed => C::Internal,
    };
    Classified::sure(class)
}
