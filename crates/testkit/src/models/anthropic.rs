//! The Messages API, as its reference describes it.

use serde_json::{Value, json};

use super::{Api, Asked, Say, Stop, Turn, server::event, text_of};

pub(super) fn asked(body: &Value, number: usize) -> Asked {
    let mut prompt = vec![text_of(&body["system"])];
    let mut results = Vec::new();
    // Whether the model has ended its turn: what the user says then begins another.
    let mut has_ended = false;
    for message in body["messages"].as_array().into_iter().flatten() {
        if message["role"] == "assistant" {
            let parts = message["content"].as_array().into_iter().flatten();
            has_ended = !parts.into_iter().any(|part| part["type"] == "tool_use");
            continue;
        }
        if std::mem::take(&mut has_ended) {
            results.clear();
        }
        match &message["content"] {
            Value::Array(parts) => {
                for part in parts {
                    match part["type"].as_str() {
                        Some("tool_result") => results.push(text_of(&part["content"])),
                        _ => prompt.push(text_of(part)),
                    }
                }
            }
            content => prompt.push(text_of(content)),
        }
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    let name = |tool: &Value| tool["name"].as_str().unwrap_or_default().to_owned();
    Asked {
        api: Api::Messages,
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        prompt: prompt.join("\n"),
        tools: tools.map(name).collect(),
        results,
        number,
        body: body.clone(),
    }
}

pub(super) fn answer(asked: &Asked, turn: &Turn, is_streamed: bool) -> Vec<String> {
    let usage = &turn.usage;
    let counted = json!({
        "input_tokens": usage.input,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output,
        "service_tier": "standard",
    });
    let calls_tool = turn.says.iter().any(|say| matches!(say, Say::Tool { .. }));
    let refuses = turn.says.iter().any(|say| matches!(say, Say::Refusal(_)));
    let stop = match turn.stop {
        Stop::Whole if refuses => "refusal",
        Stop::Whole if calls_tool => "tool_use",
        Stop::Whole => "end_turn",
        Stop::Filtered => "refusal",
        Stop::Cut | Stop::Failed | Stop::Cancelled => "max_tokens",
    };
    let content = turn.says.iter().enumerate().map(|(idx, say)| match say {
        Say::Text(text) | Say::Refusal(text) => json!({"type": "text", "text": text}),
        Say::Thought(text) => json!({"type": "thinking", "thinking": text, "signature": "signed"}),
        Say::Tool { name, input } => json!({
            "type": "tool_use", "id": format!("toolu_{}_{idx}", asked.number), "name": name, "input": input,
        }),
    });
    let content: Vec<Value> = content.collect();
    let message = |content: &Value, stop: &Value, usage: &Value| {
        json!({
            "id": format!("msg_{}", asked.number), "type": "message", "role": "assistant",
            "model": asked.model, "content": content, "stop_reason": stop, "stop_sequence": null,
            "usage": usage,
        })
    };
    if !is_streamed {
        return vec![message(&json!(content), &json!(stop), &counted).to_string()];
    }
    let mut begun = counted.clone();
    begun["output_tokens"] = json!(usage.output.min(1));
    let start =
        json!({"type": "message_start", "message": message(&json!([]), &Value::Null, &begun)});
    let mut events = vec![event(Some("message_start"), &start)];
    for (idx, part) in content.iter().enumerate() {
        let (empty, delta) = match part["type"].as_str() {
            Some("text") => (
                json!({"type": "text", "text": ""}),
                json!({"type": "text_delta", "text": part["text"]}),
            ),
            Some("thinking") => (
                json!({"type": "thinking", "thinking": "", "signature": ""}),
                json!({"type": "thinking_delta", "thinking": part["thinking"]}),
            ),
            _ => {
                let mut empty = part.clone();
                empty["input"] = json!({});
                let input = part["input"].to_string();
                (
                    empty,
                    json!({"type": "input_json_delta", "partial_json": input}),
                )
            }
        };
        for data in [
            json!({"type": "content_block_start", "index": idx, "content_block": empty}),
            json!({"type": "content_block_delta", "index": idx, "delta": delta}),
            json!({"type": "content_block_stop", "index": idx}),
        ] {
            events.push(event(data["type"].as_str(), &data));
        }
    }
    let delta = json!({
        "type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": null},
        "usage": {"output_tokens": usage.output},
    });
    events.push(event(Some("message_delta"), &delta));
    events.push(event(
        Some("message_stop"),
        &json!({"type": "message_stop"}),
    ));
    events
}
