use super::scrub;

#[track_caller]
fn check(text: &str, expected: &str, secrets: usize) {
    let scrubbed = scrub(text);
    assert_eq!(scrubbed.text, expected, "{text}");
    assert_eq!(scrubbed.secrets, secrets, "{text}");
    assert_eq!(
        scrub(expected).text,
        expected,
        "scrubbing twice is scrubbing once"
    );
}

/// Put together here, so that no file holds what looks like a secret.
fn digits(prefix: &str, length: usize) -> String {
    let rest: String = "a1B2c3D4e5F6g7H8".chars().cycle().take(length).collect();
    format!("{prefix}{rest}")
}

#[test]
fn tokens_of_known_shape_are_taken_out() {
    for (prefix, length, kind) in [
        ("ghp_", 36, "github-token"),
        ("github_pat_", 40, "github-token"),
        ("glpat-", 20, "gitlab-token"),
        ("AKIA", 16, "aws-key"),
        ("AIza", 35, "google-key"),
        ("sk-ant-", 60, "anthropic-key"),
        ("sk-", 48, "api-key"),
        ("xoxb-", 40, "slack-token"),
        ("npm_", 36, "npm-token"),
    ] {
        let token = digits(prefix, length);
        check(
            &format!("use {token}, please."),
            &format!("use [scrubbed:{kind}], please."),
            1,
        );
        check(&format!("({token})."), &format!("([scrubbed:{kind}])."), 1);
    }
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", digits("", 20));
    check(
        &format!("it is {jwt} now"),
        "it is [scrubbed:json-web-token] now",
        1,
    );
}

#[test]
fn private_keys_are_taken_out_whole_or_cut_off() {
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----";
    check(&format!("a\n{key}\nb"), "a\n[scrubbed:private-key]\nb", 1);
    check(
        "a\n-----BEGIN PRIVATE KEY-----\nMIIE",
        "a\n[scrubbed:private-key]",
        1,
    );
    check(
        "-----BEGIN CERTIFICATE-----\nMIIE",
        "-----BEGIN CERTIFICATE-----\nMIIE",
        0,
    );
}

#[test]
fn credentials_in_urls_are_taken_out() {
    check(
        "https://me:pw@host/x",
        "https://[scrubbed:credentials]@host/x",
        1,
    );
    let token = digits("", 24);
    check(
        &format!("git+https://{token}@host"),
        "git+https://[scrubbed:credentials]@host",
        1,
    );
    check(
        "ssh://git@host/x and https://host/@me",
        "ssh://git@host/x and https://host/@me",
        0,
    );
}

#[test]
fn values_of_secret_keys_are_taken_out() {
    check("DB_PASSWORD=hunter2!", "DB_PASSWORD=[scrubbed:value]", 1);
    check("apiKey: 'abc-123'", "apiKey: '[scrubbed:value]'", 1);
    check(
        r#"{"client_secret": "x y z 1"}"#,
        r#"{"client_secret": "[scrubbed:value]"}"#,
        1,
    );
    check(
        "--token abc12345 --all",
        "--token [scrubbed:value] --all",
        1,
    );
    check(
        "Authorization: Bearer abc12345",
        "Authorization: Bearer [scrubbed:value]",
        1,
    );
}

#[test]
fn what_is_no_secret_stays() {
    for text in [
        "",
        "Fix the password form: it is too wide.",
        "token = next_token()?.is_none()",
        "max_tokens=4096 and token_count: 12345",
        "PASSWORD=$DB_PASSWORD, API_KEY=<your key>, secret: ${SECRET}",
        "if password == expected { return true; }",
        "sk-learn and xoxo, AKIA, ghp_short",
        "täglich größer: ärger-öl-über",
        "see https://example.org/a?b=c#d",
    ] {
        check(text, text, 0);
    }
}
