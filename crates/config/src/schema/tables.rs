//! The tables. A default stands either in the embedded file (`Absent::Default`) or here (`Absent::Is`), never in both.

use std::time::Duration;

use super::{
    Absent::{Default, Is, Means, Refused},
    Key, Shape, Zero,
};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
const MIB: u64 = 1 << 20;

/// A week is longer than anything that should still be waited for; a larger number is a slip.
const TIMEOUT: Shape = Shape::Duration {
    min: Duration::from_millis(1),
    max: Duration::from_secs(7 * DAY),
    or: None,
};
const IDS: Shape = Shape::List(&Shape::Id);

pub(crate) const AUTOMATION: &[Key] = &[
    Key::new(
        "default_agent",
        Shape::Id,
        Means("the first of `agents`"),
        "The agent of a run that does not name one by `--agent`.",
    ),
    Key::new(
        "agents",
        Shape::Sections(AGENT),
        Means("none; `--agent` gives one"),
        "The agents that a run may use.",
    ),
    Key::new(
        "limits",
        Shape::Section(LIMITS),
        Default,
        "How much a run may take.",
    ),
    Key::new(
        "budget",
        Shape::Section(BUDGET),
        Default,
        "How much money may be spent. What is set aside for work that still runs counts as spent.",
    ),
    Key::new(
        "approvals",
        Shape::Section(APPROVALS),
        Default,
        "Where a run waits for a person.",
    ),
    Key::new(
        "landing",
        Shape::Section(LANDING),
        Default,
        "How results reach the target branches.",
    ),
    Key::new(
        "recovery",
        Shape::Section(RECOVERY),
        Default,
        "How a run repairs what fails, before a person is asked.",
    ),
    Key::new(
        "sandbox",
        Shape::Section(SANDBOX),
        Default,
        "What agents, setup and test commands may reach, with `mode: require`. Their clone, a scratch folder and a HOME of their own they may write; system folders and tool chains they may read.",
    ),
    Key::new(
        "learning",
        Shape::Section(LEARNING),
        Default,
        "What runs learn from what they did.",
    ),
    Key::new(
        "retention",
        Shape::Section(RETENTION),
        Default,
        "What `automation gc` keeps. Runs that have not ended are always kept.",
    ),
];

pub(crate) const AGENT: &[Key] = &[
    Key::new(
        "name",
        Shape::Id,
        Refused,
        "What the agent is called here and by `--agent`.",
    ),
    Key::new(
        "kind",
        Shape::Text,
        Refused,
        "What runs it: `claude-code` or `codex` (these programs), `anthropic` or `openai` (a model by its provider's interface), `command` (any program) or `scripted` (a playbook); deployments may add kinds.",
    ),
    Key::new(
        "command",
        Shape::Command,
        Means("none"),
        "For `command`: a list of the program and its arguments, or a shell line (`sh:` before it is dropped). \
         For `claude-code` and `codex`: the program and further arguments of it, where its own name alone does not do.",
    ),
    Key::new(
        "playbook",
        Shape::Text,
        Means("none"),
        "For `scripted`: the file with its steps, relative to the home folder.",
    ),
    Key::new(
        "plan",
        Shape::Flag,
        Is("false"),
        "Whether it can plan; else a run without a plan has one task a repository. All kinds but `command` and `scripted` always can, and review and repair, too.",
    ),
    Key::new(
        "review",
        Shape::Flag,
        Is("false"),
        "Whether it can review; else the review says \"not reviewed\".",
    ),
    Key::new(
        "repair",
        Shape::Flag,
        Is("false"),
        "Whether it can settle conflicts and fix failing tests; else these are left to a person. \
         A playbook can where it has entries for it.",
    ),
    Key::new(
        "model",
        Shape::Text,
        Means(
            "none: each task chooses its model, and a request that reports nothing is taken to be free as long as none has reported a cost",
        ),
        "The model that it uses for everything, by a name that has a price: `budget.call` is set aside for each request, and charged where the agent reports neither cost nor tokens.",
    ),
    Key::new(
        "spends",
        Shape::Flag,
        Is("true"),
        "Whether it spends money: nothing is set aside for one that does not, and what it reports is not counted.",
    ),
    Key::new(
        "changes",
        Shape::Choice(&["required", "optional"]),
        Is("required"),
        "Whether a task that leaves its repository as it was has failed, or is *unchanged* (for codemods).",
    ),
    Key::new(
        "timeout",
        TIMEOUT,
        Means("`limits.agent_timeout`"),
        "The longest one request may take.",
    ),
    Key::new(
        "environment",
        Shape::List(&Shape::Variable),
        Means("none"),
        "Names of variables that the agent sees, beyond the few that every program needs. It sees no others.",
    ),
];

