//! GitHub and GitHub Enterprise Server: the REST API, version 2022-11-28.

mod answers;

use std::time::Duration;

use async_trait::async_trait;
use core_types::{BranchName, CommitId, ErrorClass, IssueNumber, PullRequestState, Timestamp};
use perf_utils::{governor::Limits, http::Method};
use serde_json::json;

use self::answers::{
    Collaborator, CombinedStatus, Comment, Compare, Contents, Happened, Issue, PullRequest,
    Reference, Repository, Review, User, label_name, login, raw_comment, raw_issue,
    raw_pull_request,
};
use super::{
    base64,
    client::{Client, segment},
    dialect::{
        Access, At, Check, CheckState, Dialect, Edit, LabelChange, MergeStyle, Pages,
        PullRequestReview, RawComment, RawIssue, RawPullRequest, Verdict, branch_path, edited,
        found,
    },
};
use crate::Error;

/// Where github.com has its API.
pub(super) const PUBLIC_API: &str = "https://api.github.com";

/// Where github.com has its pages.
pub(super) const PUBLIC_PAGES: &str = "https://github.com";

/// What a classic token needs for all that we do.
const SCOPE: &str = "repo";

/// How often, and how long apart, a pull request is looked at whose head has become its base: GitHub
/// takes note of it a moment later.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

/// Whether this is github.com itself.
pub(super) fn is_public(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, host)| host);
    matches!(host, "github.com" | "www.github.com" | "api.github.com")
}

#[derive(Debug)]
pub(super) struct GitHub;

async fn issues(at: At<'_>, query: &str) -> Result<Vec<RawIssue>, Error> {
    let path = at.path(&format!("/issues?state=all{query}"));
    let all: Vec<Issue> = at.client.list(&path).await?;
    all.into_iter().map(|it| raw_issue(at, it)).collect()
}

