//! What differs between interfaces.

use core_types::TokenUsage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::gateway::{Endpoint, Provider, usage};

/// An interface of language models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interface {
    /// The Messages API, kind `anthropic`.
    Anthropic,
    /// Chat Completions, kind `openai`.
    OpenAi,
    /// OpenAI's Responses API, kind `openai-responses`.
    Responses,
}

/// What a model is told, and what it has said.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    /// By us, as the user.
    Us(String),
    /// By the model, as its interface has it: it is given back as it came.
    Model(Value),
    /// By tools, each with the id of its call and whether it failed.
    Tools(Vec<Told>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) call: String,
    pub(super) text: String,
    pub(super) is_error: bool,
}

/// A tool as the model is offered it.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    pub(super) schema: Value,
}

/// A call that the model makes.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// `Err` with what came where it is no JSON.
    pub(super) input: Result<Value, String>,
}

/// One answer of a model.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) said: Value,
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    /// `None` where it does not say.
    pub(super) usage: Option<TokenUsage>,
    pub(super) model: String,
    /// Whether it was cut off at the longest answer.
    pub(super) is_cut: bool,
}

impl Interface {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Anthropic, Self::OpenAi, Self::Responses];

    /// The kind's name in the configuration.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Responses => "openai-responses",
        }
    }

    /// The one whose kind has this name.
    #[must_use]
    pub fn of_kind(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.kind() == kind)
    }

    /// Whose it is.
    #[must_use]
    pub const fn provider(self) -> Provider {
        match self {
            Self::Anthropic => Provider::Anthropic,
            Self::OpenAi | Self::Responses => Provider::OpenAi,
        }
    }

    /// Below the base URL, as the programs of both providers have it.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Anthropic => "/v1/messages",
            Self::OpenAi => "/chat/completions",
            Self::Responses => "/responses",
        }
    }

    /// What is asked there.
    pub(super) const fn endpoint(self) -> Endpoint {
        match self {
            Self::Anthropic => Endpoint::Messages,
            Self::OpenAi => Endpoint::Chat,
            Self::Responses => Endpoint::Responses,
        }
    }

    pub(super) const fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Anthropic => &[("anthropic-version", "2023-06-01")],
            Self::OpenAi | Self::Responses => &[],
        }
    }

    pub(super) fn request(
        self,
        model: &str,
        max_tokens: u64,
        system: &str,
        said: &[Said],
        offers: &[Offer],
    ) -> Value {
        match self {
            Self::Anthropic => json!({
                "model": model,
                "max_tokens": max_tokens,
                // What stays the same from turn to turn is read from the provider's cache.
                "system": [{"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
                "messages": said.iter().map(anthropic_message).collect::<Vec<_>>(),
                "tools": offers.iter().map(|it| json!({
                    "name": it.name, "description": it.description, "input_schema": it.schema,
                })).collect::<Vec<_>>(),
            }),
            Self::OpenAi => {
                let system = json!({"role": "system", "content": system});
                let messages = std::iter::once(system).chain(said.iter().flat_map(chat_messages));
                json!({
                    "model": model,
                    "max_completion_tokens": max_tokens,
                    "messages": messages.collect::<Vec<_>>(),
                    "tools": offers.iter().map(|it| json!({"type": "function", "function": {
                        "name": it.name, "description": it.description, "parameters": it.schema,
                    }})).collect::<Vec<_>>(),
                })
            }
            Self::Responses => json!({
                "model": model,
                "max_output_tokens": max_tokens,
                "instructions": system,
                "input": said.iter().flat_map(responses_items).collect::<Vec<_>>(),
                "tools": offers.iter().map(|it| json!({
                    "type": "function", "name": it.name, "description": it.description,
                    "parameters": it.schema, "strict": false,
                })).collect::<Vec<_>>(),
                // The provider keeps nothing: what it has thought comes with its answer, for it alone to read.
                "store": false,
                "include": ["reasoning.encrypted_content"],
            }),
        }
    }

    /// `None` for what is no answer of this interface.
    pub(super) fn reply(self, answer: &Value) -> Option<Reply> {
        match self {
            Self::Anthropic => anthropic_reply(answer),
            Self::OpenAi => chat_reply(answer),
            Self::Responses => responses_reply(answer),
        }
    }
}

fn anthropic_message(said: &Said) -> Value {
    match said {
        Said::Us(text) => json!({"role": "user", "content": text}),
        Said::Model(content) => json!({"role": "assistant", "content": content}),
        Said::Tools(told) => {
            let result = |it: &Told| {
                json!({
                    "type": "tool_result", "tool_use_id": it.call, "content": it.text,
                    "is_error": it.is_error,
                })
            };
            json!({"role": "user", "content": told.iter().map(result).collect::<Vec<_>>()})
        }
    }
}

fn anthropic_reply(answer: &Value) -> Option<Reply> {
    let content = answer["content"].as_array()?;
    let text = |part: &Value| part["text"].as_str().map(str::to_owned);
    let call = |part: &Value| {
        Some(Call {
            id: part["id"].as_str()?.to_owned(),
            name: part["name"].as_str()?.to_owned(),
            input: Ok(part["input"].clone()),
        })
    };
    let of_type = |kind: &'static str| content.iter().filter(move |part| part["type"] == kind);
    let told = &answer["usage"];
    Some(Reply {
        said: answer["content"].clone(),
        text: of_type("text")
            .filter_map(text)
            .collect::<Vec<_>>()
            .join("\n"),
        calls: of_type("tool_use").filter_map(call).collect(),
        usage: told.is_object().then(|| usage::messages(told)),
        model: answer["model"].as_str().unwrap_or_default().to_owned(),
        is_cut: answer["stop_reason"] == "max_tokens",
    })
}

fn chat_messages(said: &Said) -> Vec<Value> {
    match said {
        Said::Us(text) => vec![json!({"role": "user", "content": text})],
        Said::Model(message) => vec![message.clone()],
        Said::Tools(told) => {
            let message =
                |it: &Told| json!({"role": "tool", "tool_call_id": it.call, "content": it.text});
            told.iter().map(message).collect()
        }
    }
}

fn chat_reply(answer: &Value) -> Option<Reply> {
    let choice = answer["choices"].as_array()?.first()?;
    let message = choice["message"].as_object()?;
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let call = |call: &Value| {
        Some(Call {
            id: call["id"].as_str()?.to_owned(),
            name: call["function"]["name"].as_str()?.to_owned(),
            input: arguments(&call["function"])?,
        })
    };
    let told = &answer["usage"];
    Some(Reply {
        said: Value::Object(message.clone()),
        text: message
            .get("content")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        calls: calls.into_iter().flatten().filter_map(call).collect(),
        usage: told.is_object().then(|| usage::chat(told)),
        model: answer["model"].as_str().unwrap_or_default().to_owned(),
        is_cut: choice["finish_reason"] == "length",
    })
}

/// The arguments of a function, which are JSON in a text.
fn arguments(function: &Value) -> Option<Result<Value, String>> {
    Some(match function["arguments"].as_str()?.trim() {
        "" => Ok(json!({})),
        text => serde_json::from_str(text).map_err(|_| text.to_owned()),
    })
}

fn responses_items(said: &Said) -> Vec<Value> {
    match said {
        Said::Us(text) => vec![json!({"role": "user", "content": text})],
        Said::Model(output) => output.as_array().cloned().unwrap_or_default(),
        Said::Tools(told) => {
            let item = |it: &Told| json!({"type": "function_call_output", "call_id": it.call, "output": it.text});
            told.iter().map(item).collect()
        }
    }
}

fn responses_reply(answer: &Value) -> Option<Reply> {
    let output = answer["output"].as_array()?;
    let of_type = |kind: &'static str| output.iter().filter(move |item| item["type"] == kind);
    let parts = of_type("message").filter_map(|item| item["content"].as_array());
    let texts = parts.flatten().filter_map(|part| part["text"].as_str());
    let call = |item: &Value| {
        Some(Call {
            id: item["call_id"].as_str()?.to_owned(),
            name: item["name"].as_str()?.to_owned(),
            input: arguments(item)?,
        })
    };
    let told = &answer["usage"];
    Some(Reply {
        said: answer["output"].clone(),
        text: texts.collect::<Vec<_>>().join("\n"),
        calls: of_type("function_call").filter_map(call).collect(),
        usage: told.is_object().then(|| usage::responses(told)),
        model: answer["model"].as_str().unwrap_or_default().to_owned(),
        is_cut: answer["incomplete_details"]["reason"] == "max_output_tokens",
    })
}
