//! The machine against a model that is too slow and too simple to be wrong.

use std::{collections::HashSet, sync::Arc, time::Duration};

use proptest::prelude::*;

use super::{queue::LEVELS, *};
use crate::{TaskPriority, graph::Graph};

#[derive(Clone, Debug)]
struct Plan {
    tasks: Vec<PlanTask>,
    slots: usize,
    capacities: Vec<u32>,
    /// Which of the possible events comes next.
    choices: Vec<prop::sample::Index>,
}

#[derive(Clone, Debug)]
struct PlanTask {
    before: Vec<u32>,
    priority: TaskPriority,
    b_level: Duration,
    needs: Vec<(u32, u32)>,
    ending: Ending,
}

fn plans(max_tasks: usize) -> impl Strategy<Value = Plan> {
    let capacities = prop::collection::vec(1..4_u32, 0..3);
    let tasks = move |capacities: Vec<u32>| {
        let ending = prop_oneof![
            12 => Just(Ending::Succeeded),
            1 => Just(Ending::Failed),
            1 => Just(Ending::Panicked),
            1 => Just(Ending::TimedOut),
        ];
        let task = (
            prop::collection::vec(any::<prop::sample::Index>(), 0..3),
            0..LEVELS,
            0..4_u64,
            prop::collection::vec(0..4_u32, capacities.len()),
            ending,
        );
        let tasks = prop::collection::vec(task, 1..max_tasks);
        (
            tasks,
            1..6_usize,
            Just(capacities),
            prop::collection::vec(any::<prop::sample::Index>(), 1..600),
        )
    };
    capacities
        .prop_flat_map(tasks)
        .prop_map(|(tasks, slots, capacities, choices)| {
            let tasks = tasks.into_iter().enumerate().map(
                |(number, (picks, priority, b_level, needs, ending))| {
                    let mut before: Vec<u32> = picks
                        .iter()
                        .filter(|_| number > 0)
                        .map(|pick| pick.index(number) as u32)
                        .collect();
                    before.sort_unstable();
                    before.dedup();
                    let needs = (0..).zip(needs).map(|(resource, units)| {
                        (resource, units.min(capacities[resource as usize]))
                    });
                    let needs = needs.filter(|need| need.1 > 0).collect();
                    PlanTask {
                        before,
                        priority: TaskPriority::ALL[priority],
                        b_level: Duration::from_secs(b_level),
                        needs,
                        ending,
                    }
                },
            );
            Plan {
                tasks: tasks.collect(),
                slots,
                capacities,
                choices,
            }
        })
}

fn graph(tasks: &[PlanTask]) -> Arc<Graph> {
    let nodes = tasks.iter().enumerate().map(|(number, task)| {
        (
            number.to_string(),
            task.before
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
        )
    });
    Arc::new(Graph::build(nodes).unwrap())
}

/// What everybody could know from the actions alone.
struct Model<'a> {
    plan: &'a Plan,
    machine: Machine,
    running: Vec<u32>,
    paused: Vec<u32>,
    reclaiming: Vec<u32>,
    held: HashSet<u32>,
    stop_asked: HashSet<u32>,
    started: HashSet<u32>,
    endings: Vec<Option<Ending>>,
    starts: Vec<u32>,
    begun: bool,
    done: bool,
}

impl<'a> Model<'a> {
    fn new(plan: &'a Plan, ended: &[(u32, Ending)]) -> Self {
        let mut endings = vec![None; plan.tasks.len()];
        for &(task, ending) in ended {
            endings[task as usize] = Some(ending);
        }
        let specs = plan.tasks.iter().zip(&endings).map(|(task, ended)| Spec {
            priority: task.priority,
            b_level: task.b_level,
            needs: task.needs.clone(),
            ended: *ended,
        });
        let limits = Limits {
            slots: plan.slots,
            max_bypass: 4,
            capacities: plan.capacities.clone(),
        };
        Self {
            machine: Machine::new(graph(&plan.tasks), specs.collect(), limits),
            running: Vec::new(),
            paused: Vec::new(),
            reclaiming: Vec::new(),
            held: HashSet::new(),
            stop_asked: HashSet::new(),
            started: HashSet::new(),
            starts: Vec::new(),
            begun: false,
            done: false,
            endings,
            plan,
        }
    }

