#!/usr/bin/env python3
"""Time, CPU and peak memory of making an image's layers, beside what one would
do by hand on the same disk in the same run, taking turns. Prints one table
with the bounds that must hold; exits 1 where one is missed.

    scripts/layers.py [ROW…]

    layers   all layers from the wheelhouse, nothing cached, into a layout;
             beside tar | pigz -6 and tar | gzip -6 of the unpacked wheels.
             On base scratch, as the tree has no Debian; what the profile's own
             base adds is told below
    known    the image with digests known; beside cat of the wheels into files
    stages   profiles of a run of both: which share of a core a stage takes
    fetch    build from empty caches; beside curl of the same wheels, 8 at a time

Needs bin/wheelwright (make build), GNU tar, gzip, pigz, for `stages` go, for
`fetch` curl and the real index; 20 GB beside the cache. PROFILE sets the
profile (ada_cu124; an own one by its absolute path), RUNS our runs and cat's
(3), COLD those of fetch (2), WHEELWRIGHT another program, BENCH_DIR the folder
to work in, KEEP one where profiles and their program stay for go tool pprof.
Medians are shown. CPU beside wall says how far the machine was ours: beside
other work a wall clock tells little.
"""
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.dont_write_bytecode = True
from bench import ROOT, WW, Run  # noqa: E402

PROFILE = os.environ.get("PROFILE", "ada_cu124")
RUNS, COLD = int(os.environ.get("RUNS", 3)), int(os.environ.get("COLD", 2))
LIMIT = 3600  # seconds, of one run
MEMORY = 256  # MB

# Where a profile's samples belong: the first pattern that a function's name has.
STAGES = {
    "sha256": r"sha256",
    "crc32": r"crc32",
    "inflate (ours)": r"wheelhouse/whl\.\(\*(I|i)nflat|wheelhouse/whl\.\(\*huff",
    "deflate (ours)": r"images/layer/deflate",
    "compress/flate": r"compress/flate|klauspost",
    "xz of Debian packages": r"ulikunitz",
    "system calls": r"[sS]yscall",
    "copies and clears": r"^runtime\.mem(move|clr)",
    "zip, headers, the rest of wheelwright": r"^wheelwright/|archive/zip",
    "garbage, scheduler, the rest of Go": r"",
}


def unpack(wheel, to):
    with zipfile.ZipFile(wheel) as z:
        z.extractall(to)


def link(source, to):
    """A folder again, its files the same ones where the file system is."""
    def one(a, b):
        try:
            os.link(a, b)
        except OSError:
            shutil.copy2(a, b)
    shutil.copytree(source, to, copy_function=one)


