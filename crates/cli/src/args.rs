//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Plans an issue, has agents do it in parallel in clones of your repositories,
/// verifies, reviews and lands the result; and survives being killed.
///
/// Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 waits for a
/// person, 4 budget, 5 partial, 130 interrupted.
#[derive(Debug, Parser)]
#[command(
    name = "automation",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    /// Where `config/` and `.automation/` are. Default: the nearest folder
    /// upwards that has one of them, else the enclosing repository.
    #[arg(long, global = true, value_name = "DIR", display_order = 900)]
    pub(crate) home: Option<PathBuf>,
    /// Prints the result as JSON on standard output; progress goes to standard error.
    #[arg(long, global = true, display_order = 901)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Finds repositories, test commands and agents, and writes config/.
    Init,
    /// Checks what a run needs, and says how to mend what is missing.
    Doctor,
    /// The agents that a run could use.
    #[command(subcommand)]
    Agents(AgentsCommand),
    /// Accounts on forges.
    #[command(subcommand)]
    Auth(AuthCommand),
    /// Issues of the local forge, or of the one that has the repository.
    #[command(subcommand)]
    Issue(IssueCommand),
    /// Plans an issue, shows the plan and waits for approval.
    Plan(RunArguments),
    /// Works on an issue until its change is proposed or landed.
    Run(RunArguments),
    /// Goes on with a run after a kill, a reboot or Ctrl-C.
    Resume(ResumeArguments),
    /// Shows all runs, or one.
    Status(StatusArguments),
    /// Shows what an agent and the tests printed for a task.
    Logs(LogsArguments),
    /// Says why a task is not running: every reason.
    Explain(ExplainArguments),
    /// Shows what runs now, and what needs you, until Ctrl-C.
    Top(TopArguments),
    /// Writes a run as one HTML file, to be sent or kept.
    Report(ReportArguments),
    /// Shows runs in a browser, until Ctrl-C.
    Dashboard(DashboardArguments),
    /// Follows issues on forges: begins runs, hears what people say there, shows where runs stand.
    Serve(ServeArguments),
    /// Opens a gate at which a run waits, and goes on.
    Approve(ApproveArguments),
    /// Tries a task that was handed to you again, with what you say of it.
    Answer(AnswerArguments),
    /// Tries a task that failed again.
    Retry(RetryArguments),
    /// Goes on without a task that failed, and without what depends on it.
    Skip(SkipArguments),
    /// Moves the target branches to a finished run's change.
    Land(LandArguments),
    /// Gives a run up: its pull requests are closed, nothing of it lands any more.
    Abort(AbortArguments),
    /// Shows what was spent, and explains what a task costs.
    Cost(CostArguments),
    /// Shows what may be spent and what is spent of it, and raises limits.
    Budget(BudgetArguments),
    /// Lessons: what earlier runs teach, and what speaks for it.
    #[command(subcommand)]
    Learn(LearnCommand),
    /// Removes ended runs that the configured retention does not keep.
    Gc(GcArguments),
    /// Makes three repositories and an issue in a temporary folder, and lands a plan over them.
    Demo(DemoArguments),
    /// Prints generated reference documentation.
    #[command(hide = true)]
    Docs(DocsArguments),
}

#[derive(Debug, Args)]
pub(crate) struct DashboardArguments {
    /// The port; 0 takes any free one.
    #[arg(long, default_value_t = facade::monitoring::dashboard::DEFAULT_PORT)]
    pub(crate) port: u16,
    /// Lets browsers approve, answer, retry, skip, cancel and raise budgets.
    #[arg(long)]
    pub(crate) allow_control: bool,
    /// The address to listen on; one that other machines reach needs a certificate.
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub(crate) address: std::net::IpAddr,
    /// A further name under which browsers may call it; may be repeated.
    #[arg(long = "host", value_name = "NAME")]
    pub(crate) hosts: Vec<String>,
    /// A chain of certificates as PEM, the server's first.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The key of the first certificate as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
    /// A file with a token, of 32 characters or more, that opens `/metrics` and `/api/health` alone: for a
    /// Prometheus elsewhere, as its `credentials_file`.
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics_token_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    /// Ends when there is nothing to do but to wait for people, instead of staying.
    #[arg(long)]
    pub(crate) once: bool,
    /// Listens for webhooks on this port or 8010, at `/webhooks/gitea` and so on for each kind; 0 takes
    /// any free one.
    #[arg(
        long,
        value_name = "PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "8010"
    )]
    pub(crate) webhooks: Option<u16>,
    /// The address to listen on; one that other machines reach needs a certificate.
    #[arg(
        long,
        default_value = "127.0.0.1",
        value_name = "ADDRESS",
        requires = "webhooks"
    )]
    pub(crate) address: std::net::IpAddr,
    /// A chain of certificates as PEM, the server's first.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The key of the first certificate as PEM.
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub(crate) tls_key: Option<PathBuf>,
}

