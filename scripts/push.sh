#!/usr/bin/env bash
# What a push sends, by the bytes of the request bodies that a proxy before a
# docker-registry counts: twice the same image (0 the second time), one small
# and one heavy package changed (their layer and at most 1 MiB), and a push that
# is killed ten times (right in the end; a blob that had arrived is not sent
# again). With wheels made here, or with a real profile, whose package SMALL and
# then HEAVY is moved to another release.
#
#   scripts/push.sh [PROFILE]
#
# Needs docker-registry, curl, python3; with a PROFILE the network. VERB=build
# pushes with build instead of push. KILLS=10, SEED=1, SMALL, HEAVY.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need docker-registry curl python3
cd "$tmp"
uploads=$scripts/uploads.py log=$tmp/requests profile=${1:-} jobs=4
KILLS=${KILLS:-10}
RANDOM=${SEED:-1}

# profile SMALL HEAVY writes p.yaml: with versions, or with what may not be taken.
if [ -z "$profile" ]; then
  small=small heavy=heavy
  for v in 1.0 2.0; do
    "$scripts/makewheel.py" dist small $v --size 100000
    "$scripts/makewheel.py" dist heavy $v --size 200000000
  done >/dev/null
  others=
  for n in a b c d e f g h; do "$scripts/makewheel.py" dist other-$n 1.0 --size 400000 >/dev/null; others+=", other-$n"; done
  for n in 1 2 3; do "$scripts/makewheel.py" dist middle-$n 1.0 --size 30000000 >/dev/null; others+=", middle-$n"; done
  profile() {
    printf '%s\n' 'name: p' 'python: "3.11"' "requires: [small==$1, heavy==$2$others]" 'indexes: [{path: ./dist}]' 'image: {base: scratch}' >p.yaml
  }
  first=1.0 second=2.0
else
  small=${SMALL:-certifi} heavy=${HEAVY:-pyarrow}
  profile() { printf '%s\n' 'name: p' "extends: $profile" "exclude: [${1:+$small$1}${2:+, $heavy$2}]" >p.yaml; }
  first= second=locked
fi
version() { python3 -c 'import sys, tomllib; print(next(p["version"] for p in tomllib.load(open("pylock.p.toml", "rb"))["packages"] if p["name"] == sys.argv[1]))' "$1"; }
change() { # NAME: how its other release is asked for
  [ "$second" != locked ] || { echo "==$(version "$1")"; return; }
  echo "$second"
}

build() { # the image into a layout, the lock with its derived part; $digest
  cp pylock.p.toml before.toml 2>/dev/null || true
  digest=$("$ww" build -q --profile ./p.yaml --no-wheelhouse --to oci:layout)
  digest=${digest##*@}
  rm -rf layout
}
push=("$ww" push -q --profile ./p.yaml)
[ "${VERB:-push}" = push ] || push=("$ww" build -q --profile ./p.yaml --no-wheelhouse --locked)
lines() { if [ -e "$log" ]; then wc -l <"$log"; else echo 0; fi; }
sent() { # what one push sends, $bytes; the registry has the image of the lock then
  local from
  from=$(lines)
  "${push[@]}" --to "$proxy/ml/p" >pushed
  check "the digest pushed is that of the layout" [ "$(sed 's/.*@//' pushed)" = "$digest" ]
  sleep 0.3 # the proxy's last line
  bytes=$("$uploads" sent "$log" "$from")
  check "every blob in the registry has the bytes of its digest" "$uploads" whole "$store" ml/p "$digest"
}
moved() { # NAME: after one package has changed
  "$ww" diff before.toml pylock.p.toml | sed 's/^/    /' || true
  sent
  local layer
  layer=$("$uploads" layer pylock.p.toml "$1")
  check "$1 changed: $bytes bytes sent, its layer has $layer, $((bytes - layer)) besides" [ "$bytes" -le $((layer + 1048576)) ]
}

store=$tmp/registry
registry "$store"
counting "$registry" "$log"

step "push, and again"
profile "$first" "$first"
build
sent
size=$bytes
echo "  $bytes bytes the first time"
sent
check "$bytes bytes the second time" [ "$bytes" = 0 ]

step "one small package, one heavy package"
a=$(change "$small") b=$(change "$heavy")
profile "$a" "$first"
build
moved "$small"
profile "$a" "$b"
build
moved "$heavy"

step "a push killed $KILLS times"
kill "$last" # the proxy; the next one lets a push take about 12 s
store=$tmp/second
registry "$store"
log=$tmp/killed
RATE=$((size / 12)) counting "$registry" "$log"
kills=0 before=0 worst=0
for ((i = 0; kills < KILLS && i < 3 * KILLS; i++)); do
  "${push[@]}" --to "$proxy/ml/p" >pushed 2>push.err &
  pid=$!
  sleep "$((RANDOM % 4)).$((RANDOM % 900 + 100))"
  if kill -KILL "$pid" 2>/dev/null; then kills=$((kills + 1)); fi
  wait "$pid" 2>/dev/null && break # it had ended
  sleep 0.5 # the proxy sees the cut
  flight=$("$uploads" uploads "$log" "$before" | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["unfinished"]))')
  [ "$flight" -le "$worst" ] || worst=$flight
  before=$(lines)
done
"${push[@]}" --to "$proxy/ml/p" >pushed
sleep 0.3
check "killed $kills times; the digest is that of the layout" [ "$(sed 's/.*@//' pushed)" = "$digest" ]
check "every blob in the registry has the bytes of its digest" "$uploads" whole "$store" ml/p "$digest"
"$uploads" uploads "$log" | python3 -c '
import collections, json, sys
u = json.load(sys.stdin)
twice = [d for d, n in collections.Counter(u["finished"]).items() if n > 1]
lost = u["unfinished"]
print("  %d blobs finished, %d uploads cut with %d bytes, %d bytes in all" % (len(u["finished"]), len(lost), sum(lost.values()), u["sent"]))
sys.exit(bool(twice))' && code=0 || code=1
verdict "$code" "no blob that had arrived was sent again"
check "at most $worst uploads were in flight at a kill" [ "$worst" -le "$jobs" ]
finish
