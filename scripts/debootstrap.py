#!/usr/bin/env python3
"""A Debian base of ours beside debootstrap's: the same packages in the same
versions, unpacked from .debs in Go with no maintainer script run, and installed
by dpkg with all of them run. Prints time and size of both, and every file that
differs (type, mode, owner, content, target, missing, extra) in classes, each
with the reason why that is right. Exits 1 if a difference falls in no class.

    scripts/debootstrap.py [--mirror URL] [--cache-dir DIR] [--keep DIR] [--list] PROFILE…

A profile is a name or a file; its image.base must be debian:12 or debian:13.
Needs root, debootstrap, tar, gzip, a mirror (--mirror, WHEELWRIGHT_DEBIAN_MIRROR,
else the first of this host's sources for apt), 2 GB and bin/wheelwright
(WHEELWRIGHT). Files are fetched first: the seconds are those of the work on
them. --cache-dir is one to keep such files in; the layers in it are removed.
--keep leaves both trees in DIR, --list prints the paths of each class.
"""
import argparse
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WW = Path(os.environ.get("WHEELWRIGHT", ROOT / "bin/wheelwright")).resolve()
SUITES = {"debian:12": "bookworm", "debian:13": "trixie"}
CLEAN = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}


def run(*args, **more):
    done = subprocess.run(args, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}\n{done.stdout[-4000:]}")
    return done.stdout


def timed(f):
    start = time.monotonic()
    f()
    return time.monotonic() - start


def host_mirror():
    """The first archive that this host's apt reads."""
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for text in (p.read_text() for p in lists if p.is_file()):
        if m := re.search(r"^(?:URIs:|deb(?: \[.*?\])?)\s+(\S+/debian/?)(?:\s|$)", text, re.M):
            return m[1]
    sys.exit("no mirror: give --mirror URL")


class Ours:
    """The base as the program builds it: an image of the profile's base with a
    wheel of nothing, of which the base's layers are unpacked."""

    def __init__(self, work, cache, profile):
        self.root, self.cache = work / "ours", cache
        shown = json.loads(run(WW, "profiles", "show", profile, "--json"))
        self.base, self.name = shown["image"]["base"], shown["name"]
        if self.base not in SUITES:
            sys.exit(f"{profile}: base {self.base} is not assembled from packages")
        run(sys.executable, ROOT / "scripts/makewheel.py", work / "dist", "nothing", "1.0")
        keep = ("base", "packages", "without", "apt")
        (work / "base.yaml").write_text(json.dumps({
            "name": "base", "python": shown["python"], "platform": shown["platform"], "requires": ["nothing"],
            "indexes": [{"path": "./dist"}], "image": {k: v for k, v in shown["image"].items() if k in keep}}))
        build = (WW, "build", "--profile", "./base.yaml", "--to", "oci:out", "--no-wheelhouse", "--cache-dir", cache)
        run(*build, cwd=work)
        shutil.rmtree(work / "out"), shutil.rmtree(cache / "layers", ignore_errors=True)
        self.seconds = timed(lambda: run(*build, "--frozen", cwd=work))
        self.debs = tomllib.loads((work / "pylock.base.toml").read_text())["tool"]["wheelwright"]["base"]["debs"]
        self.names = {d["name"] for d in self.debs}
        blobs = work / "out/blobs/sha256"
        manifest = json.loads((work / "out/index.json").read_text())["manifests"][0]["digest"]
        layers = json.loads((blobs / manifest[7:]).read_text())["layers"][:len({d["layer"] for d in self.debs})]
        self.packed = sum(x["size"] for x in layers)
        self.root.mkdir()
        for x in layers:
            run("tar", "--numeric-owner", "-xpzf", blobs / x["digest"][7:], "-C", self.root)

    def deb(self, d):
        found = list((self.cache / "store").rglob(d["sha256"]))
        return found[0] if found else sys.exit(f"{d['name']} is not in the cache")


