//! Checks of requests and answers against the published description of an API (Swagger 2.0, OpenAPI 3.0).
//!
//! It knows what such descriptions of forges use, and is stricter than they are: a property that the
//! description does not name is an error, since it is a slip of the pen far more often than news.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// A description of an API.
#[derive(Debug)]
pub struct Contract {
    document: Value,
}

/// The folder of the data that tests share: `AUTOMATION_SHARED_DATA`, or `../shared/data` beside the
/// project. `None` where it is not there: a test that needs it says so aloud and ends.
#[must_use]
pub fn shared_data() -> Option<PathBuf> {
    let folder = match std::env::var_os("AUTOMATION_SHARED_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
    };
    folder.is_dir().then_some(folder)
}

impl Contract {
    /// GitLab's API as far as we use it: its published description may not be copied, this is our own.
    ///
    /// # Panics
    ///
    /// Never: a test reads it.
    #[must_use]
    pub fn gitlab() -> Self {
        Self::parse(include_str!("../data/gitlab.openapi.json"))
    }

    /// Takes the text of a description.
    ///
    /// # Panics
    ///
    /// When it is no JSON, or neither Swagger 2.0 nor OpenAPI 3.0.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).expect("a description is JSON");
        let is_open_api = document["openapi"]
            .as_str()
            .is_some_and(|it| it.starts_with("3.0"));
        assert!(
            is_open_api || document["swagger"] == "2.0",
            "the version of the description"
        );
        Self { document }
    }

    /// Checks a request; `path` is below the API's own, `query` without its `?`.
    ///
    /// # Errors
    ///
    /// What is wrong and where, in a line.
    pub fn check_request(
        &self,
        method: &str,
        path: &str,
        query: &str,
        body: Option<&Value>,
    ) -> Result<(), String> {
        let operation = self.operation(method, path)?;
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|it| self.resolve(it));
        let parameters = parameters.collect::<Result<Vec<_>, _>>()?;
        let is_in = |place: &str| {
            let place = place.to_owned();
            parameters.iter().filter(move |it| it["in"] == *place)
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = is_in("query").find(|it| it["name"] == *name);
            let known = known.ok_or_else(|| format!("query: {name} is not known"))?;
            let kind = match &known["schema"]["type"] {
                Value::Null => &known["type"],
                kind => kind,
            };
            if *kind == "integer" && value.parse::<i64>().is_err() {
                return Err(format!("query: {name} is {value:?}, expected an integer"));
            }
        }
        let of_body = match &operation["requestBody"] {
            Value::Null => is_in("body")
                .next()
                .map(|it| (&it["schema"], &it["required"])),
            of_body => {
                let of_body = self.resolve(of_body)?;
                let schema = &of_body["content"]["application/json"]["schema"];
                Some((schema, &of_body["required"]))
            }
        };
        match (of_body, body) {
            (Some((schema, _)), Some(body)) => self.check(schema, body, "body"),
            (Some((_, required)), None) if *required == true => {
                Err("the body is missing".to_owned())
            }
            (None, Some(_)) => Err("there is a body, and none is known".to_owned()),
            (_, None) => Ok(()),
        }
    }

    /// Checks an answer; refusals for load and failures of a server are described nowhere, and fine.
    ///
    /// # Errors
    ///
    /// What is wrong and where, in a line.
    pub fn check_answer(
        &self,
        method: &str,
        path: &str,
        status: u16,
        body: Option<&Value>,
    ) -> Result<(), String> {
        let operation = self.operation(method, path)?;
        if matches!(status, 304 | 401 | 429 | 500..) {
            return Ok(());
        }
        let answer = &operation["responses"][status.to_string()];
        if answer.is_null() {
            return Err(format!("status {status} is not known"));
        }
        let answer = self.resolve(answer)?;
        let schema = match &answer["content"]["application/json"]["schema"] {
            Value::Null => &answer["schema"],
            schema => schema,
        };
        match (schema, body) {
            (Value::Null, None) => Ok(()),
            // A refusal: its fields are listed as headers.
            (Value::Null, Some(Value::Object(fields))) if status >= 400 => {
                let is_known = |key: &String| matches!(key.as_str(), "message" | "url" | "errors");
                match fields.keys().find(|key| !is_known(key)) {
                    Some(key) => Err(format!("answer: {key} is not known")),
                    None => Ok(()),
                }
            }
            (Value::Null, Some(_)) => Err("the answer has a body, and none is known".to_owned()),
            (_, None) => Err("the answer has no body".to_owned()),
            (schema, Some(body)) => self.check(schema, body, "answer"),
        }
    }

    fn operation(&self, method: &str, path: &str) -> Result<&Value, String> {
        let none = Map::new();
        let paths = self.document["paths"].as_object().unwrap_or(&none);
        let known = paths
            .iter()
            .filter(|(template, _)| matches(template, path))
            .max_by_key(|(template, _)| {
                template
                    .split('/')
                    .filter(|it| !it.starts_with('{'))
                    .count()
            });
        let template = known.map(|(template, _)| template.clone());
        let template = template.ok_or_else(|| format!("the path {path} is not known"))?;
        let operation = &self.document["paths"][&template][method.to_ascii_lowercase()];
        if operation.is_null() {
            return Err(format!("{method} {template} is not known"));
        }
        Ok(operation)
    }

    fn resolve<'a>(&'a self, value: &'a Value) -> Result<&'a Value, String> {
        let Some(reference) = value["$ref"].as_str() else {
            return Ok(value);
        };
        let pointer = reference.trim_start_matches('#');
        let found = self.document.pointer(pointer);
        found.ok_or_else(|| format!("{reference} leads nowhere"))
    }

    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let schema = self.resolve(schema)?;
        if value.is_null() && schema["nullable"] == true {
            return Ok(());
        }
        for choice in ["oneOf", "anyOf"] {
            let Some(choices) = schema[choice].as_array() else {
                continue;
            };
            let mut first = None;
            for one in choices {
                match self.check(one, value, at) {
                    Ok(()) => return Ok(()),
                    Err(wrong) => first = first.or(Some(wrong)),
                }
            }
            return Err(first.unwrap_or_default());
        }
        if let Some(parts) = schema["allOf"].as_array() {
            // What one part names, the others need not know.
            let (mut properties, mut required) = (Map::new(), Vec::new());
            for part in parts {
                let part = self.resolve(part)?;
                let of_part = part["properties"].as_object().into_iter().flatten();
                properties.extend(of_part.map(|(name, it)| (name.clone(), it.clone())));
                required.extend(part["required"].as_array().into_iter().flatten().cloned());
            }
            let whole = serde_json::json!({
                "type": "object", "properties": properties, "required": required,
            });
            return self.check(&whole, value, at);
        }
        let kind = schema["type"].as_str().unwrap_or_default();
        let fits = match kind {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            // Without a type anything goes.
            _ => true,
        };
        if !fits {
            return Err(format!("{at}: {value} is no {kind}"));
        }
        if let Some(allowed) = schema["enum"].as_array()
            && !allowed.contains(value)
        {
            return Err(format!("{at}: {value} is not among {allowed:?}"));
        }
        if schema["format"] == "date-time" {
            let text = value.as_str().unwrap_or_default();
            if core_types::Timestamp::parse(text).is_none() {
                return Err(format!("{at}: {text:?} is no time"));
            }
        }
        if let Some(items) = value.as_array() {
            for (index, item) in items.iter().enumerate() {
                self.check(&schema["items"], item, &format!("{at}[{index}]"))?;
            }
        }
        if let (Some(fields), "object") = (value.as_object(), kind) {
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                if !fields.contains_key(name) {
                    return Err(format!("{at}: {name} is missing"));
                }
            }
            for (name, field) in fields {
                let known = &schema["properties"][name];
                let known = match known {
                    Value::Null => &schema["additionalProperties"],
                    known => known,
                };
                // An object of which nothing is said may hold anything.
                if known.is_null() && schema["properties"].is_null() {
                    continue;
                }
                if known.is_null() {
                    return Err(format!("{at}: {name} is not known"));
                }
                self.check(known, field, &format!("{at}.{name}"))?;
            }
        }
        Ok(())
    }
}

