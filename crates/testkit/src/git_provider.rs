//! What every [`GitProvider`] must do.

use std::{collections::HashSet, sync::Arc};

use core_types::{
    BranchName, CommitId, ErrorClass, GitProvider, IssueChange, IssueState, NewComment, NewIssue,
    NewPullRequest, Operated, OperationId, PortError, PullRequest, PullRequestChange,
    PullRequestState,
};
use tokio::task::JoinSet;

/// Moves a branch to a commit.
pub type Push = Arc<dyn Fn(&BranchName, &CommitId) + Send + Sync>;

/// One repository for one case.
#[derive(Clone)]
pub struct Subject {
    /// The repository as the port shows it.
    pub provider: Arc<dyn GitProvider>,
    /// Two commits: the first is the head of `automation/a` and `automation/b` and one further than
    /// `main`, the second is one further than the first. A forge that knows no commits takes any.
    pub commits: [CommitId; 2],
    /// Moves a branch to a commit, where the forge follows its branches; else nothing.
    pub push: Push,
}

impl From<Arc<dyn GitProvider>> for Subject {
    /// For a forge that takes the word of its callers for where branches are.
    fn from(provider: Arc<dyn GitProvider>) -> Self {
        Self {
            provider,
            commits: ["a", "b"].map(commit),
            push: Arc::new(|_, _| {}),
        }
    }
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("provider", &self.provider)
            .field("commits", &self.commits)
            .finish_non_exhaustive()
    }
}

/// Runs all cases; `make` gives a repository without issues and pull requests
/// each time. A forge of which branches are demanded must have `main`,
/// `automation/a` and `automation/b`: see [`conformance_of`].
///
/// # Panics
///
/// When the forge breaks the port's contract.
pub async fn conformance(make: impl AsyncFn() -> Arc<dyn GitProvider>) {
    Box::pin(conformance_of(async || make().await.into())).await;
}

/// The same for a forge with commits of its own.
///
/// # Panics
///
/// When the forge breaks the port's contract.
pub async fn conformance_of(make: impl AsyncFn() -> Subject) {
    an_empty_repository_holds_nothing(&*make().await.provider).await;
    issues_are_created_changed_and_listed(&*make().await.provider).await;
    texts_come_back_as_they_were_given(&make().await).await;
    comments_belong_to_issues_and_pull_requests(&make().await).await;
    comments_are_changed_in_place(&*make().await.provider).await;
    pull_requests_are_opened_changed_and_listed(&make().await).await;
    one_pull_request_is_open_for_a_head_and_base(&make().await).await;
    pull_requests_are_merged_at_their_head_alone(&make().await).await;
    a_repeated_operation_acts_once(&make().await).await;
    empty_texts_are_refused(&make().await).await;
    what_is_missing_is_not_found(&*make().await.provider).await;
    issues_created_at_once_have_numbers_of_their_own(make().await.provider).await;
    an_operation_repeated_at_once_acts_once(make().await.provider).await;
}

fn operation(name: &str) -> OperationId {
    OperationId::new(format!("run-1:run#1:{name}")).expect("a valid operation id")
}

fn commit(digit: &str) -> CommitId {
    CommitId::new(digit.repeat(40)).expect("a valid commit id")
}

fn branch(name: &str) -> BranchName {
    BranchName::new(name).expect("a valid branch name")
}

fn issue(title: &str) -> NewIssue {
    NewIssue {
        title: title.to_owned(),
        ..NewIssue::default()
    }
}

impl Subject {
    fn pull_request(&self, head: &str) -> NewPullRequest {
        NewPullRequest {
            title: format!("Change of {head}"),
            body: String::new(),
            head: branch(head),
            base: branch("main"),
            head_commit: self.commits[0].clone(),
        }
    }
}

#[track_caller]
fn class<T: std::fmt::Debug>(result: Result<T, PortError>) -> ErrorClass {
    result.expect_err("it must be refused").class()
}

async fn an_empty_repository_holds_nothing(forge: &dyn GitProvider) {
    assert!(forge.list_issues().await.expect("list issues").is_empty());
    assert!(
        forge
            .list_pull_requests()
            .await
            .expect("list pull requests")
            .is_empty()
    );
    assert_eq!(forge.find(&operation("a")).await.expect("find"), None);
}

