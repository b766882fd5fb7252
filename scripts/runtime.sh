#!/usr/bin/env bash
# The image of a profile in runc and by `wheelwright run`: imports, triton's own
# build of its stub, TLS, venv, time zones, a user without a line in passwd; and
# what a scanner (syft, where it is there) and dpkg make of its packages. The
# image also gets a CA of a company's own by image.apt: a repository that this
# script makes and signs.
#
#   scripts/runtime.sh [PROFILE]     ada_cu124 by default; its triton wants setuptools, which it forgets to declare
#
# Needs root, the network, python3 openssl gpg dpkg-deb umoci runc, 20 GB of disk;
# WHEELWRIGHT_CACHE_DIR is as for builds; SYFT names the scanner.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need python3 openssl gpg dpkg dpkg-deb umoci runc
[ "$(id -u)" = 0 ] || { echo "runtime: must be root" >&2; exit 2; }
profile=${1:-ada_cu124}
cd "$tmp"
mkdir check repo

step "a CA, and a signed repository with a package that brings it"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/O=Lab/CN=Lab Root" -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout check/tls.key -out tls.csr 2>/dev/null
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -days 30 -extfile <(echo subjectAltName=DNS:localhost) -out check/tls.pem 2>/dev/null
chmod 755 check && chmod 644 check/*
cp "$scripts/inside.py" check/
mkdir -p deb/DEBIAN deb/usr/share/ca-certificates/lab
cp ca.crt deb/usr/share/ca-certificates/lab/lab-root.crt
printf '%s\n' "Package: lab-ca" "Version: 1.0" "Architecture: all" "Maintainer: lab" "Depends: ca-certificates" "Description: the lab's root" >deb/DEBIAN/control
dpkg-deb --root-owner-group --build deb repo/lab-ca_1.0_all.deb >/dev/null
(
  cd repo
  { cat ../deb/DEBIAN/control; printf '%s\n' "Filename: lab-ca_1.0_all.deb" "Size: $(stat -c %s lab-ca_1.0_all.deb)" "SHA256: $(sha256sum <lab-ca_1.0_all.deb | cut -d' ' -f1)"; } >Packages
  { printf '%s\n' "Origin: lab" "Date: $(LC_ALL=C date -u +'%a, %d %b %Y %H:%M:%S UTC')" "SHA256:"; echo " $(sha256sum <Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages"; } >Release
)
mkdir -m 700 gnupg
export GNUPGHOME=$tmp/gnupg
gpg -q --batch --passphrase '' --quick-generate-key lab@example.test rsa3072 sign never 2>/dev/null
gpg -q --armor --export >lab.asc
gpg -q --clearsign <repo/Release >repo/InRelease
gpgconf --kill all
port=$(free_port)
background http.log python3 -m http.server --bind 127.0.0.1 --directory repo "$port"
answers "http://127.0.0.1:$port/"

step "build"
cat >shown.yaml <<Y
name: shown
extends: $profile
requires: [setuptools]
image:
  packages: [lab-ca]
  apt: [{url: "http://127.0.0.1:$port/", suite: ./, key: lab.asc}]
Y
"$ww" build --profile ./shown.yaml --no-wheelhouse --to oci:out

step "runc"
umoci unpack --image out:shown bundle >/dev/null 2>&1
in_runc() { # ID COMMAND…
  python3 - "$@" <<'P'
import json, os, sys
c = json.load(open("bundle/config.json"))
c["process"].update(terminal=False, args=sys.argv[2:])
c["process"]["user"] = {"uid": int(sys.argv[1]), "gid": 0}
c["mounts"] = [m for m in c["mounts"] if m["destination"] != "/check"] + [
    {"destination": "/check", "source": os.path.abspath("check"), "type": "bind", "options": ["bind", "ro"]}]
if not any(m["destination"] == "/tmp" for m in c["mounts"]):
    c["mounts"].append({"destination": "/tmp", "source": "tmpfs", "type": "tmpfs", "options": ["mode=1777"]})
json.dump(c, open("bundle/config.json", "w"))
P
  runc run -b bundle "shown$$"
}
in_run() { # ID COMMAND…
  local id=$1
  shift
  "$ww" run -q --profile ./shown.yaml --frozen --bind "$tmp/check:/check:ro" --user "$id:0" -- "$@"
}
for where in in_runc in_run; do
  [ $where = in_runc ] || step "wheelwright run"
  for what in imports triton tls venv zones user; do
    id=0
    [ $what != user ] || id=12345
    if said=$($where $id /opt/env/bin/python /check/inside.py $what 2>$what.err); then verdict 0 "$what: $said"; else
      verdict 1 "$what: $said"
      tail -5 $what.err
    fi
  done
done

step "packages"
python3 -c 'import tomllib; [print(d["name"], d["version"]) for d in tomllib.load(open("pylock.shown.toml", "rb"))["tool"]["wheelwright"]["base"]["debs"]]' | sort >locked
mkdir -p admin/var/lib/dpkg/info admin/var/lib/dpkg/updates
for f in bundle/rootfs/var/lib/dpkg/status.d/*; do
  case $f in *.md5sums) continue ;; esac
  sed '/^Package:/a Status: install ok installed' "$f"
  echo
done >admin/var/lib/dpkg/status
dpkg --root=admin --list | awk '$1 == "ii" {sub(/:.*/, "", $2); print $2, $3}' | sort >listed
check "dpkg --list of what stands in status.d: $(wc -l <listed) packages, those of the lock" cmp locked listed
if syft=$(command -v "${SYFT:-syft}"); then
  "$syft" scan dir:bundle/rootfs --override-default-catalogers dpkg-db-cataloger -q -o json >syft.json
  python3 -c 'import json; [print(a["name"], a["version"]) for a in json.load(open("syft.json"))["artifacts"] if a["type"] == "deb"]' | sort >scanned
  check "$("$syft" --version) lists $(wc -l <scanned) Debian packages, those of the lock" cmp locked scanned
fi
finish
