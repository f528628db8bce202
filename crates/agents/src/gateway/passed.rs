//! What of a request is forwarded: that of which somebody knows what it can cost. The lists are closed: what they do
//! not have is refused where there is a limit to keep.

use serde_json::{Value, json};

use super::provider::Endpoint;

/// Keys of a Messages request that cost nothing beside the tokens of what they say.
const MESSAGES: [&str; 22] = [
    "cache_control",
    "context_management",
    "diagnostics",
    "inference_geo",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "output_config",
    "output_format",
    "service_tier",
    "speed",
    "stop_sequences",
    "stream",
    "system",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
    "top_k",
    "top_p",
    "user_profile_id",
];

/// The same of a Responses request.
const RESPONSES: [&str; 28] = [
    "background",
    "client_metadata",
    "context_management",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// The same of a chat completion, with what servers of one's own read.
const CHAT: [&str; 38] = [
    "chat_template_kwargs",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "min_p",
    "modalities",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "prompt_cache_retention",
    "reasoning",
    "reasoning_effort",
    "repetition_penalty",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "stop",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "think",
    "tool_choice",
    "tools",
    "top_k",
    "top_logprobs",
    "top_p",
    "user",
    "verbosity",
];

/// What makes an answer cost more than the table of prices says, or than the answer tells.
pub(super) fn unpriced(body: &Value) -> Option<&'static str> {
    let tier = body["service_tier"].as_str();
    let usual = ["auto", "default", "standard_only", "flex"];
    if tier.is_some_and(|tier| !usual.contains(&tier)) {
        return Some("the `service_tier`");
    }
    let speed = body["speed"].as_str();
    if speed.is_some_and(|speed| speed != "standard") {
        return Some("the `speed`");
    }
    let place = body["inference_geo"].as_str();
    if place.is_some_and(|place| place != "global") {
        return Some("the `inference_geo`");
    }
    if body["background"] == true {
        return Some("an answer in the `background`");
    }
    let modalities = body["modalities"].as_array().into_iter().flatten();
    if !body["audio"].is_null() || modalities.into_iter().any(|it| it != "text") {
        return Some("an answer in `audio`");
    }
    if !only_clears(&body["context_management"]) {
        return Some("compaction by the provider (`context_management`)");
    }
    None
}

/// Whether context is at most left out. What writes a summary of it is another answer of the model, which neither
/// the longest length nor the told usage covers.
fn only_clears(management: &Value) -> bool {
    let edits = match management {
        Value::Null => return true,
        Value::Array(edits) => edits,
        Value::Object(keys) => match keys.get("edits") {
            Some(Value::Array(edits)) => edits,
            None if keys.is_empty() => return true,
            _ => return false,
        },
        _ => return false,
    };
    edits.iter().all(|edit| {
        let kind = edit["type"].as_str().unwrap_or_default();
        kind.starts_with("clear_tool_uses_") || kind.starts_with("clear_thinking_")
    })
}

/// Takes the tools out that the provider runs.
pub(super) fn keep_client_tools(body: &mut Value) {
    if let Some(object) = body.as_object_mut() {
        object.remove("mcp_servers");
        object.remove("web_search_options");
    }
    keep_clients(body);
    let items = body.get_mut("input").and_then(Value::as_array_mut);
    // Tools that a client has found for the model.
    items.into_iter().flatten().for_each(keep_clients);
}

/// Keeps of the tools in `holder` those that the client runs.
fn keep_clients(holder: &mut Value) {
    if let Some(tools) = holder.get_mut("tools").and_then(Value::as_array_mut) {
        tools.retain(is_clients);
        let groups = tools.iter_mut().filter(|tool| tool["type"] == "namespace");
        groups.for_each(keep_clients);
    }
}

/// What stands for a document that is left out.
const LEFT_OUT: &str = "[A document stood here. It is left out, since nobody can tell before what reading it costs, and this work \
     has a limit. Take its text out with a program instead.]";

/// Puts a text in the place of each document of which nobody knows what it costs.
pub(super) fn leave_out_documents(body: &mut Value) {
    for key in ["messages", "input"] {
        let said = body.get_mut(key).and_then(Value::as_array_mut);
        for item in said.into_iter().flatten() {
            for key in ["content", "output"] {
                item.get_mut(key).into_iter().for_each(leave_out_of);
            }
        }
    }
}

fn leave_out_of(content: &mut Value) {
    for part in content.as_array_mut().into_iter().flatten() {
        let text = match part["type"].as_str().unwrap_or_default() {
            "document" => match part["source"]["type"].as_str() {
                Some("text" | "content") => continue,
                _ => "text",
            },
            "input_file" => "input_text",
            "file" => "text",
            "tool_result" => {
                part.get_mut("content").into_iter().for_each(leave_out_of);
                continue;
            }
            _ => continue,
        };
        *part = json!({"type": text, "text": LEFT_OUT});
    }
}

