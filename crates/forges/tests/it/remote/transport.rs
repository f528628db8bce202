//! Connections, tokens, pages, limits.

#![expect(clippy::unwrap_used, reason = "these are the bodies of tests")]

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use core_types::{
    Clock as _, ErrorClass, GitProvider as _, NewComment, RepositoryName, SystemClock,
};
use forges::{
    Forge as _,
    remote::{Kind, Options, RemoteForge, Secret, Slug},
};
use testkit::forge::Faults;

use super::{TOKEN, open, options, patient, start};
use crate::support::operation;
on_each! {
    a_list_that_grows_by_a_page_is_read_whole
    lists_are_read_whole_and_asked_again_by_their_tags
    patience_ends
    a_repository_that_was_renamed_is_read
    no_answer_leads_to_another_server
}

async fn a_list_that_grows_by_a_page_is_read_whole(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let provider = open(kind, &simulated, "backend", Duration::from_millis(1));
    let issue = simulated.write_issue("ada", "backend", "grace", "a", "");
    let comment = |body: &str| NewComment {
        issue,
        body: body.to_owned(),
    };
    for number in 1..=52 {
        let name = operation(format!("comment-{number}"));
        provider.create_comment(&name, comment("b")).await.unwrap();
        simulated.write_issue("ada", "backend", "grace", "c", "");
        if number >= 48 {
            // Another process has written it, for all that this one knows.
            tokio::time::sleep(Duration::from_millis(2)).await;
            let n_comments = provider.list_comments(issue).await.unwrap().len();
            let n_issues = provider.list_issues().await.unwrap().len();
            assert_eq!((n_comments, n_issues), (number, number + 1));
        }
    }
}

async fn lists_are_read_whole_and_asked_again_by_their_tags(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    for number in 0..120 {
        simulated.write_issue("ada", "backend", "grace", &format!("issue {number}"), "");
    }
    let provider = open(kind, &simulated, "backend", Duration::from_millis(1));
    for _ in 0..2 {
        let listed = provider.list_issues().await.unwrap();
        let numbers: Vec<u64> = listed.iter().map(|it| it.number).collect();
        assert_eq!(numbers, (1..=120).collect::<Vec<_>>());
    }
    let calls = simulated.take_calls();
    let pages = calls.iter().filter(|it| it.path.ends_with("/issues"));
    let statuses: Vec<u16> = pages.map(|it| it.status).collect();
    assert_eq!(
        statuses,
        [200, 200, 200, 304, 304, 304],
        "three pages, and nothing new"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_goes_to_its_forge_alone_and_stands_nowhere() {
    let clock = Arc::new(SystemClock);
    let forge = |url: &str, token: &str| {
        let token = Secret::new(token.to_owned());
        RemoteForge::new(Kind::Gitea, url, token, Options::default(), clock.clone())
    };
    for url in [
        "http://git.example.org",
        "http://10.0.0.1:3000",
        "http://localhost.example.org",
    ] {
        let refused = forge(url, "abc").unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Validation);
        assert!(refused.to_string().contains("has no TLS"), "{refused}");
    }
    let refused = forge("https://ada:secret-word@git.example.org", "abc").unwrap_err();
    assert!(!refused.to_string().contains("secret-word"), "{refused}");
    for url in [
        "https://git.example.org",
        "http://localhost:3000",
        "http://[::1]:3000/gitea/",
    ] {
        forge(url, "abc").unwrap();
    }
    for token in ["", " \n", "two words", "tab\tbed"] {
        let refused = forge("https://git.example.org", token).unwrap_err();
        assert!(
            refused.to_string().contains("token is not valid"),
            "{refused}"
        );
    }

    let (_folder, simulated) = start(Kind::Gitea).await;
    let token = "t0ken-of-somebody-unknown";
    let name = RepositoryName::new("backend").unwrap();
    let unknown = forge(simulated.url(), token).unwrap();
    let unknown = unknown.with_repository(name.clone(), Slug::new("ada", "backend").unwrap());
    let provider = unknown.provider(&name);
    let error = provider.list_issues().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Unauthorized);
    let shown = format!(
        "{unknown:?} {provider:?} {error:?} {} {}",
        error.to_line(),
        error.detail()
    );
    assert!(!shown.contains(token), "{shown}");
    assert!(error.to_line().contains("401"), "{}", error.to_line());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forge_that_is_not_there_or_has_no_such_repository_is_named() {
    let (_folder, simulated) = start(Kind::Gitea).await;
    let missing = open(
        Kind::Gitea,
        &simulated,
        "nowhere",
        Duration::from_millis(10),
    );
    let error = missing.list_issues().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound);
    let line = error.to_line();
    assert!(line.contains("GET /repos/ada/nowhere/issues"), "{line}");
    let url = simulated.url().to_owned();
    let lone = open(
        Kind::Gitea,
        &simulated,
        "backend",
        Duration::from_millis(10),
    );
    drop(simulated);
    let error = lone.list_issues().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.to_line().contains(&url), "{}", error.to_line());
}

