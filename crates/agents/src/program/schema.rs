//! The forms that plans and reviews have, as JSON schemas. Each key is required and none else is allowed:
//! that is what all providers can be bound to.

use core_types::AgentTask;
use serde_json::{Value, json};

/// The form of the answer to a request; `None` where the agent works in files and its last words are
/// enough.
pub(crate) fn of(task: &AgentTask) -> Option<Value> {
    match task {
        AgentTask::Plan { .. } => Some(plan()),
        AgentTask::Review { .. } => Some(review()),
        _ => None,
    }
}

fn object(properties: &Value) -> Value {
    let names = properties.as_object().into_iter().flatten();
    let names: Vec<_> = names.map(|(name, _)| name).collect();
    json!({
        "type": "object", "properties": properties, "required": names, "additionalProperties": false,
    })
}

fn plan() -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "array", "items": text});
    let task = object(&json!({
        "id": text, "title": text, "description": text, "repository": text,
        "dependencies": texts, "files": texts, "estimate": text,
    }));
    let tasks = json!({"type": "array", "items": task});
    let plan = object(&json!({"title": text, "tasks": tasks}));
    object(&json!({"summary": text, "plan": plan}))
}

fn review() -> Value {
    let text = json!({"type": "string"});
    let issue = object(&json!({
        "severity": {"type": "string", "enum": ["low", "medium", "high"]},
        "file": {"type": ["string", "null"]},
        "message": text,
    }));
    let review = object(&json!({
        "approved": {"type": "boolean"},
        "comments": text,
        "issues_found": {"type": "array", "items": issue},
        "confidence": {"type": "number"},
    }));
    object(&json!({"review": review}))
}
