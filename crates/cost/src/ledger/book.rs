//! The state machine that all ledgers share: it decides, and it applies what was decided. It knows no
//! clock, no disk and no task.
//!
//! An account is what a limit stands on. A reservation is charged to the accounts of its scope that
//! no reservation above it is charged to already; what it is charged in those of the ones above is
//! taken out of their `held`. So on each account `reserved` is the sum of what the reservations that
//! are charged to it hold, and `settled + reserved` grows only where a limit was checked.

use std::collections::{HashMap, HashSet};

use core_types::{OperationId, Reservation, Settled, SpendRequest, SpendScope, Spent, Usd};

use super::{
    account::{Day, Hardness, Limit},
    entry::{Account, Charged, Entry, Place, Totals},
    movement::{Basis, Movement},
    options::{LedgerOptions, Limits},
};
use crate::Error;

#[derive(Debug, Default)]
pub(super) struct Book {
    accounts: Vec<Account>,
    account_of: HashMap<Limit, u32>,
    scopes: Vec<Place>,
    /// By day, since a scope is charged to the accounts of a day.
    scope_of: HashMap<(Day, SpendScope), u32>,
    models: Vec<String>,
    model_of: HashMap<String, u32>,
    entries: Vec<Entry>,
    entry_of: HashMap<OperationId, u32>,
    raises: HashSet<OperationId>,
    totals: HashMap<(u32, u32), Totals>,
}

/// What money is set aside for.
#[derive(Debug)]
pub(super) enum Purpose {
    /// Work that has not begun.
    New,
    /// The same, taken out of what is set aside already.
    PartOf(Reservation),
    /// Work that is under way.
    UnderWay,
}

impl From<Option<&Reservation>> for Purpose {
    fn from(parent: Option<&Reservation>) -> Self {
        parent.cloned().map_or(Self::New, Self::PartOf)
    }
}

/// What a request comes to.
#[derive(Debug)]
pub(super) enum Decided<T> {
    /// It was done before.
    Before(T),
    /// It is done once the movement is recorded.
    Now(T, Movement),
}

impl Book {
    pub(super) fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    pub(super) fn open(&self) -> impl Iterator<Item = (&Entry, &Place)> {
        let open = self
            .entries
            .iter()
            .filter(|entry| entry.settled_by.is_none());
        open.map(|entry| (entry, &self.scopes[entry.place as usize]))
    }

    pub(super) fn totals(&self) -> impl Iterator<Item = (&Place, &str, &Totals)> {
        self.totals.iter().map(|((place, model), totals)| {
            let model = self.models[*model as usize].as_str();
            (&self.scopes[*place as usize], model, totals)
        })
    }

    /// The limit that stands on an account now.
    pub(super) fn limit_on(&self, limit: &Limit, limits: &Limits) -> Option<Usd> {
        let set = limits.on(limit)?;
        let raised = self
            .account_of
            .get(limit)
            .map(|idx| &self.accounts[*idx as usize]);
        Some(
            raised
                .and_then(|account| account.raised)
                .map_or(set, |raised| raised.max(set)),
        )
    }

