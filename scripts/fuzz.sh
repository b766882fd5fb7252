#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME each (go test fuzzes one
# target at a time). Arguments narrow the packages; default ./...
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${FUZZTIME:=60s}" "${GO:=go}"
[ "$#" -gt 0 ] || set -- ./...
failed=0
for pkg in $("$GO" list "$@"); do
  dir=$("$GO" list -f '{{.Dir}}' "$pkg")
  # Listing by text first: a package with no target is not linked at all.
  grep -qs '^func Fuzz' "$dir"/*_test.go || continue
  for target in $("$GO" test -list '^Fuzz' "$pkg" | grep '^Fuzz'); do
    echo "== $pkg $target for $FUZZTIME"
    "$GO" test -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 2s "$pkg" || failed=1
  done
done
exit "$failed"