class Theirs:
    """The base as debootstrap --variant=minbase and dpkg make it."""

    def __init__(self, work, ours, mirror):
        self.root = work / "theirs"
        (work / "fetched").mkdir()
        make = ("debootstrap", "--variant=minbase", f"--cache-dir={work / 'fetched'}")
        tail = (SUITES[ours.base], str(self.root), mirror)
        run(*make, "--download-only", *tail)
        shutil.rmtree(self.root)
        self.seconds = timed(lambda: run(*make, *tail))
        debs = self.root / "debs"
        debs.mkdir()
        for d in ours.debs:
            shutil.copyfile(ours.deb(d), debs / f"{d['name']}.deb")
        shutil.rmtree(self.root / "var/lib/apt/lists")  # nothing but these files
        # apt-get hands them to dpkg in the order that Pre-Depends ask for.
        install = ("chroot", self.root, "apt-get", "install", "--yes", "--no-install-recommends", "--allow-downgrades",
                   *(f"/debs/{d['name']}.deb" for d in ours.debs))
        run("mount", "-t", "proc", "proc", self.root / "proc")
        try:
            self.more = timed(lambda: run(*install, env=CLEAN))
        finally:
            run("umount", self.root / "proc")
        shutil.rmtree(debs)
        shutil.rmtree(self.root / "var/cache/apt")
        self.packed = int(run("sh", "-c", 'tar -cC "$0" . | gzip -6 | wc -c', self.root))
        self.versions = dict(line.split("=") for line in run(
            "chroot", self.root, "dpkg-query", "-W", "-f", "${Package}=${Version}\n", env=CLEAN).split())
        self.owners = defaultdict(set)
        for f in (self.root / "var/lib/dpkg/info").glob("*.list"):
            for line in f.read_text().split("\n"):
                self.owners[merged(line.lstrip("/"))].add(f.name[:-5].split(":")[0])


def merged(path):
    """A path as it is where /usr is merged."""
    return "usr/" + path if re.match(r"(bin|sbin|lib(32|64|o32|x32)?)(/|$)", path) else path


def scan(root):
    """path -> type, mode, owner, content or target, names of the same file."""
    out, inodes = {}, defaultdict(list)
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            p = os.path.join(folder, name)
            s, rel = os.lstat(p), os.path.relpath(p, root)
            kind, content = stat.S_IFMT(s.st_mode), ""
            if stat.S_ISLNK(s.st_mode):
                content = os.readlink(p)
            elif stat.S_ISREG(s.st_mode):
                content = hashlib.sha256(Path(p).read_bytes()).hexdigest()
                inodes[s.st_ino].append(rel)
            out[rel] = [kind, stat.S_IMODE(s.st_mode), (s.st_uid, s.st_gid), content, ()]
    for names in inodes.values():
        for rel in names if len(names) > 1 else ():
            out[rel][4] = tuple(sorted(names))
    return out