    pub(super) fn decide_reserve(
        &self,
        options: &LedgerOptions,
        day: Day,
        operation: &OperationId,
        scope: &SpendScope,
        request: &SpendRequest,
        purpose: &Purpose,
    ) -> Result<Decided<Reservation>, Error> {
        let (parent, until) = match purpose {
            Purpose::New => (None, Hardness::Soft),
            Purpose::PartOf(parent) => (Some(parent), Hardness::Soft),
            Purpose::UnderWay => (None, Hardness::Hard),
        };
        if let Some(idx) = self.entry_of.get(operation) {
            let entry = &self.entries[*idx as usize];
            if self.scopes[entry.place as usize].scope != *scope {
                return Err(Error::OperationReused {
                    operation: operation.clone(),
                });
            }
            return Ok(Decided::Before(Reservation {
                operation: operation.clone(),
                amount: Some(Usd::from_pico(entry.amount)),
            }));
        }
        let parent = parent
            .map(|parent| self.open_entry(&parent.operation))
            .transpose()?;
        let day = match parent {
            None => day,
            Some(parent) => {
                let place = &self.scopes[self.entries[parent as usize].place as usize];
                if !is_within(scope, &place.scope) {
                    return Err(Error::ForeignParent {
                        parent: self.entries[parent as usize].operation.clone(),
                    });
                }
                place.day
            }
        };
        let (want, least) = match request.worst_case {
            Some(most) => (most, most),
            None => (options.call, options.least_call.min(options.call)),
        };
        let mut grant = want;
        if let Some(parent) = parent {
            let entry = &self.entries[parent as usize];
            let free = Usd::from_pico(entry.held.saturating_sub(entry.lent));
            if free < least {
                return Err(Error::ParentExceeded {
                    parent: entry.operation.clone(),
                    free,
                    asked: least,
                });
            }
            grant = grant.min(free);
        }
        // A known place has its accounts; of an unknown one some accounts may exist nevertheless.
        let known = self.scope_of.get(&(day, scope.clone()));
        match known.map(|idx| self.scopes[*idx as usize].accounts) {
            Some(charged) => {
                for idx in charged.as_slice() {
                    let account = &self.accounts[*idx as usize];
                    if !self.covers(parent, *idx) {
                        let left = account.left(options, least, until)?;
                        grant = left.map_or(grant, |left| grant.min(left));
                    }
                }
            }
            None => {
                for limit in Limit::of(scope, day) {
                    let idx = self.account_of.get(&limit).copied();
                    if idx.is_some_and(|idx| self.covers(parent, idx)) {
                        continue;
                    }
                    let left = match idx {
                        Some(idx) => self.accounts[idx as usize].left(options, least, until)?,
                        None => Account::new(limit).left(options, least, until)?,
                    };
                    grant = left.map_or(grant, |left| grant.min(left));
                }
            }
        }
        let movement = Movement::Reserved {
            operation: operation.clone(),
            scope: scope.clone(),
            day,
            agent: request.agent.clone(),
            model: request.model.clone(),
            amount: grant,
            parent: parent.map(|idx| self.entries[idx as usize].operation.clone()),
        };
        let reservation = Reservation {
            operation: operation.clone(),
            amount: Some(grant),
        };
        Ok(Decided::Now(reservation, movement))
    }

    /// `presumed` is an amount that nobody reported; then nobody knows of a model that was used, either.
    pub(super) fn decide_settle(
        &self,
        options: &LedgerOptions,
        operation: &OperationId,
        reservation: &OperationId,
        spent: &Spent,
        presumed: Option<Usd>,
    ) -> Result<Decided<Settled>, Error> {
        let Some(idx) = self.entry_of.get(reservation) else {
            return Err(Error::NoReservation {
                operation: reservation.clone(),
            });
        };
        let entry = &self.entries[*idx as usize];
        let model = if spent.model.is_empty() && presumed.is_none() {
            &entry.model
        } else {
            &spent.model
        };
        match &entry.settled_by {
            Some(by) if by == operation => {
                return Ok(Decided::Before(Settled {
                    amount: Usd::from_pico(entry.cost),
                    model: model.clone(),
                }));
            }
            Some(by) => {
                return Err(Error::AlreadySettled {
                    reservation: reservation.clone(),
                    by: by.clone(),
                });
            }
            None => {}
        }
        // What was lent is settled by those who have it.
        let own = Usd::from_pico(entry.held.saturating_sub(entry.lent));
        let (amount, basis) = match presumed {
            Some(amount) => (amount, Basis::Unreported),
            None => options.charge(own, &entry.model, spent),
        };
        let settled = Settled {
            amount,
            model: model.clone(),
        };
        let movement = Movement::Settled {
            operation: operation.clone(),
            reservation: reservation.clone(),
            amount,
            basis,
            usage: spent.usage,
            model: model.clone(),
        };
        Ok(Decided::Now(settled, movement))
    }

