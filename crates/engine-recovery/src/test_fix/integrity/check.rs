//! Judges a fix, file by file and as a whole.

use super::{
    compare::{Side, compare},
    config,
    items::{Extent, items},
    lexer::{Language, lex},
    paths::{self, Role},
    source::source_evasion,
    verdict::{ChangedFile, Content, Finding, FindingKind, Policy, Verdict},
};

/// More of a file is not judged: such a file of tests is refused, such a source passed.
pub(crate) const MAX_FILE_BYTES: usize = 1 << 20;

/// Judges a fix by what it changed. The result of the tests plays no part.
///
/// Tests, and new files beside them, may be added. Whatever tests were there
/// must be there afterwards, run under the same conditions, and say the same.
///
/// ```
/// use engine_recovery::test_fix::integrity::{ChangedFile, Policy, check};
///
/// let before = "#[test]\nfn adds() { assert_eq!(add(2, 2), 4); }\n";
/// let ignored = before.replace("#[test]", "#[test]\n#[ignore]");
/// let fix = [ChangedFile::text("tests/add.rs", Some(before), Some(&ignored))];
/// let verdict = check(&fix, &Policy::default());
/// assert!(!verdict.is_accepted());
/// assert_eq!(
///     verdict.findings[0].to_string(),
///     "tests/add.rs:3: test ignored: `adds` is not run as before: #[ignore]"
/// );
///
/// let more = format!("{before}#[test]\nfn adds_nothing() {{ assert_eq!(add(2, 0), 2); }}\n");
/// let fix = [ChangedFile::text("tests/add.rs", Some(before), Some(&more))];
/// assert!(check(&fix, &Policy::default()).is_accepted());
/// ```
#[must_use]
pub fn check(files: &[ChangedFile], policy: &Policy) -> Verdict {
    let mut findings = Vec::new();
    let mut sides = Vec::new();
    for file in files {
        judge(file, policy, &mut sides, &mut findings);
    }
    findings.extend(compare(&sides));
    findings.sort_by(|a, b| (&a.path, a.line, a.kind).cmp(&(&b.path, b.line, b.kind)));
    findings.dedup();
    Verdict { findings }
}

fn judge(file: &ChangedFile, policy: &Policy, sides: &mut Vec<Side>, findings: &mut Vec<Finding>) {
    let is_new = file.before.is_none();
    let role = paths::role(&file.path, policy, is_new);
    let mut say = |kind, message: String| {
        findings.push(Finding {
            kind,
            path: file.path.clone(),
            line: 0,
            message,
        });
    };
    let verb = match (&file.before, &file.after) {
        (None, _) => "added",
        (_, None) => "deleted",
        _ => "changed",
    };
    let (before, after) = (text(file.before.as_ref()), text(file.after.as_ref()));
    if file.changed_type && role != Role::Source {
        say(
            FindingKind::Evasion,
            "it became a link, or no longer is one".to_owned(),
        );
        return;
    }
    match role {
        Role::Protected => say(
            FindingKind::Protected,
            format!("a path that the configuration protects is {verb}"),
        ),
        Role::Ci => say(
            FindingKind::CiFile,
            format!("what runs elsewhere is {verb}"),
        ),
        Role::Shadow if file.after.is_some() => {
            say(
                FindingKind::Evasion,
                "it takes the place of a part of the test framework".to_owned(),
            );
        }
        Role::Shadow => {}
        Role::Expectation => {
            let same = before.is_some() && before == after && file.after != Some(Content::Opaque);
            if !same {
                say(
                    FindingKind::ExpectationChanged,
                    format!("what tests compare with is {verb}"),
                );
            }
        }
        Role::Config if paths::file_name(&file.path) == "conftest.py" => {
            side(
                file,
                Language::Python,
                Extent::Whole,
                false,
                sides,
                &mut say,
            );
        }
        Role::Config => {
            if file.before == Some(Content::Opaque) || file.after == Some(Content::Opaque) {
                say(FindingKind::TestCommand, "it cannot be read".to_owned());
                return;
            }
            for what in config::changes(&file.path, before, after, policy) {
                say(FindingKind::TestCommand, what);
            }
        }
        Role::Script => match script_language(file, before.or(after)) {
            Some(_) if file.after.is_none() => say(
                FindingKind::TestCommand,
                "what runs the tests is deleted".to_owned(),
            ),
            Some(language) => side(file, language, Extent::Whole, true, sides, &mut say),
            None if is_new => {}
            None if before.is_some() && before == after => {}
            None => say(
                FindingKind::TestCommand,
                format!("what runs the tests is {verb}"),
            ),
        },
        Role::TestCode => {
            if let Some(language) = Language::of(&file.path) {
                side(file, language, Extent::Whole, false, sides, &mut say);
            }
        }
        Role::Source => source(file, before, after, sides, findings),
    }
}

fn text(content: Option<&Content>) -> Option<&str> {
    match content {
        Some(Content::Text(text)) => Some(text),
        Some(Content::Opaque) | None => None,
    }
}

fn script_language(file: &ChangedFile, text: Option<&str>) -> Option<Language> {
    Language::of(&file.path).or_else(|| Language::of_script(text?))
}

fn side(
    file: &ChangedFile,
    language: Language,
    extent: Extent,
    is_script: bool,
    sides: &mut Vec<Side>,
    say: &mut impl FnMut(FindingKind, String),
) {
    if file.before == Some(Content::Opaque) || file.after == Some(Content::Opaque) {
        say(
            FindingKind::Weakened,
            "a file of tests cannot be read".to_owned(),
        );
        return;
    }
    let read = |content: Option<&Content>| match text(content) {
        Some(text) => items(text, language, extent_of(&file.path, language, extent)),
        None => Vec::new(),
    };
    sides.push(Side {
        path: file.path.clone(),
        language,
        before: read(file.before.as_ref()),
        after: read(file.after.as_ref()),
        is_new: file.before.is_none(),
        is_left: file.after.is_some(),
        is_script,
        is_whole: extent == Extent::Whole,
    });
}

/// go finds tests only in files of a certain name.
fn extent_of(path: &str, language: Language, extent: Extent) -> Extent {
    if language == Language::Go && !path.ends_with("_test.go") && !paths::is_test_side(path) {
        Extent::Embedded
    } else {
        extent
    }
}

fn source(
    file: &ChangedFile,
    before: Option<&str>,
    after: Option<&str>,
    sides: &mut Vec<Side>,
    findings: &mut Vec<Finding>,
) {
    let Some(language) = Language::of(&file.path) else {
        return;
    };
    let mut say = |kind, message: String| {
        findings.push(Finding {
            kind,
            path: file.path.clone(),
            line: 0,
            message,
        });
    };
    let has_tests = matches!(language, Language::Rust | Language::Python);
    let is_readable = file.before != Some(Content::Opaque) && file.after != Some(Content::Opaque);
    if has_tests && is_readable {
        side(file, language, Extent::Embedded, false, sides, &mut say);
    }
    if let Some(after) = after {
        let old = lex(before.unwrap_or(""), language);
        let new = lex(after, language);
        let found = source_evasion(&file.path, before.unwrap_or(""), &old, &new, language);
        if let Some((line, message)) = found {
            findings.push(Finding {
                kind: FindingKind::Evasion,
                path: file.path.clone(),
                line,
                message,
            });
        }
    }
}
