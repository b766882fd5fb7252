#!/usr/bin/env python3
"""Reads what countproxy.py wrote, and what a docker-registry keeps on disk.

    uploads.py sent LOG [FROM]         bytes of blobs sent, from line FROM on
    uploads.py uploads LOG [FROM]      JSON: bytes sent, digests finished, uploads begun and not finished
    uploads.py whole DIR REPO DIGEST   the manifest and every blob of it lie in DIR with the bytes of their digests
    uploads.py layer LOCK NAME         size of the layer that holds a distribution, by the lock
"""
import hashlib
import json
import re
import sys
import tomllib
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


def read(log, start=0):
    for line in Path(log).read_text().splitlines()[int(start):]:
        r = json.loads(line)
        url = urlsplit(r["path"])
        r["upload"] = (re.search(r"/blobs/uploads/([^/]*)$", url.path) or [None, None])[1]
        r["digest"] = parse_qs(url.query).get("digest", [None])[0]
        yield r


def uploads(log, start=0):
    sent, finished, begun = 0, [], {}
    for r in read(log, start):
        if r["upload"] is None or r["method"] not in ("POST", "PATCH", "PUT"):
            continue
        sent += r["body"]
        if r["upload"]:
            begun[r["upload"]] = begun.get(r["upload"], 0) + r["body"]
        if r["digest"] and r["status"] == 201:
            finished.append(r["digest"])
            begun.pop(r["upload"], None)
    return {"sent": sent, "finished": finished, "unfinished": {u: n for u, n in begun.items() if n}}


def blob(folder, digest):
    data = Path(folder, "docker/registry/v2/blobs/sha256", digest[7:9], digest[7:], "data")
    with open(data, "rb") as f:
        if "sha256:" + hashlib.file_digest(f, "sha256").hexdigest() != digest:
            sys.exit(f"{digest}: other bytes")
    return data


def whole(folder, repo, digest):
    manifest = json.loads(blob(folder, digest).read_text())
    for d in [manifest["config"], *manifest["layers"]]:
        if blob(folder, d["digest"]).stat().st_size != d["size"]:
            sys.exit(f"{d['digest']}: another size")
        if not Path(folder, "docker/registry/v2/repositories", repo, "_layers/sha256", d["digest"][7:], "link").exists():
            sys.exit(f"{d['digest']}: not linked to {repo}")


def layer(lock, name):
    layers = tomllib.loads(Path(lock).read_text())["tool"]["wheelwright"]["image"]["layers"]
    sizes = [l["size"] for l in layers if any(m.split()[0] == name for m in l["members"])]
    if len(sizes) != 1:
        sys.exit(f"{len(sizes)} layers of {lock} hold {name}")
    return sizes[0]


def main():
    match sys.argv[1:]:
        case ["sent", *args]:
            print(uploads(*args)["sent"])
        case ["uploads", *args]:
            print(json.dumps(uploads(*args)))
        case ["whole", folder, repo, digest]:
            whole(folder, repo, digest)
        case ["layer", lock, name]:
            print(layer(lock, name))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
