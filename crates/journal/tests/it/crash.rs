//! A process that is killed at each of its appends.

use std::{os::unix::process::ExitStatusExt, path::PathBuf};

use journal::{
    Error, Options, SharedJournal,
    faults::{Faults, Moment},
};

use crate::common::{NOTE, Texts, open, read};

const CHILD_DIR: &str = "JOURNAL_TEST_CHILD_DIR";
const CHILD_FAULT: &str = "JOURNAL_TEST_CHILD_FAULT";

/// Appends durably and buffered to a run's journal, and in between to a shared one; goes on where
/// an earlier process was killed.
fn program(dir: &std::path::Path, faults: &Faults) -> Result<(), Error> {
    let options = Options {
        faults: Some(faults.clone()),
        ..Options::default()
    };
    let (journal, done) = open(&dir.join("run"), options.clone())?;
    let ledger = SharedJournal::open(&dir.join("ledger"), options, Texts::default())?;
    for step in done.len()..6 {
        let text = step.to_string();
        ledger.batch(|texts, batch| match texts.0.contains(&text) {
            true => Ok(0),
            false => batch.append(NOTE, text.clone().into()),
        })?;
        if step % 3 == 1 {
            journal.append_buffered(NOTE, text.into())?;
        } else {
            journal.append_blocking(NOTE, text.into())?;
        }
    }
    Ok(())
}

#[test]
fn a_program_killed_at_each_append_goes_on_where_it_was() {
    if let Ok(dir) = std::env::var(CHILD_DIR) {
        let fault = std::env::var(CHILD_FAULT).unwrap();
        let (append, moment) = fault.split_once(' ').unwrap();
        let moment = if moment == "Before" {
            Moment::Before
        } else {
            Moment::After
        };
        program(
            &PathBuf::from(dir),
            &Faults::crash_at(append.parse().unwrap(), moment),
        )
        .unwrap();
        return;
    }
    for moment in [Moment::Before, Moment::After] {
        let mut kills = 0_u64;
        loop {
            let folder = tempfile::tempdir().unwrap();
            let append = kills + 1;
            #[expect(
                clippy::disallowed_methods,
                reason = "crate process is on the same layer; this child is ourselves"
            )]
            let status = std::process::Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "crash::a_program_killed_at_each_append_goes_on_where_it_was",
                ])
                .env(CHILD_DIR, folder.path())
                .env(CHILD_FAULT, format!("{append} {moment:?}"))
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap();
            let count = |name: &str| {
                read(&folder.path().join(name), &Options::default())
                    .unwrap()
                    .len() as u64
            };
            let (run, ledger) = (count("run"), count("ledger"));
            if status.success() {
                break;
            }
            assert_eq!(status.signal(), Some(9), "{status}");
            kills += 1;
            // The ledger's appends are the odd ones, the run's the even ones.
            let (found, ordinal) = if append % 2 == 1 {
                (ledger, append.div_ceil(2))
            } else {
                (run, append / 2)
            };
            match moment {
                Moment::Before => assert!(found < ordinal, "nothing of record {append} is written"),
                Moment::After => assert!(found >= ordinal, "record {append} is on disk"),
            }
            let counting = Faults::counting();
            program(folder.path(), &counting).unwrap();
            let expected = ["0", "1", "2", "3", "4", "5"];
            for name in ["run", "ledger"] {
                assert_eq!(
                    read(&folder.path().join(name), &Options::default()).unwrap(),
                    expected,
                    "{moment:?} {append}"
                );
            }
            assert_eq!(counting.appends(), 12 - run - ledger);
        }
        assert_eq!(
            kills, 12,
            "each append was a place to be killed at, {moment:?}"
        );
    }
}
