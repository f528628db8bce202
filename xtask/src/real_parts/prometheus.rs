//! A real Prometheus: what it says of our files, what it finds when it scrapes us, what it answers.

use std::{
    io::{BufRead as _, BufReader},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use xshell::{Shell, cmd};

use super::{Outcome, debian, http};
use crate::workspace::Workspace;

const PACKAGE: &str = "prometheus";
const CONFIG: &str = "config/prometheus";
const DASHBOARDS: &[&str] = &["overview", "run", "cost"];
/// How long it may take until everything has an answer.
const PATIENCE: Duration = Duration::from_secs(90);

/// promtool on what we expose, on the configuration, on the rules, and the rules' tests.
pub(super) fn promtool(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    let promtool = match debian::program(sh, workspace, PACKAGE, "promtool")? {
        Ok(promtool) => promtool,
        Err(missing) => return Ok(Outcome::Skipped(missing)),
    };
    let expose = expose(sh, workspace)?;
    let text = cmd!(sh, "{expose} --print text").quiet().read()?;
    let exposed = cmd!(sh, "{promtool} check metrics").stdin(text + "\n");
    let tests = &sh.read_dir(Path::new(CONFIG).join("tests"))?;
    let commands = [
        exposed,
        cmd!(sh, "{promtool} check config {CONFIG}/prometheus.yml"),
        cmd!(
            sh,
            "{promtool} check rules {CONFIG}/rules.yml {CONFIG}/alerts.yml"
        ),
        cmd!(sh, "{promtool} test rules {tests...}"),
    ];
    let n_commands = commands.len();
    for command in commands {
        let shown = command.to_string();
        let output = command.quiet().ignore_status().output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        // `check metrics` prints what it dislikes, and may still exit with 0.
        let dislikes = shown.contains("check metrics") && !said.trim().is_empty();
        if !output.status.success() || dislikes {
            return Ok(Outcome::Failed(format!(
                "$ {shown}\n{said}{}",
                output.status
            )));
        }
    }
    let mut n_asserted = 0;
    for test in tests {
        n_asserted += sh.read_file(test)?.matches("eval_time:").count();
    }
    let version = version(sh, &promtool)?;
    Ok(Outcome::Passed(format!(
        "{version}: {n_commands} commands without a complaint, {n_asserted} assertions on rules"
    )))
}

/// Prometheus scrapes us by our configuration: each family, each rule and each query of a dashboard has
/// an answer.
pub(super) fn scrape(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    let prometheus = match debian::program(sh, workspace, PACKAGE, "prometheus")? {
        Ok(prometheus) => prometheus,
        Err(missing) => return Ok(Outcome::Skipped(missing)),
    };
    let server = Server::start(sh, workspace, &prometheus, &[])?;
    let families = families(&sh.read_file("docs/reference/metrics.md")?);
    let rules = sh.read_file(Path::new(CONFIG).join("rules.yml"))?;
    let rules = rules.lines().filter_map(|line| line.split_once("record: "));
    let rules: Vec<String> = rules.map(|(_, name)| name.trim().to_owned()).collect();
    let mut panels = Vec::new();
    for name in DASHBOARDS {
        panels.extend(queries(
            &sh.read_file(format!("config/grafana/{name}.json"))?,
        )?);
    }
    ensure!(
        !families.is_empty() && !rules.is_empty() && !panels.is_empty(),
        "nothing to ask for is found"
    );
    let (n_families, n_rules, n_panels) = (families.len(), rules.len(), panels.len());
    let up = vec![r#"up{job="automation"} == 1"#.to_owned()];
    let open = server.ask(
        up.into_iter()
            .chain(families)
            .chain(rules)
            .chain(panels)
            .collect(),
    )?;
    if !open.is_empty() {
        return Ok(Outcome::Failed(format!(
            "no answer to\n{}",
            open.join("\n")
        )));
    }
    let version = version(sh, &prometheus)?;
    Ok(Outcome::Passed(format!(
        "{version}: up, answers {n_families} families, {n_rules} rules, {n_panels} queries of dashboards"
    )))
}

/// Prometheus asks for protobuf, and gets native histograms.
pub(super) fn native_histograms(sh: &Shell, workspace: &Workspace) -> Result<Outcome> {
    let prometheus = match debian::program(sh, workspace, PACKAGE, "prometheus")? {
        Ok(prometheus) => prometheus,
        Err(missing) => return Ok(Outcome::Skipped(missing)),
    };
    let flags = ["--enable-feature=native-histograms"];
    let server = Server::start(sh, workspace, &prometheus, &flags)?;
    let asked = vec![
        r#"histogram_count(automation_workflow_duration_seconds{stage="planning"}) > 0"#.to_owned(),
        // Observed were 3 s, and the 2 s between two events: a bucket is 9 % wide.
        r#"histogram_quantile(1, automation_workflow_duration_seconds{stage="planning"}) < 3.3"#
            .to_owned(),
        r#"automation_workflow_executions_total{stage="planning",status="success"} > 0"#.to_owned(),
        "automation_system_info == 1".to_owned(),
    ];
    let n_asked = asked.len();
    let open = server.ask(asked)?;
    Ok(if open.is_empty() {
        Outcome::Passed(format!("{n_asked} queries answered"))
    } else {
        Outcome::Failed(format!("no answer to\n{}", open.join("\n")))
    })
}

/// Our end and Prometheus, ended with this value.
struct Server {
    address: SocketAddr,
    children: [Child; 2],
}

impl Server {
    fn start(sh: &Shell, workspace: &Workspace, program: &Path, flags: &[&str]) -> Result<Self> {
        let expose = expose(sh, workspace)?;
        let mut ours = Command::from(cmd!(sh, "{expose} --listen 127.0.0.1:0"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut target = String::new();
        let stdout = ours.stdout.take().context("standard output is piped")?;
        BufReader::new(stdout).read_line(&mut target)?;
        let target = target.trim();

        let folder = workspace.target.join("real-parts/prometheus-data");
        sh.remove_path(&folder)?;
        sh.create_dir(&folder)?;
        let rules = workspace.root.join(CONFIG);
        let config = sh.read_file(rules.join("prometheus.yml"))?;
        let config = config
            .replace("15s", "1s")
            .replace("localhost:8000", target)
            .replace(
                "- rules.yml",
                &format!("- {}", rules.join("rules.yml").display()),
            )
            .replace(
                "- alerts.yml",
                &format!("- {}", rules.join("alerts.yml").display()),
            );
        let path = folder.join("prometheus.yml");
        sh.write_file(&path, config)?;
        // Free a moment ago; nobody else takes ports by number here.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let listen = address.to_string();
        let data = folder.join("data");
        let theirs = cmd!(
            sh,
            "{program} --config.file={path} --storage.tsdb.path={data} --web.listen-address={listen} --log.level=error {flags...}"
        );
        let theirs = Command::from(theirs)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        Ok(Self {
            address,
            children: [ours, theirs],
        })
    }

    /// Asks until each query has an answer; returns those that have none when patience ends.
    fn ask(&self, mut open: Vec<String>) -> Result<Vec<String>> {
        let start = Instant::now();
        while !open.is_empty() && start.elapsed() < PATIENCE {
            thread::sleep(Duration::from_secs(1));
            let mut rest = Vec::new();
            for query in open {
                let path = format!("/api/v1/query?query={}", http::percent_encoded(&query));
                match http::get(self.address, &path) {
                    Ok(body) => {
                        let answer: Value = serde_json::from_str(&body)?;
                        let result = answer["data"]["result"].as_array();
                        if result.is_none_or(Vec::is_empty) {
                            rest.push(query);
                        }
                    }
                    // It still starts.
                    Err(error) if error.is::<std::io::Error>() => rest.push(query),
                    Err(error) => return Err(error),
                }
            }
            open = rest;
        }
        Ok(open)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in &mut self.children {
            // One that has already ended is what we want.
            drop(child.kill());
            drop(child.wait());
        }
    }
}

fn expose(sh: &Shell, workspace: &Workspace) -> Result<PathBuf> {
    cmd!(
        sh,
        "cargo build --quiet -p monitoring --features dashboard,testkit --example expose"
    )
    .quiet()
    .run()?;
    Ok(workspace.target.join("debug/examples/expose"))
}

fn version(sh: &Shell, program: &Path) -> Result<String> {
    let said = cmd!(sh, "{program} --version").quiet().read()?;
    let line = said.lines().next().unwrap_or_default();
    Ok(line.split(" (").next().unwrap_or(line).to_owned())
}

/// A query for each family that the reference has.
fn families(reference: &str) -> Vec<String> {
    let names = reference
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'));
    names
        .map(|name| format!("{{__name__=~\"{name}(_count)?\"}}"))
        .collect()
}

/// The queries of a dashboard, with everything chosen.
fn queries(dashboard: &str) -> Result<Vec<String>> {
    let dashboard: Value = serde_json::from_str(dashboard)?;
    let panels = dashboard["panels"]
        .as_array()
        .context("a dashboard has panels")?;
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array())
        .flatten();
    let queries = targets.filter_map(|target| target["expr"].as_str());
    let chosen = |query: &str| {
        ["$job", "$instance", "$stage"]
            .iter()
            .fold(query.to_owned(), |query, name| query.replace(name, ".+"))
            .replace("$__rate_interval", "10s")
            .replace("$__range", "1m")
    };
    Ok(queries.map(chosen).collect())
}