    fn handle(&mut self, event: Event) {
        let before = [&self.running, &self.paused, &self.reclaiming].map(Clone::clone);
        let gone = |list: &mut Vec<u32>, task| list.retain(|&other| other != task);
        match event {
            Event::Ended(task, _) => {
                gone(&mut self.running, task);
                gone(&mut self.paused, task);
                gone(&mut self.reclaiming, task);
            }
            Event::Paused(task) => {
                gone(&mut self.running, task);
                self.paused.push(task);
            }
            Event::Reclaimed(task) => {
                gone(&mut self.paused, task);
                self.reclaiming.push(task);
            }
            Event::Held(task) => drop(self.held.insert(task)),
            Event::Unheld(task) => drop(self.held.remove(&task)),
            Event::Begun => self.begun = true,
            Event::Cancelled(_) | Event::HoldersGone | Event::RunCancelled => {}
        }
        let mut actions = Vec::new();
        self.machine.handle(event, &mut actions);
        for action in actions {
            assert!(!self.done, "nothing comes after Done");
            match action {
                Action::Ready(task) => {
                    assert!(self.dependencies_succeeded(task), "{task} is not ready")
                }
                Action::Start(task) => {
                    assert!(
                        self.dependencies_succeeded(task),
                        "{task} starts before its dependencies succeeded"
                    );
                    assert!(self.started.insert(task), "{task} starts twice");
                    assert!(
                        !self.held.contains(&task),
                        "{task} starts though it is held"
                    );
                    self.running.push(task);
                    self.starts.push(task);
                }
                Action::Resume(task) => {
                    assert!(
                        self.reclaiming.contains(&task),
                        "{task} resumes without asking"
                    );
                    gone(&mut self.reclaiming, task);
                    self.running.push(task);
                }
                Action::Stop(task) => {
                    assert!(
                        before.iter().any(|list| list.contains(&task)),
                        "{task} does not run"
                    );
                    self.stop_asked.insert(task);
                }
                Action::Report(task, ending) => {
                    assert_eq!(
                        self.endings[task as usize].replace(ending),
                        None,
                        "{task} is reported twice"
                    );
                }
                Action::Done => self.done = true,
            }
        }
        self.check();
    }

    fn check(&self) {
        assert!(
            self.running.len() <= self.plan.slots,
            "more than {} run",
            self.plan.slots
        );
        let free = self.free();
        if self.begun && self.running.len() < self.plan.slots {
            assert_eq!(
                self.reclaiming,
                [] as [u32; 0],
                "a task waits for a slot while one is free"
            );
            for task in (0..self.plan.tasks.len() as u32).filter(|task| self.could_start(*task)) {
                let needs = &self.plan.tasks[task as usize].needs;
                let lacks = needs
                    .iter()
                    .any(|&(resource, units)| free[resource as usize] < units);
                assert!(lacks, "{task} waits while a slot and all it needs are free");
            }
        }
        assert_eq!(
            self.done,
            self.endings.iter().all(Option::is_some),
            "Done comes with the last report"
        );
    }

    /// Units of each resource that no started task holds.
    fn free(&self) -> Vec<u32> {
        let mut free = self.plan.capacities.clone();
        for &task in self
            .running
            .iter()
            .chain(&self.paused)
            .chain(&self.reclaiming)
        {
            for &(resource, units) in &self.plan.tasks[task as usize].needs {
                let left = free[resource as usize].checked_sub(units);
                free[resource as usize] = left.expect("no resource is held beyond its capacity");
            }
        }
        free
    }

    fn could_start(&self, task: u32) -> bool {
        self.endings[task as usize].is_none()
            && !self.started.contains(&task)
            && !self.held.contains(&task)
            && self.dependencies_succeeded(task)
    }

    fn dependencies_succeeded(&self, task: u32) -> bool {
        let before = &self.plan.tasks[task as usize].before;
        before
            .iter()
            .all(|&before| self.endings[before as usize] == Some(Ending::Succeeded))
    }

    /// Lets what runs end, in the order that the plan's choices say, until all is done.
    fn play(&mut self) {
        self.handle(Event::Begun);
        for choice in self.plan.choices.iter().cycle() {
            if self.done {
                return;
            }
            let task = *choice.get(&self.running);
            self.handle(Event::Ended(task, self.plan.tasks[task as usize].ending));
        }
    }

    /// Ends a wild game that hangs on chance: lifts all holds and lets everything end.
    fn play_on_quietly(&mut self) {
        for task in 0..self.plan.tasks.len() as u32 {
            self.handle(Event::Unheld(task));
        }
        while !self.done {
            if let Some(&task) = self.paused.first() {
                self.handle(Event::Reclaimed(task));
            } else {
                let task = *self
                    .running
                    .first()
                    .expect("something runs until all is done");
                self.handle(Event::Ended(task, self.plan.tasks[task as usize].ending));
            }
        }
    }
}

