//! Agents that are driven by a model of ours: the real Claude Code and Codex, and models by their
//! interfaces.

use std::{collections::BTreeMap, env, path::PathBuf};

use expect_test::expect;
use facade::{
    core_types::{TokenUsage, Usd},
    cost::{PriceTable, ServiceTier},
};
use serde_json::{Value, json};
use testkit::models::{Asked, SimulatedModels, Turn};
use tokio::runtime::Runtime;

use crate::place::Place;

/// The library before the run.
const BASE: &str = "greet() { echo hello; }\n";
const SUM: &str = "sum() { echo $(($1 + $2)); }\n";
const WRONG: &str = "product() { echo $(($1 + $2)); }\n";
const PRODUCT: &str = "product() { echo $(($1 * $2)); }\n";

/// Tests of what is there.
const TEST: &str = "\
. ./lib.sh
test \"$(greet)\" = hello || { echo 'FAIL: greet'; exit 1; }
if grep -q ^sum lib.sh; then test \"$(sum 2 3)\" = 5 || { echo 'FAIL: sum'; exit 1; }; fi
if grep -q ^product lib.sh; then test \"$(product 2 3)\" = 6 || { echo 'FAIL: product'; exit 1; }; fi
echo ok
";

/// What the model does: it plans two tasks that change the same place, gets one of them wrong, repairs
/// it, settles the conflict of both, and reviews.
fn model(asked: &Asked) -> Turn {
    let turn = match &asked.prompt {
        it if it.contains("You plan a software change") => form(asked, &plan()),
        it if it.contains("You review a change") => form(asked, &review()),
        it if it.contains("You settle the conflicts") => {
            write(asked, &format!("{BASE}{SUM}{PRODUCT}"))
        }
        it if it.contains("You make failing tests pass") => {
            write(asked, &format!("{BASE}{PRODUCT}"))
        }
        it if it.contains("Id: sum") => write(asked, &format!("{BASE}{SUM}")),
        it if it.contains("Id: product") => write(asked, &format!("{BASE}{WRONG}")),
        it => panic!("nobody asks that: {it}"),
    };
    // Each turn uses other figures, so that none is counted for another.
    let number = asked.number as u64;
    turn.using(TokenUsage {
        input: 1_000 + number,
        cache_read: 300 + 7 * number,
        output: 40 + number,
        ..TokenUsage::default()
    })
}

fn plan() -> Value {
    let task = |id: &str| {
        json!({
            "id": id, "title": format!("Add {id}"), "description": format!("Add the function {id} to lib.sh."),
            "repository": "app", "dependencies": [], "files": ["lib.sh"], "estimate": "1m",
        })
    };
    json!({"summary": "two functions", "plan": {"title": "Two functions", "tasks": [task("sum"), task("product")]}})
}

fn review() -> Value {
    json!({"review": {"approved": true, "comments": "fine", "issues_found": [], "confidence": 0.9}})
}

/// An answer that is bound to a form: some have a tool for it, Codex answers with it.
fn form(asked: &Asked, answer: &Value) -> Turn {
    let tool = ["StructuredOutput", "answer"]
        .into_iter()
        .find(|it| has(asked, it));
    match tool {
        Some(tool) => Turn::tool(tool, answer.clone()),
        None => Turn::says(answer.to_string()),
    }
}

fn has(asked: &Asked, tool: &str) -> bool {
    asked.tools.iter().any(|it| it == tool)
}

/// Writes `lib.sh`, by the tools that the program has; then says so.
fn write(asked: &Asked, text: &str) -> Turn {
    if has(asked, "write_file") {
        return match asked.results.len() {
            0 => Turn::tool("write_file", json!({"path": "lib.sh", "text": text})),
            _ => Turn::says("I have written lib.sh."),
        };
    }
    if !has(asked, "Write") {
        return match asked.results.len() {
            0 => Turn::tool(
                "exec_command",
                json!({"cmd": format!("cat > lib.sh <<'END'\n{text}END\n")}),
            ),
            _ => Turn::says("I have written lib.sh."),
        };
    }
    // A conversation that is gone on with began elsewhere.
    let place = asked.prompt.rsplit_once("Primary working directory: ");
    let folder = place.and_then(|(_, after)| after.lines().next());
    let folder = folder.and_then(|line| line.split(" (was ").next());
    let file = format!("{}/lib.sh", folder.expect("it says where it works"));
    match asked.results.len() {
        // It writes over nothing that it has not read.
        0 => Turn::tool("Read", json!({"file_path": file})),
        1 => Turn::tool("Write", json!({"file_path": file, "content": text})),
        _ => Turn::says("I have written lib.sh."),
    }
}

/// The dollars of what was used, by the bundled table.
fn dollars(used: &BTreeMap<String, TokenUsage>) -> Usd {
    let prices = PriceTable::bundled();
    let cost = |(model, usage): (&String, &TokenUsage)| {
        let cost = prices.cost(model, usage, ServiceTier::Standard);
        cost.expect("it has a price").total()
    };
    used.iter().map(cost).fold(Usd::ZERO, Usd::saturating_add)
}

