use hyper::Method;

/// Whose models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// Anthropic's Messages API, and what speaks it.
    Anthropic,
    /// OpenAI's Responses API and Chat Completions, and what speaks them.
    OpenAi,
}

/// A variable with a key, and the header by which the key is sent: its name, and what stands before the key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(super) variable: &'static str,
    pub(crate) header: &'static str,
    before: &'static str,
}

impl Key {
    /// What the header says.
    pub(crate) fn value(&self, secret: &str) -> String {
        format!("{}{}", self.before, secret.trim())
    }
}

/// What can be asked of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Messages,
    Responses,
    Chat,
    /// What costs nothing: the list of models, the counting of tokens.
    Free,
}

impl Provider {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Anthropic, Self::OpenAi];

    /// The address that is asked where none is given.
    #[must_use]
    pub const fn default_url(self) -> &'static str {
        match self {
            Self::Anthropic => "https://api.anthropic.com",
            Self::OpenAi => "https://api.openai.com/v1",
        }
    }

    /// The key that most programs read.
    pub(crate) const fn key(self) -> Key {
        self.keys()[0]
    }

    /// The variables that may hold its key, the usual one first.
    pub(super) const fn keys(self) -> &'static [Key] {
        match self {
            Self::Anthropic => &[
                Key {
                    variable: "ANTHROPIC_API_KEY",
                    header: "x-api-key",
                    before: "",
                },
                Key {
                    variable: "ANTHROPIC_AUTH_TOKEN",
                    header: "authorization",
                    before: "Bearer ",
                },
            ],
            Self::OpenAi => &[Key {
                variable: "OPENAI_API_KEY",
                header: "authorization",
                before: "Bearer ",
            }],
        }
    }

    /// The variables that may hold its key.
    pub fn key_variables(self) -> impl Iterator<Item = &'static str> {
        self.keys().iter().map(|key| key.variable)
    }

    /// The variables that may hold its address.
    pub fn url_variables(self) -> impl Iterator<Item = &'static str> {
        self.urls().iter().copied()
    }

    /// Variables with a login of its own, which nobody needs who has the gateway.
    pub(super) const fn logins(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &["CLAUDE_CODE_OAUTH_TOKEN"],
            Self::OpenAi => &[],
        }
    }

    pub(super) const fn urls(self) -> &'static [&'static str] {
        match self {
            Self::Anthropic => &["ANTHROPIC_BASE_URL"],
            // The second one is what LiteLLM, and so aider, reads.
            Self::OpenAi => &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        }
    }

    /// Where it is below the gateway's address: clients add the rest, as they do with the provider's own.
    pub(super) const fn base(self) -> &'static str {
        match self {
            Self::Anthropic => "/anthropic",
            Self::OpenAi => "/openai/v1",
        }
    }

    /// The provider of a path of the gateway, and the path below its base.
    pub(super) fn of_path(path: &str) -> Option<(Self, &str)> {
        let below = |it: Self| Some((it, path.strip_prefix(it.base())?));
        let found = Self::ALL.into_iter().find_map(below);
        found.filter(|(_, below)| below.starts_with('/'))
    }

    /// What is asked by a path below the base; `None` for what is not forwarded.
    pub(super) fn endpoint(self, method: &Method, below: &str) -> Option<Endpoint> {
        let models = match self {
            Self::Anthropic => "/v1/models",
            Self::OpenAi => "/models",
        };
        if *method == Method::GET {
            let rest = below.strip_prefix(models)?;
            return (rest.is_empty() || rest.starts_with('/')).then_some(Endpoint::Free);
        }
        if *method != Method::POST {
            return None;
        }
        match (self, below) {
            (Self::Anthropic, "/v1/messages") => Some(Endpoint::Messages),
            (Self::Anthropic, "/v1/messages/count_tokens") => Some(Endpoint::Free),
            (Self::OpenAi, "/responses") => Some(Endpoint::Responses),
            (Self::OpenAi, "/chat/completions") => Some(Endpoint::Chat),
            _ => None,
        }
    }
}
