use std::sync::Arc;

use core_types::{ErrorClass, RepositoryName};
use forges::{Forge, ForgeContext, ForgeSpec, LocalForgeOptions, Registry};

use testkit::FixedClock;

use crate::support::{new_issue, open, operation};

fn spec(kind: &str) -> ForgeSpec {
    ForgeSpec {
        name: "home".to_owned(),
        kind: kind.to_owned(),
    }
}

#[tokio::test]
async fn kinds_are_found_by_name_and_others_can_be_added() {
    let folder = tempfile::tempdir().unwrap();
    let context = ForgeContext {
        folder: folder.path().join("forge"),
        local: LocalForgeOptions::default(),
        clock: Arc::new(FixedClock::default()),
    };
    let mut registry = Registry::default();
    let local = registry.open(&spec("local"), &context).unwrap();
    let backend = local.provider(&RepositoryName::new("backend").unwrap());
    let issue = backend
        .create_issue(&operation("1"), new_issue("a"))
        .await
        .unwrap();
    assert_eq!(issue.author, "automation");

    let unknown = registry.open(&spec("gitea"), &context).unwrap_err();
    assert_eq!(unknown.class(), ErrorClass::Validation);
    assert_eq!(
        unknown.to_string(),
        "forge \"home\" has the unknown kind \"gitea\"; known are: local"
    );
    registry.add(
        "gitea",
        Arc::new(|_, context| Ok(Arc::new(open(&context.folder)) as Arc<dyn Forge>)),
    );
    assert_eq!(registry.kinds().collect::<Vec<_>>(), ["gitea", "local"]);
    registry.open(&spec("gitea"), &context).unwrap();
}
