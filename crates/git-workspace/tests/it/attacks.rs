use std::path::Path;

use core_types::{Capture, CheckoutPolicy, Landed, Repository};

use crate::support::{Home, base, branch, change, landing, merged, sh};

/// Configuration that runs `evil` at every opportunity git gives.
fn evil_config(evil: &Path) -> String {
    let evil = evil.display();
    format!(
        "git config core.fsmonitor {evil}
         git config core.hooksPath {evil}-hooks
         git config filter.evil.clean {evil}
         git config filter.evil.smudge {evil}
         git config filter.evil.process {evil}
         git config filter.evil.required true
         git config filter.x=y.clean {evil}
         git config diff.evil.textconv {evil}
         git config diff.evil.command {evil}
         git config diff.external {evil}
         git config merge.evil.driver {evil}
         git config core.sshCommand {evil}
         git config core.pager {evil}
         git config core.editor {evil}
         git config core.alternateRefsCommand {evil}
         git config credential.helper '!{evil}'
         git config gpg.program {evil}
         git config commit.gpgSign true
         git config uploadpack.packObjectsHook {evil}
         git config gc.auto 1
         git config alias.status '!{evil}'
         git config includeIf.gitdir:/.path {evil}-include"
    )
}

async fn plant(home: &Home) -> std::path::PathBuf {
    let evil = home.path("evil");
    let (e, ran) = (evil.display(), home.path("ran"));
    home.sh(&format!(
        "printf '#!/bin/sh\\necho \"$0 $*\" >> {ran}\\ncat\\n' > {e} && chmod +x {e} && mkdir {e}-hooks
         for hook in pre-commit post-checkout post-merge reference-transaction pre-receive update post-receive \\
             post-update post-index-change pre-auto-gc post-rewrite commit-msg prepare-commit-msg; do
             cp {e} {e}-hooks/$hook; done
         printf '[core]\\n\\tfsmonitor = {e}\\n' > {e}-include",
        ran = ran.display(),
    ))
    .await;
    evil
}

fn assert_nothing_ran(home: &Home) {
    let ran = std::fs::read_to_string(home.path("ran")).unwrap_or_default();
    assert_eq!(ran, "", "something planted was executed");
}

#[tokio::test]
async fn nothing_that_an_agent_plants_runs() {
    let home = Home::new().await;
    let evil = plant(&home).await;
    let repository = home.open().await;
    let commit = base(&repository).await;
    let clone = repository.lease(&commit).await.unwrap();
    let plant = format!(
        "{}
         for hook in {e}-hooks/*; do mkdir -p .git/hooks; cp $hook .git/hooks/; done
         echo '* filter=evil diff=evil merge=evil' > .gitattributes
         mkdir -p .git/info; cp .gitattributes .git/info/attributes
         echo {e} > .git/objects/info/alternates
         printf '[core]\\n\\tfsmonitor = {e}\\n[filter \"evil\"]\\n\\tclean = {e}\\n' > .gitconfig
         printf '[submodule \"s\"]\\n\\tpath = s\\n\\turl = ext::{e}\\n\\tupdate = !{e}\\n' > .gitmodules
         echo changed >> a.txt",
        evil_config(&evil),
        e = evil.display(),
    );
    sh(clone.folder(), &plant).await;
    // The script above is the agent's own doing.
    drop(std::fs::remove_file(home.path("ran")));
    clone.snapshot().await.unwrap();
    let Capture::Committed {
        commit: made,
        files,
    } = clone.commit(None, "m").await.unwrap()
    else {
        panic!("the change is captured");
    };
    assert_eq!(files.len(), 4);
    drop(clone);
    assert_nothing_ran(&home);

    // The attributes are now part of history.
    let other = change(&repository, &commit, "echo other >> src/lib.txt").await;
    let both = merged(&repository, &made, &other).await;
    let diff = repository.diff(&commit, &both, 1 << 20).await.unwrap();
    assert!(diff.text.contains("+changed") && diff.text.contains("+other"));
    let clone = repository.lease(&both).await.unwrap();
    assert!(clone.folder().join(".gitmodules").exists());
    drop(clone);
    repository
        .clone_to(&both, &home.path("copy"))
        .await
        .unwrap();
    assert_nothing_ran(&home);
}

#[tokio::test]
async fn nothing_that_the_users_repository_configures_runs() {
    let home = Home::new().await;
    home.sh("cd user && echo '*.txt filter=evil diff=evil' > .gitattributes && git add -A && git commit -q -m attributes").await;
    let evil = plant(&home).await;
    sh(&home.user(), &evil_config(&evil)).await;
    sh(
        &home.user(),
        &format!("cp {}-hooks/* .git/hooks/", evil.display()),
    )
    .await;
    // A file that only looks changed would be filtered to compare it.
    sh(&home.user(), "touch -d 2001-01-01 a.txt").await;
    drop(std::fs::remove_file(home.path("ran")));

    let repository = home.open().await;
    assert_eq!(repository.warnings().await.unwrap(), Vec::<String>::new());
    let commit = base(&repository).await;
    let made = change(&repository, &commit, "echo x > new.md").await;
    repository
        .publish(&branch("automation/r/change"), &made)
        .await
        .unwrap();
    let landed = repository
        .land(&landing(&commit, &made, CheckoutPolicy::Update))
        .await
        .unwrap();
    assert_eq!(landed, Landed::Moved);
    // Paths with a filter are the user's to write.
    let filtered = change(&repository, &made, "echo more >> a.txt").await;
    repository
        .publish(&branch("automation/r/change"), &filtered)
        .await
        .unwrap();
    let landed = repository
        .land(&landing(&made, &filtered, CheckoutPolicy::Update))
        .await
        .unwrap();
    assert!(matches!(landed, Landed::Blocked { .. }), "{landed:?}");
    assert_nothing_ran(&home);
}
