#!/usr/bin/env python3
"""`prefer: freshest` beside `prefer: order` beside uv, for every shipped
profile that can be solved: the version of each direct requirement, for how many
days it has been superseded, and the sum.

    scripts/wishes.py [PROFILE…]

Needs what scripts/bench.py needs. uv's choice is measured by our own rule: its
lock is put where ours would stand, `lock --json` keeps its versions and tells
their lags. INDEX118 (a URL or folder) replaces turing_cu118's own index, which
uv is not given: it gets the default index's build of the same torch.
"""
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import Bench, WW

INDEX118 = os.environ.get("INDEX118", "")


def lock(folder, profile, *args):
    extra = ["--index", f"pytorch-cu118={INDEX118}"] if INDEX118 and "cu118" in profile else []
    p = subprocess.run([WW, "lock", "--quiet", "--json", "--profile", profile, "-o", "pylock.toml", *extra, *args],
                       cwd=folder, capture_output=True, text=True)
    if p.returncode:
        sys.exit(f"wishes: {profile}: {p.stderr.strip()}")
    return json.loads(p.stdout)[0]


def show(label, report, also=""):
    lags = {l["name"]: l for l in report["lags"]}
    cells = [f"{n} {l['version']} ({l['superseded'] // 86400})" for n, l in lags.items()]
    total = sum(l["superseded"] for l in lags.values()) // 86400
    print(f"  {label:<9} {total:>4} days   {', '.join(cells)}{also}", flush=True)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        b = Bench(tmp)
        listed = json.loads(subprocess.run([WW, "profiles", "list", "--json"], capture_output=True, text=True, check=True).stdout)
        for profile in sys.argv[1:] or [r["name"] for r in listed if not r.get("refused")]:
            print(profile)
            plain = Path(tmp, f"{profile}-order.yaml")
            plain.write_text(f"name: {profile}-order\nextends: {profile}\nprefer: order\nrequires: []\n")
            at = Path(tmp, "pylock.toml")
            for label, which in ("freshest", profile), ("order", str(plain)):
                at.unlink(missing_ok=True)
                r = lock(tmp, which)
                s = r["searched"]
                show(label, r, f"; {s['solves']} solves, {s['cores']} cores" if label == "freshest" else "")
            requires, python = b.request(profile)
            if "cu118" in profile:
                requires = ["torch==2.7.1" if q.startswith("torch") else q for q in requires]
            at.unlink(missing_ok=True)
            if b.theirs(requires, python, "--format", "pylock.toml", "--output-file", "pylock.toml").code:
                print("  uv        " + b.last_uv.err.strip().splitlines()[-1])
                continue
            show("uv", lock(tmp, profile))


if __name__ == "__main__":
    main()
