//! `config/automation.yaml`.

use std::time::Duration;

use super::{
    super::{
        Absent::{Default, Is, Means, Refused},
        Key, Shape, Zero,
    },
    DAY, HOUR, MIB, TIMEOUT,
    following::{LABELS, SERVE},
};

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
        "What agents, setup and test commands may reach. Their clone, a scratch folder and a HOME of their own they may write; system folders and tool chains they may read.",
    ),
    Key::new(
        "gateway",
        Shape::Section(GATEWAY),
        Default,
        "How agents reach the models that they pay for with a key of yours.",
    ),
    Key::new(
        "serve",
        Shape::Section(SERVE),
        Default,
        "How `automation serve` follows the issues of repositories on forges.",
    ),
    Key::new(
        "labels",
        Shape::Section(LABELS),
        Default,
        "What the labels are called by which an issue on a forge shows where its run stands.",
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
        "What runs it: `claude-code` or `codex` (these programs), `anthropic`, `openai` or `openai-responses` (a model by its provider's interface), `command` (any program) or `scripted` (a playbook); deployments may add kinds.",
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
        "login",
        Shape::Choice(&["none", "own"]),
        Is("none"),
        "`own`: `claude-code` and `codex` work by the login in your home folder, where there is no key: they may read and change their folder there, and talk with everybody, and what they use is what they report.",
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
        "`require`: agents and commands run in a sandbox, and nothing runs where the system has none; `off`: they may do what you may, and every report says so.",
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
        "Whom agents may talk with: `gateway`: the gateway to their models, and the servers of this machine that their base URLs name; `none`; `all`.",
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

pub(crate) const GATEWAY: &[Key] = &[
    Key::new(
        "mode",
        Shape::Choice(&["on", "off"]),
        Default,
        "`on`: keys of Anthropic and OpenAI stay with the engine; agents reach their models by a server of the run on this machine, which counts what they use and keeps the budget; `off`: agents get the keys, what they report is believed, and they need `sandbox.agent_network: all`.",
    ),
    Key::new(
        "record",
        Shape::Flag,
        Default,
        "Whether the answers of models are kept with the run, so that `run --replay` can give them again.",
    ),
    Key::new(
        "longest_answer",
        Shape::Integer {
            min: 1024,
            max: 1_000_000,
            or: None,
        },
        Default,
        "Tokens of an answer whose request names no limit: without one, nobody could tell what it costs at most.",
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
        "Files, folders (ending in `/`) and patterns with `*` that a fix of failing tests must not touch, and whose change lands only when a person says so, as that of workflows, hooks and settings of agents always does.",
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
