#!/usr/bin/env python3
"""Time and peak memory of locking, beside `uv pip compile` of the same request
in the same run: our runs and uv's take turns, so that what else the machine
does falls on both. Prints one table with the bounds that must hold; exits 1
where one is missed.

    scripts/bench.py [ROW…]     rows: one all cold freshest stale graphs

Needs uv, Python 3.11+, bin/wheelwright (make build), and for the rows cold,
freshest and stale the real index. RUNS=N sets the warm and offline runs (10),
COLD=N the cold ones (3), WHEELWRIGHT another program. Medians are shown; CPU is
user and system time together.

uv gets the requirements of our own profile. It has no word for "torch built
with CUDA X", so a range of torch stands in for it; it has no `prefer:
freshest` either and gets the plain request. It is given an interpreter: left
to look for one it runs every Python it finds, seconds that are not the
resolver's.
"""
import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WW = os.environ.get("WHEELWRIGHT", str(ROOT / "bin/wheelwright"))
RUNS, COLD = int(os.environ.get("RUNS", 10)), int(os.environ.get("COLD", 3))
LIMIT = 60  # seconds, of one run
TORCH = {"cu121": "torch<2.5", "cu124": "torch>=2.5,<2.7", "cu128": "torch>=2.8,<2.11", "cu130": "torch>=2.11,<2.15"}


def find_uv():
    uv = shutil.which("uv")
    if uv and "shims" in uv:  # a shim is a shell script, and slow
        uv = subprocess.run(["pyenv", "which", "uv"], capture_output=True, text=True).stdout.strip()
    if not uv:
        sys.exit("bench: uv is not installed")
    return uv


