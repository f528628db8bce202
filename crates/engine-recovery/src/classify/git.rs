//! git's exit codes, its porcelain, and the messages it has kept for years, by operation.

use core_types::ErrorClass;
use serde::{Deserialize, Serialize};

use super::Classified;

/// What git was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GitOperation {
    /// Bringing objects and references from elsewhere: fetch, clone, ls-remote.
    Fetch,
    /// Sending them, with `--porcelain`.
    Push,
    /// Merging, rebasing or applying in a working tree.
    Merge,
    /// `merge-tree --write-tree`.
    MergeTree,
    /// Moving references.
    UpdateRef,
    /// Anything else that only concerns this machine.
    Local,
}

/// Where a rule holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Where {
    Any,
    /// Fetch and push.
    Remote,
    Push,
    Merge,
    UpdateRef,
}

impl Where {
    fn holds(self, operation: GitOperation) -> bool {
        use GitOperation as O;
        match self {
            Self::Any => true,
            Self::Remote => matches!(operation, O::Fetch | O::Push),
            Self::Push => operation == O::Push,
            Self::Merge => matches!(operation, O::Merge | O::MergeTree),
            Self::UpdateRef => matches!(operation, O::UpdateRef | O::Push | O::Fetch),
        }
    }
}

/// Part of a line, where it counts, and what it says; the first that fits is taken.
const RULES: &[(&str, Where, ErrorClass)] = {
    use ErrorClass as C;
    use Where as W;
    &[
        ("No space left on device", W::Any, C::ResourceExhausted),
        ("Read-only file system", W::Any, C::ResourceExhausted),
        ("Disk quota exceeded", W::Any, C::ResourceExhausted),
        ("Out of memory", W::Any, C::ResourceExhausted),
        ("Too many open files", W::Any, C::ResourceExhausted),
        ("[rejected] (non-fast-forward)", W::Push, C::Conflict),
        ("[rejected] (fetch first)", W::Push, C::Conflict),
        ("[rejected] (stale info)", W::Push, C::Conflict),
        ("[rejected] (already exists)", W::Push, C::Conflict),
        ("(atomic push failed)", W::Push, C::Conflict),
        ("protected branch hook declined", W::Push, C::Unauthorized),
        ("(pre-receive hook declined)", W::Push, C::Validation),
        ("(hook declined)", W::Push, C::Validation),
        ("(shallow update not allowed)", W::Push, C::Validation),
        ("but expected", W::UpdateRef, C::Conflict),
        ("reference already exists", W::UpdateRef, C::Conflict),
        (".lock': File exists", W::Any, C::Transient),
        ("Authentication failed", W::Remote, C::Unauthorized),
        ("could not read Username", W::Remote, C::Unauthorized),
        ("could not read Password", W::Remote, C::Unauthorized),
        ("Permission denied (", W::Remote, C::Unauthorized),
        ("Host key verification failed", W::Remote, C::Unauthorized),
        ("returned error: 401", W::Remote, C::Unauthorized),
        ("returned error: 403", W::Remote, C::Unauthorized),
        ("certificate problem", W::Remote, C::Unauthorized),
        ("returned error: 404", W::Remote, C::NotFound),
        ("Repository not found", W::Remote, C::NotFound),
        (
            "does not appear to be a git repository",
            W::Remote,
            C::NotFound,
        ),
        ("couldn't find remote ref", W::Remote, C::NotFound),
        (
            "returned error: 429",
            W::Remote,
            C::RateLimited { until: None },
        ),
        ("Could not resolve host", W::Remote, C::Transient),
        (
            "Temporary failure in name resolution",
            W::Remote,
            C::Transient,
        ),
        ("Connection refused", W::Remote, C::Transient),
        ("No route to host", W::Remote, C::Transient),
        ("Network is unreachable", W::Remote, C::Transient),
        // From here on the other side may have taken a push: see `LOST`.
        ("Connection timed out", W::Remote, C::Transient),
        ("Operation timed out", W::Remote, C::Transient),
        ("Connection reset", W::Remote, C::Transient),
        ("hung up unexpectedly", W::Remote, C::Transient),
        ("early EOF", W::Remote, C::Transient),
        ("unexpected disconnect", W::Remote, C::Transient),
        ("RPC failed", W::Remote, C::Transient),
        ("returned error: 408", W::Remote, C::Transient),
        ("returned error: 5", W::Remote, C::Transient),
        ("CONFLICT (", W::Merge, C::Conflict),
        ("Automatic merge failed", W::Merge, C::Conflict),
        ("patch does not apply", W::Merge, C::Conflict),
        ("would be overwritten by", W::Merge, C::Conflict),
        ("you have unmerged files", W::Merge, C::Conflict),
        (
            "refusing to merge unrelated histories",
            W::Merge,
            C::Validation,
        ),
        ("not something we can merge", W::Merge, C::NotFound),
        ("unknown revision", W::Any, C::NotFound),
        ("bad revision", W::Any, C::NotFound),
        ("ot a valid object name", W::Any, C::NotFound),
        ("did not match any file", W::Any, C::NotFound),
        ("ot a git repository", W::Any, C::NotFound),
        ("empty ident name", W::Any, C::Validation),
        ("unable to auto-detect email address", W::Any, C::Validation),
        ("detected dubious ownership", W::Any, C::Validation),
        ("bad config", W::Any, C::Validation),
        ("not a valid branch name", W::Any, C::Validation),
        ("unknown option", W::Any, C::Validation),
        ("Permission denied", W::Any, C::Unauthorized),
    ]
};

/// With these a push may have arrived.
const LOST: &[&str] = &[
    "timed out",
    "Connection reset",
    "hung up unexpectedly",
    "early EOF",
    "unexpected disconnect",
    "RPC failed",
    "returned error: 408",
    "returned error: 5",
];

pub(super) fn classify(operation: GitOperation, code: i32, output: &str) -> Classified {
    if operation == GitOperation::MergeTree && code == 1 {
        return Classified::sure(ErrorClass::Conflict);
    }
    let lines = || output.lines().map(str::trim).filter(|line| speaks(line));
    for (part, place, class) in RULES {
        if !place.holds(operation) || !lines().any(|line| line.contains(part)) {
            continue;
        }
        let is_lost = operation == GitOperation::Push && LOST.iter().any(|it| part.contains(it));
        let class = if is_lost {
            ErrorClass::UnknownOutcome
        } else {
            *class
        };
        return Classified::sure(class);
    }
    Classified::sure(ErrorClass::Internal)
}

/// Whether git, or what carries it, says this itself. Other lines quote files, commits and
/// what hooks print.
fn speaks(line: &str) -> bool {
    const VOICES: &[&str] = &[
        "fatal:",
        "error:",
        "!",
        "CONFLICT (",
        "Automatic merge failed",
        "remote: error:",
        "remote: Repository not found",
        "ERROR:",
        "ssh:",
        "git@",
        "Host key verification failed",
        "Connection closed by",
    ];
    VOICES.iter().any(|voice| line.starts_with(voice))
}
