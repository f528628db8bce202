//! The state machine and the one function that changes it.

use std::{cmp::Reverse, sync::Arc, time::Duration};

use super::queue::{LEVELS, Queue, Waiting};
use crate::{TaskPriority, graph::Graph};

/// What the machine is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// All holds known from the start are in place: begin.
    Begun,
    /// A started task has ended.
    Ended(u32, Ending),
    /// A running task gives its worker slot back and waits for something.
    Paused(u32),
    /// A paused task wants a slot again.
    Reclaimed(u32),
    /// A task that has not started shall not start.
    Held(u32),
    /// It may start again.
    Unheld(u32),
    /// One task shall not start, or stop.
    Cancelled(u32),
    /// Nobody is left who could lift a hold.
    HoldersGone,
    /// Nothing starts any more, everything that runs shall stop.
    RunCancelled,
}

/// What the machine wants done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Tell: the task waits for nothing but a slot and its resources.
    Ready(u32),
    /// Start the task.
    Start(u32),
    /// Let the paused task go on.
    Resume(u32),
    /// Ask the task to stop; it still ends by [`Event::Ended`].
    Stop(u32),
    /// The task's end; comes once for each task that did not enter as ended.
    Report(u32, Ending),
    /// Everything is reported.
    Done,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    Panicked,
    /// Never started, because this task did not succeed.
    Skipped(u32),
}

/// What the machine knows of a task beside its edges.
#[derive(Debug, Default)]
pub(crate) struct Spec {
    pub(crate) priority: TaskPriority,
    /// The longest chain of work from this task on; zero unless optimized.
    pub(crate) b_level: Duration,
    /// Resource and units; each resource once, the units at least 1 and within its capacity.
    pub(crate) needs: Vec<(u32, u32)>,
    /// Set for a task that ended in an earlier run.
    pub(crate) ended: Option<Ending>,
}

/// What bounds the run.
#[derive(Debug)]
pub(crate) struct Limits {
    /// Worker slots.
    pub(crate) slots: usize,
    /// How often a level of priority is passed over before it has its turn.
    pub(crate) max_bypass: u32,
    /// Units of each resource.
    pub(crate) capacities: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// For dependencies, or held.
    Waiting,
    Ready,
    Running,
    /// Started, without a slot by its own will.
    Paused,
    /// Started, waits for a slot.
    Reclaiming,
    Ended,
}

#[derive(Debug)]
struct Task {
    spec: Spec,
    phase: Phase,
    held: bool,
    /// Whether it stands in a queue; at most in one, at most once.
    queued: bool,
    turn: u32,
    /// Dependencies that have not succeeded yet.
    missing: u32,
}

#[derive(Debug)]
pub(crate) struct Machine {
    graph: Arc<Graph>,
    tasks: Vec<Task>,
    free_slots: usize,
    max_bypass: u32,
    /// Units of each resource that nobody holds.
    free: Vec<u32>,
    queue: Queue,
    /// For each resource, who was first in `queue` but lacked it.
    ///
    /// Looked at again only when units come free, so that a crowd before one resource costs
    /// nothing while it waits.
    crowds: Vec<Queue>,
    /// How many of each level stand in any queue.
    n_queued: [u32; LEVELS],
    /// Tasks without a report.
    open: usize,
    next_turn: u32,
    done: bool,
}

impl Machine {
    /// The specs are in the order of the graph's tasks.
    pub(crate) fn new(graph: Arc<Graph>, specs: Vec<Spec>, limits: Limits) -> Self {
        let tasks: Vec<Task> = (0..)
            .zip(specs)
            .map(|(number, spec)| Task {
                phase: if spec.ended.is_some() {
                    Phase::Ended
                } else {
                    Phase::Waiting
                },
                held: false,
                queued: false,
                turn: 0,
                missing: graph.dependencies_of(number).len() as u32,
                spec,
            })
            .collect();
        Self {
            open: tasks
                .iter()
                .filter(|task| task.phase != Phase::Ended)
                .count(),
            crowds: limits.capacities.iter().map(|_| Queue::default()).collect(),
            free_slots: limits.slots,
            max_bypass: limits.max_bypass,
            free: limits.capacities,
            queue: Queue::default(),
            n_queued: [0; LEVELS],
            next_turn: 0,
            done: false,
            graph,
            tasks,
        }
    }

