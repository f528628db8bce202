//! Clients that others made, driving the simulated forges: that these behave as the real ones do does not rest on our
//! client alone.

use std::{
    env,
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use forges::remote::Kind;

use super::{TOKEN, start};

/// The Python that has the clients' packages.
const PYTHON: &str = "AUTOMATION_REAL_CLIENTS";

/// GitHub's own command line.
const GH: &str = "AUTOMATION_REAL_GH";

/// Runs a script by a shell or by Python, where the variable names the program that it needs. It is given the forge's
/// URL and a token.
async fn drive(kind: Kind, variable: &str, script: &str, below: &str) {
    let Some(program) = env::var_os(variable) else {
        writeln!(
            std::io::stderr(),
            "SKIPPED: cargo xtask real-parts forges runs {script}"
        )
        .expect("the test's output takes it");
        return;
    };
    let (folder, simulated) = start(kind).await;
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let path = data.join(script).into_os_string();
    let mut words = match variable {
        GH => vec!["sh".into(), path, program],
        _ => vec![program, path],
    };
    words.extend([format!("{}{below}", simulated.url()).into(), TOKEN.into()]);
    let home = folder.path().to_owned();
    let ran = tokio::task::spawn_blocking(move || run(&words, &home));
    let (is_well, said) = ran.await.expect("no panic");
    assert!(is_well, "{said}");
    writeln!(std::io::stderr(), "{said}").expect("the test's output takes it");
    let n_calls = simulated.take_calls().len();
    assert!(n_calls >= 15, "{n_calls} calls");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client of others is started as they start it"
)]
fn run(words: &[OsString], home: &Path) -> (bool, String) {
    let ran = std::process::Command::new(&words[0])
        .args(&words[1..])
        .env("HOME", home)
        .stdin(Stdio::null())
        .output()
        .expect("it can be started");
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (ran.status.success(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn pygithub_works_on_the_simulated_github() {
    Box::pin(drive(Kind::GitHub, PYTHON, "github_client.py", "/api/v3")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_gitlab_works_on_the_simulated_gitlab() {
    Box::pin(drive(Kind::GitLab, PYTHON, "gitlab_client.py", "")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gh_works_on_the_simulated_github() {
    Box::pin(drive(Kind::GitHub, GH, "github_cli.sh", "")).await;
}