/// The same with a program, if it is there.
#[expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
fn a_whole_run_of(program: &str, kind: &str, model_name: &str) {
    let Some(folder) = env::var_os("AUTOMATION_REAL_AGENTS").map(PathBuf::from) else {
        eprintln!("SKIPPED: cargo xtask real-parts agents runs the real {program}");
        return;
    };
    let command = format!("command: [\"{}\"], ", folder.join(program).display());
    whole_runs(&command, kind, model_name);
}

/// One without the sandbox, one in it.
fn whole_runs(command: &str, kind: &str, model_name: &str) {
    a_whole_run(command, kind, model_name, "off");
    if !Place::new().lacks_sandbox() {
        a_whole_run(command, kind, model_name, "require");
    }
}

#[expect(clippy::print_stderr, reason = "what was counted is said aloud")]
fn a_whole_run(command: &str, kind: &str, model_name: &str, sandbox: &str) {
    let runtime = Runtime::new().expect("a runtime can be made");
    let models = runtime.block_on(SimulatedModels::start(model));
    let place = Place::new();
    let app = place.repository("app", Some("sh test.sh"));
    app.file("lib.sh", BASE)
        .file("test.sh", TEST)
        .commit("a library");
    place.file(
        "config/automation.yaml",
        format!(
            "agents:\n- {{name: coder, kind: {kind}, {command}model: {model_name}}}\nrecovery: {{delay_percent: 0}}\n\
             sandbox: {{mode: {sandbox}}}\n"
        ),
    );
    let mut command = place.command(
        "run --repo app --title Functions --run-id r1 --max-workers 2 --land --update-checkout",
    );
    command
        .env("ANTHROPIC_BASE_URL", models.url())
        .env("ANTHROPIC_API_KEY", "the-key-of-the-test")
        .env("OPENAI_BASE_URL", format!("{}/v1", models.url()))
        .env("OPENAI_API_KEY", "the-key-of-the-test");
    let ran = place.end_of(command).code(0);
    ran.says("landed");
    let lib = app.git(&["show", "main:lib.sh"]);
    assert!(
        lib.contains(SUM.trim()) && lib.contains(PRODUCT.trim()),
        "{lib}"
    );

    // Who repairs a task's result goes on with the conversation in which it was made.
    let is_repair = |body: &String| body.contains("You make failing tests pass");
    let heard = models.heard();
    let mut repairs = heard.iter().map(|it| it.body.to_string()).filter(is_repair);
    let first = repairs.next().expect("the product is repaired");
    assert!(
        first.contains("You go on with a conversation") && first.contains("Id: product"),
        "{first}"
    );

    // Metered to the token, and to the dollar.
    let used = models.used_by_model();
    assert_eq!(used.keys().collect::<Vec<_>>(), [model_name]);
    let cost = place.run("cost --json").code(0).json();
    let counted = &cost["spending"][0]["usage"];
    let of_model = &used[model_name];
    let figures = [of_model.input, of_model.cache_read, of_model.output];
    let told = ["input", "cache_read", "output"].map(|key| counted[key].as_u64());
    assert_eq!(told, figures.map(Some), "{cost}");
    assert_eq!(cost["total"], dollars(&used).to_string(), "{cost}");
    eprintln!(
        "{kind}, sandbox {sandbox}: {} requests to the model, {} tokens, {} USD",
        models.heard().len(),
        of_model.total(),
        dollars(&used)
    );

    // The key is nowhere but in the requests.
    assert!(models.heard().iter().any(|it| {
        it.headers
            .values()
            .any(|it| it.contains("the-key-of-the-test"))
    }));
    let found = place
        .any(
            "grep",
            &[
                "-rl".into(),
                "the-key-of-the-test".into(),
                ".automation".into(),
            ],
        )
        .output();
    let found = found.expect("grep can be started").stdout;
    assert_eq!(String::from_utf8_lossy(&found), "", "no file has the key");
}

#[test]
fn claude_code_does_a_whole_run() {
    a_whole_run_of("claude", "claude-code", "claude-sonnet-5-5");
}

#[test]
fn codex_does_a_whole_run() {
    a_whole_run_of("codex", "codex", "gpt-5.4");
}

/// It gives the tools of its newer models among the input.
#[test]
fn codex_with_a_newer_model_does_a_whole_run() {
    a_whole_run_of("codex", "codex", "gpt-6-sol");
}

