//! GitLab, gitlab.com and servers of one's own: the REST API, version 4.
//!
//! Merge requests are numbered apart from issues, a comment is known beside what it is on alone
//! ([`numbers`]), and a text of ours must not be taken for commands ([`texts`]).

mod answers;
mod numbers;
mod paths;
mod reviews;
mod texts;

use std::time::Duration;

use async_trait::async_trait;
use core_types::{BranchName, CommitId, ErrorClass, IssueNumber, PullRequestState, Timestamp};
use perf_utils::{governor::Limits, http::Method};
use serde_json::json;

use self::{
    answers::{
        Branch, Compare, Contents, Issue, LabelEvent, Member, MergeRequest, Note, Status, Token,
        User,
    },
    numbers::{NoteId, Subject, merge_request_iid},
    paths::OLDEST_FIRST,
};
use super::{
    base64,
    client::{Client, segment},
    dialect::{
        Access, At, Check, CheckState, Dialect, Edit, LabelChange, MergeStyle, Pages,
        PullRequestReview, RawComment, RawIssue, RawPullRequest, found,
    },
};
use crate::Error;

/// What who may push has, and who may change settings.
const DEVELOPER: u64 = 30;
const MAINTAINER: u64 = 40;
/// The scope of all calls, and of git over HTTP.
const SCOPE: &str = "api";
/// How often, and how long apart, a merge request is looked at whose head has become its base: GitLab
/// takes note of it a moment later.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct GitLab;

/// The fields that an edit changes.
fn edited(edit: &Edit<'_>) -> serde_json::Value {
    let mut fields = serde_json::Map::new();
    fields.extend(edit.title.map(|it| ("title".to_owned(), json!(it))));
    let body = edit.body.map(texts::written);
    fields.extend(body.map(|it| ("description".to_owned(), json!(it))));
    let event = edit
        .is_open
        .map(|open| if open { "reopen" } else { "close" });
    fields.extend(event.map(|it| ("state_event".to_owned(), json!(it))));
    fields.into()
}

/// Labels as it takes them: in one text, between commas.
fn joined(labels: &[String]) -> Result<String, Error> {
    match labels.iter().find(|label| label.contains(',')) {
        Some(label) => Err(Error::InvalidLabel {
            label: label.clone(),
        }),
        None => Ok(labels.join(",")),
    }
}

/// Which merge request is open already, as a refusal names it: `…: !5`.
fn named(message: &str) -> Option<IssueNumber> {
    let (_, rest) = message.rsplit_once('!')?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    numbers::of_merge_request(digits.parse().ok()?)
}