/// A dashboard beside a run.
#[derive(Debug, Args)]
pub(crate) struct Beside {
    /// Shows runs in a browser meanwhile, on this port or 8000.
    #[arg(
        long,
        value_name = "PORT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "8000"
    )]
    pub(crate) dashboard: Option<u16>,
    /// Lets that browser approve, answer, retry, skip, cancel and raise budgets.
    #[arg(long, requires = "dashboard")]
    pub(crate) allow_control: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// A Markdown file, or an issue of the local forge: 12, #12 or backend#12.
    pub(crate) issue: Option<String>,
    /// The issue's title, instead of ISSUE.
    #[arg(long, conflicts_with = "issue")]
    pub(crate) title: Option<String>,
    /// The issue's text, with --title.
    #[arg(
        long,
        requires = "title",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) body: String,
    /// A repository to work on, instead of the configured ones; may be repeated, the first is primary.
    #[arg(long = "repo", value_name = "PATH")]
    pub(crate) repositories: Vec<PathBuf>,
    /// The agent: a configured name, a program with its arguments, or `sh:LINE`.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// A plan to follow, instead of one by the agent.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Waits for a person at this gate; may be repeated.
    #[arg(long, value_name = "GATE")]
    pub(crate) approve: Vec<GateName>,
    /// Stays at a gate until it is opened, instead of exiting with 3.
    #[arg(long)]
    pub(crate) wait: bool,
    /// Moves the target branches at the end, instead of only opening pull requests.
    #[arg(long)]
    pub(crate) land: bool,
    /// Which repositories land when one has failed. Default: the configuration's, else `all`.
    #[arg(long, value_name = "MODE")]
    pub(crate) landing: Option<LandingModeName>,
    #[command(flatten)]
    pub(crate) consent: LandingConsent,
    /// A workflow of config/repositories.yaml: its repositories, coordinated as it says. Default: all, as far as they wait for each other.
    #[arg(long, value_name = "NAME", conflicts_with = "repositories")]
    pub(crate) workflow: Option<String>,
    /// Something that agents, commands and reports are told about this change; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) context: Vec<(String, String)>,
    /// Only lists what the run would do, by kind; nothing is done.
    #[arg(long)]
    pub(crate) staged: bool,
    /// How many tasks run at a time. Default: what cores and memory allow, at most 4.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) max_workers: Option<u16>,
    #[command(flatten)]
    pub(crate) beside: Beside,
    /// Lets agents and tests read, change and send whatever you may; every report of the run says so.
    #[arg(long)]
    pub(crate) unsafe_no_sandbox: bool,
    /// Gives the answers again that the models of this run gave, and asks nobody; see `gateway.record`.
    #[arg(long, value_name = "RUN")]
    pub(crate) replay: Option<String>,
    /// The run's name, instead of one made from the time.
    #[arg(long, hide = true)]
    pub(crate) run_id: Option<String>,
}

