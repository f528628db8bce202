//! Models by their own interfaces, over HTTP, with a provider of ours.

use std::sync::{Arc, Mutex};

use agents::{
    api::{ApiAgent, ApiAgentOptions, Interface},
    gateway::{Access, Gateway, GatewayOptions, Provider},
};
use async_trait::async_trait;
use core_types::{
    Agent as _, AgentAnswer, AgentResult, AgentTask, CancellationToken, ErrorClass, Grant, Meter,
    ModelChoice, NoEvents, PortError, TokenUsage, Usd,
};
use serde_json::{Value, json};
use testkit::models::{Asked, Fault, Say, SimulatedModels, Stop, Turn};

use crate::support::{Place, fix_tests, implement, plan, read, review};

const KEY: &str = "sk-the-key-of-this-test";

fn options(interface: Interface, models: &SimulatedModels) -> ApiAgentOptions {
    let mut options = ApiAgentOptions::new("model", interface, Arc::new(NoEvents));
    options.url = Some(match interface {
        Interface::Anthropic => models.url().to_owned(),
        Interface::OpenAi | Interface::Responses => format!("{}/v1", models.url()),
    });
    options.key = Some(KEY.to_owned());
    options.environment = vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())];
    options
}

async fn run(
    place: &Place,
    options: ApiAgentOptions,
    task: AgentTask,
    grant: Option<Grant>,
) -> Result<AgentResult, PortError> {
    let mut request = place.request(task);
    request.model = Some(ModelChoice {
        model: "some-model".to_owned(),
        tier: String::new(),
    });
    request.grant = grant;
    let agent = ApiAgent::new(options).expect("it is configured well");
    agent.run(request, &CancellationToken::new()).await
}