    /// Answers what the limit was before.
    pub(super) fn decide_raise(
        &self,
        options: &LedgerOptions,
        operation: &OperationId,
        limit: &Limit,
        to: Usd,
    ) -> Result<Decided<Usd>, Error> {
        let what = || format!("the limit of {limit}");
        match self.limit_on(limit, &options.limits) {
            Some(now) if self.raises.contains(operation) => Ok(Decided::Before(now)),
            None => Err(Error::NoLimit { what: what() }),
            Some(now) if to <= now => Err(Error::NotARaise {
                what: what(),
                limit: now,
                to,
            }),
            Some(now) => {
                let movement = Movement::Raised {
                    operation: operation.clone(),
                    limit: limit.clone(),
                    to,
                };
                Ok(Decided::Now(now, movement))
            }
        }
    }

    /// Takes a decision in. A movement that this book did not decide may contradict it; then nothing
    /// changes.
    pub(super) fn apply(&mut self, movement: Movement) -> Result<(), Error> {
        match movement {
            Movement::Reserved {
                operation,
                scope,
                day,
                agent,
                model,
                amount,
                parent,
            } => {
                if self.entry_of.contains_key(&operation) {
                    return Err(bad(format!("reserves {operation} a second time")));
                }
                let parent = match parent {
                    Some(parent) => match self.open_entry(&parent) {
                        Ok(idx) => Some(idx),
                        Err(_) => return Err(bad(format!("takes {operation} out of nothing"))),
                    },
                    None => None,
                };
                let day = match parent {
                    None => day,
                    Some(parent) => {
                        let place = &self.scopes[self.entries[parent as usize].place as usize];
                        if !is_within(&scope, &place.scope) {
                            return Err(bad(format!("takes {operation} out of another scope")));
                        }
                        place.day
                    }
                };
                let place = self.place(day, scope);
                let mut charged = Charged::default();
                for account in self.scopes[place as usize].accounts.as_slice() {
                    if !self.covers(parent, *account) {
                        charged.push(*account);
                    }
                }
                for account in charged.as_slice() {
                    let account = &mut self.accounts[*account as usize];
                    account.reserved = account.reserved.saturating_add(amount.pico());
                }
                let idx = u32::try_from(self.entries.len())
                    .map_err(|_| bad("is one of too many".to_owned()))?;
                if let Some(parent) = parent {
                    let parent = &mut self.entries[parent as usize];
                    parent.lent = parent.lent.saturating_add(amount.pico());
                    parent.children.push(idx);
                }
                self.entry_of.insert(operation.clone(), idx);
                self.entries.push(Entry {
                    operation,
                    place,
                    agent,
                    model,
                    amount: amount.pico(),
                    held: amount.pico(),
                    lent: 0,
                    charged,
                    parent,
                    children: Vec::new(),
                    settled_by: None,
                    cost: 0,
                });
            }
            Movement::Settled {
                operation,
                reservation,
                amount,
                basis,
                usage,
                model,
            } => {
                let idx = self
                    .open_entry(&reservation)
                    .map_err(|_| bad(format!("settles {reservation}, which is not open")))?;
                self.settle(idx, operation, amount.pico());
                let place = self.entries[idx as usize].place;
                let model = self.model(model);
                let totals = self.totals.entry((place, model)).or_default();
                totals.calls += 1;
                totals.cost = totals.cost.saturating_add(amount.pico());
                totals.usage = totals.usage.plus(&usage);
                totals.unknown += u64::from(basis == Basis::Reserved);
                let is_reported = matches!(basis, Basis::Reported | Basis::Priced);
                totals.reported += u64::from(is_reported && amount > Usd::ZERO);
            }
            Movement::Raised {
                operation,
                limit,
                to,
            } => {
                let account = self.account(limit);
                let raised = &mut self.accounts[account as usize].raised;
                *raised = (*raised).max(Some(to));
                self.raises.insert(operation);
            }
        }
        Ok(())
    }

