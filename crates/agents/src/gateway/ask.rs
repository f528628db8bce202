//! What a request asks for, and the most that its answer can use.

use core_types::TokenUsage;
use serde_json::{Value, json};

use super::provider::Endpoint;

/// The shortest answer that is worth its input.
const LEAST_OUTPUT: u64 = 1024;

/// What thinking leaves to the answer.
const BESIDE_THINKING: u64 = 1024;

/// More than any provider counts for one image.
const IMAGE_TOKENS: u64 = 6000;

/// What a request carries beside its text: names of roles, separators, what tools are told with.
const FRAME_TOKENS: u64 = 1024;

/// A request for an answer of a model.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    endpoint: Endpoint,
    body: Value,
    pub(super) model: String,
    /// What no bound covers.
    pub(super) unbounded: Option<&'static str>,
    n_images: u64,
    n_answers: u64,
}

/// The last request of a model in a session, and how many tokens its input was.
#[derive(Debug, Clone)]
pub(crate) struct Before {
    pub(crate) body: Vec<u8>,
    pub(crate) tokens: u64,
}

impl Ask {
    /// Reads a request, and takes out of it what has no price. `Err` says what cannot be forwarded.
    pub(crate) fn read(endpoint: Endpoint, bytes: &[u8], longest: u64) -> Result<Self, String> {
        let mut body: Value = serde_json::from_slice(bytes)
            .map_err(|error| format!("the body is no JSON: {error}"))?;
        let Some(model) = body["model"].as_str().filter(|model| !model.is_empty()) else {
            return Err("expected a JSON object with a `model`".to_owned());
        };
        let model = model.to_owned();
        if let Some(what) = unpriced(&body) {
            return Err(format!("{what} has no known price and is not forwarded"));
        }
        keep_client_tools(&mut body);
        if endpoint == Endpoint::Chat {
            one_limit(&mut body)?;
        }
        let mut found = Found::default();
        found.look(&body);
        let mut ask = Self {
            endpoint,
            model,
            unbounded: found.unbounded.or_else(|| elsewhere(&body)),
            n_images: found.n_images,
            n_answers: body["n"].as_u64().unwrap_or(1).max(1),
            body,
        };
        if ask.output().is_none() {
            ask.limit(longest);
        }
        if endpoint == Endpoint::Chat && ask.body["stream"] == true {
            // Else the end of the stream says nothing of tokens.
            if !ask.body["stream_options"].is_object() {
                ask.body["stream_options"] = json!({});
            }
            ask.body["stream_options"]["include_usage"] = json!(true);
        }
        Ok(ask)
    }