/// A tool's call at each turn, then these words.
fn calls(calls: Vec<(&'static str, Value)>, words: &'static str) -> impl Fn(&Asked) -> Turn {
    move |asked| match calls.get(asked.results.len()) {
        Some((tool, input)) => Turn::tool(*tool, input.clone()),
        None => Turn::says(words),
    }
}

#[tokio::test]
async fn a_model_works_by_tools() {
    for interface in Interface::ALL {
        let place = Place::new();
        place.put("a.txt", "one\ntwo\nthree\n");
        let models = SimulatedModels::start(calls(
            vec![
                ("list_files", json!({})),
                ("read_file", json!({"path": "a.txt", "from": 2, "lines": 1})),
                ("search", json!({"text": "three"})),
                (
                    "edit_file",
                    json!({"path": "a.txt", "from": "two\n", "to": "2\n"}),
                ),
                ("write_file", json!({"path": "new/b.txt", "text": "new\n"})),
            ],
            "It is done.",
        ))
        .await;
        let result = run(
            &place,
            options(interface, &models),
            implement("greet"),
            None,
        )
        .await;
        let result = result.expect("it works");
        let summary = "It is done.".to_owned();
        assert_eq!(result.answer, AgentAnswer::Work { summary });
        assert_eq!(place.text("a.txt"), "one\n2\nthree\n");
        assert_eq!(place.text("new/b.txt"), "new\n");
        assert_eq!(result.usage, models.used("some-model"), "to the token");
        let heard = models.heard();
        assert_eq!(heard.len(), 6);
        let last = heard.last().expect("six").body.to_string();
        for told in ["a.txt", "two\\n", "a.txt:3: three", "done"] {
            assert!(last.contains(told), "{told} in {last}");
        }
        let transcript = read(&place.scratch().join("transcript.log"));
        assert!(transcript.contains("> edit_file a.txt\n"), "{transcript}");
        assert!(transcript.ends_with("It is done.\n"), "{transcript}");
        let headers = &heard[0].headers;
        let sent = headers.values().filter(|it| it.contains(KEY)).count();
        assert_eq!(sent, 1, "the key goes in one header: {headers:?}");
        for file in ["request.json", "transcript.log"] {
            assert!(!read(&place.scratch().join(file)).contains(KEY), "{file}");
        }
    }
}

/// A repository may hold what waits for ever, or has no end.
#[tokio::test]
async fn what_is_no_plain_file_of_a_size_is_not_read() {
    let place = Place::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let pipe = place.folder().join("pipe");
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, kind, mode, 0).expect("a pipe");
    let large = std::fs::File::create(place.folder().join("large")).expect("a file");
    large.set_len((8 << 20) + 1).expect("it has no blocks");
    let models = SimulatedModels::start(calls(
        vec![
            ("read_file", json!({"path": "pipe"})),
            ("edit_file", json!({"path": "pipe", "from": "x", "to": "y"})),
            ("write_file", json!({"path": "pipe", "text": "x"})),
            ("read_file", json!({"path": "large"})),
        ],
        "I give up.",
    ))
    .await;
    let options = options(Interface::Anthropic, &models);
    run(&place, options, implement("greet"), None)
        .await
        .expect("its calls fail, not it");
    let last = models.heard().pop().expect("some").body.to_string();
    assert_eq!(last.matches("is no plain file").count(), 3, "{last}");
    assert!(last.contains("has more than 8388608 bytes"), "{last}");
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let place = Place::new();
    place.put("../secret", "hidden\n");
    let outside = place.folder().join("../secret");
    std::os::unix::fs::symlink(&outside, place.folder().join("link")).expect("a link");
    let path = outside.display().to_string();
    let models = SimulatedModels::start(calls(
        vec![
            ("read_file", json!({"path": "../secret"})),
            ("read_file", json!({"path": path})),
            ("read_file", json!({"path": "link"})),
            ("write_file", json!({"path": "link", "text": "x"})),
            (
                "edit_file",
                json!({"path": "a/../../secret", "from": "hidden", "to": "x"}),
            ),
            ("delete_file", json!({"path": "../secret"})),
            ("list_files", json!({"path": ".."})),
            ("search", json!({"text": "hidden"})),
            ("run_tests", json!({})),
            ("nonsense", json!({})),
            ("write_file", json!({"text": "no path"})),
        ],
        "I give up.",
    ))
    .await;
    let options = options(Interface::Anthropic, &models);
    run(&place, options, implement("greet"), None)
        .await
        .expect("its calls fail, not it");
    assert_eq!(read(&outside), "hidden\n");
    let last = models.heard().pop().expect("some").body;
    let messages = last["messages"].as_array().expect("messages");
    let results = messages
        .iter()
        .flat_map(|it| it["content"].as_array().into_iter().flatten());
    let results: Vec<_> = results.filter(|it| it["type"] == "tool_result").collect();
    let refused = results.iter().filter(|it| it["is_error"] == true).count();
    assert_eq!(
        (results.len(), refused),
        (11, 10),
        "all but the search: {results:#?}"
    );
    assert!(
        !last.to_string().contains("hidden\\n"),
        "nothing of it was shown: {last}"
    );
}

#[tokio::test]
async fn plans_and_reviews_come_by_a_tool() {
    let planned = json!({"summary": "s", "plan": {"title": "t", "tasks": []}});
    let reviewed = json!({"review": {"approved": true, "comments": "", "issues_found": [], "confidence": 0.5}});
    for interface in Interface::ALL {
        for (task, answer) in [(plan(), planned.clone()), (review(), reviewed.clone())] {
            let place = Place::new();
            let models = SimulatedModels::start(move |asked| {
                assert!(
                    !asked.tools.iter().any(|it| it == "write_file"),
                    "it only reads"
                );
                match asked.number {
                    1 => Turn::says("I think about it."),
                    _ => Turn::tool("answer", answer.clone()),
                }
            })
            .await;
            let result = run(&place, options(interface, &models), task, None).await;
            let result = result.expect("it answers when it is reminded");
            assert!(!matches!(result.answer, AgentAnswer::Work { .. }));
            assert_eq!(models.heard().len(), 2);
        }
    }
}

