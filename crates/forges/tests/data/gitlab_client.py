"""Works on a forge by python-gitlab, as somebody else would: a client that is none of ours."""

import sys
from gitlab import Gitlab

url, token = sys.argv[1:]
client = Gitlab(url, private_token=token)
client.auth()
assert client.user.username == "robot"
project = client.projects.get("ada/backend")

issue = project.issues.create({"title": "Greet", "description": "By name.", "labels": "wanted"})
issue.title = "Greet by name"
issue.labels = ["wanted", "later"]
issue.save()
note = issue.notes.create({"body": "First."})
note.body = "Second."
note.save()
again = project.issues.get(issue.iid)
assert again.title == "Greet by name" and sorted(again.labels) == ["later", "wanted"]
assert "Second." in [note.body for note in again.notes.list(iterator=True)]
found = project.issues.list(state="opened", labels=["wanted"], iterator=True)
assert [it.iid for it in found] == [issue.iid]
first = issue.resourcelabelevents.list(iterator=True).next()
assert (first.action, first.label["name"]) == ("add", "wanted")

request = {"source_branch": "automation/a", "target_branch": "main", "title": "A change"}
merge_request = project.mergerequests.create(request)
assert [it.iid for it in project.mergerequests.list(state="opened", iterator=True)] == [merge_request.iid]
commit = merge_request.sha
status = {"state": "success", "name": "tests", "description": "passed"}
client.http_post(f"/projects/{project.encoded_id}/statuses/{commit}", post_data=status)
statuses = client.http_list(
    f"/projects/{project.encoded_id}/repository/commits/{commit}/statuses", iterator=True
)
assert [it["name"] for it in statuses] == ["tests"]
merge_request.merge(sha=commit)
assert project.mergerequests.get(merge_request.iid).state == "merged"
assert project.branches.get("main").commit["id"] == commit
issue.state_event = "close"
issue.save()
assert project.issues.get(issue.iid).state == "closed"
print("python-gitlab: issues, labels, notes, merge requests, statuses, branches")
