//! The words that the factors look for. A word is meant as a whole; with a `*` it is the beginning of
//! one. So "author" is not "auth", and "breakfast" is not "fast".

use std::collections::BTreeSet;

pub(super) const DIFFICULT: &[&str] = &[
    "algorithm*",
    "api",
    "architect*",
    "backend",
    "cluster*",
    "concurren*",
    "consensus",
    "consisten*",
    "design*",
    "distribut*",
    "framework",
    "infrastructure",
    "integrat*",
    "investigat*",
    "migrat*",
    "pipeline*",
    "protocol*",
    "prototype",
    "raft",
    "redesign*",
    "refactor*",
    "replicat*",
    "research",
    "rewrit*",
    "scal*",
    "schema",
    "spike",
    "synchroni*",
    "transaction*",
    "workflow",
];

pub(super) const SIMPLE: &[&str] = &[
    "bump",
    "changelog",
    "color",
    "colour",
    "comment*",
    "copyright",
    "docs",
    "doc",
    "documentation",
    "fix",
    "icon",
    "label",
    "link",
    "readme",
    "remove",
    "rename*",
    "renaming",
    "spelling",
    "text",
    "tooltip",
    "typo*",
    "update",
    "wording",
];

pub(super) const REQUESTS: &[&str] = &[
    "add",
    "all",
    "allow",
    "also",
    "and",
    "both",
    "but",
    "creat*",
    "each",
    "every",
    "implement*",
    "multiple",
    "or",
    "several",
    "should",
    "support",
];

pub(super) const SECURITY: &[&str] = &[
    "auth",
    "authentic*",
    "authoris*",
    "authoriz*",
    "certificate*",
    "credential*",
    "csrf",
    "encrypt*",
    "exploit*",
    "injection",
    "oauth*",
    "password*",
    "permission*",
    "privilege*",
    "sanitis*",
    "sanitiz*",
    "secur*",
    "ssl",
    "tls",
    "vulnerab*",
    "xss",
];

pub(super) const PERFORMANCE: &[&str] = &[
    "async*",
    "benchmark*",
    "bottleneck*",
    "cache",
    "cached",
    "caches",
    "caching",
    "deadlock*",
    "fast",
    "faster",
    "latency",
    "memory",
    "optimis*",
    "optimiz*",
    "performance",
    "performant",
    "profil*",
    "race",
    "slow*",
    "thread*",
    "throughput",
];

fn is_meant(word: &str, pattern: &str) -> bool {
    // A hundred patterns are tried on each word, and hardly one begins like it.
    if word.as_bytes().first() != pattern.as_bytes().first() {
        return false;
    }
    match pattern.strip_suffix('*') {
        Some(beginning) => word.starts_with(beginning),
        None => word == pattern,
    }
}

/// The words of a text that a list means, each once, sorted.
pub(super) fn found(words: &[String], list: &[&str]) -> Vec<String> {
    let meant = words
        .iter()
        .filter(|word| list.iter().any(|pattern| is_meant(word, pattern)));
    let distinct: BTreeSet<&String> = meant.collect();
    distinct.into_iter().cloned().collect()
}

/// How many words of a text a list means, each as often as it stands there.
pub(super) fn count(words: &[String], list: &[&str]) -> usize {
    let meant = |word: &&String| list.iter().any(|pattern| is_meant(word, pattern));
    words.iter().filter(meant).count()
}
