"""Versions and version specifiers for record.py."""
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

OPS = ["~=", "==", "!=", "<=", ">=", "<", ">"]


def parsed(text):
    try:
        return Version(text)
    except InvalidVersion:
        return None


FIXED = """0 0.0 1 1.0 1.0.0.0 2.6.0 0.0.1 1.2.3 10.20.30.40 2024.10.0 3.11 1!1.0 1!0 2!2.6
1.0a1 1.0b2 1.0rc1 1.0.dev3 1.0a1.dev2 1.0a1.post2 1.0rc2.post1.dev3 1.0.post0 1.0.post1
1.0.post1.dev2 2.6.0+cu124 2.6.0+cu92 1.0+abc.1 1.0.post1+local.7 1!1.0.dev1 0.dev0 0a0
1.9 1.10 0.9.9 1.0.0rc0 4.51.3 2.0.0.post3 18446744073709551615 1.18446744073709551615""".split()


def random_version(r):
    n = lambda: str(r.choice([0, 0, 1, 1, 2, 3, 9, 10, 11, 99, 2024, r.randrange(10**6)]))
    v = ".".join(n() for _ in range(r.choice([1, 2, 2, 3, 3, 3, 4, 5])))
    if r.random() < 0.12:
        v = r.choice("0123") + "!" + v
    if r.random() < 0.3:
        v += r.choice(["a", "b", "rc"]) + n()
    if r.random() < 0.25:
        v += ".post" + n()
    if r.random() < 0.2:
        v += ".dev" + n()
    if r.random() < 0.15:
        v += "+" + local(r)
    return v


def local(r):
    return ".".join(r.choice(["cu124", "cu92", "abc", "0", "1", "10", "9", "ubuntu", "g1a2b", "20240101",
                              "123456789012345678901234567890"]) for _ in range(r.choice([1, 1, 2, 3])))


def respell(r, v):
    """Another spelling of the version v."""
    pub, _, loc = v.partition("+")
    out, rest = "", pub
    for word, others in (("rc", ["rc", "c", "pre", "preview", "RC", "Preview"]), ("a", ["a", "alpha", "A", "ALPHA"]),
                         ("b", ["b", "beta", "Beta"]), (".post", ["post", "rev", "r", "POST", "Rev"]),
                         (".dev", ["dev", "DEV", "Dev"])):
        i = rest.find(word)
        if i >= 0:
            tail = rest[i + len(word):]
            new = r.choice(["", ".", "-", "_"]) + r.choice(others) + r.choice(["", ".", "-", "_"])
            if word == ".post" and r.random() < 0.2:
                new = "-"
            if tail[:1] == "0" and (len(tail) == 1 or not tail[1].isdigit()) and r.random() < 0.5 and new != "-":
                tail = tail[1:]
            out, rest = out + rest[:i] + new, tail
    s = out + rest
    if loc:
        s += "+" + "".join(r.choice([".", "-", "_"]) if c == "." else r.choice([c, c.upper()]) for c in loc)
    if r.random() < 0.2:
        s = r.choice("vV") + s
    if r.random() < 0.15:
        s = r.choice([" ", "\t", "\n ", "\x1f", "\u3000"]) + s + r.choice(["", " ", "\r\n"])
    return s


def neighbours(r, base):
    """Versions at and around every boundary that a specifier on base can have."""
    v = parsed(base)
    rel, ep = list(v.release), f"{v.epoch}!" if v.epoch else ""
    dot = lambda ns: ep + ".".join(map(str, ns))
    up, down = rel[:-1] + [rel[-1] + 1], rel[:-1] + [max(rel[-1] - 1, 0)]
    stem = v.public
    trees = [dot(rel), dot(rel + [0]), dot(rel + [0, 0]), dot(rel + [1]), dot(rel + [0, 1]), dot(up), dot(down), stem]
    if len(rel) > 1:
        trees += [dot(rel[:-1]), dot(rel[:-2] + [rel[-2] + 1]), dot(rel[:-2] + [rel[-2] + 1, 0]), dot(rel[:-2] + [max(rel[-2] - 1, 0), rel[-1]])]
    if all(x == 0 for x in rel[1:]):
        trees.append(dot(rel[:1]))
    ends = ["", ".dev0", ".dev1", "a0", "a1", "a1.dev1", "b1", "rc1", "rc1.post1", "rc1.post1.dev0", ".post0", ".post0.dev0",
            ".post1", ".post1.dev0", ".post1.dev1", ".post2", "+1", "+abc", "+abc.1", "+cu124", ".post1+x", "a1+x", ".dev1+x"]
    out = {base: None, v.public: None, v.base_version: None}
    for t in trees:
        for e in ends:
            if t in (dot(rel), stem) or r.random() < 0.22:
                out[t + e] = None
    for k, name in ((v.pre, "pre"), (v.post, "post"), (v.dev, "dev")):
        if k is not None:
            n = k[1] if name == "pre" else k
            for m in (n + 1, max(n - 1, 0)):
                s = (k[0] + str(m)) if name == "pre" else f".{name}{m}"
                out[v.base_version + s] = out[v.base_version + s + "+z"] = out[v.base_version + s + ".dev4"] = None
    out["1!" + v.base_version.split("!")[-1]] = out[v.base_version.split("!")[-1]] = None
    good = [s for s in out if parsed(s) is not None and max(parsed(s).release) < 2**64]
    return [respell(r, s) if r.random() < 0.25 else s for s in good if parsed(s)]


