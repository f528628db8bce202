use super::feedback_loop::FeedbackLoop;
use crate::{Error, Figure, Status, store::Core};

/// Lessons by where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LessonCounts {
    /// They wait for a round.
    pub candidates: u64,
    /// Chance decides who gets them.
    pub trials: u64,
    /// They are served.
    pub promoted: u64,
    /// They are neither.
    pub retired: u64,
    /// Evidence speaks for them and a person has not approved them yet; among the trials.
    pub awaiting_approval: u64,
}

/// What was learnt so far, in figures.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LearningStats {
    /// Attempts recorded, those cleaned away among them.
    pub total_executions: u64,
    /// Those that ended well, as far as is known now.
    pub successful_executions: u64,
    /// Those whose outcome was measured.
    pub measured_executions: u64,
    /// The share that ended well.
    pub success_rate: Figure,
    /// What reviewers thought, from 0 to 1: a half is unsure.
    pub average_review_score: Figure,
    /// Lessons.
    pub lessons: LessonCounts,
    /// Records that could not be read, or contradicted others, and were passed over.
    pub skipped_records: u64,
    /// Records that are kept and are no evidence, since only an agent vouches for them.
    pub self_reported: u64,
    /// Draws for tasks that were never recorded, which gave way to newer ones.
    pub dropped_draws: u64,
    /// Records that were cleaned away.
    pub removed: u64,
    /// Secrets that were taken out.
    pub secrets_scrubbed: u64,
}

impl FeedbackLoop {
    /// Statistics over everything, with intervals.
    ///
    /// ```
    /// # async fn example(feedback: &learning::FeedbackLoop) -> Result<(), learning::Error> {
    /// let stats = feedback.get_learning_stats().await?;
    ///
    /// println!("Total executions: {}", stats.total_executions);
    /// println!("Success rate: {}", stats.success_rate.as_percent());
    /// println!("Average review score: {}", stats.average_review_score);
    /// # assert_eq!(stats.success_rate.as_percent().to_string(), "not enough evidence (0 of 30)");
    /// # Ok(())
    /// # }
    /// # let folder = tempfile::tempdir()?;
    /// # let feedback = learning::FeedbackLoop::open(folder.path())?;
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(example(&feedback))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `Internal`.
    pub async fn get_learning_stats(&self) -> Result<LearningStats, Error> {
        self.blocking(|inner| inner.store.read(|state| stats(&state.core)))
            .await
    }
}

fn stats(core: &Core) -> LearningStats {
    let mut lessons = LessonCounts {
        awaiting_approval: core.experiment.proven.len() as u64,
        ..LessonCounts::default()
    };
    for lesson in core.lessons.values() {
        *match lesson.status {
            Status::Candidate => &mut lessons.candidates,
            Status::Trial { .. } => &mut lessons.trials,
            Status::Promoted => &mut lessons.promoted,
            Status::Retired(_) => &mut lessons.retired,
        } += 1;
    }
    LearningStats {
        total_executions: core.executions,
        successful_executions: core.successes,
        measured_executions: core.measured,
        success_rate: Figure::rate(core.successes, core.executions),
        average_review_score: Figure::mean(core.review_sum, core.review_squares, core.reviews),
        lessons,
        skipped_records: core.skipped.unreadable + core.skipped.poisoned,
        self_reported: core.skipped.self_reported,
        dropped_draws: core.skipped.draws,
        removed: core.removed,
        secrets_scrubbed: core.secrets,
    }
}
