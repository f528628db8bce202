use std::sync::Arc;

use core_types::{Clock, Event, RunId, Timestamp};

use super::history::{History, history};
use crate::fold::{
    AttentionKind, Board, Command, DaySpend, MemorySource, RunFold, RunSource, RunState,
};

#[derive(Debug)]
struct At(Timestamp);

impl Clock for At {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn run(seed: u64) -> RunId {
    format!("run-{seed}").parse().expect("valid")
}

fn events(history: &History) -> impl Iterator<Item = core_types::EventRecord> + '_ {
    history.events.iter().map(|(_, record)| record.clone())
}

fn fold(run: &RunId, history: &History) -> RunFold {
    let mut fold = RunFold::new(run.clone());
    fold.extend((1..).zip(events(history)));
    fold.set_held(history.is_held);
    fold
}

fn board(source: &Arc<MemorySource>, now: Timestamp) -> Board {
    Board::new(source.clone(), Arc::new(At(now)))
}

#[tokio::test]
async fn tails_give_what_the_whole_gives() {
    let source = Arc::new(MemorySource::new());
    let board = board(&source, Timestamp(1_800_000_000_000));
    let mut changes = board.subscribe();
    for seed in 0..20 {
        let history = history(seed);
        let run = run(seed);
        let all: Vec<_> = events(&history).collect();
        let half = all.len() / 2;
        source.set_held(&run, true);
        source.push(&run, all[..half].iter().cloned());
        assert_eq!(
            board.refresh().await.expect("it reads"),
            1,
            "only what is new"
        );
        source.push(&run, all[half..].iter().cloned());
        source.set_held(&run, history.is_held);
        board.refresh().await.expect("it reads");
        assert_eq!(
            board.refresh().await.expect("it reads"),
            0,
            "nothing is new"
        );
        let now = Timestamp(1_800_000_000_000);
        let whole = fold(&run, &history);
        let view = board.run(&run).await.expect("it reads");
        assert_eq!(view, Some(whole.view(now)), "seed {seed}");
        assert_eq!(board.summary(&run), Some(whole.summary(now)), "seed {seed}");
    }
    let first = changes.try_recv().expect("it was told");
    assert_eq!(first.run, run(0));
    let history = board.history();
    assert_eq!(history.runs.len(), 20);
    assert_eq!(history.runs[0].run, run(19), "newest first");
}

#[tokio::test]
async fn figures_survive_the_removal_of_a_run() {
    let source = Arc::new(MemorySource::new());
    let now = Timestamp(1_800_000_000_000);
    let board = board(&source, now);
    for seed in 0..10 {
        source.push(&run(seed), events(&history(seed)));
    }
    board.refresh().await.expect("it reads");
    let before = (
        board.summary_body(),
        board.workflows_body(),
        board.tasks_body(),
        board.performance_body(),
        board.costs_body(),
    );
    for seed in 0..10 {
        let summary = board.summary(&run(seed)).expect("it is known");
        source.remove(&run(seed), summary);
    }
    assert_eq!(board.refresh().await.expect("it reads"), 10);
    let after = (
        board.summary_body(),
        board.workflows_body(),
        board.tasks_body(),
        board.performance_body(),
        board.costs_body(),
    );
    assert_eq!(after, before);
    assert_eq!(board.run(&run(0)).await.expect("it reads"), None);
    let overview = board.overview().await;
    assert!(overview.active.is_empty() && overview.attention.is_empty());
    assert_eq!(overview.total_runs, 10);
}

#[tokio::test]
async fn what_needs_a_person_comes_first() {
    let source = Arc::new(MemorySource::new());
    let record = |at: u64, event| core_types::EventRecord {
        v: 1,
        at: Timestamp(at),
        step: None,
        event,
    };
    let started = || Event::RunStarted {
        session: 1,
        max_workers: 2,
        title: "Login".to_owned(),
    };
    let failed = Event::RunEnded {
        exit_code: 1,
        summary: "failed".to_owned(),
        class: None,
    };
    let gate = Event::GateReached {
        gate: "landing".to_owned(),
    };
    let waits = Event::RunPaused {
        reason: "waits".to_owned(),
        class: None,
    };
    source.push(&run(1), [record(1, started()), record(2, failed)]);
    source.push(&run(2), [record(3, started())]);
    source.push(
        &run(3),
        [record(4, started()), record(5, gate), record(6, waits)],
    );
    source.push(&run(4), [record(7, started())]);
    source.set_held(&run(4), true);
    source.set_day(DaySpend::default());
    let board = board(&source, Timestamp(1000));
    board.refresh().await.expect("it reads");
    let overview = board.overview().await;
    let kinds: Vec<_> = overview
        .attention
        .iter()
        .map(|it| it.kind.clone())
        .collect();
    let gate = AttentionKind::Gate("landing".to_owned());
    assert_eq!(kinds, [gate, AttentionKind::Killed, AttentionKind::Failed]);
    let states: Vec<_> = overview.active.iter().map(|it| it.state).collect();
    assert_eq!(
        states,
        [RunState::Running, RunState::Waiting, RunState::Paused]
    );
    assert_eq!(
        (overview.running, overview.ended, overview.succeeded),
        (1, 1, 0)
    );

    let cancel = Command::Cancel;
    source
        .command(&run(4), cancel.clone())
        .await
        .expect("it takes it");
    assert_eq!(source.commands(), [(run(4), cancel)]);
    let unknown = source.command(&run(9), Command::Cancel).await;
    assert!(unknown.is_err(), "there is no such run");
}

#[tokio::test]
async fn a_run_that_cannot_be_read_hides_no_other() {
    let source = Arc::new(MemorySource::new());
    let now = Timestamp(1_800_000_000_000);
    let board = board(&source, now);
    for seed in 0..3 {
        source.push(&run(seed), events(&history(seed)));
    }
    source.set_damaged(&run(1), true);
    board.refresh().await.expect("the others are read");
    let overview = board.overview().await;
    let unreadable: Vec<_> = overview
        .attention
        .iter()
        .filter(|it| it.kind == AttentionKind::Unreadable)
        .map(|it| it.run.clone())
        .collect();
    assert_eq!(unreadable, [run(1)]);
    assert!(overview.attention.is_sorted_by_key(|it| &it.kind));
    assert_eq!(overview.total_runs, 2, "the others are shown");
    let again = board.refresh().await.expect("nothing is to be done");
    assert_eq!(again, 0, "it is not tried again at once");

    source.set_damaged(&run(1), false);
    source.push(&run(1), events(&history(4)));
    assert_eq!(board.refresh().await.expect("all are read"), 1);
    let overview = board.overview().await;
    assert_eq!(overview.total_runs, 3);
    let kinds = overview.attention.iter().map(|it| &it.kind);
    assert!(
        kinds
            .into_iter()
            .all(|kind| *kind != AttentionKind::Unreadable)
    );
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_hides_no_run() {
    let source = Arc::new(MemorySource::new());
    let board = board(&source, Timestamp(1_800_000_000_000));
    source.push(&run(0), events(&history(0)));
    source.set_ledger_damaged(true);
    board.refresh().await.expect("runs are read");
    let overview = board.overview().await;
    assert_eq!(overview.total_runs, 1);
    assert_eq!(overview.day, None, "nothing is not zero");
    assert_eq!(overview.unreadable.len(), 1, "{:?}", overview.unreadable);
    let costs = board.costs().await;
    assert_eq!(costs.spent, overview.spent);
}
