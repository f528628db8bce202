//! The real implementations pass the suites of their ports.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use core_types::{CheckpointStore, Inbox};
use engine_checkpoint::{CheckpointManager, FileInbox, Options, RunView};
use testkit::event_sink::Subject;

use crate::support::create;

/// Folders of their own for the cases of a suite.
struct Folders {
    root: tempfile::TempDir,
    count: AtomicU32,
}

impl Folders {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary folder");
        let count = AtomicU32::new(0);
        Self { root, count }
    }

    fn next(&self) -> std::path::PathBuf {
        let number = self.count.fetch_add(1, Ordering::SeqCst);
        self.root.path().join(number.to_string())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_step_log_of_a_run_conforms() {
    let folders = Folders::new();
    testkit::step_log::conformance(async || create(&folders.next()).steps()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_sink_of_a_run_conforms() {
    let folders = Folders::new();
    testkit::event_sink::conformance(async || {
        let dir = folders.next();
        let sink = create(&dir).events();
        let read = move || {
            let view = RunView::read(&dir).expect("the run is readable");
            view.events().map(|(_, event)| event.clone()).collect()
        };
        Subject {
            sink,
            read: Box::new(read),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoints_of_a_run_conform() {
    let folders = Folders::new();
    testkit::checkpoint_store::conformance(async || create(&folders.next()).checkpoints()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checkpoint_manager_conforms() {
    let folders = Folders::new();
    testkit::checkpoint_store::conformance(async || {
        let manager = CheckpointManager::open(folders.next()).unwrap();
        Arc::new(manager) as Arc<dyn CheckpointStore>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_conforms() {
    let folders = Folders::new();
    testkit::inbox::conformance(async || {
        let inbox = FileInbox::open(folders.next(), &Options::default()).unwrap();
        Arc::new(inbox) as Arc<dyn Inbox>
    })
    .await;
}
