//! The gateway between agents and a provider of ours.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use agents::{
    AgentContext, AgentSpec, Registry,
    gateway::{Access, Gateway, GatewayOptions, Provider, Session, Tape},
};
use async_trait::async_trait;
use core_types::{
    CancellationToken, CommandLine, ErrorClass, Grant, Meter, ModelChoice, NoEvents, PortError,
    SystemClock, TokenUsage, Usd,
};
use perf_utils::{
    HttpConnectionPool,
    http::{Method, Response},
};
use serde_json::{Value, json};
use testkit::models::{Asked, Fault, SimulatedModels, Turn};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Place, implement};

const KEY: &str = "sk-the-key-of-this-test";

/// A millionth of a dollar for each token of input, ten for each of output.
fn price(model: &str, usage: &TokenUsage) -> Option<Usd> {
    let input = usage.total() - usage.output;
    let micro = input + 10 * usage.output;
    (model != "unpriced").then(|| Usd::from_pico(micro * 1_000_000))
}

fn micro(amount: u64) -> Usd {
    Usd::from_pico(amount * 1_000_000)
}

/// Allows so much, and remembers the most that it has allowed.
#[derive(Debug)]
struct Purse {
    limit: Usd,
    allowed: Mutex<Usd>,
}

#[async_trait]
impl Meter for Purse {
    fn price(&self, model: &str, usage: &TokenUsage) -> Option<Usd> {
        price(model, usage)
    }

    async fn allow(&self, so_far: Usd) -> Result<(), PortError> {
        if so_far > self.limit {
            return Err(PortError::new(ErrorClass::BudgetExceeded, "spend more"));
        }
        let mut allowed = self.allowed.lock().unwrap_or_else(PoisonError::into_inner);
        *allowed = so_far.max(*allowed);
        Ok(())
    }
}

fn purse(limit: Usd) -> (Arc<Purse>, Grant) {
    let meter = Arc::new(Purse {
        limit,
        allowed: Mutex::default(),
    });
    let grant = Grant {
        amount: limit,
        meter: meter.clone(),
    };
    (meter, grant)
}

fn options() -> GatewayOptions {
    let mut options = GatewayOptions::new([7; 32]);
    options.prices = Arc::new(price);
    options.pause = Duration::from_millis(20);
    options
}

async fn gateway(options: GatewayOptions) -> Gateway {
    Gateway::start(options).await.expect("a port is free")
}

/// Access to our provider by both interfaces, as an agent's variables name it.
fn access(gateway: &Gateway, models: &SimulatedModels) -> Access {
    let mut environment = environment(models);
    // A login of its own beside the key.
    environment.push(("CLAUDE_CODE_OAUTH_TOKEN".to_owned(), KEY.to_owned()));
    let access = Access::take(gateway, "coder", &Provider::ALL, &mut environment);
    assert_eq!(environment, [], "nothing of it is left to the agent");
    access.expect("it is valid").expect("there is a key")
}

