//! What a request asks for, and the most that its answer can use.

use core_types::TokenUsage;
use serde_json::{Value, json};

use super::{
    passed::{Found, keep_client_tools, leave_out_documents, unpriced},
    provider::Endpoint,
};

/// The shortest answer that is worth its input.
const LEAST_OUTPUT: u64 = 1024;

/// What thinking leaves to the answer.
const BESIDE_THINKING: u64 = 1024;

/// More than Anthropic counts for one image.
const IMAGE_TOKENS: u64 = 6000;

/// The same of OpenAI: 10,000 patches in its `original` detail, at its small models' 2.46 tokens for each.
const OPENAI_IMAGE_TOKENS: u64 = 24_600;

/// What a request carries beside its text: names of roles, separators, what tools are told with.
const FRAME_TOKENS: u64 = 1024;

/// A request for an answer of a model.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    endpoint: Endpoint,
    body: Value,
    pub(super) model: String,
    /// A key of which nobody knows what it costs, but perhaps a server of this machine.
    pub(super) unknown_key: Option<String>,
    /// What no bound covers.
    pub(super) unbounded: Option<String>,
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
        let found = Found::of(endpoint, &body);
        let mut ask = Self {
            endpoint,
            model,
            unknown_key: found.unknown_key,
            unbounded: found.unbounded,
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

    /// The same with a text in the place of each document of which nobody knows what it costs: it came with what a tool
    /// has read, and would stand in all that follows.
    pub(super) fn without_documents(&self) -> Self {
        let mut body = self.body.clone();
        leave_out_documents(&mut body);
        let found = Found::of(self.endpoint, &body);
        Self {
            body,
            model: self.model.clone(),
            unknown_key: found.unknown_key,
            unbounded: found.unbounded,
            ..*self
        }
    }

    /// Whether the provider leaves out some of what is sent: what it then tells of the input is not that of the same text
    /// sent again.
    pub(super) fn leaves_out(&self) -> bool {
        let management = &self.body["context_management"];
        let edits = management.as_array().or(management["edits"].as_array());
        edits.into_iter().flatten().any(|edit| {
            let kind = edit["type"].as_str().unwrap_or_default();
            !(kind.starts_with("clear_thinking_") && edit["keep"] == "all")
        })
    }

    /// What may be used at most, in each class of input that it may be priced by.
    pub(crate) fn most(&self, bytes: &[u8], before: Option<&Before>) -> Vec<TokenUsage> {
        self.classes(bytes, before, tokens_of)
    }

    /// The same by a bound that no text passes: a token for each byte.
    pub(super) fn certain(&self, bytes: &[u8], before: Option<&Before>) -> Vec<TokenUsage> {
        self.classes(bytes, before, |bytes| bytes.len() as u64)
    }

    fn classes(
        &self,
        bytes: &[u8],
        before: Option<&Before>,
        tokens_of: impl Fn(&[u8]) -> u64,
    ) -> Vec<TokenUsage> {
        let anew = tokens_of(bytes);
        let added = before.map(|before| {
            let rest = tokens_of(differing(&before.body, bytes));
            before.tokens.saturating_add(rest)
        });
        let text = added.map_or(anew, |added| added.min(anew));
        let of_image = match self.endpoint {
            Endpoint::Messages | Endpoint::Free => IMAGE_TOKENS,
            Endpoint::Responses | Endpoint::Chat => OPENAI_IMAGE_TOKENS,
        };
        let images = self.n_images.saturating_mul(of_image);
        let input = [images, FRAME_TOKENS]
            .into_iter()
            .fold(text, u64::saturating_add);
        let output = self.output().unwrap_or(u64::MAX);
        let base = TokenUsage {
            output: output.saturating_mul(self.n_answers),
            ..TokenUsage::default()
        };
        let mut classes = vec![TokenUsage { input, ..base }];
        let short = TokenUsage {
            cache_write_5m: input,
            ..base
        };
        let long = TokenUsage {
            cache_write_1h: input,
            ..base
        };
        match self.endpoint {
            Endpoint::Messages if !contains(bytes, b"\"cache_control\"") => {}
            Endpoint::Messages if contains(bytes, b"\"1h\"") => classes.push(long),
            Endpoint::Messages => classes.push(short),
            // What is written to the cache is OpenAI's choice, and its newest models charge for it.
            Endpoint::Responses | Endpoint::Chat => classes.push(short),
            Endpoint::Free => {}
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

    /// Codex gives its tools to newer models so.
    #[test]
    fn tools_among_the_input_are_the_clients_too() {
        let tools = json!([
            {"type": "function", "name": "a"}, {"type": "web_search"},
            {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "b"}, {"type": "web_search"}]},
        ]);
        let body = json!({"model": "m", "input": [
            {"type": "additional_tools", "role": "developer", "tools": tools},
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        ]});
        let ask = read(Endpoint::Responses, &body).expect("it is read");
        assert_eq!(ask.unbounded, None);
        let kept = json!([
            {"type": "function", "name": "a"},
            {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "b"}]},
        ]);
        assert_eq!(ask.body["input"][0]["tools"], kept);
        let search = json!([{"type": "namespace", "tools": [{"type": "tool_search"}]}]);
        let body = json!({"model": "m", "input": [{"type": "additional_tools", "tools": search}]});
        let ask = read(Endpoint::Responses, &body).expect("it is read");
        assert!(ask.unbounded.is_some(), "it is found by the provider");
    }

    #[test]
    fn what_the_provider_leaves_out_is_known() {
        let leaves_out = |edits: Value| {
            let body =
                json!({"model": "m", "messages": [], "context_management": {"edits": edits}});
            read(Endpoint::Messages, &body)
                .expect("it is read")
                .leaves_out()
        };
        assert!(!leaves_out(json!([])));
        assert!(!leaves_out(
            json!([{"type": "clear_thinking_20251015", "keep": "all"}])
        ));
        assert!(leaves_out(json!([{"type": "clear_thinking_20251015"}])));
        assert!(leaves_out(json!([{"type": "clear_tool_uses_20250919"}])));
    }

    #[test]
    fn what_has_no_bound_is_known() {
        let check = |endpoint, with: Value, expected: Option<&str>| {
            let mut body = with;
            body["model"] = json!("m");
            let ask = read(endpoint, &body).expect("it is read");
            let found = ask.unknown_key.or(ask.unbounded);
            assert_eq!(found.as_deref(), expected, "{body}");
        };
        let (messages, responses, chat) = (Endpoint::Messages, Endpoint::Responses, Endpoint::Chat);
        check(messages, json!({"messages": "hi"}), None);
        let stored = json!({"previous_response_id": "r"});
        check(responses, stored, Some("`previous_response_id`"));
        check(
            messages,
            json!({"container": {"skills": []}}),
            Some("`container`"),
        );
        check(chat, json!({"prediction": {}}), Some("`prediction`"));
        check(chat, json!({"plugins": [{"id": "web"}]}), Some("`plugins`"));
        check(chat, json!({"plugins": null}), None);

        let tool = |endpoint, tool: Value, expected| {
            check(endpoint, json!({"tools": [tool]}), expected);
        };
        let search = Some("a search for tools at the provider, which reads the input again,");
        let kind = "tool_search_tool_bm25_20251119";
        tool(messages, json!({"type": kind, "name": "s"}), search);
        tool(responses, json!({"type": "tool_search"}), search);
        let own = json!({"type": "tool_search", "execution": "client"});
        tool(responses, own, None);

        let part = |endpoint, part: Value, expected| {
            let message = json!({"role": "user", "content": [part]});
            let key = match endpoint {
                Endpoint::Responses => "input",
                _ => "messages",
            };
            check(endpoint, json!({key: [message]}), expected);
        };
        let document = |source: &str| json!({"type": "document", "source": {"type": source}});
        part(messages, document("base64"), Some("a document"));
        part(messages, document("text"), None);
        let within = json!({"type": "tool_result", "content": [document("file")]});
        part(messages, within, Some("a document"));
        // A tool may be called with anything.
        let input = json!({"type": "tool_use", "input": {"type": "video"}});
        part(messages, input, None);
        part(
            responses,
            json!({"type": "input_file", "file_id": "f"}),
            Some("a document"),
        );
        part(chat, json!({"type": "input_audio"}), Some("a recording"));
        part(chat, json!({"type": "video_url"}), Some("a video"));
        let odd = Some("a part of the type `hologram`");
        part(chat, json!({"type": "hologram"}), odd);

        let item = |item: Value, expected| check(responses, json!({"input": [item]}), expected);
        let reference = Some("an `item_reference`, whose text lies with the provider,");
        item(json!({"type": "item_reference", "id": "i"}), reference);
        item(json!({"id": "i"}), reference);
        item(json!({"role": "user", "content": "hi"}), None);
        let stored = Some("reasoning whose text lies with the provider");
        item(
            json!({"type": "reasoning", "id": "r", "summary": []}),
            stored,
        );
        let kept = json!({"type": "reasoning", "id": "r", "encrypted_content": "x"});
        item(kept, None);
        let output = json!([{"type": "input_file", "file_id": "f"}]);
        let output = json!({"type": "function_call_output", "output": output});
        item(output, Some("a document"));
        item(
            json!({"type": "hologram"}),
            Some("an item of the type `hologram`"),
        );
    }

    #[test]
    fn what_the_provider_makes_of_the_context_is_refused() {
        let read = |endpoint, management: Value| {
            read(
                endpoint,
                &json!({"model": "m", "context_management": management}),
            )
        };
        let edits =
            |kind: &str| json!({"edits": [{"type": "clear_thinking_20251015"}, {"type": kind}]});
        read(Endpoint::Messages, edits("clear_tool_uses_20250919")).expect("it leaves out");
        read(Endpoint::Messages, Value::Null).expect("nothing of it");
        let said = read(Endpoint::Messages, edits("compact_20260112")).expect_err("it writes");
        assert!(said.contains("compaction by the provider"), "{said}");
        let compaction = json!([{"type": "compaction", "compact_threshold": 1000}]);
        read(Endpoint::Responses, compaction).expect_err("it writes");
        let spoken = json!({"model": "m", "modalities": ["text", "audio"]});
        super::Ask::read(Endpoint::Chat, spoken.to_string().as_bytes(), 1).expect_err("it speaks");
    }

    #[test]
    fn tools_in_a_container_of_the_provider_are_taken_out() {
        let tools = json!([
            {"type": "shell", "name": "a"},
            {"type": "shell", "name": "b", "environment": {"type": "local"}},
            {"type": "shell", "name": "c", "environment": {"type": "container_auto"}},
            {"type": "namespace", "name": "d", "tools": [
                {"type": "function", "name": "e"}, {"type": "web_search", "name": "f"},
            ]},
        ]);
        let item = json!({"type": "tool_search_output", "tools": tools});
        let sent = sent(
            Endpoint::Responses,
            &json!({"model": "m", "tools": tools, "input": [item]}),
        );
        for tools in [&sent["tools"], &sent["input"][0]["tools"]] {
            let kept = tools.as_array().expect("tools").iter();
            let names: Vec<_> = kept.map(|it| it["name"].clone()).collect();
            assert_eq!(names, ["a", "b", "d"]);
            assert_eq!(tools[2]["tools"].as_array().map(Vec::len), Some(1));
        }
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
        for endpoint in [Endpoint::Responses, Endpoint::Chat] {
            let ask = read(endpoint, &json!({"model": "m"})).expect("it is read");
            let classes = ask.most(&ask.bytes(), None);
            assert_eq!(classes[1].cache_write_5m, classes[0].input, "{endpoint:?}");
        }
    }
}