async fn issues_are_created_changed_and_listed(forge: &dyn GitProvider) {
    let labels = ["b", "a", "b"].map(str::to_owned).to_vec();
    let new = NewIssue {
        body: "body".to_owned(),
        labels,
        ..issue("first")
    };
    let first = forge
        .create_issue(&operation("1"), new)
        .await
        .expect("create");
    assert_eq!(
        (&*first.title, &*first.body, first.state),
        ("first", "body", IssueState::Open)
    );
    assert_eq!(
        first.labels,
        ["a", "b"],
        "labels are sorted, without duplicates"
    );
    let second = forge
        .create_issue(&operation("2"), issue("second"))
        .await
        .expect("create");
    assert!(
        first.number >= 1 && second.number > first.number,
        "numbers rise from 1"
    );
    assert_eq!(forge.get_issue(first.number).await.expect("get"), first);
    assert_eq!(
        forge.list_issues().await.expect("list"),
        [first.clone(), second.clone()]
    );

    let change = IssueChange {
        state: Some(IssueState::Closed),
        ..IssueChange::default()
    };
    let closed = forge
        .update_issue(&operation("3"), first.number, change)
        .await
        .expect("close");
    assert_eq!(
        closed,
        core_types::Issue {
            state: IssueState::Closed,
            ..first.clone()
        }
    );
    let change = IssueChange {
        title: Some("other".to_owned()),
        body: Some(String::new()),
        labels: Some(vec!["z".to_owned(), "c".to_owned()]),
        state: Some(IssueState::Open),
    };
    let changed = forge
        .update_issue(&operation("4"), first.number, change)
        .await
        .expect("change");
    assert_eq!((&*changed.title, &*changed.body), ("other", ""));
    assert_eq!(
        (changed.labels.join(" "), changed.state),
        ("c z".to_owned(), IssueState::Open)
    );
    assert_eq!(forge.list_issues().await.expect("list"), [changed, second]);
    let found = forge.find(&operation("2")).await.expect("find");
    assert!(matches!(found, Some(Operated::Issue(issue)) if issue.title == "second"));
}

async fn texts_come_back_as_they_were_given(subject: &Subject) {
    let forge = &*subject.provider;
    let title = "Grüße: \"quoted\" 🦀 <!-- automation:x --> `--title`";
    let body = "\n# Head\r\n\n---\n<!-- automation:run-1:run#1:x -->\n  indented\n\ttab 🦀\n\n";
    let new = NewIssue {
        body: body.to_owned(),
        ..issue(title)
    };
    let made = forge
        .create_issue(&operation("1"), new)
        .await
        .expect("create");
    assert_eq!((&*made.title, &*made.body), (title, body));
    let read = forge.get_issue(made.number).await.expect("get");
    assert_eq!((&*read.title, &*read.body), (title, body));

    let comment = NewComment {
        issue: made.number,
        body: body.to_owned(),
    };
    forge
        .create_comment(&operation("2"), comment)
        .await
        .expect("comment");
    assert_eq!(
        forge.list_comments(made.number).await.expect("list")[0].body,
        body
    );

    let title = title.to_owned();
    let new = NewPullRequest {
        title: title.clone(),
        body: body.to_owned(),
        ..subject.pull_request("automation/a")
    };
    forge
        .create_pull_request(&operation("3"), new)
        .await
        .expect("open");
    let read = forge.list_pull_requests().await.expect("list");
    assert_eq!((&read[0].title, &*read[0].body), (&title, body));
}

async fn comments_belong_to_issues_and_pull_requests(subject: &Subject) {
    let forge = &*subject.provider;
    let issue = forge
        .create_issue(&operation("1"), issue("a"))
        .await
        .expect("create")
        .number;
    let new = subject.pull_request("automation/a");
    let pull = forge
        .create_pull_request(&operation("2"), new)
        .await
        .expect("open")
        .number;
    assert_ne!(issue, pull, "issues and pull requests share one sequence");
    let mut ids = HashSet::new();
    for (number, name) in [(issue, "x"), (pull, "y"), (issue, "z")] {
        let comment = NewComment {
            issue: number,
            body: name.to_owned(),
        };
        let made = forge
            .create_comment(&operation(name), comment)
            .await
            .expect("comment");
        assert_eq!(made.body, name);
        ids.insert(made.id);
    }
    assert_eq!(ids.len(), 3, "ids are unique within the repository");
    for (number, expected) in [(issue, "x z"), (pull, "y")] {
        let comments = forge.list_comments(number).await.expect("list");
        let bodies: Vec<_> = comments.into_iter().map(|comment| comment.body).collect();
        assert_eq!(bodies.join(" "), expected, "oldest first");
    }
    let found = forge.find(&operation("y")).await.expect("find");
    assert!(matches!(found, Some(Operated::Comment(comment)) if comment.body == "y"));
}

