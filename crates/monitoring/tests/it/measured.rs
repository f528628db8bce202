//! What the attributes count. All of it is in the metrics of the process, so that each test has names of
//! its own.

use std::io;

use monitoring::metrics::{MetricsCollector, measure_api_call, measure_duration, measure_task};

#[track_caller]
fn shows(lines: &[&str]) {
    let text = MetricsCollector::get_metrics();
    for line in lines {
        let name = line.split([' ', '{']).next().expect("a line has a name");
        let near: Vec<&str> = text
            .lines()
            .filter(|found| found.starts_with(name))
            .collect();
        assert!(
            near.contains(line),
            "{line}\nis not among\n{}",
            near.join("\n")
        );
    }
}

#[measure_duration("measured-stage")]
async fn stage(number: &str) -> Result<u64, std::num::ParseIntError> {
    let number: u64 = number.parse()?;
    if number == 0 {
        return Ok(1);
    }
    Ok(number)
}

#[tokio::test]
async fn a_stage_counts_its_ends() {
    assert_eq!(stage("5").await, Ok(5));
    assert_eq!(stage("0").await, Ok(1));
    assert!(stage("x").await.is_err());
    shows(&[
        r#"automation_workflow_executions_total{stage="measured-stage",status="success"} 2"#,
        r#"automation_workflow_executions_total{stage="measured-stage",status="failed"} 1"#,
        r#"automation_workflow_duration_seconds_count{stage="measured-stage"} 3"#,
    ]);
}

struct Forge {
    calls: u32,
}

impl Forge {
    #[measure_api_call("measured-forge", "create")]
    async fn create<T>(&mut self, title: T) -> io::Result<&u32>
    where
        T: AsRef<str>,
    {
        if title.as_ref().is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.calls += 1;
        Ok(&self.calls)
    }

    /// Returns nothing, and so does not fail.
    #[measure_api_call("measured-forge", "ping")]
    async fn ping(&self) {}
}

#[tokio::test]
async fn a_generic_method_is_a_call_like_any() -> io::Result<()> {
    let mut forge = Forge { calls: 0 };
    assert_eq!(forge.create("a title").await?, &1);
    assert!(
        forge.create("").await.is_err(),
        "behind the alias of a `Result` too"
    );
    forge.ping().await;
    shows(&[
        r#"automation_api_calls_total{provider="measured-forge",method="create",status="success"} 1"#,
        r#"automation_api_calls_total{provider="measured-forge",method="create",status="error"} 1"#,
        r#"automation_api_calls_total{provider="measured-forge",method="ping",status="success"} 1"#,
        r#"automation_api_call_duration_seconds_count{provider="measured-forge",method="create"} 2"#,
    ]);
    Ok(())
}

#[measure_task("measured-task")]
async fn task(panics: bool) -> impl Sized {
    tokio::task::yield_now().await;
    assert!(!panics, "as asked for");
    "not a Result"
}

#[tokio::test]
async fn a_panic_fails_and_a_dropped_call_counts_as_nothing() {
    drop(task(false).await);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async { drop(task(true).await) });
    assert!(tasks.join_next().await.expect("there is one").is_err());
    {
        let dropped = task(false);
        tokio::pin!(dropped);
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(dropped.as_mut().poll(context).is_ready())
        });
        assert!(!polled.await, "it is under way");
    }
    shows(&[
        r#"automation_task_executions_total{task_type="measured-task",status="success"} 1"#,
        r#"automation_task_executions_total{task_type="measured-task",status="failed"} 1"#,
        r#"automation_task_duration_seconds_count{task_type="measured-task"} 2"#,
    ]);
}

#[tokio::test]
async fn wrappers_count_in_the_metrics_they_belong_to() {
    let metrics = monitoring::metrics::Metrics::default();
    let failed: Result<(), u8> = metrics.measure_task("docs", async { Err(7) }).await;
    assert_eq!(failed, Err(7));
    let called = metrics.measure_api_call("gitea", "get_issue", async { Ok::<u8, u8>(1) });
    assert_eq!(called.await, Ok(1));
    let text = metrics.get_metrics();
    for line in [
        r#"automation_task_executions_total{task_type="docs",status="failed"} 1"#,
        r#"automation_api_calls_total{provider="gitea",method="get_issue",status="success"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}
