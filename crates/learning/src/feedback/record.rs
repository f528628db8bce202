use std::collections::HashSet;

use core_types::{Review, RunId, TaskId, Timestamp};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{advise::strip, feedback_loop::FeedbackLoop};
use crate::{
    Error, Execution, KeepPrompts, KeptPrompt, OutcomeChange, Trust,
    index::tokens,
    lesson::truncate,
    record::{
        EXECUTION, ExecutionRecord, OUTCOME, OutcomeRecord, REVIEWED, ReviewRecord, ReviewedRecord,
        Stored, VERSION, check_confidence,
    },
    scrub,
    store::{State, Table},
};

/// Longest text kept of a prompt, in bytes.
const MAX_PROMPT_BYTES: usize = 64 << 10;

/// Longest other text, in bytes.
const MAX_VALUE_BYTES: usize = 4 << 10;

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is on disk.
    New {
        /// How many secrets were taken out before.
        scrubbed: usize,
    },
    /// This attempt was recorded before, and stays as it was.
    Already,
}

/// An earlier execution that is like a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Similar {
    /// The run.
    pub run: RunId,
    /// The task.
    pub task: TaskId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When it was recorded.
    pub at: Timestamp,
    /// Whether it ended well.
    pub success: bool,
    /// How like it is; above 0, and only to be compared within one answer.
    pub score: f32,
}