    /// Takes in one event and appends what is to be done to `actions`.
    ///
    /// An event that comes too late (a pause of a task that has ended) changes nothing.
    pub(crate) fn handle(&mut self, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Begun => self.begin(actions),
            Event::Ended(task, ending) => self.ended(task, ending, actions),
            Event::Paused(task) if self.phase(task) == Phase::Running => {
                self.task(task).phase = Phase::Paused;
                self.free_slots += 1;
            }
            Event::Reclaimed(task) if self.phase(task) == Phase::Paused => {
                self.task(task).phase = Phase::Reclaiming;
                self.enqueue(task);
            }
            Event::Held(task) => self.task(task).held = true,
            Event::Unheld(task) => self.unhold(task, actions),
            Event::Cancelled(task) => self.cancel(task, actions),
            Event::HoldersGone => {
                for task in self.numbers() {
                    // What has started is held no more.
                    let not_started = matches!(self.phase(task), Phase::Waiting | Phase::Ready);
                    if not_started && self.tasks[task as usize].held {
                        self.cancel(task, actions);
                    }
                }
            }
            Event::RunCancelled => {
                for task in self.numbers() {
                    match self.phase(task) {
                        Phase::Waiting | Phase::Ready => {
                            self.report(task, Ending::Cancelled, actions)
                        }
                        Phase::Running | Phase::Paused | Phase::Reclaiming => {
                            actions.push(Action::Stop(task))
                        }
                        Phase::Ended => {}
                    }
                }
            }
            Event::Paused(_) | Event::Reclaimed(_) => {}
        }
        self.fill_slots(actions);
        if self.open == 0 && !self.done {
            self.done = true;
            actions.push(Action::Done);
        }
    }

    fn begin(&mut self, actions: &mut Vec<Action>) {
        let graph = Arc::clone(&self.graph);
        for task in self.numbers() {
            match self.tasks[task as usize].spec.ended {
                Some(Ending::Succeeded) => {
                    for &dependent in graph.dependents_of(task) {
                        self.task(dependent).missing -= 1;
                    }
                }
                Some(Ending::Skipped(cause)) => self.skip_dependents(task, cause, actions),
                Some(_) => self.skip_dependents(task, task, actions),
                None => {}
            }
        }
        for task in self.numbers() {
            self.make_ready(task, actions);
        }
    }

    fn ended(&mut self, task: u32, ending: Ending, actions: &mut Vec<Action>) {
        match self.phase(task) {
            Phase::Running => self.free_slots += 1,
            Phase::Paused | Phase::Reclaiming => {}
            Phase::Waiting | Phase::Ready | Phase::Ended => return,
        }
        self.report(task, ending, actions);
        for (resource, units) in self.needs(task) {
            self.free[resource as usize] += units;
            self.admit(resource);
        }
        if ending != Ending::Succeeded {
            self.skip_dependents(task, task, actions);
            return;
        }
        let graph = Arc::clone(&self.graph);
        for &dependent in graph.dependents_of(task) {
            self.task(dependent).missing -= 1;
            self.make_ready(dependent, actions);
        }
    }

    fn cancel(&mut self, task: u32, actions: &mut Vec<Action>) {
        match self.phase(task) {
            Phase::Waiting | Phase::Ready => {
                self.report(task, Ending::Cancelled, actions);
                self.skip_dependents(task, task, actions);
            }
            Phase::Running | Phase::Paused | Phase::Reclaiming => actions.push(Action::Stop(task)),
            Phase::Ended => {}
        }
    }

    fn unhold(&mut self, task: u32, actions: &mut Vec<Action>) {
        self.task(task).held = false;
        if self.phase(task) == Phase::Ready && !self.tasks[task as usize].queued {
            self.enqueue(task);
        }
        self.make_ready(task, actions);
    }

    /// Ends everything behind `task` that waits; a list instead of recursion, for long chains.
    fn skip_dependents(&mut self, task: u32, cause: u32, actions: &mut Vec<Action>) {
        let graph = Arc::clone(&self.graph);
        let mut behind = vec![task];
        while let Some(task) = behind.pop() {
            for &dependent in graph.dependents_of(task) {
                if self.phase(dependent) == Phase::Waiting {
                    self.report(dependent, Ending::Skipped(cause), actions);
                    behind.push(dependent);
                }
            }
        }
    }

    fn report(&mut self, task: u32, ending: Ending, actions: &mut Vec<Action>) {
        self.task(task).phase = Phase::Ended;
        self.open -= 1;
        actions.push(Action::Report(task, ending));
    }

    /// Queues the task if it waits for nothing else any more.
    fn make_ready(&mut self, number: u32, actions: &mut Vec<Action>) {
        let turn = self.next_turn;
        let task = self.task(number);
        if task.phase != Phase::Waiting || task.missing > 0 || task.held {
            return;
        }
        task.phase = Phase::Ready;
        task.turn = turn;
        self.next_turn += 1;
        actions.push(Action::Ready(number));
        self.enqueue(number);
    }

    fn enqueue(&mut self, task: u32) {
        let level = self.level(task);
        self.task(task).queued = true;
        self.n_queued[level] += 1;
        let waiting = self.waiting(task);
        self.queue.push(level, waiting);
    }

    fn fill_slots(&mut self, actions: &mut Vec<Action>) {
        while self.free_slots > 0
            && let Some((level, waiting)) = self.queue.pop(self.max_bypass)
        {
            let task = waiting.task;
            let action = match self.phase(task) {
                Phase::Reclaiming => Action::Resume(task),
                Phase::Ready if !self.tasks[task as usize].held => {
                    if let Some(resource) = self.lacking(task) {
                        self.crowds[resource as usize].push(level, waiting);
                        self.admit_others(task);
                        continue;
                    }
                    for (resource, units) in self.needs(task) {
                        self.free[resource as usize] -= units;
                    }
                    Action::Start(task)
                }
                // Ended or held since it was queued.
                Phase::Waiting | Phase::Ready | Phase::Running | Phase::Paused | Phase::Ended => {
                    self.dequeued(task);
                    self.admit_others(task);
                    continue;
                }
            };
            self.dequeued(task);
            self.task(task).phase = Phase::Running;
            self.free_slots -= 1;
            let n_queued = self.n_queued;
            self.queue.served(level, |level| n_queued[level] > 0);
            actions.push(action);
        }
    }

    fn dequeued(&mut self, task: u32) {
        let level = self.level(task);
        self.task(task).queued = false;
        self.n_queued[level] -= 1;
    }

    /// The first resource of which too little is free.
    fn lacking(&self, task: u32) -> Option<u32> {
        let lacks = |(resource, units): &(u32, u32)| self.free[*resource as usize] < *units;
        self.needs(task)
            .into_iter()
            .find(lacks)
            .map(|(resource, _)| resource)
    }

    /// `task` leaves the queue without taking what it may have been admitted for: the next in
    /// each crowd has the chance.
    fn admit_others(&mut self, task: u32) {
        for (resource, _) in self.needs(task) {
            self.admit(resource);
        }
    }

    /// Moves from the crowd to the queue as many as the free units could serve.
    ///
    /// Too many do no harm (they come back), too few would leave a startable task waiting. It ends:
    /// only who fits `resource` now is moved, and comes back only after somebody took units.
    fn admit(&mut self, resource: u32) {
        let free = self.free[resource as usize];
        let mut left = free;
        let mut too_large = Vec::new();
        while left > 0
            && let Some((level, waiting)) = self.crowds[resource as usize].pop(self.max_bypass)
        {
            let units = self
                .needs(waiting.task)
                .into_iter()
                .find(|need| need.0 == resource)
                .map_or(0, |need| need.1);
            if self.phase(waiting.task) != Phase::Ready {
                self.dequeued(waiting.task);
            } else if units > free {
                too_large.push((level, waiting));
            } else {
                left = left.saturating_sub(units);
                self.queue.push(level, waiting);
                let crowd = &mut self.crowds[resource as usize];
                let waits = crowd.has_waiting();
                crowd.served(level, |level| waits[level]);
            }
        }
        for (level, waiting) in too_large {
            self.crowds[resource as usize].push(level, waiting);
        }
    }

    fn numbers(&self) -> impl Iterator<Item = u32> + use<> {
        0..self.tasks.len() as u32
    }

    fn task(&mut self, task: u32) -> &mut Task {
        &mut self.tasks[task as usize]
    }

    fn phase(&self, task: u32) -> Phase {
        self.tasks[task as usize].phase
    }

    /// A copy; that of no needs does not allocate.
    fn needs(&self, task: u32) -> Vec<(u32, u32)> {
        self.tasks[task as usize].spec.needs.clone()
    }

    fn level(&self, task: u32) -> usize {
        self.tasks[task as usize].spec.priority as usize
    }

    fn waiting(&self, number: u32) -> Waiting {
        let task = &self.tasks[number as usize];
        Waiting {
            b_level: task.spec.b_level,
            turn: Reverse(task.turn),
            task: number,
        }
    }
}
