#!/usr/bin/env python3
"""Record what CPython's packaging library answers, for the tests of solver/.

    python3 testdata/vectors/record.py [--seed 440] [--scale 2] [--out DIR]

The same seed, scale and packaging version give the same answers. --scale
multiplies the number of random cases (2: about 400,000 specifier checks). Every file is
one JSON object in gzip; the function that makes it tells its keys. Answers
come from packaging alone; nothing here knows what the Go code says.
"""
import argparse
import gzip
import io
import json
import os
import random
import sys

NEEDED = "26.3"
try:
    import packaging
except ImportError:
    sys.exit(f"CPython's packaging library is not installed, and it gives the answers: python3 -m pip install packaging=={NEEDED}")
if packaging.__version__ != NEEDED:
    sys.exit(f"packaging {packaging.__version__} is installed, and the answers are those of {NEEDED}: python3 -m pip install packaging=={NEEDED}")

sys.dont_write_bytecode = True
from requirements import markers, requirements
from versions import pep440
from wheeltags import tagfile


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--seed", type=int, default=440)
    ap.add_argument("--scale", type=int, default=2)
    ap.add_argument("--out", default=os.path.dirname(os.path.abspath(__file__)))
    args = ap.parse_args()
    for name, make in (("pep440", pep440), ("markers", markers), ("requirements", requirements), ("tags", tagfile)):
        data = {"packaging": packaging.__version__, "seed": args.seed, "scale": args.scale}
        data.update(make(random.Random(f"{args.seed} {name}"), args.scale))
        raw = io.BytesIO()
        with gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as f:
            f.write(json.dumps(data, separators=(",", ":"), ensure_ascii=True).encode())
        path = os.path.join(args.out, name + ".json.gz")
        with open(path + ".tmp", "wb") as f:
            f.write(raw.getvalue())
        os.replace(path + ".tmp", path)
        count = sum(len(g["v"]) * len(g["s"]) for g in data.get("groups", []))
        print(f"recorded {name}: {len(raw.getvalue())} bytes" + (f", {count} specifier checks" if count else ""), file=sys.stderr)


if __name__ == "__main__":
    main()
