//! Clients that others made, driving the simulated forges: that these behave as the real ones do does not rest on our
//! client alone.

use std::{env, io::Write as _, path::PathBuf, process::Stdio};

use forges::remote::Kind;

use super::{TOKEN, start};

/// Runs a script by the Python that `AUTOMATION_REAL_CLIENTS` names.
async fn drive(kind: Kind, script: &str, below: &str) {
    let Some(python) = env::var_os("AUTOMATION_REAL_CLIENTS").map(PathBuf::from) else {
        writeln!(
            std::io::stderr(),
            "SKIPPED: cargo xtask real-parts forges runs {script}"
        )
        .expect("the test's output takes it");
        return;
    };
    let (_folder, simulated) = start(kind).await;
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(script);
    let url = format!("{}{below}", simulated.url());
    let ran = tokio::task::spawn_blocking(move || run(&python, &script, &url));
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
fn run(python: &std::path::Path, script: &std::path::Path, url: &str) -> (bool, String) {
    let ran = std::process::Command::new(python)
        .args([script.as_os_str(), url.as_ref(), TOKEN.as_ref()])
        .stdin(Stdio::null())
        .output()
        .expect("it can be started");
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (ran.status.success(), said)
}

#[tokio::test(flavor = "multi_thread")]
async fn pygithub_works_on_the_simulated_github() {
    Box::pin(drive(Kind::GitHub, "github_client.py", "/api/v3")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_gitlab_works_on_the_simulated_gitlab() {
    Box::pin(drive(Kind::GitLab, "gitlab_client.py", "")).await;
}
