use async_trait::async_trait;
use core_types::{
    Blocked, ChangeSetLanded, ChangeSetLander, ChangeSetLanding, LandingBlock, step::StepError,
};

/// Stands for the landing in all repositories or in none where some of them are on a forge and others are not:
/// nothing moves, and each says why.
#[derive(Debug)]
pub(crate) struct NotTogether;

const REASON: &str = "a change cannot land in all repositories or in none where some are on a forge and others on this machine";
const HINT: &str =
    "merge the pull requests on the forge, or set `landing: {mode: each}` for further runs";

#[async_trait]
impl ChangeSetLander for NotTogether {
    async fn land(&self, landing: ChangeSetLanding<'_>) -> Result<ChangeSetLanded, StepError> {
        let members = landing.members.iter();
        let block = |_| LandingBlock {
            blocked: Blocked::Failed {
                reason: REASON.to_owned(),
            },
            hint: HINT.to_owned(),
        };
        let blocked = members
            .map(|member| member.repository.name().clone())
            .map(|name| (name, block(())))
            .collect();
        Ok(ChangeSetLanded::Blocked { blocked })
    }
}
