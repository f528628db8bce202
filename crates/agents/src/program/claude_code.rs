//! Claude Code: `claude -p --output-format stream-json`, as its command line reference describes it.

use std::path::Path;

use core_types::{AgentRequest, ErrorClass, TokenUsage, Usd};
use process::Launch;
use serde_json::Value;

use crate::gateway::usage;

use super::{
    schema,
    told::{Told, call_line, class_of_status, number, one_line, text},
};

/// The variables by which it reaches a model, where they are set.
pub(super) const VARIABLES: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_BASE_URL",
    "CLAUDE_CODE_OAUTH_TOKEN",
];

/// With one of them it needs nothing of the user's home folder.
pub(super) const KEYS: &[&str] = &[
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "CLAUDE_CODE_OAUTH_TOKEN",
];

/// Where it keeps its conversations below its home folder, each in a file of the conversation's name.
pub(super) const CONVERSATIONS: &[&str] = &[".claude", "projects", "*"];

/// `resumed` is the file of the conversation that it goes on with.
pub(super) fn launch(launch: Launch, request: &AgentRequest, resumed: Option<&Path>) -> Launch {
    let schema = schema::of(&request.task);
    // What only reads is refused everything that would ask.
    let mode = if schema.is_some() {
        "dontAsk"
    } else {
        "acceptEdits"
    };
    let mut launch = launch
        .args(["-p", "--output-format", "stream-json", "--verbose"])
        .args(["--permission-mode", mode])
        // Settings of a repository are somebody else's: hooks and servers of it do not run.
        .args(["--setting-sources", "", "--strict-mcp-config"])
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("DISABLE_TELEMETRY", "1")
        .env("DISABLE_ERROR_REPORTING", "1")
        .env("DISABLE_AUTOUPDATER", "1")
        // Its default is to try for minutes in silence.
        .env("CLAUDE_CODE_MAX_RETRIES", "3");
    if let Some(file) = resumed {
        launch = launch.arg("--resume").arg(file);
    }
    if let Some(choice) = &request.model {
        launch = launch.args(["--model", choice.model.as_str()]);
    }
    if let Some(schema) = schema {
        launch = launch.arg("--json-schema").arg(schema.to_string());
    }
    launch
}

/// Takes an event in; returns what a person reads of it.
pub(super) fn take(told: &mut Told, event: &Value) -> Vec<String> {
    match text(event, "type") {
        "assistant" => said(told, &event["message"]),
        "user" => {
            let parts = event["message"]["content"].as_array();
            let failed = parts
                .into_iter()
                .flatten()
                .filter(|it| it["is_error"] == true);
            let line = |part: &Value| match &part["content"] {
                Value::String(text) => format!("! {}", one_line(text)),
                other => format!("! {}", one_line(&other.to_string())),
            };
            failed.map(line).collect()
        }
        "system" if text(event, "subtype") == "api_retry" => {
            let why = text(event, "error");
            vec![format!(
                "~ the model's host answers {why}; it is asked again"
            )]
        }
        "result" => ended(told, event),
        _ => Vec::new(),
    }
}

fn said(told: &mut Told, message: &Value) -> Vec<String> {
    let model = text(message, "model");
    // Its own words about an error come in the name of no model.
    if model != "<synthetic>" {
        model.clone_into(&mut told.model);
        told.used(text(message, "id"), usage::messages(&message["usage"]));
    }
    let parts = message["content"].as_array().into_iter().flatten();
    let line = |part: &Value| match text(part, "type") {
        "text" => Some(text(part, "text").to_owned()),
        "tool_use" => Some(call_line(text(part, "name"), &part["input"])),
        _ => None,
    };
    parts.filter_map(line).collect()
}

/// The last event. Its `subtype` is `success` even where the API failed: `is_error` counts.
fn ended(told: &mut Told, event: &Value) -> Vec<String> {
    told.has_ended = true;
    text(event, "session_id").clone_into(&mut told.conversation);
    text(event, "result").clone_into(&mut told.words);
    told.form = Some(event["structured_output"].clone()).filter(|it| !it.is_null());
    let denials = event["permission_denials"].as_array().into_iter().flatten();
    let denied = |it: &Value| call_line(text(it, "tool_name"), &it["tool_input"]);
    told.refused = denials.map(denied).collect();
    told.cost = event["total_cost_usd"].as_f64().and_then(dollars);
    let models = event["modelUsage"].as_object().into_iter().flatten();
    let of_model = |it: &Value| {
        let (short, long) = (
            number(it, "cacheCreationEphemeral5mInputTokens"),
            number(it, "cacheCreationEphemeral1hInputTokens"),
        );
        TokenUsage {
            input: number(it, "inputTokens"),
            cache_read: number(it, "cacheReadInputTokens"),
            cache_write_5m: number(it, "cacheCreationInputTokens")
                .saturating_sub(long)
                .max(short),
            cache_write_1h: long,
            output: number(it, "outputTokens"),
            ..TokenUsage::default()
        }
    };
    let models: Vec<_> = models.map(|(model, it)| (model, of_model(it))).collect();
    if let Some((model, _)) = models.iter().max_by_key(|(_, usage)| usage.total()) {
        (*model).clone_into(&mut told.model);
        let all = models.iter().map(|(_, usage)| usage);
        told.usage = all.fold(TokenUsage::default(), |sum, it| sum.plus(it));
    }
    if event["is_error"] == true {
        let class = match (text(event, "subtype"), event["api_error_status"].as_u64()) {
            ("error_max_budget_usd", _) => ErrorClass::BudgetExceeded,
            (_, Some(status)) => class_of_status(status),
            _ if text(event, "terminal_reason") == "api_error" => ErrorClass::Transient,
            _ => ErrorClass::Internal,
        };
        let message = match told.words.as_str() {
            "" => text(event, "subtype"),
            words => words,
        };
        told.error = Some((class, message.to_owned()));
    }
    let refused = told
        .refused
        .iter()
        .map(|it| format!("! refused by its rules: {it}"));
    refused.collect()
}

/// A sum of floats, such as 0.0006000000000000001, to the pico-dollar. `None` for what is no amount.
fn dollars(amount: f64) -> Option<Usd> {
    let pico = (amount * 1e12).round();
    // Above 2^53 floats do not count in ones.
    let is_exact = (0.0..9e15).contains(&pico);
    is_exact.then(|| Usd::from_pico(pico as u64))
}