class Difference:
    def __init__(self, path, a, b, ours, theirs):
        self.path, self.ours, self.theirs = path, ours, theirs
        self.owners, self.target = theirs.owners.get(path, set()), b[3] if b and stat.S_ISLNK(b[0]) else ""
        self.what = "missing" if a is None else "extra" if b is None else " ".join(
            n for n, x, y in zip(("type", "mode", "owner", "content", "hardlinks"), a, b) if x != y)

    def texts(self):
        return [(x.root / self.path).read_text() for x in (self.ours, self.theirs)]

    def left_out(self, path=None):
        """It belongs to packages that our set leaves out, and to them alone."""
        owners = self.owners if path is None else self.theirs.owners.get(merged(path.lstrip("/")), set())
        return bool(owners) and not owners & self.ours.names

    def same_passwords(self):
        a, b = self.texts()
        return b == re.sub(r"^([^:]*):\*:", r"\1:x:", a, flags=re.M)

    def same_certificates(self):
        a, b = self.texts()
        return a == re.sub(r"^#.*\n", "", b, flags=re.M)

    def same_shells(self):
        a, b = ([s for s in text.split("\n")] for text in self.texts())
        return all(s in b for s in a) and all(self.left_out(s) for s in b if s not in a)

    def same_libraries(self):
        """Ours lists what ldconfig lists of the same libraries, in that order."""
        a, b = ([re.sub(r", OS ABI[^)]*", "", line) for line in run("chroot", x.root, "/sbin/ldconfig", "-p", env=CLEAN).split("\n")[1:]
                 if "=>" in line] for x in (self.ours, self.theirs))
        return a == [line for line in b if not self.left_out(line.split("=> ")[1])]

    def alternative_left_out(self):
        p = self.theirs.root / self.path
        name = self.target.removeprefix("/etc/alternatives/")
        stands = os.readlink(p) if self.path.startswith("etc/alternatives/") else (
            os.readlink(self.theirs.root / "etc/alternatives" / name) if name != self.target else "")
        return self.left_out(stands) or "/share/man/" in stands


def at(pattern, what="missing"):
    return lambda d: d.what == what and re.fullmatch(pattern, d.path)


def content(path, holds):
    return lambda d: d.path == path and d.what == "content" and holds(d)


CLASSES = [
    ("packages left out", "apt, bash, coreutils and others of minbase, that nothing of the set needs",
     lambda d: d.what == "missing" and d.left_out()),
    ("alternatives left out", "what they stand for belongs to a package left out, or is a manual page",
     lambda d: d.what == "missing" and d.target and d.alternative_left_out()),
    ("documentation", "manual pages, info files, translations, and of usr/share/doc all but copyright, as in Debian's slim images",
     lambda d: d.what == "missing" and re.match(r"usr/share/(man|info|groff|linda|lintian|locale|doc)(/|$)", d.path) and d.path.split("/")[-1] != "copyright"),
    ("byte code", ".pyc files: Python makes them, or does without; they hold times and would double in a layer",
     at(r"usr/(lib|share)/.*/__pycache__(/.*\.pyc)?|usr/(lib|share)/.*\.pyc")),
    ("dpkg's database", "there is no dpkg to keep it; var/lib/dpkg/status.d says to scanners what is there",
     lambda d: d.what == "missing" and re.fullmatch(r"var/lib/dpkg/(info|alternatives|triggers|updates|parts)(/.*)?|var/lib/dpkg/[a-z-]+", d.path)
     or d.what == "extra" and re.fullmatch(r"var/lib/dpkg/status\.d(/.*)?", d.path)),
    ("debconf's database", "answers to questions that were never put", at(r"var/cache/debconf/.*")),
    ("tools' own state", "what update-shells, ldconfig, py3compile and python3's scripts keep for their next run",
     at(r"var/lib/shells\.state|var/cache/ldconfig/.*|etc/python3(/debian_config)?|var/lib/python(/.*)?")),
    ("logs", "of the installation itself", at(r"var/log/(dpkg|alternatives|bootstrap)\.log")),
    ("host's files", "debootstrap makes them for a machine; a runtime gives a container its own",
     at(r"dev/.*|etc/(hosts|hostname|resolv\.conf|fstab)")),
    ("scripts of packages left out", "made when apt, passwd, PAM, mount, systemd's helpers or procps were configured",
     at(r"etc/apt/sources\.list|var/(lib|log|cache)/apt(/.*)?|etc/(g?shadow-?|passwd-|group-|sub[ug]id-?|\.pwd\.lock|environment|security/opasswd)|etc/pam\.d/common-.*|var/lib/pam/.*"
        r"|etc/rc[0-6S]\.d/.*|etc/systemd/system/.*|var/lib/systemd/deb-systemd-helper-enabled(/.*)?|run/mount|var/log/faillog")),
    ("password fields", "'*' as base-passwd has it: 'x' points to /etc/shadow, which only passwd makes",
     lambda d: d.path in ("etc/passwd", "etc/group") and d.what == "content" and d.same_passwords()),
    ("comments", "etc/ca-certificates.conf lists the same certificates without an introduction",
     content("etc/ca-certificates.conf", Difference.same_certificates)),
    ("shells left out", "etc/shells lists the shells that are there", content("etc/shells", Difference.same_shells)),
    ("loader's cache", "etc/ld.so.cache has the same libraries in the same order but for those of packages left out; no generator, no kernel version",
     content("etc/ld.so.cache", Difference.same_libraries)),
]


