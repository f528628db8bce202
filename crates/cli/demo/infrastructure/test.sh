#!/bin/sh
# Every service names an image, and every alert a probe that exists.
set -eu
for service in services/*.conf; do
  grep -q '^image=' "$service" || { echo "$service names no image"; exit 1; }
done
for alert in alerts/*.conf; do
  [ -f "$alert" ] || continue
  probe=$(sed -n 's/^probe=//p' "$alert")
  [ -f "probes/$probe.conf" ] || { echo "$alert names the unknown probe $probe"; exit 1; }
done
echo "infrastructure: checked"