    fn output_key(&self) -> &'static str {
        match self.endpoint {
            Endpoint::Responses => "max_output_tokens",
            Endpoint::Chat if self.body["max_tokens"].is_u64() => "max_tokens",
            Endpoint::Chat => "max_completion_tokens",
            Endpoint::Messages | Endpoint::Free => "max_tokens",
        }
    }

    /// How long the answer may be.
    fn output(&self) -> Option<u64> {
        self.body[self.output_key()].as_u64()
    }

    fn limit(&mut self, n_tokens: u64) {
        let key = self.output_key();
        self.body[key] = json!(n_tokens);
    }

    /// Whether its model may think. What is thought is paid for as output, and at most a summary of it is shown.
    pub(super) fn thinks(&self) -> bool {
        let is_off = |value: &Value, off: &str| value.is_null() || value == off;
        match self.endpoint {
            // A model that thinks unasked tells of it by the part that begins.
            Endpoint::Messages => !is_off(&self.body["thinking"]["type"], "disabled"),
            // Who is not told otherwise may think, and nothing in the answer tells of it.
            Endpoint::Responses => self.body["reasoning"]["effort"] != "none",
            Endpoint::Chat => self.body["reasoning_effort"] != "none",
            Endpoint::Free => false,
        }
    }

    /// The same with an answer of a quarter of the length; `None` where that is too short to be of use.
    pub(super) fn shorter(&self) -> Option<Self> {
        let thinking = self.body["thinking"]["budget_tokens"].as_u64();
        let least = thinking.map_or(LEAST_OUTPUT, |it| it.saturating_add(BESIDE_THINKING));
        let now = self.output()?;
        let shorter = (now / 4).max(least);
        (shorter < now).then(|| {
            let mut ask = self.clone();
            ask.limit(shorter);
            ask
        })
    }

    /// What is sent.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.body.to_string().into_bytes()
    }

    /// What may be used at most, in each class of input that it may be priced by.
    pub(crate) fn most(&self, bytes: &[u8], before: Option<&Before>) -> Vec<TokenUsage> {
        let anew = tokens_of(bytes);
        let added = before.map(|before| {
            let rest = tokens_of(differing(&before.body, bytes));
            before.tokens.saturating_add(rest)
        });
        let text = added.map_or(anew, |added| added.min(anew));
        let images = self.n_images.saturating_mul(IMAGE_TOKENS);
        let input = [images, FRAME_TOKENS]
            .into_iter()
            .fold(text, u64::saturating_add);
        let output = self.output().unwrap_or(u64::MAX);
        let base = TokenUsage {
            output: output.saturating_mul(self.n_answers),
            ..TokenUsage::default()
        };
        let mut classes = vec![TokenUsage { input, ..base }];
        if self.endpoint == Endpoint::Messages && contains(bytes, b"\"cache_control\"") {
            classes.push(match contains(bytes, b"\"1h\"") {
                true => TokenUsage {
                    cache_write_1h: input,
                    ..base
                },
                false => TokenUsage {
                    cache_write_5m: input,
                    ..base
                },
            });
        }
        classes
    }
}

/// Leaves one limit of an answer where two may stand: which one a server obeys, nobody knows.
fn one_limit(body: &mut Value) -> Result<(), String> {
    const KEYS: [&str; 2] = ["max_tokens", "max_completion_tokens"];
    let Value::Object(keys) = body else {
        return Ok(());
    };
    let given: Vec<_> = KEYS.iter().filter(|key| keys.contains_key(**key)).collect();
    let longest = given.iter().filter_map(|key| keys[**key].as_u64()).max();
    let kept = given.last().map_or(KEYS[1], |key| **key);
    for key in KEYS {
        keys.remove(key);
    }
    if let Some(longest) = longest {
        keys.insert(kept.to_owned(), json!(longest));
    }
    match keys.get("n") {
        Some(n) if !n.is_null() && !n.is_u64() => {
            Err(format!("expected a whole number as `n`, not {n}"))
        }
        _ => Ok(()),
    }
}

/// A token for each two ASCII bytes, and for each other one: byte pair encodings need fewer for any text that
/// was not made to need more.
fn tokens_of(bytes: &[u8]) -> u64 {
    let n_ascii = bytes.iter().filter(|byte| byte.is_ascii()).count() as u64;
    tokens(n_ascii, bytes.len() as u64 - n_ascii)
}

/// The same by the numbers of ASCII and other bytes.
pub(super) fn tokens(n_ascii: u64, n_other: u64) -> u64 {
    n_other.saturating_add(n_ascii.div_ceil(2))
}

/// What of `new` stands between its common beginning and its common end with `old`.
fn differing<'a>(old: &[u8], new: &'a [u8]) -> &'a [u8] {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let start = old.iter().zip(new).take_while(same).count();
    let ends = old[start..].iter().rev().zip(new[start..].iter().rev());
    let end = ends.take_while(same).count();
    &new[start..new.len() - end]
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// What makes an answer cost more than the table of prices says.
fn unpriced(body: &Value) -> Option<&'static str> {
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
    None
}

/// What of the input lies with the provider.
fn elsewhere(body: &Value) -> Option<&'static str> {
    let keys = [
        "previous_response_id",
        "conversation",
        "prompt",
        "container",
    ];
    keys.into_iter().find(|key| !body[*key].is_null())
}

