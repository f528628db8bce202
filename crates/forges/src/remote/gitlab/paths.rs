//! Where things are below a project, and those that several calls read.

use core_types::IssueNumber;

use super::{
    answers::{MergeRequest, Note, Project},
    numbers::{NoteId, Subject, merge_request_iid},
};
use crate::{
    Error,
    remote::{client::segment, dialect::At},
};

/// Pages in an order that nothing moves in.
pub(super) const OLDEST_FIRST: &str = "order_by=created_at&sort=asc";

impl At<'_> {
    /// A path below the project.
    pub(super) fn project(&self, rest: &str) -> String {
        let whole = format!("{}/{}", self.slug.owner(), self.slug.name());
        format!("/projects/{}{rest}", segment(&whole))
    }

    pub(super) fn subject(&self, subject: Subject, rest: &str) -> String {
        let (kind, iid) = match subject {
            Subject::Issue(iid) => ("issues", iid),
            Subject::MergeRequest(iid) => ("merge_requests", iid),
        };
        self.project(&format!("/{kind}/{iid}{rest}"))
    }

    pub(super) fn note(&self, id: NoteId) -> String {
        self.subject(id.subject, &format!("/notes/{}", id.note))
    }

    pub(super) async fn read_project(&self) -> Result<Project, Error> {
        self.client.get(&self.project("")).await
    }

    pub(super) async fn read_merge_request(
        &self,
        number: IssueNumber,
    ) -> Result<MergeRequest, Error> {
        let iid = merge_request_iid(number).ok_or(Error::NoPullRequest { number })?;
        let path = self.subject(Subject::MergeRequest(iid), "");
        self.client.get(&path).await
    }

    pub(super) async fn read_notes(&self, number: IssueNumber) -> Result<Vec<Note>, Error> {
        let path = self.subject(Subject::of(number), &format!("/notes?{OLDEST_FIRST}"));
        let all: Vec<Note> = self.client.list(&path).await?;
        // What it notes itself, such as a change of the title, nobody has said.
        Ok(all.into_iter().filter(|it| !it.system).collect())
    }
}
