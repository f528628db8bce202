//! What is kept of the output.

use std::fs;
use std::time::{Duration, Instant};

use process::OutputLimit;

use crate::support::{WAYS, Way, alone, own_status, run, shell};

#[tokio::test]
async fn all_is_kept_up_to_the_limit() {
    for way in WAYS {
        for limit in [0, 1, 2, 9, 10, 11, 1000] {
            let finished =
                run(shell(way, "printf 0123456789").stdout(OutputLimit::memory(limit))).await;
            let captured = &finished.stdout;
            assert_eq!(captured.total_bytes, 10, "{way:?} {limit}");
            assert_eq!(captured.truncated, limit < 10, "{way:?} {limit}");
            assert_eq!(captured.bytes.len(), limit.min(10), "{way:?} {limit}");
            let (head, tail) = captured.bytes.split_at(captured.head_bytes);
            assert!(
                b"0123456789".starts_with(head) && b"0123456789".ends_with(tail),
                "{way:?} {limit}: {captured:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_tail_is_text() {
    let finished = run(shell(Way::Plain, "printf 'first\\nlast äöü'")).await;
    assert_eq!(finished.stdout.tail(1000), "first\nlast äöü");
    assert_eq!(
        finished.stdout.tail(5),
        "öü",
        "it begins with a whole character"
    );
    let finished = run(shell(Way::Plain, "printf 0123456789").stdout(OutputLimit::memory(4))).await;
    assert_eq!(
        finished.stdout.tail(1000),
        "89",
        "it does not reach over the gap"
    );
}

#[tokio::test]
async fn streams_are_apart_or_joined() {
    for way in WAYS {
        let line = "echo one; echo two >&2; echo three";
        let finished = run(shell(way, line)).await;
        assert_eq!(
            (finished.stdout.tail(99), finished.stderr.tail(99)),
            ("one\nthree\n".into(), "two\n".into())
        );
        let finished = run(shell(way, line).stderr_to_stdout()).await;
        assert_eq!(
            (finished.stdout.tail(99), finished.stderr.tail(99)),
            ("one\ntwo\nthree\n".into(), String::new())
        );
    }
}

#[tokio::test]
async fn the_spill_file_has_all_up_to_its_limit() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("log");
    for (spill_bytes, expected) in [(1 << 20, 888_894), (1000, 1000), (0, 0)] {
        let limit = OutputLimit {
            memory_bytes: 100,
            spill: Some(path.clone()),
            spill_bytes,
        };
        let captured = run(shell(Way::Tree, "seq 1 150000 | head -c 888894").stdout(limit))
            .await
            .stdout;
        assert_eq!(
            (captured.total_bytes, captured.spilled_bytes),
            (888_894, expected)
        );
        assert!(captured.spill_error.is_none() && captured.bytes.len() == 100);
        let text = fs::read(&path).expect("it was made");
        fs::remove_file(&path).expect("it was made");
        assert_eq!(text.len() as u64, expected);
        assert!(
            text.is_empty() || text.starts_with(b"1\n2\n3\n"),
            "it begins with the first byte"
        );
    }
}

#[tokio::test]
async fn a_full_disk_does_not_disturb_the_child() {
    let limit = OutputLimit {
        memory_bytes: 100,
        spill: Some("/dev/full".into()),
        spill_bytes: 1 << 20,
    };
    let finished = run(shell(Way::Plain, "seq 1 100000; exit 3").stdout(limit)).await;
    assert_eq!(finished.exit, process::Exit::Code(3));
    assert_eq!(finished.stdout.total_bytes, 588_895);
    assert!(finished.stdout.spill_error.is_some(), "the failure is told");
}

/// 256 MB, or 1 GB with `RUN_SLOW=1`.
#[test]
fn much_output_takes_little_memory_and_time() {
    alone(
        "output::much_output_takes_little_memory_and_time",
        async || {
            let n_bytes: u64 = if std::env::var_os("RUN_SLOW").is_some() {
                1_000_000_000
            } else {
                256_000_000
            };
            for way in WAYS {
                let before = own_status("VmRSS:");
                let started = Instant::now();
                let limit = OutputLimit {
                    memory_bytes: 4 << 20,
                    spill: None,
                    spill_bytes: 0,
                };
                let finished =
                    run(shell(way, &format!("head -c {n_bytes} /dev/zero")).stdout(limit)).await;
                assert_eq!(finished.stdout.total_bytes, n_bytes, "{way:?}");
                assert_eq!(finished.stdout.bytes.len(), 4 << 20, "{way:?}");
                // 4 MiB kept, as much again while the tail is cut, as much again for the joined copy.
                let growth_kib = own_status("VmHWM:").saturating_sub(before);
                assert!(growth_kib < 20 << 10, "{way:?} grew by {growth_kib} KiB");
                let took = started.elapsed();
                assert!(took < Duration::from_secs(20), "{way:?} took {took:?}");
            }
        },
    );
}
