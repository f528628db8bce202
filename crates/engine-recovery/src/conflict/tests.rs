use core_types::{ConflictHunk, ConflictKind, ConflictTexts, ConflictedFile};

use super::{
    align::align,
    check::{Judge, findings},
    pieces::{contexts, put_together, resolved},
};

/// A file whose merged text is written with short markers: `<`, `|`, `=` and `>` alone on a line.
fn file(base: &str, ours: &str, theirs: &str, merged: &str) -> ConflictedFile {
    let mut hunks = Vec::new();
    let mut whole = String::new();
    let mut side = None;
    for (line, number) in merged.split_inclusive('\n').zip(1..) {
        let mark = line.trim_end();
        side = match mark {
            "<" => {
                hunks.push(ConflictHunk {
                    line: number,
                    base: String::new(),
                    ours: String::new(),
                    theirs: String::new(),
                });
                Some(0)
            }
            "|" => Some(1),
            "=" => Some(2),
            ">" => None,
            _ => {
                if let (Some(side), Some(hunk)) = (side, hunks.last_mut()) {
                    [&mut hunk.ours, &mut hunk.base, &mut hunk.theirs][side].push_str(line);
                }
                whole.push_str(line);
                continue;
            }
        };
        whole += &format!("{} x\n", mark.repeat(7));
    }
    ConflictedFile {
        path: "f".to_owned(),
        kind: ConflictKind::Content,
        hunks,
        detail: String::new(),
        texts: Some(Box::new(ConflictTexts {
            merged: whole,
            base: base.to_owned(),
            ours: ours.to_owned(),
            theirs: theirs.to_owned(),
            is_exact: true,
        })),
    }
}

/// Ours changes `b`, theirs too; ours adds `first` above and theirs `last` below,
/// and ours removes `gone`.
fn both_changed() -> ConflictedFile {
    file(
        "a\nb\nc\ngone\nd\n",
        "first\na\nb ours\nc\nd\n",
        "a\nb theirs\nc\ngone\nd\nlast\n",
        "first\na\n<\nb ours\n|\nb\n=\nb theirs\n>\nc\nd\nlast\n",
    )
}

fn check(file: &ConflictedFile, text: &str, expected: &[&str]) {
    assert_eq!(found(file, text, Judge::Tests), expected, "{text}");
}

fn found(file: &ConflictedFile, text: &str, judge: Judge) -> Vec<String> {
    findings(&[(file, Some(text))], judge)
}

#[test]
fn a_decision_and_all_else_is_accepted() {
    let file = both_changed();
    for text in [
        "first\na\nb both\nc\nd\nlast\n",
        "first\na\nb ours\nb theirs\nc\nd\nlast\n",
        "first\na\nb theirs\nc\nd\nlast\n",
        // Lines may be added, indented and moved.
        "first\na\nb both\nnew\nc\n  d\nlast\n",
        "first\nb both\na\nc\nd\nlast\n",
        // A line may follow what was decided.
        "first of both\na\nb both\nc\nd\nlast\n",
    ] {
        check(&file, text, &[]);
    }
}

#[test]
fn what_merged_cleanly_stays() {
    let file = both_changed();
    check(
        &file,
        "a\nb ours\nb theirs\nc\nd\nlast\n",
        &["\"f\": lines outside of the conflicts are gone: \"first\""],
    );
    check(
        &file,
        "first\na\nb ours\nb theirs\nc\nd\n",
        &["\"f\": lines outside of the conflicts are gone: \"last\""],
    );
    check(
        &file,
        "first\na\nb both\nc\ngone\nd\nlast\n",
        &["\"f\": lines are back that one side had removed: \"gone\""],
    );
    // A whole side as it was is no merge.
    let theirs = "a\nb theirs\nc\ngone\nd\nlast\n";
    assert_eq!(found(&file, theirs, Judge::Tests).len(), 2);
    // Beside the hunk, what stands for the hunk does not stand for the line.
    check(
        &file,
        "first\nb ours\nb theirs\nc\nd\nlast\n",
        &["\"f\": lines outside of the conflicts are gone: \"a\""],
    );
}

#[test]
fn a_line_that_was_moved_may_be_changed_where_it_is_now() {
    let file = file(
        "f1\nx\nf2\n",
        "f2\nf1\nx\n",
        "f1 new\nx\nf2\n",
        "<\n|\nf1\nx\n=\nf1 new\nx\n>\nf2\nf1\nx\n",
    );
    check(&file, "f2\nf1 new\nx\n", &[]);
    check(&file, "f1 new\nx\nf2\nf1\nx\n", &[]);
}