/// Takes the tools out that the provider runs.
fn keep_client_tools(body: &mut Value) {
    if let Some(object) = body.as_object_mut() {
        object.remove("mcp_servers");
        object.remove("web_search_options");
    }
    if let Some(tools) = body["tools"].as_array_mut() {
        tools.retain(|tool| match tool["type"].as_str() {
            None => true,
            Some(kind) => is_clients(kind),
        });
    }
}

/// Whether the client runs tools of this type.
fn is_clients(kind: &str) -> bool {
    let exact = [
        "custom",
        "function",
        "local_shell",
        "shell",
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
    exact.contains(&kind) || versioned.iter().any(|start| kind.starts_with(start))
}

/// What a request holds beside text.
#[derive(Default)]
struct Found {
    n_images: u64,
    unbounded: Option<&'static str>,
}

impl Found {
    fn look(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|it| self.look(it)),
            Value::Object(object) => {
                match object.get("type").and_then(Value::as_str) {
                    Some("image" | "image_url" | "input_image") => self.n_images += 1,
                    Some("document" | "file" | "input_file" | "container_upload")
                        // Its text is in the request.
                        if object.get("source").is_none_or(|it| it["type"] != "text") =>
                    {
                        self.unbounded = Some("a document");
                    }
                    Some("input_audio") => self.unbounded = Some("a recording"),
                    _ => {}
                }
                object.values().for_each(|it| self.look(it));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: Endpoint, body: &Value) -> Result<Ask, String> {
        Ask::read(endpoint, body.to_string().as_bytes(), 32_768)
    }

    fn sent(endpoint: Endpoint, body: &Value) -> Value {
        let ask = read(endpoint, body).expect("it is forwarded");
        serde_json::from_slice(&ask.bytes()).expect("it is JSON")
    }

    #[test]
    fn each_answer_has_a_longest_length() {
        let check = |endpoint, body: Value, key: &str, n: u64| {
            assert_eq!(sent(endpoint, &body)[key], n, "{body}");
        };
        let model = || json!({"model": "m"});
        check(Endpoint::Responses, model(), "max_output_tokens", 32_768);
        check(Endpoint::Chat, model(), "max_completion_tokens", 32_768);
        let chosen = json!({"model": "m", "max_tokens": 7});
        check(Endpoint::Chat, chosen.clone(), "max_tokens", 7);
        check(Endpoint::Messages, chosen, "max_tokens", 7);
        // Of two limits, servers obey the one or the other.
        let both = json!({"model": "m", "max_tokens": 7, "max_completion_tokens": 900});
        check(Endpoint::Chat, both.clone(), "max_completion_tokens", 900);
        assert_eq!(sent(Endpoint::Chat, &both)["max_tokens"], Value::Null);
        for odd in [json!(-1), json!(1e6), json!("7")] {
            let odd = json!({"model": "m", "max_tokens": odd});
            check(Endpoint::Chat, odd, "max_completion_tokens", 32_768);
        }
        let many = json!({"model": "m", "n": 5.0});
        read(Endpoint::Chat, &many).expect_err("how many is that");
        let streamed = json!({"model": "m", "stream": true, "stream_options": "x"});
        let streamed = sent(Endpoint::Chat, &streamed);
        assert_eq!(streamed["stream_options"]["include_usage"], true);
        let chat = json!({"model": "m", "stream": true});
        let chat = sent(Endpoint::Chat, &chat);
        assert_eq!(chat["stream_options"]["include_usage"], true);
    }

    #[test]
    fn a_shorter_answer_leaves_room_beside_its_thinking() {
        let lengths = |body: Value| {
            let mut ask = read(Endpoint::Messages, &body).ok();
            let mut all = Vec::new();
            while let Some(it) = ask {
                all.push(it.output().expect("it has one"));
                ask = it.shorter();
            }
            all
        };
        let plain = json!({"model": "m", "max_tokens": 32_000});
        assert_eq!(lengths(plain), [32_000, 8000, 2000, 1024]);
        let thinking =
            json!({"model": "m", "max_tokens": 32_000, "thinking": {"budget_tokens": 10_000}});
        assert_eq!(lengths(thinking), [32_000, 11_024]);
        assert_eq!(lengths(json!({"model": "m", "max_tokens": 50})), [50]);
    }

    #[test]
    fn what_has_no_price_is_not_forwarded() {
        let refused = |body: Value| read(Endpoint::Responses, &body).expect_err("it is refused");
        let said = refused(json!({"model": "m", "service_tier": "priority"}));
        assert_eq!(
            said,
            "the `service_tier` has no known price and is not forwarded"
        );
        refused(json!({"model": "m", "speed": "fast"}));
        refused(json!({"model": "m", "background": true}));
        refused(json!({"model": ""}));
        refused(json!([1]));
        let tools = json!({"model": "m", "tools": [
            {"type": "function", "name": "a"}, {"name": "b"}, {"type": "web_search", "name": "c"},
            {"type": "web_search_20250305", "name": "d"}, {"type": "bash_20250124", "name": "e"},
        ], "mcp_servers": [1]});
        let sent = sent(Endpoint::Messages, &tools);
        let tools = sent["tools"].as_array().expect("tools").iter();
        let names: Vec<_> = tools.map(|it| it["name"].clone()).collect();
        assert_eq!(names, ["a", "b", "e"]);
        assert!(sent["mcp_servers"].is_null());
    }

    #[test]
    fn what_has_no_bound_is_known() {
        let unbounded = |body: Value| {
            read(Endpoint::Messages, &body)
                .expect("it is read")
                .unbounded
        };
        assert_eq!(unbounded(json!({"model": "m", "messages": "hi"})), None);
        let stored = json!({"model": "m", "previous_response_id": "r"});
        assert_eq!(unbounded(stored), Some("previous_response_id"));
        let document = |source: &str| {
            json!({"model": "m", "messages": [{"content": [
                {"type": "document", "source": {"type": source, "data": "x"}},
            ]}]})
        };
        assert_eq!(unbounded(document("base64")), Some("a document"));
        assert_eq!(unbounded(document("text")), None);
    }

    #[test]
    fn a_bound_counts_what_was_added() {
        let ask = |text: &str| {
            let body =
                json!({"model": "m", "max_tokens": 10, "messages": [{"content": text}], "z": 1});
            let ask = read(Endpoint::Messages, &body).expect("it is read");
            let bytes = ask.bytes();
            (ask, bytes)
        };
        let long = "word ".repeat(1000);
        let (first, first_bytes) = ask(&long);
        let alone = first.most(&first_bytes, None)[0];
        assert_eq!(alone.output, 10);
        assert_eq!(alone.input, tokens_of(&first_bytes) + FRAME_TOKENS);
        let (second, second_bytes) = ask(&format!("{long}éé and on"));
        let before = Before {
            body: first_bytes,
            tokens: 1200,
        };
        // "éé and on": four bytes of their own, and seven by two.
        let added = second.most(&second_bytes, Some(&before))[0];
        assert_eq!(added.input, 1200 + 4 + 4 + FRAME_TOKENS);
        // A request that shares nothing has no less than its own text.
        let other = Before {
            body: b"x".to_vec(),
            tokens: 1_000_000,
        };
        assert_eq!(second.most(&second_bytes, Some(&other))[0].input, {
            tokens_of(&second_bytes) + FRAME_TOKENS
        });
    }

    #[test]
    fn caching_is_priced_as_writing() {
        let classes = |control: Value| {
            let body =
                json!({"model": "m", "max_tokens": 1, "system": [{"cache_control": control}]});
            let ask = read(Endpoint::Messages, &body).expect("it is read");
            ask.most(&ask.bytes(), None)[1]
        };
        assert!(classes(json!({"type": "ephemeral"})).cache_write_5m > 0);
        assert!(classes(json!({"type": "ephemeral", "ttl": "1h"})).cache_write_1h > 0);
    }
}