#[tokio::test(flavor = "multi_thread")]
async fn git_fetches_and_pushes_over_http_with_the_token_as_password() {
    let (folder, simulated) = start(Kind::Gitea).await;
    let work = testkit::git::Fixture::new(folder.path().join("work"));
    let url = format!("{}/ada/backend.git", simulated.url());
    let helper = |password: &str| {
        format!("credential.helper=!f() {{ echo username=robot; echo password={password}; }}; f")
    };
    let refused = std::panic::catch_unwind(|| {
        work.git(&["-c", &helper("wrong"), "ls-remote", &url]);
    });
    assert!(refused.is_err(), "without the token nothing is given");
    let with_token = helper(TOKEN);
    work.git(&["-c", &with_token, "pull", "-q", &url, "main"]);
    let pushed = work.file("new.txt", "new\n").commit("New");
    work.git(&["-c", &with_token, "push", "-q", &url, "main:automation/new"]);
    assert_eq!(
        simulated.branch("ada", "backend", "automation/new"),
        Some(pushed)
    );
}

/// Times of an answer are read by the clock: a limit that ends later than patience lasts is told.
async fn patience_ends(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let faults = Faults {
        refused: 1.0,
        ..Faults::default()
    };
    simulated.set_faults(faults, 1);
    let provider = patient(open(kind, &simulated, "backend", Duration::from_millis(10)));
    let begun = Instant::now();
    let error = provider.list_issues().await.unwrap_err();
    let ErrorClass::RateLimited { until: Some(until) } = error.class() else {
        panic!("{error:?}");
    };
    assert!(until <= SystemClock.now());
    assert!(begun.elapsed() < Duration::from_secs(10));
    let line = error.to_line();
    assert!(
        !line.contains("gives no reason") || kind != Kind::GitHub,
        "{line}"
    );
    assert_eq!(
        simulated.take_calls().len(),
        200,
        "as often as it is allowed to try"
    );
}

/// Reads go where the repository is now; what would change something says so instead.
async fn a_repository_that_was_renamed_is_read(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let issue = simulated.write_issue("ada", "backend", "grace", "Do it", "");
    let provider = open(kind, &simulated, "backend", Duration::from_millis(10));
    simulated.rename("ada", "backend", "server");
    assert_eq!(provider.get_issue(issue).await.unwrap().title, "Do it");
    assert_eq!(provider.list_issues().await.unwrap().len(), 1);
    let new = NewComment {
        issue,
        body: "Done".to_owned(),
    };
    let error = provider
        .create_comment(&operation("1"), new)
        .await
        .unwrap_err();
    let line = error.to_line();
    assert!(
        line.contains("it has moved to ") && line.contains("server/issues"),
        "{line}"
    );
    assert!(
        line.contains("name its new owner and repository in the configuration"),
        "{line}"
    );
    assert_eq!(error.class(), ErrorClass::Validation, "{line}");
    let count = simulated
        .truth("ada", "server")
        .iter()
        .filter(|it| it.kind == "comment")
        .count();
    assert_eq!(count, 0);
}

/// The token goes to its host alone, whatever an answer says, and in no circle.
async fn no_answer_leads_to_another_server(kind: Kind) {
    let (_folder, simulated) = start(kind).await;
    let (_other_folder, other) = start(kind).await;
    let api = match kind {
        Kind::GitHub => "/api/v3/repos/ada/backend",
        Kind::GitLab => "/api/v4/projects/ada%2Fbackend",
        _ => "/api/v1/repos/ada/backend",
    };
    let provider = open(kind, &simulated, "backend", Duration::from_millis(10));
    simulated.lead_to("ada", "backend", &format!("{}{api}", other.url()));
    let error = provider.get_issue(1).await.unwrap_err();
    assert!(
        error.to_line().contains("it has moved to "),
        "{}",
        error.to_line()
    );
    assert_eq!(other.take_calls().len(), 0);
    assert_eq!(simulated.take_calls().len(), 1, "{kind:?}");
    simulated.lead_to("ada", "backend", &format!("{}{api}", simulated.url()));
    let error = provider.get_issue(1).await.unwrap_err();
    assert!(
        error.to_line().contains("it has moved to "),
        "{}",
        error.to_line()
    );
    assert_eq!(simulated.take_calls().len(), 4, "{kind:?}");
}

/// GitHub, where one of its servers does not know yet what another one has made.
#[tokio::test(flavor = "multi_thread")]
async fn what_github_cannot_resolve_is_not_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answering = thread::spawn(move || {
        let body = r#"{"message":"Validation Failed","errors":[{"resource":"Issue","code":"unprocessable",
            "message":"Could not resolve to a node with the global id of 'PR_1'."}]}"#;
        let text = format!(
            "HTTP/1.1 422 No\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4096];
        assert!(stream.read(&mut asked).unwrap() > 0);
        stream.write_all(text.as_bytes()).unwrap();
    });
    let token = Secret::new(TOKEN.to_owned());
    let options = options(Duration::from_millis(10));
    let clock = Arc::new(SystemClock);
    let forge = RemoteForge::new(Kind::GitHub, &url, token, options, clock).unwrap();
    let error = forge.login().await.unwrap_err();
    assert_eq!(error.class(), ErrorClass::NotFound, "{}", error.to_line());
    answering.join().unwrap();
}