pub(crate) const SANDBOX: &[Key] = &[
    Key::new(
        "mode",
        Shape::Choice(&["require", "off"]),
        Default,
        "`require`: agents and commands run in a sandbox, and nothing runs where the system has none; `off`: they may do what you may.",
    ),
    Key::new(
        "readable",
        Shape::List(&Shape::Text),
        Default,
        "Further files and folders that they may read; `~/` is your home folder.",
    ),
    Key::new(
        "writable",
        Shape::List(&Shape::Text),
        Default,
        "Further files and folders that they may change; what one task leaves there, the next one finds.",
    ),
    Key::new(
        "agent_network",
        Shape::Choice(&["gateway", "none", "all"]),
        Default,
        "Whom agents may talk with: `gateway`: the servers of this machine that their base URLs name; `none`; `all`, which an agent on its own login needs.",
    ),
    Key::new(
        "setup_network",
        Shape::Choice(&["all", "none"]),
        Default,
        "Whom setup commands may talk with; `all`, since they fetch dependencies.",
    ),
    Key::new(
        "test_network",
        Shape::Choice(&["none", "all"]),
        Default,
        "Whom test commands may talk with; `none`: a loopback of their own, since what an agent wrote runs there.",
    ),
    Key::new(
        "unix_sockets",
        Shape::Flag,
        Default,
        "Whether they may make Unix sockets; off, since container daemons and agents of keys listen on such.",
    ),
    Key::new(
        "processes",
        Shape::Integer {
            min: 301,
            max: 4_000_000,
            or: None,
        },
        Default,
        "Processes and threads that one of them may have at once.",
    ),
    Key::new(
        "memory",
        Shape::Size {
            min: 16 * MIB,
            max: 1024 * 1024 * MIB,
        },
        Default,
        "Memory that each of their processes may have for itself.",
    ),
    Key::new(
        "file_size",
        Shape::Size {
            min: MIB,
            max: 1024 * 1024 * MIB,
        },
        Default,
        "The largest file that they may write.",
    ),
];

pub(crate) const LIMITS: &[Key] = &[
    Key::new(
        "max_workers",
        Shape::Integer {
            min: 1,
            max: 256,
            or: Some("auto"),
        },
        Default,
        "Tasks that run at the same time; `auto`: what cores and memory allow, at most 4, since an agent's tests use several cores.",
    ),
    Key::new(
        "agent_timeout",
        TIMEOUT,
        Default,
        "The longest one request to an agent may take; long, since ending a working agent wastes what it cost.",
    ),
    Key::new(
        "test_timeout",
        TIMEOUT,
        Default,
        "The longest a test command may take; a hanging test must not hold a run for hours.",
    ),
    Key::new(
        "setup_timeout",
        TIMEOUT,
        Default,
        "The longest a setup command may take; enough to fetch and build dependencies.",
    ),
    Key::new(
        "output_disk",
        Shape::Size {
            min: 0,
            max: 1024 * 1024 * MIB,
        },
        Default,
        "Output of one command or agent that is kept on disk; the rest is dropped and said to be, so that no command fills the disk.",
    ),
    Key::new(
        "max_executions",
        Shape::Integer {
            min: 1,
            max: 100,
            or: None,
        },
        Default,
        "Times that one attempt is begun, the first included, when the engine is killed during it; bounds a task that takes the machine down with it.",
    ),
];

const LIMIT: Shape = Shape::Money {
    zero: Zero::Refused,
    or: Some("none"),
};

