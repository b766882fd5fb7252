#!/usr/bin/env bash
# An image rebuilt from its lock and its wheelhouse folder alone: an empty cache,
# no network device at all, then a network whose mirrors do not answer. The
# digest must be the same each time, and a spoilt package must be refused.
#
#   scripts/carried.sh [PROFILE]     ada_cu124 by default
#
# Needs root (unshare), the network for the first build, 15 GB of disk;
# WHEELWRIGHT_CACHE_DIR is as for builds.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need unshare
[ "$(id -u)" = 0 ] || { echo "carried: must be root" >&2; exit 2; }
profile=${1:-ada_cu124}
name=$(basename "${profile%.yaml}")
[ "$name" = "$profile" ] || profile=$(realpath "$profile")
cd "$tmp"

step "build $name"
"$ww" build --profile "$profile" --to oci:out | tee built
digest=$(sed -n '$s/.*@//p' built)
rm -rf out
mkdir away
mv "pylock.$name.toml" "wheelhouse.$name" away/
cd away
cp "pylock.$name.toml" ../locked
du -shL "wheelhouse.$name" "wheelhouse.$name/debs" | sed 's/^/  /'

again() { # TEXT COMMAND…
  local text=$1
  shift
  step "$text"
  WHEELWRIGHT_CACHE_DIR=$tmp/empty "$@" "$ww" build --profile "$profile" --frozen --to oci:out | tee ../built
  check "the same digest" test "$(sed -n '$s/.*@//p' ../built)" = "$digest"
  check "the lock is untouched" cmp -s "pylock.$name.toml" ../locked
  rm -rf out "$tmp/empty"
}
again "no network device, empty cache" unshare -n
dead=http://127.0.0.1:9
again "mirrors and index that do not answer, empty cache" env WHEELWRIGHT_DEBIAN_MIRROR=$dead WHEELWRIGHT_DEBIAN_SECURITY_MIRROR=$dead WHEELWRIGHT_DEBIAN_SNAPSHOT=$dead UV_DEFAULT_INDEX=$dead/simple/

step "a flipped bit in a package of the folder"
deb=$(find "wheelhouse.$name/debs" -name 'libc6_*.deb')
cp "$deb" whole && rm "$deb" && cp whole "$deb"
printf '\x01' | dd of="$deb" bs=1 seek=5000 conv=notrunc status=none
code=0
WHEELWRIGHT_CACHE_DIR=$tmp/empty unshare -n "$ww" build --profile "$profile" --frozen --to oci:out 2>refused || code=$?
sed 's/^/  /' refused | tail -4
check "exit $code, integrity" test $code = 5
finish