def specifiers(r, base, near):
    v = parsed(base)
    out = {}

    def add(s):
        try:
            SpecifierSet(s).contains(Version("1"))
            out.setdefault(s)
        except InvalidSpecifier:
            pass

    for op in OPS:
        gap = r.choice(["", "", " ", "  ", "\t"])
        for s in (base, v.public, v.base_version, v.base_version + ".0", respell(r, v.public), v.base_version + ".dev0",
                  v.base_version + "a1", v.base_version + ".post1", r.choice(near), r.choice(near)):
            add(op + gap + s.strip())
    rel = v.base_version
    for op in ("==", "!="):
        for s in (rel, rel + ".0", rel.rpartition(".")[0] or rel, "v" + rel, rel.split(".")[0], r.choice(near).strip()):
            add(op + s + ".*")
    for s in (base, str(v), r.choice(near).strip(), base.upper(), "not.a.version", ""):
        add("===" + s)
    single = list(out)
    for _ in range(12):
        add(r.choice([",", ", ", " ,", ",,"]).join(r.choice(single) for _ in range(r.choice([2, 2, 3]))) + r.choice(["", ",", " "]))
    return list(out)


def mutate(r, s):
    alphabet = "0123456789.-_+!*abcrdevpostv ~=<>,;()\t\nABCé"
    for _ in range(r.choice([1, 1, 2, 3])):
        i, how = r.randrange(len(s) + 1), r.random()
        if how < 0.4:
            s = s[:i] + r.choice(alphabet) + s[i:]
        elif how < 0.7:
            s = s[:i] + s[i + 1:]
        else:
            s = s[:i] + r.choice(alphabet) + s[i + 1:]
    return s


INVALID = ["", " ", ".", "1.", ".1", "1..2", "1.0.", "french toast", "1.0+a+", "1.0++", "1.0+_foobar", "1.0+foo&asd", "1.0+1+1",
           "1.0-", "1.0a-", "1.0.post-", "1.0dev-", "1.0a.", "1.0-.1", "1.0--1", "v", "vv1", "v 1", "1!", "!1", "1!!2", "1!2!3",
           "1.0-1-1", "1.0-1.post1", "1.0.dev1.post1", "1.0.dev1a1", "1.0.post1a1", "1 .0", "1.0 a1", "1.0+", "1.0+a..b", "1.0+a.",
           "1.0-0", "1.0-00", "1.0a-1", "1.0a-1-1", "1.0rc-1", "1.0r1", "1.0c1", "1.0preview", "1.0.x", "1,0", "１.0", "1.0+é",
           "1.0a.post.dev", "1.0alphabeta", "1.0ab", "00.01", "1.0a01", "1.0+001.0a", "1.0\x1f", "\x851.0", "1.0\u200b"]


def pep440(r, scale):
    """pep440.json.gz: groups: [{v: versions, s: specifier sets, t: their str(),
    m: per set a hex number whose bit i (lowest first) is "contains v[i]"}];
    texts: [[text, normalised or null, flags]] (flags: p pre-release, o post,
    d dev); order: texts sorted, each with "<" or "=" against the one before;
    sets: [[text, str() or null]]."""
    groups = []
    for i in range(19 * scale):
        base = FIXED[i] if i < len(FIXED) else random_version(r)
        near = neighbours(r, base)
        versions = [Version(s) for s in near]
        sets = specifiers(r, base, near)
        masks = []
        for s in sets:
            ss = SpecifierSet(s)
            masks.append("%x" % sum(1 << k for k, v in enumerate(versions) if ss.contains(v, prereleases=True)))
        groups.append({"v": near, "s": sets, "t": [str(SpecifierSet(s)) for s in sets], "m": masks})
    pool = FIXED + [random_version(r) for _ in range(700 * scale)]
    texts = dict.fromkeys(INVALID)
    for v in pool:
        texts[r.choice([v, respell(r, v)])] = None
        texts[mutate(r, respell(r, v))] = None
    recorded, valid = [], []
    for s in texts:
        v = parsed(s)
        if v is not None:
            numbers = [v.epoch, *v.release, v.post or 0, v.dev or 0, v.pre[1] if v.pre else 0]
            if max(numbers) >= 2**64:
                continue
            valid.append(s)
        flags = "" if v is None else "p" * v.is_prerelease + "o" * v.is_postrelease + "d" * v.is_devrelease
        recorded.append([s, None if v is None else str(v), flags])
    valid += [s for s in neighbours(r, "1.0") + neighbours(r, "1.0rc1.post2.dev3")]
    valid.sort(key=lambda s: (Version(s), s))
    order = [[s, "<" if i == 0 or Version(valid[i - 1]) < Version(s) else "="] for i, s in enumerate(valid)]
    sets = {}
    for _ in range(900 * scale):
        s = r.choice(OPS + ["==="]) + r.choice(["", " "]) + respell(r, random_version(r)).strip() + r.choice(["", "", "", ".*"])
        if r.random() < 0.3:
            s += r.choice([",", " , "]) + r.choice(OPS) + random_version(r)
        for t in (s, mutate(r, s)):
            if not t.strip().startswith("("):
                sets[t] = None
    out = []
    for s in sets:
        try:
            ss = SpecifierSet(s)
            [x._canonical_spec for x in ss]
            out.append([s, str(ss)])
        except InvalidSpecifier:
            out.append([s, None])
        except AssertionError:  # packaging lets letters with odd case folding through and fails later
            continue
    return {"groups": groups, "texts": recorded, "order": order, "sets": out}
