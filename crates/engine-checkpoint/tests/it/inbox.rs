//! Messages from other processes.

use core_types::{Gate, Inbox, Message};
use engine_checkpoint::{FileInbox, Options};

#[tokio::test]
async fn a_run_sees_what_another_handle_sends_and_so_does_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("run/inbox");
    let options = Options::default();
    let run = FileInbox::open(&dir, &options).unwrap();
    assert!(run.messages().await.unwrap().is_empty());
    assert!(!dir.exists(), "reading creates nothing");
    let approve = |gate| Message::Approve { gate, plan: None };
    let person = FileInbox::open(&dir, &options).unwrap();
    person.send(&approve(Gate::Plan)).await.unwrap();
    assert_eq!(run.messages().await.unwrap(), [approve(Gate::Plan)]);
    let other = FileInbox::open(&dir, &options).unwrap();
    other.send(&approve(Gate::Landing)).await.unwrap();
    let both = [approve(Gate::Plan), approve(Gate::Landing)];
    assert_eq!(run.messages().await.unwrap(), both);
    drop(run);
    let resumed = FileInbox::open(&dir, &options).unwrap();
    assert_eq!(resumed.messages().await.unwrap(), both);
}
