use std::{
    io,
    path::{Path, PathBuf},
};

use core_types::Conversation;
use serde_json::Value;

use super::{claude_code, codex, told::Told};
use crate::{conversation, gateway::Provider};

/// Which program an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Claude Code, kind `claude-code`.
    ClaudeCode,
    /// Codex, kind `codex`.
    Codex,
}

impl Program {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ClaudeCode, Self::Codex];

    /// The one whose kind has this name.
    #[must_use]
    pub fn of_kind(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.kind() == kind)
    }

    /// The kind's name in the configuration.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude-code",
            Self::Codex => "codex",
        }
    }

    /// The program's own name.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::ClaudeCode => "claude",
            Self::Codex => "codex",
        }
    }

    /// The variables by which it reaches a model and is paid for; it sees them where they are set.
    #[must_use]
    pub const fn variables(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => claude_code::VARIABLES,
            Self::Codex => codex::VARIABLES,
        }
    }

    /// Whose models it asks.
    #[must_use]
    pub const fn provider(self) -> Provider {
        match self {
            Self::ClaudeCode => Provider::Anthropic,
            Self::Codex => Provider::OpenAi,
        }
    }

    /// What it keeps of a login of its own, below the user's home folder.
    #[must_use]
    pub const fn login_paths(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => &[".claude", ".claude.json"],
            Self::Codex => &[".codex"],
        }
    }

    pub(super) const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::ClaudeCode => claude_code::KEYS,
            Self::Codex => codex::KEYS,
        }
    }

    /// Takes over what an earlier request left of a conversation; `None` where it cannot be gone on with.
    pub(super) fn take_over(self, of: Conversation, home: &Path) -> io::Result<Option<Resumed>> {
        let from = of.scratch.join("home");
        let (folders, end) = match self {
            Self::ClaudeCode => (claude_code::CONVERSATIONS, format!("{}.jsonl", of.id)),
            Self::Codex => (codex::CONVERSATIONS, format!("-{}.jsonl", of.id)),
        };
        let is_it = |name: &str| match self {
            Self::ClaudeCode => name == end,
            Self::Codex => name.ends_with(&end),
        };
        let file = conversation::copy_into(home, &from, folders, is_it)?;
        Ok(file.map(|file| Resumed { id: of.id, file }))
    }

    pub(super) fn take(self, told: &mut Told, event: &Value) -> Vec<String> {
        match self {
            Self::ClaudeCode => claude_code::take(told, event),
            Self::Codex => codex::take(told, event),
        }
    }
}

/// A conversation that is gone on with.
pub(super) struct Resumed {
    pub(super) id: String,
    /// What the program has kept of it, below its home folder.
    pub(super) file: PathBuf,
}
