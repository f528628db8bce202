use core_types::ErrorClass;
use journal::{Kind, SharedJournal};
use learning::{Error, FeedbackLoop};

use crate::support::{execution, open};

#[derive(Debug, Default)]
struct Nothing;

impl journal::Fold for Nothing {
    fn apply(&mut self, _: &journal::Record) -> Result<(), journal::FoldError> {
        Ok(())
    }
}

fn append(folder: &std::path::Path, kind: u16, payload: &[u8]) {
    let options = journal::Options::default();
    let journal = SharedJournal::open(&folder.join("g1"), options, Nothing).expect("a journal");
    let appended = journal.batch(|_, batch| batch.append(Kind(kind), payload.to_vec()));
    appended.expect("appended");
}

#[tokio::test]
async fn rows_that_are_broken_or_made_up_are_passed_over_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    feedback
        .record_execution(execution("r1", "t", true))
        .await
        .expect("recorded");
    append(folder.path(), 1, b"not JSON");
    append(folder.path(), 1, br#"{"v":1,"run":"../../etc","task":"t"}"#);
    // A second record of the same attempt.
    let path = folder.path().join("g1");
    let mut reader = journal::Reader::open(&path, &journal::Options::default());
    let first = reader.read_new().expect("records").remove(0);
    append(folder.path(), 1, &first.payload);
    // An outcome of nothing, a draw of an unknown lesson, a change of one.
    append(
        folder.path(),
        2,
        br#"{"v":1,"at":0,"run":"x","task":"t","attempt":1,"change":{}}"#,
    );
    let exposure = r#"{"lesson":"L1","shown":true,"propensity":0.5}"#;
    let draw = format!(
        r#"{{"v":1,"at":0,"run":"x","task":"t","draw":{{"arm":"trial","exposures":[{exposure}]}}}}"#
    );
    append(folder.path(), 3, draw.as_bytes());
    let change = br#"{"v":1,"at":0,"lesson":"L9","change":{"type":"approved","by":"x"}}"#;
    append(folder.path(), 5, change);
    // A kind of a later version is none of ours.
    append(folder.path(), 99, b"{}");
    let stats = feedback.get_learning_stats().await.expect("statistics");
    assert_eq!((stats.total_executions, stats.skipped_records), (1, 6));
    let reopened = FeedbackLoop::open(folder.path()).expect("open again");
    assert_eq!(reopened.get_learning_stats().await.ok(), Some(stats));
}

