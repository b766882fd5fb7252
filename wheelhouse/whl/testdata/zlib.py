#!/usr/bin/env python3
"""Writes zlib.txt: deflate streams, most of them damaged, and what zlib makes
of each: `HEX ok CRC32 LENGTH CONSUMED`, `HEX cut` or `HEX bad REASON`."""
import random
import zlib

rnd = random.Random(5)


def verdict(raw):
    d = zlib.decompressobj(-15)
    try:
        out = d.decompress(raw)
    except zlib.error as e:
        return "bad " + str(e).split(": ", 1)[1]
    if not d.eof:
        return "cut"
    return f"ok {zlib.crc32(out):08x} {len(out)} {len(raw) - len(d.unused_data)}"


def packed(data, level, strategy):
    c = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return c.compress(data) + c.flush()


texts = [b"", b"a", b"abcabcabc" * 9, bytes(range(256)), bytes(rnd.choices(b"etaoin shrdlu\n", [2**i for i in range(14)], k=400)),
         bytes(rnd.choices(range(256), [1 + 99 * (i < 9) for i in range(256)], k=300)), b"\0" * 700]
streams = [packed(t, l, s) for t in texts for l, s in ((0, 0), (1, 0), (9, 0), (6, 2), (6, 3), (6, 4))]
seen = set()
for i in range(1400):
    raw = bytearray(rnd.choice(streams))
    what = rnd.randrange(5)
    if what == 0:
        del raw[rnd.randrange(len(raw)):]
    elif what == 1:
        raw += rnd.randbytes(rnd.randrange(1, 5))
    elif what == 4:
        raw = bytearray([rnd.randrange(256) & ~2 | 4]) + bytearray(rnd.randbytes(rnd.randrange(60)))
    else:
        for _ in range(rnd.randrange(1, 4)):
            raw[rnd.randrange(min(len(raw), rnd.choice((4, 40, 1000))))] ^= 1 << rnd.randrange(8)
    seen.add(bytes(raw[:500]))
with open("zlib.txt", "w") as f:
    for raw in sorted(seen | set(s for s in streams if len(s) < 500)):
        f.write(f"{raw.hex() or '-'} {verdict(raw)}\n")
