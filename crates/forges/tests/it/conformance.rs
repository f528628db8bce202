use std::cell::Cell;

use crate::support::{open, repository};

#[tokio::test]
async fn the_local_forge_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let n_repositories = Cell::new(0);
    testkit::git_provider::conformance(async || {
        // A repository nobody has used, in a forge that others have: what
        // they did must not be seen. Each has a handle of its own.
        n_repositories.set(n_repositories.get() + 1);
        let name = format!("repository-{}", n_repositories.get());
        repository(&open(folder.path()), &name)
    })
    .await;
    assert!(
        n_repositories.get() > 5,
        "the suite asks for a repository for each case"
    );
}