/// `KEY=VALUE`, with a key of letters, digits, `_` and `-`.
fn key_value(text: &str) -> Result<(String, String), String> {
    let is_key = |key: &str| {
        !key.is_empty()
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    match text.split_once('=') {
        Some((key, value)) if is_key(key) => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, such as feature_flag=new-feature-v2".to_owned()),
    }
}

#[derive(Debug, Args, Clone, Copy)]
pub(crate) struct LandingConsent {
    /// Also moves a target branch that is checked out and clean, together with its files.
    #[arg(long)]
    pub(crate) update_checkout: bool,
    /// Also lands what no test has verified.
    #[arg(long)]
    pub(crate) allow_unverified: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GateName {
    /// After planning.
    Plan,
    /// Before a target branch moves.
    Landing,
    /// Before what has landed is deployed.
    Deploy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LandingModeName {
    /// None.
    All,
    /// Those without a failure.
    Each,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArguments {
    /// The run, or the beginning of its name. Default: the newest that has not ended.
    pub(crate) run: Option<String>,
    /// Takes the configuration as it is now, for what has not begun yet.
    #[arg(long)]
    pub(crate) reload: bool,
    /// Lets agents and tests read, change and send whatever you may from now on; every report of the run says so.
    #[arg(long)]
    pub(crate) unsafe_no_sandbox: bool,
    /// Stays at a gate until it is opened, instead of exiting with 3.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// The run, or the beginning of its name. Default: a line for each run.
    pub(crate) run: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct LogsArguments {
    /// The id of the task, as `status` shows it. With `--follow` default: all of the run.
    #[arg(required_unless_present = "follow")]
    pub(crate) task: Option<String>,
    /// The run, or the beginning of its name. Default: the newest.
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// Goes on with what is printed from now on, until nobody works on the run any more.
    #[arg(short, long)]
    pub(crate) follow: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// The id of the task, as `status` shows it.
    pub(crate) task: String,
    /// The run, or the beginning of its name. Default: the newest.
    #[arg(long)]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The run, or the beginning of its name. Default: the newest.
    pub(crate) run: Option<String>,
    /// The file. Default: RUN.html in the current folder.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct TopArguments {
    /// Shows it once, as is done where no terminal is.
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArguments {
    /// The run, or the beginning of its name. Default: the newest that waits.
    pub(crate) run: Option<String>,
    /// Which gate. Default: the one at which the run waits.
    #[arg(long, value_name = "GATE")]
    pub(crate) gate: Option<GateName>,
    /// The plan as you edited it.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Stays at the next gate until it is opened, instead of exiting with 3.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AnswerArguments {
    /// The id of the task, or a repository whose tests failed.
    pub(crate) task: String,
    /// What the agent is told; `-` reads standard input.
    pub(crate) text: String,
    /// The run, or the beginning of its name. Default: the newest.
    #[arg(long)]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RetryArguments {
    /// The id of the task, or a repository whose tests failed.
    pub(crate) task: String,
    /// The run, or the beginning of its name. Default: the newest.
    #[arg(long)]
    pub(crate) run: Option<String>,
    /// Opens the task's description in your editor first.
    #[arg(long)]
    pub(crate) edit: bool,
    /// The task's new description; `-` reads standard input.
    #[arg(long, value_name = "TEXT", conflicts_with = "edit")]
    pub(crate) description: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SkipArguments {
    /// The id of the task.
    pub(crate) task: String,
    /// The run, or the beginning of its name. Default: the newest.
    #[arg(long)]
    pub(crate) run: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AbortArguments {
    /// The run, or the beginning of its name.
    pub(crate) run: String,
}

#[derive(Debug, Args)]
pub(crate) struct LandArguments {
    /// The run, or the beginning of its name. Default: the newest.
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) consent: LandingConsent,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// Lists those of the configuration and the known programs on PATH: how each reaches its models, and what it
    /// lacks.
    Ls,
    /// Has one write a file in a repository made for it, which a test looks at: a run of its own.
    Test {
        /// The agent, as for `run --agent`. Default: the configuration's.
        agent: Option<String>,
        /// Lets it read, change and send whatever you may.
        #[arg(long)]
        unsafe_no_sandbox: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// Shows the account on each forge of the configuration, and what its token lacks.
    Status,
}

#[derive(Debug, Subcommand)]
pub(crate) enum IssueCommand {
    /// Writes an issue.
    New {
        /// One line.
        #[arg(long)]
        title: String,
        /// Markdown; `-` reads standard input.
        #[arg(long, default_value = "", hide_default_value = true)]
        body: String,
        /// A label; may be repeated.
        #[arg(long = "label", value_name = "LABEL")]
        labels: Vec<String>,
        /// Its repository. Default: the primary one.
        #[arg(long = "repo", value_name = "NAME")]
        repository: Option<String>,
    },
    /// Lists issues and pull requests.
    Ls {
        /// Only of this repository. Default: all.
        #[arg(long = "repo", value_name = "NAME")]
        repository: Option<String>,
    },
    /// Shows an issue or pull request with its comments.
    Show {
        /// 12, #12 or backend#12.
        issue: String,
    },
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CostArguments {
    #[command(subcommand)]
    pub(crate) command: Option<CostCommand>,
    /// Only what this run has spent; the beginning of its name will do. Default: all runs.
    pub(crate) run: Option<String>,
    /// What is put together. Default: runs, or the tasks of RUN.
    #[arg(long, value_name = "WHAT")]
    pub(crate) by: Option<CostGroup>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CostCommand {
    /// Explains the complexity of a task, its model, and what it is expected to cost.
    Explain {
        /// The id of the task, as `status` shows it.
        task: String,
        /// The run, or the beginning of its name. Default: the newest.
        #[arg(long)]
        run: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CostGroup {
    /// The tasks of each run.
    Task,
    /// The models.
    Model,
    /// The repositories.
    Repo,
    /// The days (UTC).
    Day,
    /// The runs.
    Run,
}

#[derive(Debug, Args)]
pub(crate) struct BudgetArguments {
    #[command(subcommand)]
    pub(crate) command: Option<BudgetCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BudgetCommand {
    /// Raises a limit for good: that of a run, of a task of it, of a day, or of a repository on a day.
    Raise {
        /// The new limit in USD, such as 10 or 7.50; not what is added to it.
        #[arg(allow_negative_numbers = true)]
        amount: String,
        /// The run, or the beginning of its name. Default, without --day and --repo: the newest that is paused.
        #[arg(long, conflicts_with_all = ["day", "repository"])]
        run: Option<String>,
        /// A task of the run.
        #[arg(long, conflicts_with_all = ["day", "repository"])]
        task: Option<String>,
        /// All runs of this day, such as 2026-11-25, or `today` (UTC).
        #[arg(long)]
        day: Option<String>,
        /// A repository, on that day. Default of --day: today.
        #[arg(long = "repo", value_name = "NAME")]
        repository: Option<String>,
    },
    /// Settles what killed requests of a run have set aside; not while a process holds the run.
    Settle {
        /// The run, or the beginning of its name.
        run: String,
        /// What they have spent together, in USD. Default: what failures cost that report nothing.
        #[arg(long, value_name = "USD", allow_negative_numbers = true)]
        spent: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LearnCommand {
    /// Lists the lessons with their evidence.
    Ls,
    /// Shows where a lesson comes from, and every look at its evidence.
    Why {
        /// The lesson, such as L17.
        lesson: String,
    },
    /// Adds a rule of yours as a candidate, or those of a file such as AGENTS.md.
    Add {
        /// One line that an agent may read.
        #[arg(required_unless_present = "from")]
        text: Option<String>,
        /// A file whose list items are rules.
        #[arg(long, value_name = "FILE", conflicts_with = "text")]
        from: Option<PathBuf>,
        /// Only for tasks of this repository. Default: all.
        #[arg(long = "repo", value_name = "NAME")]
        repository: Option<String>,
    },
    /// Approves a lesson whose words are an agent's, a review's or an issue's.
    Approve {
        /// The lesson, such as L17.
        lesson: String,
    },
    /// Ends a lesson: it is neither tried nor served any more.
    Retire {
        /// The lesson, such as L17.
        lesson: String,
        /// Why, for whoever asks later.
        #[arg(default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Shows statistics over everything that was recorded.
    Stats,
    /// Writes the promoted lessons into their own part of a file that agents read.
    Export {
        /// The file, which is made where it is missing; `-` prints what would be written.
        #[arg(default_value = "AGENTS.md")]
        file: PathBuf,
        /// Leaves out the lessons for other repositories than this one.
        #[arg(long = "repo", value_name = "NAME")]
        repository: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct GcArguments {
    /// Only tells what would be removed.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArguments {
    /// Where to make it, an empty or new folder. Default: a new temporary folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: Option<PathBuf>,
    /// Only makes the repositories and the issue, and prints the line that works on it.
    #[arg(long)]
    pub(crate) prepare: bool,
    #[command(flatten)]
    pub(crate) beside: Beside,
    /// The run's name, instead of one made from the time.
    #[arg(long, hide = true)]
    pub(crate) run_id: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DocsArguments {
    /// What to print.
    pub(crate) page: DocsPage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocsPage {
    /// The configuration's keys, in Markdown.
    Config,
    /// The command line, in Markdown.
    Cli,
    /// The JSON schema of config/automation.yaml.
    SettingsSchema,
    /// The JSON schema of config/repositories.yaml.
    RepositoriesSchema,
    /// The JSON schema of config/models.yaml.
    ModelsSchema,
    /// The families of metrics, as Markdown.
    Metrics,
}
