//! Validated names. A value of these types is safe as a file name, as a git
//! argument and as a label; none can be built from bad input.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A name that its type refuses, with what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} is not valid: {expected}")]
pub struct InvalidName {
    /// What was to be named, for example `task id`.
    pub kind: &'static str,
    /// The refused text, cut to 80 characters.
    pub value: String,
    /// The rule that it breaks.
    pub expected: &'static str,
}

fn refuse(kind: &'static str, value: &str, expected: &'static str) -> InvalidName {
    let value = value.chars().take(80).collect();
    InvalidName {
        kind,
        value,
        expected,
    }
}

/// The rule shared by all ids, or the part of it that `value` breaks.
fn check_id(value: &str) -> Result<(), &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if value.is_empty() || value.len() > 64 {
        return Err("expected 1 to 64 characters");
    }
    if !value.chars().all(plain) {
        return Err("expected only letters a-z, digits, '.', '_' and '-'");
    }
    if value.starts_with(['.', '-']) {
        return Err("expected a first character other than '.' and '-'");
    }
    if value.contains("..") {
        return Err("expected no '..'");
    }
    if value.ends_with('.') || value.ends_with(".lock") {
        return Err("expected an end other than '.' and '.lock'");
    }
    Ok(())
}

/// git's rules for a reference (git-check-ref-format), with a length limit.
fn check_ref(value: &str) -> Result<(), &'static str> {
    let bad = |c: char| {
        c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\' | '\u{7f}')
    };
    if value.is_empty() || value.len() > 200 {
        return Err("expected 1 to 200 characters");
    }
    if value.chars().any(bad) {
        return Err("expected none of: space, control characters, ~ ^ : ? * [ \\");
    }
    if value.contains("..") || value.contains("@{") || value.contains("//") {
        return Err("expected no '..', '@{' or '//'");
    }
    if value.starts_with(['/', '-']) || value.ends_with(['/', '.']) {
        return Err("expected no leading '/' or '-' and no trailing '/' or '.'");
    }
    if value
        .split('/')
        .any(|part| part.starts_with('.') || part.ends_with(".lock") || part.starts_with('-'))
    {
        return Err("expected no part that starts with '.' or '-' or ends with '.lock'");
    }
    Ok(())
}

fn check_branch(value: &str) -> Result<(), &'static str> {
    if matches!(value, "@" | "HEAD") || value.starts_with("refs/") {
        return Err("expected the short name of a branch");
    }
    check_ref(value)
}

fn check_full_ref(value: &str) -> Result<(), &'static str> {
    if !value.starts_with("refs/") {
        return Err("expected a full reference that starts with 'refs/'");
    }
    check_ref(value)
}

fn check_object(value: &str) -> Result<(), &'static str> {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if !matches!(value.len(), 40 | 64) || !value.bytes().all(hex) {
        return Err("expected 40 or 64 lower-case hexadecimal digits");
    }
    Ok(())
}

fn check_operation(value: &str) -> Result<(), &'static str> {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/' | '#');
    if value.is_empty() || value.len() > 256 || !value.chars().all(plain) {
        return Err("expected 1 to 256 of letters, digits and . _ - : / #");
    }
    Ok(())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks `value`.
            ///
            /// # Errors
            ///
            /// [`InvalidName`] names the broken rule.
            pub fn new(value: impl AsRef<str>) -> Result<Self, InvalidName> {
                let value = value.as_ref();
                $check(value).map_err(|expected| refuse($kind, value, expected))?;
                Ok(Self(value.into()))
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> {
                Self::new(value)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(value: String) -> Result<Self, InvalidName> {
                Self::new(value)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// Names a plan: 1–64 characters of `a-z A-Z 0-9 . _ -`, not starting with
    /// `.` or `-`, without `..`, not ending in `.` or `.lock`.
    PlanId, "plan id", check_id
);
name!(
    /// Names a task within its plan; the same rule as [`PlanId`].
    TaskId, "task id", check_id
);
name!(
    /// Names a run within its home; the same rule as [`PlanId`].
    RunId, "run id", check_id
);
name!(
    /// Names a repository within its home; the same rule as [`PlanId`].
    RepositoryName, "repository name", check_id
);
name!(
    /// Names a checkpoint within its store; the same rule as [`PlanId`].
    CheckpointId, "checkpoint id", check_id
);
name!(
    /// Names a step within its scope, for example `merge`; the same rule as [`PlanId`].
    StepName, "step name", check_id
);
name!(
    /// The short name of a branch, by git's own rules and never starting with `-`.
    BranchName, "branch name", check_branch
);
name!(
    /// The full name of a reference, such as `refs/automation/run-1/integration`.
    RefName, "reference", check_full_ref
);
name!(
    /// The object id of a commit: 40 or 64 lower-case hexadecimal digits.
    CommitId, "commit id", check_object
);
name!(
    /// The object id of a tree: 40 or 64 lower-case hexadecimal digits.
    TreeId, "tree id", check_object
);
name!(
    /// Marks one mutation of the outside world, so that it can be found again:
    /// 1–256 characters of `a-z A-Z 0-9 . _ - : / #`.
    OperationId, "operation id", check_operation
);

impl BranchName {
    /// The branch's full reference, `refs/heads/…`.
    #[must_use]
    pub fn full_ref(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl CommitId {
    /// The first ten digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}
