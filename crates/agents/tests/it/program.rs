//! Claude Code and Codex, by streams that the real programs have written to a model of ours; a shell
//! script plays them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use agents::{
    Program, ProgramAgent, ProgramAgentOptions,
    gateway::{Access, Gateway, GatewayOptions},
};
use async_trait::async_trait;
use core_types::{
    Agent as _, AgentAnswer, AgentResult, AgentTask, CancellationToken, Conversation, ErrorClass,
    Grant, Meter, ModelChoice, NoEvents, PortError, TokenUsage, Usd,
};
use serde_json::{Value, json};

use crate::support::{Place, implement, plan, read};

/// A program of this name in the place's folder, which writes down how it was called, prints the
/// stream, and goes on as `then` says.
fn options(place: &Place, program: Program, stream: &str, then: &str) -> ProgramAgentOptions {
    let bin = place.folder().join("../bin");
    fs::create_dir_all(&bin).expect("a folder");
    let script = bin.join(program.program());
    place.put("../bin/stream.jsonl", stream);
    place.put(
        &format!("../bin/{}", program.program()),
        &format!(
            "#!/bin/sh\nhere=$(dirname \"$0\")\nprintf '%s\\n' \"$@\" > $here/arguments\nenv > $here/env\ncat > $here/stdin\n\
             cat $here/stream.jsonl\n{then}\n"
        ),
    );
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("ours");
    let mut options = ProgramAgentOptions::new("coder", program, Arc::new(NoEvents));
    options.command = vec![script.display().to_string()];
    options.environment = vec![
        ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ("HOME".to_owned(), "/home/ada".to_owned()),
    ];
    options
}

async fn run(
    place: &Place,
    options: ProgramAgentOptions,
    task: AgentTask,
) -> Result<AgentResult, PortError> {
    let mut request = place.request(task);
    request.model = Some(ModelChoice {
        model: "some-model".to_owned(),
        tier: String::new(),
    });
    let agent = ProgramAgent::new(options).expect("it has a program");
    agent.run(request, &CancellationToken::new()).await
}

fn called(place: &Place, what: &str) -> String {
    read(&place.folder().join("../bin").join(what))
}

const CLAUDE_WRITE: &str = include_str!("../data/claude_code_write.jsonl");
const CLAUDE_PLAN: &str = include_str!("../data/claude_code_plan.jsonl");
const CLAUDE_REFUSED: &str = include_str!("../data/claude_code_refused.jsonl");
const CODEX_WRITE: &str = include_str!("../data/codex_write.jsonl");

#[tokio::test]
async fn claude_code_works_on_a_task() {
    let place = Place::new();
    let mut options = options(&place, Program::ClaudeCode, CLAUDE_WRITE, "");
    let key = ("ANTHROPIC_API_KEY".to_owned(), "k".to_owned());
    options.environment.push(key);
    options.command.push("--allowedTools".to_owned());
    options.command.push("Bash".to_owned());
    let result = run(&place, options, implement("greet"))
        .await
        .expect("it works");
    let summary = "done".to_owned();
    assert_eq!(result.answer, AgentAnswer::Work { summary });
    assert_eq!((result.usage.input, result.usage.output), (200, 20));
    let cost = result.cost.expect("it says what it costs");
    assert_eq!(cost, "0.0006".parse().expect("an amount"));
    assert_eq!(result.model, "claude-sonnet-5-5");
    assert_eq!(
        read(&place.scratch().join("transcript.log")),
        "I write it\n> Write /clone/a.txt\n{\"summary\": \"done\"}\n"
    );
    let arguments = called(&place, "arguments");
    assert!(
        arguments.starts_with(
            "-p\n--output-format\nstream-json\n--verbose\n--permission-mode\nacceptEdits\n"
        ),
        "{arguments}"
    );
    assert!(
        arguments.ends_with("--model\nsome-model\n--allowedTools\nBash\n"),
        "{arguments}"
    );
    let environment = called(&place, "env");
    let scratch = fs::canonicalize(place.scratch()).expect("it is there");
    let home = format!("HOME={}/home\n", scratch.display());
    assert!(
        environment.contains(&home),
        "a key needs no home of the user's: {environment}"
    );
    assert!(
        environment.contains("DISABLE_TELEMETRY=1\n"),
        "{environment}"
    );
    let prompt = called(&place, "stdin");
    assert_eq!(prompt, result.prompt);
    assert!(
        !prompt.contains("AUTOMATION_ANSWER_FILE"),
        "its words are its answer: {prompt}"
    );
}

