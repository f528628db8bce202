//! The gateway of a run, by the program: what it counts and keeps to, what it records, and its sudden end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use facade::core_types::{TokenUsage, Usd};
use serde_json::json;
use testkit::{
    git::Fixture,
    models::{Asked, Fault, SimulatedModels, Turn},
};
use tokio::runtime::Runtime;

use crate::place::{Place, Ran};

const PLAN: &str =
    "tasks:\n- {id: a, title: A, repository: app}\n- {id: b, title: B, repository: app}\n";

/// Writes a file, then says so.
fn writes(asked: &Asked) -> Turn {
    let id = match asked.prompt.contains("Id: a") {
        true => "a",
        false => "b",
    };
    match asked.results.len() {
        0 => Turn::tool(
            "write_file",
            json!({"path": format!("{id}.txt"), "text": "x\n"}),
        ),
        _ => Turn::says(format!("wrote {id}.txt")),
    }
}

fn place(settings: &str) -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file("plan.yaml", PLAN).file(
        "config/automation.yaml",
        format!(
            "agents:\n- {{name: coder, kind: openai, model: gpt-5.4}}\nrecovery: {{delay_percent: 0}}\n{settings}"
        ),
    );
    place
}

/// Runs the program with a provider's key and address.
fn run(place: &Place, url: &str, arguments: &str) -> Ran {
    let mut command = place.command(arguments);
    command
        .env("OPENAI_BASE_URL", format!("{url}/v1"))
        .env("OPENAI_API_KEY", "the-key-of-the-test");
    place.end_of(command)
}

const BEGIN: &str = "run --repo app --title X --plan plan.yaml --max-workers 1 --run-id";

#[test]
fn a_recorded_run_is_given_again() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let models = runtime.block_on(SimulatedModels::start(writes));
    let place = place("gateway: {record: true}\n");
    run(&place, models.url(), &format!("{BEGIN} r1")).code(0);
    let used = models.used("gpt-5.4");
    let url = models.url().to_owned();
    drop(models);
    // Nobody answers there now, and no key is needed.
    place.run(&format!("{BEGIN} r2 --replay r1")).code(0);
    let spending = |run: &str| {
        let cost = place.run(&format!("cost {run} --json")).code(0).json();
        let rows = cost["spending"].as_array().expect("rows").iter();
        let input: u64 = rows.filter_map(|it| it["usage"]["input"].as_u64()).sum();
        (input, cost["total"].clone())
    };
    assert_eq!(spending("r1").0, used.input);
    assert_eq!(spending("r2").0, used.input);
    assert_ne!(spending("r1").1, "0.00");
    assert_eq!(spending("r2").1, "0.00");
    let refused = run(&place, &url, &format!("{BEGIN} r3 --replay r2")).code(2);
    refused.says("run r2 has kept no answers of models");
}

/// Answers that the provider could make far longer: the limit holds to the cent, whoever is asked.
#[test]
fn a_limit_holds_before_a_request_goes_out() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let longest = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&longest);
    let models = runtime.block_on(SimulatedModels::start(move |asked| {
        let most = asked.body["max_completion_tokens"].as_u64();
        let most = most.expect("each request says how long its answer may be");
        seen.fetch_max(usize::try_from(most).expect("small"), Ordering::SeqCst);
        // As much as it may.
        writes(asked).using(TokenUsage {
            input: 1000,
            output: most,
            ..TokenUsage::default()
        })
    }));
    let place = place("budget: {run: 0.30}\n");
    let ran = run(&place, models.url(), &format!("{BEGIN} r1")).code(4);
    ran.says("budget");
    let cost = place.run("cost --json").code(0).json();
    let total: Usd = cost["total"].as_str().expect("text").parse().expect("USD");
    let limit: Usd = "0.30".parse().expect("USD");
    assert!(total <= limit, "{cost}");
    assert!(
        total > "0.20".parse().expect("USD"),
        "most of it was used: {cost}"
    );
    let used = models.used("gpt-5.4");
    assert_eq!(cost["spending"][0]["usage"]["output"], used.output);
    assert!(longest.load(Ordering::SeqCst) >= 1024);
}

/// The gateway ends with the engine, in the middle of an answer: the agent ends with both, what was set aside
/// counts as spent, and the run goes on with a new one.
#[test]
fn a_kill_in_the_middle_of_an_answer() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let is_silent = Arc::new(AtomicBool::new(true));
    let silent = Arc::clone(&is_silent);
    let models = runtime.block_on(SimulatedModels::start(move |asked| {
        match silent.load(Ordering::SeqCst) {
            true => Turn::fails(Fault::Silence),
            false => writes(asked),
        }
    }));
    let place = place("");
    let mut command = place.command(&format!("{BEGIN} r1"));
    command
        .env("OPENAI_BASE_URL", format!("{}/v1", models.url()))
        .env("OPENAI_API_KEY", "the-key-of-the-test");
    let mut child = command.spawn().expect("it can be started");
    while models.heard().is_empty() {
        std::thread::yield_now();
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert_eq!(place.processes_of("r1"), [""; 0]);
    is_silent.store(false, Ordering::SeqCst);
    run(&place, models.url(), "resume r1").code(0);
    let cost = place.run("cost --json").code(0).json();
    let used = models.used("gpt-5.4");
    assert_eq!(cost["spending"][0]["usage"]["input"], used.input, "{cost}");
}

