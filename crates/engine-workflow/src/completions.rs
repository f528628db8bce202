//! Which repositories have completed, for those that wait for any of several.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use core_types::RepositoryName;
use engine_parallel::graph::Graph;
use tokio::sync::Notify;

use crate::coordination::completed;

/// Which repositories have completed, and which no longer can.
///
/// A node that waits for *any* of several has no edges to them, since one
/// failure must not skip it; so failures are followed through the graph here.
#[derive(Debug)]
pub(crate) struct Completions {
    graph: Graph,
    states: Mutex<States>,
    changed: Notify,
}

/// See [`Completions::watch`].
pub(crate) struct Watch<'a> {
    completions: &'a Completions,
    node: Option<&'a str>,
}

impl Watch<'_> {
    /// The node has come to an end of its own.
    pub(crate) fn ended(mut self) {
        self.node = None;
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if let Some(node) = self.node {
            self.completions.fail(node);
        }
    }
}

#[derive(Debug, Default)]
struct States {
    completed: BTreeSet<RepositoryName>,
    failed: BTreeSet<String>,
}

impl Completions {
    pub(crate) fn new(graph: Graph) -> Self {
        Self {
            graph,
            states: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// A repository's integration head has passed Testing.
    pub(crate) fn complete(&self, repository: &RepositoryName) {
        self.lock().completed.insert(repository.clone());
        self.changed.notify_waiters();
    }

    /// A node has failed: what depends on it, through any number of nodes, never starts.
    pub(crate) fn fail(&self, node: &str) {
        let mut states = self.lock();
        let mut open = vec![node.to_owned()];
        while let Some(node) = open.pop() {
            let dependents = self.graph.dependents(&node).map(|id| id.to_string());
            open.extend(dependents.filter(|id| !states.failed.contains(id)));
            states.failed.insert(node);
        }
        drop(states);
        self.changed.notify_waiters();
    }

    /// Waits until one of the repositories has completed; the error says why none ever will.
    pub(crate) async fn any(&self, of: &[RepositoryName]) -> Result<(), String> {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            // Registered before looking, so that no change falls between.
            changed.as_mut().enable();
            {
                let states = self.lock();
                if of.iter().any(|it| states.completed.contains(it)) {
                    return Ok(());
                }
                if of.iter().all(|it| states.failed.contains(&completed(it))) {
                    let names: Vec<_> = of.iter().map(RepositoryName::as_str).collect();
                    return Err(format!("none of {} has completed", names.join(", ")));
                }
            }
            changed.await;
        }
    }

    /// Takes a node for failed when it is dropped before it was said to have ended, by a panic say.
    pub(crate) fn watch<'a>(&'a self, node: &'a str) -> Watch<'a> {
        Watch {
            completions: self,
            node: Some(node),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
