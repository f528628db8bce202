"""Works on a forge by PyGithub, as somebody else would: a client that is none of ours."""

import sys
from github import Auth, Github

url, token = sys.argv[1:]
client = Github(base_url=url, auth=Auth.Token(token), retry=None)
assert client.get_user().login == "robot"
repository = client.get_repo("ada/backend")
assert repository.full_name == "ada/backend" and repository.permissions.push

issue = repository.create_issue(title="Greet", body="By name.", labels=["wanted"])
issue.edit(title="Greet by name", labels=["wanted", "later"])
issue.create_comment("First.")
issue.get_comments()[0].edit("Second.")
again = repository.get_issue(issue.number)
assert again.title == "Greet by name"
assert sorted(label.name for label in again.labels) == ["later", "wanted"]
assert [comment.body for comment in again.get_comments()] == ["Second."]
issue.remove_from_labels("later")
assert [label.name for label in repository.get_issue(issue.number).labels] == ["wanted"]
found = list(repository.get_issues(state="open", labels=["wanted"]))
assert [it.number for it in found] == [issue.number]
assert [(it.event, it.label.name) for it in issue.get_events()][0] == ("labeled", "wanted")

pull = repository.create_pull(base="main", head="automation/a", title="A change", body="Why.")
assert [it.number for it in repository.get_pulls(state="open")] == [pull.number]
assert pull.head.ref == "automation/a" and not pull.merged
status = {"state": "success", "context": "tests", "description": "passed"}
ask = client.requester.requestJsonAndCheck
ask("POST", f"{repository.url}/statuses/{pull.head.sha}", input=status)
_, combined = ask("GET", f"{repository.url}/commits/{pull.head.sha}/status")
assert [it["context"] for it in combined["statuses"]] == ["tests"]
pull.create_review(body="Right.", event="COMMENT")
assert [review.body for review in pull.get_reviews()] == ["Right."]
main = repository.get_git_ref("heads/main")
main.edit(sha=pull.head.sha)
assert repository.get_git_ref("heads/main").object.sha == pull.head.sha
assert repository.get_pull(pull.number).merged
issue.edit(state="closed")
assert repository.get_issue(issue.number).state == "closed"
print("PyGithub: issues, labels, comments, pull requests, statuses, reviews, refs")
