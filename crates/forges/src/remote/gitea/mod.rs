//! Gitea and Forgejo: the API below `/api/v1`.

mod answers;

use async_trait::async_trait;
use core_types::{BranchName, CommitId, ErrorClass, IssueNumber, Timestamp};
use perf_utils::{governor::Limits, http::Method};
use serde_json::json;

use self::answers::{
    Branch, Collaborator, CombinedStatus, Comment, Compare, Contents, Happened, Issue, Label,
    PullRequest, Repository, Review, Team, User, login,
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

/// The color of labels that are made for a first use; the forge demands one.
const LABEL_COLOR: &str = "#6e7781";

#[derive(Debug)]
pub(super) struct Gitea;

impl At<'_> {
    /// The ids of labels; those that neither the repository has nor its organization are made.
    async fn label_ids(&self, names: &[String]) -> Result<Vec<i64>, Error> {
        let mut ids = Vec::with_capacity(names.len());
        for (name, id) in self.known_label_ids(names).await? {
            let id = match id {
                Some(id) => id,
                None => {
                    let path = self.path("/labels");
                    self.client.forget_list(&path);
                    let new = json!({"name": name, "color": LABEL_COLOR});
                    let made: Label = self.client.send(Method::POST, &path, &new).await?;
                    made.id
                }
            };
            ids.push(id);
        }
        Ok(ids)
    }

    /// Labels with their ids, as far as there are such.
    async fn known_label_ids<'n>(
        &self,
        names: &'n [String],
    ) -> Result<Vec<(&'n str, Option<i64>)>, Error> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let path = self.path("/labels");
        let mut known: Vec<Label> = self.client.list_lately(&path).await?;
        let lacks = |known: &[Label]| names.iter().any(|name| id_of(known, name).is_none());
        if lacks(&known) && self.client.saves_reads() {
            self.client.forget_list(&path);
            known = self.client.list_lately(&path).await?;
        }
        if lacks(&known) {
            let path = format!("/orgs/{}/labels", segment(self.slug.owner()));
            match self.client.list_lately(&path).await {
                Ok(shared) => known.extend::<Vec<Label>>(shared),
                // A user has none, and a token need not be allowed to read organizations.
                Err(Error::Refused(refusal)) if matches!(refusal.status, 403 | 404) => {}
                Err(error) => return Err(error),
            }
        }
        let names = names.iter();
        Ok(names
            .map(|name| (name.as_str(), id_of(&known, name)))
            .collect())
    }

    /// Whether somebody is in a team that may push here: what is said of a person is the least that they may do with
    /// any part of the repository, such as its issues.
    async fn may_push_by_a_team(&self, user: &str) -> Result<bool, Error> {
        let teams = match self
            .client
            .get::<Option<Vec<Team>>>(&self.path("/teams"))
            .await
        {
            Ok(teams) => teams.unwrap_or_default(),
            // It belongs to no organization.
            Err(Error::Refused(refusal)) if matches!(refusal.status, 403..=405) => {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        for team in teams.iter().filter(|it| it.may_push()) {
            let path = format!("/teams/{}/members/{}", team.id, segment(user));
            match found(self.client.get::<User>(&path).await) {
                Ok(Some(_)) => return Ok(true),
                Ok(None) => {}
                // Whoever is not in it may not see who is.
                Err(Error::Refused(refusal)) if refusal.status == 403 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    async fn issues(&self, query: &str) -> Result<Vec<RawIssue>, Error> {
        let path = self.path(&format!("/issues?state=all{query}"));
        let all: Vec<Issue> = self.client.list(&path).await?;
        all.into_iter().map(|it| self.issue(it)).collect()
    }
}

/// The label of a name: the one that is written so, or else one with other capital letters.
fn id_of(known: &[Label], name: &str) -> Option<i64> {
    let is_it = |label: &&Label| label.name.to_lowercase() == name.to_lowercase();
    let exact = known.iter().find(|label| label.name == name);
    exact.or_else(|| known.iter().find(is_it)).map(|it| it.id)
}

/// Where somebody has changed the same text in the same instant, it answers 400: read again, it can be done.
fn unless_raced<T>(changed: Result<T, Error>) -> Result<T, Error> {
    changed.map_err(|error| match error {
        Error::Refused(mut refusal) if refusal.status == 400 => {
            refusal.class = ErrorClass::Transient;
            Error::Refused(refusal)
        }
        error => error,
    })
}

#[async_trait]
impl Dialect for Gitea {
    fn kind(&self) -> &'static str {
        "gitea"
    }

    fn api(&self) -> &'static str {
        "/api/v1"
    }

    fn authorization(&self) -> (&'static str, &'static str) {
        ("authorization", "token ")
    }

    fn draft_words(&self) -> &'static [&'static str] {
        &["wip:", "[wip]"]
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn pages(&self) -> Pages {
        Pages {
            size: "limit",
            // A few lists know no pages.
            says_next: false,
        }
    }

    async fn account(&self, client: &Client) -> Result<String, Error> {
        let user: User = client.get("/user").await?;
        Ok(user.login)
    }

    async fn missing_scopes(&self, _: &Client) -> Result<Vec<&'static str>, Error> {
        // None of its tokens tells its own.
        Ok(Vec::new())
    }

    async fn access(&self, at: At<'_>) -> Result<Access, Error> {
        let found: Repository = at.client.get(&at.path("")).await?;
        let allowed = found.permissions;
        Ok(Access {
            can_read: allowed.as_ref().is_none_or(|it| it.pull),
            can_write: allowed.as_ref().is_some_and(|it| it.push),
            is_admin: allowed.is_some_and(|it| it.admin),
            allows_fast_forward: found.allow_fast_forward_only_merge,
        })
    }

    async fn may_write(&self, at: At<'_>, user: &str) -> Result<bool, Error> {
        let path = at.path(&format!("/collaborators/{}/permission", segment(user)));
        let permission = found(at.client.get::<Collaborator>(&path).await)?;
        let permission = permission.map(|it| it.permission);
        match permission.as_deref() {
            Some("write" | "admin" | "owner") => Ok(true),
            Some(_) | None => at.may_push_by_a_team(user).await,
        }
    }

    async fn all(&self, at: At<'_>, since: Option<Timestamp>) -> Result<Vec<RawIssue>, Error> {
        let since = since.map(|since| format!("&since={}", segment(&since.to_string())));
        at.issues(&since.unwrap_or_default()).await
    }

    async fn issues(&self, at: At<'_>) -> Result<Vec<RawIssue>, Error> {
        at.issues("&type=issues").await
    }

    async fn labelled(&self, at: At<'_>, label: &str) -> Result<Vec<RawIssue>, Error> {
        let path = format!("/issues?state=open&type=issues&labels={}", segment(label));
        let all: Vec<Issue> = at.client.list(&at.path(&path)).await?;
        all.into_iter().map(|it| at.issue(it)).collect()
    }

    async fn label_changes(
        &self,
        at: At<'_>,
        number: IssueNumber,
    ) -> Result<Vec<LabelChange>, Error> {
        let path = at.path(&format!("/issues/{number}/timeline"));
        // It gives the length of the page for that of the list, and names no next one.
        let all: Vec<Happened> = at.client.list_to_its_end(&path).await?;
        let mut changes = Vec::new();
        for it in all {
            let Some(label) = it.label.filter(|_| it.kind == "label") else {
                continue;
            };
            changes.push(LabelChange {
                author: login(it.user),
                label: label.name,
                is_added: it.body == "1",
                at: at.time(&it.created_at)?,
            });
        }
        Ok(changes)
    }

    async fn issue(&self, at: At<'_>, number: IssueNumber) -> Result<RawIssue, Error> {
        let path = at.path(&format!("/issues/{number}"));
        at.issue(at.client.get(&path).await?)
    }

    async fn create_issue(
        &self,
        at: At<'_>,
        title: &str,
        body: &str,
        labels: &[String],
    ) -> Result<RawIssue, Error> {
        let labels = at.label_ids(labels).await?;
        let new = json!({"title": title, "body": body, "labels": labels});
        let path = at.path("/issues");
        at.issue(at.client.send(Method::POST, &path, &new).await?)
    }

    async fn edit_issue(
        &self,
        at: At<'_>,
        number: IssueNumber,
        edit: &Edit<'_>,
    ) -> Result<RawIssue, Error> {
        let path = at.path(&format!("/issues/{number}"));
        let changed = at.client.send(Method::PATCH, &path, &edited(edit)).await;
        at.issue(unless_raced(changed)?)
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
            let labels = json!({"labels": at.label_ids(add).await?});
            let added = at.client.act(Method::POST, &path, Some(&labels)).await;
            if added.is_err() {
                // Somebody may have deleted a label since it was read.
                at.client.forget_list(&at.path("/labels"));
            }
            added?;
        }
        let remove = at.known_label_ids(remove).await?;
        for id in remove.into_iter().filter_map(|(_, id)| id) {
            let removed = at
                .client
                .act(Method::DELETE, &format!("{path}/{id}"), None)
                .await;
            // What is gone already is gone.
            found(removed)?;
        }
        Ok(())
    }

    async fn comments(&self, at: At<'_>, number: IssueNumber) -> Result<Vec<RawComment>, Error> {
        // This list has no pages.
        let path = at.path(&format!("/issues/{number}/comments"));
        let all: Vec<Comment> = at.client.get(&path).await?;
        all.into_iter().map(|it| at.comment(it)).collect()
    }

    async fn comment(&self, at: At<'_>, id: u64) -> Result<Option<RawComment>, Error> {
        let path = at.path(&format!("/issues/comments/{id}"));
        let read = found(at.client.get::<Comment>(&path).await)?;
        read.map(|it| at.comment(it)).transpose()
    }

    async fn create_comment(
        &self,
        at: At<'_>,
        number: IssueNumber,
        body: &str,
    ) -> Result<RawComment, Error> {
        let path = at.path(&format!("/issues/{number}/comments"));
        let new = json!({"body": body});
        at.comment(at.client.send(Method::POST, &path, &new).await?)
    }

    async fn edit_comment(&self, at: At<'_>, id: u64, body: &str) -> Result<RawComment, Error> {
        let path = at.path(&format!("/issues/comments/{id}"));
        let new = json!({"body": body});
        let changed = at.client.send(Method::PATCH, &path, &new).await;
        at.comment(unless_raced(changed)?)
    }

    async fn pull_requests(&self, at: At<'_>) -> Result<Vec<RawPullRequest>, Error> {
        let all: Vec<PullRequest> = at.client.list(&at.path("/pulls?state=all")).await?;
        let all = all.into_iter().filter(PullRequest::is_nameable);
        all.map(|it| at.pull_request(it)).collect()
    }

    async fn pull_request(&self, at: At<'_>, number: IssueNumber) -> Result<RawPullRequest, Error> {
        let path = at.path(&format!("/pulls/{number}"));
        at.pull_request(at.client.get(&path).await?)
    }

    async fn open_pull_request(
        &self,
        at: At<'_>,
        head: &BranchName,
        base: &BranchName,
    ) -> Result<Option<RawPullRequest>, Error> {
        let (base, head) = (segment(base.as_str()), segment(head.as_str()));
        let path = at.path(&format!("/pulls/{base}/{head}"));
        let read = found(at.client.get::<PullRequest>(&path).await)?;
        read.map(|it| at.pull_request(it)).transpose()
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
        at.pull_request(at.client.send(Method::POST, &path, &new).await?)
    }

    async fn edit_pull_request(
        &self,
        at: At<'_>,
        number: IssueNumber,
        edit: &Edit<'_>,
    ) -> Result<RawPullRequest, Error> {
        let path = at.path(&format!("/pulls/{number}"));
        let changed = at.client.send(Method::PATCH, &path, &edited(edit)).await;
        at.pull_request(unless_raced(changed)?)
    }

    async fn merge(
        &self,
        at: At<'_>,
        number: IssueNumber,
        head: &CommitId,
        style: MergeStyle,
    ) -> Result<(), Error> {
        let path = at.path(&format!("/pulls/{number}/merge"));
        let how = match style {
            MergeStyle::FastForward => json!({"Do": "fast-forward-only", "head_commit_id": head}),
            MergeStyle::Note => json!({"Do": "manually-merged", "MergeCommitID": head}),
        };
        at.client.act(Method::POST, &path, Some(&how)).await
    }

    async fn is_behind(&self, at: At<'_>, head: &CommitId, base: &CommitId) -> Result<bool, Error> {
        // What a pull request says of its merge base is as old as the last look at it.
        let path = at.path(&format!("/compare/{head}...{base}"));
        let compared: Compare = at.client.get(&path).await?;
        Ok(compared.total_commits > 0)
    }

    async fn branch(&self, at: At<'_>, name: &BranchName) -> Result<Option<CommitId>, Error> {
        let path = at.path(&format!("/branches/{}", branch_path(name)));
        let read = found(at.client.get::<Branch>(&path).await)?;
        read.map(|it| at.commit(&it.commit.id)).transpose()
    }

    async fn create_branch(
        &self,
        at: At<'_>,
        name: &BranchName,
        commit: &CommitId,
    ) -> Result<(), Error> {
        let new = json!({"new_branch_name": name, "old_ref_name": commit});
        let path = at.path("/branches");
        at.client.act(Method::POST, &path, Some(&new)).await
    }

    async fn delete_branch(&self, at: At<'_>, name: &BranchName) -> Result<(), Error> {
        let path = at.path(&format!("/branches/{}", branch_path(name)));
        found(at.client.act(Method::DELETE, &path, None).await).map(drop)
    }

    async fn file(&self, at: At<'_>, path: &str, of: &str) -> Result<Option<Vec<u8>>, Error> {
        let path: Vec<_> = path.split('/').map(segment).collect();
        let path = at.path(&format!("/contents/{}?ref={}", path.join("/"), segment(of)));
        let Some(read) = found(at.client.get::<Contents>(&path).await)? else {
            return Ok(None);
        };
        let text = read.content.unwrap_or_default();
        let bytes = base64::decode(&text).ok_or_else(|| at.unexpected("a file", "no base64"))?;
        Ok(Some(bytes))
    }

    async fn checks(&self, at: At<'_>, commit: &CommitId) -> Result<Vec<Check>, Error> {
        let path = at.path(&format!("/commits/{commit}/status"));
        let read: CombinedStatus = at.client.get(&path).await?;
        let statuses = read.statuses.unwrap_or_default();
        let checks = statuses.into_iter().map(|it| Check {
            context: it.context,
            state: match &*it.status {
                "pending" => CheckState::Pending,
                "success" => CheckState::Success,
                // Forgejo's `warning` and `skipped` stand in nobody's way.
                "warning" | "skipped" => CheckState::Success,
                "failure" => CheckState::Failure,
                _ => CheckState::Error,
            },
            description: it.description,
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
                "REQUEST_CHANGES" => Verdict::ChangesRequested,
                "COMMENT" => Verdict::Comment,
                // What is not submitted yet, and requests for a review.
                _ => return None,
            };
            let commit = at.commit(&it.commit_id);
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
            Verdict::Approved => "APPROVED",
            Verdict::ChangesRequested => "REQUEST_CHANGES",
            Verdict::Comment => "COMMENT",
        };
        let path = at.path(&format!("/pulls/{number}/reviews"));
        let new = json!({"event": event, "body": review.body, "commit_id": review.commit});
        at.client.act(Method::POST, &path, Some(&new)).await
    }
}