#[tokio::test]
async fn claude_code_is_bound_to_the_form_of_a_plan() {
    let place = Place::new();
    let options = options(&place, Program::ClaudeCode, CLAUDE_PLAN, "");
    let result = run(&place, options, plan()).await.expect("it works");
    let AgentAnswer::Plan { plan } = result.answer else {
        panic!("a plan: {:?}", result.answer)
    };
    assert_eq!(plan, json!({"title": "t", "tasks": []}));
    let arguments = called(&place, "arguments");
    assert!(
        arguments.contains("--permission-mode\ndontAsk\n"),
        "{arguments}"
    );
    let schema = arguments.lines().last().expect("the schema comes last");
    let schema: Value = serde_json::from_str(schema).expect("it is JSON");
    assert_eq!(schema["required"], json!(["plan", "summary"]));
    let environment = called(&place, "env");
    assert!(
        environment.contains("HOME=/home/ada\n"),
        "its own login: {environment}"
    );
}

#[tokio::test]
async fn what_its_rules_refuse_is_told() {
    let place = Place::new();
    let options = options(&place, Program::ClaudeCode, CLAUDE_REFUSED, "");
    let result = run(&place, options, implement("greet"))
        .await
        .expect("it works");
    assert!(matches!(result.answer, AgentAnswer::Work { .. }));
    let transcript = read(&place.scratch().join("transcript.log"));
    assert!(
        transcript.contains("! refused by its rules: > Bash touch "),
        "{transcript}"
    );
}

#[tokio::test]
async fn codex_works_on_a_task() {
    let place = Place::new();
    let mut options = options(&place, Program::Codex, CODEX_WRITE, "");
    options
        .environment
        .push(("OPENAI_API_KEY".to_owned(), "k".to_owned()));
    let url = (
        "OPENAI_BASE_URL".to_owned(),
        "http://127.0.0.1:9/v1".to_owned(),
    );
    options.environment.push(url);
    let result = run(&place, options, implement("greet"))
        .await
        .expect("it works");
    let usage = TokenUsage {
        input: 150,
        cache_read: 50,
        output: 20,
        reasoning: 5,
        ..TokenUsage::default()
    };
    assert_eq!((result.usage, result.cost), (usage, None));
    assert_eq!(result.model, "some-model");
    let transcript = read(&place.scratch().join("transcript.log"));
    assert!(
        transcript.contains("> run /bin/bash -lc 'echo hello > a.txt; sleep 1'\n"),
        "{transcript}"
    );
    let arguments = called(&place, "arguments");
    assert!(
        arguments.contains("--sandbox\nworkspace-write\n"),
        "{arguments}"
    );
    assert!(
        arguments.contains("base_url=\"http://127.0.0.1:9/v1\",env_key=\"OPENAI_API_KEY\""),
        "{arguments}"
    );
    assert!(!arguments.contains("\nk\n"), "the key is no argument");
    let planned = run(
        &place,
        crate::program::options(&place, Program::Codex, CODEX_WRITE, ""),
        plan(),
    );
    let error = planned.await.expect_err("that is no plan");
    assert_eq!(error.class(), ErrorClass::Validation);
    assert!(called(&place, "arguments").contains("--output-schema\n"));
    assert!(
        error.spent().is_some_and(|spent| spent.usage == usage),
        "it was paid for"
    );
}

fn claude_error(fields: &Value) -> String {
    let mut event =
        json!({"type": "result", "subtype": "success", "is_error": true, "result": "API Error"});
    for (key, value) in fields.as_object().into_iter().flatten() {
        event[key] = value.clone();
    }
    event.to_string()
}

fn codex_error(message: &str) -> String {
    json!({"type": "turn.failed", "error": {"message": message}}).to_string()
}

