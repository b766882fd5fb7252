#!/usr/bin/env bash
# Twenty builds of one profile, each with layers made anew under another TMPDIR,
# HOME, TZ, umask, GOMAXPROCS, LANG, user and working directory: one image digest
# and one lock. Then the digest told from the lock alone, with an empty cache.
#
#   scripts/same.sh [PROFILE]        none: Debian with a wheel of odd corners
#
# Needs python3, setpriv and root (one build in four runs as another user), the
# network once. BUILDS=20.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need python3 setpriv
cd "$tmp"
chmod 711 "$tmp"

profile=${1:-}
mkdir start
if [ -z "$profile" ]; then
  "$scripts/makewheel.py" start/dist odd 1.0 --odd --requires plain >/dev/null
  "$scripts/makewheel.py" start/dist plain 2.0 --size 3000000 >/dev/null
  printf '%s\n' 'name: odd' 'python: "3.11"' 'requires: [odd]' 'indexes: [{path: ./dist}]' 'image: {base: "debian:12"}' >start/odd.yaml
  profile=./odd.yaml
fi
lock=pylock.$(basename "${profile%.yaml}").toml

step "the first build"
(cd start && "$ww" build -q --profile "$profile" --no-wheelhouse --to oci:out) | tee first
digest=$(sed 's/.*@//' first)
cp "start/$lock" first.toml
rm -rf start/out "start/$lock"
cache=$("$ww" cache dir)

pick() { local i=$1; shift; local all=("$@"); printf %s "${all[i % $#]}"; }

# one I: a build in a world of its own.
one() {
  local i=$1 at run=()
  at=$tmp/$(pick "$i" "w$i" "a b $i" "ünïcode $i" "deep/er/$i")
  mkdir -p "$at"
  cp -r start "$at/here"
  mkdir -p "$at/home" "$at/tmp" "$at/cache"
  find "$cache" -mindepth 1 -maxdepth 1 -type d ! -name layers ! -name tmp -exec cp -al -t "$at/cache" {} + 2>/dev/null ||
    find "$cache" -mindepth 1 -maxdepth 1 -type d ! -name layers ! -name tmp -exec cp -r -t "$at/cache" {} +
  if [ $((i % 4)) = 3 ]; then # another user: its own copies of what it writes to
    find "$at/cache" -name '*.lock' -delete
    find "$at/cache" -type d -exec chown 12345 {} +
    chown -R 12345 "$at/here" "$at/home" "$at/tmp" && chmod 755 "$tmp" && chmod -R a+rX "$at" 2>/dev/null
    chown 12345 "$at"
    run=(setpriv --reuid 12345 --regid 54321 --clear-groups)
  fi
  (
    cd "$at/here"
    umask "$(pick "$i" 022 077 000 027 007)"
    exec env -i PATH="$PATH" HOME="$at/home" TMPDIR="$at/tmp" TZ="$(pick "$i" UTC Asia/Kolkata America/St_Johns Pacific/Apia :/nowhere)" \
      GOMAXPROCS="$(pick "$i" 1 2 3 8 64)" LANG="$(pick "$i" C tr_TR.UTF-8 C.UTF-8 de_DE.ISO-8859-1)" LC_ALL="$(pick "$i" C "" tr_TR.UTF-8)" \
      GOGC="$(pick "$i" 100 10 off)" USER="u$i" ${SSL_CERT_FILE:+SSL_CERT_FILE="$SSL_CERT_FILE"} "${run[@]}" \
      "$ww" build -q --profile "$profile" --offline --no-wheelhouse --cache-dir "$at/cache" --to oci:out >../said 2>../err
  ) || { tail -3 "$at/err"; return 1; }
  [ "$(sed 's/.*@//' "$at/said")" = "$digest" ] || { echo "    $i: $(cat "$at/said")"; return 1; }
  cmp "$at/here/$lock" first.toml || return 1
  rm -rf "$at"
}

step "${BUILDS:-20} builds elsewhere"
for ((i = 0; i < ${BUILDS:-20}; i++)); do
  code=0
  one "$i" || code=1
  [ "$code" = 0 ] || verdict 1 "build $i differs or failed"
done
[ "$missed" = 1 ] || verdict 0 "$i builds: $digest, lock $(sha256sum <first.toml | cut -c1-16)"

step "the digest from the lock alone"
mkdir bare && cp start/*.yaml bare/ 2>/dev/null || true
cp first.toml "bare/$lock"
told=$(cd bare && env -u WHEELWRIGHT_CACHE_DIR XDG_CACHE_HOME="$tmp/none" "$ww" digest --profile "$profile") || true
check "wheelwright digest, no wheel and no cache there: $told" [ "$told" = "$digest" ]
check "it wrote nothing but its answer" [ -z "$(find "$tmp/none" -type f 2>/dev/null)" ]
finish
