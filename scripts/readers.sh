#!/usr/bin/env bash
# One image, written as layout, oci-archive, docker-archive and pushed to a
# registry, read by skopeo, umoci, podman, buildah, crane and containerd: all
# unpacked trees must be the same, with modes, owners, times and contents.
#
#   scripts/readers.sh [PROFILE]     none: Debian with a wheel of odd corners
#
# Needs root, the network, python3 and skopeo umoci podman buildah containerd
# ctr crun docker-registry (Debian has them) and crane (Go module
# github.com/google/go-containerregistry/cmd/crane). SOURCES and READERS choose
# some; WHEELWRIGHT_CACHE_DIR is as for builds.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need skopeo umoci podman buildah containerd ctr crane docker-registry curl python3
[ "$(id -u)" = 0 ] || { echo "readers: must be root" >&2; exit 2; }
SOURCES=${SOURCES:-layout oci-archive docker-archive pushed} READERS=${READERS:-skopeo umoci podman buildah crane ctr}
export TMPDIR=$tmp
cd "$tmp"

profile=${1:-}
if [ -z "$profile" ]; then
  "$scripts/makewheel.py" dist odd 1.0 --odd --requires plain >/dev/null
  "$scripts/makewheel.py" dist plain 2.0 --size 3000000 >/dev/null
  printf '%s\n' 'name: odd' 'python: "3.11"' 'requires: [odd]' 'indexes: [{path: ./dist}]' 'image: {base: "debian:12"}' >odd.yaml
  profile=./odd.yaml
fi
name=$(basename "${profile%.yaml}")

# The archive has one name: podman load and crane push take no two of one image.
step "build $name"
registry "$tmp/registry"
pushed=$registry/ml/$name
declare -A to=([layout]=oci:$tmp/layout [oci-archive]=oci-archive:$tmp/oci.tar:$name [docker-archive]=docker-archive:$tmp/docker.tar [pushed]=$pushed)
flags=()
for s in $SOURCES; do flags+=(--to "${to[$s]}"); done
"$ww" build --profile "$profile" --no-wheelhouse "${flags[@]}" | tee built
digest=$(sed -n '$s/.*@//p' built)

# A reader gets a source and gives the listing of what it unpacked. Each has
# folders of its own, which are given up at once: a real image is 7 GB.

list() { "$scripts/listing.py" "$1" | grep -v "^'/\.' "; } # the root folder is in no layer: each reader makes its own

in_skopeo() { # the name containers/image has for a source
  case $1 in
    layout) echo "oci:$tmp/layout:$name" ;;
    oci-archive) echo "oci-archive:$tmp/oci.tar:$name" ;;
    docker-archive) echo "docker-archive:$tmp/docker.tar" ;;
    pushed) echo "docker://$pushed:$name" ;;
  esac
}

unpacked_layout() { # DIR TAG
  umoci unpack --image "$1:$2" bundle >/dev/null 2>&1
  list bundle/rootfs
  rm -rf bundle
}

read_skopeo() {
  skopeo copy -q --src-tls-verify=false "$(in_skopeo "$1")" oci:copied:x
  if [ "$1" != docker-archive ]; then # the same manifest, byte for byte
    [ "$(skopeo inspect --raw --tls-verify=false "$(in_skopeo "$1")" | sha256sum | cut -d' ' -f1)" = "${digest#sha256:}" ] || echo "skopeo saw another digest"
  fi
  unpacked_layout copied x
  rm -rf copied
}

read_umoci() {
  if [ "$1" = layout ]; then unpacked_layout layout "$name"; return; fi
  mkdir untarred
  tar -C untarred -xf oci.tar
  unpacked_layout untarred "$name"
  rm -rf untarred
}

