//! `config/repositories.yaml`.

use std::time::Duration;

use super::{
    super::{
        Absent::{Is, Means, Refused},
        Key, Shape,
    },
    HOUR, IDS, TIMEOUT,
};

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
        "webhook_secret",
        Shape::Text,
        Means("webhooks of this forge are refused"),
        "Where the secret of its webhooks comes from, written as for `token`.",
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
    Key::new(
        "cache",
        Shape::Flag,
        Is("true"),
        "Whether reads are saved: answers are kept and asked for by their tags, and one list of what has changed stands for all issues that are followed. `false`: each is asked for whenever it is needed.",
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