/// What the real programs have said of each fault.
#[tokio::test]
async fn each_fault_of_an_interface_has_its_class() {
    let limited = ErrorClass::RateLimited { until: None };
    let quota = ErrorClass::QuotaExhausted { until: None };
    let (claude, codex) = (Program::ClaudeCode, Program::Codex);
    for (program, stream, class) in [
        (
            claude,
            claude_error(&json!({"api_error_status": 401})),
            ErrorClass::Unauthorized,
        ),
        (
            claude,
            claude_error(&json!({"api_error_status": 429})),
            limited,
        ),
        (
            claude,
            claude_error(&json!({"api_error_status": 529})),
            ErrorClass::Transient,
        ),
        (
            claude,
            claude_error(
                &json!({"api_error": "connection_failed", "terminal_reason": "api_error"}),
            ),
            ErrorClass::Transient,
        ),
        (
            claude,
            claude_error(&json!({"subtype": "error_max_turns"})),
            ErrorClass::Internal,
        ),
        (
            claude,
            claude_error(&json!({"subtype": "error_max_budget_usd"})),
            ErrorClass::BudgetExceeded,
        ),
        (
            codex,
            codex_error(
                "unexpected status 401 Unauthorized: invalid x-api-key, url: http://127.0.0.1:1/v1/responses",
            ),
            ErrorClass::Unauthorized,
        ),
        (
            codex,
            codex_error("exceeded retry limit, last status: 429 Too Many Requests"),
            limited,
        ),
        (
            codex,
            codex_error("Quota exceeded. Check your plan and billing details."),
            quota,
        ),
        (
            codex,
            codex_error("unexpected status 503 Service Unavailable: overloaded"),
            ErrorClass::Transient,
        ),
        (
            codex,
            codex_error("stream disconnected before completion: Transport error"),
            ErrorClass::Transient,
        ),
    ] {
        let place = Place::new();
        let options = options(&place, program, &stream, "exit 1");
        let error = run(&place, options, implement("greet"))
            .await
            .expect_err(&stream);
        assert_eq!(error.class(), class, "{stream}: {error}");
    }
}

#[tokio::test]
async fn an_end_without_a_result_is_no_success() {
    for (then, class) in [
        ("", ErrorClass::Internal),
        ("echo out of luck >&2; exit 3", ErrorClass::Internal),
    ] {
        let place = Place::new();
        let cut: String = CLAUDE_WRITE
            .lines()
            .take(2)
            .map(|line| format!("{line}\n"))
            .collect();
        let stream = format!("{cut}no JSON at all\n{{\"type\": \"assist");
        let options = options(&place, Program::ClaudeCode, &stream, then);
        let error = run(&place, options, implement("greet"))
            .await
            .expect_err("no result");
        assert_eq!(error.class(), class);
        let line = error.to_line();
        assert!(
            line.contains("without a result") || line.contains("out of luck"),
            "{line}"
        );
        let spent = error.spent().expect("the stream has told of tokens");
        assert_eq!((spent.usage.input, spent.is_failure), (100, true));
        let transcript = read(&place.scratch().join("transcript.log"));
        assert!(transcript.contains("no JSON at all"), "{transcript}");
    }
}

#[tokio::test]
async fn who_says_nothing_is_ended() {
    let place = Place::new();
    let mut options = options(
        &place,
        Program::Codex,
        "",
        "sleep 1000 & setsid sleep 1000 & wait",
    );
    options.silence = Duration::from_millis(500);
    let error = run(&place, options, implement("greet"))
        .await
        .expect_err("it hangs");
    assert_eq!(error.class(), ErrorClass::Timeout);
    assert!(
        error.to_line().contains("it told of nothing for 500ms"),
        "{}",
        error.to_line()
    );
}

#[tokio::test]
async fn a_flood_of_output_is_cut_off() {
    let place = Place::new();
    let flood = "yes '{\"type\": \"x\"}' | head -c 1000000000";
    let mut options = options(&place, Program::ClaudeCode, "", flood);
    options.transcript_bytes = 1 << 20;
    let error = run(&place, options, implement("greet"))
        .await
        .expect_err("its end is lost");
    assert!(
        error.to_line().contains("without a result"),
        "{}",
        error.to_line()
    );
    let kept = fs::metadata(place.scratch().join("events.jsonl")).expect("it is kept");
    assert!(kept.len() <= (1 << 20) + 1024, "{}", kept.len());
}

/// A dollar a token, and not a cent more than was granted.
#[derive(Debug)]
struct Strict;

#[async_trait]
impl Meter for Strict {
    fn price(&self, _: &str, usage: &TokenUsage) -> Option<Usd> {
        Some(Usd::from_pico(usage.total() * 1_000_000_000_000))
    }

    async fn allow(&self, _: Usd) -> Result<(), PortError> {
        Err(PortError::new(
            ErrorClass::BudgetExceeded,
            "set money aside",
        ))
    }
}

#[tokio::test]
async fn who_has_spent_its_grant_is_ended() {
    let place = Place::new();
    let begun: String = CLAUDE_WRITE
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    let options = options(&place, Program::ClaudeCode, &begun, "sleep 1000");
    let mut request = place.request(implement("greet"));
    request.grant = Some(Grant {
        amount: "50".parse().expect("an amount"),
        meter: Arc::new(Strict),
    });
    let agent = ProgramAgent::new(options).expect("it has a program");
    let error = agent.run(request, &CancellationToken::new()).await;
    let error = error.expect_err("101 tokens are 101 USD");
    assert_eq!(error.class(), ErrorClass::BudgetExceeded);
    assert!(
        error.to_line().contains("it reported 101.00 USD"),
        "{}",
        error.to_line()
    );
}

