//! What an answer says of the tokens that it has used.

use core_types::TokenUsage;
use serde_json::Value;

use super::{ask::tokens, provider::Endpoint};

/// How much of an answer, or of one event of a stream, is read for what it says.
const READ_BYTES: usize = 32 * 1024 * 1024;

/// An answer as it comes.
#[derive(Debug)]
pub(super) struct Reading {
    endpoint: Endpoint,
    is_stream: bool,
    /// The start of a line whose end has not come; of an answer in one piece, all of it.
    rest: Vec<u8>,
    is_too_long: bool,
    usage: TokenUsage,
    has_input: bool,
    has_output: bool,
    pub(super) model: String,
    /// The bytes that have come: ASCII ones, and others.
    n_bytes: (u64, u64),
    /// Whether all came that was to come, though nothing of usage may be in it.
    is_whole: bool,
    /// Whether the model thinks, which is paid for and not shown as it was thought.
    thinks: bool,
    /// What it says went wrong after it had begun.
    pub(super) error: Option<String>,
}

impl Reading {
    /// `thinks` is whether what was asked for may have its model think.
    pub(super) fn new(endpoint: Endpoint, is_stream: bool, thinks: bool) -> Self {
        Self {
            endpoint,
            is_stream,
            rest: Vec::new(),
            is_too_long: false,
            usage: TokenUsage::default(),
            has_input: false,
            has_output: false,
            model: String::new(),
            n_bytes: (0, 0),
            is_whole: false,
            thinks,
            error: None,
        }
    }

    pub(super) fn take(&mut self, piece: &[u8]) {
        let n_ascii = piece.iter().filter(|byte| byte.is_ascii()).count();
        self.n_bytes.0 += n_ascii as u64;
        self.n_bytes.1 += (piece.len() - n_ascii) as u64;
        if self.is_too_long {
            return;
        }
        self.rest.extend_from_slice(piece);
        if self.is_stream {
            let mut rest = std::mem::take(&mut self.rest);
            let mut start = 0;
            while let Some(length) = rest[start..].iter().position(|byte| *byte == b'\n') {
                self.line(&rest[start..start + length]);
                start += length + 1;
            }
            rest.drain(..start);
            self.rest = rest;
        }
        if self.rest.len() > READ_BYTES {
            self.is_too_long = true;
            self.rest = Vec::new();
        }
    }

    /// After the last piece.
    pub(super) fn end(&mut self) {
        let rest = std::mem::take(&mut self.rest);
        match self.is_stream {
            true => self.line(&rest),
            false => {
                if let Ok(answer) = serde_json::from_slice::<Value>(&rest) {
                    self.whole(&answer);
                    let parts = ["content", "choices", "output"];
                    self.is_whole = parts.iter().any(|part| answer[*part].is_array());
                }
            }
        }
    }

    /// What was used, as far as it was said; of what was not, what `most` says. Of the output that is all that the
    /// request allows, unless the answer shows what it is made of: a stream whose model does not think, and what
    /// came to its end without a word of usage, count as text of their length.
    pub(super) fn usage(&self, most: &TokenUsage) -> TokenUsage {
        let mut usage = self.usage;
        if !self.has_input {
            (usage.input, usage.cache_read) = (most.input, most.cache_read);
            (usage.cache_write_5m, usage.cache_write_1h) =
                (most.cache_write_5m, most.cache_write_1h);
        }
        if !self.has_output {
            let is_shown = self.is_whole || (self.is_stream && !self.thinks);
            let (n_ascii, n_other) = self.n_bytes;
            let unsaid = match is_shown {
                true => tokens(n_ascii, n_other).min(most.output),
                false => most.output,
            };
            usage.output = usage.output.max(unsaid);
        }
        usage
    }

    /// How many tokens the input was; `None` while it was not said.
    pub(super) fn input(&self) -> Option<u64> {
        let output = self.usage.output;
        self.has_input.then(|| self.usage.total() - output)
    }

    fn line(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(data) = line.strip_prefix(b"data:") else {
            return;
        };
        let Ok(event) = serde_json::from_slice::<Value>(data) else {
            self.is_whole |= data.trim_ascii() == b"[DONE]";
            return;
        };
        match self.endpoint {
            Endpoint::Messages => match event["type"].as_str() {
                Some("message_start") => self.whole(&event["message"]),
                Some("content_block_start") => {
                    let kind = event["content_block"]["type"].as_str();
                    self.thinks |= matches!(kind, Some("thinking" | "redacted_thinking"));
                }
                Some("message_delta") => {
                    self.anthropic(&event["usage"]);
                    self.has_output = true;
                }
                Some("error") => self.failed(&event["error"]),
                _ => {}
            },
            Endpoint::Responses => match event["type"].as_str() {
                Some("response.completed" | "response.incomplete" | "response.cancelled") => {
                    self.whole(&event["response"]);
                }
                Some("response.failed") => {
                    self.whole(&event["response"]);
                    self.failed(&event["response"]["error"]);
                }
                Some("error") => self.failed(&event),
                _ => {}
            },
            Endpoint::Chat => {
                if event["error"].is_object() {
                    self.failed(&event["error"]);
                }
                self.whole(&event);
            }
            Endpoint::Free => {}
        }
    }

