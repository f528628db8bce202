use std::time::Duration;

use super::{CallKind, Error};

/// What a host allows an account. All of it holds at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many calls in how long.
    pub quotas: Vec<Quota>,
    /// How many calls may be under way; the governor begins with fewer and feels its way up.
    pub max_in_flight: usize,
    /// How many of them may be mutations; it begins with one.
    pub max_mutations_in_flight: usize,
    /// The least time between the beginnings of two mutations.
    pub mutation_spacing: Duration,
    /// How long a refusal that names no time holds all calls, doubled with each further one in a row.
    pub pause: Duration,
    /// How long a caller waits before it gets an error with the time to ask again.
    pub max_wait: Duration,
}

/// A number of calls in any stretch of this length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Which calls are counted.
    pub of: Quotas,
    /// How many.
    pub calls: usize,
    /// In how long.
    pub per: Duration,
}

/// Which calls a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotas {
    /// All.
    Calls,
    /// Mutations alone.
    Mutations,
}

impl Quotas {
    pub(super) fn counts(self, kind: CallKind) -> bool {
        match self {
            Self::Calls => true,
            Self::Mutations => kind == CallKind::Mutation,
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// For a host that publishes none, such as a Gitea of one's own: ten calls at a time, one of them a
/// mutation, and no quota.
impl Default for Limits {
    fn default() -> Self {
        Self {
            quotas: Vec::new(),
            max_in_flight: 10,
            max_mutations_in_flight: 1,
            mutation_spacing: Duration::ZERO,
            pause: MINUTE,
            max_wait: 2 * MINUTE,
        }
    }
}

impl Limits {
    /// What GitHub publishes for a user's token: 5,000 calls an hour; 80 mutations a minute and 500
    /// an hour, one at a time and a second apart; 900 points a minute, of which a mutation costs 5
    /// and a read 1, so 500 calls beside 80 mutations; and 100 calls at a time, of which half are
    /// left to others of the account. What its answers say later counts too.
    #[must_use]
    pub fn github() -> Self {
        let quota = |of, calls, per| Quota { of, calls, per };
        Self {
            quotas: vec![
                quota(Quotas::Calls, 5000, HOUR),
                quota(Quotas::Calls, 500, MINUTE),
                quota(Quotas::Mutations, 80, MINUTE),
                quota(Quotas::Mutations, 500, HOUR),
            ],
            max_in_flight: 50,
            mutation_spacing: Duration::from_secs(1),
            ..Self::default()
        }
    }

    /// What GitLab sets by default for a user: 300 mutations a minute on the notes of an issue, the
    /// narrowest of its limits, for all mutations; 2,000 calls a minute on gitlab.com.
    #[must_use]
    pub fn gitlab() -> Self {
        Self {
            quotas: vec![
                Quota {
                    of: Quotas::Calls,
                    calls: 2000,
                    per: MINUTE,
                },
                Quota {
                    of: Quotas::Mutations,
                    calls: 300,
                    per: MINUTE,
                },
            ],
            ..Self::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let zeros = [
            ("max_in_flight", self.max_in_flight == 0),
            ("max_mutations_in_flight", self.max_mutations_in_flight == 0),
            ("pause", self.pause.is_zero()),
            ("max_wait", self.max_wait.is_zero()),
            (
                "calls of a quota",
                self.quotas.iter().any(|quota| quota.calls == 0),
            ),
            (
                "time of a quota",
                self.quotas.iter().any(|quota| quota.per.is_zero()),
            ),
        ];
        match zeros.into_iter().find(|(_, is_zero)| *is_zero) {
            Some((limit, _)) => Err(Error::ZeroLimit { limit }),
            None => Ok(()),
        }
    }
}
