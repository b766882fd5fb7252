#!/usr/bin/env python3
"""Lists a file tree, a line each, sorted by path: type, mode, uid, gid, time,
size, sha256 or link target. Two unpackings are the same where their lists are.

    scripts/listing.py DIR|-       - is a tar stream (of a flattened image)

Directories have no size and no time: file systems and readers differ there.
Hard links are files like others. Names a container engine puts there itself
(/dev, /proc, /sys, /run/.containerenv) have to be taken out by the caller.
"""
import hashlib
import os
import stat
import sys
import tarfile

KINDS = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l", stat.S_IFCHR: "c", stat.S_IFBLK: "b", stat.S_IFIFO: "p"}


def line(path, kind, mode, uid, gid, mtime, size, what):
    if kind == "d":
        mtime = size = "-"
    return f"{path!r} {kind} {mode & 0o7777:04o} {uid}:{gid} {mtime} {size} {what}"


def digest(f):
    return hashlib.file_digest(f, "sha256").hexdigest()


def folder(top):
    for at, dirs, files in os.walk(top):
        for name in dirs + files + ([""] if at == top else []):
            full = os.path.join(at, name) if name else at
            st = os.lstat(full)
            kind, what, size = KINDS[stat.S_IFMT(st.st_mode)], "", st.st_size
            if kind == "f":
                with open(full, "rb") as f:
                    what = digest(f)
            elif kind == "l":
                what = os.readlink(full)
            elif kind in "cb":
                what, size = f"{os.major(st.st_rdev)}:{os.minor(st.st_rdev)}", 0
            yield os.path.relpath(full, top), line("/" + os.path.relpath(full, top), kind, st.st_mode, st.st_uid, st.st_gid, int(st.st_mtime), size, what)


def stream(file):
    seen, links = {}, []
    with tarfile.open(fileobj=file, mode="r|") as tar:
        for m in tar:
            path, what = os.path.normpath(m.name.lstrip("/") or "."), ""
            kind = {tarfile.REGTYPE: "f", tarfile.AREGTYPE: "f", tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l", tarfile.LNKTYPE: "h",
                    tarfile.CHRTYPE: "c", tarfile.BLKTYPE: "b", tarfile.FIFOTYPE: "p"}[m.type]
            size = m.size
            if kind == "f":
                what = digest(tar.extractfile(m))
            elif kind == "l":
                what, size = m.linkname, len(m.linkname.encode())
            elif kind in "cb":
                what, size = f"{m.devmajor}:{m.devminor}", 0
            elif kind == "h":
                links.append((path, os.path.normpath(m.linkname.lstrip("/"))))
                continue
            seen[path] = (kind, m.mode, m.uid, m.gid, int(m.mtime), size, what)
    for path, to in links:
        seen[path] = seen[to]
    for path, rest in seen.items():
        yield path, line("/" + path, *rest)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = stream(sys.stdin.buffer) if sys.argv[1] == "-" else folder(sys.argv[1])
    for _, text in sorted(rows):
        print(text)


if __name__ == "__main__":
    main()
