//! Paths within a repository, and patterns of them.

/// Whether a path within a repository is one of a pattern: a file, a folder (ending in `/` or not) with all
/// below it, or a text with `*` for any characters.
///
/// ```
/// use core_types::matches_path;
///
/// assert!(matches_path("ci/", "ci/build.yml") && matches_path("ci", "ci/build.yml"));
/// assert!(matches_path("*.lock", "web/yarn.lock") && !matches_path("*.lock", "lock.txt"));
/// ```
#[must_use]
pub fn matches_path(pattern: &str, path: &str) -> bool {
    let pattern = pattern.trim_start_matches("./");
    if let Some(folder) = pattern.strip_suffix('/')
        && !folder.contains('*')
    {
        return path.starts_with(folder) && path[folder.len()..].starts_with('/');
    }
    if !pattern.contains('*') {
        return path == pattern
            || path
                .strip_prefix(pattern)
                .is_some_and(|rest| rest.starts_with('/'));
    }
    let mut parts = pattern.split('*').peekable();
    let mut rest = path;
    if let Some(first) = parts.next() {
        let Some(after) = rest.strip_prefix(first) else {
            return false;
        };
        rest = after;
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return part.is_empty()
                || rest.ends_with(part)
                || (part.ends_with('/') && rest.contains(part));
        }
        match rest.find(part) {
            Some(found) => rest = &rest[found + part.len()..],
            None => return false,
        }
    }
    rest.is_empty()
}
