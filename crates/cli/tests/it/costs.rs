//! Money: limits, raises, and what was spent.

use expect_test::expect;

use crate::place::Place;

/// Three tasks one after the other, each of which reports half a dollar.
const PLAYBOOK: &str = "\
plan:
  title: Three files
  model: claude-sonnet-5-5
  usage: {input: 10000, output: 1000}
  tasks:
    - {id: one, title: Write one, repository: app}
    - {id: two, title: Write two, repository: app, dependencies: [one]}
    - {id: three, title: Redesign the authentication architecture, repository: app, dependencies: [two]}
tasks:
  one:
    steps: [{write: {path: one, text: x}}]
    model: claude-sonnet-5-5
    usage: {input: 1000, output: 500}
    cost: '0.48'
  two:
    steps: [{write: {path: two, text: x}}]
    model: claude-sonnet-5-5
    cost: '0.48'
  three:
    steps: [{write: {path: three, text: x}}]
    model: claude-opus-5-5
    cost: '0.48'
";

fn place() -> Place {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file("playbook.yaml", PLAYBOOK).file(
        "config/automation.yaml",
        "agents:\n- {name: robot, kind: scripted, playbook: playbook.yaml}\nbudget: {run: 1, call: 0.5}\n",
    );
    place
}

#[test]
fn a_run_over_its_budget_goes_on_once_it_is_raised() {
    let place = place();
    let ran = place
        .run("run --repo app --title 'Three files' --run-id r1 --max-workers 1")
        .code(4);
    assert_eq!(
        place.placeholders(&ran.stderr),
        String::from(
            "error: the run stopped at \"task three: agent\"\n  \
             because failed to set money aside\n  \
             because the limit of run r1, 1.00 USD, would be passed: 0.99 are spent, 0.00 set aside, 0.10 needed; \
             to go on: automation budget raise 3.00 --run r1\n\
             mend that, then go on with: automation resume r1\n"
        )
    );
    place.run("status r1").says("spent: 0.99 USD");
    place.run("budget").says("run r1");
    place.run("budget raise 3.00 --run r1").is(&expect![[r#"
            exit 0
            the limit of run r1 is 3.00 USD now; it was 1.00; go on with: automation resume r1
        "#]]);
    let resumed = place.run("resume r1").code(0);
    assert!(
        !resumed.stdout.contains("one: running"),
        "what is done is not done again"
    );
    place.run("cost").is(&expect![[r#"
        exit 0
        run  USD   requests  tokens in  tokens out
        r1   1.47  4         11000      1500
        total: 1.47 USD
    "#]]);
    place.run("cost r1").is(&expect![[r#"
        exit 0
        task      USD   requests  tokens in  tokens out
        r1 one    0.48  1         1000       500
        r1 three  0.48  1         0          0
        r1 two    0.48  1         0          0
        r1        0.03  1         10000      1000
        total: 1.47 USD
    "#]]);
    place.run("cost --by model").is(&expect![[r#"
        exit 0
        model              USD   requests  tokens in  tokens out
        claude-sonnet-5-5  0.99  3         11000      1500
        claude-opus-5-5    0.48  1         0          0
        total: 1.47 USD
    "#]]);
    place.run("cost --by repo").says("app");
    let by_day = place.run("cost --by day --json").code(0).json();
    assert_eq!(by_day["total"], "1.47");
    assert_eq!(by_day["spending"][0]["requests"], 4);
    assert_eq!(by_day["open"], serde_json::json!([]));
    let budget = place.run("budget --json").code(0).json();
    assert_eq!(budget["limits"]["run"], "1.00");
    let run = budget["standings"].as_array().unwrap().iter();
    let run = run.clone().find(|it| it["of"]["scope"] == "run").unwrap();
    assert_eq!(
        (&run["limit"], &run["spent"]),
        (&"3.00".into(), &"1.47".into())
    );
    let explained = place.run("cost explain three --run r1").code(0);
    explained.says("complexity ");
    explained.says("difficult: architecture");
    explained.says("tier ADVANCED");
    explained.says("the table that the program brings");
    let explained = place.run("cost explain one --json").code(0).json();
    assert_eq!(explained["factors"].as_array().unwrap().len(), 8);
}

#[test]
fn a_plan_says_what_it_will_cost() {
    let place = place();
    let planned = place
        .run("plan --repo app --title 'Three files' --run-id p1 --json")
        .code(3)
        .json();
    for stage in ["planning", "implementation", "review", "total"] {
        let usd = |bound: &str| -> f64 {
            let usd = planned["cost"][stage][bound].as_str().unwrap();
            usd.parse().unwrap()
        };
        assert!(
            usd("low") < usd("expected") && usd("expected") < usd("high"),
            "{stage}: {}",
            planned["cost"]
        );
    }
    assert_eq!(planned["cost"]["agent_spends"], true);
    place
        .run("plan --repo app --agent sh:true --title X --run-id p2")
        .code(3)
        .says("estimated cost: none known, since agent command names no model");
}

#[test]
fn agents_that_report_nothing_are_free() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file(
        "config/automation.yaml",
        "budget: {run: 0.01, call: 0.01}\n",
    );
    place
        .run("run --agent 'sh:echo x > x' --repo app --title X --run-id r1")
        .code(0);
    place.run("cost").is(&expect![[r#"
        exit 0
        nothing was spent
    "#]]);
    // Nothing is set aside for one that is said to be free, whatever it reports.
    place.file(
        "config/automation.yaml",
        "budget: {run: 0.01, call: 0.01}\nagents:\n- name: a\n  kind: command\n  spends: false\n  \
         command: 'echo y > x; echo ''{\"cost\": 5}'' > $AUTOMATION_ANSWER_FILE'\n",
    );
    let free = place.run("run --repo app --title X --run-id r2").code(0);
    free.says("run r2");
    place.run("cost").says("nothing was spent");
}

/// A plan of eight tasks without dependencies, each of which does `work`.
fn eight_tasks(place: &Place, work: &str, budget: &str) {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let tasks = names
        .map(|name| format!(r#"{{"id": "{name}", "title": "Write {name}", "repository": "app"}}"#));
    let plan = format!(r#"{{"plan": {{"tasks": [{}]}}}}"#, tasks.join(", "));
    place.file("plan.json", plan).script(
        "agent.sh",
        &format!(
            "#!/bin/sh\nif [ $AUTOMATION_STAGE = planning ]; then\n  \
             cat \"$LC_PLACE/plan.json\" > \"$AUTOMATION_ANSWER_FILE\"\n  exit\nfi\n{work}\n"
        ),
    );
    place.file(
        "config/automation.yaml",
        format!(
            "agents:\n- {{name: a, kind: command, command: [./agent.sh], plan: true}}\nbudget: {budget}\n"
        ),
    );
}

fn total(place: &Place) -> facade::core_types::Usd {
    let spent = place.run("cost --json").code(0).json();
    let total = spent["total"].as_str().expect("an amount as a text");
    total.parse().expect("an amount")
}

/// Nobody knows of the agent that it spends, until it reports: all of its requests run at a time.
#[test]
fn the_limit_holds_for_an_agent_of_which_nobody_knows() {
    let place = Place::new();
    place.repository("app", Some("true"));
    eight_tasks(
        &place,
        "echo x > $AUTOMATION_TASK_ID\nsleep 0.1\necho '{\"cost\": 0.9}' > \"$AUTOMATION_ANSWER_FILE\"",
        "{run: 1}",
    );
    place
        .run("run --repo app --title X --run-id r1 --max-workers 8")
        .code(4)
        .says("the limit of run r1, 1.00 USD, would be passed");
    let total = total(&place);
    assert!(
        total <= "1.8".parse().unwrap(),
        "a limit is passed by at most what one call overshoots: {total}"
    );
    let open = place.run("cost --json").json();
    assert_eq!(open["open"], serde_json::json!([]));
}

#[test]
fn what_a_failure_reports_is_spent() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file(
        "config/automation.yaml",
        "agents:\n- name: a\n  kind: command\n  command: |\n    \
         echo '{\"cost\": 0.3, \"error\": {\"kind\": \"not_found\"}}' > $AUTOMATION_ANSWER_FILE\n",
    );
    place.run("run --repo app --title X --run-id r1").code(1);
    let spent = place.run("cost --json").code(0).json();
    assert_eq!(spent["spending"][0]["requests"], 1, "{spent}");
    assert_eq!(spent["total"], "0.30");
}

/// A silent failure costs a hundredth of what is set aside, and all of it once the agent has spent.
#[test]
fn a_failure_that_reports_nothing_is_not_free() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place
        .run("run --agent 'sh:exit 1' --repo app --title X --run-id r1")
        .code(1);
    let spent = place.run("cost r1 --json").code(0).json();
    let requests = spent["spending"][0]["requests"].as_u64().unwrap();
    assert_eq!(spent["total"], format!("0.0{requests}"), "{spent}");
    eight_tasks(
        &place,
        "test $AUTOMATION_TASK_ID = a || exit 1\necho x > a\necho '{\"cost\": 0.5}' > \"$AUTOMATION_ANSWER_FILE\"",
        "{run: 2, call: 1}\nrecovery: {enabled: false}",
    );
    place
        .run("run --repo app --title X --run-id r2 --max-workers 1")
        .code(4);
    let spent = place.run("cost r2 --json").code(0).json();
    assert_eq!(
        spent["total"], "2.00",
        "0.50 by a, all that was left by others: {spent}"
    );
}

/// The agent says what it spends while it works; at the limit its whole tree is ended.
#[test]
fn the_limit_ends_a_running_agent_and_the_run_goes_on_once_it_is_raised() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.script(
        "agent.sh",
        "#!/bin/sh\necho x > x\nif [ -e \"$LC_PLACE/../home/again\" ]; then\n  \
         for n in 1 2 3; do echo '{\"cost\": \"0.75\"}' >> \"$AUTOMATION_USAGE_FILE\"; sleep 0.3; done\n  exit\nfi\n\
         echo '{\"cost\": 0.6}' >> \"$AUTOMATION_USAGE_FILE\"\n\
         echo '{\"cost\": 0.6}' >> \"$AUTOMATION_USAGE_FILE\"\nsleep 1000 & setsid sleep 1000 & wait\n",
    );
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: a, kind: command, command: [./agent.sh]}\nbudget: {run: 1}\n",
    );
    let ran = place
        .run("run --repo app --title X --run-id ended-1")
        .code(4);
    ran.says("it reported 1.20 USD and was ended, since there is no more");
    ran.says("automation budget raise ");
    assert_eq!(
        place.processes_of("ended-1"),
        [""; 0],
        "the whole tree has ended"
    );
    assert_eq!(total(&place).to_string(), "1.20");
    place.run("resume ended-1").code(4);
    assert_eq!(total(&place).to_string(), "1.20", "nothing was begun");
    // With room in the limit it gets more than what is set aside for one request.
    place
        .run("budget raise 5 --run ended-1")
        .code(0)
        .says("it was 1.00");
    place.file("../home/again", "");
    place.run("resume ended-1").code(0);
    assert_eq!(total(&place).to_string(), "3.45");
    let open = place.run("cost --json").json();
    assert_eq!(open["open"], serde_json::json!([]));
}

/// A share of the limit at which a person is asked ends no work that goes on: it stops the next.
#[test]
fn a_soft_limit_ends_no_running_agent() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.script(
        "agent.sh",
        "#!/bin/sh\necho x > x\n\
         for cost in 0.45 0.15; do echo '{\"cost\": '$cost'}' >> \"$AUTOMATION_USAGE_FILE\"; sleep 0.5; done\n",
    );
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: a, kind: command, command: [./agent.sh]}\nbudget: {run: 1, soft: 50, call: 0.5}\n",
    );
    place.run("run --repo app --title X --run-id s1").code(0);
    assert_eq!(total(&place).to_string(), "0.60");
}

/// A run keeps the limit of the day that it began with, whatever the configuration says now.
#[test]
fn the_line_that_raises_a_limit_raises_it() {
    let place = Place::new();
    place.repository("app", Some("true"));
    let configured = |limit: &str| {
        format!(
            "agents:\n- {{name: a, kind: command, command: 'echo x > x', model: claude-sonnet-5-5}}\nbudget: {{day: {limit}}}\n"
        )
    };
    place.file("config/automation.yaml", configured("0.05"));
    let ran = place.run("run --repo app --title X --run-id r1").code(4);
    ran.says("automation budget raise 1.00 --day ");
    place.file("config/automation.yaml", configured("50"));
    place
        .run("budget raise 1.00 --day today")
        .code(0)
        .says("it was 0.05");
    place.run("resume r1").code(0);
    place
        .run("budget raise 2.00 --day today")
        .code(2)
        .says("is 50.00 USD, which 2.00 does not raise");
}

/// The agent reports what nobody expected; the next request meets the limit.
#[test]
fn a_command_is_found_out_by_its_report() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.file(
        "config/automation.yaml",
        "budget: {run: 1}\nagents:\n- name: a\n  kind: command\n  review: true\n  \
         command: 'echo x > x; echo ''{\"cost\": \"1.50\"}'' > $AUTOMATION_ANSWER_FILE'\n",
    );
    place
        .run("run --repo app --title X --run-id r1")
        .code(4)
        .says("the limit of run r1, 1.00 USD, would be passed: 1.50 are spent");
}

#[test]
fn bad_amounts_are_refused_with_their_places() {
    let place = place();
    let refused = |budget: &str, says: &str| {
        place.file(
            "config/automation.yaml",
            format!("agents:\n- {{name: robot, kind: scripted, playbook: playbook.yaml}}\nbudget: {{run: {budget}}}\n"),
        );
        let ran = place.run("run --repo app --title X --run-id bad").code(2);
        ran.says("config/automation.yaml:3:15: budget.run: ");
        ran.says(says);
        assert!(!place.path(".automation").exists(), "nothing was begun");
    };
    refused("-1", "expected");
    refused("0", "none");
    refused("NaN", "expected");
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: a, kind: command, command: [sh], model: claude-sonet-5-5}\n",
    );
    place
        .run("run --repo app --title X --run-id bad")
        .code(2)
        .says("agents[0].model: the price of model \"claude-sonet-5-5\" is not known, did you mean claude-sonnet-5-5");
    place.file(
        "config/automation.yaml",
        "default_agent: a\nagents:\n- {name: a, kind: command, command: [sh]}\n",
    );
    place.file("config/models.yaml", "tiers:\n  FAST: gpt-0\n");
    place
        .run("run --repo app --title X --run-id bad")
        .code(2)
        .says("config/models.yaml:2:9: tiers.FAST: the price of model \"gpt-0\" is not known");
    std::fs::remove_file(place.path("config/models.yaml")).unwrap();
    place
        .run("budget raise -3 --day today")
        .code(2)
        .says("\"-3\" is not an amount in USD");
    place
        .run("budget raise 5 --day today")
        .code(2)
        .says("is 20.00 USD, which 5.00 does not raise");
    place
        .run("budget raise 5 --day someday")
        .code(2)
        .says("\"someday\" is not a day");
    assert!(!place.path(".automation/costs").exists());
}

/// More requests at a time than the limit has room for: they wait for each other.
#[test]
fn requests_wait_for_what_others_have_set_aside() {
    let place = Place::new();
    place.repository("app", Some("true"));
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut playbook = "plan:\n  tasks:\n".to_owned();
    for name in names {
        playbook.push_str(&format!(
            "    - {{id: {name}, title: Write {name}, repository: app}}\n"
        ));
    }
    playbook.push_str("tasks:\n");
    for name in names {
        playbook.push_str(&format!(
            "  {name}:\n    steps: [{{sleep: 20ms}}, {{write: {{path: {name}, text: x}}}}]\n    cost: '0.05'\n"
        ));
    }
    place.file("playbook.yaml", playbook).file(
        "config/automation.yaml",
        "agents:\n- {name: robot, kind: scripted, playbook: playbook.yaml}\nbudget: {run: 1, call: 0.5}\n",
    );
    place
        .run("run --repo app --title X --run-id r1 --max-workers 8")
        .code(0);
    place.run("cost").says("total: 0.40 USD");
}

#[test]
fn what_a_killed_agent_may_have_spent_stays_set_aside() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.pipe("started");
    place.file(
        "config/automation.yaml",
        "agents:\n- name: a\n  kind: command\n  model: claude-sonnet-5-5\n  \
         command: 'if [ -e \"$LC_PLACE/../home/again\" ]; then exit 1; fi; echo > \"$LC_PLACE/started\"; sleep 1000'\n",
    );
    let mut child = place.start("run --repo app --title X --run-id r1");
    std::fs::read(place.path("started")).expect("the agent starts");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    place.run("cost").is(&expect![[r#"
        exit 0
        nothing was spent
        set aside: 1.00 USD for run r1, task app, by work that goes on or was killed
    "#]]);
    place
        .run("status r1")
        .says("spent: 0.00 USD, 1.00 set aside");
    let dear = place.run("budget settle r1 --spent -1").code(2);
    dear.says("is not an amount in USD");
    place.file("../home/again", "");
    place.run("resume r1").code(1);
    // One that fails in our sight has cost what was set aside for it, as far as anybody knows.
    let spent = place.run("cost --json").code(0).json();
    assert_eq!(spent["open"].as_array().map(Vec::len), Some(1), "{spent}");
    assert_eq!(
        spent["spending"][0]["unknown"], spent["spending"][0]["requests"],
        "{spent}"
    );
    // What the killed one has spent, a person may know.
    place.run("budget settle r1 --spent 0.25").is(&expect![[r#"
            exit 0
            run r1, task app: 1.00 USD were set aside, 0.25 are taken to be spent
        "#]]);
    place.run("budget settle r1 --spent 0.25").is(&expect![[r#"
        exit 0
        run r1 has nothing set aside
    "#]]);
    let settled = place.run("cost --json").code(0).json();
    assert_eq!(settled["open"], serde_json::json!([]));
    let (before, after) = (&spent["total"], &settled["total"]);
    assert_ne!(before, after, "{settled}");
}

/// Nobody knows that it spends, so that killing the engine again and again does not use up the limit.
#[test]
fn a_killed_agent_that_has_reported_nothing_is_settled_by_resume() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.pipe("started");
    place.file(
        "config/automation.yaml",
        "agents:\n- name: a\n  kind: command\n  \
         command: 'echo x > x; if [ -e \"$LC_PLACE/../home/again\" ]; then exit; fi; echo > \"$LC_PLACE/started\"; sleep 1000'\n",
    );
    let mut child = place.start("run --repo app --title X --run-id r1");
    std::fs::read(place.path("started")).expect("the agent starts");
    place
        .run("budget settle r1")
        .code(1)
        .says("another process is working on run r1");
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    place.run("cost").says("set aside: 1.00 USD");
    place.file("../home/again", "");
    place.run("resume r1").code(0);
    place.run("cost").is(&expect![[r#"
        exit 0
        run  USD   requests  tokens in  tokens out
        r1   0.01  2         0          0
        total: 0.01 USD
    "#]]);
}

#[test]
fn a_soft_limit_asks_and_the_run_goes_on_without_loss() {
    let place = place();
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: robot, kind: scripted, playbook: playbook.yaml}\nbudget: {run: 2, soft: 25, call: 0.3}\n",
    );
    let ran = place
        .run("run --repo app --title 'Three files' --run-id r1 --max-workers 1")
        .code(4);
    expect![[r#"
        error: the run stopped at "task two: agent"
          because failed to set money aside
          because run r1 asks before it spends more than 0.50 of its 2.00 USD: 0.51 are spent, 0.00 set aside, 0.10 needed; to go on: automation budget raise 4.00 --run r1
        mend that, then go on with: automation resume r1
    "#]].assert_eq(&place.placeholders(&ran.stderr));
    let status = place.run("status r1 --json").json();
    assert_eq!(status["tasks"][0]["status"], "succeeded", "{status}");
    // Asking again spends nothing and says the same.
    let again = place.run("resume r1").code(4);
    assert_eq!(again.stderr, ran.stderr);
    place.run("budget raise 2 --run r1").is(&expect![[r#"
        exit 2
        --- stderr
        error: the limit of run r1 is 2.00 USD, which 2.00 does not raise
    "#]]);
    place.run("budget raise 20 --run r1").code(0);
    let resumed = place.run("resume r1").code(0);
    assert!(
        !resumed.stdout.contains("one: running"),
        "what is done is not done again: {}",
        resumed.stdout
    );
    // One request for the plan and one for each task: nothing was paid for twice, and nothing lost.
    let spent = place.run("cost r1 --json").code(0).json();
    let rows = spent["spending"].as_array().unwrap();
    assert_eq!(spent["total"], "1.47", "{spent}");
    assert!(rows.iter().all(|row| row["requests"] == 1), "{spent}");
    assert_eq!(spent["open"], serde_json::json!([]));
    let files = testkit::git::Fixture::at(place.path("app")).git(&[
        "ls-tree",
        "--name-only",
        "automation/r1/change",
    ]);
    for file in ["one", "two", "three"] {
        assert!(files.lines().any(|line| line == file), "{file}: {files}");
    }
}

/// The table that the program brings, changed.
fn prices(change: impl Fn(&mut serde_json::Map<String, serde_json::Value>)) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../cost/data/prices.json");
    let text = std::fs::read_to_string(path).expect("the table is there");
    let mut table = serde_json::from_str(&text).expect("it is an object");
    change(&mut table);
    serde_json::to_string(&table).expect("JSON")
}

#[test]
fn a_table_of_ones_own_has_the_prices() {
    let place = place();
    let models = "prices: {file: prices.json, date: 2026-11-25}\n";
    place.file("config/models.yaml", models).file(
        "prices.json",
        prices(|table| {
            table["claude-sonnet-5-5"]["input_cost_per_token"] = 4e-6.into();
            table["claude-sonnet-5-5"]["output_cost_per_token"] = 20e-6.into();
        }),
    );
    place
        .run("plan --repo app --title 'Three files' --run-id r1")
        .code(3)
        .says("prices of 2026-11-25:");
    // 10,000 tokens in and 1,000 out.
    place
        .run("cost --by model")
        .says("claude-sonnet-5-5  0.06  1 ");
    // It stops at its limit, with a plan to explain.
    place.run("approve r1").code(4);
    place
        .run("cost explain one --run r1")
        .says("prices of 2026-11-25: prices.json");
}

#[test]
fn a_table_that_cannot_be_trusted_is_refused_with_its_place() {
    let place = place();
    let models = "optimize: true\nprices:\n  file: prices.json\n";
    place.file("config/models.yaml", models);
    let run = "run --repo app --title X --run-id r1";
    // Missing, no table at all, shrunken, without a model in use, with a price that jumped, with one that is none.
    place.refused(run, &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/config/models.yaml:3:9: prices.file: prices.json: No such file or directory (os error 2)
    "#]]);
    place.file("prices.json", "{\"a\": 1");
    place.refused(
        run,
        &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/prices.json:1:7: not JSON: EOF while parsing an object at line 1 column 7
    "#]],
    );
    place.file(
        "prices.json",
        prices(|table| {
            let names: Vec<_> = table.keys().skip(60).cloned().collect();
            names.iter().for_each(|name| drop(table.remove(name)));
        }),
    );
    place.refused(run, &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/config/models.yaml:3:9: prices.file: prices.json: the newer table of prices has 59 models, this one 264; it was not taken over
    "#]]);
    let without = |model: &str| prices(|table| drop(table.remove(model)));
    place.file("prices.json", without("claude-haiku-5-5"));
    place.refused(run, &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/config/models.yaml:3:9: prices.file: prices.json: the newer table of prices lacks models in use: claude-haiku-5-5
    "#]]);
    let with = |price: serde_json::Value| {
        prices(|table| table["claude-haiku-5-5"]["input_cost_per_token"] = price.clone())
    };
    place.file("prices.json", with(1.0.into()));
    place.refused(run, &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/config/models.yaml:3:9: prices.file: prices.json: prices moved by more than three times, look and accept them: claude-haiku-5-5: input from 0.10 to 1000000.00 USD for a million tokens
    "#]]);
    // A person has looked at it; another table needs another look.
    let accepting = |day: &str| {
        let models =
            format!("prices: {{file: prices.json, date: 2026-11-25, accept_moves: {day}}}\n");
        place.file("config/models.yaml", models);
        place.run("plan --repo app --title X --run-id p1")
    };
    accepting("2026-11-24").code(2).says("look and accept them");
    accepting("2026-11-25").code(3);
    place.file(
        "config/models.yaml",
        "optimize: true\nprices:\n  file: prices.json\n",
    );
    // Of a model that nobody uses, a move is no concern.
    place.file(
        "prices.json",
        prices(|table| table["gpt-4o"]["input_cost_per_token"] = 1.0.into()),
    );
    place.run("plan --repo app --title X --run-id p2").code(3);
    place.file("prices.json", prices(|table| drop(table.remove("_meta"))));
    place
        .run("plan --repo app --title X --run-id p3")
        .code(2)
        .says("it does not say its day, without which nobody knows how old it is: add prices.date");
    place.file("prices.json", with((-1).into()));
    place.refused(run, &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/prices.json:1:3020: claude-haiku-5-5.input_cost_per_token: expected USD a token, 0 or more, found -1
    "#]]);
    // A model that only the agent names.
    place.file("prices.json", without("claude-opus-4-1"));
    place.file(
        "config/automation.yaml",
        "agents:\n- {name: a, kind: command, command: [sh], model: gpt-0}\n",
    );
    place.refused(run, &expect![[r#"
        exit 2
        --- stderr
        error: the input is not valid:
          [ROOT]/work/config/automation.yaml:2:3: agents[0].model: the price of model "gpt-0" is not known, did you mean gpt-4, gpt-5, gpt-4o?: name it under `overrides` or `aliases` in config/models.yaml
    "#]]);
}

/// Twenty tasks of one run correct what another one is told, of whatever model, and not the run itself.
#[test]
fn past_tasks_correct_all_figures_of_an_explanation() {
    let place = Place::new();
    place.repository("app", Some("true"));
    let (mut plan, mut tasks) = (String::new(), String::new());
    for n in 0..20 {
        plan.push_str(&format!(
            "    - {{id: t{n}, title: Write it, repository: app}}\n"
        ));
        tasks.push_str(&format!(
            "  t{n}: {{steps: [{{write: {{path: f{n}, text: x}}}}], cost: '3'}}\n"
        ));
    }
    let playbook = format!("plan:\n  title: Twenty files\n  tasks:\n{plan}tasks:\n{tasks}");
    place.file("playbook.yaml", &playbook).file(
        "config/automation.yaml",
        "agents:\n- {name: robot, kind: scripted, playbook: playbook.yaml}\nbudget: {run: none, day: none}\n",
    );
    place
        .run("run --repo app --title 'Twenty files' --run-id r1")
        .code(0);
    let one = "title: One file\ntasks: [{id: t0, title: Write it, repository: app}]\n";
    place.file("plan.yaml", one);
    // What it writes is there already.
    let again = place.run("run --repo app --title 'One file' --plan plan.yaml --run-id r2");
    again.says("t0");
    let figures = |run: &str| {
        let explained = place.run(&format!("cost explain t0 --run {run} --json"));
        let explained = explained.code(0).json();
        let expected = |value: &serde_json::Value| -> f64 {
            let usd = value["estimate"]["expected"].as_str().unwrap();
            usd.parse().unwrap()
        };
        let mut figures = vec![expected(&explained)];
        let others = explained["alternatives"].as_array().unwrap();
        figures.extend(others.iter().map(expected));
        figures
    };
    let (own, other) = (figures("r1"), figures("r2"));
    assert_eq!((own.len(), other.len()), (3, 3));
    let factors: Vec<f64> = own.iter().zip(&other).map(|(a, b)| b / a).collect();
    assert!(factors[0] > 2.0, "{factors:?}: each cost 3 USD");
    for factor in &factors {
        assert!((factor / factors[0] - 1.0).abs() < 1e-6, "{factors:?}");
    }
    assert!((other[0] - 3.0).abs() < 1e-6, "{other:?}");
}
