//! What label values say of events.

use core_types::{ErrorClass, Event};

/// How a run ended.
pub(super) fn of_end(exit_code: u8, class: Option<ErrorClass>) -> &'static str {
    match (exit_code, class) {
        (0, _) => "done",
        (5, _) => "partial",
        (_, Some(ErrorClass::Cancelled)) => "aborted",
        _ => "failed",
    }
}

/// What stopped a run that can go on.
pub(super) fn of_pause(class: Option<ErrorClass>) -> &'static str {
    match class {
        None => "waiting",
        Some(ErrorClass::BudgetExceeded) => "budget",
        Some(ErrorClass::Cancelled) => "interrupted",
        Some(_) => "stopped",
    }
}

/// The kind of an event, as its JSON says it.
pub(super) fn of_event(event: &Event) -> &'static str {
    match event {
        Event::RunStarted { .. } => "run_started",
        Event::RepositoryJoined { .. } => "repository_joined",
        Event::StageStarted { .. } => "stage_started",
        Event::TaskPlanned { .. } => "task_planned",
        Event::PlanReady { .. } => "plan_ready",
        Event::GateReached { .. } => "gate_reached",
        Event::GateOpened { .. } => "gate_opened",
        Event::TaskChanged { .. } => "task_changed",
        Event::AgentStarted { .. } => "agent_started",
        Event::PromptMade { .. } => "prompt_made",
        Event::PromptGiven { .. } => "prompt_given",
        Event::AgentEnded { .. } => "agent_ended",
        Event::SpendReserved { .. } => "spend_reserved",
        Event::SpendSettled { .. } => "spend_settled",
        Event::BudgetSet { .. } => "budget_set",
        Event::LessonsServed { .. } => "lessons_served",
        Event::ForgeCalled { .. } => "forge_called",
        Event::ChangeCaptured { .. } => "change_captured",
        Event::CommandEnded { .. } => "command_ended",
        Event::TaskMerged { .. } => "task_merged",
        Event::RecoveryStarted { .. } => "recovery_started",
        Event::RecoveryEnded { .. } => "recovery_ended",
        Event::RepositoryTested { .. } => "repository_tested",
        Event::ChangeSetTested { .. } => "change_set_tested",
        Event::RepositoryReviewed { .. } => "repository_reviewed",
        Event::BranchPublished { .. } => "branch_published",
        Event::PullRequestOpened { .. } => "pull_request_opened",
        Event::RepositoryLanded { .. } => "repository_landed",
        Event::RepositoryNotLanded { .. } => "repository_not_landed",
        Event::ProcessStarted { .. } => "process_started",
        Event::ProcessEnded { .. } => "process_ended",
        Event::Warning { .. } => "warning",
        Event::RunPaused { .. } => "run_paused",
        Event::RunEnded { .. } => "run_ended",
        _ => "unknown",
    }
}