/// Whether a path is one of a template. A name at its end may hold slashes.
fn matches(template: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    let mut expected = template.split('/').peekable();
    while let Some(part) = expected.next() {
        let Some(found) = parts.next() else {
            return false;
        };
        let is_name = part.starts_with('{');
        if is_name && expected.peek().is_none() {
            let takes_slashes = matches!(part, "{branch}" | "{filepath}" | "{ref}" | "{path}");
            return !found.is_empty() && (takes_slashes || parts.next().is_none());
        }
        let fits = if is_name {
            !found.is_empty()
        } else {
            part == found
        };
        if !fits {
            return false;
        }
    }
    parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Contract, matches};

    fn contract() -> Contract {
        let text = json!({
            "swagger": "2.0",
            "paths": {
                "/user": {"get": {"responses": {"200": {"$ref": "#/responses/User"}}}},
                "/{owner}/issues": {"post": {
                    "parameters": [
                        {"in": "query", "name": "page", "type": "integer"},
                        {"in": "body", "name": "body", "required": true,
                         "schema": {"$ref": "#/definitions/New"}},
                    ],
                    "responses": {"201": {"description": "made"}, "404": {"description": "none"}},
                }},
            },
            "responses": {"User": {"schema": {"$ref": "#/definitions/User"}}},
            "definitions": {
                "New": {"type": "object", "required": ["title"], "properties": {
                    "title": {"type": "string"},
                    "labels": {"type": "array", "items": {"type": "integer"}},
                    "state": {"type": "string", "enum": ["open", "closed"]},
                }},
                "User": {"type": "object", "properties": {
                    "login": {"type": "string"},
                    "created": {"type": "string", "format": "date-time"},
                }},
            },
        });
        Contract::parse(&text.to_string())
    }

    #[test]
    fn what_is_wrong_with_a_request_is_named() {
        let check = |path: &str, query: &str, body: serde_json::Value| {
            let checked = contract().check_request("POST", path, query, Some(&body));
            checked.err().unwrap_or_default()
        };
        let good = json!({"title": "a", "labels": [1], "state": "open"});
        assert_eq!(check("/ada/issues", "page=2", good.clone()), "");
        assert_eq!(
            check("/ada/issue", "", good.clone()),
            "the path /ada/issue is not known"
        );
        assert_eq!(
            check("/ada/issues", "pages=2", good.clone()),
            "query: pages is not known"
        );
        assert_eq!(
            check("/ada/issues", "page=x", good),
            "query: page is \"x\", expected an integer"
        );
        let wrong = [
            (json!({}), "body: title is missing"),
            (json!({"title": 1}), "body.title: 1 is no string"),
            (
                json!({"title": "a", "label": []}),
                "body: label is not known",
            ),
            (
                json!({"title": "a", "labels": ["x"]}),
                "body.labels[0]: \"x\" is no integer",
            ),
        ];
        for (body, said) in wrong {
            assert_eq!(check("/ada/issues", "", body), said);
        }
        let state = check("/ada/issues", "", json!({"title": "a", "state": "shut"}));
        assert!(
            state.starts_with("body.state: \"shut\" is not among"),
            "{state}"
        );
        let missing = contract().check_request("POST", "/ada/issues", "", None);
        assert_eq!(missing, Err("the body is missing".to_owned()));
    }

    #[test]
    fn what_is_wrong_with_an_answer_is_named() {
        let check = |status, body: Option<serde_json::Value>| {
            let checked = contract().check_answer("GET", "/user", status, body.as_ref());
            checked.err().unwrap_or_default()
        };
        assert_eq!(
            check(200, Some(json!({"created": "2026-01-31T08:00:00Z"}))),
            ""
        );
        assert_eq!(check(500, None), "");
        assert_eq!(check(200, None), "the answer has no body");
        assert_eq!(check(404, None), "status 404 is not known");
        assert_eq!(
            check(200, Some(json!({"login": 5}))),
            "answer.login: 5 is no string"
        );
        assert_eq!(
            check(200, Some(json!({"created": "today"}))),
            "answer.created: \"today\" is no time"
        );
        let said = contract().check_answer("POST", "/ada/issues", 201, Some(&json!({})));
        assert!(said.is_err(), "a body where none is known");
        let said =
            contract().check_answer("POST", "/ada/issues", 404, Some(&json!({"message": "a"})));
        assert_eq!(said, Ok(()));
    }

    #[test]
    fn our_own_description_of_gitlab_is_as_strict() {
        let contract = Contract::gitlab();
        let path = "/projects/ada%2Fbackend/issues";
        let asked = |query: &str, body| contract.check_request("POST", path, query, Some(&body));
        assert_eq!(asked("", json!({"title": "a", "labels": "b,c"})), Ok(()));
        assert!(asked("", json!({"title": "a", "body": "b"})).is_err());
        assert!(asked("", json!({"title": "a", "labels": ["b"]})).is_err());
        let listed = contract.check_request("GET", path, "page=1&updated_before=x", None);
        assert_eq!(listed, Err("query: updated_before is not known".to_owned()));
        let path = "/projects/ada%2Fbackend/merge_requests/1/merge";
        let refused = |body| contract.check_answer("PUT", path, 409, Some(&body));
        for message in [json!("moved"), json!(["moved"]), json!({"sha": ["moved"]})] {
            assert_eq!(refused(json!({"message": message})), Ok(()));
        }
        assert_eq!(refused(json!({"error": "moved"})), Ok(()));
        assert!(refused(json!({"why": "moved"})).is_err());
    }

    #[test]
    fn paths_are_told_from_their_templates() {
        for (template, path) in [
            ("/user", "/user"),
            ("/repos/{owner}/{repo}", "/repos/a/b"),
            ("/r/{repo}/branches/{branch}", "/r/a/branches/b/c"),
            ("/r/{repo}/pulls/{index}", "/r/a/pulls/1"),
        ] {
            assert!(matches(template, path), "{template} {path}");
        }
        for (template, path) in [
            ("/user", "/users"),
            ("/user", "/user/a"),
            ("/repos/{owner}/{repo}", "/repos/a"),
            ("/repos/{owner}/{repo}", "/repos//b"),
            ("/r/{repo}/pulls/{index}", "/r/a/pulls/1/merge"),
            ("/r/{repo}/pulls/{index}", "/r/a/pulls/"),
        ] {
            assert!(!matches(template, path), "{template} {path}");
        }
    }
}
