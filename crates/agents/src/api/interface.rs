//! What differs between interfaces.

use core_types::{ErrorClass, TokenUsage};
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
    /// What is given back to it; null where that is nothing.
    pub(super) said: Value,
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    /// `None` where it does not say.
    pub(super) usage: Option<TokenUsage>,
    pub(super) model: String,
    /// Whether it was cut off at the longest answer.
    pub(super) is_cut: bool,
    /// Why it is no answer, if it is none.
    pub(super) failure: Option<(ErrorClass, String)>,
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
        keeps_thoughts: bool,
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
            Self::Responses => {
                let mut body = json!({
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
                });
                if keeps_thoughts {
                    body["include"] = json!(["reasoning.encrypted_content"]);
                }
                body
            }
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
    // A part without text is refused where it is given back.
    let is_empty = |part: &&Value| part["type"] == "text" && part["text"] == "";
    let said = content.iter().filter(|part| !is_empty(part)).cloned();
    let words = of_type("text")
        .filter_map(text)
        .collect::<Vec<_>>()
        .join("\n");
    let failure = (answer["stop_reason"] == "refusal").then(|| refused(&words));
    Some(Reply {
        said: unless_empty(said.collect()),
        text: words,
        calls: of_type("tool_use").filter_map(call).collect(),
        usage: told.is_object().then(|| usage::messages(told)),
        model: answer["model"].as_str().unwrap_or_default().to_owned(),
        is_cut: answer["stop_reason"] == "max_tokens",
        failure,
    })
}

fn unless_empty(said: Vec<Value>) -> Value {
    match said.is_empty() {
        true => Value::Null,
        false => Value::Array(said),
    }
}

/// The model will not do it, and would say so again.
fn refused(words: &str) -> (ErrorClass, String) {
    let words = words.trim();
    let message = match words.is_empty() {
        true => "the model refuses the work, or a filter of its provider does".to_owned(),
        false => format!("the model refuses the work: {words}"),
    };
    (ErrorClass::Validation, message)
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
    let words = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
    let calls: Vec<Call> = calls.into_iter().flatten().filter_map(call).collect();
    let is_filtered = choice["finish_reason"] == "content_filter";
    let refusal = words("refusal");
    let failure = (is_filtered || !refusal.is_empty()).then(|| refused(refusal));
    Some(Reply {
        said: match words("content").is_empty() && calls.is_empty() {
            true => Value::Null,
            false => Value::Object(message.clone()),
        },
        text: words("content").to_owned(),
        calls,
        usage: told.is_object().then(|| usage::chat(told)),
        model: answer["model"].as_str().unwrap_or_default().to_owned(),
        is_cut: choice["finish_reason"] == "length",
        failure,
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
    let none = Vec::new();
    let failure = response_failure(answer);
    let output = match answer["output"].as_array() {
        None if failure.is_some() => &none,
        output => output?,
    };
    let of_type = |kind: &'static str| output.iter().filter(move |item| item["type"] == kind);
    let parts = of_type("message").filter_map(|item| item["content"].as_array());
    let parts: Vec<&Value> = parts.flatten().collect();
    let texts = parts.iter().filter_map(|part| part["text"].as_str());
    let mut refusals = parts.iter().filter_map(|part| part["refusal"].as_str());
    let call = |item: &Value| {
        Some(Call {
            id: item["call_id"].as_str()?.to_owned(),
            name: item["name"].as_str()?.to_owned(),
            input: arguments(item)?,
        })
    };
    let told = &answer["usage"];
    Some(Reply {
        said: unless_empty(given_back(output)),
        text: texts.collect::<Vec<_>>().join("\n"),
        calls: of_type("function_call").filter_map(call).collect(),
        usage: told.is_object().then(|| usage::responses(told)),
        model: answer["model"].as_str().unwrap_or_default().to_owned(),
        is_cut: answer["incomplete_details"]["reason"] == "max_output_tokens",
        failure: failure.or_else(|| refusals.next().map(refused)),
    })
}

/// Why a response is none, by its status.
fn response_failure(answer: &Value) -> Option<(ErrorClass, String)> {
    let error = &answer["error"];
    let message = error["message"].as_str().unwrap_or("it names no reason");
    match answer["status"].as_str()? {
        "failed" => {
            let class = match error["code"].as_str() {
                Some("rate_limit_exceeded") => ErrorClass::RateLimited { until: None },
                Some("server_error") | None => ErrorClass::Transient,
                Some(_) => ErrorClass::Validation,
            };
            Some((class, format!("the answer has failed: {message}")))
        }
        "cancelled" => {
            let message = "the answer was cancelled at its provider";
            Some((ErrorClass::Transient, message.to_owned()))
        }
        "incomplete" if answer["incomplete_details"]["reason"] == "content_filter" => {
            Some(refused(""))
        }
        _ => None,
    }
}

/// What of an output can be given back. Thoughts must have something behind them, and come with their text: the
/// provider keeps none.
fn given_back(output: &[Value]) -> Vec<Value> {
    let is_thought = |item: &Value| item["type"] == "reasoning";
    let end = output.iter().rposition(|item| !is_thought(item));
    let output = &output[..end.map_or(0, |last| last + 1)];
    let is_lost = |item: &Value| is_thought(item) && !item["encrypted_content"].is_string();
    if !output.iter().any(is_lost) {
        return output.to_vec();
    }
    let mut kept: Vec<Value> = output.iter().filter(|it| !is_lost(it)).cloned().collect();
    // By their ids, what follows thoughts would ask for them.
    for item in &mut kept {
        if let Some(keys) = item.as_object_mut() {
            keys.remove("id");
        }
    }
    kept
}