/// Whether the client runs this tool.
fn is_clients(tool: &Value) -> bool {
    let Some(kind) = tool["type"].as_str() else {
        return true;
    };
    let exact = [
        "custom",
        "function",
        "local_shell",
        "apply_patch",
        "namespace",
        "tool_search",
    ];
    let versioned = [
        "bash_",
        "text_editor_",
        "memory_",
        "computer_",
        "tool_search_tool_",
    ];
    match kind {
        // Else it runs in a container of the provider's, which costs by its time.
        "shell" => {
            let place = &tool["environment"];
            place.is_null() || place["type"] == "local"
        }
        _ => exact.contains(&kind) || versioned.iter().any(|start| kind.starts_with(start)),
    }
}

/// Whether tools in `holder` are found by the provider.
fn searches_there(holder: &Value) -> bool {
    let mut tools = holder["tools"].as_array().into_iter().flatten();
    tools.any(|tool| {
        is_searched_there(tool) || (tool["type"] == "namespace" && searches_there(tool))
    })
}

/// Whether this tool is found by the provider, with answers of the model before and after.
fn is_searched_there(tool: &Value) -> bool {
    match tool["type"].as_str() {
        Some("tool_search") => tool["execution"] != "client",
        Some(kind) => kind.starts_with("tool_search_tool_"),
        None => false,
    }
}

/// What a request holds beside text.
#[derive(Default)]
pub(super) struct Found {
    pub(super) n_images: u64,
    /// A key that is not in the lists.
    pub(super) unknown_key: Option<String>,
    /// What no bound covers.
    pub(super) unbounded: Option<String>,
}

impl Found {
    pub(super) fn of(endpoint: Endpoint, body: &Value) -> Self {
        let mut found = Self::default();
        let known: &[&str] = match endpoint {
            Endpoint::Messages => &MESSAGES,
            Endpoint::Responses => &RESPONSES,
            Endpoint::Chat => &CHAT,
            Endpoint::Free => return found,
        };
        let given = body.as_object().into_iter().flatten();
        for (key, _) in given.filter(|(_, value)| !value.is_null()) {
            if !known.contains(&key.as_str()) {
                found.unknown_key.get_or_insert(format!("`{key}`"));
            }
        }
        let mut items = body["input"].as_array().into_iter().flatten();
        if searches_there(body) || items.any(searches_there) {
            found.has("a search for tools at the provider, which reads the input again,");
        }
        found.content(&body["system"]);
        for message in body["messages"].as_array().into_iter().flatten() {
            found.content(&message["content"]);
            if !message["audio"].is_null() {
                found.has("a recording");
            }
        }
        for item in body["input"].as_array().into_iter().flatten() {
            found.item(item);
        }
        found
    }

    fn has(&mut self, what: impl Into<String>) {
        self.unbounded.get_or_insert(what.into());
    }

    fn content(&mut self, content: &Value) {
        for part in content.as_array().into_iter().flatten() {
            self.part(part);
        }
    }

    fn part(&mut self, part: &Value) {
        match part["type"].as_str().unwrap_or_default() {
            "text"
            | "input_text"
            | "output_text"
            | "summary_text"
            | "reasoning_text"
            | "refusal"
            | "thinking"
            | "redacted_thinking"
            | "search_result"
            | "tool_use"
            | "server_tool_use"
            | "tool_reference"
            | "tool_search_tool_result"
            | "encrypted_content" => {}
            "tool_addition" | "tool_removal" if is_clients(&part["tool"]) => {}
            "image" | "image_url" | "input_image" | "computer_screenshot" => self.n_images += 1,
            "tool_result" => self.content(&part["content"]),
            "document" => match part["source"]["type"].as_str() {
                Some("text") => {}
                Some("content") => self.content(&part["source"]["content"]),
                _ => self.has("a document"),
            },
            "file" | "input_file" | "container_upload" => self.has("a document"),
            "audio" | "audio_url" | "input_audio" => self.has("a recording"),
            "video" | "video_url" | "input_video" => self.has("a video"),
            "" => self.has("a part without a `type`"),
            other => self.has(format!("a part of the type `{other}`")),
        }
    }

    /// An item of the input of a response.
    fn item(&mut self, item: &Value) {
        match item["type"].as_str() {
            None | Some("message") if item["role"].is_string() => self.content(&item["content"]),
            None | Some("item_reference") => {
                self.has("an `item_reference`, whose text lies with the provider,");
            }
            Some(
                "function_call" | "custom_tool_call" | "local_shell_call" | "shell_call"
                | "apply_patch_call" | "computer_call" | "tool_search_call" | "shell_call_output"
                | "tool_search_output" | "additional_tools",
            ) => {}
            Some("agent_message") => self.content(&item["content"]),
            Some(
                "function_call_output"
                | "custom_tool_call_output"
                | "local_shell_call_output"
                | "apply_patch_call_output",
            ) => self.content(&item["output"]),
            Some("computer_call_output") => self.part(&item["output"]),
            Some("reasoning") => {
                if !item["id"].is_null() && !item["encrypted_content"].is_string() {
                    self.has("reasoning whose text lies with the provider");
                }
            }
            Some(other) => self.has(format!("an item of the type `{other}`")),
        }
    }
}
