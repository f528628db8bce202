//! A proxy on this machine between agents and the providers of their models.
//!
//! An agent is given the proxy's address and a token in place of its provider's address and key. Each of its
//! requests is then measured to the token, priced, and asked for before it is forwarded; the key stays here.
//!
//! # Model
//!
//! - A [`Gateway`] listens on the loopback, for one run. An *upstream* is a [`Provider`] at one address with one key.
//! - A [`Session`] is one piece of an agent's work: it has a token of its own, which ends with it, a grant, and
//!   the sum of what it has used.
//! - [`Access`] is what an agent needs to open its sessions: upstreams that were taken from its variables.
//!
//! # Guarantees
//!
//! - No request is forwarded before the most that it can cost, together with what the session has spent and what
//!   of it is under way, has been allowed by the session's grant. Where the whole answer would pass the limit, a
//!   shorter one is asked for. The most of the input is reckoned: the input of the request before, as the provider
//!   has counted it, and a token for each two ASCII bytes and each other byte that was added. Text can be made to
//!   need more. While a request that is reckoned so is under way, all others of its session are asked for with a
//!   token for each byte, which no text passes: so a limit is passed by the input of one request at most.
//! - What is counted is what the provider says. Of an answer that breaks off, it is what was said until then, and
//!   the bound for what was not; so it is of a request that was sent and has no answer.
//! - What has no known price is not forwarded: tools that the provider runs (they are taken out of requests), priority
//!   tiers, answers in the background, compaction by the provider. Under a limit, neither is what has no bound: all
//!   that is not on the lists of what is known, documents and context that lies with the provider among it.
//! - Memory is bounded, however many connections there are: bodies of requests wait for room, and come in time or
//!   not at all.
//! - Refusals of a provider for its limits hold all requests to it, and are tried again here.

mod access;
mod account;
mod ask;
mod forward;
mod incoming;
mod passed;
mod provider;
mod refusal;
mod reply;
mod sending;
mod server;
mod session;
mod tape;
pub(crate) mod usage;

pub use self::{
    access::Access,
    provider::Provider,
    server::{Gateway, GatewayOptions, Tape},
    session::Session,
};
pub(crate) use self::{
    ask::{Ask, Before},
    provider::Endpoint,
    refusal::{because, judged},
};
