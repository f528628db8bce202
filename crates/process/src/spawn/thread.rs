//! The thread that starts all children.

use std::io;
use std::sync::{Mutex, PoisonError, mpsc};

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Global because it must outlive every child of the process: when it ends, the kernel ends them.
static SPAWNER: Mutex<Option<mpsc::Sender<Job>>> = Mutex::new(None);

/// Runs `work` on the thread that starts children; one at a time, in order of the calls.
///
/// If the caller stops waiting, `work` still runs and its result is dropped there.
pub(crate) async fn on_spawner<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let (reply, answer) = oneshot::channel();
    let job: Job = Box::new(move || {
        // The caller may be gone; then the result, a child perhaps, is dropped and thereby ended.
        drop(reply.send(work()));
    });
    sender()?.send(job).map_err(|_| ended())?;
    answer.await.map_err(|_| ended())
}

fn sender() -> io::Result<mpsc::Sender<Job>> {
    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = &*spawner {
        return Ok(sender.clone());
    }
    // Unbounded: each waiting job has a caller that awaits it.
    let (sender, jobs) = mpsc::channel::<Job>();
    std::thread::Builder::new()
        .name("spawner".into())
        .spawn(move || {
            super::exec::block_signals();
            for job in jobs {
                job();
            }
        })?;
    Ok(spawner.insert(sender).clone())
}

fn ended() -> io::Error {
    io::Error::other("the spawner thread has ended")
}
