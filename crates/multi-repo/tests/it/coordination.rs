//! From the configuration to a change set.

use core_types::{ChangeSet, CommandLine, Coordination, ErrorClass, TriggerWhen, WaitReason};
use multi_repo::{Error, Selection, change_set};

use crate::support::{SEED, id, load, name, no_context};

/// A change set as lines, to be compared.
fn shown(set: &ChangeSet) -> String {
    let member = |member: &core_types::Member| {
        let mut line = member.repository.to_string();
        for wait in &member.after {
            let sign = match wait.reason {
                WaitReason::Dependency => "needs",
                WaitReason::Sequence => "follows",
                WaitReason::Trigger => "?",
            };
            line += &format!(" {sign} {}", wait.repository);
        }
        if let Some(trigger) = &member.trigger {
            let on: Vec<_> = trigger.on.iter().map(ToString::to_string).collect();
            let when = match trigger.when {
                TriggerWhen::All => "all",
                TriggerWhen::Any => "any",
            };
            line += &format!(" triggered by {when} {}", on.join("+"));
        }
        if let Some(deploy) = &member.deploy {
            line += &format!(" deploys `{deploy}`");
        }
        line
    };
    set.members
        .iter()
        .map(member)
        .collect::<Vec<_>>()
        .join("\n")
}

#[track_caller]
fn check(text: &str, selection: Selection<'_>, expected: &str) -> ChangeSet {
    let set = change_set(&load(text), selection, id("x"), no_context()).expect("a change set");
    assert_eq!(shown(&set), expected);
    set
}

#[test]
fn the_workflows_of_the_seed() {
    let full_stack = check(
        SEED,
        Selection::Workflow("full-stack-feature"),
        "backend\nfrontend needs backend\ninfrastructure follows frontend triggered by all backend+frontend",
    );
    assert_eq!(full_stack.coordination, Coordination::Sequential);
    assert_eq!(full_stack.workflow.as_deref(), Some("full-stack-feature"));
    let update = check(
        SEED,
        Selection::Workflow("infrastructure-update"),
        "backend\nfrontend needs backend\ninfrastructure triggered by all backend+frontend",
    );
    assert_eq!(update.coordination, Coordination::Parallel);
    assert_eq!(update.test_command, None);
}

const FILE: &str = "
workflow_test_command: make all
repositories:
  - {name: web, path: p, automation: {depends_on: [api, lib, api]}}
  - {name: api, path: p, deploy_command: ./deploy, automation: {auto_deploy: true, depends_on: [lib]}}
  - {name: lib, path: p, deploy_command: [make, deploy]}
  - {name: docs, path: p, write: false}
  - {name: site, path: p, automation: {triggers: [web, docs], trigger_on: any}}
  - {name: cdn, path: p, automation: {triggers: [site]}}
  - {name: off, path: p, automation: {enabled: false, triggers: [lib]}}
cross_repo_workflows:
  - {name: chain, repositories: [lib, docs, api, web], coordination: sequential, workflow_test_command: [make, chain]}
  - {name: leaf, repositories: [web], coordination: parallel}
";

#[test]
fn dependencies_and_triggers_count_as_far_as_they_take_part() {
    let chain = check(
        FILE,
        Selection::Workflow("chain"),
        "lib\ndocs\napi needs lib deploys `./deploy`\nweb needs api needs lib\nsite follows web triggered by any web+docs\ncdn follows site triggered by all site",
    );
    let words = ["make", "chain"].map(str::to_owned).to_vec();
    assert_eq!(chain.test_command, Some(CommandLine::Program(words)));
    let leaf = check(
        FILE,
        Selection::Workflow("leaf"),
        "web\nsite triggered by any web\ncdn triggered by all site",
    );
    assert_eq!(
        leaf.test_command,
        Some(CommandLine::Shell("make all".to_owned()))
    );
    let api = [name("api"), name("lib"), name("api")];
    check(
        FILE,
        Selection::Repositories(&api),
        "lib\napi needs lib deploys `./deploy`",
    );
    check(
        FILE,
        Selection::All,
        "lib\napi needs lib deploys `./deploy`\nweb needs api needs lib\ndocs\nsite triggered by any web+docs\ncdn triggered by all site",
    );
}

#[test]
fn a_change_set_is_recorded_and_read_again() {
    let context = [("feature_flag".to_owned(), "new-feature-v2".to_owned())].into();
    let set = change_set(&load(FILE), Selection::All, id("run-1"), context).expect("a change set");
    let text = serde_json::to_string(&set).expect("JSON");
    assert_eq!(
        serde_json::from_str::<ChangeSet>(&text).expect("the same"),
        set
    );
    assert_eq!(set.context["feature_flag"], "new-feature-v2");
}

#[test]
fn what_is_not_there_is_named() {
    let make = |selection| change_set(&load(FILE), selection, id("x"), no_context());
    let error = make(Selection::Workflow("chian")).expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "there is no workflow \"chian\"; known: chain, leaf"
    );
    assert_eq!(error.class(), ErrorClass::NotFound);
    let names = [name("lib"), name("lob"), name("off")];
    let error = make(Selection::Repositories(&names[..2])).expect_err("unknown");
    assert!(
        matches!(&error, Error::UnknownRepository { name, .. } if name == "lob"),
        "{error}"
    );
    let error = make(Selection::Repositories(&names[2..])).expect_err("disabled");
    assert!(matches!(error, Error::Disabled { .. }), "{error}");
    assert_eq!(make(Selection::Repositories(&[])), Err(Error::Empty));
}

/// Which the findings of the configuration anticipate; values may also be made by programs.
#[test]
fn who_waits_for_each_other_is_named() {
    let mut repositories = load(FILE);
    repositories.entries[2].depends_on = vec!["web".to_owned()];
    let error = change_set(&repositories, Selection::All, id("x"), no_context());
    let expected = "these repositories wait for each other: web → api → lib → web";
    assert_eq!(error.expect_err("a cycle").to_string(), expected);
}
