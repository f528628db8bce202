//! The Responses API, as its reference describes it.

use serde_json::{Value, json};

use super::{Api, Asked, Say, Stop, Turn, server::event, text_of};

pub(super) fn asked(body: &Value, number: usize) -> Asked {
    let mut prompt = vec![text_of(&body["instructions"])];
    let mut results = Vec::new();
    // Whether the model has ended its turn: what the user says then begins another.
    let mut has_ended = false;
    match &body["input"] {
        Value::Array(items) => {
            for item in items {
                match item["type"].as_str() {
                    Some("function_call_output" | "custom_tool_call_output") => {
                        results.push(text_of(&item["output"]));
                    }
                    Some("function_call" | "custom_tool_call") => has_ended = false,
                    _ if item["role"] == "assistant" => has_ended = true,
                    _ => {
                        if item["role"] == "user" && std::mem::take(&mut has_ended) {
                            results.clear();
                        }
                        prompt.push(text_of(&item["content"]));
                    }
                }
            }
        }
        input => prompt.push(text_of(input)),
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    let name = |tool: &Value| {
        let named = tool["name"].as_str().or_else(|| tool["type"].as_str());
        named.unwrap_or_default().to_owned()
    };
    Asked {
        api: Api::Responses,
        model: body["model"].as_str().unwrap_or_default().to_owned(),
        prompt: prompt.join("\n"),
        tools: tools.map(name).collect(),
        results,
        number,
        body: body.clone(),
    }
}

pub(super) fn answer(asked: &Asked, turn: &Turn, is_streamed: bool) -> Vec<String> {
    let number = asked.number;
    let includes = asked.body["include"].as_array().into_iter().flatten();
    let is_kept = includes
        .into_iter()
        .any(|it| it == "reasoning.encrypted_content");
    let item = |(idx, say): (usize, &Say)| match say {
        Say::Thought(text) => {
            let mut item =
                json!({"type": "reasoning", "id": format!("rs_{number}_{idx}"), "summary": []});
            if is_kept {
                item["encrypted_content"] = json!(text);
            }
            item
        }
        Say::Refusal(text) => json!({
            "type": "message", "id": format!("msg_{number}_{idx}"), "status": "completed", "role": "assistant",
            "content": [{"type": "refusal", "refusal": text}],
        }),
        Say::Text(text) => json!({
            "type": "message", "id": format!("msg_{number}_{idx}"), "status": "completed", "role": "assistant",
            "content": [{"type": "output_text", "text": text, "annotations": []}],
        }),
        // A tool that takes a text is called with it, one that takes an object with its JSON.
        Say::Tool {
            name,
            input: Value::String(input),
        } => json!({
            "type": "custom_tool_call", "id": format!("ctc_{number}_{idx}"), "status": "completed",
            "call_id": format!("call_{number}_{idx}"), "name": name, "input": input,
        }),
        Say::Tool { name, input } => json!({
            "type": "function_call", "id": format!("fc_{number}_{idx}"), "status": "completed",
            "call_id": format!("call_{number}_{idx}"), "name": name, "arguments": input.to_string(),
        }),
    };
    let items: Vec<Value> = turn.says.iter().enumerate().map(item).collect();
    let usage = &turn.usage;
    let counted = json!({
        "input_tokens": usage.input + usage.cache_read,
        "input_tokens_details": {"cached_tokens": usage.cache_read},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.cache_read + usage.output,
    });
    let response = |status: &str, output: &Value, usage: &Value| {
        json!({
            "id": format!("resp_{number}"), "object": "response", "created_at": 1_700_000_000, "status": status,
            "model": asked.model, "output": output, "usage": usage, "error": null,
        })
    };
    let (status, kind) = match turn.stop {
        Stop::Whole => ("completed", "response.completed"),
        Stop::Cut | Stop::Filtered => ("incomplete", "response.incomplete"),
        Stop::Failed => ("failed", "response.failed"),
        Stop::Cancelled => ("cancelled", "response.cancelled"),
    };
    let mut whole = response(status, &json!(items), &counted);
    match turn.stop {
        Stop::Cut => whole["incomplete_details"] = json!({"reason": "max_output_tokens"}),
        Stop::Filtered => whole["incomplete_details"] = json!({"reason": "content_filter"}),
        Stop::Failed => {
            whole["error"] = json!({"code": "server_error", "message": "the model has failed"});
        }
        Stop::Whole | Stop::Cancelled => {}
    }
    if !is_streamed {
        return vec![whole.to_string()];
    }
    let begun = response("in_progress", &json!([]), &Value::Null);
    let mut all = vec![json!({"type": "response.created", "response": begun})];
    for (idx, item) in items.iter().enumerate() {
        let mut empty = item.clone();
        empty["status"] = json!("in_progress");
        all.push(json!({"type": "response.output_item.added", "output_index": idx, "item": empty}));
        if item["content"][0]["type"] == "output_text" {
            all.push(json!({
                "type": "response.output_text.delta", "item_id": item["id"], "output_index": idx,
                "content_index": 0, "delta": item["content"][0]["text"],
            }));
        }
        all.push(json!({"type": "response.output_item.done", "output_index": idx, "item": item}));
    }
    all.push(json!({"type": kind, "response": whole}));
    let numbered = all.into_iter().enumerate().map(|(number, mut data)| {
        data["sequence_number"] = json!(number);
        event(data["type"].as_str(), &data)
    });
    numbered.collect()
}
