//! What a running task sees of the executor, and how it is held to its slot and its time.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{TaskError, task::Function};

/// What a task says to the execution.
#[derive(Debug)]
pub(super) enum Message {
    Paused(u32),
    /// It wants a slot again; the sender is its answer.
    Reclaimed(u32, oneshot::Sender<()>),
}

/// What a task's function is given.
#[derive(Debug)]
pub struct TaskContext<T> {
    pub(super) id: Arc<str>,
    pub(super) outputs: Vec<(Arc<str>, Arc<T>)>,
    pub(super) cancellation: CancellationToken,
    pub(super) slot: Arc<Slot>,
}

impl<T> TaskContext<T> {
    /// The task's id.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The output of a task that this one depends on directly; none for any other.
    pub fn output(&self, id: &str) -> Option<&Arc<T>> {
        self.outputs
            .iter()
            .find(|(dependency, _)| &**dependency == id)
            .map(|(_, output)| output)
    }

    /// The outputs of all direct dependencies, in the order in which those were submitted.
    pub fn outputs(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Arc<T>)> {
        self.outputs.iter().map(|(id, output)| (id, output))
    }

    /// Cancelled when the task shall stop: it has the grace period to do so. Also cancelled when
    /// the task was aborted, for what it may have spawned.
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    /// Waits for something outside (a backoff, a gate, a person) without a worker slot, and then
    /// for a slot; others run meanwhile. The task's timeout stands still, its resources stay held.
    ///
    /// # Cancel safety
    ///
    /// Dropping it halfway drops `waiting`; the task gets no further turn until it has a slot
    /// again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use engine_parallel::{TaskContext, TaskError};
    ///
    /// async fn patient(mut context: TaskContext<u32>) -> Result<u32, TaskError> {
    ///     context.pause(tokio::time::sleep(Duration::from_secs(2))).await;
    ///     Ok(1)
    /// }
    /// ```
    pub async fn pause<F: Future>(&mut self, waiting: F) -> F::Output {
        let mut claim = Claim::give_back(&self.slot);
        let output = waiting.await;
        claim.take_back().await;
        output
    }
}

/// A started task's hold on a worker slot, and the clock that runs while it has one.
#[derive(Debug)]
pub(super) struct Slot {
    task: u32,
    /// Unbounded: at most two messages for each pause, and a task pauses again only after the
    /// execution has answered.
    messages: mpsc::UnboundedSender<Message>,
    state: Mutex<SlotState>,
    /// Told when the clock goes on.
    resumed: Notify,
}

#[derive(Debug)]
struct SlotState {
    /// Time with a slot, before `since`.
    ran: Duration,
    /// None while paused.
    since: Option<Instant>,
    /// The answer that a pause did not wait for, because it was dropped.
    owed: Option<oneshot::Receiver<()>>,
}

impl Slot {
    pub(super) fn new(task: u32, messages: mpsc::UnboundedSender<Message>) -> Self {
        let state = SlotState {
            ran: Duration::ZERO,
            since: Some(Instant::now()),
            owed: None,
        };
        Self {
            task,
            messages,
            state: Mutex::new(state),
            resumed: Notify::new(),
        }
    }

    fn claim(&self) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        // An error means that the execution was dropped; the task is about to be aborted.
        drop(self.messages.send(Message::Reclaimed(self.task, sender)));
        receiver
    }

    fn go_on(&self) {
        self.state().since = Some(Instant::now());
        self.resumed.notify_one();
    }

    /// Ready unless the task dropped a pause and has no slot yet.
    fn poll_owed(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if let Some(owed) = &mut state.owed {
            // An error means that the execution was dropped: nobody waits for the slot either.
            drop(ready!(Pin::new(owed).poll(cx)));
            state.owed = None;
            drop(state);
            self.go_on();
        }
        Poll::Ready(())
    }

    fn ran(&self) -> Duration {
        let state = self.state();
        state.ran + state.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Ends when the task has had a slot for so long.
    async fn ran_for(&self, limit: Duration) {
        loop {
            let left = limit.saturating_sub(self.ran());
            let paused = self.state().since.is_none();
            if left.is_zero() {
                return;
            } else if paused {
                self.resumed.notified().await;
            } else {
                tokio::time::sleep(left).await;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, SlotState> {
        // Nothing panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot given back, to be taken back: also when the pause is dropped halfway.
struct Claim<'a> {
    slot: &'a Slot,
    answer: Option<oneshot::Receiver<()>>,
    taken_back: bool,
}

impl<'a> Claim<'a> {
    fn give_back(slot: &'a Slot) -> Self {
        let ran = slot.ran();
        let mut state = slot.state();
        (state.ran, state.since) = (ran, None);
        drop(state);
        // An error means that the execution was dropped; the task is about to be aborted.
        drop(slot.messages.send(Message::Paused(slot.task)));
        Self {
            slot,
            answer: None,
            taken_back: false,
        }
    }

    async fn take_back(&mut self) {
        let answer = self.answer.insert(self.slot.claim());
        // An error means that the execution was dropped.
        drop(answer.await);
        self.slot.go_on();
        self.taken_back = true;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.taken_back {
            let answer = self.answer.take().unwrap_or_else(|| self.slot.claim());
            self.slot.state().owed = Some(answer);
        }
    }
}

/// How a task's function came to its end by itself.
#[derive(Debug)]
pub(super) enum Returned<T> {
    Output(T),
    Error(TaskError),
    TimedOut,
}

/// Runs a task's function to its end or its timeout; panics as it does.
pub(super) async fn run<T>(
    function: Function<T>,
    context: TaskContext<T>,
    timeout: Option<Duration>,
) -> Returned<T> {
    let slot = Arc::clone(&context.slot);
    let mut body = function(context);
    let governed = poll_fn(|cx| {
        ready!(slot.poll_owed(cx));
        body.as_mut().poll(cx)
    });
    let result = match timeout {
        None => governed.await,
        Some(limit) => tokio::select! {
            // The body first: the timer is not armed for what ends at once.
            biased;
            // A body that blocked its thread may come back later than the timer could say so.
            result = governed => if slot.ran() > limit { return Returned::TimedOut } else { result },
            () = slot.ran_for(limit) => return Returned::TimedOut,
        },
    };
    match result {
        Ok(output) => Returned::Output(output),
        Err(error) => Returned::Error(error),
    }
}
