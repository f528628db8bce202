use core_types::{RunId, TaskId, Timestamp};

use super::state::{MAX_WAITING, State};
use crate::{
    Arm, Draw, Execution, KeepPrompts, Outcome,
    record::{DRAW, DrawRecord, EXECUTION, Stored, VERSION},
};
use journal::{Fold, Kind, Record};

fn take(state: &mut State, kind: Kind, payload: Vec<u8>) {
    let record = Record {
        seq: 0,
        epoch: 1,
        kind,
        payload,
    };
    state.apply(&record).unwrap();
}

fn draw(state: &mut State, run: usize) {
    let record = DrawRecord {
        v: VERSION,
        at: Timestamp(0),
        run: RunId::new(format!("r{run:06}")).unwrap(),
        task: TaskId::new("t").unwrap(),
        draw: Draw {
            arm: Arm::Served,
            exposures: Vec::new(),
        },
    };
    take(state, DRAW, record.encode().unwrap());
}

fn execute(state: &mut State, run: usize, outcome: Outcome) {
    let (run, task) = (format!("r{run:06}"), TaskId::new("t").unwrap());
    let execution = Execution::new(RunId::new(run).unwrap(), task, outcome);
    let record = crate::feedback::to_record(execution, KeepPrompts::Hash, Timestamp(0));
    take(state, EXECUTION, record.encode().unwrap());
}

#[test]
fn a_draw_ends_with_the_first_attempt_whatever_came_of_it() {
    let mut state = State::default();
    for run in 0..3 {
        draw(&mut state, run);
    }
    assert_eq!(state.core.draws.len(), 3);
    execute(&mut state, 0, Outcome::tested(true));
    execute(&mut state, 1, Outcome::of(core_types::TaskStatus::Failed));
    execute(
        &mut state,
        2,
        Outcome::of(core_types::TaskStatus::Succeeded),
    );
    assert_eq!(state.core.draws.len(), 0, "one of them was measured");
    // What is over is not drawn for again.
    draw(&mut state, 1);
    assert_eq!(state.core.draws.len(), 0);
}

#[test]
fn draws_that_nobody_comes_back_to_give_way_and_are_counted() {
    let mut state = State::default();
    for run in 0..MAX_WAITING + 5 {
        draw(&mut state, run);
    }
    assert_eq!(state.core.draws.len(), MAX_WAITING);
    assert_eq!(state.core.skipped.draws, 5);
    assert!(!state.core.draws.contains_key("r000004/t"), "the oldest");
    assert!(state.core.draws.contains_key("r000005/t"));
    let newest = format!("r{:06}/t", MAX_WAITING + 4);
    assert!(state.core.draws.contains_key(&newest), "a new one has room");
}
