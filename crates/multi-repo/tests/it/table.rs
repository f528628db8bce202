use multi_repo::{TableRow, change_set_table, with_table};

use crate::support::{id, name};

fn row(repository: &str, state: &str) -> TableRow {
    TableRow {
        repository: name(repository),
        pull_request: None,
        url: None,
        state: state.to_owned(),
    }
}

#[test]
fn a_table_is_replaced_in_place() {
    let id = id("run-1:change-set");
    let first = change_set_table(&id, &[row("a", "open")]);
    let later = change_set_table(&id, &[row("a", "merged"), row("b", "open")]);
    let of_another = change_set_table(&crate::support::id("run-2"), &[row("a", "open")]);
    for (before, after) in [
        ("", ""),
        ("Text.\n\n", ""),
        ("", "\nMore.\n"),
        ("A\r\n\n", "\n| x |\n"),
    ] {
        let body = format!("{before}{first}{after}");
        assert_eq!(
            with_table(&body, &id, &later),
            format!("{before}{later}{after}")
        );
    }
    assert_eq!(
        with_table("Text. \n", &id, &first),
        format!("Text.\n\n{first}")
    );
    assert_eq!(with_table(" \n", &id, &first), first);
    let both = with_table(&of_another, &id, &first);
    assert_eq!(
        both,
        format!("{of_another}\n{first}"),
        "another one's table stays"
    );
    assert_eq!(
        with_table(&both, &id, &later),
        format!("{of_another}\n{later}")
    );
    let half = format!("<!-- change-set {id} -->\nwithout an end");
    assert_eq!(with_table(&half, &id, &first), format!("{half}\n\n{first}"));
    let cut = first.trim_end();
    assert_eq!(
        with_table(cut, &id, &later),
        later,
        "a forge may cut the last line break"
    );
}

#[test]
fn what_stands_in_a_cell_stays_there() {
    let mut evil = row("a", "x | y\n| z --> <!-- ");
    evil.pull_request = Some(3);
    evil.url = Some("https://forge/a/3>|<b".to_owned());
    let table = change_set_table(&id("x"), &[evil]);
    assert_eq!(
        table,
        "<!-- change-set x -->\n| repository | pull request | state |\n|---|---|---|\n| a | [#3](<https://forge/a/3   b>) | x   y   z --   !--  |\n<!-- end of change-set x -->\n"
    );
}