#[async_trait]
impl Dialect for GitHub {
    fn kind(&self) -> &'static str {
        "github"
    }

    /// Of a server of one's own; github.com has a host of its own for it.
    fn api(&self) -> &'static str {
        "/api/v3"
    }

    fn authorization(&self) -> (&'static str, &'static str) {
        ("authorization", "Bearer ")
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", "2022-11-28"),
            ("user-agent", "automation"),
        ]
    }

    fn limits(&self) -> Limits {
        Limits::github()
    }

    fn pages(&self) -> Pages {
        Pages {
            size: "per_page",
            says_next: true,
        }
    }

    async fn account(&self, client: &Client) -> Result<String, Error> {
        let user: User = client.get("/user").await?;
        Ok(user.login)
    }

    async fn missing_scopes(&self, client: &Client) -> Result<Vec<&'static str>, Error> {
        // Of a classic token alone it tells them.
        let scopes = client.header("/user", "x-oauth-scopes").await?;
        let lacks = scopes.is_some_and(|it| !it.split(',').any(|it| it.trim() == SCOPE));
        Ok(if lacks { vec![SCOPE] } else { Vec::new() })
    }

    async fn access(&self, at: At<'_>) -> Result<Access, Error> {
        let found: Repository = at.client.get(&at.path("")).await?;
        let allowed = found.permissions;
        let can_write = allowed.as_ref().is_some_and(|it| it.push);
        Ok(Access {
            can_read: allowed.as_ref().is_none_or(|it| it.pull),
            can_write,
            is_admin: allowed.is_some_and(|it| it.admin),
            // Who may push may move a branch forward; what its rules demand, the answer to that tells.
            allows_fast_forward: can_write,
        })
    }

    async fn may_write(&self, at: At<'_>, user: &str) -> Result<bool, Error> {
        let path = at.path(&format!("/collaborators/{}/permission", segment(user)));
        let permission = found(at.client.get::<Collaborator>(&path).await)?;
        let permission = permission.map(|it| it.permission);
        Ok(matches!(permission.as_deref(), Some("write" | "admin")))
    }

    async fn all(&self, at: At<'_>, since: Option<Timestamp>) -> Result<Vec<RawIssue>, Error> {
        let since = since.map(|since| format!("&since={}", segment(&since.to_string())));
        issues(at, &since.unwrap_or_default()).await
    }

    async fn issues(&self, at: At<'_>) -> Result<Vec<RawIssue>, Error> {
        // Its lists of issues hold pull requests, too.
        let all = issues(at, "").await?;
        Ok(all.into_iter().filter(|it| !it.is_pull_request).collect())
    }

    async fn labelled(&self, at: At<'_>, label: &str) -> Result<Vec<RawIssue>, Error> {
        let path = format!("/issues?state=open&labels={}", segment(label));
        let all: Vec<Issue> = at.client.list(&at.path(&path)).await?;
        let all: Result<Vec<_>, _> = all.into_iter().map(|it| raw_issue(at, it)).collect();
        Ok(all?.into_iter().filter(|it| !it.is_pull_request).collect())
    }

    async fn label_changes(
        &self,
        at: At<'_>,
        number: IssueNumber,
    ) -> Result<Vec<LabelChange>, Error> {
        let path = at.path(&format!("/issues/{number}/events"));
        let all: Vec<Happened> = at.client.list(&path).await?;
        let mut changes = Vec::new();
        for it in all {
            let is_added = match &*it.event {
                "labeled" => true,
                "unlabeled" => false,
                _ => continue,
            };
            let Some(label) = it.label.and_then(label_name) else {
                continue;
            };
            changes.push(LabelChange {
                author: login(it.actor),
                label,
                is_added,
                at: at.time(&it.created_at)?,
            });
        }
        Ok(changes)
    }

    async fn issue(&self, at: At<'_>, number: IssueNumber) -> Result<RawIssue, Error> {
        let path = at.path(&format!("/issues/{number}"));
        raw_issue(at, at.client.get(&path).await?)
    }

    async fn create_issue(
        &self,
        at: At<'_>,
        title: &str,
        body: &str,
        labels: &[String],
    ) -> Result<RawIssue, Error> {
        let new = json!({"title": title, "body": body, "labels": labels});
        let path = at.path("/issues");
        raw_issue(at, at.client.send(Method::POST, &path, &new).await?)
    }

    async fn edit_issue(
        &self,
        at: At<'_>,
        number: IssueNumber,
        edit: &Edit<'_>,
    ) -> Result<RawIssue, Error> {
        let path = at.path(&format!("/issues/{number}"));
        raw_issue(
            at,
            at.client.send(Method::PATCH, &path, &edited(edit)).await?,
        )
    }

    async fn change_labels(
        &self,
        at: At<'_>,
        number: IssueNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Error> {
        let path = at.path(&format!("/issues/{number}/labels"));
        if !add.is_empty() {
            // One that is missing is made.
            let labels = json!({"labels": add});
            at.client.act(Method::POST, &path, Some(&labels)).await?;
        }
        for name in remove {
            let path = format!("{path}/{}", segment(name));
            // What is gone already is gone.
            found(at.client.act(Method::DELETE, &path, None).await)?;
        }
        Ok(())
    }

    async fn comments(&self, at: At<'_>, number: IssueNumber) -> Result<Vec<RawComment>, Error> {
        let path = at.path(&format!("/issues/{number}/comments"));
        let all: Vec<Comment> = at.client.list(&path).await?;
        all.into_iter().map(|it| raw_comment(at, it)).collect()
    }

    async fn comment(&self, at: At<'_>, id: u64) -> Result<Option<RawComment>, Error> {
        let path = at.path(&format!("/issues/comments/{id}"));
        let read = found(at.client.get::<Comment>(&path).await)?;
        read.map(|it| raw_comment(at, it)).transpose()
    }

    async fn create_comment(
        &self,
        at: At<'_>,
        number: IssueNumber,
        body: &str,
    ) -> Result<RawComment, Error> {
        let path = at.path(&format!("/issues/{number}/comments"));
        let new = json!({"body": body});
        raw_comment(at, at.client.send(Method::POST, &path, &new).await?)
    }

    async fn edit_comment(&self, at: At<'_>, id: u64, body: &str) -> Result<RawComment, Error> {
        let path = at.path(&format!("/issues/comments/{id}"));
        let new = json!({"body": body});
        raw_comment(at, at.client.send(Method::PATCH, &path, &new).await?)
    }

    async fn pull_requests(&self, at: At<'_>) -> Result<Vec<RawPullRequest>, Error> {
        let all: Vec<PullRequest> = at.client.list(&at.path("/pulls?state=all")).await?;
        let all = all.into_iter().filter(PullRequest::is_nameable);
        all.map(|it| raw_pull_request(at, it)).collect()
    }

    async fn pull_request(&self, at: At<'_>, number: IssueNumber) -> Result<RawPullRequest, Error> {
        let path = at.path(&format!("/pulls/{number}"));
        raw_pull_request(at, at.client.get(&path).await?)
    }

    async fn open_pull_request(
        &self,
        at: At<'_>,
        head: &BranchName,
        base: &BranchName,
    ) -> Result<Option<RawPullRequest>, Error> {
        let head = format!("{}:{head}", at.slug.owner());
        let (head, base) = (segment(&head), segment(base.as_str()));
        let path = at.path(&format!("/pulls?state=open&head={head}&base={base}"));
        let all: Vec<PullRequest> = at.client.list(&path).await?;
        let first = all.into_iter().next();
        first.map(|it| raw_pull_request(at, it)).transpose()
    }

    async fn create_pull_request(
        &self,
        at: At<'_>,
        title: &str,
        body: &str,
        (head, base): (&BranchName, &BranchName),
    ) -> Result<RawPullRequest, Error> {
        let new = json!({"title": title, "body": body, "head": head, "base": base});
        let path = at.path("/pulls");
        match at.client.send(Method::POST, &path, &new).await {
            Ok(made) => raw_pull_request(at, made),
            // One that is open already is invalid to it, as all else that is wrong with a request.
            Err(Error::Refused(mut refusal)) if refusal.status == 422 => {
                // Its lists may be late; then only its words tell.
                let is_open = refusal.message.contains("already exists")
                    || self.open_pull_request(at, head, base).await?.is_some();
                if is_open {
                    refusal.class = ErrorClass::Conflict;
                }
                Err(Error::Refused(refusal))
            }
            Err(error) => Err(error),
        }
    }

    async fn edit_pull_request(
        &self,
        at: At<'_>,
        number: IssueNumber,
        edit: &Edit<'_>,
    ) -> Result<RawPullRequest, Error> {
        let path = at.path(&format!("/pulls/{number}"));
        raw_pull_request(
            at,
            at.client.send(Method::PATCH, &path, &edited(edit)).await?,
        )
    }

    /// Its own merges make commits that nobody has tested. The base is moved to the head instead, which
    /// is refused unless it goes forward; GitHub then takes note that the pull request is merged.
    async fn merge(
        &self,
        at: At<'_>,
        number: IssueNumber,
        head: &CommitId,
        style: MergeStyle,
    ) -> Result<(), Error> {
        let before = self.pull_request(at, number).await?;
        if before.state != PullRequestState::Open || before.head_commit != *head || before.is_draft
        {
            return Err(Error::NotMergeable {
                number,
                why: "it is not open at this head",
                class: ErrorClass::Conflict,
            });
        }
        if style == MergeStyle::FastForward {
            let path = at.path(&format!("/git/refs/heads/{}", branch_path(&before.base)));
            let moved = json!({"sha": head, "force": false});
            at.client.act(Method::PATCH, &path, Some(&moved)).await?;
        }
        for _ in 0..LOOKS {
            if self.pull_request(at, number).await?.state == PullRequestState::Merged {
                break;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Ok(())
    }

    async fn is_behind(&self, at: At<'_>, head: &CommitId, base: &CommitId) -> Result<bool, Error> {
        let path = at.path(&format!("/compare/{head}...{base}"));
        let compared: Compare = at.client.get(&path).await?;
        Ok(compared.ahead_by > 0)
    }

    async fn branch(&self, at: At<'_>, name: &BranchName) -> Result<Option<CommitId>, Error> {
        let path = at.path(&format!("/git/ref/heads/{}", branch_path(name)));
        let read = found(at.client.get::<Reference>(&path).await)?;
        read.map(|it| at.commit(&it.object.sha)).transpose()
    }

    async fn create_branch(
        &self,
        at: At<'_>,
        name: &BranchName,
        commit: &CommitId,
    ) -> Result<(), Error> {
        let new = json!({"ref": format!("refs/heads/{name}"), "sha": commit});
        let path = at.path("/git/refs");
        at.client.act(Method::POST, &path, Some(&new)).await
    }

    async fn delete_branch(&self, at: At<'_>, name: &BranchName) -> Result<(), Error> {
        let path = at.path(&format!("/git/refs/heads/{}", branch_path(name)));
        match at.client.act(Method::DELETE, &path, None).await {
            // A reference that is not there is one that it cannot process.
            Err(Error::Refused(refusal)) if matches!(refusal.status, 404 | 422) => Ok(()),
            deleted => deleted,
        }
    }

    async fn file(&self, at: At<'_>, path: &str, of: &str) -> Result<Option<Vec<u8>>, Error> {
        let path: Vec<_> = path.split('/').map(segment).collect();
        let path = at.path(&format!("/contents/{}?ref={}", path.join("/"), segment(of)));
        let Some(read) = found(at.client.get::<Contents>(&path).await)? else {
            return Ok(None);
        };
        // It breaks the lines.
        let text: String = read
            .content
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let bytes = base64::decode(&text).ok_or_else(|| at.unexpected("a file", "no base64"))?;
        Ok(Some(bytes))
    }

    async fn checks(&self, at: At<'_>, commit: &CommitId) -> Result<Vec<Check>, Error> {
        let path = at.path(&format!("/commits/{commit}/status?per_page=100"));
        let read: CombinedStatus = at.client.get(&path).await?;
        let checks = read.statuses.into_iter().map(|it| Check {
            context: it.context,
            state: match &*it.state {
                "pending" => CheckState::Pending,
                "success" => CheckState::Success,
                "failure" => CheckState::Failure,
                _ => CheckState::Error,
            },
            description: it.description.unwrap_or_default(),
        });
        Ok(checks.collect())
    }

    async fn set_check(&self, at: At<'_>, commit: &CommitId, check: &Check) -> Result<(), Error> {
        let state = match check.state {
            CheckState::Pending => "pending",
            CheckState::Success => "success",
            CheckState::Failure => "failure",
            CheckState::Error => "error",
        };
        let path = at.path(&format!("/statuses/{commit}"));
        let new = json!({
            "context": check.context, "state": state, "description": check.description,
        });
        at.client.act(Method::POST, &path, Some(&new)).await
    }

    async fn reviews(
        &self,
        at: At<'_>,
        number: IssueNumber,
    ) -> Result<Vec<PullRequestReview>, Error> {
        let path = at.path(&format!("/pulls/{number}/reviews"));
        let all: Vec<Review> = at.client.list(&path).await?;
        let reviews = all.into_iter().filter_map(|it| {
            let verdict = match &*it.state {
                "APPROVED" => Verdict::Approved,
                "CHANGES_REQUESTED" => Verdict::ChangesRequested,
                "COMMENTED" => Verdict::Comment,
                // Not submitted yet, or dismissed.
                _ => return None,
            };
            let commit = at.commit(&it.commit_id?);
            Some(commit.map(|commit| PullRequestReview {
                author: login(it.user),
                verdict,
                body: it.body,
                commit,
            }))
        });
        reviews.collect()
    }

    async fn review(
        &self,
        at: At<'_>,
        number: IssueNumber,
        review: &PullRequestReview,
    ) -> Result<(), Error> {
        let event = match review.verdict {
            Verdict::Approved => "APPROVE",
            Verdict::ChangesRequested => "REQUEST_CHANGES",
            Verdict::Comment => "COMMENT",
        };
        let path = at.path(&format!("/pulls/{number}/reviews"));
        let new = json!({"event": event, "body": review.body, "commit_id": review.commit});
        at.client.act(Method::POST, &path, Some(&new)).await
    }
}
