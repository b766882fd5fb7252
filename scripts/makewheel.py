#!/usr/bin/env python3
"""Writes a wheel for the live scripts: the same arguments, the same bytes.

    scripts/makewheel.py DIR NAME VERSION [--size BYTES] [--requires REQ]… [--odd]

--size is about what the wheel weighs, of data that deflate shortens a little;
--odd adds what unpackers stumble over: names beyond 100 and 255 bytes, names
that are no ASCII, empty files, executables, stored members, zip64 and data
descriptors, .data schemes and entry points.
"""
import argparse
import base64
import hashlib
import io
import random
import zipfile
from pathlib import Path

PART = 8 << 20


class Unseekable(io.RawIOBase):
    """Hides seek, so that zipfile writes data descriptors."""

    def __init__(self, f):
        self.f = f

    def writable(self):
        return True

    def write(self, data):
        return self.f.write(data)


class Wheel:
    def __init__(self, file):
        self.zip, self.record = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1), []

    def add(self, name, data, mode=0o644, stored=False, zip64=False):
        info = zipfile.ZipInfo(name, (2020, 2, 2, 2, 2, 2))
        info.external_attr = (0o100000 | mode) << 16
        info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
        with self.zip.open(info, "w", force_zip64=zip64) as f:
            f.write(data)
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        self.record.append(f'{name},sha256={digest},{len(data)}' if "," not in name else f'"{name}",sha256={digest},{len(data)}')

    def close(self, info):
        self.add(f"{info}/RECORD", ("\n".join(self.record + [f"{info}/RECORD,,", ""])).encode())
        self.zip.close()


def noise(seed, size):
    """Bytes of six random bits each: deflate takes a quarter off."""
    rng, table = random.Random(seed), bytes(b & 0x3F | 0x40 for b in range(256))
    while size > 0:
        n = min(size, PART)
        yield rng.randbytes(n).translate(table)
        size -= n


def odd(w, name):
    text = f"# {name}\n".encode() * 2000
    w.add(f"{name}/{'d' * 60}/{'f' * 90}.py", text)  # beyond 100 bytes, splits into a ustar prefix
    w.add(f"{name}/{'long' * 50}.py", text)  # one name of 203
    w.add(f"{name}/" + "/".join(["deep" * 15] * 6) + "/file.txt", b"deep\n")
    w.add(f"{name}/naïve-файл-文.txt", "ü".encode() * 9000)
    w.add(f"{name}/empty.txt", b"")
    w.add(f"{name}/with space, comma.txt", b"x\n")
    w.add(f"{name}/bin/tool", b"#!/bin/sh\necho tool\n", mode=0o755)
    w.add(f"{name}/stored.bin", bytes(range(256)) * 64, stored=True)
    w.add(f"{name}/zip64.bin", bytes(range(256)) * 4096, zip64=True)
    w.add(f"{name}/setuid", b"#!/bin/sh\n", mode=0o4777)
    data = f"{name}-1.0.data"
    w.add(f"{data}/scripts/{name}-script", b"#!python\nprint('script')\n", mode=0o755)
    w.add(f"{data}/data/share/{name}/data.txt", b"data\n")
    w.add(f"{data}/purelib/{name}_pure.py", b"PURE = 1\n")
    w.add(f"{data}/headers/{name}.h", b"#define X 1\n")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("dir", type=Path), ap.add_argument("name"), ap.add_argument("version")
    ap.add_argument("--size", type=int, default=0), ap.add_argument("--requires", action="append", default=[])
    ap.add_argument("--odd", action="store_true")
    a = ap.parse_args()
    name, info = a.name.replace("-", "_"), f"{a.name.replace('-', '_')}-{a.version}.dist-info"
    if a.odd and a.version != "1.0":
        ap.error("--odd is for version 1.0")
    a.dir.mkdir(parents=True, exist_ok=True)
    path = a.dir / f"{name}-{a.version}-py3-none-any.whl"
    with open(path, "wb") as f:
        w = Wheel(Unseekable(f) if a.odd else f)
        w.add(f"{name}/__init__.py", f'VERSION = "{a.version}"\n\n\ndef main():\n    print(VERSION)\n'.encode())
        for i, part in enumerate(noise(f"{name} {a.version}", a.size * 4 // 3)):
            w.add(f"{name}/part{i}.bin", part)
        if a.odd:
            odd(w, name)
            w.add(f"{info}/entry_points.txt", f"[console_scripts]\n{name}-run = {name}:main\n".encode())
        requires = "".join(f"Requires-Dist: {r}\n" for r in a.requires)
        w.add(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {a.name}\nVersion: {a.version}\n{requires}".encode())
        w.add(f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: makewheel\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        w.close(info)
    print(path)


if __name__ == "__main__":
    main()
