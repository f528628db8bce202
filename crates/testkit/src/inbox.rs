//! What every [`Inbox`] must do.

use std::sync::Arc;

use core_types::{Gate, Inbox, Message, Plan, Scope, StepKey};
use tokio::task::JoinSet;

/// Runs all cases; `make` gives an empty inbox each time.
///
/// # Panics
///
/// When the inbox breaks the port's contract.
pub async fn conformance(make: impl AsyncFn() -> Arc<dyn Inbox>) {
    messages_come_back_in_order(&*make().await).await;
    no_message_of_many_senders_is_lost(make().await).await;
}

fn consent(attempt: u32) -> Message {
    Message::Consent {
        key: StepKey::new(Scope::Run, attempt, "act"),
    }
}

async fn messages_come_back_in_order(inbox: &dyn Inbox) {
    assert!(inbox.messages().await.expect("messages").is_empty());
    let plan = Plan {
        id: "plan-1".parse().expect("a valid plan id"),
        title: "grüße\n\"quoted\"".to_owned(),
        tasks: Vec::new(),
    };
    let sent = [
        Message::Approve {
            gate: Gate::Plan,
            plan: Some(plan),
        },
        Message::Approve {
            gate: Gate::Landing,
            plan: None,
        },
        consent(2),
        consent(2),
        Message::Land {
            update_checkout: true,
            allow_unverified: false,
        },
    ];
    for message in &sent {
        inbox.send(message).await.expect("send");
    }
    assert_eq!(inbox.messages().await.expect("messages"), sent);
    let again = inbox.messages().await.expect("messages");
    assert_eq!(again, sent, "reading takes nothing away");
}

async fn no_message_of_many_senders_is_lost(inbox: Arc<dyn Inbox>) {
    let mut senders = JoinSet::new();
    for number in 1..=20 {
        let inbox = Arc::clone(&inbox);
        senders.spawn(async move { inbox.send(&consent(number)).await.expect("send") });
    }
    while let Some(ended) = senders.join_next().await {
        ended.expect("no sender panics");
    }
    let messages = inbox.messages().await.expect("messages");
    assert_eq!(messages.len(), 20);
    for number in 1..=20 {
        assert!(
            messages.contains(&consent(number)),
            "message {number} is kept"
        );
    }
}