#[async_trait]
impl Dialect for GitLab {
    fn kind(&self) -> &'static str {
        "gitlab"
    }

    fn api(&self) -> &'static str {
        "/api/v4"
    }

    fn page(&self, number: IssueNumber) -> String {
        match Subject::of(number) {
            Subject::Issue(iid) => format!("-/issues/{iid}"),
            Subject::MergeRequest(iid) => format!("-/merge_requests/{iid}"),
        }
    }

    /// This header takes access tokens and those of OAuth.
    fn authorization(&self) -> (&'static str, &'static str) {
        ("authorization", "Bearer ")
    }

    fn draft_words(&self) -> &'static [&'static str] {
        // The two last ones are those of older servers.
        &["draft:", "[draft]", "(draft)", "wip:", "[wip]"]
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("user-agent", "automation")]
    }

    fn limits(&self) -> Limits {
        Limits::gitlab()
    }

    fn pages(&self) -> Pages {
        Pages {
            size: "per_page",
            says_next: true,
        }
    }

    async fn account(&self, client: &Client) -> Result<String, Error> {
        let user: User = client.get("/user").await?;
        Ok(user.username)
    }

    async fn missing_scopes(&self, client: &Client) -> Result<Vec<&'static str>, Error> {
        let token = client.get::<Token>("/personal_access_tokens/self").await;
        match token {
            Ok(token) => {
                let has = token.scopes.iter().any(|scope| scope == SCOPE);
                Ok(if has { Vec::new() } else { vec![SCOPE] })
            }
            // Another kind of token, or a server that does not know this yet.
            Err(Error::Refused(refusal)) if matches!(refusal.status, 400 | 401 | 403 | 404) => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    async fn access(&self, at: At<'_>) -> Result<Access, Error> {
        let project = at.read_project().await?;
        let level = project.access_level();
        Ok(Access {
            can_read: true,
            can_write: level >= DEVELOPER,
            is_admin: level >= MAINTAINER,
            allows_fast_forward: project.merges_the_head_itself(),
        })
    }

    async fn may_write(&self, at: At<'_>, user: &str) -> Result<bool, Error> {
        // The search is for parts of names.
        let path = at.project(&format!("/members/all?query={}", segment(user)));
        let found: Vec<Member> = at.client.list(&path).await?;
        let found = found.iter().filter(|it| it.is(user) && it.is_active());
        Ok(found
            .map(|it| it.access_level)
            .max()
            .is_some_and(|it| it >= DEVELOPER))
    }

    async fn all(&self, at: At<'_>, since: Option<Timestamp>) -> Result<Vec<RawIssue>, Error> {
        let since = since.map(|it| format!("&updated_after={}", segment(&it.to_string())));
        let query = format!("{OLDEST_FIRST}{}", since.unwrap_or_default());
        let path = at.project(&format!("/issues?{query}"));
        let issues: Vec<Issue> = at.client.list(&path).await?;
        let path = at.project(&format!("/merge_requests?{query}"));
        let merge_requests: Vec<MergeRequest> = at.client.list(&path).await?;
        let issues = issues.into_iter().map(|it| it.into_raw(at));
        let merge_requests = merge_requests.into_iter().map(|it| it.into_raw_issue(at));
        issues.chain(merge_requests).collect()
    }

    async fn changed(
        &self,
        at: At<'_>,
        since: Timestamp,
        with_pull_requests: bool,
    ) -> Result<Vec<RawIssue>, Error> {
        if with_pull_requests {
            return self.all(at, Some(since)).await;
        }
        let since = segment(&since.to_string());
        let path = at.project(&format!("/issues?{OLDEST_FIRST}&updated_after={since}"));
        let issues: Vec<Issue> = at.client.list(&path).await?;
        issues.into_iter().map(|it| it.into_raw(at)).collect()
    }

    async fn issues(&self, at: At<'_>) -> Result<Vec<RawIssue>, Error> {
        let path = at.project(&format!("/issues?{OLDEST_FIRST}"));
        let all: Vec<Issue> = at.client.list(&path).await?;
        all.into_iter().map(|it| it.into_raw(at)).collect()
    }

    async fn labelled(&self, at: At<'_>, label: &str) -> Result<Vec<RawIssue>, Error> {
        let query = format!("{OLDEST_FIRST}&state=opened&labels={}", segment(label));
        let path = at.project(&format!("/issues?{query}"));
        let all: Vec<Issue> = at.client.list(&path).await?;
        all.into_iter().map(|it| it.into_raw(at)).collect()
    }

    async fn label_changes(
        &self,
        at: At<'_>,
        number: IssueNumber,
    ) -> Result<Vec<LabelChange>, Error> {
        let path = at.subject(Subject::Issue(number), "/resource_label_events");
        let all: Vec<LabelEvent> = at.client.list(&path).await?;
        let mut changes = Vec::new();
        for it in all {
            // A label that is gone has no name any more.
            let Some(label) = it.label else { continue };
            changes.push(LabelChange {
                author: it.user.map(|user| user.username).unwrap_or_default(),
                label: label.name,
                is_added: it.action == "add",
                at: at.time(&it.created_at)?,
            });
        }
        Ok(changes)
    }

    async fn issue(&self, at: At<'_>, number: IssueNumber) -> Result<RawIssue, Error> {
        if merge_request_iid(number).is_some() {
            return at.read_merge_request(number).await?.into_raw_issue(at);
        }
        let read: Issue = at
            .client
            .get(&at.subject(Subject::Issue(number), ""))
            .await?;
        read.into_raw(at)
    }

    async fn create_issue(
        &self,
        at: At<'_>,
        title: &str,
        body: &str,
        labels: &[String],
    ) -> Result<RawIssue, Error> {
        // Labels that are missing are made.
        let new = json!({
            "title": title, "description": texts::written(body), "labels": joined(labels)?,
        });
        let path = at.project("/issues");
        let made: Issue = at.client.send(Method::POST, &path, &new).await?;
        made.into_raw(at)
    }

    async fn edit_issue(
        &self,
        at: At<'_>,
        number: IssueNumber,
        edit: &Edit<'_>,
    ) -> Result<RawIssue, Error> {
        let path = at.subject(Subject::of(number), "");
        let changed: Issue = at.client.send(Method::PUT, &path, &edited(edit)).await?;
        changed.into_raw(at)
    }

    async fn change_labels(
        &self,
        at: At<'_>,
        number: IssueNumber,
        add: &[String],
        remove: &[String],
    ) -> Result<(), Error> {
        let mut change = serde_json::Map::new();
        for (key, labels) in [("add_labels", add), ("remove_labels", remove)] {
            if !labels.is_empty() {
                change.insert(key.to_owned(), json!(joined(labels)?));
            }
        }
        if change.is_empty() {
            return Ok(());
        }
        let path = at.subject(Subject::of(number), "");
        at.client
            .act(Method::PUT, &path, Some(&change.into()))
            .await
    }

    async fn comments(&self, at: At<'_>, number: IssueNumber) -> Result<Vec<RawComment>, Error> {
        let all = at.read_notes(number).await?;
        let subject = Subject::of(number);
        all.into_iter().map(|it| it.into_raw(at, subject)).collect()
    }

    async fn comment(&self, at: At<'_>, id: u64) -> Result<Option<RawComment>, Error> {
        let Some(id) = NoteId::parse(id) else {
            return Ok(None);
        };
        let read = found(at.client.get::<Note>(&at.note(id)).await)?;
        read.map(|it| it.into_raw(at, id.subject)).transpose()
    }

    async fn create_comment(
        &self,
        at: At<'_>,
        number: IssueNumber,
        body: &str,
    ) -> Result<RawComment, Error> {
        let subject = Subject::of(number);
        let path = at.subject(subject, "/notes");
        let new = json!({"body": texts::written(body)});
        let made: Note = at.client.send(Method::POST, &path, &new).await?;
        made.into_raw(at, subject)
    }

    async fn edit_comment(&self, at: At<'_>, id: u64, body: &str) -> Result<RawComment, Error> {
        let id = NoteId::parse(id).ok_or(Error::NoComment { id })?;
        let new = json!({"body": texts::written(body)});
        let changed: Note = at.client.send(Method::PUT, &at.note(id), &new).await?;
        changed.into_raw(at, id.subject)
    }

    async fn pull_requests(&self, at: At<'_>) -> Result<Vec<RawPullRequest>, Error> {
        let path = at.project(&format!("/merge_requests?{OLDEST_FIRST}"));
        let all: Vec<MergeRequest> = at.client.list(&path).await?;
        // One without a commit proposes nothing.
        let all = all
            .into_iter()
            .filter(|it| it.sha.is_some() && it.is_nameable());
        all.map(|it| it.into_raw(at)).collect()
    }

    async fn pull_request(&self, at: At<'_>, number: IssueNumber) -> Result<RawPullRequest, Error> {
        at.read_merge_request(number).await?.into_raw(at)
    }

    async fn open_pull_request(
        &self,
        at: At<'_>,
        head: &BranchName,
        base: &BranchName,
    ) -> Result<Option<RawPullRequest>, Error> {
        let (head, base) = (segment(head.as_str()), segment(base.as_str()));
        let path = at.project(&format!(
            "/merge_requests?state=opened&source_branch={head}&target_branch={base}"
        ));
        let all: Vec<MergeRequest> = at.client.list(&path).await?;
        // A fork may have a branch of the same name.
        let ours = all.into_iter().find(|it| !it.is_from_a_fork());
        ours.map(|it| it.into_raw(at)).transpose()
    }

    async fn create_pull_request(
        &self,
        at: At<'_>,
        title: &str,
        body: &str,
        (head, base): (&BranchName, &BranchName),
    ) -> Result<RawPullRequest, Error> {
        let new = json!({
            "title": title, "description": texts::written(body), "source_branch": head,
            "target_branch": base, "remove_source_branch": false, "squash": false,
        });
        let path = at.project("/merge_requests");
        let made = at
            .client
            .send::<MergeRequest>(Method::POST, &path, &new)
            .await;
        match made {
            Ok(made) => made.into_raw(at),
            Err(Error::Refused(refusal)) if refusal.status == 409 => {
                Err(match named(&refusal.message) {
                    Some(number) => Error::AlreadyOpen {
                        number,
                        head: head.clone(),
                        base: base.clone(),
                    },
                    None => Error::Refused(refusal),
                })
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
        let iid = merge_request_iid(number).ok_or(Error::NoPullRequest { number })?;
        let path = at.subject(Subject::MergeRequest(iid), "");
        let changed: MergeRequest = at.client.send(Method::PUT, &path, &edited(edit)).await?;
        changed.into_raw(at)
    }

    /// How it merges, the project's settings say and no call: any way but fast-forward makes a
    /// commit that nobody has tested.
    async fn merge(
        &self,
        at: At<'_>,
        number: IssueNumber,
        head: &CommitId,
        style: MergeStyle,
    ) -> Result<(), Error> {
        let iid = merge_request_iid(number).ok_or(Error::NoPullRequest { number })?;
        if style == MergeStyle::Note {
            return self.is_noted(at, number).await;
        }
        let project = at.read_project().await?;
        if !project.merges_the_head_itself() {
            return Err(Error::NotMergeable {
                number,
                why: "the project's settings merge otherwise than by fast-forward alone",
                class: ErrorClass::Validation,
            });
        }
        let path = at.subject(Subject::MergeRequest(iid), "/merge");
        let how = json!({"sha": head, "squash": false, "should_remove_source_branch": false});
        match at.client.act(Method::PUT, &path, Some(&how)).await {
            // It has read the token, and that is not what is wrong.
            Err(Error::Refused(refusal)) if matches!(refusal.status, 401 | 403) => {
                Err(Error::NotMergeable {
                    number,
                    why: "the account may not merge into its base",
                    class: ErrorClass::Unauthorized,
                })
            }
            merged => merged,
        }
    }

    async fn is_behind(&self, at: At<'_>, head: &CommitId, base: &CommitId) -> Result<bool, Error> {
        let path = at.project(&format!("/repository/compare?from={head}&to={base}"));
        let compared: Compare = at.client.get(&path).await?;
        Ok(!compared.commits.is_empty())
    }

    async fn branch(&self, at: At<'_>, name: &BranchName) -> Result<Option<CommitId>, Error> {
        let path = at.project(&format!("/repository/branches/{}", segment(name.as_str())));
        let read = found(at.client.get::<Branch>(&path).await)?;
        read.map(|it| at.commit(&it.commit.id)).transpose()
    }

    async fn create_branch(
        &self,
        at: At<'_>,
        name: &BranchName,
        commit: &CommitId,
    ) -> Result<(), Error> {
        let path = at.project(&format!(
            "/repository/branches?branch={}&ref={commit}",
            segment(name.as_str())
        ));
        at.client.act(Method::POST, &path, None).await
    }

    async fn delete_branch(&self, at: At<'_>, name: &BranchName) -> Result<(), Error> {
        let path = at.project(&format!("/repository/branches/{}", segment(name.as_str())));
        found(at.client.act(Method::DELETE, &path, None).await).map(drop)
    }

    async fn file(&self, at: At<'_>, path: &str, of: &str) -> Result<Option<Vec<u8>>, Error> {
        let path = format!("/repository/files/{}?ref={}", segment(path), segment(of));
        let Some(read) = found(at.client.get::<Contents>(&at.project(&path)).await)? else {
            return Ok(None);
        };
        let bytes =
            base64::decode(&read.content).ok_or_else(|| at.unexpected("a file", "no base64"))?;
        Ok(Some(bytes))
    }

    async fn checks(&self, at: At<'_>, commit: &CommitId) -> Result<Vec<Check>, Error> {
        // The last of each name.
        let path = at.project(&format!("/repository/commits/{commit}/statuses"));
        let all: Vec<Status> = at.client.list(&path).await?;
        Ok(all.into_iter().map(Status::into_check).collect())
    }

    async fn set_check(&self, at: At<'_>, commit: &CommitId, check: &Check) -> Result<(), Error> {
        let state = match check.state {
            CheckState::Pending => "pending",
            CheckState::Success => "success",
            CheckState::Failure => "failed",
            // It has no word for it; what was canceled has no result either.
            CheckState::Error => "canceled",
        };
        let path = at.project(&format!("/statuses/{commit}"));
        let new = json!({
            "name": check.context, "state": state, "description": check.description,
        });
        match at.client.act(Method::POST, &path, Some(&new)).await {
            // Older servers refuse to say the same twice.
            Err(Error::Refused(refusal)) if refusal.status == 400 => {
                let now = self.checks(at, commit).await?;
                let says_so = |it: &Check| it.context == check.context && it.state == check.state;
                if now.iter().any(says_so) {
                    return Ok(());
                }
                Err(Error::Refused(refusal))
            }
            set => set,
        }
    }

    async fn reviews(
        &self,
        at: At<'_>,
        number: IssueNumber,
    ) -> Result<Vec<PullRequestReview>, Error> {
        reviews::read(at, number).await
    }

    async fn review(
        &self,
        at: At<'_>,
        number: IssueNumber,
        review: &PullRequestReview,
    ) -> Result<(), Error> {
        reviews::submit(at, number, review).await
    }
}

impl GitLab {
    /// Waits until it has taken note that the base holds the head.
    async fn is_noted(&self, at: At<'_>, number: IssueNumber) -> Result<(), Error> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            if self.pull_request(at, number).await?.state != PullRequestState::Open {
                return Ok(());
            }
        }
        Err(Error::NotMergeable {
            number,
            why: "its base holds it already, and GitLab takes no note of it",
            class: ErrorClass::Conflict,
        })
    }
}
