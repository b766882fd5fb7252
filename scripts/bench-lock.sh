#!/usr/bin/env bash
# Lock time and peak memory of a profile, cold, warm and offline, beside
# `uv pip compile` of the same request in the same run, against the real index.
#
#   scripts/bench-lock.sh [PROFILE] [FOLDER]
#
# FOLDER (default: a temporary one, removed afterwards) gets hyperfine's JSON
# and the outputs of both tools. Needs hyperfine, uv, GNU time; RUNS=N sets the
# number of warm and offline runs (10), COLD=N of cold ones (3), WHEELWRIGHT
# another program than bin/wheelwright.
# The request that uv gets is read from our own `profiles show`, so that the
# two solve the same thing; uv has no word for "torch built with CUDA X", so
# TORCH (a requirement such as torch<2.7) stands in for it where a profile has one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
profile=${1:-ada_cu124}
keep=${2:-}
: "${RUNS:=10}" "${COLD:=3}"
bin=${WHEELWRIGHT:-$PWD/bin/wheelwright}
for tool in hyperfine uv; do
  command -v "$tool" >/dev/null || { echo "bench-lock: $tool is not installed" >&2; exit 2; }
done
[ -x "$bin" ] || { echo "bench-lock: $bin is missing: make build" >&2; exit 2; }
[ -x /usr/bin/time ] || { echo "bench-lock: /usr/bin/time (GNU time) is not installed" >&2; exit 2; }

dir=${keep:-$(mktemp -d)}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[ -n "$keep" ] || trap 'rm -rf "$dir"' EXIT

case "$profile" in
  *cu121) : "${TORCH:=torch<2.5}" ;;
  *cu124) : "${TORCH:=torch>=2.5,<2.7}" ;;
  *cu128) : "${TORCH:=torch>=2.8,<2.11}" ;;
  *cu130) : "${TORCH:=torch>=2.11,<2.15}" ;;
  cpu)    : "${TORCH:=torch}" ;;
  *) : "${TORCH:?bench-lock: set TORCH to what uv shall be asked for}" ;;
esac
"$bin" profiles show "$profile" >"$dir/profile.yaml"
# requires is a YAML list, one "- item" a line after its key.
awk '/^requires:/{on=1;next} on&&/^ *- /{sub(/^ *- */,"");gsub(/["\047]/,"");print;next} on{exit}' "$dir/profile.yaml" |
  sed "s/^torch\$/$TORCH/" >"$dir/requirements.in"
python=$(sed -n 's/^python: *"\{0,1\}\([0-9.]*\)"\{0,1\}.*/\1/p' "$dir/profile.yaml")
grep -q . "$dir/requirements.in" || { echo "bench-lock: no requires in profile $profile" >&2; exit 2; }
echo "request for both, Python $python:"
sed 's/^/  /' "$dir/requirements.in"

# No lock is there beforehand, so that no version is kept. uv writes to stdout
# for the same reason; its --upgrade would read everything anew.
ours="$bin lock --profile $profile --quiet --cache-dir $dir/cache -o $dir/pylock.toml"
uvs="uv pip compile --quiet --only-binary :all: --python-version $python --python-platform x86_64-manylinux_2_28 --generate-hashes --cache-dir $dir/uvcache $dir/requirements.in"

fresh="rm -f $dir/pylock.toml"
hyperfine --warmup 0 --runs "$COLD" --export-json "$dir/cold.json" \
  --prepare "$fresh; rm -rf $dir/cache" -n "wheelwright cold" "$ours" \
  --prepare "rm -rf $dir/uvcache" -n "uv cold" "$uvs"
hyperfine --warmup 1 --runs "$RUNS" --export-json "$dir/warm.json" \
  --prepare "$fresh" -n "wheelwright warm" "$ours" --prepare "$fresh" -n "uv warm" "$uvs"
hyperfine --warmup 1 --runs "$RUNS" --export-json "$dir/offline.json" \
  --prepare "$fresh" -n "wheelwright offline" "$ours --offline" --prepare "$fresh" -n "uv offline" "$uvs --offline"

echo "peak memory (KiB) and elapsed, one run each:"
for state in cold warm offline; do
  flag=
  [ "$state" != offline ] || flag=--offline
  [ "$state" != cold ] || rm -rf "$dir/cache" "$dir/uvcache"
  for who in wheelwright uv; do
    cmd=$ours
    [ "$who" != uv ] || cmd=$uvs
    rm -f "$dir/pylock.toml"
    # shellcheck disable=SC2086 # the commands are word lists
    /usr/bin/time -v -o "$dir/time.$who.$state" $cmd $flag >"$dir/out.$who.$state"
    printf '  %-12s %-8s %10s KiB  %s\n' "$who" "$state" \
      "$(sed -n 's/.*Maximum resident set size (kbytes): //p' "$dir/time.$who.$state")" \
      "$(sed -n 's/.*Elapsed (wall clock) time (h:mm:ss or m:ss): //p' "$dir/time.$who.$state")"
  done
done