pub(crate) const BUDGET: &[Key] = &[
    Key::new(
        "run",
        LIMIT,
        Default,
        "The most that one run may spend; enough for a handful of tasks, little enough to lose.",
    ),
    Key::new(
        "day",
        LIMIT,
        Default,
        "The most that all runs together may spend on one day (UTC), so that a loop of runs ends too.",
    ),
    Key::new(
        "repository",
        LIMIT,
        Default,
        "The most that may be spent on one repository in one day; `none`, since a run has its limit.",
    ),
    Key::new(
        "task",
        LIMIT,
        Default,
        "The most that one task of a run may spend over all its attempts; `none`, since a run has its limit.",
    ),
    Key::new(
        "soft",
        Shape::Integer {
            min: 1,
            max: 99,
            or: Some("none"),
        },
        Default,
        "Percent of each limit at which a run asks before it goes on; `none`: only the limit itself counts.",
    ),
    Key::new(
        "call",
        Shape::Money {
            zero: Zero::Refused,
            or: None,
        },
        Default,
        "What is set aside for one request to an agent, and for more where it reports that it has spent that.",
    ),
];

pub(crate) const APPROVALS: &[Key] = &[
    Key::new(
        "plan",
        Shape::Flag,
        Default,
        "Wait until a person approves the plan; off, since nothing lands without being asked to.",
    ),
    Key::new(
        "landing",
        Shape::Flag,
        Default,
        "Wait until a person approves the landing, even with `--land`; off, since `--land` is already asked for.",
    ),
    Key::new(
        "deploy",
        Shape::Flag,
        Default,
        "Wait until a person approves the deployment of what has landed; on, since a `deploy_command` reaches beyond the repositories.",
    ),
];

pub(crate) const LANDING: &[Key] = &[
    Key::new(
        "mode",
        Shape::Choice(&["all", "each"]),
        Default,
        "`all`: every repository or none, since half a change over several repositories is broken; `each`: the repositories without a failure, for codemods.",
    ),
    Key::new(
        "update_checkout",
        Shape::Flag,
        Default,
        "Also fast-forward a target branch that is checked out and clean, with index and files; off, since a person may be working there.",
    ),
    Key::new(
        "allow_unverified",
        Shape::Flag,
        Default,
        "Land repositories that have no test command; off, since nothing would have shown that the change works.",
    ),
];

/// How often something is tried again; more is a slip.
const TRIES: Shape = Shape::Integer {
    min: 0,
    max: 1000,
    or: None,
};

const DELAY: Shape = Shape::Duration {
    min: Duration::ZERO,
    max: Duration::from_secs(7 * DAY),
    or: None,
};

pub(crate) const RECOVERY: &[Key] = &[
    Key::new(
        "enabled",
        Shape::Flag,
        Default,
        "Whether failures are repaired at all; `false`: each goes to a person at once.",
    ),
    Key::new(
        "retry_attempts",
        TRIES,
        Default,
        "Times that one operation is tried again after a transient error: at once, then after `base_delay`, then after twice as long and so on.",
    ),
    Key::new(
        "task_retries",
        TRIES,
        Default,
        "Times that all operations of one task together are tried again.",
    ),
    Key::new(
        "run_retries",
        TRIES,
        Default,
        "Times that all operations of a run together are tried again; a run whose world is broken ends.",
    ),
    Key::new(
        "base_delay",
        DELAY,
        Default,
        "The wait before the second retry.",
    ),
    Key::new(
        "max_delay",
        DELAY,
        Default,
        "The longest wait between two retries.",
    ),
    Key::new(
        "max_wait",
        DELAY,
        Default,
        "The longest wait, for a limit that the other side named, that is sat out; for a longer one the run is parked.",
    ),
    Key::new(
        "delay_percent",
        TRIES,
        Default,
        "By what share of themselves all these waits are waited, for tests: 0 is not at all.",
    ),
    Key::new(
        "fix_rounds",
        TRIES,
        Default,
        "Times that the agent is asked for a fix of failing tests; each costs an agent, and what is not found by then is rarely found later.",
    ),
    Key::new(
        "max_conflict_hunks",
        Shape::Integer {
            min: 0,
            max: 10_000,
            or: None,
        },
        Default,
        "Places of one merge that the agent may decide; with more of them the two sides are different designs, and a person is asked.",
    ),
    Key::new(
        "protected_paths",
        Shape::List(&Shape::Text),
        Means("none but those that are always protected: CI files, test configuration"),
        "Files, folders (ending in `/`) and patterns with `*` that a fix of failing tests must not touch.",
    ),
];

