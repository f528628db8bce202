use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::*;

/// The answer to a request, as it came.
async fn post(models: &SimulatedModels, path: &str, body: &Value) -> String {
    let body = body.to_string();
    let head = format!("POST {path} HTTP/1.1\r\nContent-Length: {}", body.len());
    ask(models, &head, &body).await
}

/// The same for any request; `head` is its first lines.
async fn ask(models: &SimulatedModels, head: &str, body: &str) -> String {
    let address = models.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let request = format!("{head}\r\nHost: {address}\r\nConnection: close\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut bytes = Vec::new();
    // A cut answer ends with an error, and what came before counts.
    stream.read_to_end(&mut bytes).await.ok();
    String::from_utf8(bytes).expect("it is text")
}

fn usage() -> TokenUsage {
    TokenUsage {
        input: 7,
        cache_read: 5,
        output: 3,
        ..TokenUsage::default()
    }
}

#[tokio::test]
async fn all_three_interfaces_tell_the_same_tokens() {
    let models = SimulatedModels::start(|asked| match asked.results.as_slice() {
        [] => Turn::tool("edit", json!({"path": "a"})).using(usage()),
        [result] => Turn::says(format!("{result} and {}", asked.tools.join(","))).using(usage()),
        more => Turn::says(format!("{} results", more.len())),
    })
    .await;
    for (path, first, second, told) in [
        (
            "/v1/messages",
            json!({"messages": [{"role": "user", "content": "do it"}], "tools": [{"name": "edit"}]}),
            json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "fine"}]}], "tools": [{"name": "edit"}]}),
            r#""cache_read_input_tokens":5"#,
        ),
        (
            "/v1/responses",
            json!({"input": "do it", "tools": [{"type": "function", "name": "edit"}]}),
            json!({"input": [{"type": "function_call_output", "output": "fine"}], "tools": [{"type": "function", "name": "edit"}]}),
            r#""input_tokens_details":{"cached_tokens":5}"#,
        ),
        (
            "/v1/chat/completions",
            json!({"messages": [{"role": "user", "content": "do it"}], "tools": [{"function": {"name": "edit"}}]}),
            json!({"messages": [{"role": "tool", "content": "fine"}], "tools": [{"function": {"name": "edit"}}]}),
            r#""prompt_tokens_details":{"cached_tokens":5}"#,
        ),
    ] {
        for is_streamed in [false, true] {
            for (mut body, expected) in [(first.clone(), "edit"), (second.clone(), "fine and edit")]
            {
                body["model"] = json!(path);
                body["stream"] = json!(is_streamed);
                body["stream_options"] = json!({"include_usage": true});
                let answer = post(&models, path, &body).await;
                assert!(
                    answer.contains(expected) && answer.contains(told),
                    "{path}: {answer}"
                );
                assert_eq!(answer.contains("data: "), is_streamed, "{answer}");
            }
        }
        let used = models.used(path);
        assert_eq!((used.input, used.cache_read, used.output), (28, 20, 12));
    }
    assert_eq!(models.heard().len(), 12);
}

#[tokio::test]
async fn what_goes_wrong_goes_wrong() {
    let faults = [
        (Fault::Closed, ""),
        (Fault::Unauthorized, "401 Unauthorized"),
        (Fault::RateLimited { retry_after: 3 }, "retry-after: 3"),
        (Fault::QuotaExhausted, "usage limit"),
        (Fault::Overloaded, "529"),
        (Fault::GatewayTimeout, "504"),
        (Fault::TooLong, "prompt is too long"),
        (Fault::WrongJson, "{\"no\": json"),
        (Fault::CutStream, "message_start"),
    ];
    let models = SimulatedModels::start(move |asked| Turn::fails(faults[asked.number - 1].0)).await;
    for (fault, expected) in faults {
        let body = json!({"model": "m", "stream": true, "messages": []});
        let answer = post(&models, "/v1/messages", &body).await;
        assert!(answer.contains(expected), "{fault:?}: {answer}");
        assert!(!answer.contains("message_stop"), "{fault:?}: {answer}");
    }
    assert_eq!(
        models.used("m"),
        TokenUsage::default(),
        "nothing was answered"
    );
}