#[tokio::test]
async fn who_never_answers_is_not_asked_for_ever() {
    let place = Place::new();
    let models = SimulatedModels::start(|_| Turn::says("Well.")).await;
    let error = run(&place, options(Interface::OpenAi, &models), plan(), None).await;
    assert_eq!(error.expect_err("no plan").class(), ErrorClass::Validation);
    assert_eq!(models.heard().len(), 3);

    let models = SimulatedModels::start(|_| Turn::tool("list_files", json!({}))).await;
    let mut endless = options(Interface::OpenAi, &models);
    endless.max_turns = 5;
    let error = run(&place, endless, implement("greet"), None).await;
    let error = error.expect_err("it goes on and on");
    assert!(
        error.to_line().contains("in 5 answers"),
        "{}",
        error.to_line()
    );
    let spent = error.spent().expect("it was paid for");
    assert_eq!(spent.usage, models.used("some-model"));
}

#[tokio::test]
async fn it_runs_the_tests_that_it_repairs() {
    let place = Place::new();
    place.put("a.txt", "wrong\n");
    let models = SimulatedModels::start(calls(
        vec![
            ("run_tests", json!({})),
            ("write_file", json!({"path": "a.txt", "text": "right\n"})),
            ("run_tests", json!({})),
        ],
        "Repaired.",
    ))
    .await;
    let mut task = fix_tests(None);
    if let AgentTask::FixTests { command, .. } = &mut task {
        "cat a.txt; grep -q right a.txt && test -z \"$OPENAI_API_KEY\"".clone_into(command);
    }
    run(&place, options(Interface::OpenAi, &models), task, None)
        .await
        .expect("it works");
    let last = models.heard().pop().expect("some").body.to_string();
    assert!(
        last.contains("wrong") && last.contains("right"),
        "it has seen both: {last}"
    );
}

#[tokio::test]
async fn each_fault_has_its_class() {
    let until = |class: ErrorClass| matches!(class, ErrorClass::RateLimited { until: Some(_) });
    for interface in Interface::ALL {
        for (fault, is_expected) in [
            (
                Fault::Closed,
                (|class| class == ErrorClass::Transient) as fn(ErrorClass) -> bool,
            ),
            (Fault::Unauthorized, |class| {
                class == ErrorClass::Unauthorized
            }),
            (Fault::RateLimited { retry_after: 7 }, until),
            (Fault::QuotaExhausted, |class| {
                matches!(
                    class,
                    ErrorClass::QuotaExhausted { .. } | ErrorClass::RateLimited { .. }
                )
            }),
            (Fault::Overloaded, |class| class == ErrorClass::Transient),
            (Fault::CutStream, |class| class == ErrorClass::Transient),
            (Fault::WrongJson, |class| class == ErrorClass::Transient),
        ] {
            let place = Place::new();
            let models = SimulatedModels::start(move |_| Turn::fails(fault)).await;
            let error = run(
                &place,
                options(interface, &models),
                implement("greet"),
                None,
            )
            .await;
            let error = error.expect_err("a fault");
            assert!(
                is_expected(error.class()),
                "{interface:?} {fault:?}: {:?} {error}",
                error.class()
            );
            assert!(!error.to_line().contains(KEY), "{}", error.to_line());
            assert_eq!(models.heard().len(), 1, "nothing is tried again here");
        }
    }
}

/// A dollar a token; remembers what it was asked for.
#[derive(Debug)]
struct Purse {
    has: Usd,
    asked: Mutex<Vec<Usd>>,
}

#[async_trait]
impl Meter for Purse {
    fn price(&self, _: &str, usage: &TokenUsage) -> Option<Usd> {
        Some(Usd::from_pico(usage.total() * 1_000_000_000_000))
    }

    async fn allow(&self, so_far: Usd) -> Result<(), PortError> {
        self.asked.lock().expect("nobody panics").push(so_far);
        match so_far <= self.has {
            true => Ok(()),
            false => Err(PortError::new(
                ErrorClass::BudgetExceeded,
                "set money aside",
            )),
        }
    }
}