async fn comments_are_changed_in_place(forge: &dyn GitProvider) {
    let made = forge.create_issue(&operation("1"), issue("a")).await;
    let issue = made.expect("create").number;
    let comment = |body: &str| NewComment {
        issue,
        body: body.to_owned(),
    };
    let first = forge.create_comment(&operation("2"), comment("x")).await;
    let first = first.expect("comment");
    let second = forge.create_comment(&operation("3"), comment("y")).await;
    let second = second.expect("comment");
    let change = async |name: &str, body: &str| {
        let operation = operation(name);
        let changed = forge.update_comment(&operation, first.id, body.to_owned());
        changed.await
    };
    let changed = change("4", "z").await.expect("change");
    assert_eq!((changed.id, &*changed.body), (first.id, "z"));
    let listed = forge.list_comments(issue).await.expect("list");
    assert_eq!(
        listed,
        [changed.clone(), second],
        "it stays in its place, and the other as it is"
    );
    let found = forge.find(&operation("4")).await.expect("find");
    assert!(matches!(found, Some(Operated::Comment(found)) if found == changed));

    change("5", "newer").await.expect("change");
    change("4", "z").await.expect("change again");
    let body = &forge.list_comments(issue).await.expect("list")[0].body;
    assert_eq!(
        body, "newer",
        "an old change that is repeated undoes no newer one"
    );
    assert_eq!(class(change("6", " ").await), ErrorClass::Validation);
    let other = operation("7");
    let missing = forge.update_comment(&other, 999, "a".to_owned());
    assert_eq!(class(missing.await), ErrorClass::NotFound);
}

async fn pull_requests_are_opened_changed_and_listed(subject: &Subject) {
    let forge = &*subject.provider;
    let new = subject.pull_request("automation/a");
    let opened = forge
        .create_pull_request(&operation("1"), new.clone())
        .await
        .expect("open");
    assert_eq!(
        (&opened.title, &opened.head, &opened.base),
        (&new.title, &new.head, &new.base)
    );
    assert_eq!(
        (&opened.head_commit, opened.state),
        (&new.head_commit, PullRequestState::Open)
    );
    let other = forge
        .create_pull_request(&operation("2"), subject.pull_request("automation/b"))
        .await;
    let other = other.expect("another head");
    assert!(other.number > opened.number);

    (subject.push)(&branch("automation/a"), &subject.commits[1]);
    let change = PullRequestChange {
        title: Some("other".to_owned()),
        head_commit: Some(subject.commits[1].clone()),
        ..PullRequestChange::default()
    };
    let changed = forge
        .update_pull_request(&operation("3"), opened.number, change)
        .await;
    let changed = changed.expect("change");
    assert_eq!(
        (&*changed.title, &changed.head_commit),
        ("other", &subject.commits[1])
    );
    assert_eq!(
        (changed.state, &changed.body),
        (PullRequestState::Open, &opened.body)
    );
    let merged = PullRequestChange {
        state: Some(PullRequestState::Merged),
        ..PullRequestChange::default()
    };
    let merged = forge
        .update_pull_request(&operation("4"), opened.number, merged)
        .await;
    let merged = merged.expect("merge");
    assert_eq!(merged.state, PullRequestState::Merged);
    let listed = forge.list_pull_requests().await.expect("list");
    // The base holds the other's head now, too: some forges take note of that, others do not.
    let is_noted = listed.get(1).map(|it| it.state) == Some(PullRequestState::Merged);
    let state = match is_noted {
        true => PullRequestState::Merged,
        false => PullRequestState::Open,
    };
    let other = PullRequest { state, ..other };
    assert_eq!(listed, [merged.clone(), other]);
    assert!(
        forge.list_issues().await.expect("list").is_empty(),
        "a pull request is no issue"
    );
    assert_eq!(
        class(forge.get_issue(opened.number).await),
        ErrorClass::NotFound
    );
    let found = forge.find(&operation("1")).await.expect("find");
    assert!(matches!(found, Some(Operated::PullRequest(found)) if found.number == merged.number));
}