/// OpenCode is a `command` agent as the guide has it. It also asks for a title of its conversation, and reports that nowhere.
#[test]
fn opencode_does_a_whole_run() {
    let Some(folder) = env::var_os("AUTOMATION_REAL_AGENTS").map(PathBuf::from) else {
        eprintln!("SKIPPED: cargo xtask real-parts agents runs the real opencode");
        return;
    };
    let runtime = Runtime::new().expect("a runtime can be made");
    let models = runtime.block_on(SimulatedModels::start(|asked| {
        match (has(asked, "bash"), asked.results.len()) {
            (true, 0) => Turn::tool(
                "bash",
                json!({"command": "echo bar > a.txt", "description": "Says bar"}),
            ),
            _ => Turn::says("It says bar."),
        }
    }));
    let place = Place::new();
    let app = place.repository("app", Some("grep -q bar a.txt"));
    let guide = include_str!("../../../../docs/guide/agents.md");
    let (_, example) = guide.split_once("- name: opencode").expect("it is there");
    let (example, _) = example.split_once("```").expect("it ends");
    let program = folder.join("opencode").display().to_string();
    let example = example.replace("opencode, run", &format!("\"{program}\", run"));
    // Whose provider is at another address says so.
    let example = example.replace("CONTENT]", "CONTENT, ANTHROPIC_BASE_URL]");
    let config = format!("agents:\n- name: opencode{example}");
    place.file("config/automation.yaml", config);
    let mut command =
        place.command("run --repo app --title Bar --run-id r1 --land --update-checkout");
    command
        .env("ANTHROPIC_BASE_URL", models.url())
        .env("ANTHROPIC_API_KEY", "the-key-of-the-test")
        .env("OPENCODE_CONFIG_CONTENT", opencode_settings(guide));
    place.end_of(command).code(0).says("landed");
    assert_eq!(app.git(&["show", "main:a.txt"]), "bar");
    // The title is asked of a smaller model.
    let by_model = models.used_by_model();
    assert_eq!(by_model.len(), 2, "{by_model:?}");
    let used = by_model
        .values()
        .fold(TokenUsage::default(), |sum, it| sum.plus(it));
    let cost = place.run("cost --json").code(0).json();
    let counted = &cost["spending"][0]["usage"];
    assert_eq!(
        (counted["input"].as_u64(), counted["output"].as_u64()),
        (Some(used.input), Some(used.output)),
        "{cost}"
    );
    assert_eq!(cost["total"], dollars(&by_model).to_string(), "{cost}");
    eprintln!(
        "opencode: {} requests to the model, {} tokens, {} USD",
        models.heard().len(),
        used.total(),
        dollars(&by_model)
    );
}

/// The settings of OpenCode that the guide has.
fn opencode_settings(guide: &str) -> &str {
    let (_, after) = guide
        .split_once("OPENCODE_CONFIG_CONTENT='")
        .expect("it is there");
    after.split('\'').next().expect("it ends")
}

#[test]
fn a_model_by_the_messages_interface_does_it_too() {
    whole_runs("", "anthropic", "claude-sonnet-5-5");
}

#[test]
fn a_model_by_chat_completions_does_it_too() {
    whole_runs("", "openai", "gpt-5.4");
}

#[test]
fn a_model_by_the_responses_interface_does_it_too() {
    whole_runs("", "openai-responses", "gpt-5.4");
}

/// One of each kind, one of which lacks its program, and one its key.
#[test]
fn agents_are_listed_and_tested() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let models = runtime.block_on(SimulatedModels::start(|asked| {
        if asked.prompt.contains("You review a change") {
            return form(asked, &review());
        }
        match asked.results.len() {
            0 => Turn::tool(
                "write_file",
                json!({"path": "hello.txt", "text": "hello\n"}),
            ),
            _ => Turn::says("done"),
        }
    }));
    let place = Place::new();
    place.script("bin/claude", "#!/bin/sh\nexit 3\n");
    place.file(
        "config/automation.yaml",
        format!(
            "default_agent: model\nagents:\n- {{name: model, kind: openai, model: gpt-5.4}}\n\
             - {{name: other, kind: anthropic}}\n\
             - {{name: claude, kind: claude-code, login: own, command: [{}]}}\n\
             - {{name: codex, kind: codex, command: [/nowhere/codex]}}\n\
             - {{name: codemod, kind: command, command: \"true\"}}\n",
            place.path("bin/claude").display()
        ),
    );
    let run = |arguments: &str| {
        let mut command = place.command(arguments);
        command
            .env("OPENAI_BASE_URL", format!("{}/v1", models.url()))
            .env("OPENAI_API_KEY", "the-key-of-the-test");
        place.end_of(command)
    };
    run("agents ls").is(&expect![[r#"
        exit 0
        model    openai       gpt-5.4  default  OPENAI_API_KEY, by the gateway
        other    anthropic                      cannot work: no ANTHROPIC_API_KEY
        claude   claude-code                    its own login; reports itself what it uses
        codex    codex                          cannot work: the program "/nowhere/codex" of agent codex was not found
        codemod  command
    "#]]);
    let tested = run("agents test").code(0);
    tested.says("agent model wrote the file, and the test passes; it cost 0.0");
    let tested = run("agents test 'sh:true'").code(1);
    tested.says("agent command did not do what it was asked for");
    let listed = run("agents ls --json").code(0).json();
    assert_eq!(
        listed[0]["access"],
        json!({"key": {"variable": "OPENAI_API_KEY"}})
    );
}
