//! Money of one piece of work, from its reservation to its settlement.

use std::sync::Arc;

use async_trait::async_trait;
use core_types::{
    Ledger, Meter, OperationId, PortError, Reservation, Settled, SpendRequest, SpendScope, Spent,
    TokenUsage, Usd,
};
use tokio::sync::Mutex;

/// What is set aside for one piece of work: what it got before it began, and what was added while it
/// went on, each under an operation id of its own.
#[derive(Debug)]
pub(crate) struct Funds {
    ledger: Arc<dyn Ledger>,
    operation: OperationId,
    scope: SpendScope,
    request: SpendRequest,
    first: Reservation,
    added: Mutex<Vec<Reservation>>,
}

impl Funds {
    /// Sets money aside for work that is about to begin.
    pub(crate) async fn reserve(
        ledger: Arc<dyn Ledger>,
        operation: OperationId,
        scope: SpendScope,
        request: SpendRequest,
    ) -> Result<Self, PortError> {
        let first = ledger.reserve(&operation, &scope, &request, None).await?;
        Ok(Self {
            ledger,
            operation,
            scope,
            request,
            first,
            added: Mutex::default(),
        })
    }

    /// What was set aside before the work began; `None` for no limit.
    pub(crate) fn amount(&self) -> Option<Usd> {
        self.first.amount
    }

    /// Replaces all that was set aside by what was spent.
    ///
    /// What was added is settled first, each with its own part of the cost: so nothing that was set
    /// aside comes free before the whole cost is recorded, and no limit is passed in between.
    pub(crate) async fn settle(&self, spent: &Spent) -> Result<Settled, PortError> {
        let added = std::mem::take(&mut *self.added.lock().await);
        let mut spent = spent.clone();
        if spent.cost.is_none() && !added.is_empty() && !spent.is_silent() {
            spent.cost = self.price(&spent.model, &spent.usage);
        }
        let mut in_parts = Usd::ZERO;
        let mut failed = None;
        for part in added {
            let taken = match spent.cost {
                // What the first reservation covers is settled with it.
                Some(cost) => {
                    let first = self.first.amount.unwrap_or_default();
                    let above = cost.saturating_sub(first).saturating_sub(in_parts);
                    Some(above.min(part.amount.unwrap_or_default()))
                }
                None => None,
            };
            let of_part = Spent {
                usage: TokenUsage::default(),
                cost: taken,
                model: spent.model.clone(),
                is_failure: spent.is_failure,
            };
            let settling = settlement(&part.operation);
            // What cannot be settled stays set aside; its cost is the next one's to record.
            match self.ledger.settle(&settling, &part, &of_part).await {
                Ok(settled) => in_parts = in_parts.saturating_add(settled.amount),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(cost) = &mut spent.cost {
            *cost = cost.saturating_sub(in_parts);
        }
        let settling = settlement(&self.operation);
        let settled = self.ledger.settle(&settling, &self.first, &spent).await?;
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(Settled {
            amount: settled.amount.saturating_add(in_parts),
            ..settled
        })
    }
}

#[async_trait]
impl Meter for Funds {
    fn price(&self, model: &str, usage: &TokenUsage) -> Option<Usd> {
        let model = match model {
            "" => &self.request.model,
            named => named,
        };
        self.ledger.price(model, usage)
    }

    async fn allow(&self, so_far: Usd) -> Result<(), PortError> {
        let Some(first) = self.first.amount else {
            return Ok(());
        };
        let mut added = self.added.lock().await;
        let parts = added.iter().filter_map(|part| part.amount);
        let mut granted = parts.fold(first, Usd::saturating_add);
        // As much as a request gets, and where that is not enough, what is missing.
        for is_exact in [false, true] {
            if so_far <= granted {
                break;
            }
            let missing = so_far.saturating_sub(granted);
            let operation = part(&self.operation, added.len() + 1);
            let request = SpendRequest {
                worst_case: is_exact.then_some(missing).or(self.request.worst_case),
                ..self.request.clone()
            };
            let more = self.ledger.reserve_more(&operation, &self.scope, &request);
            let more = more.await?;
            let Some(amount) = more.amount else {
                return Ok(());
            };
            granted = granted.saturating_add(amount);
            added.push(more);
        }
        Ok(())
    }
}

fn part(whole: &OperationId, number: usize) -> OperationId {
    // A step's operation id with its execution has at most 227 of 256 characters; at a cent a part,
    // six digits are 10,000 USD.
    OperationId::new(format!("{whole}:{number}")).expect("an operation id leaves room for a suffix")
}

fn settlement(reserving: &OperationId) -> OperationId {
    OperationId::new(format!("{reserving}:settle"))
        .expect("an operation id leaves room for a suffix")
}
