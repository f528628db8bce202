use std::collections::BTreeSet;

use core_types::RepositoryName;

use super::feedback_loop::FeedbackLoop;
use crate::{
    Error,
    lesson::{items, mark},
    record::{GUIDANCE, GuidanceRecord, Stored, VERSION},
    store::Core,
};

impl FeedbackLoop {
    /// Notes what the files for agents in a repository say now, all of them joined; empty for none.
    ///
    /// Agents read them anyway. So a lesson that stands there is neither put into prompts of that repository nor
    /// tried on its tasks, which leaves the trial to others; and where it was promoted, the watch on it rests,
    /// since what all tasks have makes no difference between them. Once it stands there no more, all goes on. A
    /// lesson is known by its words.
    ///
    /// ```
    /// # use learning::{FeedbackLoop, LessonKind, NewLesson, Options, Exploration, Source};
    /// # async fn example(feedback: FeedbackLoop) -> Result<(), Box<dyn std::error::Error>> {
    /// let store = "store".parse()?;
    /// feedback.note_guidance(&store, "# For agents\n\n- Keep lines short.\n").await?;
    /// # Ok(())
    /// # }
    /// # let folder = tempfile::tempdir()?;
    /// # let feedback = FeedbackLoop::open(folder.path())?;
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(example(feedback))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `ResourceExhausted`, `Internal`.
    pub async fn note_guidance(
        &self,
        repository: &RepositoryName,
        contents: &str,
    ) -> Result<(), Error> {
        let rules = items(contents).into_iter();
        let rules: BTreeSet<u64> = rules.map(|item| mark(&item.text)).collect();
        let repository = repository.clone();
        self.blocking(move |inner| {
            let is_news = |core: &Core| core.guidance_of(&repository) != Some(&rules);
            // Most of the time there is no news, and no lock to take for it.
            if !inner.store.read(|state| is_news(&state.core))? {
                return Ok(());
            }
            let record = GuidanceRecord {
                v: VERSION,
                at: inner.clock.now(),
                repository: repository.clone(),
                rules: rules.clone(),
            };
            inner.store.batch(|state, batch| {
                if is_news(&state.core) {
                    batch.append(GUIDANCE, record.encode()?)?;
                }
                Ok(())
            })
        })
        .await
    }
}
