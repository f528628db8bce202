use std::time::Duration;

use core_types::{
    AgentAnswer, AgentRequest, AgentResult, AgentTask, Conversation, ErrorClass, Review,
    ReviewIssue, Severity, Spent, Timestamp, TokenUsage, Usd,
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::error::Failed;

/// How large an answer may be, in bytes: far above what a plan of a thousand
/// tasks needs, far below what would hurt.
pub const ANSWER_LIMIT_BYTES: u64 = 1024 * 1024;

/// Why an answer cannot be used. All are of class `Validation`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// It is larger than [`ANSWER_LIMIT_BYTES`].
    #[error("the answer is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// The answer's path holds something else than a file: a link, a folder, a pipe.
    #[error("the answer is not a regular file")]
    NotAFile,
    /// It is no JSON object.
    #[error("the answer is not a JSON object of the expected form")]
    Form(#[source] serde_json::Error),
    /// A key has a value of another type.
    #[error("the answer's \"{key}\" is not of the expected form")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// It has a key that nobody reads.
    #[error("the answer has the unknown key \"{key}\"; the nearest known one is \"{nearest}\"")]
    UnknownKey {
        /// The key, with its path from the top: `review.aproved`.
        key: String,
        /// The known key that is most like it.
        nearest: &'static str,
    },
    /// The stage needs a key that it does not have.
    #[error("the answer has no key \"{key}\", which the {stage} stage needs")]
    Missing {
        /// The key.
        key: &'static str,
        /// The stage.
        stage: &'static str,
    },
    /// The plan is not an object with a list of tasks.
    #[error("the answer's \"plan\" is not an object with a list \"tasks\"")]
    PlanForm,
    /// The error is of a kind that nobody knows.
    #[error(
        "the answer's \"error.kind\" is {kind:?}; known are: {}",
        ErrorClass::NAMES.join(", ")
    )]
    ErrorKind {
        /// What was found, cut.
        kind: String,
    },
    /// It is neither a time nor a number of seconds.
    #[error("the answer's \"error.until\" is neither an RFC 3339 time nor a number of seconds")]
    Until,
    /// The confidence is not between 0 and 1.
    #[error("the answer's \"review.confidence\" is {confidence}, expected 0 to 1")]
    Confidence {
        /// What was found.
        confidence: f64,
    },
}

/// What an agent wrote to `AUTOMATION_ANSWER_FILE`, checked. Every key may be
/// missing, and an empty file is an answer without keys.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// `summary`: what the agent says it did.
    pub summary: String,
    /// `plan`: an object with the list `tasks`, whose tasks are still to be checked.
    pub plan: Option<Value>,
    /// `review`.
    pub review: Option<Review>,
    /// `usage`: tokens.
    pub usage: TokenUsage,
    /// `cost`: dollars, as a string such as `"0.01"` or as a number.
    pub cost: Option<Usd>,
    /// `model`: the model that did the work.
    pub model: String,
    /// `conversation`: by what name the agent can go on with it; empty where it cannot.
    pub conversation: String,
    /// `error`: why the agent could not do its work.
    pub error: Option<AnsweredError>,
}

/// Why an agent could not do its work, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnsweredError {
    /// `kind`: the name of an [`ErrorClass`], without the end of its window.
    pub kind: ErrorClass,
    /// `message`: one line for people; may be empty.
    pub message: String,
    /// `until`: when a limit or a quota ends.
    pub until: Option<Until>,
}

/// When a limit ends, as an agent says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// At a time.
    At(Timestamp),
    /// So long after the answer.
    In(Duration),
}

impl AnsweredError {
    /// The error's class, at the time of the answer.
    #[must_use]
    pub fn class(&self, now: Timestamp) -> ErrorClass {
        let until = self.until.map(|until| match until {
            Until::At(at) => at,
            Until::In(wait) => {
                let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                Timestamp(now.0.saturating_add(millis))
            }
        });
        ErrorClass::from_name(self.kind.as_str(), until).unwrap_or(self.kind)
    }
}

#[derive(Deserialize)]
struct ErrorRecord {
    kind: String,
    #[serde(default)]
    message: String,
    until: Option<Value>,
}

#[derive(Deserialize)]
struct ReviewRecord {
    approved: bool,
    #[serde(default)]
    comments: String,
    #[serde(default)]
    issues_found: Vec<IssueRecord>,
    confidence: f64,
}

#[derive(Deserialize)]
struct IssueRecord {
    severity: Severity,
    file: Option<String>,
    message: String,
}

const ANSWER_KEYS: &[&str] = &[
    "summary",
    "plan",
    "review",
    "usage",
    "cost",
    "model",
    "conversation",
    "error",
];
const ERROR_KEYS: &[&str] = &["kind", "message", "until"];
const REVIEW_KEYS: &[&str] = &["approved", "comments", "issues_found", "confidence"];
const ISSUE_KEYS: &[&str] = &["severity", "file", "message"];
const USAGE_KEYS: &[&str] = &[
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "output",
    "reasoning",
];

