//! Paths whose change lands only when a person says so.

use core_types::matches_path;

use crate::{Error, end::RepositoryState, landing::Asked, progress::Progress, run::Run};

/// What decides what runs by itself on a change, or who must look at one: the automation of forges, hooks, settings of
/// agents, other repositories.
const ALWAYS: &[&str] = &[
    ".github/workflows/",
    ".github/actions/",
    ".gitea/workflows/",
    ".forgejo/workflows/",
    ".woodpecker/",
    ".woodpecker.yml",
    ".gitlab-ci.yml",
    ".gitlab/",
    ".circleci/",
    "azure-pipelines.yml",
    "Jenkinsfile",
    "CODEOWNERS",
    "*/CODEOWNERS",
    ".husky/",
    ".githooks/",
    ".pre-commit-config.yaml",
    ".gitmodules",
    ".claude/",
    ".codex/",
    ".mcp.json",
    // Our own: a repository may be the home of its runs.
    ".automation/",
    "config/automation.yaml",
    "config/models.yaml",
    "config/prompts/",
    "config/repositories.yaml",
];

/// How many paths a reason names.
const NAMED: usize = 3;

/// Why a change may not land before a person has looked at it; `None` where one has, or where it touches nothing that is
/// protected.
pub(crate) async fn refusal(
    run: &Run,
    progress: &Progress,
    asked: Asked,
) -> Result<Option<RepositoryState>, Error> {
    if asked.is_approved() {
        return Ok(None);
    }
    let repository = &run.repository(&progress.name)?.repository;
    let diff = repository.diff(&progress.base, &progress.head, 0).await?;
    let own = run.settings.protected_paths.iter().map(String::as_str);
    let patterns: Vec<&str> = ALWAYS.iter().copied().chain(own).collect();
    let is_protected = |path: &&str| patterns.iter().any(|it| matches_path(it, path));
    let touched: Vec<&str> = (diff.files.iter())
        .map(|file| file.path.as_str())
        .filter(is_protected)
        .collect();
    let Some(first) = touched.chunks(NAMED).next() else {
        return Ok(None);
    };
    let more = match touched.len() - first.len() {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Ok(Some(RepositoryState::Blocked {
        reason: format!(
            "it changes {}{more}, which a person must look at",
            first.join(", ")
        ),
        hint: format!("automation land {}", run.settings.run),
    }))
}
