//! Reviews. GitLab has approvals, which name neither a commit nor a text, and comments: what a review
//! of ours says, a comment with a hidden mark keeps, and an approval is given beside it.

use core_types::{CommitId, IssueNumber};
use perf_utils::http::Method;
use serde_json::json;

use super::{
    answers::Approvals,
    numbers::{Subject, merge_request_iid},
    texts,
};
use crate::{
    Error,
    remote::dialect::{At, PullRequestReview, Verdict},
};

const BEGIN: &str = "\n\n<!-- automation-review/1 ";
const END: &str = " -->";

const WORDS: [(&str, Verdict); 3] = [
    ("approved", Verdict::Approved),
    ("changes-requested", Verdict::ChangesRequested),
    ("comment", Verdict::Comment),
];

pub(super) async fn read(at: At<'_>, number: IssueNumber) -> Result<Vec<PullRequestReview>, Error> {
    let merge_request = at.read_merge_request(number).await?;
    let head = at.commit(merge_request.sha.as_deref().unwrap_or_default())?;
    let approved_by = approved_by(at, number).await?;
    let mut reviews = Vec::new();
    for note in at.read_notes(number).await? {
        // The mark says nothing of who: that is the author of the comment.
        let author = note.author.map(|it| it.username).unwrap_or_default();
        let review = parse(author, &texts::read(&note.body));
        // Nor does it approve: what it tells of may have been taken back, or never been given.
        let stands = |it: &PullRequestReview| {
            it.verdict != Verdict::Approved || approved_by.contains(&it.author)
        };
        reviews.extend(review.filter(stands));
    }
    for author in approved_by {
        let is_told = |it: &PullRequestReview| {
            it.author == author && it.verdict == Verdict::Approved && it.commit == head
        };
        if !reviews.iter().any(is_told) {
            // An approval that a push has not taken back is one of the head.
            reviews.push(PullRequestReview {
                author,
                verdict: Verdict::Approved,
                body: String::new(),
                commit: head.clone(),
            });
        }
    }
    Ok(reviews)
}

/// Gives an approval first: what is told of it must not be all there is.
pub(super) async fn submit(
    at: At<'_>,
    number: IssueNumber,
    review: &PullRequestReview,
) -> Result<(), Error> {
    let iid = merge_request_iid(number).ok_or(Error::NoPullRequest { number })?;
    let subject = Subject::MergeRequest(iid);
    if review.verdict == Verdict::Approved {
        let merge_request = at.read_merge_request(number).await?;
        if merge_request
            .author
            .is_some_and(|it| it.username == review.author)
        {
            return Err(Error::OwnPullRequest { number });
        }
        // Who has approved may not do so again.
        if !approved_by(at, number).await?.contains(&review.author) {
            let path = at.subject(subject, "/approve");
            let of = json!({"sha": review.commit});
            at.client.act(Method::POST, &path, Some(&of)).await?;
        }
    }
    let new = json!({"body": texts::written(&marked(review))});
    let path = at.subject(subject, "/notes");
    at.client.act(Method::POST, &path, Some(&new)).await
}

async fn approved_by(at: At<'_>, number: IssueNumber) -> Result<Vec<String>, Error> {
    let path = at.subject(Subject::of(number), "/approvals");
    let read: Approvals = at.client.get(&path).await?;
    Ok(read
        .approved_by
        .into_iter()
        .map(|it| it.user.username)
        .collect())
}

fn marked(review: &PullRequestReview) -> String {
    let word = WORDS.iter().find(|(_, it)| *it == review.verdict);
    let word = word.map_or("comment", |(word, _)| word);
    format!("{}{BEGIN}{word} {}{END}", review.body, review.commit)
}

/// `None` for a comment that is no review of ours.
fn parse(author: String, text: &str) -> Option<PullRequestReview> {
    let begin = text.rfind(BEGIN)?;
    let inside = text[begin + BEGIN.len()..].strip_suffix(END)?;
    let (word, commit) = inside.split_once(' ')?;
    let (_, verdict) = WORDS.iter().find(|(it, _)| *it == word)?;
    Some(PullRequestReview {
        author,
        verdict: *verdict,
        body: text[..begin].to_owned(),
        commit: CommitId::new(commit).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reviews_come_back_from_comments() {
        for (_, verdict) in WORDS {
            let review = PullRequestReview {
                author: "ada".to_owned(),
                verdict,
                body: "Right.\n\n<!-- automation-review/1 comment x -->".to_owned(),
                commit: CommitId::new("a".repeat(40)).unwrap(),
            };
            assert_eq!(parse("ada".to_owned(), &marked(&review)), Some(review));
        }
        for other in ["", "approved", "\n\n<!-- automation-review/1 great x -->"] {
            assert_eq!(parse("ada".to_owned(), other), None, "{other:?}");
        }
    }
}
