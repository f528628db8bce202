//! One governor of calls for each host and account: never above its limits, and slower when told so.

mod error;
mod limits;
mod machine;
mod shell;
#[cfg(test)]
mod tests;

pub use self::{
    error::Error,
    limits::{Limits, Quota, Quotas},
    shell::{Governors, Permit, RateGovernor},
};

use core_types::{ErrorClass, PortError, Timestamp};

/// What kind of call is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// It changes nothing.
    Read,
    /// It changes something.
    Mutation,
}

/// What a call's answer says about limits. The default says that all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Observation {
    /// The call was refused since a limit was passed.
    pub is_refused: bool,
    /// How many calls a window allows.
    pub limit: Option<u64>,
    /// How many of them are left.
    pub remaining: Option<u64>,
    /// When the window ends.
    pub resets_at: Option<Timestamp>,
    /// No call before this time.
    pub retry_at: Option<Timestamp>,
}

impl Observation {
    /// What the result of a port's call says.
    pub fn of<T>(result: &Result<T, PortError>) -> Self {
        match result.as_ref().map_err(PortError::class) {
            Err(ErrorClass::RateLimited { until } | ErrorClass::QuotaExhausted { until }) => Self {
                is_refused: true,
                retry_at: until,
                ..Self::default()
            },
            Ok(_) | Err(_) => Self::default(),
        }
    }
}
