//! Who may look, and who may act.

use std::sync::Arc;

use core_types::{CancellationToken, Gate, SystemClock, Usd};
use monitoring::{
    dashboard::{Access, Control, Dashboard, Error, Options, Secret, Server, Tls},
    fold::{Board, Command, MemorySource},
    metrics::Metrics,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls};

use crate::dashboard_client::{Served, options, serve};

async fn looking() -> Served {
    serve(options(Control::ReadOnly)).await
}

async fn acting() -> Served {
    serve(options(Control::Allowed)).await
}

#[tokio::test]
async fn other_names_that_lead_here_are_refused() {
    let served = looking().await;
    let bearer = served.bearer();
    for host in [
        "evil.example",
        "localhost.evil.example",
        "localhost@evil.example",
        "127.0.0.1.nip.io",
        "127.0.0.2",
        "[::2]",
        "",
        "localhost:80:80",
    ] {
        for path in [
            "/",
            "/api/runs",
            "/metrics",
            "/api/health",
            "/assets/icon.svg",
        ] {
            let answer = served
                .send(&format!(
                    "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{bearer}\r\n"
                ))
                .await;
            assert!(
                matches!(answer.status, 400 | 421),
                "{path} under the name {host:?} answers {}",
                answer.status
            );
        }
    }
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000"] {
        let answer = served
            .send(&format!(
                "GET /api/health HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            ))
            .await;
        assert_eq!(answer.status, 200, "{host} is ours");
    }
    let answer = served
        .send("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        .await;
    assert!(
        matches!(answer.status, 400 | 421),
        "no name is no name of ours"
    );
}

#[tokio::test]
async fn requests_that_other_pages_cause_are_refused() {
    let served = looking().await;
    let cookie = served.enter().await;
    let port = served.port;
    for headers in [
        "Origin: http://evil.example\r\n".to_owned(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: http://localhost:{}\r\n", port.wrapping_add(1)),
        format!("Origin: http://localhost:{port}.evil.example\r\n"),
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n".to_owned(),
        "Sec-Fetch-Site: same-site\r\nSec-Fetch-Mode: cors\r\n".to_owned(),
    ] {
        for path in ["/", "/api/runs", "/api/events", "/metrics"] {
            let answer = served.get_with(path, &format!("{cookie}{headers}")).await;
            assert_eq!(answer.status, 403, "{path} with {headers:?}");
        }
    }
    let navigation = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
    let answer = served.get_with("/", navigation).await;
    assert_eq!(
        answer.status, 401,
        "a link elsewhere may lead here, without our cookie"
    );
    let own = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\n";
    let answer = served
        .get_with("/api/runs", &format!("{cookie}{own}{}", served.origin()))
        .await;
    assert_eq!(answer.status, 200, "our own page may ask");
}

#[tokio::test]
async fn nothing_but_health_and_metrics_is_shown_without_a_token() {
    let served = looking().await;
    for path in [
        "/",
        "/history",
        "/costs",
        "/learning",
        "/runs/65-two-factor",
        "/nowhere",
    ] {
        let answer = served.get_with(path, "").await;
        assert_eq!(answer.status, 401, "{path}");
        assert!(
            !answer.body.contains("65-two-factor"),
            "{path} tells nothing"
        );
    }
    for path in [
        "/api/runs",
        "/api/metrics/summary",
        "/api/events",
        "/api/nowhere",
    ] {
        let answer = served.get_with(path, "").await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (401, r#"{"error":"no valid token"}"#),
            "{path}"
        );
    }
    for wrong in [
        "Authorization: Bearer\r\n",
        "Authorization: Bearer 0000\r\n",
        "Cookie: automation_0=x\r\n",
    ] {
        assert_eq!(served.get_with("/", wrong).await.status, 401, "{wrong:?}");
    }
    for path in ["/metrics", "/api/health"] {
        assert_eq!(
            served.get_with(path, "").await.status,
            200,
            "{path} is open on loopback"
        );
    }
}

#[tokio::test]
async fn a_link_lets_one_browser_in_once() {
    let served = looking().await;
    assert!(
        served
            .link
            .starts_with(&format!("http://127.0.0.1:{}/enter?code=", served.port))
    );
    let path = served.link_path();
    let (one, other) = tokio::join!(served.get_with(&path, ""), served.get_with(&path, ""));
    let mut codes = [one.status, other.status];
    codes.sort_unstable();
    assert_eq!(codes, [200, 403], "of two at once one is let in");
    let first = if one.status == 200 { one } else { other };
    let cookie = first.header("set-cookie").expect("it gets a cookie");
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(cookie.contains(attribute), "{cookie} has {attribute}");
    }
    assert_eq!(
        served.get_with(&path, "").await.status,
        403,
        "the link is used"
    );
    let next = served.link_path();
    assert_ne!(next, path, "there is a next link");
    let cookie = served.enter().await;
    assert_eq!(served.get_with("/", &cookie).await.status, 200);
    let answer = served.get_with(&path, &cookie).await;
    assert_eq!(answer.status, 303, "who is in already is led on");
}

#[tokio::test]
async fn a_dashboard_that_only_shows_refuses_commands() {
    let served = looking().await;
    let cookie = served.enter().await;
    let headers = format!("{cookie}{}", served.origin());
    let answer = served
        .post("/runs/64-billing/approve", &headers, "gate=landing")
        .await;
    assert_eq!(answer.status, 403);
    assert!(answer.body.contains("--allow-control"), "{}", answer.body);
    let page = served.get("/runs/64-billing").await.body;
    assert!(!page.contains("<form"), "it shows no buttons");
    assert!(
        page.contains("automation approve 64-billing"),
        "it shows the command instead"
    );
    assert!(served.source.commands().is_empty());
}

#[tokio::test]
async fn commands_need_cookie_origin_and_form_token() {
    let served = acting().await;
    let cookie = served.enter().await;
    let origin = served.origin();
    let page = served.get_with("/runs/64-billing", &cookie).await.body;
    let token = page_token(&page);
    let path = "/runs/64-billing/approve";
    let form = format!("token={token}&gate=landing");
    for (headers, form, expected, why) in [
        (origin.clone(), form.clone(), 401, "no cookie"),
        (cookie.clone(), form.clone(), 403, "no origin"),
        (
            format!("{cookie}Origin: http://evil.example\r\n"),
            form.clone(),
            403,
            "another origin",
        ),
        (
            format!("{cookie}{origin}"),
            "gate=landing".to_owned(),
            403,
            "no form token",
        ),
        (
            format!("{cookie}{origin}"),
            format!("token={}&gate=landing", "0".repeat(64)),
            403,
            "a wrong token",
        ),
        (
            format!("{cookie}{origin}"),
            format!("token={token}&gate=moon"),
            400,
            "no such gate",
        ),
    ] {
        let answer = served.post(path, &headers, &form).await;
        assert_eq!(answer.status, expected, "{why}: {}", answer.body);
    }
    assert!(
        served.source.commands().is_empty(),
        "nothing was carried out"
    );

    let headers = format!("{cookie}{origin}");
    let answer = served.post(path, &headers, &form).await;
    assert_eq!(answer.status, 303);
    let back = answer.header("location").expect("it leads back").to_owned();
    assert!(back.starts_with("/runs/64-billing?told="), "{back}");
    let raise = format!("token={token}&limit=12.50");
    assert_eq!(
        served
            .post("/runs/64-billing/raise", &headers, &raise)
            .await
            .status,
        303
    );
    let answer = format!("token={token}&text=Use+the+old+key");
    let at = "/runs/65-two-factor/tasks/totp/answer";
    assert_eq!(served.post(at, &headers, &answer).await.status, 303);
    let bearer = served.bearer();
    assert_eq!(
        served
            .post("/runs/64-billing/cancel", &bearer, "")
            .await
            .status,
        303,
        "a program needs no form"
    );
    let limit: Usd = "12.50".parse().expect("an amount");
    let commands: Vec<Command> = served
        .source
        .commands()
        .into_iter()
        .map(|(_, it)| it)
        .collect();
    assert_eq!(
        commands,
        [
            Command::Approve {
                gate: Gate::Landing
            },
            Command::Raise { limit },
            Command::Answer {
                task: "totp".parse().expect("a name"),
                text: "Use the old key".to_owned(),
            },
            Command::Cancel,
        ]
    );
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let served = looking().await;
    for (path, headers) in [
        ("/", served.bearer()),
        ("/", String::new()),
        ("/nowhere", served.bearer()),
        ("/metrics", String::new()),
    ] {
        let answer = served.get_with(path, &headers).await;
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

const METRICS_TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn unserved(options: &Options) -> Dashboard {
    let clock = Arc::new(SystemClock);
    let board = Arc::new(Board::new(Arc::new(MemorySource::new()), clock.clone()));
    let access = Access::new(Secret::from_bytes([1; 32]))
        .with_metrics_token(METRICS_TOKEN)
        .expect("it is long enough");
    let access = Arc::new(access);
    Dashboard::new(board, Metrics::default(), clock, access, options)
}

#[tokio::test]
async fn an_address_that_others_reach_needs_tls() {
    let options = Options {
        address: "0.0.0.0:0".parse().expect("an address"),
        ..Options::default()
    };
    let refused = Server::bind(unserved(&options), &options, None).await;
    assert!(
        matches!(refused, Err(Error::ForeignAddress { .. })),
        "{refused:?}"
    );
    let nonsense = Tls::from_pem(b"no certificate", b"no key");
    assert!(
        matches!(nonsense, Err(Error::Certificate { .. })),
        "{nonsense:?}"
    );
}

/// A certificate of our own, and its use.
fn certified() -> (rcgen::CertifiedKey<rcgen::KeyPair>, Tls) {
    let own = rcgen::generate_simple_self_signed(["dashboard.example".to_owned()])
        .expect("a certificate");
    let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let tls = Tls::from_pem(certificate.as_bytes(), key.as_bytes()).expect("they belong together");
    (own, tls)
}

#[tokio::test]
async fn who_listens_everywhere_says_under_which_names() {
    let options = Options {
        address: "0.0.0.0:0".parse().expect("an address"),
        ..Options::default()
    };
    let refused = Server::bind(unserved(&options), &options, Some(certified().1)).await;
    assert!(matches!(refused, Err(Error::NoHost { .. })), "{refused:?}");
}

#[tokio::test]
async fn behind_tls_even_health_and_metrics_need_a_token() {
    let options = Options {
        address: "0.0.0.0:0".parse().expect("an address"),
        hosts: vec!["dashboard.example".to_owned()],
        ..Options::default()
    };
    let (own, tls) = certified();
    let server = Server::bind(unserved(&options), &options, Some(tls))
        .await
        .expect("with TLS it may");
    let port = server.address().port();
    let link = server.link();
    assert!(
        link.starts_with(&format!("https://dashboard.example:{port}/enter?code=")),
        "{link}"
    );
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { server.serve(CancellationToken::new()).await });

    let mut roots = rustls::RootCertStore::empty();
    roots.add(own.cert.der().clone()).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let path = link.split_once("/enter").expect("a path").1;
    let with_token = format!("Authorization: Bearer {METRICS_TOKEN}\r\n");
    for (path, headers, expected) in [
        ("/metrics", "", 401),
        ("/api/health", "", 401),
        ("/metrics", &*with_token, 200),
        ("/api/health", &with_token, 200),
        ("/api/runs", &with_token, 401),
        ("/", &with_token, 401),
        (&*format!("/enter{path}"), "", 200),
    ] {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("it listens");
        let name = "dashboard.example".try_into().expect("a name");
        let mut stream = connector.connect(name, stream).await.expect("a handshake");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: dashboard.example:{port}\r\nConnection: close\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        // The server closes without a farewell of TLS.
        stream.read_to_string(&mut answer).await.ok();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {expected}")),
            "{path}: {answer}"
        );
        if path.starts_with("/enter") {
            assert!(
                answer.contains("; Secure"),
                "the cookie is for TLS alone: {answer}"
            );
        }
    }
}

#[test]
fn a_token_for_metrics_cannot_be_guessed_and_is_not_shown() {
    let access = || Access::new(Secret::from_bytes([9; 32]));
    let spaced = "0123456789abcdef 0123456789abcdef";
    for weak in ["", "short", spaced, "ä0123456789abcdef0123456789abcdef"] {
        let refused = access().with_metrics_token(weak);
        assert!(matches!(refused, Err(Error::WeakToken)), "{weak}");
    }
    let access = access()
        .with_metrics_token(METRICS_TOKEN)
        .expect("it is long enough");
    assert!(!format!("{access:?}").contains(METRICS_TOKEN), "{access:?}");
}

/// A run that no process holds takes a person's word up later: the page says so, until it has.
#[tokio::test]
async fn a_word_to_a_run_that_nobody_holds_is_shown_to_wait() {
    let served = acting().await;
    let cookie = served.enter().await;
    let view = served.get("/api/runs/61-search").await.body;
    let view: serde_json::Value = serde_json::from_str(&view).expect("it is JSON");
    assert_eq!(view["header"]["state"], "failed");
    let tasks = view["tasks"].as_array().expect("tasks");
    let task = tasks.iter().find(|task| task["status"] == "failed");
    let task = task.expect("one has failed")["task"]
        .as_str()
        .expect("a name");
    let at = format!("/runs/61-search/tasks/{task}");
    let page = served.get_with(&at, &cookie).await.body;
    for word in ["answer", "retry", "skip"] {
        assert!(page.contains(&format!("{at}/{word}")), "{word}: {page}");
    }
    let token = page_token(&page);
    let waits = "automation resume 61-search";
    assert!(!page.contains(waits), "nothing was said yet");

    let headers = format!("{cookie}{}", served.origin());
    let retry = format!("token={token}");
    let answer = served.post(&format!("{at}/retry"), &headers, &retry).await;
    let back = answer.header("location").expect("it leads back").to_owned();
    let page = served.get_with(&back, &cookie).await.body;
    assert!(page.contains(waits), "{back}: {page}");

    let run = "61-search".parse().expect("a name");
    let event = core_types::Event::RunStarted {
        session: 2,
        max_workers: 3,
        title: String::new(),
    };
    let record = core_types::EventRecord {
        v: 1,
        at: crate::dashboard_client::NOW,
        step: None,
        event,
    };
    served.source.push(&run, [record]);
    served.source.set_held(&run, true);
    let mut page = String::new();
    for _ in 0..100 {
        page = served.get_with(&back, &cookie).await.body;
        if !page.contains(waits) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(!page.contains(waits), "it goes on: {page}");
}

fn page_token(page: &str) -> String {
    let rest = page.split_once(r#"name="token" value=""#);
    let token = rest.and_then(|(_, rest)| rest.split_once('"'));
    token
        .map(|(token, _)| token.to_owned())
        .expect("the page has a form with a token")
}
