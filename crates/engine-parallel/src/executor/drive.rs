//! Performs the machine's actions until all is done.

use std::{
    any::Any,
    collections::{BTreeMap, HashMap, VecDeque},
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Commands, ExecutionEvent, Observer, RunOptions, TaskContext,
    context::{Message, Returned, Slot, run},
    control::Command,
    prepare::Prepared,
};
use crate::{
    MetadataValue, Outcome, Results, TaskReport,
    graph::Graph,
    machine::{Action, Ending, Event, Machine},
    task::{Function, Work},
};

/// One execution. All of it lives in the caller's future: dropped with it, the `JoinSet` aborts
/// the tasks.
pub(super) struct Run<'a, T> {
    graph: Arc<Graph>,
    machine: Machine,
    tasks: Vec<Task<T>>,
    bodies: JoinSet<Returned<T>>,
    /// The number of the task behind each of `bodies`.
    numbers: HashMap<Id, u32>,
    running: HashMap<u32, Running>,
    /// When to abort whom; in order of time, since the grace period is the same for all.
    to_abort: VecDeque<(Instant, u32)>,
    grace: Duration,
    messages: mpsc::UnboundedReceiver<Message>,
    to_us: mpsc::UnboundedSender<Message>,
    commands: Option<Commands>,
    cancellation: CancellationToken,
    /// What the tasks' tokens descend from; not the caller's token, which may be cancelled before
    /// the machine knows.
    tokens: CancellationToken,
    on_event: Option<&'a Observer<'a, T>>,
    /// Emptied and used again for each event.
    actions: Vec<Action>,
    done: bool,
}

struct Task<T> {
    function: Option<Function<T>>,
    timeout: Option<Duration>,
    outcome: Option<Outcome<T>>,
    duration: Duration,
    metadata: BTreeMap<String, MetadataValue>,
}

struct Running {
    since: Instant,
    cancellation: CancellationToken,
    abort: AbortHandle,
    /// Its grace period is over, though it may still be between two awaits.
    aborted: bool,
    /// The answer to a paused task that wants a slot again.
    answer: Option<oneshot::Sender<()>>,
}