impl Answer {
    /// Reads an answer. White space alone is an answer without keys.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] says what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, AnswerError> {
        if bytes.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let mut object: Map<String, Value> =
            serde_json::from_slice(bytes).map_err(AnswerError::Form)?;
        check_keys("", &object, ANSWER_KEYS)?;
        if let Some(Value::Object(usage)) = object.get("usage") {
            check_keys("usage.", usage, USAGE_KEYS)?;
        }
        if let Some(Value::Object(error)) = object.get("error") {
            check_keys("error.", error, ERROR_KEYS)?;
        }
        if let Some(Value::Object(review)) = object.get("review") {
            check_keys("review.", review, REVIEW_KEYS)?;
            let issues = review.get("issues_found").and_then(Value::as_array);
            for issue in issues.into_iter().flatten().filter_map(Value::as_object) {
                check_keys("review.issues_found.", issue, ISSUE_KEYS)?;
            }
        }
        let plan: Option<Value> = take(&mut object, "plan")?;
        if let Some(plan) = &plan
            && !plan.get("tasks").is_some_and(Value::is_array)
        {
            return Err(AnswerError::PlanForm);
        }
        let review: Option<ReviewRecord> = take(&mut object, "review")?;
        let error: Option<ErrorRecord> = take(&mut object, "error")?;
        Ok(Self {
            summary: take(&mut object, "summary")?,
            plan,
            review: review.map(ReviewRecord::check).transpose()?,
            usage: take(&mut object, "usage")?,
            cost: take(&mut object, "cost")?,
            model: take(&mut object, "model")?,
            conversation: take(&mut object, "conversation")?,
            error: error.map(ErrorRecord::check).transpose()?,
        })
    }

    /// The part of the answer that `task` asked for.
    ///
    /// # Errors
    ///
    /// [`AnswerError::Missing`] where it lacks the plan or the review.
    pub fn into_answer_to(self, task: &AgentTask) -> Result<AgentAnswer, AnswerError> {
        let missing = |key| AnswerError::Missing {
            key,
            stage: task.stage(),
        };
        match task {
            AgentTask::Plan { .. } => {
                let plan = self.plan.ok_or_else(|| missing("plan"))?;
                Ok(AgentAnswer::Plan { plan })
            }
            AgentTask::Review { .. } => {
                let review = self.review.ok_or_else(|| missing("review"))?;
                Ok(AgentAnswer::Review { review })
            }
            _ => Ok(AgentAnswer::Work {
                summary: self.summary,
            }),
        }
    }

    /// The same as the result of a request.
    pub(crate) fn into_result(
        self,
        request: &AgentRequest,
        spent: Spent,
        prompt: String,
    ) -> Result<AgentResult, Failed> {
        let conversation = Conversation::new(&self.conversation, request.scratch.clone());
        match self.into_answer_to(&request.task) {
            Ok(answer) => Ok(AgentResult {
                answer,
                usage: spent.usage,
                cost: spent.cost,
                model: spent.model,
                prompt,
                conversation,
            }),
            Err(error) => Err(Failed {
                error: error.into(),
                spent: Box::new(Spent {
                    is_failure: true,
                    ..spent
                }),
            }),
        }
    }
}

impl ErrorRecord {
    fn check(self) -> Result<AnsweredError, AnswerError> {
        let Some(kind) = ErrorClass::from_name(&self.kind, None) else {
            let kind = self.kind.chars().take(40).collect();
            return Err(AnswerError::ErrorKind { kind });
        };
        let until = self.until.as_ref().map(until).transpose()?;
        Ok(AnsweredError {
            kind,
            message: self.message,
            until,
        })
    }
}

/// A number of seconds, also as a text such as a header holds, or a time.
fn until(value: &Value) -> Result<Until, AnswerError> {
    let seconds = match value {
        Value::Number(seconds) => seconds.as_f64(),
        Value::String(text) => match Timestamp::parse(text.trim()) {
            Some(at) => return Ok(Until::At(at)),
            None => text.trim().parse().ok(),
        },
        _ => None,
    };
    let wait = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    wait.map(Until::In).ok_or(AnswerError::Until)
}

impl ReviewRecord {
    fn check(self) -> Result<Review, AnswerError> {
        if !(0.0..=1.0).contains(&self.confidence) {
            return Err(AnswerError::Confidence {
                confidence: self.confidence,
            });
        }
        let issue = |record: IssueRecord| ReviewIssue {
            severity: record.severity,
            file: record.file,
            message: record.message,
        };
        Ok(Review {
            approved: self.approved,
            comments: self.comments,
            issues_found: self.issues_found.into_iter().map(issue).collect(),
            confidence: self.confidence,
        })
    }
}

/// A key's value, the default where it is missing.
fn take<T: DeserializeOwned + Default>(
    object: &mut Map<String, Value>,
    key: &'static str,
) -> Result<T, AnswerError> {
    let Some(value) = object.remove(key) else {
        return Ok(T::default());
    };
    serde_json::from_value(value).map_err(|source| AnswerError::Value { key, source })
}

/// What an answer says of money, also where the rest of it cannot be used: each
/// of `usage`, `cost` and `model` that can be read by itself.
pub(crate) fn reported(bytes: &[u8]) -> Spent {
    let mut object: Map<String, Value> = serde_json::from_slice(bytes).unwrap_or_default();
    Spent {
        usage: take(&mut object, "usage").unwrap_or_default(),
        cost: take(&mut object, "cost").unwrap_or_default(),
        model: take(&mut object, "model").unwrap_or_default(),
        is_failure: false,
    }
}

fn check_keys(
    path: &str,
    object: &Map<String, Value>,
    known: &'static [&'static str],
) -> Result<(), AnswerError> {
    let Some(unknown) = object.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    // An agent's key may be of any length; the first characters tell.
    let unknown: String = unknown.chars().take(40).collect();
    let nearest = known
        .iter()
        .min_by_key(|known| edit_distance(known, &unknown))
        .copied()
        .unwrap_or_default();
    Err(AnswerError::UnknownKey {
        key: format!("{path}{unknown}"),
        nearest,
    })
}

/// How many characters must be inserted, removed or replaced (Levenshtein).
fn edit_distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (from_idx, from_char) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], from_idx + 1);
        for (to_idx, to_char) in to.chars().enumerate() {
            let replaced = diagonal + usize::from(from_char != to_char);
            diagonal = row[to_idx + 1];
            row[to_idx + 1] = replaced.min(diagonal + 1).min(row[to_idx] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