def compare(ours, theirs):
    a, b = scan(ours.root), scan(theirs.root)
    classes, unknown = defaultdict(list), []
    for path in sorted(a.keys() | b.keys()):
        if a.get(path) == b.get(path):
            continue
        d = Difference(path, a.get(path), b.get(path), ours, theirs)
        for name, _, holds in CLASSES:
            if holds(d):
                classes[name].append(d)
                break
        else:
            unknown.append(d)
    return len(a.keys() & b.keys()), classes, unknown


def unmount(work):
    """What an interrupted debootstrap leaves mounted goes before its folder."""
    found = [line.split()[1] for line in Path("/proc/mounts").read_text().split("\n") if f" {work}/" in line]
    for p in reversed(found):
        run("umount", p)


def one(profile, options):
    work = Path(tempfile.mkdtemp(prefix="debootstrap.", dir=options.keep))
    try:
        ours = Ours(work, (options.cache_dir or work / "cache").absolute(), profile)
        theirs = Theirs(work, ours, options.mirror)
        print(f"\n{profile}: {ours.base}, {len(ours.debs)} packages; {len(theirs.versions)} with those of minbase")
        apart = [f"{d['name']} {d['version']} and {theirs.versions.get(d['name'])}" for d in ours.debs if theirs.versions.get(d["name"]) != d["version"]]
        size = {x: int(run("du", "-s", "--apparent-size", "-B1", x.root).split()[0]) for x in (ours, theirs)}
        print(f"  {'':22}{'seconds':>9}{'unpacked':>14}{'gzip':>14}")
        print(f"  {'ours':22}{ours.seconds:9.1f}{size[ours]:14,}{ours.packed:14,}")
        print(f"  {'debootstrap + dpkg':22}{theirs.seconds + theirs.more:9.1f}{size[theirs]:14,}{theirs.packed:14,}   ({theirs.seconds:.1f} + {theirs.more:.1f} s)")
        same, classes, unknown = compare(ours, theirs)
        print(f"  {same} paths in both, {sum(map(len, classes.values())) + len(unknown)} differ")
        for name, why, _ in CLASSES:
            if classes[name]:
                print(f"  {len(classes[name]):6}  {name}: {why}")
                for d in classes[name] if options.list else ():
                    print(f"          {d.what} /{d.path}")
        for d in unknown:
            print(f"  NO CLASS  {d.what} /{d.path} {' '.join(sorted(d.owners))}")
        for line in apart:
            print(f"  NOT THE SAME VERSION  {line}")
        return not unknown and not apart
    finally:
        unmount(work)
        if not options.keep:
            shutil.rmtree(work)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("profiles", nargs="+", metavar="PROFILE")
    ap.add_argument("--mirror", default=os.environ.get("WHEELWRIGHT_DEBIAN_MIRROR"))
    ap.add_argument("--cache-dir", type=Path), ap.add_argument("--keep", type=Path), ap.add_argument("--list", action="store_true")
    options = ap.parse_args()
    options.mirror = options.mirror or host_mirror()
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        sys.exit("needs root and debootstrap")
    # Every one, also after a miss.
    sys.exit(0 if all([one(os.path.abspath(p) if os.path.exists(p) else p, options) for p in options.profiles]) else 1)


if __name__ == "__main__":
    main()
