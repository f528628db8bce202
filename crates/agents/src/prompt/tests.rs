use super::{fence::fence, template::fill};

#[test]
fn values_are_not_expanded_again() {
    let values = [("a", "{{b}} }} {{".to_owned()), ("b", "secret".to_owned())];
    assert_eq!(fill("<{{a}}|{{b}}>", &values), "<{{b}} }} {{|secret>");
}

#[test]
fn braces_without_a_known_name_stay() {
    let values = [("a", "x".to_owned())];
    for text in ["{{", "}}", "{{unknown}} {{", "{ {a} }", "{{{a}}}"] {
        assert_eq!(fill(text, &values), text);
    }
    assert_eq!(fill("{{unknown {{a}}", &values), "{{unknown x");
}

/// Whatever the text says, the line that closes its fence is not in it.
#[test]
fn a_text_cannot_close_its_fence() {
    let innocent = fence("hello");
    let closing = innocent.lines().last().unwrap().to_owned();
    for text in ["hello", &closing, &innocent, "end data", "", "\n\n"] {
        let fenced = fence(text);
        let last = fenced.lines().last().unwrap();
        assert!(last.starts_with("end data "), "{last}");
        assert!(
            !text.contains(last),
            "the closing line occurs in the text itself"
        );
        assert_eq!(fenced.matches(last).count(), 1);
    }
    assert_eq!(fence("hello"), innocent, "the same text has the same fence");
    assert_ne!(fence("hello "), innocent);
}