fn environment(models: &SimulatedModels) -> Vec<(String, String)> {
    let openai = format!("{}/v1", models.url());
    let all = [
        ("ANTHROPIC_API_KEY", KEY),
        ("ANTHROPIC_BASE_URL", models.url()),
        ("OPENAI_API_KEY", KEY),
        ("OPENAI_BASE_URL", &openai),
    ];
    all.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

/// A client of the gateway, with a session's variables.
struct Client {
    variables: Vec<(String, String)>,
}

impl Client {
    fn of(session: &Session) -> Self {
        Self {
            variables: session.variables(),
        }
    }

    fn variable(&self, name: &str) -> &str {
        let found = self.variables.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    fn pool(&self, provider: Provider) -> HttpConnectionPool {
        let (url, header, key) = match provider {
            Provider::Anthropic => (
                self.variable("ANTHROPIC_BASE_URL"),
                "x-api-key",
                self.variable("ANTHROPIC_API_KEY").to_owned(),
            ),
            Provider::OpenAi => (
                self.variable("OPENAI_BASE_URL"),
                "authorization",
                format!("Bearer {}", self.variable("OPENAI_API_KEY")),
            ),
        };
        let pool = HttpConnectionPool::builder(url).secret_header(header, &key);
        pool.build().expect("it is valid")
    }

    async fn post(&self, provider: Provider, path: &str, body: &Value) -> Response {
        let request = self.pool(provider).request(Method::POST, path).json(body);
        request.send().await.expect("the gateway answers")
    }

    async fn message(&self, body: &Value) -> Response {
        let path = "/v1/messages?beta=true";
        self.post(Provider::Anthropic, path, body).await
    }
}

fn message(text: &str, max_tokens: u64) -> Value {
    json!({
        "model": "m", "max_tokens": max_tokens, "messages": [{"role": "user", "content": text}],
    })
}

fn session(access: &Access, grant: Option<Grant>) -> Session {
    let opened = access.session_blocking("work", grant);
    opened.expect("it can be opened")
}

#[tokio::test]
async fn the_key_stays_and_the_token_ends_with_its_session() {
    let models = SimulatedModels::start(|_| Turn::says("hello")).await;
    let gateway = gateway(options()).await;
    let first = session(&access(&gateway, &models), None);
    let client = Client::of(&first);
    assert!(client.variable("OPENAI_API_BASE").ends_with("/openai/v1"));
    let answer = client.message(&message("hi", 100)).await;
    assert_eq!(answer.status().as_u16(), 200, "{}", answer.text());
    assert!(answer.text().contains("hello"));
    let heard = models.heard();
    assert_eq!(heard[0].path, "/v1/messages");
    assert_eq!(heard[0].headers["x-api-key"], KEY);
    let sent = format!("{:?}", heard[0].headers);
    assert!(!sent.contains(first.token()), "{sent}");

    let second = session(&access(&gateway, &models), None);
    assert_ne!(first.token(), second.token());
    let shown = format!("{first:?} {gateway:?} {:?}", access(&gateway, &models));
    assert!(!shown.contains(KEY) && !shown.contains(first.token()));
    drop(first);
    let refused = client.message(&message("hi", 100)).await;
    assert_eq!(refused.status().as_u16(), 401);
    assert!(refused.text().contains("does not know this key"));
    let nobody = HttpConnectionPool::builder(client.variable("OPENAI_BASE_URL"));
    let nobody = nobody.build().expect("it is valid").get("/models").await;
    assert_eq!(nobody.expect("it answers").status().as_u16(), 401);
    assert_eq!(models.heard().len(), 1, "no more was forwarded");
}

#[tokio::test]
async fn only_what_is_known_is_forwarded() {
    let models = SimulatedModels::start(|_| Turn::says("hello")).await;
    models.offer("m");
    let session = session(&access(&gateway(options()).await, &models), None);
    let client = Client::of(&session);
    let count = json!({"model": "m", "messages": []});
    let path = "/v1/messages/count_tokens";
    let counted = client.post(Provider::Anthropic, path, &count).await;
    assert!(counted.text().contains("input_tokens"));
    let listed = client.pool(Provider::OpenAi).get("/models").await;
    assert!(listed.expect("it answers").text().contains("\"m\""));
    assert!(session.spent().cost == Some(Usd::ZERO) && session.is_unused());
    let n_heard = models.heard().len();
    for path in ["/files", "/responses/r1/input_items", "/embeddings"] {
        let answer = client.post(Provider::OpenAi, path, &json!({})).await;
        assert_eq!(answer.status().as_u16(), 404, "{path}");
    }
    // What is answered later, or elsewhere, is not counted here.
    for path in ["/v1/messages/batches", "/v1/complete", "/v1/files"] {
        let answer = client.post(Provider::Anthropic, path, &json!({})).await;
        assert_eq!(answer.status().as_u16(), 404, "{path}");
        let said = answer.text();
        assert!(said.contains("what it can count"), "{said}");
    }
    let unread = client.message(&json!({"messages": []})).await;
    assert_eq!(unread.status().as_u16(), 400);
    assert!(unread.text().contains("`model`"), "{}", unread.text());
    assert_eq!(models.heard().len(), n_heard);
}

#[tokio::test]
async fn what_is_used_is_counted_to_the_token() {
    let usage = TokenUsage {
        input: 1234,
        cache_read: 567,
        output: 89,
        reasoning: 0,
        ..TokenUsage::default()
    };
    let models = SimulatedModels::start(move |_| Turn::says("hello").using(usage)).await;
    let access = access(&gateway(options()).await, &models);
    let calls = [
        (Provider::Anthropic, "/v1/messages"),
        (Provider::OpenAi, "/responses"),
        (Provider::OpenAi, "/chat/completions"),
    ];
    for (provider, path) in calls {
        for is_streamed in [false, true] {
            let session = session(&access, None);
            let mut body = message("hi", 100);
            body["stream"] = json!(is_streamed);
            let answer = Client::of(&session).post(provider, path, &body).await;
            assert_eq!(answer.status().as_u16(), 200, "{path}: {}", answer.text());
            assert!(answer.text().contains("hello"));
            let spent = session.spent();
            assert_eq!(spent.usage, usage, "{path}, streamed {is_streamed}");
            assert_eq!(spent.cost, Some(micro(1234 + 567 + 890)));
            assert_eq!(spent.model, "m");
        }
    }
    assert_eq!(models.used("m").output, 6 * 89);
}

#[tokio::test]
async fn nothing_goes_out_that_could_pass_the_limit() {
    let models = SimulatedModels::start(|_| Turn::says("hello")).await;
    let access = access(&gateway(options()).await, &models);
    // A frame of 1,024 tokens, the text, and 8,000 tokens of output at ten each.
    let (purse, grant) = purse(micro(82_000));
    let spender = session(&access, Some(grant));
    let client = Client::of(&spender);
    let sent = |n: usize| models.heard()[n].body["max_tokens"].clone();
    assert!(
        client
            .message(&message("hi", 8000))
            .await
            .status()
            .is_success()
    );
    assert_eq!(sent(0), 8000);
    // There is room for a shorter answer.
    assert!(
        client
            .message(&message("hi", 32_000))
            .await
            .status()
            .is_success()
    );
    assert_eq!(sent(1), 8000);
    assert_eq!(spender.spent().cost, Some(micro(2 * (100 + 100))));
    let most = *purse.allowed.lock().expect("no panic");
    assert!(most <= micro(82_000), "{most}");
    // Not for the text of this one.
    let long = "word ".repeat(40_000);
    let refused = client.message(&message(&long, 8000)).await;
    assert_eq!(refused.status().as_u16(), 402, "{}", refused.text());
    assert!(refused.text().contains("spend more"), "{}", refused.text());
    assert_eq!(models.heard().len(), 2);
    let refusal = spender.take_refusal().expect("it was refused");
    assert_eq!(refusal.class(), ErrorClass::BudgetExceeded);
    assert!(spender.take_refusal().is_none(), "it is said once");

    let unbounded = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [
        {"type": "video", "source": {"type": "base64", "data": "JVBERi0="}},
    ]}]});
    let refused = client.message(&unbounded).await;
    assert_eq!(refused.status().as_u16(), 400);
    assert!(refused.text().contains("a video"), "{}", refused.text());
    assert_eq!(models.heard().len(), 2);

    // A file that a tool has read stays in all that follows.
    let result = |content: Value| {
        let part = json!({"type": "tool_result", "tool_use_id": "t", "content": [content]});
        json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": [part]}]})
    };
    let source = json!({"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="});
    let document = result(json!({"type": "document", "source": source}));
    let answer = client.message(&document).await;
    assert_eq!(answer.status().as_u16(), 200, "{}", answer.text());
    let heard = models.heard();
    let content = &heard[2].body["messages"][0]["content"][0]["content"][0];
    let text = content["text"].as_str().expect("a text");
    assert!(text.contains("It is left out"), "{text}");
    assert_eq!(
        heard[2].body["messages"],
        result(json!({"type": "text", "text": text}))["messages"],
        "nothing else has changed"
    );
}

