//! The typed repositories.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use crate::{
    command::Command,
    finding::{Findings, Mark, Report, quote},
    schema::{Kind, Names, Section, check},
    yaml::{Lookup, parse},
};

/// What `config/repositories.yaml` says. Names are valid, stand once, and lead to something; `depends_on` has no cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repositories {
    /// The file as the caller named it.
    pub file: String,
    /// The repositories in the file's order; never empty.
    pub entries: Vec<RepositoryEntry>,
    /// The forges in the file's order.
    pub forges: Vec<ForgeEntry>,
    /// The workflows in the file's order.
    pub workflows: Vec<WorkflowEntry>,
    /// Tests the results of all repositories of a run side by side.
    pub workflow_test_command: Option<Command>,
}

impl Repositories {
    /// Where the triggering issue lives and the run reports: the one that says so, else the first.
    pub fn primary(&self) -> Option<&RepositoryEntry> {
        self.entries
            .iter()
            .find(|entry| entry.primary)
            .or(self.entries.first())
    }

    /// The forge of a repository of the file, where that is none of this machine.
    pub fn forge_of(&self, entry: &RepositoryEntry) -> Option<&ForgeEntry> {
        let name = entry.forge.as_ref()?;
        self.forges.iter().find(|forge| forge.name == *name)
    }
}

/// A repository that runs may work on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryEntry {
    /// What the repository is called; a valid name.
    pub name: String,
    /// Owner on the forge; always there where `path` and `url` are not, and on a forge of the file.
    pub owner: Option<String>,
    /// Name on the forge, where it differs from `name`.
    pub repo: Option<String>,
    /// Whether it says that it is the primary one; see [`Repositories::primary`].
    pub primary: bool,
    /// Its folder, relative to the home folder; not together with `url`.
    pub path: Option<String>,
    /// What git clones it from.
    pub url: Option<String>,
    /// The name of one of [`Repositories::forges`], which has its branches too; `None` and `local` are the local one.
    pub forge: Option<String>,
    /// The target branch; `None` is the branch that the repository itself names. Not checked for git's rules.
    pub default_branch: Option<String>,
    /// Whether a run may change it.
    pub write: bool,
    /// Runs in a fresh clone before the agent does.
    pub setup_command: Option<Command>,
    /// Succeeds exactly when the repository is as it should be; `None`: results are "not verified".
    pub test_command: Option<Command>,
    /// The longest the test command may take, where it differs from the settings' `limits.test_timeout`.
    pub test_timeout: Option<Duration>,
    /// Runs after landing, if `auto_deploy` says so.
    pub deploy_command: Option<Command>,
    /// Whether runs may use it at all (`automation.enabled`).
    pub enabled: bool,
    /// Whether `deploy_command` runs after landing (`automation.auto_deploy`).
    pub auto_deploy: bool,
    /// Names of repositories whose tasks end first (`automation.depends_on`).
    pub depends_on: Vec<String>,
    /// Names of repositories whose completion starts this one (`automation.triggers`).
    pub triggers: Vec<String>,
    /// Whether it starts once when all of `triggers` have completed, or for any (`automation.trigger_on`).
    pub trigger_on: TriggerOn,
    /// Where the entry starts, for findings of later checks.
    pub mark: Mark,
}

/// An account on a forge over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeEntry {
    /// What repositories call it; a valid name, and not `local`.
    pub name: String,
    /// What kind it is.
    pub kind: ForgeKind,
    /// Where it is. Not checked to be a URL.
    pub url: String,
    /// Where its token comes from.
    pub token: TokenSource,
    /// Where the secret of its webhooks comes from; `None` where they are refused.
    pub webhook_secret: Option<TokenSource>,
    /// How long its lists may be late.
    pub settle: Duration,
    /// How long is waited before a failed call is made again.
    pub backoff: Duration,
    /// Whether reads are saved.
    pub cache: bool,
    /// Where the entry starts, for findings of later checks.
    pub mark: Mark,
}

