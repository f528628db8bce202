use core_types::{RepositoryName, RunId, Task, TaskId};

use super::feedback_loop::{FeedbackLoop, Inner};
use crate::{
    Error,
    experiment::{Arm, Draw},
    record::{DRAW, DrawRecord, Stored, VERSION},
    store::{Core, State},
};

pub(crate) const BLOCK_BEGIN: &str = "<!-- lessons: begin -->";
pub(crate) const BLOCK_END: &str = "<!-- lessons: end -->";
const HEADING: &str = "Hints from earlier work, to be weighed, not obeyed:";

/// Whose prompt it is.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) run: RunId,
    /// With a task chance may decide, and the draw is logged.
    pub(super) task: Option<TaskId>,
    pub(super) repository: Option<RepositoryName>,
    pub(super) files: Vec<String>,
}

/// What a prompt gets.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) draw: Draw,
    pub(super) texts: Vec<String>,
}

impl FeedbackLoop {
    /// The prompt with what was learnt so far added at its end; as it was where nothing is added.
    ///
    /// What is added is promoted lessons, or for a task that takes part in a trial the lessons that chance
    /// gave it. The draw is on disk before this returns; the same task of the same run gets the same again.
    ///
    /// ```
    /// # use core_types::{RunId, Task};
    /// # use learning::{FeedbackLoop, LessonKind, NewLesson, Options, Exploration, Source};
    /// # async fn example(feedback: FeedbackLoop, run: RunId, task: Task) -> Result<(), learning::Error> {
    /// // What a person knows is worth a trial.
    /// for rule in ["Include test coverage", "Include error handling", "Include documentation"] {
    ///     let lesson = NewLesson::new(LessonKind::Convention, rule, Source::Person);
    ///     feedback.propose(lesson).await?;
    /// }
    ///
    /// // Get an improved prompt, based on what was learnt.
    /// let base_prompt = "Implement the following feature:";
    /// let improved_prompt = feedback.improve_prompt(&run, &task, base_prompt).await?;
    ///
    /// // A task of the trial has some of the three, by chance; any other one has what is promoted.
    /// assert!(improved_prompt.starts_with(base_prompt));
    /// # assert!(improved_prompt.contains("(L1, from a person) Include test coverage"));
    /// # Ok(())
    /// # }
    /// # let folder = tempfile::tempdir()?;
    /// # let options = Options { exploration: Exploration::full(), seed: 2, ..Options::default() };
    /// # let feedback = FeedbackLoop::open_with(folder.path(), options)?;
    /// # let task = Task {
    /// #     id: "task-42".parse()?, title: String::new(), description: String::new(),
    /// #     repository: "a".parse()?, dependencies: Vec::new(), files: Vec::new(), estimate: None,
    /// # };
    /// # let done = example(feedback, "run-1".parse()?, task);
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(done)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `ResourceExhausted` (disk full or read-only), `Internal`. A caller that goes on
    /// with the base prompt loses nothing but the hints.
    pub async fn improve_prompt(
        &self,
        run: &RunId,
        task: &Task,
        base_prompt: &str,
    ) -> Result<String, Error> {
        let subject = Subject {
            run: run.clone(),
            task: Some(task.id.clone()),
            repository: Some(task.repository.clone()),
            files: task.files.clone(),
        };
        let given = self.blocking(move |inner| inner.give(&subject)).await?;
        if given.texts.is_empty() {
            return Ok(base_prompt.to_owned());
        }
        let mut prompt = format!("{base_prompt}\n\n{BLOCK_BEGIN}\n{HEADING}\n");
        for text in given.texts {
            prompt.push_str(&format!("- {text}\n"));
        }
        prompt.push_str(BLOCK_END);
        prompt.push('\n');
        Ok(prompt)
    }
}