class Layers:
    def __init__(self, folder):
        self.dir, self.missed = Path(folder), 0
        self.keep = Path(os.environ.get("KEEP", folder)).resolve()
        self.cache = Path(self.must("cache", "dir").out.strip())
        help = self.must("build", "--help").out
        self.flags = ["--no-wheelhouse"] + ["--no-prove"] * ("--no-prove" in help)
        # The lock as `lock` writes it has no derived part; `build` adds that.
        (self.dir / "scratch.yaml").write_text(f"name: scratch\nextends: {PROFILE}\nimage: {{base: scratch}}\n")
        self.must("lock", "--profile", PROFILE, "-o", "resolved.toml")
        shutil.copy(self.dir / "resolved.toml", self.dir / "scratch.toml")
        self.must("lock", "--profile", "./scratch.yaml", "-o", "scratch.toml")
        self.fresh("resolved.toml")
        self.build(PROFILE, self.cache, offline=False)
        shutil.copy(self.dir / "pylock.toml", self.dir / "derived.toml")
        lock = tomllib.loads((self.dir / "resolved.toml").read_text())
        self.wheels = [w for p in lock["packages"] for w in p["wheels"]]
        self.files = [self.cache / "store/sha256" / w["hashes"]["sha256"][:2] / w["hashes"]["sha256"] for w in self.wheels]

    def ours(self, *args, program=WW, env=None):
        return Run([program, *args], self.dir, LIMIT, env)

    def must(self, *args):
        return self.ours(*args).must()

    def build(self, profile, cache, offline=True, program=WW, env=None):
        return self.ours("build", "--quiet", "--cache-dir", cache, "--profile", profile, *self.flags, "--frozen", *["--offline"] * offline,
                         "-o", "pylock.toml", "--to", "oci:out", program=program, env=env).must()

    def shell(self, text):
        return Run(["bash", "-euo", "pipefail", "-c", text], self.dir, LIMIT)

    def fresh(self, lock):
        """What the last run left is gone and on the disk, so that the next one does not wait for it."""
        for name in ("out", "cat", "curl", "bare", "archive"):
            path = self.dir / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        shutil.copy(self.dir / lock, self.dir / "pylock.toml")
        os.sync()

    def row(self, work, ours, anchor, name, times, memory=MEMORY):
        wall, cpu = (statistics.median(getattr(r, k) for r in ours) for k in ("wall", "cpu"))
        theirs, theirs_cpu = (statistics.median(getattr(r, k) for r in anchor) for k in ("wall", "cpu"))
        peak, ratio = max(r.memory for r in ours), wall / theirs
        ok = ratio <= times and peak <= memory
        self.missed += not ok
        print(f"{work:<40} {wall:8.2f} {theirs:8.2f} {ratio:7.3f} {cpu:8.2f} {theirs_cpu:8.2f} {cpu / theirs_cpu:7.3f} {peak:5.0f}"
              f"   <= {times} x {name}, {memory} MB   {'ok' if ok else 'MISS'}", flush=True)

    # Rows.

    def made(self, profile="./scratch.yaml", lock="scratch.toml", **how):
        """One run with nothing but the wheels, pages and Debian's packages there."""
        self.fresh(lock)
        (self.dir / "bare").mkdir()
        for name in os.listdir(self.cache):
            if (self.cache / name).is_dir() and name not in ("layers", "tmp"):
                link(self.cache / name, self.dir / "bare" / name)
        return self.build(profile, "bare", **how)

    def written(self):
        """One run with the digests known, in the cache and in the lock."""
        self.fresh("derived.toml")
        return self.build(PROFILE, self.cache)

    def layers(self):
        tree = self.dir / "tree"
        with ProcessPoolExecutor() as pool:
            list(pool.map(unpack, self.files, [tree] * len(self.files)))
        size = int(self.shell("du -sb tree | cut -f1").must().out)
        print(f"    the tree: {len(self.wheels)} wheels, {sum(f.stat().st_size for f in self.files)} bytes, unpacked {size}")
        ours, anchors = [], {}
        for program in (["pigz", "gzip"] + [None] * RUNS)[:max(RUNS, 2)]:
            ours.append(self.made())
            if program:
                self.fresh("resolved.toml")
                anchors[program] = self.shell(f"tar -C tree -cf - . | {program} -6 >archive").must()
                size = (self.dir / "archive").stat().st_size
                print(f"    tar | {program} -6: {size} bytes", flush=True)
        self.row("all layers, nothing cached", ours, [anchors["pigz"]], "pigz", 0.16)
        self.row("all layers, nothing cached", ours, [anchors["gzip"]], "gzip", 0.08)
        shutil.rmtree(tree)
        whole = self.made(PROFILE, "resolved.toml")
        print(f"    with the profile's own base: {whole.wall:.2f} s, {whole.wall / anchors['pigz'].wall:.3f} x pigz, {whole.cpu:.2f} s CPU, {whole.memory:.0f} MB")

    def known(self):
        (self.dir / "wheels").write_text("".join(f"{f}\n" for f in self.files))
        ours, cat, flushed = [], [], []
        for _ in range(RUNS + 1):
            ours.append(self.written())
            for runs, after in (cat, ""), (flushed, "; sync cat/*"):
                self.fresh("derived.toml")
                (self.dir / "cat").mkdir()
                runs.append(self.shell('while read -r f; do cat "$f" >"cat/${f##*/}"; done <wheels' + after).must())
        self.row("layers with digests known", ours[1:], cat[1:], "cat", 2)
        wall = statistics.median(r.wall for r in flushed[1:])
        print(f"    cat and fsync: {wall:.2f} s; ours {statistics.median(r.wall for r in ours[1:]) / wall:.2f} of it")

    def stages(self):
        """The program built with a profile around its main, by an overlay: none of it is in the tree."""
        source = ROOT / "cmd/wheelwright/main.go"
        text, n = re.subn(r"\tos\.Exit\((run\(.*\))\)\n", r"\tcode := \1\n\tprofiled()\n\tos.Exit(code)\n", source.read_text())
        if n != 1:
            sys.exit("layers: main.go has no os.Exit(run(…)) to put a profile around")
        (self.dir / "main.go").write_text(text)
        (self.dir / "profile.go").write_text('package main\n\nimport (\n\t"os"\n\t"runtime/pprof"\n)\n\nfunc init() {\n'
                                             '\tf, err := os.Create(os.Getenv("CPUPROFILE"))\n\tif err != nil {\n\t\tpanic(err)\n\t}\n\tpprof.StartCPUProfile(f)\n}\n\n'
                                             "func profiled() { pprof.StopCPUProfile() }\n")
        over = {str(source): str(self.dir / "main.go"), str(source.with_name("zz_profile.go")): str(self.dir / "profile.go")}
        (self.dir / "overlay.json").write_text(json.dumps({"Replace": over}))
        program = self.keep / "wheelwright"
        subprocess.run(["go", "build", "-buildvcs=false", "-trimpath", f"-overlay={self.dir}/overlay.json", "-o", program, "./cmd/wheelwright"],
                       cwd=ROOT, check=True, env=dict(os.environ, CGO_ENABLED="0"))
        for name in "layers", "known":  # the second run finds what the first one left in its cache and its lock
            profile = self.keep / f"{name}.profile"
            how = {"program": program, "env": dict(os.environ, CPUPROFILE=str(profile))}
            if name == "layers":
                run = self.made(**how)
            else:
                shutil.rmtree(self.dir / "out")
                run = self.build("./scratch.yaml", "bare", **how)
            self.shares(name, run, program, profile)

    def shares(self, name, run, program, profile):
        top = subprocess.run(["go", "tool", "pprof", "-top", "-unit=ms", "-nodecount=100000", "-nodefraction=0", "-edgefraction=0", program, profile],
                             capture_output=True, text=True, check=True).stdout
        spent = dict.fromkeys(STAGES, 0.0)
        for flat, function in re.findall(r"^ *([0-9.]+)(?:ms)? +[0-9.]+% +[0-9.]+% +[0-9.]+(?:ms)? +[0-9.]+% +(.*)$", top, re.M):
            spent[next(s for s, pattern in STAGES.items() if re.search(pattern, function))] += float(flat) / 1000
        print(f"    {name}, one run profiled: {run.wall:.2f} s wall, {run.cpu:.2f} s CPU, {run.memory:.0f} MB, on {os.cpu_count()} cores")
        for stage, seconds in sorted(spent.items(), key=lambda s: -s[1]):
            if seconds:
                print(f"    {stage:<40} {seconds:8.2f} s CPU {100 * seconds / run.wall:6.1f} % of a core", flush=True)

    def fetch(self):
        (self.dir / "curl.conf").write_text("".join(f'url = "{w["url"]}"\noutput = "curl/{w["hashes"]["sha256"]}"\n' for w in self.wheels))
        ours, curl = [], []
        for _ in range(COLD):
            self.fresh("resolved.toml")
            (self.dir / "pylock.toml").unlink()
            ours.append(self.ours("build", "--quiet", "--cache-dir", "bare", "--profile", PROFILE, *self.flags, "-o", "pylock.toml", "--to", "oci:out").must())
            self.fresh("resolved.toml")
            (self.dir / "curl").mkdir()
            curl.append(self.shell("curl --no-progress-meter --fail --location --parallel --parallel-max 8 --config curl.conf").must())
            print(f"    {ours[-1].wall:.1f} s ours, {curl[-1].wall:.1f} s curl", flush=True)
        self.row("build from empty caches", ours, curl, "curl", 2.5)


def main():
    every = ["layers", "known", "stages", "fetch"]
    rows = sys.argv[1:] or every
    if unknown := set(rows) - set(every):
        sys.exit(f"layers: no row {' '.join(sorted(unknown))}; one of: {' '.join(every)}")
    with tempfile.TemporaryDirectory(prefix="layers-", dir=os.environ.get("BENCH_DIR")) as folder:
        bench = Layers(folder)
        print(f"{PROFILE}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {RUNS} runs, {COLD} from empty caches; gzip and pigz once")
        print(f"{'':<40} {'ours s':>8} {'other s':>8} {'ratio':>7} {'our CPU':>8} {'CPU':>8} {'ratio':>7} {'MB':>5}   bound")
        for r in rows:
            getattr(bench, r)()
    sys.exit(1 if bench.missed else 0)


if __name__ == "__main__":
    main()