pub(crate) const LEARNING: &[Key] = &[
    Key::new(
        "enabled",
        Shape::Flag,
        Default,
        "Whether attempts are recorded in `.automation/feedback`, and prompts get what was learnt.",
    ),
    Key::new(
        "prompts",
        Shape::Choice(&["full", "hash"]),
        Default,
        "What is kept of prompts: `full`: the text without secrets, so that similar work is found by it; `hash`: its SHA-256 alone.",
    ),
    Key::new(
        "exploration",
        Shape::Decimal { min: 0.0, max: 1.0 },
        Default,
        "The share of tasks in which chance decides which lessons on trial their prompts get, since nothing else is evidence; `0`: nothing is tried, and nothing learnt.",
    ),
];

pub(crate) const RETENTION: &[Key] = &[
    Key::new(
        "keep_runs",
        Shape::Integer {
            min: 1,
            max: 1_000_000,
            or: None,
        },
        Default,
        "Ended runs that are kept, newest first.",
    ),
    Key::new(
        "max_age",
        Shape::Duration {
            min: Duration::from_secs(HOUR),
            max: Duration::from_secs(3650 * DAY),
            or: Some("never"),
        },
        Default,
        "Age at which an ended run goes even so, and what was recorded of attempts; a quarter is longer than anyone has asked back. `never`: only `keep_runs` counts.",
    ),
];

pub(crate) const REPOSITORIES: &[Key] = &[
    Key::new(
        "repositories",
        Shape::Sections(REPOSITORY),
        Refused,
        "The repositories; at least one.",
    ),
    Key::new(
        "forges",
        Shape::Sections(FORGE),
        Means("the local forge alone"),
        "Forges over the network, one account on each.",
    ),
    Key::new(
        "cross_repo_workflows",
        Shape::Sections(WORKFLOW),
        Means("none"),
        "Named workflows over several of them.",
    ),
    Key::new(
        "workflow_test_command",
        Shape::Command,
        Means("none"),
        "Tests all repositories of a run together: it runs in a folder that has each one's result side by side, under its name.",
    ),
];

pub(crate) const REPOSITORY: &[Key] = &[
    Key::new(
        "name",
        Shape::Id,
        Refused,
        "What the repository is called in plans, reports and the other keys of this file.",
    ),
    Key::new(
        "owner",
        Shape::Text,
        Means("none"),
        "Owner (user, organization or group) on the forge.",
    ),
    Key::new("repo", Shape::Text, Means("`name`"), "Name on the forge."),
    Key::new(
        "primary",
        Shape::Flag,
        Is("false"),
        "Where the triggering issue lives and the run reports; at most one, else the first of the list.",
    ),
    Key::new(
        "path",
        Shape::Text,
        Means("cloned from the forge"),
        "Folder of the repository, relative to the home folder.",
    ),
    Key::new(
        "url",
        Shape::Text,
        Means("by forge, owner and repo"),
        "What git clones it from; not together with `path`.",
    ),
    Key::new(
        "forge",
        Shape::Text,
        Means("the local forge"),
        "Where its issues and pull requests are: `local`, or the name of one of `forges`, which has its branches too; then `owner` is needed, and neither `path` nor `url`.",
    ),
    Key::new(
        "default_branch",
        Shape::Text,
        Means("the branch that the repository itself names"),
        "The target branch of a run.",
    ),
    Key::new(
        "write",
        Shape::Flag,
        Is("true"),
        "Whether a run may change it; `false`: it is only there to be read.",
    ),
    Key::new(
        "setup_command",
        Shape::Command,
        Means("none"),
        "Runs in a fresh clone before the agent does.",
    ),
    Key::new(
        "test_command",
        Shape::Command,
        Means("none; reports say \"not verified\""),
        "Succeeds exactly when the repository is as it should be.",
    ),
    Key::new(
        "test_timeout",
        TIMEOUT,
        Means("`limits.test_timeout`"),
        "The longest the test command may take.",
    ),
    Key::new(
        "deploy_command",
        Shape::Command,
        Means("none"),
        "Runs after the landing, where `automation.auto_deploy` says so.",
    ),
    Key::new(
        "automation",
        Shape::Section(REPOSITORY_AUTOMATION),
        Is(""),
        "How it takes part in runs over several repositories.",
    ),
];