/// The endings that follow from the plan alone, and whom a skipped task may blame.
fn expected(plan: &Plan) -> Vec<(Ending, HashSet<u32>)> {
    let mut expected: Vec<(Ending, HashSet<u32>)> = Vec::new();
    for task in &plan.tasks {
        let mut blamed = HashSet::new();
        for &before in &task.before {
            match &expected[before as usize] {
                (Ending::Succeeded, _) => {}
                (Ending::Skipped(_), causes) => blamed.extend(causes),
                _ => drop(blamed.insert(before)),
            }
        }
        let ending = blamed
            .iter()
            .min()
            .map_or(task.ending, |&cause| Ending::Skipped(cause));
        expected.push((ending, blamed));
    }
    expected
}

fn check_endings(plan: &Plan, endings: &[Option<Ending>]) {
    for (task, ((ending, blamed), actual)) in expected(plan).into_iter().zip(endings).enumerate() {
        match actual.expect("every task is reported") {
            Ending::Skipped(cause) => assert!(
                blamed.contains(&cause),
                "{task} blames {cause}, not one of {blamed:?}"
            ),
            actual => assert_eq!(actual, ending, "task {task}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn ends_every_task_as_the_plan_says(plan in plans(200)) {
        let mut model = Model::new(&plan, &[]);
        model.play();
        check_endings(&plan, &model.endings);
    }

    #[test]
    fn keeps_its_promises_whatever_happens(plan in plans(60)) {
        let mut model = Model::new(&plan, &[]);
        model.handle(Event::Held(0));
        wild(&mut model, &plan);
        model.play_on_quietly();
        prop_assert!(model.endings.iter().all(Option::is_some));
    }

    #[test]
    fn the_same_events_give_the_same_actions(plan in plans(80)) {
        let [first, second] = [(); 2].map(|()| {
            let mut model = Model::new(&plan, &[]);
            model.play();
            (model.starts, model.endings)
        });
        prop_assert_eq!(first, second);
    }

    #[test]
    fn resumes_after_any_prefix_to_the_same_result(plan in plans(60), cut in any::<prop::sample::Index>()) {
        let mut whole = Model::new(&plan, &[]);
        whole.play();
        let n_started = cut.index(whole.starts.len() + 1);
        // What had started by then has ended; what is behind a failure has been skipped.
        let ended: Vec<(u32, Ending)> = (0..).zip(&whole.endings).filter_map(|(task, ending)| {
            let ending = ending.unwrap();
            let by_then = |task| whole.starts[..n_started].contains(&task);
            let known = match ending {
                Ending::Skipped(cause) => by_then(cause) && task % 2 == 0,
                _ => by_then(task),
            };
            known.then_some((task, ending))
        }).collect();
        let mut resumed = Model::new(&plan, &ended);
        resumed.play();
        check_endings(&plan, &resumed.endings);
        prop_assert!(ended.iter().all(|(task, _)| !resumed.started.contains(task)), "what ended does not start again");
    }
}

/// A fixed number of rounds in which anything may happen.
fn wild(model: &mut Model<'_>, plan: &Plan) {
    model.handle(Event::Begun);
    for (round, choice) in plan.choices.iter().enumerate() {
        if model.done {
            return;
        }
        let any = choice.index(plan.tasks.len()) as u32;
        let mut events = vec![Event::Held(any), Event::Unheld(any)];
        for &task in model
            .running
            .iter()
            .chain(&model.paused)
            .chain(&model.reclaiming)
        {
            let stopped = model.stop_asked.contains(&task);
            events.push(Event::Ended(
                task,
                if stopped {
                    Ending::Cancelled
                } else {
                    plan.tasks[task as usize].ending
                },
            ));
        }
        events.extend(model.running.iter().map(|&task| Event::Paused(task)));
        events.extend(model.paused.iter().map(|&task| Event::Reclaimed(task)));
        match round % 50 {
            20 => events = vec![Event::Cancelled(any)],
            // Too late, all of them: nothing may come of it.
            30 => events = vec![Event::Paused(any), Event::Reclaimed(any)],
            _ => {}
        }
        if round == 400 {
            events = vec![Event::RunCancelled];
        }
        let event = events[choice.index(events.len())];
        let too_late = match event {
            Event::Paused(task) => !model.running.contains(&task),
            Event::Reclaimed(task) => !model.paused.contains(&task),
            _ => false,
        };
        if too_late {
            let mut actions = Vec::new();
            model.machine.handle(event, &mut actions);
            assert_eq!(actions, [], "{event:?} comes too late");
        } else {
            model.handle(event);
        }
    }
}

fn task(before: &[u32], priority: TaskPriority, needs: &[(u32, u32)]) -> PlanTask {
    PlanTask {
        before: before.to_vec(),
        priority,
        b_level: Duration::ZERO,
        needs: needs.to_vec(),
        ending: Ending::Succeeded,
    }
}

fn starts(tasks: Vec<PlanTask>, slots: usize, capacities: &[u32]) -> Vec<u32> {
    let plan = Plan {
        tasks,
        slots,
        capacities: capacities.to_vec(),
        choices: vec![],
    };
    let mut model = Model::new(&plan, &[]);
    model.handle(Event::Begun);
    model.play_on_quietly();
    model.starts
}

#[test]
fn serves_by_priority_then_by_work_behind_then_in_turn() {
    use TaskPriority::*;
    let mut tasks = [Low, Normal, High, Critical, Normal]
        .map(|priority| task(&[], priority, &[]))
        .to_vec();
    tasks[4].b_level = Duration::from_secs(7);
    assert_eq!(starts(tasks, 1, &[]), [3, 2, 4, 1, 0]);
}

#[test]
fn a_stream_of_higher_priority_starves_nobody() {
    for needs in [&[][..], &[(0, 1)]] {
        let mut tasks = vec![task(&[], TaskPriority::Low, needs)];
        tasks.extend((1..100).map(|number: u32| {
            let before = if number < 3 { vec![] } else { vec![number - 2] };
            task(&before, TaskPriority::Critical, needs)
        }));
        // Two chains: while one task runs, the next of the other chain is ready.
        let starts = starts(tasks, 1, &[1]);
        let turn = starts.iter().position(|&task| task == 0).unwrap();
        assert!(
            (1..=4).contains(&turn),
            "passed over {turn} times with a bound of 4, needs {needs:?}"
        );
    }
}

#[test]
fn each_waiting_priority_has_its_turns() {
    let tasks = (0..400).map(|number| task(&[], TaskPriority::ALL[number % LEVELS], &[]));
    let starts = starts(tasks.collect(), 1, &[]);
    for level in 0..LEVELS {
        let turns: Vec<usize> = (0..100)
            .filter(|turn| starts[*turn] as usize % LEVELS == level)
            .collect();
        let widest = turns
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap();
        assert!(widest <= 4 + LEVELS, "level {level} waited {widest} starts");
    }
}

#[test]
fn a_crowd_before_one_resource_keeps_nobody_else_waiting() {
    let mut tasks = vec![task(&[], TaskPriority::High, &[(0, 1)]); 5];
    tasks.push(task(&[], TaskPriority::Low, &[]));
    let plan = Plan {
        tasks,
        slots: 2,
        capacities: vec![1],
        choices: vec![],
    };
    let mut model = Model::new(&plan, &[]);
    model.handle(Event::Begun);
    assert_eq!(model.starts, [0, 5]);
}

#[test]
fn a_crowd_of_100_000_before_one_resource_is_not_scanned() {
    let graph =
        Graph::build((0..100_000).map(|task: u32| (task.to_string(), [] as [&str; 0]))).unwrap();
    let specs = graph
        .ids()
        .iter()
        .map(|_| Spec {
            needs: vec![(0, 1)],
            ..Spec::default()
        })
        .collect();
    let limits = Limits {
        slots: 8,
        max_bypass: 4,
        capacities: vec![1],
    };
    let durations = vec![Duration::from_secs(1); graph.len()];
    assert_eq!(
        simulate(Arc::new(graph), specs, limits, &durations),
        Duration::from_secs(100_000)
    );
}

#[test]
fn a_hold_outlives_its_holders_as_a_cancellation() {
    let plan = Plan {
        tasks: vec![
            task(&[], TaskPriority::Normal, &[]),
            task(&[0], TaskPriority::Normal, &[]),
        ],
        slots: 1,
        capacities: vec![],
        choices: vec![],
    };
    let mut model = Model::new(&plan, &[]);
    model.handle(Event::Held(0));
    model.handle(Event::Begun);
    assert!(model.starts.is_empty());
    model.handle(Event::HoldersGone);
    assert_eq!(
        model.endings,
        [Some(Ending::Cancelled), Some(Ending::Skipped(0))]
    );
    assert!(model.done);
}

#[test]
fn a_long_chain_skipped_at_once_overflows_no_stack() {
    const N: u32 = 200_000;
    let chain = (0..N).map(|task| {
        (
            task.to_string(),
            task.checked_sub(1).map(|before| before.to_string()),
        )
    });
    let graph = Arc::new(Graph::build(chain).unwrap());
    let specs = graph.ids().iter().map(|_| Spec::default()).collect();
    let mut machine = Machine::new(
        graph,
        specs,
        Limits {
            slots: 1,
            max_bypass: 4,
            capacities: vec![],
        },
    );
    let mut actions = Vec::new();
    machine.handle(Event::Begun, &mut actions);
    assert_eq!(actions, [Action::Ready(0), Action::Start(0)]);
    actions.clear();
    machine.handle(Event::Ended(0, Ending::Failed), &mut actions);
    assert_eq!(actions.len(), N as usize + 1);
    assert_eq!(
        actions[N as usize - 1..],
        [Action::Report(N - 1, Ending::Skipped(0)), Action::Done]
    );
}