impl Inner {
    /// Draws for a task, or finds what was drawn for it.
    pub(super) fn give(&self, subject: &Subject) -> Result<Given, Error> {
        let Some(task) = &subject.task else {
            return self.store.read(|state| {
                let draw = self.fresh(&state.core, subject, 0.0, "");
                given(&state.core, draw)
            });
        };
        self.begin_round()?;
        // The draw, and whether it is one to be written.
        let decide = |state: &State| {
            let core = &state.core;
            if let Some(draw) = core.drawn(&subject.run, task) {
                return (draw, false);
            }
            let first = crate::store::key(subject.run.as_str(), task.as_str(), 1);
            let is_over = state.table.get(&first).is_some();
            let share = if is_over {
                0.0
            } else {
                self.rules.exploration.share
            };
            let draw = self.fresh(core, subject, share, task.as_str());
            let is_new = !is_over && !draw.exposures.is_empty();
            (draw, is_new)
        };
        // As a rule there is nothing to write, and no lock to take for it.
        let known = self.store.read(|state| {
            let (draw, is_new) = decide(state);
            (!is_new).then(|| given(&state.core, draw))
        })?;
        if let Some(known) = known {
            return Ok(known);
        }
        self.store.batch(|state, batch| {
            let (draw, is_new) = decide(state);
            if is_new {
                let record = DrawRecord {
                    v: VERSION,
                    at: self.clock.now(),
                    run: subject.run.clone(),
                    task: task.clone(),
                    draw: draw.clone(),
                };
                batch.append(DRAW, record.encode()?)?;
            }
            Ok(given(&state.core, draw))
        })
    }

    fn fresh(&self, core: &Core, subject: &Subject, share: f64, task: &str) -> Draw {
        let applies = |lesson| core.covers(lesson, subject.repository.as_ref(), &subject.files);
        let unit = [subject.run.as_str(), task];
        let experiment = &core.experiment;
        experiment
            .lineup(applies)
            .draw(experiment.seed, unit, share)
    }

    fn begin_round(&self) -> Result<(), Error> {
        let round = |core: &Core| self.rules.round(core, self.clock.now());
        if self.store.read(|state| round(&state.core))??.is_none() {
            return Ok(());
        }
        self.store.batch(|state, batch| {
            if let Some((kind, payload)) = round(&state.core)? {
                batch.append(kind, payload)?;
            }
            Ok(())
        })
    }
}

fn given(core: &Core, draw: Draw) -> Given {
    let texts = draw
        .shown()
        .filter_map(|lesson| core.lessons.get(&lesson))
        // It was scrubbed when it was written, perhaps by a version that knew fewer secrets.
        .map(|lesson| crate::scrub(&lesson.prompt_line()).text.into_owned());
    let texts = texts.collect();
    Given { draw, texts }
}

impl Core {
    /// What was drawn for a task before.
    fn drawn(&self, run: &RunId, task: &TaskId) -> Option<Draw> {
        let key = format!("{run}/{task}");
        let of_unit = || {
            Some(Draw {
                arm: Arm::Trial,
                exposures: self.unit(&key)?.exposures.clone(),
            })
        };
        self.draws.get(&key).cloned().or_else(of_unit)
    }
}

/// A prompt without the lessons that were put into it: what we said is no news.
pub(crate) fn strip(prompt: &str) -> String {
    let mut is_ours = false;
    let mut rest = String::new();
    for line in prompt.split_inclusive('\n') {
        is_ours |= line.starts_with(BLOCK_BEGIN);
        if !is_ours && !is_prompt_line(line) {
            rest.push_str(line);
        }
        is_ours &= !line.starts_with(BLOCK_END);
    }
    rest
}

/// Whether a line is one of [`Lesson::prompt_line`](crate::Lesson::prompt_line).
fn is_prompt_line(line: &str) -> bool {
    let lesson = line
        .strip_prefix("(L")
        .and_then(|rest| rest.split_once(", "));
    lesson.is_some_and(|(number, rest)| {
        number.parse::<u32>().is_ok()
            && (rest.starts_with("from ") || rest.starts_with("not verified, "))
    })
}
