//! Events as they may be shown: what agents, commands and people have said, without secrets.

use core_types::{Event, EventRecord, Failure, FailureKind};
use learning::scrub;

/// Takes what looks like a secret out of the texts of an event that are not ours.
pub(super) fn without_secrets(record: &mut EventRecord) {
    match &mut record.event {
        Event::RunStarted { title: text, .. }
        | Event::TaskPlanned { title: text, .. }
        | Event::PromptGiven {
            text: Some(text), ..
        }
        | Event::RecoveryEnded { reason: text, .. }
        | Event::ChangeSetTested { message: text, .. }
        | Event::RepositoryNotLanded { reason: text, .. }
        | Event::ProcessStarted { title: text, .. }
        | Event::Warning { message: text }
        | Event::RunPaused { reason: text, .. }
        | Event::RunEnded { summary: text, .. } => clean(text),
        Event::TaskChanged {
            failure: Some(failure),
            ..
        } => clean_failure(failure),
        Event::RepositoryReviewed {
            review: Some(review),
            ..
        } => {
            clean(&mut review.comments);
            for issue in &mut review.issues_found {
                clean(&mut issue.message);
            }
        }
        _ => {}
    }
}

fn clean_failure(failure: &mut Failure) {
    clean(&mut failure.message);
    clean(&mut failure.detail);
    if let FailureKind::Tests { command } = &mut failure.kind {
        clean(command);
    }
}

fn clean(text: &mut String) {
    let scrubbed = scrub(text);
    if scrubbed.secrets > 0 {
        *text = scrubbed.text.into_owned();
    }
}
