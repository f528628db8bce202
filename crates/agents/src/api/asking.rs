//! Asking a model, and counting what it answers.

use core_types::ErrorClass;
use perf_utils::http::{Method, Response};
use serde_json::Value;

use super::{
    agent::{ApiAgent, SYSTEM, Work},
    interface::Reply,
    tools,
};
use crate::{
    RunError,
    gateway::{Ask, Before, because},
};

impl Work<'_> {
    pub(super) async fn ask(&mut self) -> Result<Reply, RunError> {
        let ApiAgent { options, pool } = self.agent;
        let interface = options.interface;
        let offers = tools::offers(&self.request.task);
        let chosen = self.request.model.as_ref();
        let chosen = chosen.map_or_else(String::new, |it| it.model.clone());
        let (body, response) = loop {
            let max_tokens = options.max_tokens;
            let thoughts = self.keeps_thoughts;
            let body =
                interface.request(&chosen, max_tokens, SYSTEM, &self.said, &offers, thoughts);
            let response = self.post(&chosen, &body).await?;
            if response.class().is_none() {
                break (body, response);
            }
            let text = response.text();
            let is_unknown = response.status().as_u16() == 400
                && body["include"].is_array()
                && (text.contains("include") || text.contains("ncrypted content"));
            if !is_unknown {
                return Err(self.agent.refusal(&response));
            }
            // A model that gives no thoughts to be kept.
            self.keeps_thoughts = false;
        };
        let reply = serde_json::from_slice(response.bytes())
            .ok()
            .and_then(|answer| interface.reply(&answer));
        let reply = reply.ok_or_else(|| RunError::Provider {
            class: ErrorClass::Transient,
            message: format!("{} answers what is no message", pool.origin()),
        })?;
        if !reply.model.is_empty() {
            self.model.clone_from(&reply.model);
        }
        self.n_replies += 1;
        let usage = reply.usage.unwrap_or_default();
        self.before = reply.usage.map(|usage| Before {
            body: body.to_string().into_bytes(),
            tokens: usage.total().saturating_sub(usage.output),
        });
        self.usage = self.usage.plus(&usage);
        let meter = self.request.grant.as_ref().map(|grant| &grant.meter);
        let price = |model: &str| meter.and_then(|meter| meter.price(model, &usage));
        // The name that it answers by may be one that the table does not have.
        if let Some(cost) = price(&self.model).or_else(|| price(&chosen)) {
            self.cost = Some(self.cost.unwrap_or_default().saturating_add(cost));
        }
        match reply.failure {
            None => Ok(reply),
            Some((class, message)) => Err(RunError::Provider {
                class,
                message: format!("{}: {message}", pool.origin()),
            }),
        }
    }

    async fn post(&self, model: &str, body: &Value) -> Result<Response, RunError> {
        let ApiAgent { options, pool } = self.agent;
        let interface = options.interface;
        // A lost answer is paid for, and the work is not: asking again changes nothing else.
        let mut post = pool
            .request(Method::POST, interface.path())
            .json(body)
            .read_only();
        match &self.session {
            Some(session) => {
                let known = interface.provider().key();
                post = post.header(known.header, &known.value(session.token()));
            }
            None => self.allow(model, body.to_string().as_bytes()).await?,
        }
        post.send().await.map_err(|error| RunError::Provider {
            class: error.class(),
            message: because(&error),
        })
    }

    /// Asks for the most that the next answer can cost.
    async fn allow(&self, model: &str, body: &[u8]) -> Result<(), RunError> {
        let Some(grant) = &self.request.grant else {
            return Ok(());
        };
        let options = &self.agent.options;
        // What we write ourselves can be read.
        let Ok(ask) = Ask::read(options.interface.endpoint(), body, options.max_tokens) else {
            return Ok(());
        };
        let classes = ask.most(body, self.before.as_ref());
        let priced = classes.iter().filter_map(|it| grant.meter.price(model, it));
        let Some(most) = priced.max() else {
            return Ok(());
        };
        let so_far = self.cost.unwrap_or_default();
        let allowed = grant.meter.allow(so_far.saturating_add(most)).await;
        allowed.map_err(|source| RunError::BudgetSpent {
            reported: so_far,
            source,
        })
    }
}
