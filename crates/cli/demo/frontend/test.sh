#!/bin/sh
# Every page is linked from the menu, and every link has its page.
set -eu
for page in pages/*.html; do
  grep -q "$(basename "$page")" menu.txt || { echo "$page is not in the menu"; exit 1; }
done
while read -r page; do
  [ -f "pages/$page" ] || { echo "the menu links to a missing page $page"; exit 1; }
done < menu.txt
echo "frontend: $(wc -l < menu.txt) pages checked"