impl<'a, T: Send + Sync + 'static> Run<'a, T> {
    pub(super) fn new(prepared: Prepared<T>, options: RunOptions<'a, T>, grace: Duration) -> Self {
        let Prepared {
            graph,
            specs,
            limits,
            tasks,
        } = prepared;
        let tasks = tasks.into_iter().map(|task| {
            let (function, outcome) = match task.work {
                Work::Todo(function) => (Some(function), None),
                Work::Ended(outcome) => (None, Some(outcome)),
            };
            Task {
                function,
                timeout: task.timeout,
                outcome,
                duration: Duration::ZERO,
                metadata: task.metadata,
            }
        });
        // Bounded by the tasks that run: see `Slot::messages`.
        let (to_us, messages) = mpsc::unbounded_channel();
        Self {
            machine: Machine::new(Arc::clone(&graph), specs, limits),
            tasks: tasks.collect(),
            bodies: JoinSet::new(),
            numbers: HashMap::new(),
            running: HashMap::new(),
            to_abort: VecDeque::new(),
            grace,
            messages,
            to_us,
            commands: options.commands,
            cancellation: options.cancellation,
            tokens: CancellationToken::new(),
            on_event: options.on_event,
            actions: Vec::new(),
            done: false,
            graph,
        }
    }

    pub(super) async fn drive(mut self) -> Results<T> {
        while let Some(command) = self.commands.as_mut().and_then(Commands::try_next) {
            self.command(Some(command));
        }
        let cancellation = self.cancellation.clone();
        let mut cancelled = pin!(cancellation.cancelled());
        let mut stopping = cancellation.is_cancelled();
        if stopping {
            self.handle(Event::RunCancelled);
        } else {
            self.handle(Event::Begun);
        }
        while !self.done {
            let next_abort = self.to_abort.front().map(|(when, _)| *when);
            tokio::select! {
                // Ends come last, since a stream of them would hide everything else; the others
                // are rare.
                biased;
                () = &mut cancelled, if !stopping => {
                    stopping = true;
                    self.handle(Event::RunCancelled);
                }
                command = next_command(&mut self.commands) => self.command(command),
                Some(message) = self.messages.recv() => self.message(message),
                () = sleep_until(next_abort.unwrap_or_else(Instant::now)), if next_abort.is_some() => self.abort_next(),
                Some(joined) = self.bodies.join_next_with_id() => self.joined(joined),
            }
        }
        let reports = self.tasks.into_iter().map(|task| TaskReport {
            outcome: task
                .outcome
                .expect("the machine reports every task before it is done"),
            duration: task.duration,
            metadata: task.metadata,
        });
        Results::new(self.graph, reports.collect())
    }

    fn command(&mut self, command: Option<Command>) {
        let (id, event): (_, fn(u32) -> Event) = match command {
            Some(Command::Hold(id)) => (id, Event::Held),
            Some(Command::Unhold(id)) => (id, Event::Unheld),
            Some(Command::Cancel(id)) => (id, Event::Cancelled),
            Some(Command::Abort) => {
                self.grace = Duration::ZERO;
                self.to_abort.clear();
                self.handle(Event::RunCancelled);
                return;
            }
            None => {
                self.commands = None;
                self.handle(Event::HoldersGone);
                return;
            }
        };
        if let Some(task) = self.graph.number(&id) {
            self.handle(event(task));
        }
    }

    fn message(&mut self, message: Message) {
        match message {
            // On another thread it may have ended since it said so.
            Message::Paused(task) => {
                if self.running.contains_key(&task) {
                    self.tell(|run| ExecutionEvent::Paused {
                        id: run.graph.id(task),
                    });
                    self.handle(Event::Paused(task));
                }
            }
            Message::Reclaimed(task, answer) => {
                if let Some(running) = self.running.get_mut(&task) {
                    running.answer = Some(answer);
                    self.handle(Event::Reclaimed(task));
                }
            }
        }
    }

    fn abort_next(&mut self) {
        if let Some((_, task)) = self.to_abort.pop_front()
            && let Some(running) = self.running.get_mut(&task)
        {
            running.abort.abort();
            running.aborted = true;
        }
    }

    fn joined(&mut self, joined: Result<(Id, Returned<T>), JoinError>) {
        let (id, returned) = match joined {
            Ok((id, returned)) => (id, Ok(returned)),
            Err(error) => (error.id(), Err(error)),
        };
        let task = self
            .numbers
            .remove(&id)
            .expect("every body is numbered when it is spawned");
        let running = self
            .running
            .remove(&task)
            .expect("a body runs until it is joined");
        let (ending, outcome) = match returned {
            Ok(Returned::Output(_)) if running.aborted => (Ending::Cancelled, Outcome::Cancelled),
            Ok(Returned::Output(output)) => (Ending::Succeeded, Outcome::succeeded(output)),
            // Asked to stop, it said so in its own words.
            Ok(Returned::Error(_)) if running.cancellation.is_cancelled() => {
                (Ending::Cancelled, Outcome::Cancelled)
            }
            Ok(Returned::Error(error)) => (Ending::Failed, Outcome::failed(error)),
            Ok(Returned::TimedOut) => (Ending::TimedOut, Outcome::TimedOut),
            Err(error) => match error.try_into_panic() {
                Ok(payload) => (Ending::Panicked, Outcome::Panicked(panic_message(payload))),
                Err(_) => (Ending::Cancelled, Outcome::Cancelled),
            },
        };
        if ending != Ending::Succeeded {
            running.cancellation.cancel();
        }
        let entry = &mut self.tasks[task as usize];
        entry.duration = running.since.elapsed();
        entry.outcome = Some(outcome);
        self.handle(Event::Ended(task, ending));
    }

    fn handle(&mut self, event: Event) {
        let mut actions = std::mem::take(&mut self.actions);
        self.machine.handle(event, &mut actions);
        for action in actions.drain(..) {
            self.perform(action);
        }
        self.actions = actions;
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Ready(task) => self.tell(|run| ExecutionEvent::Ready {
                id: run.graph.id(task),
            }),
            Action::Start(task) => self.start(task),
            Action::Resume(task) => {
                if let Some(answer) = self
                    .running
                    .get_mut(&task)
                    .and_then(|running| running.answer.take())
                {
                    // An error means that the task has ended meanwhile; its end is on the way.
                    let _ = answer.send(());
                }
                self.tell(|run| ExecutionEvent::Resumed {
                    id: run.graph.id(task),
                });
            }
            Action::Stop(task) => {
                if let Some(running) = self.running.get(&task) {
                    running.cancellation.cancel();
                    // A grace period beyond all time is one without end.
                    if let Some(when) = Instant::now().checked_add(self.grace) {
                        self.to_abort.push_back((when, task));
                    }
                }
            }
            Action::Report(task, ending) => self.report(task, ending),
            Action::Done => self.done = true,
        }
    }

    fn start(&mut self, task: u32) {
        self.tell(|run| ExecutionEvent::Started {
            id: run.graph.id(task),
        });
        let entry = &mut self.tasks[task as usize];
        let function = entry
            .function
            .take()
            .expect("the machine starts a task once, and none that entered as ended");
        let timeout = entry.timeout;
        let cancellation = self.tokens.child_token();
        let outputs = self
            .graph
            .dependencies_of(task)
            .iter()
            .filter_map(|&dependency| {
                let output = self.tasks[dependency as usize].outcome.as_ref()?.output()?;
                Some((Arc::clone(self.graph.id(dependency)), Arc::clone(output)))
            });
        let context = TaskContext {
            id: Arc::clone(self.graph.id(task)),
            outputs: outputs.collect(),
            cancellation: cancellation.clone(),
            slot: Arc::new(Slot::new(task, self.to_us.clone())),
        };
        let abort = self.bodies.spawn(run(function, context, timeout));
        self.numbers.insert(abort.id(), task);
        self.running.insert(
            task,
            Running {
                since: Instant::now(),
                cancellation,
                abort,
                aborted: false,
                answer: None,
            },
        );
    }

    fn report(&mut self, task: u32, ending: Ending) {
        let outcome = match ending {
            Ending::Skipped(cause) => Some(Outcome::Skipped {
                dependency: Arc::clone(self.graph.id(cause)),
            }),
            Ending::Cancelled => Some(Outcome::Cancelled),
            // Those ran: their outcome came with their end.
            Ending::Succeeded | Ending::Failed | Ending::TimedOut | Ending::Panicked => None,
        };
        let entry = &mut self.tasks[task as usize];
        entry.outcome = entry.outcome.take().or(outcome);
        // What it captured must not outlive it.
        entry.function = None;
        let entry = &self.tasks[task as usize];
        if let Some(outcome) = &entry.outcome {
            let duration = entry.duration;
            self.tell(|run| ExecutionEvent::Ended {
                id: run.graph.id(task),
                outcome,
                duration,
            });
        }
    }

    fn tell<'s>(&'s self, event: impl FnOnce(&'s Self) -> ExecutionEvent<'s, T>) {
        if let Some(on_event) = self.on_event {
            on_event(&event(self));
        }
    }
}

/// The next command; never, where nobody can send one.
async fn next_command(commands: &mut Option<Commands>) -> Option<Command> {
    match commands {
        Some(commands) => commands.next().await,
        None => pending().await,
    }
}

fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let message = match payload.downcast_ref::<&str>() {
        Some(message) => (*message).to_owned(),
        None => payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| "a panic without a message".to_owned()),
    };
    // A payload may panic when it is dropped; that must not reach the other tasks.
    drop(catch_unwind(AssertUnwindSafe(|| drop(payload))));
    message
}
