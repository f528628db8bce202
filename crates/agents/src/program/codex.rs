//! Codex: `codex exec --json`, as its command line reference describes it.

use std::path::Path;

use core_types::{AgentRequest, ErrorClass, TokenUsage};
use process::Launch;
use serde_json::Value;

use super::{
    schema,
    told::{Told, call_line, class_of_status, number, one_line, text},
};

/// The variables by which it reaches a model, where they are set.
pub(super) const VARIABLES: &[&str] = &["OPENAI_API_KEY", "OPENAI_BASE_URL"];

/// With it Codex needs nothing of the user's home folder.
pub(super) const KEYS: &[&str] = &["OPENAI_API_KEY"];

const DEFAULT_URL: &str = "https://api.openai.com/v1";

/// Where it keeps its conversations below its home folder, by year, month and day, each in a file whose name ends with
/// that of the conversation.
pub(super) const CONVERSATIONS: &[&str] = &["sessions", "*", "*", "*"];

/// How it is called, beside the request.
pub(super) struct Call<'a> {
    /// Where the form of the answer stands.
    pub(super) schema: &'a Path,
    pub(super) key: Option<&'a str>,
    /// Used with a key.
    pub(super) base_url: Option<&'a str>,
    pub(super) is_sandboxed: bool,
    /// Whether its conversation is kept in its home folder.
    pub(super) is_kept: bool,
    /// The conversation that it goes on with.
    pub(super) resumed: Option<&'a str>,
}

pub(super) fn launch(launch: Launch, request: &AgentRequest, call: &Call<'_>) -> Launch {
    let schema = schema::of(&request.task);
    // Its own sandbox, where commands write in the folder alone and reach no network. It cannot be made within
    // another, which holds it to the same.
    let sandbox = match (call.is_sandboxed, &schema) {
        (true, _) => "danger-full-access",
        (false, Some(_)) => "read-only",
        (false, None) => "workspace-write",
    };
    let mut launch = launch
        .args(["exec", "--json", "--skip-git-repo-check"])
        .args((!call.is_kept).then_some("--ephemeral"))
        .args(["--sandbox", sandbox, "--ignore-user-config"]);
    if let Some(choice) = &request.model {
        launch = launch.args(["--model", choice.model.as_str()]);
    }
    if schema.is_some() {
        launch = launch.arg("--output-schema").arg(call.schema);
    }
    if let Some(key) = call.key {
        let url = toml_text(call.base_url.unwrap_or(DEFAULT_URL));
        let provider = format!(
            "model_providers.automation={{name=\"automation\",base_url={url},env_key={},wire_api=\"responses\",request_max_retries=3,stream_max_retries=3}}",
            toml_text(key)
        );
        launch = launch
            .args(["-c", "model_provider=\"automation\"", "-c"])
            .arg(provider);
    }
    if let Some(conversation) = call.resumed {
        launch = launch.args(["resume", conversation]);
    }
    launch.arg("-")
}

/// A JSON string is a basic string of TOML.
fn toml_text(text: &str) -> String {
    Value::from(text).to_string()
}

/// Takes an event in; returns what a person reads of it.
pub(super) fn take(told: &mut Told, event: &Value) -> Vec<String> {
    match text(event, "type") {
        "thread.started" => {
            text(event, "thread_id").clone_into(&mut told.conversation);
            Vec::new()
        }
        "item.started" | "item.completed" => item(told, event),
        "turn.completed" => {
            told.has_ended = true;
            let usage = &event["usage"];
            let cached = number(usage, "cached_input_tokens");
            let written = number(usage, "cache_write_input_tokens");
            told.usage = TokenUsage {
                // What came from the cache is a part of the input.
                input: number(usage, "input_tokens").saturating_sub(cached + written),
                cache_read: cached,
                cache_write_5m: written,
                output: number(usage, "output_tokens"),
                reasoning: number(usage, "reasoning_output_tokens"),
                ..TokenUsage::default()
            };
            Vec::new()
        }
        "turn.failed" => {
            told.has_ended = true;
            let message = text(&event["error"], "message");
            told.error = Some((class(message), message.to_owned()));
            vec![format!("! {}", one_line(message))]
        }
        _ => Vec::new(),
    }
}

fn item(told: &mut Told, event: &Value) -> Vec<String> {
    let item = &event["item"];
    let is_done = text(event, "type") == "item.completed";
    match (text(item, "type"), is_done) {
        ("agent_message", true) => {
            text(item, "text").clone_into(&mut told.words);
            vec![told.words.clone()]
        }
        ("command_execution", false) => vec![call_line("run", item)],
        ("command_execution", true) if item["exit_code"] != 0 => {
            let output = one_line(text(item, "aggregated_output"));
            vec![format!("! exit code {}: {output}", item["exit_code"])]
        }
        ("file_change", true) => {
            let changes = item["changes"].as_array().into_iter().flatten();
            let line = |it: &Value| format!("> {} {}", text(it, "kind"), text(it, "path"));
            changes.map(line).collect()
        }
        ("error", true) => vec![format!("~ {}", one_line(text(item, "message")))],
        _ => Vec::new(),
    }
}

/// It tells of errors by their text alone; in it stands the status that its provider answered.
fn class(message: &str) -> ErrorClass {
    if message.starts_with("Quota exceeded") {
        return ErrorClass::QuotaExhausted { until: None };
    }
    let status = message.split_once("status").map(|(_, after)| after);
    let digits = status.map(|after| after.trim_start_matches([':', ' ']));
    let digits = digits.map(|it| it.chars().take_while(char::is_ascii_digit));
    match digits.and_then(|it| it.collect::<String>().parse().ok()) {
        Some(status) => class_of_status(status),
        // The stream broke off.
        None => ErrorClass::Transient,
    }
}