impl FeedbackLoop {
    /// Records an attempt. Another attempt, and the same task in another run, is another record: nothing is
    /// overwritten. Recording the same attempt again does nothing, so that it may be repeated after a crash.
    ///
    /// All texts are scrubbed of secrets before they are written.
    ///
    /// ```standalone_crate
    /// use core_types::{Review, RunId, TaskId};
    /// use learning::{Execution, FeedbackLoop, Outcome};
    ///
    /// # async fn example(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    /// # std::env::set_current_dir(folder)?;
    /// # let review_result = Review {
    /// #     approved: true, comments: String::new(), issues_found: Vec::new(), confidence: 0.9,
    /// # };
    /// let feedback = FeedbackLoop::open(".automation/feedback")?;
    ///
    /// feedback
    ///     .record_execution(
    ///         Execution::new(
    ///             RunId::new("20261125-101500-aa")?,
    ///             TaskId::new("task-42")?,
    ///             Outcome::tested(true), // what the tests said, not the agent
    ///         )
    ///         .prompt("Implement user authentication...")
    ///         .review(review_result)
    ///         .metadata("task_type", "feature")
    ///         .metadata("complexity", 0.7),
    ///     )
    ///     .await?;
    /// # assert_eq!(feedback.get_learning_stats().await?.total_executions, 1);
    /// # Ok(())
    /// # }
    /// # let folder = tempfile::tempdir()?;
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(example(folder.path()))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Validation` (a confidence outside of 0 to 1, attempt 0, more than a record takes),
    /// `ResourceExhausted` (disk full or read-only; what was there is intact), `Internal`.
    pub async fn record_execution(&self, execution: Execution) -> Result<Recorded, Error> {
        let recorded = self.record_executions(vec![execution]).await?;
        // One answer an execution.
        Ok(recorded.first().copied().unwrap_or(Recorded::Already))
    }

    /// Records many attempts with one flush; one answer for each, in order. Either all are recorded or none.
    ///
    /// # Errors
    ///
    /// As [`FeedbackLoop::record_execution`].
    pub async fn record_executions(
        &self,
        executions: Vec<Execution>,
    ) -> Result<Vec<Recorded>, Error> {
        executions.iter().try_for_each(Execution::check)?;
        self.blocking(move |inner| {
            let at = inner.clock.now();
            let mut records = Vec::new();
            for execution in executions {
                let record = to_record(execution, inner.keep_prompts, at);
                records.push((
                    crate::store::key_of(&record),
                    record.encode()?,
                    record.scrubbed,
                ));
            }
            let recorded = inner.store.batch(|state, batch| {
                let mut in_batch = HashSet::new();
                let mut answers = Vec::new();
                for (key, payload, scrubbed) in &records {
                    if state.table.get(key).is_some() || !in_batch.insert(key) {
                        answers.push(Recorded::Already);
                        continue;
                    }
                    batch.append(EXECUTION, payload.clone())?;
                    answers.push(Recorded::New {
                        scrubbed: *scrubbed,
                    });
                }
                Ok(answers)
            })?;
            inner.settle()?;
            Ok(recorded)
        })
        .await
    }

    /// Adds what became known later of a recorded attempt: it was merged, say, or reverted. What is known of
    /// lessons is put right by it while their round goes on.
    ///
    /// # Errors
    ///
    /// `NotFound` (no such record, or cleaned away), else as [`FeedbackLoop::record_execution`].
    pub async fn record_outcome(
        &self,
        run: &RunId,
        task: &TaskId,
        attempt: u32,
        change: OutcomeChange,
    ) -> Result<(), Error> {
        let record = OutcomeRecord {
            v: VERSION,
            at: self.inner.clock.now(),
            run: run.clone(),
            task: task.clone(),
            attempt,
            change,
        };
        self.blocking(move |inner| {
            let (run, task) = (record.run.as_str(), record.task.as_str());
            let key = crate::store::key(run, task, attempt);
            let payload = record.encode()?;
            inner.store.batch(|state, batch| {
                let row = state
                    .table
                    .get(&key)
                    .ok_or_else(|| Error::UnknownExecution {
                        run: run.to_owned(),
                        task: task.to_owned(),
                        attempt,
                    })?;
                // Said twice, it is one change.
                if row.outcome.changed(&record.change) != row.outcome {
                    batch.append(OUTCOME, payload.clone())?;
                }
                Ok(())
            })?;
            inner.settle()
        })
        .await
    }

    /// Adds the reviews of recorded attempts that came after them, with one flush. A review that is known already
    /// changes nothing, and neither does one of an attempt that is not recorded, or cleaned away; a later one takes
    /// the place of an earlier one.
    ///
    /// # Errors
    ///
    /// `Validation` (a confidence outside of 0 to 1), else as [`FeedbackLoop::record_execution`].
    pub async fn record_reviews(
        &self,
        run: &RunId,
        reviews: Vec<(TaskId, u32, Review)>,
    ) -> Result<(), Error> {
        for (.., review) in &reviews {
            check_confidence(review.confidence)?;
        }
        let at = self.inner.clock.now();
        let record = |(task, attempt, review): (TaskId, u32, Review)| ReviewedRecord {
            v: VERSION,
            at,
            run: run.clone(),
            task,
            attempt,
            review: ReviewRecord::from(&review),
        };
        let records: Vec<_> = reviews.into_iter().map(record).collect();
        self.blocking(move |inner| {
            let is_news = |state: &State, it: &ReviewedRecord| {
                let key = crate::store::key(it.run.as_str(), it.task.as_str(), it.attempt);
                let row = state.table.get(&key);
                row.is_some_and(|row| row.review != Some(it.review.score()))
            };
            if !inner
                .store
                .read(|state| records.iter().any(|it| is_news(state, it)))?
            {
                return Ok(());
            }
            inner.store.batch(|state, batch| {
                for record in records.iter().filter(|it| is_news(state, it)) {
                    batch.append(REVIEWED, record.encode()?)?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Earlier executions most like a text, by BM25 over titles, prompts and metadata; best first, at most `top`.
    ///
    /// # Errors
    ///
    /// `Validation` (a newer format), `Internal`.
    pub async fn similar(&self, text: &str, top: usize) -> Result<Vec<Similar>, Error> {
        let (feedback, text) = (self.clone(), text.to_owned());
        self.blocking(move |_| feedback.similar_blocking(&text, top))
            .await
    }

    /// As [`FeedbackLoop::similar`], on this thread: for callers who have one that may wait for the disk.
    ///
    /// # Errors
    ///
    /// As [`FeedbackLoop::similar`].
    pub fn similar_blocking(&self, text: &str, top: usize) -> Result<Vec<Similar>, Error> {
        self.inner.store.read(|state| {
            let Table { rows, index, .. } = &state.table;
            let found = index.search(tokens(text), top).into_iter();
            let similar = found.filter_map(|(document, score)| {
                let row = &rows[document as usize];
                let mut parts = row.key.split('/');
                Some(Similar {
                    run: parts.next()?.parse().ok()?,
                    task: parts.next()?.parse().ok()?,
                    attempt: parts.next()?.parse().ok()?,
                    at: row.at,
                    success: row.outcome.is_success(),
                    score,
                })
            });
            similar.collect()
        })
    }
}

impl KeptPrompt {
    /// What is kept of a prompt. Nothing of an empty one.
    #[must_use]
    pub fn of(prompt: &str, keep: KeepPrompts) -> Self {
        let mut kept = Self {
            hash: String::new(),
            text: None,
            secrets: 0,
        };
        if prompt.is_empty() {
            return kept;
        }
        kept.hash = hex(&Sha256::digest(prompt));
        if keep == KeepPrompts::Full {
            let rest = strip(prompt);
            let clean = scrub(&rest);
            kept.text = Some(truncate(&clean.text, MAX_PROMPT_BYTES).to_owned());
            kept.secrets = clean.secrets;
        }
        kept
    }
}

/// The record as it is stored: bounded and without secrets.
pub(crate) fn to_record(
    execution: Execution,
    keep_prompts: KeepPrompts,
    at: Timestamp,
) -> ExecutionRecord {
    let kept = match execution.kept {
        Some(kept) => KeptPrompt {
            text: kept.text.filter(|_| keep_prompts == KeepPrompts::Full),
            ..kept
        },
        None => KeptPrompt::of(&execution.prompt, keep_prompts),
    };
    let mut scrubbed = kept.secrets;
    let mut clean = |text: &str, limit: usize| {
        let clean = scrub(text);
        scrubbed += clean.secrets;
        truncate(&clean.text, limit).to_owned()
    };
    let metadata = execution.metadata.iter().map(|(key, value)| {
        // A key can make a value a secret.
        let value = match value {
            Value::String(text) => {
                let line = format!("{key}={text}");
                let clean = clean(&line, MAX_VALUE_BYTES + key.len() + 1);
                let value = clean
                    .strip_prefix(key.as_str())
                    .and_then(|it| it.strip_prefix('='));
                Value::String(value.unwrap_or(&clean).to_owned())
            }
            value @ (Value::Array(_) | Value::Object(_)) => {
                Value::String(clean(&value.to_string(), MAX_VALUE_BYTES))
            }
            plain => plain.clone(),
        };
        (truncate(key, 64).to_owned(), value)
    });
    let metadata = metadata.take(64).collect();
    let title = clean(&execution.title, MAX_VALUE_BYTES);
    let model = clean(&execution.model, 200);
    let mut provenance = execution.provenance;
    provenance.author = match provenance.trust {
        Trust::Outsider => hex(&Sha256::digest(&provenance.author)[..16]),
        _ => clean(&provenance.author, 200),
    };
    ExecutionRecord {
        v: VERSION,
        at,
        run: execution.run,
        task: execution.task,
        attempt: execution.attempt,
        outcome: execution.outcome,
        repository: execution.repository,
        commit: execution.commit,
        prompt_hash: kept.hash,
        prompt: kept.text,
        title,
        model,
        review: execution.review.as_ref().map(ReviewRecord::from),
        usage: execution.usage,
        cost: execution.cost,
        millis: execution
            .duration
            .map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
        provenance,
        metadata,
        scrubbed,
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        for digit in [byte >> 4, byte & 15] {
            hex.extend(char::from_digit(u32::from(digit), 16));
        }
        hex
    })
}