/// The kinds of forges over the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForgeKind {
    /// Gitea or Forgejo.
    Gitea,
    /// GitHub, or a GitHub Enterprise Server.
    GitHub,
    /// gitlab.com, or a GitLab of one's own.
    GitLab,
}

/// Where a token comes from; never the token itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// An environment variable.
    Environment(String),
    /// A file, relative to the home folder.
    File(String),
    /// What a shell line prints.
    Command(String),
}

impl TokenSource {
    /// Reads `env:NAME`, `file:PATH` or `command:LINE`.
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let rest = rest.trim();
        let is_variable = |name: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
        };
        match kind {
            _ if rest.is_empty() => None,
            "env" => is_variable(rest).then(|| Self::Environment(rest.to_owned())),
            "file" => Some(Self::File(rest.to_owned())),
            "command" => Some(Self::Command(rest.to_owned())),
            _ => None,
        }
    }
}

/// When a triggered repository starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TriggerOn {
    /// Once, when all of its triggers that take part have completed.
    All,
    /// When any of them has.
    Any,
}

/// A named workflow over several repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowEntry {
    /// What the workflow is called; a valid name.
    pub name: String,
    /// The names of the repositories that take part, in order; never empty.
    pub repositories: Vec<String>,
    /// One after another, or side by side.
    pub coordination: Coordination,
    /// Instead of the file's own.
    pub workflow_test_command: Option<Command>,
    /// Where the entry starts, for findings of later checks.
    pub mark: Mark,
}

/// How a workflow goes through its repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coordination {
    /// One repository at a time, in the order of the list.
    Sequential,
    /// As far as `depends_on` allows.
    Parallel,
}

pub(crate) fn load(file: &str, text: &str, env: Lookup<'_>) -> Result<Repositories, Findings> {
    let mut report = Report::new(file);
    let Some(mut document) = parse(text, Some(env), &mut report) else {
        return Err(report.into_findings());
    };
    check(Kind::Repositories, &mut document, &mut report);
    let document = Section(&document);
    relate(document, &mut report);
    let repositories = report.is_empty().then(|| read(file, document));
    report.finish(repositories)
}