#[tokio::test]
async fn the_interfaces_of_openai_fail_in_its_words() {
    let faults = [
        (Fault::Closed, ""),
        (Fault::Unauthorized, "401 Unauthorized"),
        (Fault::RateLimited { retry_after: 3 }, "retry-after: 3"),
        (Fault::QuotaExhausted, "insufficient_quota"),
        (Fault::Overloaded, "503 Service Unavailable"),
        (Fault::WrongJson, "{\"no\": json"),
        (Fault::CutStream, "data: "),
    ];
    for (path, end) in [
        ("/v1/responses", "response.completed"),
        ("/v1/chat/completions", "[DONE]"),
    ] {
        let models =
            SimulatedModels::start(move |asked| Turn::fails(faults[asked.number - 1].0)).await;
        for (fault, expected) in faults {
            let body = json!({"model": "m", "stream": true, "messages": [], "input": ""});
            let answer = post(&models, path, &body).await;
            assert!(answer.contains(expected), "{path} {fault:?}: {answer}");
            assert!(!answer.contains(end), "{path} {fault:?}: {answer}");
        }
        assert_eq!(
            models.used("m"),
            TokenUsage::default(),
            "{path}: nothing was answered"
        );
    }
}

#[tokio::test]
async fn each_provider_lists_models_in_its_form() {
    let models = SimulatedModels::start(|_| Turn::says("nobody asks")).await;
    models.offer("first");
    models.offer("second");
    let openai = ask(&models, "GET /v1/models HTTP/1.1", "").await;
    assert!(
        openai.contains(r#""object":"list""#) && openai.contains(r#""id":"second""#),
        "{openai}"
    );
    let head = "GET /v1/models HTTP/1.1\r\nanthropic-version: 2023-06-01";
    let anthropic = ask(&models, head, "").await;
    assert!(
        anthropic.contains(r#""first_id":"first""#) && anthropic.contains(r#""last_id":"second""#),
        "{anthropic}"
    );
    let paths: Vec<_> = models.heard().into_iter().map(|it| it.path).collect();
    assert_eq!(paths, ["/v1/models", "/v1/models"]);
}

#[tokio::test]
async fn tokens_are_counted_before_a_request() {
    let models = SimulatedModels::start(|_| Turn::says("nobody asks")).await;
    let body = json!({"model": "m", "messages": []});
    let answer = post(&models, "/v1/messages/count_tokens", &body).await;
    let expected = format!("{{\"input_tokens\":{}}}", body.to_string().len() / 4);
    assert!(answer.contains(&expected), "{answer}");
    assert_eq!(models.used("m"), TokenUsage::default(), "counting is free");
}

#[tokio::test]
async fn answers_end_as_the_script_says() {
    for (path, stop, told) in [
        ("/v1/messages", Stop::Cut, r#""stop_reason":"max_tokens""#),
        ("/v1/messages", Stop::Filtered, r#""stop_reason":"refusal""#),
        (
            "/v1/responses",
            Stop::Cut,
            r#""incomplete_details":{"reason":"max_output_tokens"}"#,
        ),
        (
            "/v1/responses",
            Stop::Filtered,
            r#""incomplete_details":{"reason":"content_filter"}"#,
        ),
        ("/v1/responses", Stop::Failed, r#""status":"failed""#),
        ("/v1/responses", Stop::Cancelled, r#""status":"cancelled""#),
        (
            "/v1/chat/completions",
            Stop::Cut,
            r#""finish_reason":"length""#,
        ),
        (
            "/v1/chat/completions",
            Stop::Filtered,
            r#""finish_reason":"content_filter""#,
        ),
    ] {
        let models = SimulatedModels::start(move |_| Turn::says("so").stopping(stop)).await;
        for is_streamed in [false, true] {
            let body = json!({"model": "m", "stream": is_streamed, "messages": [], "input": ""});
            let answer = post(&models, path, &body).await;
            assert!(answer.contains(told), "{path} {stop:?}: {answer}");
        }
    }
}

#[tokio::test]
async fn thoughts_are_for_who_keeps_them() {
    let models = SimulatedModels::start(|_| Turn::refuses("never").thinking("a secret")).await;
    let mut body = json!({"model": "m", "messages": [], "input": ""});
    let said = post(&models, "/v1/responses", &body).await;
    assert!(
        said.contains(r#""type":"reasoning""#) && !said.contains("a secret"),
        "{said}"
    );
    assert!(said.contains(r#""refusal":"never""#), "{said}");
    body["include"] = json!(["reasoning.encrypted_content"]);
    let said = post(&models, "/v1/responses", &body).await;
    assert!(said.contains(r#""encrypted_content":"a secret""#), "{said}");
    let said = post(&models, "/v1/messages", &body).await;
    assert!(said.contains(r#""thinking":"a secret""#), "{said}");
    let said = post(&models, "/v1/chat/completions", &body).await;
    assert!(!said.contains("a secret"), "{said}");
    assert!(said.contains(r#""refusal":"never""#), "{said}");
}
