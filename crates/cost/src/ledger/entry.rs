//! What a book is made of.

use core_types::{OperationId, SpendScope, TokenUsage, Usd};

use super::{
    account::{BudgetExceeded, Day, Hardness, Limit},
    options::LedgerOptions,
};

#[derive(Debug)]
pub(super) struct Account {
    pub(super) limit: Limit,
    pub(super) settled: u64,
    pub(super) reserved: u64,
    pub(super) raised: Option<Usd>,
}

#[derive(Debug)]
pub(super) struct Place {
    pub(super) day: Day,
    pub(super) scope: SpendScope,
    pub(super) accounts: Charged,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) operation: OperationId,
    pub(super) place: u32,
    pub(super) agent: String,
    pub(super) model: String,
    pub(super) amount: u64,
    /// What it still sets aside, what it lent included.
    pub(super) held: u64,
    /// What open reservations that were taken out of it hold.
    pub(super) lent: u64,
    pub(super) charged: Charged,
    pub(super) parent: Option<u32>,
    pub(super) children: Vec<u32>,
    pub(super) settled_by: Option<OperationId>,
    /// What it was settled with, in pico-dollars.
    pub(super) cost: u64,
}

/// The sum of settled calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) calls: u64,
    pub(super) cost: u64,
    pub(super) usage: TokenUsage,
    /// How many calls' costs nobody reported.
    pub(super) unknown: u64,
    /// How many calls reported a cost above zero, or tokens that have one.
    pub(super) reported: u64,
}

/// At most the four accounts of a scope.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Charged {
    accounts: [u32; 4],
    len: u8,
}

impl Charged {
    pub(super) fn as_slice(&self) -> &[u32] {
        &self.accounts[..usize::from(self.len)]
    }

    pub(super) fn push(&mut self, account: u32) {
        if !self.as_slice().contains(&account) {
            self.accounts[usize::from(self.len)] = account;
            self.len += 1;
        }
    }
}

impl Account {
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            limit,
            settled: 0,
            reserved: 0,
            raised: None,
        }
    }

    /// What may still be set aside; `None` without a limit. Work that is under way is not asked: of it
    /// only the limit itself counts.
    pub(super) fn left(
        &self,
        options: &LedgerOptions,
        least: Usd,
        until: Hardness,
    ) -> Result<Option<Usd>, BudgetExceeded> {
        let Some(set) = options.limits.on(&self.limit) else {
            return Ok(None);
        };
        let amount = self.raised.map_or(set, |raised| raised.max(set));
        let bound = match until {
            Hardness::Soft => options.limits.soft(amount),
            Hardness::Hard => amount,
        };
        let gone = Usd::from_pico(self.settled.saturating_add(self.reserved));
        let left = bound.saturating_sub(gone);
        if left < least {
            let hard = amount.saturating_sub(gone) < least;
            return Err(BudgetExceeded {
                limit: self.limit.clone(),
                hardness: if hard { Hardness::Hard } else { Hardness::Soft },
                amount,
                bound: if hard { amount } else { bound },
                spent: Usd::from_pico(self.settled),
                reserved: Usd::from_pico(self.reserved),
                asked: least,
            });
        }
        Ok(Some(left))
    }
}
