#!/usr/bin/env bash
# The whole job against the real index and real runtimes, with its figures:
# build, import inside the image's own files, installers, registry, twice the
# same. Needs the network, root (chroot), uv, python3, skopeo, umoci,
# docker-registry, GNU time. Usage: scripts/shows.sh [PROFILE]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
profile=${1:-ada_cu124}
ww=$PWD/bin/wheelwright
tmp=$(mktemp -d)
registry=
cleanup() {
  [ -z "$registry" ] || kill "$registry" 2>/dev/null || true
  mountpoint -q "$tmp/rootfs/proc" && umount "$tmp/rootfs/proc"
  chmod -R u+w "$tmp" 2>/dev/null || true
  rm -rf "$tmp"
}
trap cleanup EXIT
step() { printf '\n== %s\n' "$*"; }
timed() { # LABEL COMMAND…: wall seconds and peak memory on stderr
  local label=$1; shift
  command time -f "$label: %e s wall, %U s user, %M KiB peak" "$@"
}
cd "$tmp"

step "cold build, then everything cached"
export XDG_CACHE_HOME=$tmp/cache
timed cold "$ww" build --profile "$profile" --to oci:out | tee cold.txt
timed cached "$ww" build --profile "$profile" --to oci:out | tee cached.txt
cmp cold.txt cached.txt
cp "pylock.$profile.toml" first.toml

step "import in the image's own files: chroot, no network"
mkdir rootfs
umoci unpack --image "out:$profile" bundle >/dev/null
rmdir rootfs && mv bundle/rootfs rootfs
mknod -m 666 rootfs/dev/urandom c 1 9 2>/dev/null || true
mknod -m 666 rootfs/dev/null c 1 3 2>/dev/null || true
unshare -n chroot rootfs /opt/env/bin/python -c 'import torch, transformers, accelerate
print("torch", torch.__version__, "CUDA", torch.version.cuda, "transformers", transformers.__version__, "accelerate", accelerate.__version__)'

step "installers accept the lock and every hash"
uv venv -q --python 3.11 uvenv
timed "uv pip install" uv pip install -q --python uvenv/bin/python --preview-features pylock -r "pylock.$profile.toml"
uv pip check --python uvenv/bin/python
rm -rf uvenv
python3.11 -m venv pipenv
pipenv/bin/pip install -q --upgrade pip
timed "pip install" pipenv/bin/pip install -q -r "pylock.$profile.toml"
pipenv/bin/pip --version
pipenv/bin/pip check
rm -rf pipenv

step "registry"
cat > registry.yml <<Y
version: 0.1
storage: {filesystem: {rootdirectory: $tmp/registry}}
http: {addr: 127.0.0.1:5055}
Y
docker-registry serve registry.yml >registry.log 2>&1 & registry=$!
sleep 2
timed push "$ww" build --profile "$profile" --to localhost:5055/ml -q | tee pushed.txt
want=$(sed 's/.*@//' cold.txt)
[ "$(sed 's/.*@//' pushed.txt)" = "$want" ]
[ "$(skopeo inspect --tls-verify=false "docker://localhost:5055/ml:$profile" | python3 -c 'import json,sys; print(json.load(sys.stdin)["Digest"])')" = "$want" ]
skopeo copy -q --src-tls-verify=false "docker://localhost:5055/ml:$profile" "oci:copied:$profile"
grep -q "$want" copied/index.json
echo "skopeo inspect and skopeo copy agree: $want"
kill $registry; registry=

step "again from an empty cache, elsewhere, with another HOME, TMPDIR, TZ and umask"
mkdir -p away/home away/tmp
(cd away && umask 077 && HOME=$PWD/home TMPDIR=$PWD/tmp TZ=Asia/Kolkata XDG_CACHE_HOME=$PWD/cache "$ww" build -q --profile "$profile" --to oci:out) | tee again.txt
cmp cold.txt again.txt
cmp first.toml "away/pylock.$profile.toml"
echo "same lock bytes, same image digest"