#[tokio::test]
async fn the_most_that_an_answer_can_cost_is_asked_for_before_it() {
    let place = Place::new();
    let first_uses = |output: u64| {
        SimulatedModels::start(move |asked: &Asked| match asked.results.is_empty() {
            true => Turn::tool("list_files", json!({})).using(TokenUsage {
                input: 10,
                output,
                ..TokenUsage::default()
            }),
            false => Turn::says("Done."),
        })
    };
    let models = first_uses(100).await;
    let purse = |has: u64| {
        Arc::new(Purse {
            has: Usd::from_pico(has * 1_000_000_000_000),
            asked: Mutex::default(),
        })
    };
    let grant = |meter: &Arc<Purse>| {
        Some(Grant {
            amount: Usd::ZERO,
            meter: meter.clone(),
        })
    };
    let poor = purse(16_384);
    let refused = run(
        &place,
        options(Interface::Anthropic, &models),
        implement("greet"),
        grant(&poor),
    );
    let refused = refused
        .await
        .expect_err("the answer alone may cost as much");
    assert_eq!(refused.class(), ErrorClass::BudgetExceeded);
    assert_eq!(models.heard().len(), 0, "nothing was sent");

    let mut second = Vec::new();
    for (output, cost) in [(100, "220.00"), (300, "420.00")] {
        let (models, rich) = (first_uses(output).await, purse(1_000_000));
        let result = run(
            &place,
            options(Interface::Anthropic, &models),
            implement("greet"),
            grant(&rich),
        );
        let result = result.await.expect("there is enough");
        assert_eq!(result.cost.expect("it is priced").to_string(), cost);
        let asked = rich.asked.lock().expect("nobody panics").clone();
        assert_eq!(asked.len(), 2);
        second.push(asked[1]);
    }
    let spent_more: Usd = "200".parse().expect("an amount");
    assert_eq!(
        second[1],
        second[0].saturating_add(spent_more),
        "what was spent counts"
    );
}

#[tokio::test]
async fn what_cannot_be_asked_is_said_before() {
    let mut open = ApiAgentOptions::new("model", Interface::OpenAi, Arc::new(NoEvents));
    open.url = Some("http://example.com/v1".to_owned());
    ApiAgent::new(open.clone()).expect("without a key it may");
    open.key = Some(KEY.to_owned());
    let refused = ApiAgent::new(open).expect_err("the key would go in the clear");
    assert!(refused.to_string().contains("not encrypted"), "{refused}");
    assert!(!format!("{refused:?}").contains(KEY));

    let models = SimulatedModels::start(|_| Turn::says("never asked")).await;
    let options = options(Interface::OpenAi, &models);
    assert!(!format!("{options:?}").contains(KEY), "{options:?}");
    let agent = ApiAgent::new(options).expect("it is configured well");
    assert!(!format!("{agent:?}").contains(KEY), "{agent:?}");
    let place = Place::new();
    let error = agent
        .run(place.request(implement("greet")), &CancellationToken::new())
        .await;
    let error = error.expect_err("no model");
    assert_eq!(error.class(), ErrorClass::Validation);
    assert!(
        error.to_line().contains("give its entry a `model`"),
        "{}",
        error.to_line()
    );
}

/// Runs it twice, the second time going on with the conversation of the first.
async fn run_twice(place: &Place, options: ApiAgentOptions) -> Result<AgentResult, PortError> {
    let first = run(place, options.clone(), implement("greet"), None).await;
    let conversation = first.expect("the first works").conversation;
    let mut request = place.request(fix_tests(None));
    request.model = Some(ModelChoice {
        model: "some-model".to_owned(),
        tier: String::new(),
    });
    request.conversation = Some(conversation.expect("it is kept"));
    let agent = ApiAgent::new(options).expect("it is configured well");
    agent.run(request, &CancellationToken::new()).await
}