read_podman() {
  local p=(podman --root "$tmp/pod/root" --runroot "$tmp/pod/run" --tmpdir "$tmp/pod/tmp" --storage-driver overlay --cgroup-manager cgroupfs --events-backend none) id at
  case $1 in
    oci-archive) id=$("${p[@]}" load -q -i oci.tar) ;;
    docker-archive) id=$("${p[@]}" load -q -i docker.tar) ;;
    *) id=$("${p[@]}" pull -q --tls-verify=false "$(in_skopeo "$1")") ;;
  esac
  id=${id##*[ ]}
  at=$("${p[@]}" image mount "$id")
  list "$at"
  "${p[@]}" image umount "$id" >/dev/null
  unmount "$tmp/pod"
  rm -rf "$tmp/pod"
}

read_buildah() {
  local b=(buildah --root "$tmp/bah/root" --runroot "$tmp/bah/run" --storage-driver overlay) id
  id=$("${b[@]}" from --pull-always -q --tls-verify=false "$(in_skopeo "$1")")
  list "$("${b[@]}" mount "$id")"
  "${b[@]}" umount "$id" >/dev/null
  unmount "$tmp/bah"
  rm -rf "$tmp/bah"
}

read_crane() {
  case $1 in
    oci-archive) # crane pushes a layout as it is; what comes back is its own reading
      mkdir -p untarred
      tar -C untarred -xf oci.tar
      crane push --insecure untarred "$registry/crane/$name:x" >/dev/null
      rm -rf untarred
      crane pull --insecure "$registry/crane/$name:x" crane.tar
      crane export - - <crane.tar | list - ;;
    docker-archive) crane export - - <docker.tar | list - ;;
    pushed) crane export --insecure "$pushed:$name" - | list - ;;
  esac
  rm -f crane.tar
}

read_ctr() {
  local c=(ctr --address "$tmp/cd.sock") ref
  case $1 in
    layout) tar -C layout -cf layout.tar . && "${c[@]}" image import --base-name ww layout.tar >/dev/null ;;
    oci-archive) "${c[@]}" image import --base-name ww oci.tar >/dev/null ;;
    docker-archive) "${c[@]}" image import docker.tar >/dev/null ;;
    pushed) "${c[@]}" image pull --plain-http "$pushed:$name" >/dev/null ;;
  esac
  ref=$("${c[@]}" image ls -q | head -1)
  mkdir -p mounted
  "${c[@]}" image mount --snapshotter overlayfs "$ref" mounted >/dev/null
  list mounted
  umount mounted
  "${c[@]}" image ls -q | xargs "${c[@]}" image rm --sync >/dev/null
  rm -f layout.tar
}

unmount() { awk -v t="$1/" 'index($2, t) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount; }

if [[ " $READERS " = *" ctr "* ]]; then
  printf 'version = 2\nroot = "%s/cd/root"\nstate = "%s/cd/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "%s/cd.sock"\n' "$tmp" "$tmp" "$tmp" >cd.toml
  background cd.log containerd --config "$tmp/cd.toml"
  for ((i = 0; i < 100; i++)); do ctr --address "$tmp/cd.sock" version >/dev/null 2>&1 && break; sleep 0.1; done
fi

for source in $SOURCES; do
  step "$source"
  for reader in $READERS; do
    # umoci reads layouts alone, unpacked from an archive too; crane those of one name.
    case $reader.$source in umoci.docker-archive | umoci.pushed | crane.layout) continue ;; esac
    began=$SECONDS code=0
    set +e # as a condition the subshell would go on after a failure
    (set -e; "read_$reader" "$source") >this.list 2>this.err
    code=$?
    set -e
    if [ "$code" != 0 ]; then
      sed 's/^/    /' this.err | tail -5
      verdict 1 "$reader reads it"
      continue
    fi
    [ -e first.list ] || { mv this.list first.list; from="$reader of the $source"; cp first.list this.list; }
    if cmp -s first.list this.list; then
      verdict 0 "$reader: $(wc -l <this.list) entries, $(sha256sum <this.list | cut -c1-16) ($((SECONDS - began))s)"
    else
      diff first.list this.list | head -10 | sed 's/^/    /' || true
      verdict 1 "$reader: another tree than that of $from, $(diff first.list this.list | grep -c '^[<>]') lines differ"
    fi
  done
done
finish