    /// Replaces what an entry held by what it cost. What it lent stays with those who have it: they
    /// move up to where this entry was taken out of.
    fn settle(&mut self, idx: u32, by: OperationId, cost: u64) {
        let entry = &mut self.entries[idx as usize];
        let (held, lent) = (entry.held, entry.lent);
        let (parent, charged) = (entry.parent, entry.charged);
        let children = std::mem::take(&mut entry.children);
        (entry.held, entry.lent) = (0, 0);
        entry.settled_by = Some(by);
        entry.cost = cost;
        for account in charged.as_slice() {
            let account = &mut self.accounts[*account as usize];
            account.reserved = account.reserved.saturating_sub(held - lent);
            account.settled = account.settled.saturating_add(cost);
        }
        for child in &children {
            let child = &mut self.entries[*child as usize];
            child.parent = parent;
            for account in charged.as_slice() {
                child.charged.push(*account);
            }
        }
        // What was spent above the reservation was set aside nowhere.
        let taken = cost.min(held - lent);
        let Some(direct) = parent else { return };
        let above = &mut self.entries[direct as usize];
        above.children.retain(|child| *child != idx);
        above.children.extend(children);
        // `lent` counts what the children hold: this one no more, its own children from now on, and
        // the loop below takes off what was spent, so that it is put back here.
        above.lent = above.lent - held + lent + taken;
        let mut next = Some(direct);
        while let Some(idx) = next {
            let above = &mut self.entries[idx as usize];
            above.held = above.held.saturating_sub(taken);
            above.lent = above.lent.saturating_sub(taken);
            next = above.parent;
            let charged = above.charged;
            for account in charged.as_slice() {
                let account = &mut self.accounts[*account as usize];
                account.reserved = account.reserved.saturating_sub(taken);
                account.settled = account.settled.saturating_add(cost);
            }
        }
    }

    fn open_entry(&self, operation: &OperationId) -> Result<u32, Error> {
        let idx = self.entry_of.get(operation).copied();
        let idx = idx.ok_or_else(|| Error::NoReservation {
            operation: operation.clone(),
        })?;
        if self.entries[idx as usize].settled_by.is_some() {
            return Err(Error::ParentSettled {
                parent: operation.clone(),
            });
        }
        Ok(idx)
    }

    /// Whether a reservation, or one above it, is charged to the account.
    fn covers(&self, mut reservation: Option<u32>, account: u32) -> bool {
        while let Some(idx) = reservation {
            let entry = &self.entries[idx as usize];
            if entry.charged.as_slice().contains(&account) {
                return true;
            }
            reservation = entry.parent;
        }
        false
    }

    fn place(&mut self, day: Day, scope: SpendScope) -> u32 {
        let key = (day, scope);
        if let Some(idx) = self.scope_of.get(&key) {
            return *idx;
        }
        let mut accounts = Charged::default();
        for limit in Limit::of(&key.1, day) {
            accounts.push(self.account(limit));
        }
        let idx = self.scopes.len() as u32;
        self.scopes.push(Place {
            day,
            scope: key.1.clone(),
            accounts,
        });
        self.scope_of.insert(key, idx);
        idx
    }

    fn account(&mut self, limit: Limit) -> u32 {
        if let Some(idx) = self.account_of.get(&limit) {
            return *idx;
        }
        let idx = self.accounts.len() as u32;
        self.accounts.push(Account::new(limit.clone()));
        self.account_of.insert(limit, idx);
        idx
    }

    fn model(&mut self, model: String) -> u32 {
        if let Some(idx) = self.model_of.get(&model) {
            return *idx;
        }
        let idx = self.models.len() as u32;
        self.models.push(model.clone());
        self.model_of.insert(model, idx);
        idx
    }
}

/// Whether a scope is the other one or a part of it.
fn is_within(part: &SpendScope, whole: &SpendScope) -> bool {
    part.run == whole.run
        && (whole.repository.is_none() || part.repository == whole.repository)
        && (whole.task.is_none() || part.task == whole.task)
}

fn bad(what: String) -> Error {
    Error::BadRecord { what }
}
