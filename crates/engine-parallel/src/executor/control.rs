//! Steering an execution from outside.

use std::sync::Arc;

use tokio::sync::mpsc;

#[derive(Debug)]
pub(super) enum Command {
    Hold(Arc<str>),
    Unhold(Arc<str>),
    Cancel(Arc<str>),
    Abort,
}

/// A pair of ends: the first steers the execution that is given the second
/// ([`RunOptions::commands`](super::RunOptions::commands)).
///
/// Commands sent before the execution begins are in force when it begins: this is how a plan
/// holds a task back from the start.
///
/// # Examples
///
/// ```
/// use engine_parallel::{ExecutionTask, ParallelExecutor, RunOptions, control};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (control, commands) = control();
/// control.hold("deploy");
/// let approver = control.clone();
/// let tasks = vec![
///     ExecutionTask::new("build", async move |_| {
///         approver.unhold("deploy");
///         Ok("built")
///     }),
///     ExecutionTask::new("deploy", async |_| Ok("deployed")),
/// ];
/// let options = RunOptions { commands: Some(commands), ..RunOptions::default() };
/// let results = ParallelExecutor::new(2)?.execute(tasks, options).await?;
/// assert!(results.all_succeeded());
/// # Ok(())
/// # }
/// ```
pub fn control() -> (Control, Commands) {
    // Unbounded: an execution takes commands whenever it is polled, and they come at the pace of
    // persons and plans.
    let (sender, receiver) = mpsc::unbounded_channel();
    (Control { sender }, Commands { receiver })
}

/// Steers one execution; cheap to clone.
///
/// A command for an id that is unknown, or that comes too late, changes nothing. When the last
/// clone is dropped, nobody can lift a hold any more, and tasks held back are cancelled.
#[derive(Clone, Debug)]
pub struct Control {
    sender: mpsc::UnboundedSender<Command>,
}

impl Control {
    /// Keeps a task that has not started from starting.
    pub fn hold(&self, id: impl Into<Arc<str>>) {
        self.send(Command::Hold(id.into()));
    }

    /// Lifts the hold of a task.
    pub fn unhold(&self, id: impl Into<Arc<str>>) {
        self.send(Command::Unhold(id.into()));
    }

    /// Cancels one task: it does not start, or is asked to stop and aborted after the grace
    /// period. What depends on it is skipped.
    pub fn cancel(&self, id: impl Into<Arc<str>>) {
        self.send(Command::Cancel(id.into()));
    }

    /// Cancels the whole execution without a grace period.
    pub fn abort(&self) {
        self.send(Command::Abort);
    }

    fn send(&self, command: Command) {
        // An error means that the execution has ended: the command comes too late.
        drop(self.sender.send(command));
    }
}

/// The receiving end of a [`Control`].
#[derive(Debug)]
pub struct Commands {
    receiver: mpsc::UnboundedReceiver<Command>,
}

impl Commands {
    /// The next command that is already there.
    pub(super) fn try_next(&mut self) -> Option<Command> {
        self.receiver.try_recv().ok()
    }

    /// The next command; none when every [`Control`] is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses no command.
    pub(super) async fn next(&mut self) -> Option<Command> {
        self.receiver.recv().await
    }
}