const REPOSITORY_AUTOMATION: &[Key] = &[
    Key::new(
        "enabled",
        Shape::Flag,
        Is("true"),
        "Whether runs may use it at all.",
    ),
    Key::new(
        "auto_deploy",
        Shape::Flag,
        Is("false"),
        "Whether `deploy_command` runs after each landing.",
    ),
    Key::new(
        "depends_on",
        IDS,
        Means("none"),
        "Repositories whose tasks end first.",
    ),
    Key::new(
        "triggers",
        IDS,
        Means("none"),
        "Repositories whose completion starts this one.",
    ),
    Key::new(
        "trigger_on",
        Shape::Choice(&["all", "any"]),
        Is("all"),
        "Whether it starts once when `all` of them that take part have completed, or for `any` of them.",
    ),
];

/// Lists may be late by seconds; nobody waits an hour for them.
const SETTLE: Shape = Shape::Duration {
    min: Duration::from_millis(1),
    max: Duration::from_secs(HOUR),
    or: None,
};

const FORGE: &[Key] = &[
    Key::new(
        "name",
        Shape::Id,
        Refused,
        "What `forge` of a repository calls it.",
    ),
    Key::new(
        "kind",
        Shape::Choice(&["gitea", "github", "gitlab"]),
        Refused,
        "`gitea`: Gitea or Forgejo; `github`: GitHub, or a GitHub Enterprise Server; `gitlab`: GitLab, or a server of your own.",
    ),
    Key::new(
        "url",
        Shape::Text,
        Refused,
        "Where it is, such as `https://git.example.org`, `https://github.com` or `https://gitlab.com`; `http://` for this machine alone.",
    ),
    Key::new(
        "token",
        Shape::Text,
        Refused,
        "Where the account's token comes from: `env:NAME`, `file:PATH` (from the home folder) or `command:LINE`, whose output it is. Never the token itself.",
    ),
    Key::new(
        "settle",
        SETTLE,
        Is("60s"),
        "How long its lists may be late: so long nothing is sent again whose answer was lost.",
    ),
    Key::new(
        "backoff",
        SETTLE,
        Is("1s"),
        "How long is waited before a call that failed in passing is made again; twice as long each further time.",
    ),
];

pub(crate) const WORKFLOW: &[Key] = &[
    Key::new("name", Shape::Id, Refused, "What the workflow is called."),
    Key::new(
        "repositories",
        IDS,
        Refused,
        "The repositories that take part, in order.",
    ),
    Key::new(
        "coordination",
        Shape::Choice(&["sequential", "parallel"]),
        Is("sequential"),
        "`sequential`: one repository at a time, in the order of the list; `parallel`: as far as `depends_on` allows.",
    ),
    Key::new(
        "workflow_test_command",
        Shape::Command,
        Means("the file's own"),
        "As above, for this workflow.",
    ),
];

pub(crate) const PLAN: &[Key] = &[
    Key::new("id", Shape::Id, Means("one is made"), "The plan's id."),
    Key::new(
        "title",
        Shape::Line,
        Means("the issue's title"),
        "The plan in one line.",
    ),
    Key::new(
        "tasks",
        Shape::Sections(TASK),
        Refused,
        "The tasks; at least one.",
    ),
];

const TASK: &[Key] = &[
    Key::new("id", Shape::Id, Refused, "What other tasks call it by."),
    Key::new("title", Shape::Line, Refused, "The task in one line."),
    Key::new(
        "description",
        Shape::Prose,
        Means("none"),
        "What is to be done, for the agent.",
    ),
    Key::new(
        "repository",
        Shape::Id,
        Means("the only repository"),
        "The repository it changes.",
    ),
    Key::new(
        "dependencies",
        IDS,
        Means("none"),
        "Tasks that must have succeeded before.",
    ),
    Key::new(
        "files",
        Shape::List(&Shape::Line),
        Means("unknown"),
        "Files it is expected to change.",
    ),
    Key::new(
        "estimate",
        TIMEOUT,
        Means("unknown"),
        "How long it is expected to take.",
    ),
];