async fn one_pull_request_is_open_for_a_head_and_base(subject: &Subject) {
    let forge = &*subject.provider;
    let new = || subject.pull_request("automation/a");
    let first = forge
        .create_pull_request(&operation("1"), new())
        .await
        .expect("open");
    let second = forge.create_pull_request(&operation("2"), new()).await;
    assert_eq!(class(second), ErrorClass::Conflict);
    let closed = PullRequestChange {
        state: Some(PullRequestState::Closed),
        ..PullRequestChange::default()
    };
    forge
        .update_pull_request(&operation("3"), first.number, closed)
        .await
        .expect("close");
    let third = forge
        .create_pull_request(&operation("4"), new())
        .await
        .expect("open again");
    assert!(third.number > first.number);
}

async fn pull_requests_are_merged_at_their_head_alone(subject: &Subject) {
    let forge = &*subject.provider;
    let conflict = ErrorClass::Conflict;
    let open = async |name: &str| {
        let new = subject.pull_request(&format!("automation/{name}"));
        let opened = forge.create_pull_request(&operation(name), new).await;
        opened.expect("open").number
    };
    let state = async |number| {
        let all = forge.list_pull_requests().await.expect("list");
        let found = all.into_iter().find(|found| found.number == number);
        found.expect("it is listed").state
    };
    let (first, second) = (open("a").await, open("b").await);

    let other = forge
        .merge_pull_request(&operation("1"), first, &subject.commits[1])
        .await;
    assert_eq!(class(other), conflict, "another commit than its head");
    assert_eq!(state(first).await, PullRequestState::Open);
    assert_eq!(forge.find(&operation("1")).await.expect("find"), None);

    // Before the base holds its head, too.
    let closed = PullRequestChange {
        state: Some(PullRequestState::Closed),
        ..PullRequestChange::default()
    };
    let closing = forge
        .update_pull_request(&operation("4"), second, closed)
        .await;
    closing.expect("close");

    for name in ["2", "2", "3"] {
        let merged = forge
            .merge_pull_request(&operation(name), first, &subject.commits[0])
            .await;
        let merged = merged.expect("merge, also again and as another operation");
        assert_eq!(
            (merged.number, merged.state),
            (first, PullRequestState::Merged)
        );
    }
    assert_eq!(state(first).await, PullRequestState::Merged);
    let found = forge.find(&operation("2")).await.expect("find");
    assert!(matches!(found, Some(Operated::PullRequest(found)) if found.number == first));

    let merged = forge
        .merge_pull_request(&operation("5"), second, &subject.commits[0])
        .await;
    assert_eq!(class(merged), conflict, "a closed one");
    assert_eq!(state(second).await, PullRequestState::Closed);
    let missing = forge
        .merge_pull_request(&operation("6"), 99, &subject.commits[0])
        .await;
    assert_eq!(class(missing), ErrorClass::NotFound);
}

async fn a_repeated_operation_acts_once(subject: &Subject) {
    let forge = &*subject.provider;
    let made = forge
        .create_issue(&operation("1"), issue("a"))
        .await
        .expect("create")
        .number;
    let again = forge
        .create_issue(&operation("1"), issue("a"))
        .await
        .expect("create again");
    assert_eq!(again.number, made);
    assert_eq!(forge.list_issues().await.expect("list").len(), 1);

    let comment = || NewComment {
        issue: made,
        body: "a".to_owned(),
    };
    let first = forge
        .create_comment(&operation("2"), comment())
        .await
        .expect("comment");
    let again = forge
        .create_comment(&operation("2"), comment())
        .await
        .expect("comment again");
    assert_eq!(again.id, first.id);
    assert_eq!(forge.list_comments(made).await.expect("list").len(), 1);

    let new = || subject.pull_request("automation/a");
    let first = forge
        .create_pull_request(&operation("3"), new())
        .await
        .expect("open");
    let again = forge
        .create_pull_request(&operation("3"), new())
        .await
        .expect("open again");
    assert_eq!(again.number, first.number);
    assert_eq!(forge.list_pull_requests().await.expect("list").len(), 1);

    let title = |title: &str| IssueChange {
        title: Some(title.to_owned()),
        ..IssueChange::default()
    };
    forge
        .update_issue(&operation("4"), made, title("b"))
        .await
        .expect("change");
    forge
        .update_issue(&operation("5"), made, title("c"))
        .await
        .expect("change");
    forge
        .update_issue(&operation("4"), made, title("b"))
        .await
        .expect("change again");
    let now = forge.get_issue(made).await.expect("get").title;
    assert_eq!(
        now, "c",
        "an old change that is repeated undoes no newer one"
    );
}