#[test]
fn what_a_provider_refuses_is_told_as_it_says_it() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let models = runtime.block_on(SimulatedModels::start(|_| Turn::fails(Fault::Unauthorized)));
    let place = place("");
    let ran = run(&place, models.url(), &format!("{BEGIN} r1"));
    let said = format!("{} answers 401: invalid x-api-key", models.url());
    let status = place.run("status r1").code(0);
    let shown = format!("{ran:?}{status:?}");
    assert!(shown.contains(&said), "{shown}");
    assert!(!shown.contains("the-key-of-the-test"), "{shown}");
}

/// A key is for the address beside it, whether an agent's entry lists the address or not.
#[test]
fn a_key_goes_to_the_address_that_it_is_for() {
    let runtime = Runtime::new().expect("a runtime can be made");
    let models = runtime.block_on(SimulatedModels::start(|_| Turn::says("done")));
    let place = place("");
    let body =
        json!({"model": "gpt-5.4", "messages": [{"role": "user", "content": "x"}]}).to_string();
    let ask = format!(
        "#!/bin/bash\nrest=${{OPENAI_BASE_URL#http://127.0.0.1:}}\n\
         exec 3<>/dev/tcp/127.0.0.1/${{rest%%/*}}\n\
         printf 'POST /%s/chat/completions HTTP/1.1\\r\\nhost: x\\r\\nauthorization: Bearer %s\\r\\ncontent-type: application/json\\r\\ncontent-length: {}\\r\\nconnection: close\\r\\n\\r\\n%s' \"${{rest#*/}}\" \"$OPENAI_API_KEY\" '{body}' >&3\n\
         cat <&3 >answer.txt\n",
        body.len()
    );
    place.script("ask.sh", &ask);
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: asks, kind: command, command: [./ask.sh], environment: [OPENAI_API_KEY]}\n",
    );
    run(&place, models.url(), "run --repo app --title X --run-id r1").code(0);
    assert_eq!(models.heard().len(), 1, "it was asked there");
    let spent = place.run("cost r1 --json").code(0).json();
    let used = models.used("gpt-5.4");
    assert_eq!(
        spent["spending"][0]["usage"]["input"], used.input,
        "{spent}"
    );
}

/// The login is for those who have no key: it opens a folder of the user's, and the network.
#[test]
fn a_login_stays_closed_where_there_is_a_key() {
    let place = place("");
    if place.lacks_sandbox() {
        return;
    }
    let outside = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = outside.local_addr().expect("bound").port();
    let login = place.work().with_file_name("home").join(".claude");
    std::fs::create_dir_all(&login).expect("a folder");
    place.script(
        "bin/claude",
        &format!(
            "#!/bin/sh\nbash -c 'echo >/dev/tcp/127.0.0.1/{port}' && echo dialed >> x.txt\n\
             touch {}/planted && echo planted >> x.txt\necho done >> x.txt\n\
             echo '{{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"done\",\"total_cost_usd\":0.01}}'\n",
            login.display()
        ),
    );
    let settings = format!(
        "agents:\n- {{name: coder, kind: claude-code, login: own, command: [{}]}}\n",
        place.path("bin/claude").display()
    );
    place.file("config/automation.yaml", settings);
    place.file(
        "plan.yaml",
        "tasks:\n- {id: a, title: A, repository: app}\n",
    );
    let left = |run: &str, key: &str| {
        let line = format!("run --repo app --title X --plan plan.yaml --run-id {run}");
        let mut command = place.command(&line);
        command.env("ANTHROPIC_API_KEY", key);
        place.end_of(command).code(0);
        let change = format!("automation/{run}/change:x.txt");
        Fixture::at(place.path("app")).git(&["show", &change])
    };
    assert_eq!(left("r1", "a-key"), "done");
    assert_eq!(left("r2", ""), "dialed\nplanted\ndone");
}

/// An agent that has no key works by a login of its own: each report says what that means.
#[test]
fn what_an_agent_reports_itself_is_marked() {
    let place = place("");
    let app = place.repository("lib", Some("true"));
    app.commit("a library");
    place.script(
        "bin/claude",
        "#!/bin/sh\necho x > x.txt\necho '{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"done\",\"total_cost_usd\":0.01}'\n",
    );
    place.file(
        "plan.yaml",
        "tasks:\n- {id: a, title: A, repository: lib}\n",
    );
    place.file(
        "config/automation.yaml",
        format!(
            "agents:\n- {{name: coder, kind: claude-code, login: own, command: [{}]}}\n",
            place.path("bin/claude").display()
        ),
    );
    let ran = place.run("run --repo lib --title X --plan plan.yaml --run-id r1");
    let ran = ran.code(0);
    ran.says("what agent coder uses is what it reports: it works by a login of its own");
}
