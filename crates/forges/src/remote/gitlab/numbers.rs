//! Numbers that tell all things of a project apart, as the port has them.

use core_types::{APART, IssueNumber};

/// An id of a note takes so many bits, the number of what it is on so many.
const NOTE_BITS: u32 = 38;
const IID_BITS: u32 = 24;

/// What notes are on, by its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Issue(u64),
    MergeRequest(u64),
}

impl Subject {
    pub(super) fn of(number: IssueNumber) -> Self {
        match merge_request_iid(number) {
            Some(iid) => Self::MergeRequest(iid),
            None => Self::Issue(number),
        }
    }
}

/// The number there of a merge request; `None` for the number of an issue.
pub(super) fn merge_request_iid(number: IssueNumber) -> Option<u64> {
    number.checked_sub(APART).filter(|iid| *iid > 0)
}

/// The number here of a merge request; `None` for one that no project reaches.
pub(super) fn of_merge_request(iid: u64) -> Option<IssueNumber> {
    is_iid(iid).then_some(APART + iid)
}

/// Whether a number there fits into what we make of it.
pub(super) fn is_iid(iid: u64) -> bool {
    (1..1 << IID_BITS).contains(&iid)
}

/// A note and what it is on: the port knows a comment by one number alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoteId {
    pub(super) subject: Subject,
    pub(super) note: u64,
}

impl NoteId {
    /// `None` for a number that stands for no comment.
    pub(super) fn parse(id: u64) -> Option<Self> {
        let (above, note) = (id >> NOTE_BITS, id & ((1 << NOTE_BITS) - 1));
        let iid = above >> 1;
        let subject = match above & 1 {
            0 => Subject::Issue(iid),
            _ => Subject::MergeRequest(iid),
        };
        (is_iid(iid) && note > 0).then_some(Self { subject, note })
    }

    /// `None` for numbers that no server reaches.
    pub(super) fn number(self) -> Option<u64> {
        let (iid, kind) = match self.subject {
            Subject::Issue(iid) => (iid, 0),
            Subject::MergeRequest(iid) => (iid, 1),
        };
        let fits = is_iid(iid) && (1..1 << NOTE_BITS).contains(&self.note);
        fits.then_some((iid << 1 | kind) << NOTE_BITS | self.note)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_known_by_one_number() {
        let most = (1 << IID_BITS) - 1;
        for subject in [
            Subject::Issue(1),
            Subject::MergeRequest(1),
            Subject::Issue(most),
            Subject::MergeRequest(most),
        ] {
            for note in [1, 3_000_000_000, (1 << NOTE_BITS) - 1] {
                let id = NoteId { subject, note };
                let number = id.number().expect("it fits");
                assert!(i64::try_from(number).is_ok(), "{id:?}: signed readers, too");
                assert_eq!(NoteId::parse(number), Some(id));
            }
        }
        for none in [0, 1, 999, (1 << NOTE_BITS) - 1, 1 << (NOTE_BITS + 1)] {
            assert_eq!(NoteId::parse(none), None, "{none}");
        }
        for (iid, note) in [(0, 1), (1, 0), (1 << IID_BITS, 1), (1, 1 << NOTE_BITS)] {
            let id = NoteId {
                subject: Subject::Issue(iid),
                note,
            };
            assert_eq!(id.number(), None, "{id:?}");
        }
    }

    #[test]
    fn merge_requests_are_numbered_apart() {
        assert_eq!(of_merge_request(12), Some(APART + 12));
        assert_eq!(merge_request_iid(APART + 12), Some(12));
        for issue in [0, 12, APART] {
            assert_eq!(merge_request_iid(issue), None);
            assert_eq!(Subject::of(issue), Subject::Issue(issue));
        }
        assert_eq!(of_merge_request(0), None);
    }
}