/// Many at once: at no time may those under way together cost more than there is, and none is refused only
/// since others could have cost more than they did.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_at_once_never_pass_the_limit_together() {
    let models = SimulatedModels::start(|_| Turn::says("hello")).await;
    let access = access(&gateway(options()).await, &models);
    // Each costs 200; at its most 1,024 for the frame, some text, and 10,240 for its output.
    let (purse, grant) = purse(micro(40_000));
    let session = session(&access, Some(grant));
    let mut requests = tokio::task::JoinSet::new();
    let n_refused = Arc::new(AtomicUsize::new(0));
    for _ in 0..100 {
        let (client, n_refused) = (Client::of(&session), Arc::clone(&n_refused));
        requests.spawn(async move {
            let answer = client.message(&message("hi", 1024)).await;
            if !answer.status().is_success() {
                n_refused.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    while let Some(done) = requests.join_next().await {
        done.expect("no panic");
    }
    assert_eq!(n_refused.load(Ordering::SeqCst), 0);
    assert_eq!(session.spent().cost, Some(micro(100 * 200)));
    let most = *purse.allowed.lock().expect("no panic");
    assert!(most > micro(20_000) && most <= micro(40_000), "{most}");
}

/// Text that needs a token for each of its bytes, twice what is reckoned: several at once pass a limit by the input
/// of one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn text_made_to_be_dear_passes_the_limit_once() {
    let models = SimulatedModels::start(|asked| {
        let input = asked.body.to_string().len() as u64;
        Turn::says("hello").using(TokenUsage {
            input,
            output: 10,
            ..TokenUsage::default()
        })
    })
    .await;
    let access = access(&gateway(options()).await, &models);
    let text = "x".repeat(20_000);
    // Reckoned, four of them fit: 10,000 for each text, the frame of 1,024, and 1,000 for the output.
    let limit = 50_000;
    let (_, grant) = purse(micro(limit));
    let session = session(&access, Some(grant));
    let mut requests = tokio::task::JoinSet::new();
    for number in 0..8 {
        // One token more for each, so that none is reckoned from another.
        let (client, text) = (Client::of(&session), format!("{number}{text}{number}"));
        requests.spawn(async move { client.message(&message(&text, 100)).await });
    }
    while let Some(done) = requests.join_next().await {
        done.expect("no panic");
    }
    let spent = session.spent().cost.expect("it has a price");
    assert!(
        spent >= micro(40_000),
        "at least two were answered: {spent}"
    );
    let excess = 10_100;
    assert!(spent <= micro(limit + excess), "{spent}");
}

#[tokio::test]
async fn a_model_without_a_price_is_asked_of_a_server_of_ones_own_alone() {
    let models = SimulatedModels::start(|_| Turn::says("hello")).await;
    let gateway = gateway(options()).await;
    let mut body = message("hi", 100);
    body["model"] = json!("unpriced");
    let (_, grant) = purse(micro(1));
    let own = session(&access(&gateway, &models), Some(grant.clone()));
    assert!(Client::of(&own).message(&body).await.status().is_success());
    assert_eq!(own.spent().cost, None);
    assert_eq!(own.spent().usage, models.used("unpriced"));

    // Nothing listens there, and nothing is sent.
    let mut environment = vec![
        ("ANTHROPIC_API_KEY".to_owned(), KEY.to_owned()),
        (
            "ANTHROPIC_BASE_URL".to_owned(),
            "https://127.0.0.1:9".to_owned(),
        ),
    ];
    let foreign = Access::take(&gateway, "coder", &Provider::ALL, &mut environment);
    let foreign = foreign.expect("it is valid").expect("there is a key");
    let foreign = session(&foreign, Some(grant));
    let refused = Client::of(&foreign).message(&body).await;
    assert_eq!(refused.status().as_u16(), 400);
    let text = refused.text();
    assert!(
        text.contains("the price of unpriced is not known"),
        "{text}"
    );
    assert_eq!(
        foreign.failure().expect("it failed").0,
        ErrorClass::Validation
    );
}

#[tokio::test]
async fn a_key_does_not_go_out_in_the_clear() {
    let gateway = gateway(options()).await;
    let mut environment = vec![
        ("OPENAI_API_KEY".to_owned(), KEY.to_owned()),
        (
            "OPENAI_BASE_URL".to_owned(),
            "http://me:a-password@models.example.com/v1".to_owned(),
        ),
    ];
    let refused = Access::take(&gateway, "coder", &Provider::ALL, &mut environment);
    let said = refused.expect_err("it is refused").to_string();
    let shown = "…@models.example.com/v1 is not encrypted";
    assert!(said.contains(shown), "{said}");
    assert!(
        !said.contains(KEY) && !said.contains("a-password"),
        "{said}"
    );
    let mut none = vec![("PATH".to_owned(), "/bin".to_owned())];
    let without = Access::take(&gateway, "coder", &Provider::ALL, &mut none);
    assert!(
        without.expect("it is valid").is_none(),
        "it has a login of its own"
    );
    assert_eq!(none.len(), 1);
}

/// Whoever announces a body and does not send it holds room for as long as it may take, and not longer.
#[tokio::test]
async fn bodies_wait_for_room_and_come_in_time() {
    let models = SimulatedModels::start(|_| Turn::says("hello")).await;
    let mut options = options();
    options.held_bytes = 64 * 1024;
    options.body_time = Duration::from_millis(400);
    let gateway = gateway(options).await;
    let session = session(&access(&gateway, &models), None);
    let client = Client::of(&session);
    let began = std::time::Instant::now();
    let mut slow = tokio::net::TcpStream::connect(gateway.address()).await;
    let slow = slow.as_mut().expect("it listens");
    let head = format!(
        "POST /anthropic/v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\ncontent-length: 49152\r\n\
         expect: 100-continue\r\n\r\n",
        session.token()
    );
    slow.write_all(head.as_bytes()).await.expect("sent");
    // It is told to go on when it has its room.
    let mut said = vec![0; 1024];
    let n_read = slow.read(&mut said).await.expect("it is answered");
    assert!(said[..n_read].starts_with(b"HTTP/1.1 100"));
    let waiting = message(&"x".repeat(40 * 1024), 100);
    let answer = client.message(&waiting).await;
    assert!(answer.status().is_success(), "{}", answer.text());
    assert!(began.elapsed() >= Duration::from_millis(400), "it waited");
    let n_read = slow.read(&mut said).await.expect("it is answered");
    let said = String::from_utf8_lossy(&said[..n_read]);
    assert!(said.starts_with("HTTP/1.1 408"), "{said}");
    let short = client.message(&message("hi", 100)).await;
    assert!(short.status().is_success(), "all room is free again");
    let long = client.message(&message(&"x".repeat(70_000), 100)).await;
    assert_eq!(long.status().as_u16(), 413, "{}", long.text());
    assert_eq!(models.heard().len(), 2);
}

/// Fails so often, then answers.
fn failing(fault: Fault, times: usize) -> impl Fn(&Asked) -> Turn {
    move |asked| match asked.number <= times {
        true => Turn::fails(fault),
        false => Turn::says("hello"),
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_here() {
    let passing = [
        (Fault::RateLimited { retry_after: 0 }, 2),
        (Fault::Overloaded, 2),
    ];
    for (fault, times) in passing {
        let models = SimulatedModels::start(failing(fault, times)).await;
        let session = session(&access(&gateway(options()).await, &models), None);
        let answer = Client::of(&session).message(&message("hi", 100)).await;
        assert!(answer.status().is_success(), "{fault:?}: {}", answer.text());
        assert_eq!(models.heard().len(), times + 1, "{fault:?}");
        assert!(session.failure().is_none());
        assert_eq!(session.spent().usage, models.used("m"));
    }
}

#[tokio::test]
async fn what_stays_is_passed_on_with_its_class() {
    let quota = ErrorClass::QuotaExhausted { until: None };
    let lasting = [
        (Provider::OpenAi, Fault::QuotaExhausted, quota, 429, 1),
        (Provider::Anthropic, Fault::QuotaExhausted, quota, 429, 1),
        (
            Provider::OpenAi,
            Fault::Unauthorized,
            ErrorClass::Unauthorized,
            401,
            1,
        ),
        (
            Provider::Anthropic,
            Fault::Overloaded,
            ErrorClass::Transient,
            529,
            2,
        ),
        (
            Provider::Anthropic,
            Fault::Closed,
            ErrorClass::Transient,
            502,
            2,
        ),
    ];
    for (provider, fault, class, status, n_sent) in lasting {
        let models = SimulatedModels::start(failing(fault, usize::MAX)).await;
        let mut options = options();
        options.retries = 1;
        let session = session(&access(&gateway(options).await, &models), None);
        let path = match provider {
            Provider::Anthropic => "/v1/messages",
            Provider::OpenAi => "/responses",
        };
        let client = Client::of(&session);
        let answer = client.post(provider, path, &message("hi", 100)).await;
        assert_eq!(answer.status().as_u16(), status, "{provider:?} {fault:?}");
        assert_eq!(answer.header("x-should-retry"), Some("false"));
        let body: Value = serde_json::from_slice(answer.bytes()).expect("an error in JSON");
        assert!(body["error"]["message"].is_string(), "{body}");
        let (known, said) = session.failure().expect("it failed");
        assert_eq!(known, class, "{provider:?} {fault:?}: {said}");
        assert!(said.contains(models.url()), "it names who says so: {said}");
        assert_eq!(models.heard().len(), n_sent, "{provider:?} {fault:?}");
        let is_free = session.spent().cost == Some(Usd::ZERO);
        // Whether a closed connection had an answer to come, nobody knows.
        assert_eq!(is_free, fault != Fault::Closed, "{fault:?}");
    }
}

#[tokio::test]
async fn a_limit_that_ends_later_than_one_waits_is_told_of() {
    let fault = Fault::RateLimited { retry_after: 3600 };
    let models = SimulatedModels::start(failing(fault, usize::MAX)).await;
    let session = session(&access(&gateway(options()).await, &models), None);
    let answer = Client::of(&session).message(&message("hi", 100)).await;
    assert_eq!(answer.status().as_u16(), 429, "{}", answer.text());
    let (class, _) = session.failure().expect("it failed");
    assert!(
        matches!(class, ErrorClass::RateLimited { until: Some(_) }),
        "{class:?}"
    );
    // Nobody asks before that time.
    let again = Client::of(&session).message(&message("hi", 100)).await;
    assert_eq!(again.status().as_u16(), 429);
    assert_eq!(models.heard().len(), 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_paid_for_as_far_as_it_came() {
    for fault in [Fault::CutStream, Fault::Silence] {
        let models = SimulatedModels::start(failing(fault, usize::MAX)).await;
        let mut options = options();
        options.silence = Duration::from_millis(300);
        let session = session(&access(&gateway(options).await, &models), None);
        let client = Client::of(&session);
        let mut body = message("hi", 100);
        body["stream"] = json!(true);
        let request = client.pool(Provider::Anthropic);
        let request = request.request(Method::POST, "/v1/messages").json(&body);
        request.send().await.expect_err("it has no end");
        let spent = session.spent();
        assert_eq!(spent.usage.input, 100, "its start has told of it");
        assert!(spent.usage.output > 0 && spent.usage.output <= 100);
        let (class, said) = session.failure().expect("it failed");
        let expected = match fault {
            Fault::Silence => ErrorClass::Timeout,
            _ => ErrorClass::Transient,
        };
        assert_eq!(class, expected, "{said}");
    }
}

/// What nobody has seen of an answer may have been made: it counts as all that was allowed, unless what came
/// shows all that it is made of.
#[tokio::test]
async fn an_answer_that_breaks_off_counts_what_it_does_not_show() {
    let (anthropic, openai) = (Provider::Anthropic, Provider::OpenAi);
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": 2000}});
    let adaptive = json!({"thinking": {"type": "adaptive"}});
    let no_effort = json!({"reasoning_effort": "none"});
    let none = json!({"reasoning": {"effort": "none"}});
    let plain = json!({});
    for (provider, path, with, is_streamed, is_most) in [
        (anthropic, "/v1/messages", &plain, true, false),
        (anthropic, "/v1/messages", &plain, false, true),
        (anthropic, "/v1/messages", &thinking, true, true),
        (anthropic, "/v1/messages", &adaptive, true, true),
        (openai, "/responses", &plain, true, true),
        (openai, "/responses", &plain, false, true),
        (openai, "/responses", &none, true, false),
        (openai, "/chat/completions", &plain, true, true),
        (openai, "/chat/completions", &plain, false, true),
        (openai, "/chat/completions", &no_effort, true, false),
    ] {
        let models = SimulatedModels::start(failing(Fault::CutStream, usize::MAX)).await;
        let session = session(&access(&gateway(options()).await, &models), None);
        let client = Client::of(&session);
        let mut body = message("hi", 8000);
        if path == "/responses" {
            body = json!({"model": "m", "max_output_tokens": 8000, "input": "hi"});
        }
        body["stream"] = json!(is_streamed);
        let Value::Object(with) = with else {
            unreachable!("each is an object")
        };
        for (key, value) in with {
            body[key] = value.clone();
        }
        let request = client
            .pool(provider)
            .request(Method::POST, path)
            .json(&body);
        request.send().await.expect_err("it has no end");
        let spent = session.spent();
        let output = spent.usage.output;
        let what = format!("{path} {body}: {output}");
        assert_eq!(output == 8000, is_most, "{what}");
        assert!(output > 0 && output <= 8000, "{what}");
    }
}

#[tokio::test]
async fn what_an_agent_does_not_wait_for_is_paid_for() {
    let models = SimulatedModels::start(|_| Turn::fails(Fault::Silence)).await;
    let session = session(&access(&gateway(options()).await, &models), None);
    let client = Client::of(&session);
    let mut body = message("hi", 100);
    body["stream"] = json!(true);
    let request = client.pool(Provider::Anthropic);
    let request = request.request(Method::POST, "/v1/messages").json(&body);
    let answer = request.send_streamed().await.expect("it begins");
    drop(answer);
    let settled = async {
        while session.spent().usage.input == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
    settled.expect("it is settled when the agent has gone");
    assert_eq!(session.spent().usage.input, 100);
}

/// Each try may have been answered and paid for, though nobody has heard it.
#[tokio::test]
async fn an_answer_that_was_lost_counts_as_its_most() {
    for fault in [Fault::Closed, Fault::GatewayTimeout] {
        lost_twice(fault).await;
    }
}

async fn lost_twice(fault: Fault) {
    let models = SimulatedModels::start(failing(fault, 2)).await;
    let access = access(&gateway(options()).await, &models);
    let (purse, grant) = purse(micro(1_000_000));
    let session = session(&access, Some(grant));
    let answer = Client::of(&session).message(&message("hi", 100)).await;
    assert!(answer.status().is_success(), "{}", answer.text());
    assert_eq!(models.heard().len(), 3);
    assert!(session.failure().is_none());
    let spent = session.spent();
    assert_eq!(spent.usage.output, 100 + 100 + 10);
    let lost = (spent.usage.input - 100) / 2;
    assert!(lost > 1024, "{spent:?}");
    let most = micro(lost + 1000);
    let expected = most.saturating_add(most).saturating_add(micro(200));
    assert_eq!(spent.cost, Some(expected));
    // Before the third try all three were asked for.
    let asked = *purse.allowed.lock().expect("no panic");
    assert_eq!(asked, micro(3 * (lost + 1000)));
}

#[tokio::test]
async fn a_try_after_a_lost_answer_is_asked_for_again() {
    let models = SimulatedModels::start(failing(Fault::Closed, usize::MAX)).await;
    let access = access(&gateway(options()).await, &models);
    // Enough for one, whose output alone may cost 1,000.
    let (_, grant) = purse(micro(3000));
    let session = session(&access, Some(grant));
    let answer = Client::of(&session).message(&message("hi", 100)).await;
    assert_eq!(answer.status().as_u16(), 402, "{}", answer.text());
    assert_eq!(models.heard().len(), 1, "there is no money for another try");
    let refusal = session.take_refusal().expect("it was refused");
    assert_eq!(refusal.class(), ErrorClass::BudgetExceeded);
    assert!(session.spent().cost <= Some(micro(3000)));
}

#[tokio::test]
async fn what_never_reached_the_provider_costs_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    // Nothing listens there any more.
    drop(listener);
    for url in [
        format!("http://{address}"),
        // No server of this kind, and no such name.
        format!("https://{address}"),
        "https://nowhere.invalid".to_owned(),
    ] {
        let mut options = options();
        options.retries = 1;
        let gateway = gateway(options).await;
        let access = Access::to(&gateway, "coder", Provider::Anthropic, &url, Some(KEY));
        let session = session(&access.expect("it is valid"), None);
        let answer = Client::of(&session).message(&message("hi", 100)).await;
        assert_eq!(answer.status().as_u16(), 502, "{url}: {}", answer.text());
        assert_eq!(session.spent().cost, Some(Usd::ZERO), "{url}");
    }
}

/// What waits for the provider's limits when its session ends is not sent, and has cost nothing.
#[tokio::test]
async fn a_session_that_ends_takes_with_it_what_waits() {
    let fault = Fault::RateLimited { retry_after: 2 };
    let models = SimulatedModels::start(failing(fault, 1)).await;
    let session = session(&access(&gateway(options()).await, &models), None);
    let client = Client::of(&session);
    let body = message("hi", 100);
    let closing = async {
        while models.heard().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        session.close().await
    };
    let (answer, spent) = tokio::join!(client.message(&body), closing);
    assert_eq!(answer.status().as_u16(), 401, "{}", answer.text());
    assert_eq!(spent.cost, Some(Usd::ZERO));
    assert_eq!(models.heard().len(), 1, "nothing more was sent");
}

/// A provider that takes requests and answers none.
#[tokio::test]
async fn what_was_sent_and_never_answered_counts_as_its_most() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let mut environment = vec![
        ("ANTHROPIC_API_KEY".to_owned(), KEY.to_owned()),
        ("ANTHROPIC_BASE_URL".to_owned(), url),
    ];
    let gateway = gateway(options()).await;
    let access = Access::take(&gateway, "coder", &Provider::ALL, &mut environment);
    let access = access.expect("it is valid").expect("there is a key");
    let session = session(&access, None);
    let client = Client::of(&session);
    let body = message("hi", 100);
    tokio::select! {
        answer = client.message(&body) => panic!("nobody answers: {}", answer.text()),
        accepted = async {
            let (stream, _) = listener.accept().await.expect("it is asked");
            stream.readable().await.expect("something was sent");
            stream
        } => drop(accepted),
    }
    let spent = session.close().await;
    assert!(
        spent.usage.input >= 1024 && spent.usage.output == 100,
        "{spent:?}"
    );
    let most = micro(spent.usage.input + 1000);
    assert_eq!(spent.cost, Some(most));
    // Its token has ended, too.
    let again = client.message(&body).await;
    assert_eq!(again.status().as_u16(), 401);
}

#[tokio::test]
async fn a_recorded_run_is_given_again_without_a_provider() {
    let folder = tempfile::tempdir().expect("a folder");
    let models = SimulatedModels::start(|asked| match asked.number {
        2 => Turn::fails(Fault::Unauthorized),
        number => Turn::says(format!("answer {number}")),
    })
    .await;
    let asks = async |client: &Client| {
        let mut all = Vec::new();
        for (provider, path, is_streamed) in [
            (Provider::Anthropic, "/v1/messages", true),
            (Provider::Anthropic, "/v1/messages", false),
            (Provider::OpenAi, "/responses", true),
            (Provider::Anthropic, "/v1/messages", false),
        ] {
            let mut body = message(&format!("question {}", all.len()), 100);
            body["stream"] = json!(is_streamed);
            let answer = client.post(provider, path, &body).await;
            all.push((answer.status(), answer.text()));
        }
        all
    };
    let mut recording = options();
    recording.tape = Tape::Record(folder.path().join("models"));
    let recorded = session(&access(&gateway(recording).await, &models), None);
    let first = asks(&Client::of(&recorded)).await;
    assert!(first[0].1.contains("answer 1") && first[3].1.contains("answer 4"));
    let n_heard = models.heard().len();
    drop(models);

    let mut replaying = options();
    replaying.tape = Tape::Replay(folder.path().join("models"));
    let gateway = gateway(replaying).await;
    let access = Access::take(&gateway, "coder", &Provider::ALL, &mut Vec::new());
    let access = access.expect("it is valid").expect("it needs no key");
    let again = session(&access, None);
    let client = Client::of(&again);
    let successes = first.iter().filter(|(status, _)| status.is_success());
    let expected: Vec<_> = successes.cloned().collect();
    let mut given = Vec::new();
    for (provider, path) in [
        (Provider::Anthropic, "/v1/messages"),
        (Provider::OpenAi, "/responses"),
        (Provider::Anthropic, "/v1/messages"),
    ] {
        // Not to the letter what was asked.
        let answer = client.post(provider, path, &message("now", 100)).await;
        given.push((answer.status(), answer.text()));
    }
    assert_eq!(given, expected);
    let spent = again.spent();
    assert_eq!(spent.usage, recorded.spent().usage);
    assert_eq!(spent.cost, Some(Usd::ZERO), "nobody was asked");
    let more = client.message(&message("more", 100)).await;
    assert_eq!(more.status().as_u16(), 400);
    assert!(more.text().contains("no further answer"), "{}", more.text());
    assert_eq!(n_heard, 4);
}

/// An agent that is any program: its key stays with the gateway, which alone counts.
#[tokio::test]
async fn a_command_gets_a_token_in_place_of_its_key() {
    let models = SimulatedModels::start(|_| Turn::says("hello")).await;
    let place = Place::new();
    let gateway = gateway(options()).await;
    let context = AgentContext {
        environment: vec![("PATH".to_owned(), std::env::var("PATH").unwrap_or_default())],
        events: Arc::new(NoEvents),
        clock: Arc::new(SystemClock),
        transcript_bytes: 1 << 20,
        sandbox: None,
        prompts: Arc::default(),
        gateway: Some(gateway),
    };
    let spec = AgentSpec {
        name: "coder".into(),
        kind: "command".into(),
        command: Some(CommandLine::Shell(
            "env > seen; curl -sS -H \"Authorization: Bearer $OPENAI_API_KEY\" -H 'content-type: application/json' \
             -d '{\"model\": \"m\", \"messages\": []}' $OPENAI_BASE_URL/chat/completions > said"
                .into(),
        )),
        environment: environment(&models),
        ..AgentSpec::default()
    };
    let agent = Registry::default()
        .build(&spec, &context)
        .expect("it is valid");
    let (_, grant) = purse(micro(1_000_000));
    let mut request = place.request(implement("greet"));
    request.grant = Some(grant);
    request.model = Some(ModelChoice {
        model: "m".to_owned(),
        tier: String::new(),
    });
    let ran = agent.run(request, &CancellationToken::new()).await;
    let ran = ran.expect("it works");
    assert!(
        place.text("said").contains("hello"),
        "{}",
        place.text("said")
    );
    assert!(!place.text("seen").contains(KEY), "{}", place.text("seen"));
    assert_eq!(ran.usage, models.used("m"));
    assert_eq!(ran.cost, Some(micro(200)));
    assert_eq!(ran.model, "m");
}