#[tokio::test]
async fn a_newer_record_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    feedback
        .record_execution(execution("r1", "t", true))
        .await
        .expect("recorded");
    append(folder.path(), 1, br#"{"v":2,"new":"form"}"#);
    let refused = FeedbackLoop::open(folder.path()).map(drop);
    let error = refused.expect_err("it is newer");
    assert!(
        matches!(
            error,
            Error::NewerRecord {
                seq: 2,
                found: 2,
                supported: 1
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.class(), ErrorClass::Validation);
    let read = feedback.get_learning_stats().await;
    assert!(matches!(read, Err(Error::NewerRecord { .. })), "{read:?}");
    let written = feedback.record_execution(execution("r2", "t", true)).await;
    assert!(
        matches!(written, Err(Error::NewerRecord { .. })),
        "{written:?}"
    );
}

#[tokio::test]
async fn a_journal_that_goes_on_nowhere_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    feedback
        .record_execution(execution("r1", "t", true))
        .await
        .expect("recorded");
    for next in [1, 2] {
        append(
            folder.path(),
            10,
            format!(r#"{{"v":1,"at":0,"next":{next}}}"#).as_bytes(),
        );
        let error = FeedbackLoop::open(folder.path())
            .map(drop)
            .expect_err("it is missing");
        assert!(matches!(error, Error::MissingSuccessor { .. }), "{error:?}");
        let read = feedback.get_learning_stats().await;
        assert!(
            matches!(read, Err(Error::MissingSuccessor { .. })),
            "{read:?}"
        );
    }
}

#[tokio::test]
async fn a_journal_of_a_newer_format_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    feedback
        .record_execution(execution("r1", "t", true))
        .await
        .expect("recorded");
    let segment = folder.path().join("g1/00000001-000000000001.journal");
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[8] = 9;
    let checksum = crc32fast::hash(&bytes[..28]).to_le_bytes();
    bytes[28..32].copy_from_slice(&checksum);
    journal::atomic_write(&segment, &bytes).expect("written");
    let error = FeedbackLoop::open(folder.path())
        .map(drop)
        .expect_err("it is newer");
    assert_eq!(error.class(), ErrorClass::Validation, "{error:?}");
    let Error::Journal(source @ journal::Error::NewerFormat { .. }) = &error else {
        panic!("{error:?}");
    };
    assert!(
        source.to_string().contains("00000001-000000000001.journal"),
        "{source}"
    );
    let intact = std::fs::read(&segment).expect("a segment");
    assert_eq!(intact, bytes, "nothing is lost");
}

#[tokio::test]
async fn the_cache_saves_time_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    let executions = (0..5_000).map(|i| {
        let execution = execution("r", &format!("t{i}"), i % 2 == 0);
        execution.prompt(format!("number {i}"))
    });
    feedback
        .record_executions(executions.collect())
        .await
        .expect("recorded");
    let cache = folder.path().join("g1.cache");
    let bytes = std::fs::read(&cache).expect("a cache was written");
    let expected = feedback.get_learning_stats().await.expect("statistics");
    let look = async |what: &str| {
        let (opened, _) = open(folder.path());
        assert_eq!(
            opened.get_learning_stats().await.ok().as_ref(),
            Some(&expected),
            "{what}"
        );
        let found = opened.similar("4321", 1).await.expect("a search");
        assert_eq!(found[0].task.as_str(), "t4321", "{what}");
    };
    look("with the cache").await;
    let mut damaged = bytes.clone();
    damaged[100] ^= 1;
    journal::atomic_write(&cache, &damaged).expect("written");
    look("with a damaged cache").await;
    std::fs::remove_file(&cache).expect("removed");
    look("without a cache").await;
    // A cache of another journal: it is noticed by the record that it ends with.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (other, _) = open(elsewhere.path());
    let others = (0..5_000).map(|i| execution("other", &format!("t{i}"), true));
    other
        .record_executions(others.collect())
        .await
        .expect("recorded");
    std::fs::copy(elsewhere.path().join("g1.cache"), &cache).expect("copied");
    look("with another's cache").await;
}

/// What others append behind the cache is read; what a crash took from under it is not believed.
#[tokio::test]
async fn the_cache_is_where_the_journal_goes_on_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let (feedback, _) = open(folder.path());
    let executions = |run: &'static str, n: usize| {
        let executions = (0..n).map(|i| execution(run, &format!("t{i}"), true));
        executions.collect::<Vec<_>>()
    };
    let total = async |feedback: &FeedbackLoop| {
        let stats = feedback.get_learning_stats().await.expect("statistics");
        (stats.total_executions, stats.skipped_records)
    };
    feedback
        .record_executions(executions("a", 10))
        .await
        .expect("recorded");
    let segment = folder.path().join("g1/00000001-000000000001.journal");
    let earlier = std::fs::read(&segment).expect("a segment");
    feedback
        .record_executions(executions("b", 5_000))
        .await
        .expect("recorded");
    let cache = folder.path().join("g1.cache");
    let cached = std::fs::read(&cache).expect("a cache was written");
    let (other, _) = open(folder.path());
    other
        .record_executions(executions("c", 7))
        .await
        .expect("recorded");
    let (opened, _) = open(folder.path());
    assert_eq!(total(&opened).await, (5_017, 0));
    assert_eq!(
        std::fs::read(&cache).expect("a cache"),
        cached,
        "too little to write it anew"
    );
    // A tail that a killed writer left torn.
    let whole = std::fs::read(&segment).expect("a segment");
    let torn = [&whole[..], &[0xFF; 70]].concat();
    journal::atomic_write(&segment, &torn).expect("written");
    let (opened, _) = open(folder.path());
    opened
        .record_executions(executions("d", 1))
        .await
        .expect("recorded");
    assert_eq!(total(&opened).await, (5_018, 0));
    assert_eq!(total(&other).await, (5_018, 0));
    // A disk that has lost what the cache has seen: the cache is of another past.
    journal::atomic_write(&segment, &earlier).expect("written");
    let (opened, _) = open(folder.path());
    assert_eq!(total(&opened).await, (10, 0));
    opened
        .record_executions(executions("e", 2))
        .await
        .expect("recorded");
    let (opened, _) = open(folder.path());
    assert_eq!(total(&opened).await, (12, 0));
}