const GOES_ON: &str = "You go on with a conversation";

#[tokio::test]
async fn a_conversation_that_is_refused_begins_anew_once() {
    for interface in Interface::ALL {
        // How often it is refused as too long.
        for (times, is_done) in [(0, true), (1, true), (2, false)] {
            let place = Place::new();
            let models = SimulatedModels::start(move |asked| match asked.number {
                number if number > 1 && number <= 1 + times => Turn::fails(Fault::TooLong),
                _ => Turn::says("Done."),
            })
            .await;
            let result = run_twice(&place, options(interface, &models)).await;
            let heard = models.heard();
            let goes_on = |idx: usize| heard[idx].body.to_string().contains(GOES_ON);
            assert!(goes_on(1), "{interface:?}");
            match times {
                0 => assert_eq!(heard.len(), 2),
                _ => assert!(heard.len() == 3 && !goes_on(2), "{interface:?}"),
            }
            match result {
                Ok(_) => assert!(is_done, "{interface:?} {times}"),
                Err(error) => {
                    assert!(!is_done, "{interface:?}: {}", error.to_line());
                    assert_eq!(error.class(), ErrorClass::Validation);
                }
            }
        }
    }
}

/// Through a gateway, where the earlier conversation alone may cost more than there is.
#[tokio::test]
async fn a_conversation_that_is_too_dear_begins_anew() {
    let place = Place::new();
    let models = SimulatedModels::start(|_| Turn::says("Done. ".repeat(10_000))).await;
    let mut gated = GatewayOptions::new([7; 32]);
    let purse = Arc::new(Purse {
        has: "30000".parse().expect("an amount"),
        asked: Mutex::default(),
    });
    let prices = Arc::clone(&purse);
    gated.prices = Arc::new(move |model: &str, usage: &TokenUsage| prices.price(model, usage));
    let gateway = Gateway::start(gated).await.expect("a port is free");
    let access = Access::to(
        &gateway,
        "model",
        Provider::Anthropic,
        models.url(),
        Some(KEY),
    );
    let mut options = options(Interface::Anthropic, &models);
    options.access = Some(access.expect("it is valid"));
    let first = run(&place, options.clone(), implement("greet"), None).await;
    let mut request = place.request(fix_tests(None));
    request.conversation = first.expect("the first works").conversation;
    assert!(request.conversation.is_some());
    request.model = Some(ModelChoice {
        model: "some-model".to_owned(),
        tier: String::new(),
    });
    request.grant = Some(Grant {
        amount: purse.has,
        meter: purse,
    });
    let agent = ApiAgent::new(options).expect("it is configured well");
    let result = agent.run(request, &CancellationToken::new()).await;
    result.expect("without the conversation there is enough");
    let heard = models.heard();
    assert_eq!(heard.len(), 2, "what is too dear is not sent");
    assert!(!heard[1].body.to_string().contains(GOES_ON));
}

#[tokio::test]
async fn only_a_conversation_that_can_be_gone_on_with_is_kept() {
    for interface in Interface::ALL {
        for (words, is_kept) in [("Done.".to_owned(), true), (" \n".to_owned(), false)] {
            let place = Place::new();
            let models = SimulatedModels::start(move |_| Turn::says(words.clone())).await;
            let options = options(interface, &models);
            let result = run(&place, options, implement("greet"), None).await;
            let conversation = result.expect("it works").conversation;
            assert_eq!(conversation.is_some(), is_kept, "{interface:?}");
        }
        let place = Place::new();
        let long = json!({"path": "a.txt", "text": "x".repeat(160_000)});
        let models = SimulatedModels::start(calls(vec![("write_file", long)], "Done.")).await;
        let options = options(interface, &models);
        let result = run(&place, options, implement("greet"), None).await;
        let conversation = result.expect("it works").conversation;
        assert!(conversation.is_none(), "{interface:?}: it is too long");
    }
}

