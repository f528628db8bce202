//! What people say in comments.

use core_types::TaskId;

/// A line that begins a comment and is meant for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Exactly what was shown under this mark is approved.
    Approve { pin: String },
    /// What failed is tried again; all of it where nothing is named.
    Retry { name: Option<String> },
    /// The same with a word to the agent.
    Answer { name: String, text: String },
    /// The run goes on without a task.
    Skip { task: TaskId },
    /// The run is given up.
    Abort,
}

impl Said {
    /// Reads a comment; `None` where it is none of our business, and why not where it was meant to be.
    pub(super) fn parse(body: &str) -> Option<Result<Self, String>> {
        let body = body.trim();
        let (first, rest) = body.split_once('\n').unwrap_or((body, ""));
        let mut words = first.split_whitespace();
        // GitLab takes a line that begins with a slash for a command of its own.
        let (mark, command) = words.next()?.split_at_checked(1)?;
        if !matches!(mark, "/" | "!") {
            return None;
        }
        let words: Vec<&str> = words.collect();
        let wanted = |usage: &str| Some(Err(format!("say it as `{mark}{usage}`")));
        Some(Ok(match (command, &words[..]) {
            ("approve", [pin]) => Self::Approve {
                pin: (*pin).trim_matches('`').to_owned(),
            },
            ("approve", _) => return wanted("approve MARK"),
            ("retry", []) => Self::Retry { name: None },
            ("retry", [name]) => Self::Retry {
                name: Some((*name).to_owned()),
            },
            ("retry", _) => return wanted("retry TASK"),
            ("answer", [name, text @ ..]) => {
                let text = format!("{}\n{rest}", text.join(" "));
                let text = text.trim();
                if text.is_empty() {
                    return wanted("answer TASK TEXT");
                }
                Self::Answer {
                    name: (*name).to_owned(),
                    text: text.to_owned(),
                }
            }
            ("answer", []) => return wanted("answer TASK TEXT"),
            ("skip", [task]) => match TaskId::new(*task) {
                Ok(task) => Self::Skip { task },
                Err(_) => return wanted("skip TASK"),
            },
            ("skip", _) => return wanted("skip TASK"),
            ("abort", []) => Self::Abort,
            ("abort", _) => return wanted("abort"),
            // Other programs listen on the same issues.
            _ => return None,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comments_say() {
        let read = |body: &str| Said::parse(body);
        let ok = |said| Some(Ok(said));
        let approve = ok(Said::Approve {
            pin: "0a1b".to_owned(),
        });
        for body in [
            "/approve 0a1b",
            "  /approve  `0a1b` \r\nThanks!",
            "\n/approve 0a1b",
            "!approve 0a1b",
        ] {
            assert_eq!(read(body), approve, "{body:?}");
        }
        assert_eq!(read("/retry"), ok(Said::Retry { name: None }));
        let name = "t-1".to_owned();
        let retry = Said::Retry {
            name: Some(name.clone()),
        };
        assert_eq!(read("/retry t-1"), ok(retry));
        let text = "use bar\n\nnot foo".to_owned();
        let answer = Said::Answer { name, text };
        assert_eq!(read("/answer t-1 use bar\n\nnot foo\n"), ok(answer));
        assert_eq!(read("/abort"), ok(Said::Abort));
        for body in [
            "/approve",
            "/approve a b",
            "/answer t-1",
            "/answer",
            "/skip",
            "/abort it",
        ] {
            assert!(matches!(read(body), Some(Err(_))), "{body:?}");
        }
        for body in [
            "",
            "approve 0a1b",
            "Please:\n/approve 0a1b",
            "> /approve 0a1b",
            "/assign me",
            "/ approve",
        ] {
            assert_eq!(read(body), None, "{body:?}");
        }
    }
}
