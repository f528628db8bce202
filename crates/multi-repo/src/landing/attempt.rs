//! One attempt to land a change set, as both landers record it.

use std::sync::Mutex;

use core_types::{
    ChangeSetLanded, ChangeSetLanding, ErrorClass, PortError, Scope, StepKey,
    step::{self, Fingerprint, Step, StepError, WhenUnknown},
};

/// Lands, unless this attempt has ended by landing or at moved targets: then it ends so again.
pub(super) async fn recorded<F>(
    landing: &ChangeSetLanding<'_>,
    land: impl FnOnce() -> F + Send,
) -> Result<ChangeSetLanded, StepError>
where
    F: Future<Output = Result<ChangeSetLanded, StepError>> + Send,
{
    let step = Step::new(key(landing), fingerprint(landing), WhenUnknown::Idempotent);
    // What is not recorded, since asking again may give another answer.
    let unrecorded = Mutex::new(None);
    let acted = step::run(landing.steps, step, |_| async {
        match Box::pin(land()).await {
            Ok(ended @ (ChangeSetLanded::All | ChangeSetLanded::TargetMoved { .. })) => Ok(ended),
            other => {
                put(&unrecorded, other);
                let operation = "land the change set";
                Err(PortError::new(ErrorClass::Conflict, operation))
            }
        }
    })
    .await;
    taken(unrecorded).unwrap_or(acted)
}

fn key(landing: &ChangeSetLanding<'_>) -> StepKey {
    StepKey::new(Scope::Run, landing.attempt, "land-change-set")
}

/// The error of a landing that a repository or a forge has stopped.
pub(super) fn stopped(landing: &ChangeSetLanding<'_>, source: PortError) -> StepError {
    StepError::Port {
        key: key(landing),
        source,
    }
}

pub(super) fn fingerprint(landing: &ChangeSetLanding<'_>) -> Fingerprint {
    let change_set = Fingerprint::new().with("change set", landing.change_set);
    landing.members.iter().fold(change_set, |print, member| {
        let to = &member.landing;
        let text = format!("{} {} {}", to.branch, to.expected, to.commit);
        print.with(member.repository.name().as_str(), text)
    })
}

/// No panic can poison it: nothing else holds it.
pub(super) fn put<T>(slot: &Mutex<Option<T>>, value: T) {
    *slot.lock().unwrap_or_else(|held| held.into_inner()) = Some(value);
}

pub(super) fn taken<T>(slot: Mutex<Option<T>>) -> Option<T> {
    slot.into_inner().unwrap_or_else(|held| held.into_inner())
}