    fn failed(&mut self, error: &Value) {
        let message = error["message"].as_str().unwrap_or("it failed");
        self.error = Some(message.to_owned());
    }

    /// A whole answer, or what of it opens or closes a stream.
    fn whole(&mut self, answer: &Value) {
        if let Some(model) = answer["model"].as_str().filter(|it| !it.is_empty()) {
            model.clone_into(&mut self.model);
        }
        let usage = &answer["usage"];
        if !usage.is_object() {
            return;
        }
        match self.endpoint {
            Endpoint::Messages => {
                self.anthropic(usage);
                // The start of a stream knows the input alone.
                self.has_output = !self.is_stream;
                return;
            }
            Endpoint::Responses => self.usage = responses(usage),
            Endpoint::Chat => self.usage = chat(usage),
            Endpoint::Free => return,
        }
        (self.has_input, self.has_output) = (true, true);
    }

    /// Counts of the Messages API are those so far; what is not said again is as it was.
    fn anthropic(&mut self, usage: &Value) {
        self.has_input |= usage["input_tokens"].is_u64();
        count_messages(&mut self.usage, usage);
    }
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// Takes what an answer of the Messages API says so far into `counted`.
fn count_messages(counted: &mut TokenUsage, usage: &Value) {
    let told = |key: &str| usage[key].as_u64();
    let long = &usage["cache_creation"]["ephemeral_1h_input_tokens"];
    counted.input = told("input_tokens").unwrap_or(counted.input);
    counted.cache_read = told("cache_read_input_tokens").unwrap_or(counted.cache_read);
    counted.cache_write_1h = long.as_u64().unwrap_or(counted.cache_write_1h);
    if let Some(written) = told("cache_creation_input_tokens") {
        counted.cache_write_5m = written.saturating_sub(counted.cache_write_1h);
    }
    counted.output = told("output_tokens").unwrap_or(counted.output);
}

/// The `usage` of a message.
pub(crate) fn messages(usage: &Value) -> TokenUsage {
    let mut counted = TokenUsage::default();
    count_messages(&mut counted, usage);
    counted
}

/// The `usage` of a response.
pub(crate) fn responses(usage: &Value) -> TokenUsage {
    let details = &usage["input_tokens_details"];
    let cached = number(&details["cached_tokens"]);
    let written = number(&details["cache_write_tokens"]);
    TokenUsage {
        input: number(&usage["input_tokens"]).saturating_sub(cached + written),
        cache_read: cached,
        cache_write_5m: written,
        output: number(&usage["output_tokens"]),
        reasoning: number(&usage["output_tokens_details"]["reasoning_tokens"]),
        ..TokenUsage::default()
    }
}

/// The `usage` of a chat completion.
pub(crate) fn chat(usage: &Value) -> TokenUsage {
    let details = &usage["prompt_tokens_details"];
    let cached = number(&details["cached_tokens"]);
    let written = number(&details["cache_write_tokens"]);
    TokenUsage {
        input: number(&usage["prompt_tokens"]).saturating_sub(cached + written),
        cache_read: cached,
        cache_write_5m: written,
        output: number(&usage["completion_tokens"]),
        reasoning: number(&usage["completion_tokens_details"]["reasoning_tokens"]),
        ..TokenUsage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_whole_or_shows_all_counts_as_its_text() {
        let most = TokenUsage {
            output: 5000,
            ..TokenUsage::default()
        };
        let output = |endpoint, is_stream, came: &str| {
            let mut reading = Reading::new(endpoint, is_stream, endpoint != Endpoint::Messages);
            reading.take(came.as_bytes());
            reading.end();
            reading.usage(&most).output
        };
        let text = "data: {\"choices\":[]}\n\n";
        let n_tokens = text.len() as u64 / 2;
        assert_eq!(output(Endpoint::Chat, true, text), 5000);
        let ended = format!("{text}data: [DONE]\n\n");
        assert_eq!(output(Endpoint::Chat, true, &ended), n_tokens + 7);
        let whole = "{\"choices\":[]}";
        assert_eq!(output(Endpoint::Chat, false, whole), 7);
        assert_eq!(output(Endpoint::Chat, false, "{\"no\": usage}"), 5000);
        let shown =
            "data: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\"}}\n";
        let n_tokens = (shown.len() as u64).div_ceil(2);
        assert_eq!(output(Endpoint::Messages, true, shown), n_tokens);
        // A model that thinks unasked.
        let thought = shown.replace("\"text\"", "\"thinking\"");
        assert_eq!(output(Endpoint::Messages, true, &thought), 5000);
    }
}