#[test]
fn markers_and_what_is_left_of_them_are_found() {
    let file = both_changed();
    for line in [
        "<<<<<<< x",
        ">>>>>>> x",
        "||||||| 123",
        "=======",
        "  =======  ",
        "<<<<<<<",
        "// >>>>>>> theirs",
        "# <<<<<<< ours",
        "# =======",
        "<!-- >>>>>>> x",
        "===============",
        ">>>>>>>>>>>>>>> x",
    ] {
        let text = format!("first\na\nb both\n{line}\nc\nd\nlast\n");
        let said = found(&file, &text, Judge::Tests);
        assert_eq!(said.len(), 1, "{line}: {said:?}");
        assert!(said[0].ends_with("conflict markers, at line 4"), "{said:?}");
    }
    for line in ["======", "a ======= b", "<<<<<<", "== = ="] {
        check(
            &file,
            &format!("first\na\nb both\n{line}\nc\nd\nlast\n"),
            &[],
        );
    }
    // What looks like one on a side is none.
    let heading = self::file(
        "T\n",
        "T\n=======\nours\n",
        "T\ntheirs\n",
        "T\n<\n=======\nours\n|\n=\ntheirs\n>\n",
    );
    // The short notation above has read its heading as a marker.
    let heading = ConflictedFile {
        hunks: vec![ConflictHunk {
            line: 2,
            base: String::new(),
            ours: "=======\nours\n".to_owned(),
            theirs: "theirs\n".to_owned(),
        }],
        ..heading
    };
    check(&heading, "T\n=======\nours\ntheirs\n", &[]);
}

#[test]
fn additions_of_both_sides_stay() {
    let file = file(
        "a\n",
        "a\none\ntwo\n",
        "a\nthree\n",
        "a\n<\none\ntwo\n|\n=\nthree\n>\n",
    );
    for text in [
        "a\none\ntwo\nthree\n",
        "three\na\ntwo\none\n",
        "a\none and two and three\n",
        "a\none\nthree\n",
    ] {
        check(&file, text, &[]);
    }
    check(
        &file,
        "a\none\ntwo\n",
        &[
            "\"f\", the hunk at line 2: nothing of their side is left, where both only added; keep the work of both sides",
        ],
    );
    check(
        &file,
        "a\nthree\n",
        &[
            "\"f\", the hunk at line 2: nothing of our side is left, where both only added; keep the work of both sides",
        ],
    );
    assert_eq!(found(&file, "a\n", Judge::Tests).len(), 2);
    // Of two bodies of one function only one can stand.
    let variants = self::file(
        "a\n",
        "a\ndef f():\n  return 1\n",
        "a\ndef f():\n  return sum()\n",
        "a\n<\ndef f():\n  return 1\n|\n=\ndef f():\n  return sum()\n>\n",
    );
    check(&variants, "a\ndef f():\n  return sum()\n", &[]);
    // Of two values of one setting only one can stand.
    let setting = self::file(
        "a\n",
        "a\nsize = 2\n",
        "a\nsize = 3\n",
        "a\n<\nsize = 2\n|\n=\nsize = 3\n>\n",
    );
    check(&setting, "a\nsize = 3\n", &[]);
}

#[test]
fn one_of_two_changes_may_give_way_if_tests_judge_it_and_not_everywhere() {
    let one = both_changed();
    let ours = "first\na\nb ours\nc\nd\nlast\n";
    check(&one, ours, &[]);
    let said = found(&one, ours, Judge::Nobody);
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("no test can say that it is not needed"));
    let two = file(
        "a\nb\nc\n",
        "a1\nb\nc1\n",
        "a2\nb\nc2\n",
        "<\na1\n|\na\n=\na2\n>\nb\n<\nc1\n|\nc\n=\nc2\n>\n",
    );
    check(&two, "a1\nb\nc2\n", &[]);
    let said = found(&two, "a1\nb\nc1\n", Judge::Tests);
    assert_eq!(said.len(), 2);
    assert!(
        said[1]
            .contains("the hunk at line 9: nothing of their side is left, as in every other hunk"),
        "{said:?}"
    );
}

#[test]
fn line_ends_stay() {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let file = both_changed();
    let texts = file.texts.clone().unwrap();
    let windows = ConflictedFile {
        hunks: file
            .hunks
            .iter()
            .map(|hunk| ConflictHunk {
                line: hunk.line,
                base: crlf(&hunk.base),
                ours: crlf(&hunk.ours),
                theirs: crlf(&hunk.theirs),
            })
            .collect(),
        texts: Some(Box::new(ConflictTexts {
            merged: crlf(&texts.merged),
            base: crlf(&texts.base),
            ours: crlf(&texts.ours),
            theirs: crlf(&texts.theirs),
            is_exact: true,
        })),
        ..file.clone()
    };
    let good = "first\na\nb both\nc\nd\nlast\n";
    check(&windows, &crlf(good), &[]);
    let said = ["\"f\": all lines end in CRLF on both sides, and no longer do"];
    check(&windows, good, &said);
    check(&windows, &crlf(good).replacen("\r\n", "\n", 1), &said);
    check(
        &file,
        &crlf(good),
        &["\"f\": all lines end in LF on both sides, and no longer do"],
    );
}