/// Plays a program that keeps its conversation where the real ones do, and goes on with one that is there and can be
/// read, else ends as they do.
const KEEPS: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/calls"
cat >> "$here/stdin"
case $(basename "$0") in
claude)
    kept=$HOME/.claude/projects/-a-clone/11-aa.jsonl
    resumed=$(echo "$*" | sed -n 's/.*--resume \([^ ]*\).*/\1/p')
    end='{"type":"result","subtype":"success","is_error":false,"result":"done","session_id":"11-aa"}'
    ;;
codex)
    kept=$CODEX_HOME/sessions/2026/11/27/rollout-2026-11-27T00-20-31-11-aa.jsonl
    resumed=$(echo "$*" | sed -n 's/.* resume 11-aa .*/x/p')
    [ -z "$resumed" ] || resumed=$kept
    echo '{"type":"thread.started","thread_id":"11-aa"}'
    end='{"type":"turn.completed","usage":{}}'
    ;;
esac
if [ -n "$resumed" ] && ! grep -q said "$resumed"; then
    echo 'No conversation found' >&2
    exit 1
fi
mkdir -p "$(dirname "$kept")"
echo said >> "${resumed:-$kept}"
echo "$end"
"#;

#[tokio::test]
async fn a_conversation_is_gone_on_with() {
    for program in Program::ALL {
        let place = Place::new();
        let mut options = options(&place, program, "", "");
        place.put(&format!("../bin/{}", program.program()), KEEPS);
        let gateway = Gateway::start(GatewayOptions::new([7; 32])).await;
        let gateway = gateway.expect("a port is free");
        let provider = program.provider();
        let key = provider.key_variables().next().expect("it has one");
        let mut with_key = vec![(key.to_owned(), "k".to_owned())];
        let access = Access::take(&gateway, "coder", &[provider], &mut with_key);
        let mut with_gateway = options.clone();
        with_gateway.access = access.expect("it is valid");
        options.environment.push((key.to_owned(), "k".to_owned()));
        let ask = async |options: &ProgramAgentOptions,
                         conversation: Option<Conversation>,
                         scratch: &str| {
            let agent = ProgramAgent::new(options.clone()).expect("it has a program");
            let mut request = place.request(implement("greet"));
            request.scratch = place.folder().join("..").join(scratch);
            request.conversation = conversation;
            let result = agent.run(request, &CancellationToken::new()).await;
            result.expect("it works").conversation
        };
        let calls = || called(&place, "calls").lines().count();
        let last = || {
            called(&place, "calls")
                .lines()
                .last()
                .unwrap_or_default()
                .to_owned()
        };

        assert_eq!(
            ask(&options, None, "s0").await,
            None,
            "nobody counts what it would use"
        );
        let first = ask(&with_gateway, None, "s1").await.expect("it is kept");
        assert_eq!(first.id, "11-aa");
        assert!(!last().contains("resume"), "{}", last());
        let second = ask(&with_gateway, Some(first.clone()), "s2")
            .await
            .expect("it is kept");
        assert!(last().contains("resume"), "{}", last());
        let said = called(&place, "stdin");
        assert_eq!(
            said.matches("You go on with a conversation").count(),
            1,
            "{said}"
        );
        ask(&with_gateway, Some(second), "s3")
            .await
            .expect("it is kept");
        assert_eq!(kept(&place.folder().join("../s3")), "said\nsaid\nsaid\n");

        // It is gone, or cannot be read any more: another one is begun.
        let n_calls = calls();
        let gone = Conversation {
            id: "22-bb".to_owned(),
            ..first.clone()
        };
        ask(&with_gateway, Some(gone), "s4")
            .await
            .expect("another one");
        assert!(!last().contains("resume"), "{}", last());
        assert_eq!(calls(), n_calls + 1);
        for file in files(&place.folder().join("../s1/home")) {
            fs::File::create(file).expect("it can be emptied");
        }
        ask(&with_gateway, Some(first), "s5")
            .await
            .expect("another one");
        assert!(!last().contains("resume"), "{}", last());
        assert_eq!(calls(), n_calls + 3, "it tried to go on first");
    }
}

/// What stands in the files of a request's conversations.
fn kept(scratch: &Path) -> String {
    files(&scratch.join("home"))
        .iter()
        .map(|it| read(it))
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|it| it.expect("readable").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