class Run:
    """One command with its clock, CPU seconds and peak memory in MB."""

    def __init__(self, cmd, cwd, limit=LIMIT, env=None):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            start = time.perf_counter()
            p = subprocess.Popen(cmd, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
            timer = threading.Timer(limit, p.kill)
            timer.start()
            _, status, used = os.wait4(p.pid, 0)
            self.wall = time.perf_counter() - start
            timer.cancel()
            p.returncode = self.code = os.waitstatus_to_exitcode(status)
            self.cpu, self.memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
            out.seek(0), err.seek(0)
            self.out, self.err = out.read().decode(), err.read().decode()

    def must(self):
        if self.code:
            sys.exit(f"bench: exit {self.code}: {self.err.strip()}")
        return self


class Side:
    """The runs of one program for one row."""

    def __init__(self, runs):
        self.wall, self.cpu = (statistics.median(getattr(r, k) for r in runs) for k in ("wall", "cpu"))
        self.memory = max(r.memory for r in runs)


class Bench:
    def __init__(self, folder):
        self.dir, self.uv, self.missed = Path(folder), find_uv(), 0
        self.last_uv = None  # the last run of uv
        self.cache, self.uvcache = self.dir / "cache", self.dir / "uvcache"

    def ours(self, *args, cache=None):
        for lock in self.dir.glob("pylock*.toml"):
            lock.unlink()  # no version is kept
        return Run([WW, "lock", "--quiet", "--cache-dir", cache or self.cache, *args], self.dir)

    def theirs(self, requirements, python, *args, cache=None):
        (self.dir / "requirements.in").write_text("\n".join(requirements) + "\n")
        self.last_uv = Run([self.uv, "pip", "compile", "--quiet", "--no-config", "--python", sys.executable, "--only-binary", ":all:",
                    "--python-version", python, "--python-platform", "x86_64-manylinux_2_28", "--generate-hashes",
                    "--cache-dir", cache or self.uvcache, *args, "requirements.in"], self.dir)
        return self.last_uv

    def request(self, profile):
        text = subprocess.run([WW, "profiles", "show", profile], capture_output=True, text=True, check=True).stdout
        python = re.search(r'^python: "?([0-9.]+)', text, re.M)[1]
        # requires is a YAML list, one "- item" a line after its key.
        items = re.search(r"^requires:\n((?: *- .*\n)+)", text, re.M)[1]
        items = [re.sub(r"^ *- *|[\"']", "", line) for line in items.splitlines()]
        return [TORCH.get(profile.rsplit("_")[-1], i) if i == "torch" else i for i in items], python

    def turns(self, n, mine, yours, before=lambda: None):
        """Our runs and uv's in turn, after one of each that does not count."""
        sides = [], []
        for i in range(n + 1):
            before()
            pair = mine().must(), yours().must()
            for side, run in zip(sides, pair):
                if i or n == 1:
                    side.append(run)
        return Side(sides[0]), Side(sides[1])

    def row(self, work, ours, uv, times, memory=None):
        ratio = ours.wall / uv.wall
        ok = ratio <= times and (memory is None or ours.memory <= memory)
        self.missed += not ok
        bound = f"<= {times} x uv" + (f", {memory} MB" if memory else "")
        print(f"{work:<40} {ours.wall:8.3f} {uv.wall:8.3f} {ratio:6.2f} {ours.cpu:8.3f} {uv.cpu:8.3f}"
              f" {ours.memory:6.0f} {uv.memory:6.0f}   {bound:<20} {'ok' if ok else 'MISS'}", flush=True)

    def wipe(self):
        shutil.rmtree(self.cache, ignore_errors=True)
        shutil.rmtree(self.uvcache, ignore_errors=True)

    # Rows.

    def one(self):
        requires, python = self.request("ada_cu124")
        self.fill(["ada_cu124"], requires, python)
        self.row("ada_cu124, warm, --offline", *self.turns(
            RUNS, lambda: self.ours("--profile", "ada_cu124", "--offline"), lambda: self.theirs(requires, python, "--offline")), 0.5)

    def all(self):
        requires, python = self.request("ada_cu124")
        listed = subprocess.run([WW, "profiles", "list", "--json"], capture_output=True, text=True, check=True).stdout
        names = [p["name"] for p in json.loads(listed)]
        probe = self.ours("--all")
        every = ["--all"]
        if probe.code:  # an index of some profile is out of reach
            names = [n for n in names if self.ours("--profile", n).code == 0]
            every = ["--profile", ",".join(names)]
        self.fill(names, requires, python)
        self.row(f"{len(names)} profiles in one process, --offline", *self.turns(
            RUNS, lambda: self.ours(*every, "--offline"), lambda: self.theirs(requires, python, "--offline")), 1)

    def fill(self, profiles, requires, python):
        for p in profiles:
            self.ours("--profile", p)
        self.theirs(requires, python).must()

    def cold(self):
        requires, python = self.request("ada_cu124")
        self.row("ada_cu124, cold, the real index", *self.turns(
            COLD, lambda: self.ours("--profile", "ada_cu124"), lambda: self.theirs(requires, python), self.wipe), 0.5, 150)

    def freshest(self):
        requires, python = self.request("hopper_cu130")
        mine = lambda *a: self.ours("--profile", "hopper_cu130", *a)
        self.row("hopper_cu130 freshest, cold", *self.turns(COLD, mine, lambda: self.theirs(requires, python), self.wipe), 1)
        self.row("hopper_cu130 freshest, --offline", *self.turns(
            RUNS, lambda: mine("--offline"), lambda: self.theirs(requires, python, "--offline")), 2)

    def stale(self):
        requires, python = self.request("ada_cu124")
        trace = self.dir / "trace"
        self.fill(["ada_cu124"], requires, python)
        self.row("ada_cu124, warm, stale pages asked again", *self.turns(
            RUNS, lambda: self.ours("--profile", "ada_cu124"), lambda: self.theirs(requires, python)), 0.7)
        trace.unlink(missing_ok=True)
        self.ours("--profile", "ada_cu124", "--trace", trace).must()
        seen = Counter(line.split()[0] + " " + line.split()[-1] for line in trace.read_text().splitlines())
        print("    requests of one such run: " + ", ".join(f"{n} {what}" for what, n in seen.most_common()))

    def graphs(self):
        serve = self.dir / "serve"
        subprocess.run(["go", "build", "-o", serve, "./internal/graphs/serve"], cwd=ROOT, check=True)
        ours, uv, slowest = [], [], 0
        for path in sorted((ROOT / "testdata/graphs").glob("*.txt.gz")):
            server = subprocess.Popen([serve, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            url = server.stdout.readline().strip()
            with gzip.open(path, "rt") as f:
                lines = [line.rstrip("\n").split("\t") for line in f if line.startswith(("ask\t", "python\t"))]
            python = next(fields[1] for fields in lines if fields[0] == "python")
            asks = [fields[1:] for fields in lines if fields[0] == "ask"]
            for name, *requires in asks:
                (self.dir / "graph.yaml").write_text(f'name: graph\npython: "{python}"\nprefer: order\nrequires: {json.dumps(requires)}\n')
                mine = lambda: self.ours("--profile", "graph.yaml", "--index-url", url, "-o", "pylock.graph.toml")
                a, b = self.turns(COLD, mine, lambda: self.theirs(requires, python, "--index-url", url), self.wipe)
                same = self.differences()
                print(f"    {path.name.split('.')[0]}: {name:<28} {a.wall:8.3f} {b.wall:8.3f} {a.wall / b.wall:6.2f}"
                      f" {a.cpu:8.3f} {b.cpu:8.3f} {a.memory:6.0f} {b.memory:6.0f}   {same}", flush=True)
                ours.append(a), uv.append(b)
                slowest = max(slowest, a.wall)
            server.stdin.close()
            server.wait()
        self.row(f"{len(ours)} recorded graphs, cold, loopback, sum", Sum(ours), Sum(uv), 1, 200)
        self.missed += slowest > 20

    def differences(self):
        """How our last lock differs from what uv said last, under prefer: order."""
        lock = tomllib.loads((self.dir / "pylock.graph.toml").read_text())
        mine = {p["name"]: p["version"] for p in lock["packages"]}
        yours = dict(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==([^ \\;]+)", self.last_uv.out, re.M))
        plain = lambda v: re.sub(r"(\.0)+$", "", v or "")
        other = sorted(n for n in mine.keys() | yours.keys() if plain(mine.get(n)) != plain(yours.get(n)))
        if not other:
            return f"uv's {len(mine)} versions"
        some = ", ".join(f"{n} {mine.get(n, '-')} (uv {yours.get(n, '-')})" for n in other[:2])
        return f"{len(other)} of {len(mine)} differ: {some}"


class Sum:
    def __init__(self, sides):
        self.wall, self.cpu = sum(s.wall for s in sides), sum(s.cpu for s in sides)
        self.memory = max(s.memory for s in sides)


def main():
    every = ["one", "all", "cold", "freshest", "stale", "graphs"]
    rows = sys.argv[1:] or every
    if unknown := set(rows) - set(every):
        sys.exit(f"bench: no row {' '.join(sorted(unknown))}; one of: {' '.join(every)}")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(folder)
        version = subprocess.run([bench.uv, "--version"], capture_output=True, text=True).stdout.strip()
        print(f"{version}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; medians of {RUNS} runs, {COLD} cold")
        print(f"{'':<40} {'ours s':>8} {'uv s':>8} {'ratio':>6} {'our CPU':>8} {'uv CPU':>8} {'our MB':>6} {'uv MB':>6}   bound")
        for r in rows:
            getattr(bench, r)()
    sys.exit(1 if bench.missed else 0)


if __name__ == "__main__":
    main()