#[test]
fn a_file_that_is_gone_or_written_anew_is_refused() {
    let file = both_changed();
    assert_eq!(
        findings(&[(&file, None)], Judge::Tests),
        ["\"f\" is gone, or is no file any more"]
    );
    let long: String = (0..3_000).map(|n| format!("line {n}\n")).collect();
    let other: String = (0..3_000).map(|n| format!("other {n}\n")).collect();
    let file = self::file("b\n", "o\n", "t\n", &format!("<\no\n|\nb\n=\nt\n>\n{long}"));
    check(
        &file,
        &other,
        &["\"f\" was written anew outside of its conflicts"],
    );
    check(&file, &format!("o\nt\n{long}"), &[]);
}

#[test]
fn hunks_are_found_again_where_there_is_one_way() {
    let file = file("", "", "", "a\n<\no\n|\n=\nt\n>\nb\n<\n|\nx\n=\ny\n>\nc");
    let contexts = contexts(&file).unwrap();
    assert_eq!(contexts, ["a\n", "b\n", "c"]);
    let check = |text: &str, expected: Option<&[&str]>| {
        assert_eq!(resolved(&contexts, text).as_deref(), expected, "{text}");
        if let Some(texts) = expected {
            let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
            assert_eq!(put_together(&contexts, &texts), text, "and the way back");
        }
    };
    check("a\no\nt\nb\ny\nc", Some(&["o\nt\n", "y\n"]));
    check("a\nb\nc", Some(&["", ""]));
    check("a\nb\nb\nc", None);
    check("a\no\ny\nc", None);
    check("a\nxb\nc", None);
    check("a\nb\nyc", None);
    check("A\nb\nc", None);
    // A text that ends no line does not swallow the next one.
    let texts = ["o".to_owned(), "y".to_owned()];
    assert_eq!(put_together(&contexts, &texts), "a\no\nb\ny\nc");
}

#[test]
fn blank_lines_between_hunks_are_no_second_way() {
    let file = file("", "", "", "<\n1\n|\n=\n2\n>\n\n\n<\n3\n|\n=\n4\n>\n");
    let contexts = contexts(&file).unwrap();
    assert_eq!(
        resolved(&contexts, "12\n\n\n34\n"),
        Some(vec!["12\n", "34\n"])
    );
}

#[test]
fn places_that_do_not_fit_the_file_are_none() {
    let mut file = both_changed();
    file.hunks[0].line = 90;
    assert_eq!(contexts(&file), None);
    file.hunks[0].line = 0;
    assert_eq!(contexts(&file), None);
    file.texts = None;
    assert_eq!(contexts(&file), None);
}

#[test]
fn alignment_is_the_longest_there_is() {
    let check = |from: &str, to: &str, expected: usize| {
        let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let (from, to) = (lines(from), lines(to));
        let views: [Vec<&str>; 2] = [&from, &to].map(|it| it.iter().map(String::as_str).collect());
        let pairs = align(&views[0], &views[1]).unwrap();
        assert_eq!(pairs.len(), expected, "{from:?} {to:?}: {pairs:?}");
        assert!(
            pairs
                .windows(2)
                .all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1)
        );
        assert!(pairs.iter().all(|(a, b)| from[*a] == to[*b]));
    };
    check("", "", 0);
    check("abc", "", 0);
    check("", "abc", 0);
    check("abc", "abc", 3);
    check("abcabba", "cbabac", 4);
    check("abcdef", "fedcba", 1);
    check("xaxbxc", "abc", 3);
    check("abc", "xaxbxc", 3);
    check("aaaa", "aa", 2);
}

/// Against the table that everybody knows, on texts of a small alphabet.
#[test]
fn alignment_agrees_with_the_plain_table() {
    let mut state = 42_u64;
    let mut draw = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..500 {
        let mut text = || -> Vec<&str> {
            let n = draw(14);
            (0..n)
                .map(|_| ["a", "b", "c"][usize::try_from(draw(3)).unwrap()])
                .collect()
        };
        let (from, to) = (text(), text());
        let mut table = vec![vec![0; to.len() + 1]; from.len() + 1];
        for i in 0..from.len() {
            for j in 0..to.len() {
                table[i + 1][j + 1] = if from[i] == to[j] {
                    table[i][j] + 1
                } else {
                    table[i][j + 1].max(table[i + 1][j])
                };
            }
        }
        let pairs = align(&from, &to).unwrap();
        assert_eq!(pairs.len(), table[from.len()][to.len()], "{from:?} {to:?}");
        assert!(
            pairs
                .windows(2)
                .all(|two| two[0].0 < two[1].0 && two[0].1 < two[1].1)
        );
        assert!(pairs.iter().all(|(a, b)| from[*a] == to[*b]));
    }
}
