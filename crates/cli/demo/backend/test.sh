#!/bin/sh
# Every handler parses, and every route has its handler.
set -eu
for handler in handlers/*.sh; do sh -n "$handler"; done
while read -r route handler; do
  [ -f "$handler" ] || { echo "route $route has no handler $handler"; exit 1; }
done < routes.txt
echo "backend: $(wc -l < routes.txt) routes checked"
