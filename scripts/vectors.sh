#!/usr/bin/env bash
# Holds solver/pep440, pep508 and tag against answers of CPython's packaging
# library and prints how many were compared and how many differ. Without an
# argument: the answers in testdata/vectors. With a SEED: fresh ones, which
# packaging (python3) gives now, in an amount of SCALE (2: as many as recorded).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
: "${GO:=go}" "${SCALE:=10}"
folder=() seed=${1-}
if [ -n "$seed" ]; then
  command -v python3 >/dev/null || { echo "python3 is not installed, and its packaging library gives the answers: install it, then python3 -m pip install packaging==26.3" >&2; exit 2; }
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  python3 testdata/vectors/record.py --seed "$seed" --scale "$SCALE" --out "$dir"
  folder=(-vectors "$dir")
fi
echo "== answers of CPython's packaging${seed:+, fresh for seed $seed}"
failed=0
out=$("$GO" test -v -run 'Vectors$' ./solver/pep440 ./solver/pep508 ./solver/tag "${folder[@]}") || failed=1
sed -n 's/^ *[a-z_]*_test\.go:[0-9]*: vectors: //p' <<<"$out"
if [ "$failed" = 1 ]; then
  grep -vE '^(=== |--- PASS|ok|PASS)|: vectors: ' <<<"$out" | cut -c1-600 | head -100 >&2
fi
exit "$failed"
