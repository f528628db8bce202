//! Chat Completions, as its reference describes it.

use serde_json::{Value, json};

use super::{Api, Asked, Say, Stop, Turn, server::event, text_of};

pub(super) fn asked(body: &Value, number: usize) -> Asked {
    let (mut prompt, mut results) = (Vec::new(), Vec::new());
    // Whether the model has ended its turn: what the user says then begins another.
    let mut has_ended = false;
    for message in body["messages"].as_array().into_iter().flatten() {
        match message["role"].as_str() {
            Some("tool") => results.push(text_of(&message["content"])),
            Some("assistant") => {
                let calls = message["tool_calls"].as_array();
                has_ended = calls.is_none_or(Vec::is_empty);
            }
            _ => {
                if std::mem::take(&mut has_ended) {
                    results.clear();
                }
                prompt.push(text_of(&message["content"]));
            }
        }
    }
    let tools = body["tools"].as_array().into_iter().flatten();
    let name = |tool: &Value| {
        let name = tool["function"]["name"].as_str();
        name.unwrap_or_default().to_owned()
    };
    Asked {
        api: Api::Chat,
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
    let (mut text, mut calls, mut refusal) = (String::new(), Vec::new(), None);
    for say in &turn.says {
        match say {
            Say::Text(words) => text.push_str(words),
            Say::Refusal(words) => refusal = Some(words),
            Say::Thought(_) => {}
            Say::Tool { name, input } => calls.push(json!({
                "index": calls.len(), "id": format!("call_{number}_{}", calls.len()), "type": "function",
                "function": {"name": name, "arguments": input.to_string()},
            })),
        }
    }
    let stop = match turn.stop {
        Stop::Whole if calls.is_empty() => "stop",
        Stop::Whole => "tool_calls",
        Stop::Filtered => "content_filter",
        Stop::Cut | Stop::Failed | Stop::Cancelled => "length",
    };
    let mut said = json!({"role": "assistant", "content": text});
    if let Some(words) = refusal {
        said["refusal"] = json!(words);
    }
    if !calls.is_empty() {
        said["tool_calls"] = json!(calls);
    }
    let usage = &turn.usage;
    let counted = json!({
        "prompt_tokens": usage.input + usage.cache_read,
        "prompt_tokens_details": {"cached_tokens": usage.cache_read},
        "completion_tokens": usage.output,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.cache_read + usage.output,
    });
    let answer = |object: &str, choices: Value| {
        json!({
            "id": format!("chatcmpl-{number}"), "object": object, "created": 1_700_000_000,
            "model": asked.model, "choices": choices,
        })
    };
    if !is_streamed {
        let choices = json!([{"index": 0, "message": said, "finish_reason": stop}]);
        let mut whole = answer("chat.completion", choices);
        whole["usage"] = counted;
        return vec![whole.to_string()];
    }
    let chunk = |choices| answer("chat.completion.chunk", choices);
    let mut events = vec![
        event(
            None,
            &chunk(json!([{"index": 0, "delta": said, "finish_reason": null}])),
        ),
        event(
            None,
            &chunk(json!([{"index": 0, "delta": {}, "finish_reason": stop}])),
        ),
    ];
    if asked.body["stream_options"]["include_usage"] == true {
        let mut last = chunk(json!([]));
        last["usage"] = counted;
        events.push(event(None, &last));
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}
