//! Secrets that lie where a run could come by them: found nowhere that it writes, shows or sends.

use std::{fs, io::Write as _};

use testkit::{
    forge::Faults,
    models::{SimulatedModels, Turn},
};
use tokio::runtime::Runtime;

use crate::forges::{Bed, TOKEN};

/// What each is, where it lies, and itself. Of a file, the path below the user's home folder.
const PLANTED: [(&str, &str, &str); 12] = [
    (
        "key of the models",
        "OPENAI_API_KEY",
        "sk-proj-1f6a9c0d7e5b4a3288",
    ),
    (
        "key of other models",
        "ANTHROPIC_API_KEY",
        "sk-ant-api03-Qm9iIHdhcyBoZXJl",
    ),
    (
        "key of a cloud",
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMIK7MDENGbPxRfiCY",
    ),
    (
        "token of another forge",
        "GITHUB_TOKEN",
        "ghp_16C7e42F292c6912E7710c838347",
    ),
    (
        "password of a database",
        "DATABASE_URL",
        "postgres://ada:hunter2butlonger@db/x",
    ),
    (
        "token of a registry",
        "NPM_TOKEN",
        "npm_Vx3kZr8QpL1sTn6YbW4e",
    ),
    (
        "private key",
        ".ssh/id_ed25519",
        "b3BlbnNzaC1rZXktdjEAAAAABG5v",
    ),
    (
        "stored passwords of git",
        ".git-credentials",
        "https://ada:gitpass77@example.org",
    ),
    (
        "passwords of hosts",
        ".netrc",
        "machine example.org password netrcpass88",
    ),
    (
        "login of a registry",
        ".npmrc",
        "//registry/:_authToken=npmrctoken99",
    ),
    (
        "login of a cloud",
        ".aws/credentials",
        "aws_secret_access_key = filesecret11",
    ),
    (
        "login of a cluster",
        ".kube/config",
        "client-key-data: kubesecret22",
    ),
];

/// Tries to take all of them, as a hijacked agent would: into its change, its answer and its output.
const THIEF: &str = r#"#!/bin/sh
{
  env
  cat ~/.ssh/* ~/.git-credentials ~/.netrc ~/.npmrc ~/.aws/* ~/.kube/*
  cat REAL/.ssh/* REAL/.git-credentials REAL/.netrc REAL/.npmrc REAL/.aws/* REAL/.kube/*
  cat /proc/*/environ | tr '\0' '\n'
} > stolen 2>&1
cat stolen
echo bar > a.txt
"#;

/// A run on a forge that fails at times, by an agent that would tell all that it finds.
#[test]
fn what_is_secret_is_found_nowhere() {
    let bed = Bed::of("gitea");
    if bed.place.lacks_sandbox() {
        return;
    }
    let home = bed.place.path("../home");
    for (_, path, secret) in PLANTED.iter().filter(|(_, place, _)| place.contains('.')) {
        let path = home.join(path);
        fs::create_dir_all(path.parent().expect("below")).expect("a folder");
        let mut file = fs::File::create(&path).expect("a file");
        file.write_all(secret.as_bytes()).expect("room for it");
    }
    bed.forge.write_issue("ada", "app", "grace", "Say bar", "");
    let faults = Faults {
        refused: 0.05,
        down_before: 0.05,
        lost: 0.05,
        ..Faults::default()
    };
    bed.forge.set_faults(faults, 7);
    let real = home.display().to_string();
    bed.place.script("steal.sh", &THIEF.replace("REAL", &real));
    bed.place.file(
        "config/automation.yaml",
        "agents:\n- {name: thief, kind: command, command: [./steal.sh], environment: [OPENAI_API_KEY]}\n\
         recovery: {delay_percent: 0}\n",
    );
    let runtime = Runtime::new().expect("a runtime can be made");
    let models = runtime.block_on(SimulatedModels::start(|_| Turn::says("done")));
    let mut shown = String::new();
    for arguments in [
        "run 1 --run-id r1 --land".to_owned(),
        "status r1".to_owned(),
        "status r1 --json".to_owned(),
        "logs change --run r1".to_owned(),
        "cost".to_owned(),
        "report r1 --out report.html".to_owned(),
        "auth status".to_owned(),
        "doctor".to_owned(),
    ] {
        let mut command = bed.place.command(&arguments);
        command
            .env("HOME", &home)
            .env("FORGE_TOKEN", TOKEN)
            .env("OPENAI_BASE_URL", models.url());
        for (_, name, secret) in PLANTED.iter().filter(|(_, place, _)| !place.contains('.')) {
            command.env(name, secret);
        }
        let ran = bed.place.end_of(command);
        shown.push_str(&ran.stdout);
        shown.push_str(&ran.stderr);
    }
    let told = format!("{:?}", bed.forge.truth("ada", "app"));
    let calls: String = (bed.forge.take_calls().iter())
        .map(|call| format!("{} {:?}", call.path, call.body))
        .collect();
    let stolen = bed.git().git(&["show", "main:stolen"]);
    assert!(
        stolen.contains("AUTOMATION_RUN_ID=r1"),
        "it has tried: {stolen}"
    );
    assert!(
        stolen.contains("OPENAI_API_KEY=automation-"),
        "a token: {stolen}"
    );
    for (what, place, secret) in PLANTED {
        // Each of them lies where it was put, so that something is shown.
        if place.contains('.') {
            assert_eq!(
                fs::read_to_string(home.join(place)).expect("it lies there"),
                secret
            );
        }
        assert!(!shown.contains(secret), "{what} is shown: {shown}");
        assert!(!stolen.contains(secret), "{what} was stolen");
        assert!(!told.contains(secret), "{what} stands on the forge");
        assert!(!calls.contains(secret), "{what} was sent to the forge");
        bed.assert_stored_nowhere(secret);
    }
    bed.assert_stored_nowhere(TOKEN);
}
