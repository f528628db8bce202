# What a person would write: a clone for each task, the edit, a commit, and
# one merge after another. Arguments: origin, work folder, tasks, how many at a time.
set -eu
origin=$1 work=$2 tasks=$3 parallel=$4
export origin work
git clone --quiet "$origin" "$work/integration"
seq -w 0 $((tasks - 1)) | xargs -P "$parallel" -I N sh -euc '
  git clone --quiet "$origin" "$work/N"
  cd "$work/N"
  sed -i "1s/.*/changed by task N/" "dN/f00.txt"
  git commit --quiet --all --message "Task N"
  exec 9> "$work/lock"
  flock 9
  cd "$work/integration"
  git fetch --quiet "$work/N" main
  git merge --quiet --no-edit FETCH_HEAD
'
