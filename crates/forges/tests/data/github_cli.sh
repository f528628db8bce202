# Works on a forge by GitHub's own command line, as somebody else would: a client that is none of ours.
# To it the forge is `github.localhost`, whose API has a host of its own, and which is reached by a proxy.
set -eu
gh=$1
export http_proxy="$2" HTTP_PROXY="$2" no_proxy= NO_PROXY=
export GH_TOKEN="$3" GH_HOST=github.localhost GH_NO_UPDATE_NOTIFIER=1 NO_COLOR=1
repository=repos/ada/backend

is() {
    [ "$1" = "$2" ] || {
        echo "expected '$2', not '$1'"
        exit 1
    }
}

is "$("$gh" api user --jq .login)" robot
is "$("$gh" api $repository --jq '.full_name, .permissions.push' | tr '\n' ' ')" 'ada/backend true '

number=$("$gh" api $repository/issues -f title=Greet -f body='By name.' -f 'labels[]=wanted' --jq .number)
issue=$repository/issues/$number
"$gh" api -X PATCH "$issue" -f title='Greet by name' --silent
comment=$("$gh" api "$issue/comments" -f body=First. --jq .id)
"$gh" api -X PATCH $repository/issues/comments/"$comment" -f body=Second. --silent
is "$("$gh" api "$issue" --jq '.title + ":" + .labels[0].name')" 'Greet by name:wanted'
is "$("$gh" api "$issue/comments" --jq '.[].body')" Second.
"$gh" api -X PATCH "$issue" -f state=closed --silent

for title in one two three four; do
    "$gh" api $repository/issues -f title=$title --silent
done
is "$("$gh" api --paginate "$repository/issues?state=all&per_page=2&direction=asc" --jq '.[].title' | sort | tr '\n' ' ')" \
    'Greet by name four one three two '
is "$("$gh" api --paginate "$repository/issues?per_page=2" --jq '.[].title' | sort | tr '\n' ' ')" 'four one three two '

tag=$("$gh" api -i "$issue" | tr -d '\r' | sed -n 's/^E[Tt]ag: //p')
answer=$("$gh" api -i "$issue" -H "If-None-Match: $tag" 2>/dev/null || true)
is "$(echo "$answer" | head -n 1 | grep -o 304)" 304

pull=$("$gh" api $repository/pulls -f title='A change' -f head=automation/a -f base=main --jq .number)
head=$("$gh" api $repository/pulls/"$pull" --jq .head.sha)
"$gh" api $repository/statuses/"$head" -f state=success -f context=tests --silent
is "$("$gh" api $repository/commits/"$head"/status --jq '.statuses[].context')" tests
"$gh" api $repository/pulls/"$pull"/reviews -f body=Right. -f event=COMMENT --silent
"$gh" api -X PATCH $repository/git/refs/heads/main -f sha="$head" --silent
is "$("$gh" api $repository/pulls/"$pull" --jq .merged)" true
"$gh" api $repository/issues/999 --silent 2>/dev/null && exit 1
echo 'gh: issues, labels, comments, pages, conditional requests, pull requests, statuses, reviews, refs'