/// What the keys say about each other.
fn relate(document: Section<'_>, report: &mut Report) {
    let names = Names::gather(document, "repositories", "name", "repository", report);
    if names.sections().is_empty() && document.is_list("repositories") {
        report.add(
            document.mark_of("repositories"),
            "repositories",
            "is empty; at least one is needed",
        );
    }
    let forges = relate_forges(document, report);
    let mut primary = None;
    let mut edges = Vec::new();
    let mut triggers = Vec::new();
    for (idx, repository) in names.sections().iter().enumerate() {
        let path = format!("repositories[{idx}]");
        if repository.is_true("primary") {
            let mark = repository.mark_of("primary");
            if let Some(line) = primary {
                report.add(
                    mark,
                    format!("{path}.primary"),
                    format!("a second primary repository; the first is in line {line}"),
                );
            } else {
                primary = Some(mark.line);
            }
        }
        let has = |key| repository.optional_section(key).is_some();
        if has("path") && has("url") {
            report.add(
                repository.mark_of("url"),
                format!("{path}.url"),
                "not together with path; remove one of them",
            );
        }
        if let Some((forge, mark)) = repository.name("forge")
            && forge != LOCAL
        {
            let path = format!("{path}.forge");
            if forges.resolve(forge, mark, &path, report).is_some() {
                for key in ["path", "url"].into_iter().filter(|key| has(key)) {
                    let message = format!(
                        "not together with the forge {}, from which it is cloned",
                        quote(forge)
                    );
                    let path = format!("repositories[{idx}].{key}");
                    report.add(repository.mark_of(key), path, message);
                }
                if !has("owner") {
                    let message = format!("needs `owner`, whose it is on {}", quote(forge));
                    report.add(mark, path, message);
                }
            }
        }
        if repository.is_mapping() && !has("path") && !has("url") && !has("owner") {
            report.add(
                repository.mark(),
                path.as_str(),
                "no way to find it; give path, url, or owner (and repo) on its forge",
            );
        }
        let Some(automation) = repository.optional_section("automation") else {
            edges.push(Vec::new());
            triggers.push(Vec::new());
            continue;
        };
        let path = format!("{path}.automation");
        edges.push(names.resolve_all(automation, "depends_on", &path, report));
        let mut triggered_by = names.resolve_all(automation, "triggers", &path, report);
        if triggered_by.contains(&idx) {
            report.add(
                automation.mark_of("triggers"),
                format!("{path}.triggers"),
                "a repository cannot trigger itself",
            );
            triggered_by.retain(|trigger| *trigger != idx);
        }
        triggers.push(triggered_by);
    }
    names.report_cycles("automation", "depends_on", &edges, report);
    let before: Vec<Vec<usize>> = edges
        .iter()
        .zip(&triggers)
        .map(|(edges, triggers)| [&edges[..], &triggers[..]].concat())
        .collect();
    names.report_loops("automation", "triggers", &before, &triggers, report);

    let pairs = |edges: &[Vec<usize>]| {
        let of = |(idx, others): (usize, &Vec<usize>)| {
            others.iter().map(move |it| (idx, *it)).collect::<Vec<_>>()
        };
        edges
            .iter()
            .enumerate()
            .flat_map(of)
            .collect::<HashSet<_>>()
    };
    let (depending, triggered) = (pairs(&edges), pairs(&triggers));
    let workflows = Names::gather(document, "cross_repo_workflows", "name", "workflow", report);
    for (idx, workflow) in workflows.sections().iter().enumerate() {
        let path = format!("cross_repo_workflows[{idx}]");
        if workflow.is_list("repositories") && workflow.names("repositories").is_empty() {
            report.add(
                workflow.mark_of("repositories"),
                format!("{path}.repositories"),
                "is empty; at least one is needed",
            );
        }
        let members = names.resolve_each(*workflow, "repositories", &path, report);
        let mut places = HashMap::new();
        for (place, (_, entry, _)) in members.iter().enumerate() {
            places.entry(*entry).or_insert(place);
        }
        for (place, &(item, entry, mark)) in members.iter().enumerate() {
            let path = format!("{path}.repositories[{item}]");
            let name = |entry: usize| names.sections()[entry].name("name").map_or("?", |it| it.0);
            if places.get(&entry) != Some(&place) {
                let message = format!("{} stands twice", quote(name(entry)));
                report.add(mark, path, message);
                continue;
            }
            let automation = names.sections()[entry].optional_section("automation");
            if automation.is_some_and(|automation| automation.is_false("enabled")) {
                let line = automation.map_or(0, |it| it.mark_of("enabled").line);
                let message = format!(
                    "{} is disabled by automation.enabled in line {line}",
                    quote(name(entry))
                );
                report.add(mark, path.as_str(), message);
            }
            if !workflow.is_text("coordination", "sequential") {
                continue;
            }
            // Whichever list is shorter is gone through: many workflows may name a repository with many edges.
            let later = |of: &[usize], known: &HashSet<(usize, usize)>| {
                let is_later = |other: &usize| places.get(other).is_some_and(|at| *at > place);
                if of.len() <= members.len() {
                    return of.iter().copied().find(is_later);
                }
                let mut others = members.iter().map(|(_, other, _)| *other);
                others.find(|other| is_later(other) && known.contains(&(entry, *other)))
            };
            if let Some(other) = later(&edges[entry], &depending) {
                let message = format!(
                    "{} depends on {}, which comes later; a sequential workflow goes in this order",
                    quote(name(entry)),
                    quote(name(other))
                );
                report.add(mark, path.as_str(), message);
            }
            if let Some(other) = later(&triggers[entry], &triggered) {
                let message = format!(
                    "{} is triggered by {}, which comes later; a sequential workflow goes in this order",
                    quote(name(entry)),
                    quote(name(other))
                );
                report.add(mark, path.as_str(), message);
            }
        }
    }
}

