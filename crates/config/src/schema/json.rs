//! The tables as JSON schemas, for editors.

use serde_json::{Map, Value, json};

use super::{Absent, Key, Kind, Shape, Zero, default_document};
use crate::yaml::{Node, Resolved, resolve};

/// The JSON schema (draft 2020-12) of a kind of file, for editors: `# yaml-language-server: $schema=…`.
///
/// It allows a little more than the check does: ranges of durations and the relations between keys are not in it.
pub fn json_schema(kind: Kind) -> Value {
    let defaults = (kind == Kind::Automation).then(default_document);
    let mut schema = section(kind.keys(), defaults);
    let head = [
        (
            "$schema",
            json!("https://json-schema.org/draft/2020-12/schema"),
        ),
        ("title", json!(kind.title())),
        ("description", json!(kind.doc())),
        (
            "$defs",
            json!({ "variable": { "type": "string", "pattern": r"^\$\{[A-Za-z_][A-Za-z0-9_]*\}$" } }),
        ),
    ];
    schema.extend(head.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(schema)
}

fn section(keys: &[Key], defaults: Option<&Node>) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in keys {
        let default = defaults.and_then(|node| node.get(key.name));
        let mut property = shape(&key.shape, default);
        property.insert("description".to_owned(), json!(key.doc));
        if !matches!(key.shape, Shape::Section(_)) {
            let value = match key.absent {
                Absent::Refused | Absent::Means(_) => None,
                Absent::Is(text) => Some(plain(text)),
                Absent::Default => default
                    .and_then(Node::as_scalar)
                    .map(|scalar| plain(&scalar.text)),
            };
            property.extend(value.map(|value| ("default".to_owned(), value)));
        }
        properties.insert(key.name.to_owned(), Value::Object(property));
    }
    let required: Vec<&str> = keys
        .iter()
        .filter(|key| key.absent == Absent::Refused)
        .map(|key| key.name)
        .collect();
    object(json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
        "required": required,
    }))
}

fn shape(shape: &Shape, default: Option<&Node>) -> Map<String, Value> {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let or_variable = |others: &[Value]| {
        let variable = json!({ "$ref": "#/$defs/variable" });
        json!({ "anyOf": others.iter().cloned().chain([variable]).collect::<Vec<_>>() })
    };
    let words = |word: &Option<&str>| word.map(|word| json!({ "const": word }));
    object(match shape {
        Shape::Text | Shape::Line => json!({ "type": "string", "minLength": 1 }),
        Shape::Prose => json!({ "type": "string" }),
        Shape::Id => or_variable(&[text(
            r"^(?![.-])(?!.*\.\.)(?!.*(\.|\.lock)$)[A-Za-z0-9._-]{1,64}$",
        )]),
        Shape::Variable => text("^[A-Za-z_][A-Za-z0-9_]*$"),
        Shape::Flag => or_variable(&[json!({ "type": "boolean" })]),
        Shape::Integer { min, max, or } => {
            let integer = json!({ "type": "integer", "minimum": min, "maximum": max });
            or_variable(&[integer].into_iter().chain(words(or)).collect::<Vec<_>>())
        }
        Shape::Duration { or, .. } => or_variable(
            &[text("^([0-9]+(ms|s|m|h|d))+$")]
                .into_iter()
                .chain(words(or))
                .collect::<Vec<_>>(),
        ),
        Shape::Money { zero, or } => {
            let at_least = match zero {
                Zero::Allowed => "minimum",
                Zero::Refused => "exclusiveMinimum",
            };
            let number = json!({ "type": "number", at_least: 0 });
            let written = text(r"^[0-9]+(\.[0-9]{1,12})?$");
            or_variable(
                &[number, written]
                    .into_iter()
                    .chain(words(or))
                    .collect::<Vec<_>>(),
            )
        }
        Shape::Decimal { min, max } => {
            or_variable(&[json!({ "type": "number", "minimum": min, "maximum": max })])
        }
        Shape::Size { .. } => or_variable(&[text("^([0-9]+(B|KiB|MiB|GiB))+$")]),
        Shape::Choice(names) => or_variable(&[json!({ "enum": names })]),
        Shape::Command => json!({ "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "minItems": 1, "items": { "type": "string" } },
        ] }),
        Shape::List(item) => json!({ "type": "array", "items": self::shape(item, None) }),
        Shape::Sections(keys) => json!({ "type": "array", "items": section(keys, None) }),
        Shape::Section(keys) => Value::Object(section(keys, default)),
    })
}

fn plain(text: &str) -> Value {
    match resolve(text) {
        Resolved::Truth(truth) => json!(truth),
        Resolved::Integer(integer) => json!(i64::try_from(integer).unwrap_or(i64::MAX)),
        Resolved::Nothing | Resolved::Float(_) | Resolved::Text => json!(text),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => Map::from_iter([("const".to_owned(), other)]),
    }
}
