//! A simulated provider of language models: the Anthropic Messages API, the OpenAI Responses API and
//! Chat Completions over HTTP on the loopback, streamed or whole. A script decides what the model says;
//! every request is kept, and what was used is known to the token. `/v1/models` and
//! `/v1/messages/count_tokens` are answered, too.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use testkit::models::{Say, SimulatedModels, Turn};
//!
//! let models = SimulatedModels::start(|asked| match asked.results.len() {
//!     0 if asked.tools.iter().any(|tool| tool == "Write") => {
//!         Turn::tool("Write", serde_json::json!({"file_path": "a.txt", "content": "hello\n"}))
//!     }
//!     _ => Turn::says("done"),
//! })
//! .await;
//! assert!(models.url().starts_with("http://127.0.0.1:"));
//! assert_eq!(models.used("any").input, 0);
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

mod anthropic;
mod chat;
mod responses;
mod server;
#[cfg(test)]
mod tests;

use core_types::TokenUsage;
use serde_json::Value;

pub use server::{Heard, SimulatedModels};

/// Which interface a request came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    /// `POST /v1/messages`.
    Messages,
    /// `POST /v1/responses`.
    Responses,
    /// `POST /v1/chat/completions`.
    Chat,
}

/// A request as a script sees it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// By which interface.
    pub api: Api,
    /// Its model.
    pub model: String,
    /// Instructions and all that the user has said, in order.
    pub prompt: String,
    /// The names of the tools that the client offers.
    pub tools: Vec<String>,
    /// What tools have answered since the user began the last turn, in order.
    pub results: Vec<String>,
    /// The number of this request, from 1.
    pub number: usize,
    /// The whole of it.
    pub body: Value,
}

/// What the model does at its turn.
#[derive(Debug, Clone, Default)]
pub struct Turn {
    /// In order.
    pub says: Vec<Say>,
    /// What it uses. Uncached input, cache reads, cache writes and output are told as each API does.
    pub usage: TokenUsage,
    /// What goes wrong, if anything does.
    pub fault: Option<Fault>,
    /// How the answer ends.
    pub stop: Stop,
}

/// A part of a turn.
#[derive(Debug, Clone)]
pub enum Say {
    /// Words.
    Text(String),
    /// What the model thinks, which Chat Completions do not show. The Responses API shows it to itself alone: as
    /// text that its client gives back, where that is asked for by `include`.
    Thought(String),
    /// Words in place of an answer that it will not give.
    Refusal(String),
    /// A call of a tool, with its arguments: an object, or a text for tools that take one.
    Tool {
        /// The tool's name.
        name: String,
        /// Its arguments.
        input: Value,
    },
}

/// How an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stop {
    /// As the model will.
    #[default]
    Whole,
    /// At its longest length.
    Cut,
    /// By a filter of its content.
    Filtered,
    /// By an error within the provider; Chat Completions and Messages have no word for it, and are cut.
    Failed,
    /// By somebody who has cancelled it; Chat Completions and Messages have no word for it, and are cut.
    Cancelled,
}

/// What goes wrong at a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed without an answer.
    Closed,
    /// 401.
    Unauthorized,
    /// 429, with so many seconds to wait.
    RateLimited {
        /// Of the header `retry-after`.
        retry_after: u64,
    },
    /// 429 for a quota that is used up: no header says when to try again.
    QuotaExhausted,
    /// 529 of Anthropic, 503 of the others.
    Overloaded,
    /// 400: the conversation is longer than the model takes.
    TooLong,
    /// 400: the model gives no reasoning to be kept by its client.
    NoInclude,
    /// 504 of who stands before the provider, which may have made the answer.
    GatewayTimeout,
    /// The answer breaks off after its first half.
    CutStream,
    /// The answer begins, and nothing more comes.
    Silence,
    /// 200 with what is no JSON.
    WrongJson,
}

impl Turn {
    /// Says something, and uses 100 tokens of input and 10 of output.
    #[must_use]
    pub fn says(text: impl Into<String>) -> Self {
        Self::of(Say::Text(text.into()))
    }

    /// Calls a tool, and uses 100 tokens of input and 10 of output.
    #[must_use]
    pub fn tool(name: impl Into<String>, input: Value) -> Self {
        Self::of(Say::Tool {
            name: name.into(),
            input,
        })
    }

    /// Fails.
    #[must_use]
    pub fn fails(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::says("what nobody hears to its end")
        }
    }

    /// The same with another usage.
    #[must_use]
    pub fn using(mut self, usage: TokenUsage) -> Self {
        self.usage = usage;
        self
    }

    /// Says this before all else.
    #[must_use]
    pub fn thinking(mut self, thought: impl Into<String>) -> Self {
        self.says.insert(0, Say::Thought(thought.into()));
        self
    }

    /// The same with another end.
    #[must_use]
    pub fn stopping(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Will not answer, and uses 100 tokens of input and 10 of output.
    #[must_use]
    pub fn refuses(why: impl Into<String>) -> Self {
        Self::of(Say::Refusal(why.into()))
    }

    fn of(say: Say) -> Self {
        let usage = TokenUsage {
            input: 100,
            output: 10,
            ..TokenUsage::default()
        };
        Self {
            says: vec![say],
            usage,
            fault: None,
            stop: Stop::Whole,
        }
    }
}

/// Texts within a value of any of the three APIs: itself, or the `text` of its parts.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(text_of).collect::<Vec<_>>().join("\n"),
        Value::Object(part) => ["text", "content", "output"]
            .iter()
            .find_map(|key| part.get(*key))
            .map(text_of)
            .unwrap_or_default(),
        _ => String::new(),
    }
}
