# shellcheck shell=bash
# What the live scripts share; source it from their first lines. It gives $ww
# (WHEELWRIGHT or bin/wheelwright), $scripts, a $tmp that goes when the script
# ends, and the functions below. Processes begun with `background` end with it.
set -euo pipefail
scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ww=$(realpath "${WHEELWRIGHT:-$scripts/../bin/wheelwright}")
# No capitals in the name: podman and buildah make a repository's name of it.
tmp=$(realpath "${TMPDIR:-/tmp}")/$(basename "$0" .sh).$$
mkdir -m 700 "$tmp"
missed=0 pids=()

cleanup() {
  local code=$?
  set +e
  declare -F ending >/dev/null && ending
  [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null
  wait 2>/dev/null
  # What an engine left mounted goes before its folder, the deepest first.
  awk -v t="$tmp/" 'index($2, t) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount "$m" || umount -l "$m"; done
  chmod -R u+w "$tmp" 2>/dev/null
  rm -rf --one-file-system "$tmp"
  exit "$code"
}
trap cleanup EXIT

step() { printf '\n== %s (%ss)\n' "$*" "$SECONDS"; }

# verdict OK TEXT: a line of the outcome; the script goes on and fails at its end.
verdict() {
  if [ "$1" = 0 ]; then printf '  ok    %s\n' "$2"; else printf '  MISS  %s\n' "$2"; missed=1; fi
}

# check TEXT COMMAND…: verdict of a command.
check() {
  local text=$1 code=0
  shift
  "$@" || code=1
  verdict "$code" "$text"
}

# need TOOL…: all that are missing are named at once.
need() {
  local t lacking=()
  for t in "$@"; do command -v "$t" >/dev/null || lacking+=("$t"); done
  [ ${#lacking[@]} = 0 ] || { echo "${0##*/}: not installed: ${lacking[*]}" >&2; exit 2; }
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# background LOG COMMAND…: its id in $last.
background() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  last=$!
  pids+=("$last")
}

# answers URL: waits until a server does.
answers() {
  local i
  for ((i = 0; i < 100; i++)); do
    curl -s -o /dev/null "$1" && return
    sleep 0.1
  done
  echo "${0##*/}: no answer from $1" >&2
  return 1
}

# registry DIR: a docker-registry on loopback, its blobs in DIR; $registry is HOST:PORT.
registry() {
  local port
  port=$(free_port)
  mkdir -p "$1"
  printf 'version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "127.0.0.1:%s", relativeurls: true}\n' "$1" "$port" >"$1.yml"
  background "$1.log" docker-registry serve "$1.yml"
  registry=localhost:$port
  answers "http://$registry/v2/"
}

# counting UPSTREAM LOG: a proxy before a registry that writes a JSON line for
# each request, with the bytes of its body; $proxy is HOST:PORT, $last its id.
counting() {
  local port
  port=$(free_port)
  background "$2.err" "$scripts/countproxy.py" "$port" "$1" "$2"
  proxy=localhost:$port
  answers "http://$proxy/v2/"
}

finish() {
  [ "$missed" = 0 ] || { echo "${0##*/}: something above was missed" >&2; exit 1; }
}
