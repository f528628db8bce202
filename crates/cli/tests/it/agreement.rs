//! Page, terminal and report show the same figures.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::Stdio,
};

use facade::{
    core_types::Usd,
    monitoring::dashboard::text::{duration, money},
};
use serde_json::Value;

use crate::{monitoring::words, place::Place};

const PLAN: &str = "\
id: three-files
title: Three files
tasks:
  - {id: one, title: Add one, repository: app, estimate: 60s}
  - {id: two, title: Add two, repository: app, dependencies: [one]}
  - {id: three, title: Write a third, repository: app}
";

/// A dashboard, and how it is asked.
struct Dashboard {
    child: std::process::Child,
    port: String,
    token: String,
}

impl Dashboard {
    fn of(place: &Place) -> Self {
        let mut command = place.command("dashboard --port 0 --json");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut text = String::new();
        let reach = loop {
            assert!(lines.read_line(&mut text).expect("a line") > 0, "{text}");
            if let Ok(reach) = serde_json::from_str::<Value>(&text) {
                break reach;
            }
        };
        let part = |key: &str| reach[key].as_str().expect("a text").to_owned();
        let link = part("link");
        let port = link.split([':', '/']).nth(4).expect("a port").to_owned();
        let token = part("token");
        Self { child, port, token }
    }

    /// The body of the answer to a request.
    fn get(&self, path: &str) -> String {
        let (port, token) = (&self.port, &self.token);
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).expect("open");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("read");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn page_terminal_and_report_agree() {
    let place = Place::new();
    place.repository("app", Some("true"));
    place.script(
        "agent.sh",
        "#!/bin/sh\necho bar > $AUTOMATION_TASK_ID\necho '{\"cost\": 0.2345, \"summary\": \"done\"}' > $AUTOMATION_ANSWER_FILE\n",
    );
    place.file("plan.yaml", PLAN);
    let run =
        "run --agent ./agent.sh --repo app --title X --plan plan.yaml --approve landing --land";
    place.run(&format!("{run} --run-id r1")).code(3);

    let told = place.run("top --once --json").json();
    let shown = &told["runs"][0];
    let (header, tasks) = (&shown["header"], &shown["tasks"]);
    let amount = |value: &Value| {
        money(
            value
                .as_str()
                .expect("an amount")
                .parse::<Usd>()
                .expect("USD"),
        )
    };
    let spent = amount(&shown["spend"]["spent"]);
    assert_eq!(spent, "$0.70", "three times 0.2345 USD");
    let counts = &header["counts"];
    assert_eq!(counts["succeeded"], 3, "{counts}");

    let dashboard = Dashboard::of(&place);
    let page = words(&dashboard.get("/runs/r1"));
    let overview = words(&dashboard.get("/"));
    place.run("report r1 --html out.html").code(0);
    let report = words(&place.read("out.html"));
    let terminal = String::from_utf8(
        place
            .command("top --once")
            .output()
            .expect("it runs")
            .stdout,
    )
    .expect("text");
    let all = [
        ("page", &page),
        ("report", &report),
        ("terminal", &terminal),
    ];
    let says = |figure: &str| {
        for (name, text) in all {
            assert!(text.contains(figure), "the {name} lacks {figure}: {text}");
        }
    };
    says("X");
    says(header["state"].as_str().expect("a state"));
    says(&spent);
    says(&amount(&shown["spend"]["limit"]));
    for task in tasks.as_array().expect("tasks") {
        for key in ["task", "status"] {
            says(task[key].as_str().expect("a text"));
        }
        says(&duration(task["running_ms"].as_u64().expect("a number")));
    }
    assert!(
        page.contains("3 of 3") && report.contains("3 of 3"),
        "{page}"
    );
    assert!(terminal.contains("3/3 tasks"), "{terminal}");
    for text in [&overview, &terminal] {
        assert!(
            text.contains(&amount(&told["overview"]["day"]["spent"])),
            "{text}"
        );
    }
    // What programs are told is the same, and so is what the run itself says.
    let served: Value = serde_json::from_str(&dashboard.get("/api/runs/r1")).expect("JSON");
    assert_eq!(served["header"]["counts"], *counts);
    assert_eq!(served["spend"], shown["spend"]);
    let reported = place.run("report r1 --json").json();
    assert_eq!(reported["run"]["header"]["counts"], *counts);
    assert_eq!(reported["run"]["spend"], shown["spend"]);
    let status = place.run("status r1 --json").json();
    let states = |of: &Value, key: &str| -> Vec<(String, String)> {
        let tasks = of[key].as_array().expect("tasks").iter();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        tasks
            .map(|task| (text(&task["task"]), text(&task["status"])))
            .collect()
    };
    assert_eq!(states(&status, "tasks"), states(shown, "tasks"));
}
