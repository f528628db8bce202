//! Why something was refused or failed.

use core_types::{ErrorClass, OperationId, PortError, Usd};

use crate::{ledger::BudgetExceeded, prices::Change};

/// Why prices, estimates or the ledger refused or failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No table, alias or override has the model. It is never free.
    #[error(
        "the price of model {model:?} is not known{}: name it under `overrides` or `aliases` in config/models.yaml",
        did_you_mean(near)
    )]
    UnknownModel {
        /// The name, cut to 80 characters.
        model: String,
        /// At most three names that are like it.
        near: Vec<String>,
    },
    /// A newer table has suspiciously few models.
    #[error("the newer table of prices has {has} models, this one {had}; it was not taken over")]
    ShrunkenTable {
        /// How many there were.
        had: usize,
        /// How many there are.
        has: usize,
    },
    /// A newer table lacks models that are in use.
    #[error("the newer table of prices lacks models in use: {}", models.join(", "))]
    MissingModels {
        /// Which.
        models: Vec<String>,
    },
    /// Prices moved by more than three times.
    #[error(
        "prices moved by more than three times, look and accept them: {}",
        lines(moves)
    )]
    LargeMoves {
        /// Which, and how.
        moves: Vec<Change>,
    },
    /// Weights of the model of complexity that this version cannot use.
    #[error("the weights of complexity cannot be used: {what}")]
    BadWeights {
        /// What is wrong with them.
        what: String,
    },
    /// A limit would be passed.
    #[error(transparent)]
    BudgetExceeded(#[from] BudgetExceeded),
    /// The reservation that this one was to be taken out of has not so much left.
    #[error("the reservation {parent} has {free} USD left, and {asked} are needed")]
    ParentExceeded {
        /// The larger reservation.
        parent: OperationId,
        /// What it has left.
        free: Usd,
        /// What was needed.
        asked: Usd,
    },
    /// The reservation that this one was to be taken out of is settled.
    #[error("the reservation {parent}, which this one was to be taken out of, is settled")]
    ParentSettled {
        /// The larger reservation.
        parent: OperationId,
    },
    /// The reservation that this one was to be taken out of is for other work.
    #[error("the reservation {parent} is not for this run, repository and task")]
    ForeignParent {
        /// The larger reservation.
        parent: OperationId,
    },
    /// No reservation has the operation.
    #[error("there is no reservation {operation}")]
    NoReservation {
        /// The operation.
        operation: OperationId,
    },
    /// The operation already marks another reservation.
    #[error("the operation {operation} already marks another reservation")]
    OperationReused {
        /// The operation.
        operation: OperationId,
    },
    /// Another operation has settled the reservation.
    #[error("the reservation {reservation} was settled by {by}")]
    AlreadySettled {
        /// The reservation.
        reservation: OperationId,
        /// What settled it.
        by: OperationId,
    },
    /// A limit can only be raised.
    #[error("{what} is {limit} USD, which {to} does not raise")]
    NotARaise {
        /// The limit in words.
        what: String,
        /// What it is.
        limit: Usd,
        /// What it was to be.
        to: Usd,
    },
    /// There is no limit to raise.
    #[error("{what} is not set, so there is nothing to raise")]
    NoLimit {
        /// The limit in words.
        what: String,
    },
    /// A record that this version cannot read.
    #[error("a record of the ledger has version {found}, newer than {supported}")]
    NewerRecord {
        /// Its version.
        found: u16,
        /// The newest version this program reads.
        supported: u16,
    },
    /// A record that contradicts those before it, as one edited by hand may.
    #[error("a record of the ledger {what}")]
    BadRecord {
        /// What is wrong with it.
        what: String,
    },
    /// The journal could not be read or written.
    #[error("could not use the ledger's journal")]
    Journal(#[from] journal::Error),
    /// A thread of ours ended early.
    #[error("the work on the ledger's journal was cut off")]
    CutOff,
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        String::new()
    } else {
        format!(", did you mean {}?", near.join(", "))
    }
}

fn lines(moves: &[Change]) -> String {
    let moves: Vec<String> = moves.iter().map(ToString::to_string).collect();
    moves.join("; ")
}

impl Error {
    /// What a caller branches on.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::UnknownModel { .. }
            | Self::ShrunkenTable { .. }
            | Self::MissingModels { .. }
            | Self::LargeMoves { .. }
            | Self::BadWeights { .. }
            | Self::OperationReused { .. }
            | Self::ForeignParent { .. }
            | Self::NotARaise { .. }
            | Self::NoLimit { .. }
            | Self::NewerRecord { .. } => ErrorClass::Validation,
            Self::BudgetExceeded(_) | Self::ParentExceeded { .. } => ErrorClass::BudgetExceeded,
            Self::AlreadySettled { .. } | Self::ParentSettled { .. } => ErrorClass::Conflict,
            Self::NoReservation { .. } => ErrorClass::NotFound,
            Self::Journal(error) => match error.class_hint() {
                journal::ClassHint::ResourceExhausted => ErrorClass::ResourceExhausted,
                journal::ClassHint::Conflict => ErrorClass::Conflict,
                journal::ClassHint::Validation => ErrorClass::Validation,
                journal::ClassHint::Internal => ErrorClass::Internal,
            },
            Self::BadRecord { .. } | Self::CutOff => ErrorClass::Internal,
        }
    }

    /// The error of a port; `doing` completes "failed to …".
    #[must_use]
    pub fn into_port_error(self, doing: &'static str) -> PortError {
        PortError::new(self.class(), doing).because(self)
    }
}