/// The name that no forge of the file may have.
const LOCAL: &str = "local";

fn relate_forges<'a>(document: Section<'a>, report: &mut Report) -> Names<'a> {
    let forges = Names::gather(document, "forges", "name", "forge", report);
    for (idx, forge) in forges.sections().iter().enumerate() {
        if forge.is_text("name", LOCAL) {
            report.add(
                forge.mark_of("name"),
                format!("forges[{idx}].name"),
                "is the name of the embedded forge; give another",
            );
        }
        // What stands there may be the token itself: it is not shown.
        for key in ["token", "webhook_secret"] {
            if let Some((token, mark)) = forge.name(key)
                && TokenSource::parse(token).is_none()
            {
                report.add(
                    mark,
                    format!("forges[{idx}].{key}"),
                    "expected env:NAME, file:PATH or command:LINE",
                );
            }
        }
    }
    forges
}

fn read(file: &str, document: Section<'_>) -> Repositories {
    Repositories {
        file: file.to_owned(),
        entries: document
            .sections("repositories")
            .into_iter()
            .map(repository)
            .collect(),
        forges: document.sections("forges").into_iter().map(forge).collect(),
        workflows: document
            .sections("cross_repo_workflows")
            .into_iter()
            .map(workflow)
            .collect(),
        workflow_test_command: document.command("workflow_test_command"),
    }
}

fn repository(entry: Section<'_>) -> RepositoryEntry {
    let automation = entry.section("automation");
    RepositoryEntry {
        name: entry.text("name"),
        owner: entry.optional_text("owner"),
        repo: entry.optional_text("repo"),
        primary: entry.flag("primary"),
        path: entry.optional_text("path"),
        url: entry.optional_text("url"),
        forge: entry.optional_text("forge"),
        default_branch: entry.optional_text("default_branch"),
        write: entry.flag("write"),
        setup_command: entry.command("setup_command"),
        test_command: entry.command("test_command"),
        test_timeout: entry.optional_duration("test_timeout"),
        deploy_command: entry.command("deploy_command"),
        enabled: automation.flag("enabled"),
        auto_deploy: automation.flag("auto_deploy"),
        depends_on: automation.texts("depends_on"),
        triggers: automation.texts("triggers"),
        trigger_on: automation.choice(
            "trigger_on",
            &[("all", TriggerOn::All), ("any", TriggerOn::Any)],
        ),
        mark: entry.mark(),
    }
}

fn forge(entry: Section<'_>) -> ForgeEntry {
    let token = TokenSource::parse(&entry.text("token"));
    ForgeEntry {
        name: entry.text("name"),
        kind: entry.choice(
            "kind",
            &[
                ("gitea", ForgeKind::Gitea),
                ("github", ForgeKind::GitHub),
                ("gitlab", ForgeKind::GitLab),
            ],
        ),
        url: entry.text("url"),
        token: token.expect("it was checked above"),
        webhook_secret: entry
            .optional_text("webhook_secret")
            .and_then(|text| TokenSource::parse(&text)),
        settle: entry.duration("settle"),
        backoff: entry.duration("backoff"),
        cache: entry.flag("cache"),
        mark: entry.mark(),
    }
}

fn workflow(entry: Section<'_>) -> WorkflowEntry {
    let coordinations = [
        ("sequential", Coordination::Sequential),
        ("parallel", Coordination::Parallel),
    ];
    WorkflowEntry {
        name: entry.text("name"),
        repositories: entry.texts("repositories"),
        coordination: entry.choice("coordination", &coordinations),
        workflow_test_command: entry.command("workflow_test_command"),
        mark: entry.mark(),
    }
}
