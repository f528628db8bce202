use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Names a lesson within its home, such as `L17`. Numbers are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LessonId(pub(crate) u32);

impl LessonId {
    /// The id `n` numbers later.
    pub(crate) fn after(self, n: usize) -> Self {
        Self(self.0.saturating_add(u32::try_from(n).unwrap_or(u32::MAX)))
    }
}

impl fmt::Display for LessonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("L{}", self.0))
    }
}

impl FromStr for LessonId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = text
            .strip_prefix('L')
            .filter(|digits| !digits.starts_with(['0', '+']))
            .and_then(|digits| digits.parse().ok());
        number.map(Self).ok_or_else(|| Error::InvalidLesson {
            text: text.chars().take(40).collect(),
        })
    }
}

impl TryFrom<String> for LessonId {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<LessonId> for String {
    fn from(id: LessonId) -> Self {
        id.to_string()
    }
}
