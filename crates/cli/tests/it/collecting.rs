//! `gc`.

use expect_test::expect;

use crate::place::Place;

/// Two ended runs of which one is kept, one that waits, and one whose removal was cut off.
#[test]
fn what_retention_does_not_keep() {
    let place = Place::new();
    let app = place.repository("app", None);
    place.file("config/automation.yaml", "retention: {keep_runs: 1}\n");
    let agent = "--agent 'sh:echo x > $AUTOMATION_TASK_ID' --repo app --title X";
    for (run, options, code) in [
        ("waits", "--approve plan", 3),
        ("old", "", 0),
        ("new", "", 0),
    ] {
        place
            .run(&format!("run {agent} --run-id {run} {options}"))
            .code(code);
    }
    place.file(".automation/runs/.gone-older/plan.yaml", "");
    let runs = || {
        let mut names: Vec<_> = std::fs::read_dir(place.path(".automation/runs"))
            .expect("there are runs")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.join(" ")
    };
    let mirror = testkit::git::Fixture::at(place.path(".automation/mirrors/app.git"));
    let references = |run: &str| mirror.git(&["for-each-ref", &format!("refs/automation/{run}/")]);
    assert_ne!(references("old"), "");

    let line = |arguments: &str| {
        let ran = place.run(arguments).code(0);
        // The sizes differ by the lengths of paths and times.
        let words = ran.stdout.split_whitespace().take(4);
        words.collect::<Vec<_>>().join(" ")
    };
    let before = place.everything();
    expect!["would remove old done"].assert_eq(&line("gc --dry-run"));
    assert_eq!(before, place.everything(), "a dry run changes nothing");
    assert!(line("gc").starts_with("removed old done "));
    assert_eq!(runs(), "new waits");
    assert_eq!(references("old"), "");
    assert_ne!(references("new"), "");
    assert_ne!(
        app.git(&["for-each-ref", "refs/heads/automation/old/"]),
        "",
        "branches of the user stay"
    );
    place.run("gc").is(&expect![[r#"
        exit 0
        removed 0 runs, 0 bytes
    "#]]);
    place.run("approve waits").code(0);
}