async fn empty_texts_are_refused(subject: &Subject) {
    let forge = &*subject.provider;
    let validation = ErrorClass::Validation;
    let made = forge
        .create_issue(&operation("0"), issue("a"))
        .await
        .expect("create")
        .number;
    for (index, empty) in ["", " \n"].into_iter().enumerate() {
        let operation = |name: &str| operation(&format!("{name}-{index}"));
        let empty = empty.to_owned();
        let created = forge.create_issue(&operation("1"), issue(&empty)).await;
        assert_eq!(class(created), validation, "an issue's title");
        let change = IssueChange {
            title: Some(empty.clone()),
            ..IssueChange::default()
        };
        let changed = forge.update_issue(&operation("2"), made, change).await;
        assert_eq!(class(changed), validation, "an issue's new title");
        let comment = NewComment {
            issue: made,
            body: empty.clone(),
        };
        let commented = forge.create_comment(&operation("3"), comment).await;
        assert_eq!(class(commented), validation, "a comment");
        let new = NewPullRequest {
            title: empty,
            ..subject.pull_request("automation/a")
        };
        let opened = forge.create_pull_request(&operation("4"), new).await;
        assert_eq!(class(opened), validation, "a pull request's title");
        assert_eq!(
            forge.find(&operation("1")).await.expect("find"),
            None,
            "nothing was left"
        );
    }
    assert_eq!(forge.list_issues().await.expect("list").len(), 1);
    assert_eq!(forge.get_issue(made).await.expect("get").title, "a");
}

async fn what_is_missing_is_not_found(forge: &dyn GitProvider) {
    let not_found = ErrorClass::NotFound;
    let change = IssueChange {
        body: Some("b".to_owned()),
        ..IssueChange::default()
    };
    let comment = NewComment {
        issue: 7,
        body: "a".to_owned(),
    };
    let body = PullRequestChange {
        body: Some("b".to_owned()),
        ..PullRequestChange::default()
    };
    assert_eq!(class(forge.get_issue(7).await), not_found);
    assert_eq!(
        class(forge.update_issue(&operation("1"), 7, change).await),
        not_found
    );
    assert_eq!(
        class(forge.create_comment(&operation("2"), comment).await),
        not_found
    );
    assert_eq!(class(forge.list_comments(7).await), not_found);
    assert_eq!(
        class(forge.update_pull_request(&operation("3"), 7, body).await),
        not_found
    );
}

async fn issues_created_at_once_have_numbers_of_their_own(forge: Arc<dyn GitProvider>) {
    let mut creating = JoinSet::new();
    for number in 0..20 {
        let forge = Arc::clone(&forge);
        creating.spawn(async move {
            let name = format!("issue-{number}");
            forge
                .create_issue(&operation(&name), issue(&name))
                .await
                .expect("create")
                .number
        });
    }
    let mut numbers = HashSet::new();
    while let Some(created) = creating.join_next().await {
        numbers.insert(created.expect("no call panics"));
    }
    assert_eq!(numbers.len(), 20);
    assert_eq!(forge.list_issues().await.expect("list").len(), 20);
}

async fn an_operation_repeated_at_once_acts_once(forge: Arc<dyn GitProvider>) {
    let mut creating = JoinSet::new();
    for _ in 0..8 {
        let forge = Arc::clone(&forge);
        creating.spawn(async move { forge.create_issue(&operation("1"), issue("a")).await });
    }
    while let Some(created) = creating.join_next().await {
        created.expect("no call panics").expect("create");
    }
    assert_eq!(forge.list_issues().await.expect("list").len(), 1);
}