#[tokio::test]
async fn an_answer_that_is_none_says_why() {
    use ErrorClass::{Transient, Validation};
    for (interface, turn, class, said) in [
        (
            Interface::Responses,
            Turn::says("so").stopping(Stop::Failed),
            Transient,
            "the answer has failed: the model has failed",
        ),
        (
            Interface::Responses,
            Turn::says("so").stopping(Stop::Cancelled),
            Transient,
            "was cancelled at its provider",
        ),
        (
            Interface::Responses,
            Turn::says("so").stopping(Stop::Filtered),
            Validation,
            "a filter of its provider",
        ),
        (
            Interface::Responses,
            Turn::refuses("I will not."),
            Validation,
            "the model refuses the work: I will not.",
        ),
        (
            Interface::OpenAi,
            Turn::refuses("I will not."),
            Validation,
            "the model refuses the work: I will not.",
        ),
        (
            Interface::OpenAi,
            Turn::says("so").stopping(Stop::Filtered),
            Validation,
            "a filter of its provider",
        ),
        (
            Interface::Anthropic,
            Turn::refuses("I will not."),
            Validation,
            "the model refuses the work: I will not.",
        ),
    ] {
        let place = Place::new();
        let models = SimulatedModels::start(move |_| turn.clone()).await;
        let error = run(
            &place,
            options(interface, &models),
            implement("greet"),
            None,
        )
        .await;
        let error = error.expect_err("it is no answer");
        let line = error.to_line();
        assert_eq!(error.class(), class, "{interface:?}: {line}");
        assert!(line.contains(said), "{interface:?}: {line}");
        let spent = error.spent().expect("it was paid for");
        assert_eq!(spent.usage, models.used("some-model"), "{interface:?}");
    }
}

#[tokio::test]
async fn thoughts_are_given_back_with_what_follows_them() {
    let place = Place::new();
    let models = SimulatedModels::start(|asked| match asked.number {
        1 => Turn::tool("list_files", json!({})).thinking("first"),
        // Cut while it thinks.
        2 => {
            let mut turn = Turn::says("So far.").stopping(Stop::Cut);
            turn.says.push(Say::Thought("second".to_owned()));
            turn
        }
        3 => Turn::says("").thinking("third").stopping(Stop::Cut),
        _ => Turn::says("Done."),
    })
    .await;
    let options = options(Interface::Responses, &models);
    let result = run(&place, options, implement("greet"), None).await;
    result.expect("it works");
    let last = models.heard().pop().expect("some").body;
    let items = last["input"].as_array().expect("items").iter();
    let kinds: Vec<_> = items
        .map(|it| it["type"].as_str().unwrap_or("us"))
        .collect();
    assert_eq!(
        kinds,
        [
            "us",
            "reasoning",
            "function_call",
            "function_call_output",
            "message",
            "us",
            "reasoning",
            "message",
            "us"
        ],
        "{last}"
    );
    assert_eq!(last["input"][1]["encrypted_content"], "first");
}

#[tokio::test]
async fn a_model_that_gives_no_thoughts_is_asked_for_none() {
    let place = Place::new();
    let models = SimulatedModels::start(|asked| match asked.number {
        1 => Turn::fails(Fault::NoInclude),
        2 => Turn::tool("list_files", json!({})).thinking("unseen"),
        _ => Turn::says("Done."),
    })
    .await;
    let options = options(Interface::Responses, &models);
    let result = run(&place, options, implement("greet"), None).await;
    result.expect("it works");
    let heard = models.heard();
    assert_eq!(heard.len(), 3, "it is asked again once");
    let asks: Vec<_> = heard
        .iter()
        .map(|it| it.body["include"].is_array())
        .collect();
    assert_eq!(asks, [true, false, false]);
    let items = heard[2].body["input"].as_array().expect("items");
    for item in items {
        assert_ne!(item["type"], "reasoning", "the provider has not kept it");
        assert!(
            item["id"].is_null(),
            "by its id it would ask for it: {item}"
        );
    }
}
